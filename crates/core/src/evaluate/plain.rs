//! Operands that are text and nothing else: no server reads a number or a moment in them, so that a field which they are compared with
//! holds text, whatever a row of it looks like.

use std::str::FromStr;

/// What the words of times are made of: `today`, `LAST_WEEK`, `startOfMonth()`.
const PARTS: &str =
    "day week month year quarter hour minute second tomorrow night noon morning evening";
/// Other words that a server may take for a time, and names of months and days.
const WORDS: &str = "now ago last next this past soon later before after since never ever always epoch infinity utc gmt january \
    february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec \
    mon tue wed thu fri sat sun";
/// Up to how many letters beside digits may be a part of a time or a number: `T`, `Z`, `pm`, `th`.
const SIGN: usize = 2;

/// Whether no server reads a number or a moment in this text. Where there are digits, a word that is none of times shows it; else
/// that there is no such word.
pub(super) fn is_plain(text: &str) -> bool {
    if f64::from_str(text.trim()).is_ok() {
        return false;
    }
    let lower = text.to_lowercase();
    let mut words = lower
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty());
    let is_of_time = |word: &str| {
        WORDS.split(' ').any(|known| known == word)
            || PARTS.split(' ').any(|part| word.contains(part))
    };
    match text.contains(char::is_numeric) {
        true => words.any(|word| word.chars().count() > SIGN && !is_of_time(word)),
        false => !words.any(is_of_time),
    }
}

/// Whether no spelling of a date and a time has this text as a part: it has a letter that none of them has.
pub(super) fn is_in_no_instant(text: &str) -> bool {
    text.contains(|letter: char| letter.is_alphabetic() && !"tTzZ".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_number_or_a_moment_is_not_plain() {
        for text in [
            "Bob",
            "o",
            "",
            "-",
            "in stock",
            "Bob 2",
            "v1 (final)",
            "Straße",
            "1.0 EUR",
            "Müller 3",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "7",
            "1e5",
            "inf",
            "NaN",
            "2024-01-01",
            "1/2/2024",
            "January 1, 2024",
            "1 Jan",
            "2024-01-01T10",
            "10:30 pm",
            "1st",
            "today",
            "LAST_WEEK",
            "startOfMonth()",
            "a day",
            "soon",
            "now-1h",
            "3 days ago",
            "Monday",
            "20 %",
            "٣",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
