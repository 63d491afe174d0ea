//! Reading `#[name(key, key = value, key(..))]`, and what to say about a key that nobody knows.

use django_api_orm_nearest::did_you_mean;
use proc_macro2::TokenTree;
use syn::{LitStr, Token, ext::IdentExt, meta::ParseNestedMeta, parse::ParseStream};

/// The key of one entry, as it was written.
pub(crate) fn name(meta: &ParseNestedMeta<'_>) -> String {
    let parts: Vec<String> = meta
        .path
        .segments
        .iter()
        .map(|segment| segment.ident.unraw().to_string())
        .collect();
    parts.join("::")
}

/// Skips what is left of an entry, so that the next one is read whatever this one holds.
pub(crate) fn skip_rest(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// The entry is a key alone.
pub(crate) fn flag(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        Ok(())
    } else {
        Err(meta.error(format!("`{}` takes no value", name(meta))))
    }
}

/// The entry is `key = "text"`. The example shows in the error what is expected.
pub(crate) fn text(meta: &ParseNestedMeta<'_>, example: &str) -> syn::Result<LitStr> {
    value(meta, example)
}

/// The entry is `key = value`.
pub(crate) fn value<T: syn::parse::Parse>(
    meta: &ParseNestedMeta<'_>,
    example: &str,
) -> syn::Result<T> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(format!("expected `{example}`")));
    }
    let value = meta.value()?;
    let span = value.span();
    value
        .parse()
        .map_err(|_| syn::Error::new(span, format!("expected `{example}`")))
}

/// ``; did you mean `x`?`` where one of the known words is close, else all of them.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    did_you_mean(word, known.iter().copied())
        .unwrap_or_else(|| format!("; expected {}", list(known)))
}

/// `` `a`, `b` or `c` ``
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_words_are_suggested_and_others_are_not() {
        let known = ["endpoint", "lookup_field", "nested"];
        assert_eq!(suggestion("endpiont", &known), "; did you mean `endpoint`?");
        assert_eq!(
            suggestion("lookupField", &known),
            "; did you mean `lookup_field`?"
        );
        assert_eq!(
            suggestion("table", &known),
            "; expected `endpoint`, `lookup_field` or `nested`"
        );
        assert_eq!(list(&["a"]), "`a`");
    }
}
