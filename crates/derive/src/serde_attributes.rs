//! What serde's own attributes say about names and directions. Mistakes in them are serde's to report, not ours.

use proc_macro2::Span;
use syn::{Attribute, LitStr, Token, meta::ParseNestedMeta, spanned::Spanned};

use crate::{errors::Errors, keys, rename::Rename};

/// A thing that serde lets differ between writing and reading.
struct Both<T> {
    serialize: Option<T>,
    deserialize: Option<T>,
    span: Span,
}

impl<T> Default for Both<T> {
    fn default() -> Self {
        Self {
            serialize: None,
            deserialize: None,
            span: Span::call_site(),
        }
    }
}

/// `#[serde(..)]` on the struct.
#[derive(Default)]
pub(crate) struct Container {
    rename_all: Both<LitStr>,
}

/// `#[serde(..)]` on a field.
#[derive(Default)]
pub(crate) struct Field {
    rename: Both<LitStr>,
    skip: bool,
    pub(crate) skip_serializing: bool,
    pub(crate) skip_deserializing: bool,
    pub(crate) flatten: bool,
}

/// Keys that give a struct another shape on the wire than its fields, and what that shape is.
const OTHER_SHAPES: [(&str, &str); 7] = [
    (
        "transparent",
        "the row would be the value of its only field",
    ),
    ("tag", "the row would have a key that is not a field"),
    ("untagged", "the row would have one of several shapes"),
    ("from", "rows would be read as another type"),
    ("try_from", "rows would be read as another type"),
    ("into", "rows would be written as another type"),
    ("remote", "serde would be implemented for another type"),
];

impl Container {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut container = Self::default();
        for_each_key(attrs, |key, meta| {
            if key == "rename_all" {
                container.rename_all = both(meta)?;
            } else if let Some((_, shape)) = OTHER_SHAPES.iter().find(|(other, _)| *other == key) {
                errors.on(
                    &meta.path,
                    format!("`#[serde({key})]` cannot be used on a model: {shape}, and `F` would name fields that the server does not have"),
                );
            }
            Ok(())
        });
        let Both {
            serialize,
            deserialize,
            span,
        } = &container.rename_all;
        if rule(serialize.as_ref()) != rule(deserialize.as_ref()) {
            errors.at(*span, "fields are written by one rule and read by another; a filter needs one name: use the same rule for both");
        }
        container
    }
}

fn rule(text: Option<&LitStr>) -> Rename {
    text.map(|text| Rename::parse(&text.value()))
        .unwrap_or_default()
}

impl Field {
    pub(crate) fn parse(attrs: &[Attribute]) -> Self {
        let mut field = Self::default();
        for_each_key(attrs, |key, meta| {
            match key {
                "rename" => field.rename = both(meta)?,
                "skip" => field.skip = true,
                "skip_serializing" => field.skip_serializing = true,
                "skip_deserializing" => field.skip_deserializing = true,
                "flatten" => field.flatten = true,
                _ => {}
            }
            Ok(())
        });
        field
    }

    /// Whether serde neither writes nor reads the field.
    pub(crate) fn is_skipped(&self) -> bool {
        self.skip || (self.skip_serializing && self.skip_deserializing)
    }

    /// The field's name on the wire. Where reading and writing use different names, the error says so.
    pub(crate) fn wire_name(&self, rust: &str, container: &Container) -> syn::Result<String> {
        let name = |rename: Option<&LitStr>, all: Rename| match rename {
            Some(name) => name.value(),
            None => all.apply(rust),
        };
        let written = name(
            self.rename.serialize.as_ref(),
            rule(container.rename_all.serialize.as_ref()),
        );
        let read = name(
            self.rename.deserialize.as_ref(),
            rule(container.rename_all.deserialize.as_ref()),
        );
        if self.skip_deserializing {
            return Ok(written);
        }
        // Where the rules of the struct differ, that was reported there.
        let renamed = self.rename.serialize.is_some() || self.rename.deserialize.is_some();
        if self.skip_serializing || written == read || !renamed {
            return Ok(read);
        }
        Err(syn::Error::new(
            self.rename.span,
            format!(
                "field `{rust}` is written as `{written}` but read as `{read}`; a filter needs one name: use the same for both, \
                 and `#[serde(alias = \"..\")]` to read another one too"
            ),
        ))
    }
}

/// `= "x"`, or `(serialize = "x", deserialize = "y")`.
fn both(meta: &ParseNestedMeta<'_>) -> syn::Result<Both<LitStr>> {
    let span = meta.path.span();
    if meta.input.peek(Token![=]) {
        let text: LitStr = meta.value()?.parse()?;
        return Ok(Both {
            serialize: Some(text.clone()),
            deserialize: Some(text),
            span,
        });
    }
    let mut both = Both {
        span,
        ..Both::default()
    };
    meta.parse_nested_meta(|meta| {
        match keys::name(&meta).as_str() {
            "serialize" => both.serialize = Some(meta.value()?.parse()?),
            // serde lets `deserialize` stand several times; the first is the name, the others are aliases.
            "deserialize" if both.deserialize.is_none() => {
                both.deserialize = Some(meta.value()?.parse()?);
            }
            _ => keys::skip_rest(meta.input)?,
        }
        Ok(())
    })?;
    Ok(both)
}

fn for_each_key(
    attrs: &[Attribute],
    mut visit: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // A malformed attribute is reported by serde's derive; twice would not help.
        let _ = attr.parse_nested_meta(|meta| {
            visit(&keys::name(&meta), &meta)?;
            keys::skip_rest(meta.input)
        });
    }
}
