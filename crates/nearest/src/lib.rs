//! Which known name a misspelt one was meant to be. A crate of its own, because the derive and the core both ask, and a macro
//! that is built for the compiler should not build the core for it.
#![forbid(unsafe_code)]

use strsim::damerau_levenshtein;

/// The known name that is nearest to a misspelt one, if one is near: one letter may be wrong, or one of every four; or words are
/// missing at the end, as in `created` for `created_at`. Case is ignored.
///
/// ```
/// # use django_api_orm_nearest::nearest;
/// assert_eq!(nearest("emial", ["name", "email"]), Some("email"));
/// assert_eq!(nearest("age", ["name", "email"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .filter_map(|name| {
            let known = name.to_lowercase();
            let distance = damerau_levenshtein(&wrong, &known);
            let is_cut_short = (known.strip_prefix(&wrong))
                .is_some_and(|rest| !wrong.is_empty() && rest.starts_with('_'));
            let is_near = is_cut_short || distance <= (known.len().min(wrong.len()) / 4).max(1);
            is_near.then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean …?`, to be put behind an error, or nothing.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, known).map(|name| format!("; did you mean `{name}`?"))
}

/// Whether the word is longer than two letters and one letter away from a known one.
pub fn is_one_letter_off<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> bool {
    let mut known = known.into_iter();
    word.len() > 2 && known.any(|known| damerau_levenshtein(word, known) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_named() {
        let known = ["id", "endpoint", "lookup_field"];
        for (wrong, meant) in [
            ("endpiont", Some("endpoint")),
            ("lookupField", Some("lookup_field")),
            ("idd", Some("id")),
            ("lookup", Some("lookup_field")),
            ("look", None),
            ("if", Some("id")),
            ("of", None),
            ("table", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), meant, "{wrong}");
        }
        assert_eq!(nearest("ab", ["abc", "ab"]), Some("ab"), "the nearest");
        assert_eq!(
            did_you_mean("ende", ["end"]).as_deref(),
            Some("; did you mean `end`?")
        );
    }

    #[test]
    fn one_letter() {
        assert!(is_one_letter_off("gtee", ["lt", "gte"]));
        assert!(!is_one_letter_off("gte", ["gte"]) && !is_one_letter_off("it", ["lt"]));
    }
}
