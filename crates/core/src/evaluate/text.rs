//! Text lookups: `contains`, `istartswith`, `iexact` and their kin.
//!
//! Case is ignored by full Unicode lower-casing, character by character, with the final sigma `ς` taken for `σ`. Databases
//! differ for a few characters (`ß`, `ẞ` and `SS`, `ı` and `I`, `ſ` and `S`): some compare upper-cased text. So the text is
//! compared upper-cased too, and where the two answers differ the result is not known.

use std::cmp::Ordering;

/// Where the operand must lie in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    Anywhere,
    Start,
    End,
}

/// A text lookup with its operand.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    place: Place,
    operand: String,
    /// The operand in both foldings, unless case counts.
    folded: Option<(String, String)>,
    case: Case,
}

/// What the case of letters means to a text lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Counts,
    Ignored,
    /// Some databases ignore it and some do not: text that differs only there is not decided.
    Unknown,
}

impl Pattern {
    pub(super) fn new(place: Place, operand: &str, case: Case) -> Self {
        let folded = (case != Case::Counts).then(|| (lower(operand), upper_then_lower(operand)));
        Self {
            place,
            operand: operand.to_owned(),
            folded,
            case,
        }
    }

    /// Whether the text matches; `None` where databases differ.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
        match self.case {
            Case::Counts | Case::Ignored => self.matches_folded(text),
            Case::Unknown if lies(self.place, text, &self.operand) => Some(true),
            Case::Unknown => self.matches_folded(text).filter(|matches| !matches),
        }
    }

    fn matches_folded(&self, text: &str) -> Option<bool> {
        let Some((lowered, uppered)) = &self.folded else {
            return Some(lies(self.place, text, &self.operand));
        };
        if text.is_ascii() && self.operand.is_ascii() {
            return Some(lies_ignoring_ascii_case(self.place, text, &self.operand));
        }
        let narrow = lies(self.place, &lower(text), lowered);
        (narrow == lies(self.place, &upper_then_lower(text), uppered)).then_some(narrow)
    }

    /// The operand as it was given.
    pub(super) fn operand(&self) -> &str {
        &self.operand
    }
}

/// Whether two texts are equal to every database; `None` where only case tells them apart.
pub(super) fn equal_in_any_collation(left: &str, right: &str) -> Option<bool> {
    if left == right {
        return Some(true);
    }
    (lower(left) != lower(right) && upper_then_lower(left) != upper_then_lower(right))
        .then_some(false)
}

/// The order of two texts where every database agrees: those that compare code points and those that, as a dictionary
/// does, look at ASCII letters and digits first and ignore case.
pub(super) fn order_in_any_collation(left: &str, right: &str) -> Option<Ordering> {
    let by_code_point = left.cmp(right);
    if by_code_point == Ordering::Equal {
        return Some(by_code_point);
    }
    let words = |text: &str| {
        lower(text)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<Vec<_>>()
    };
    let (left, right) = (words(left), words(right));
    let by_word = match left.iter().zip(&right).find(|(left, right)| left != right) {
        Some((left, right)) if left.is_ascii() && right.is_ascii() => left.cmp(right),
        Some(_) => return None,
        None => left.len().cmp(&right.len()),
    };
    (by_code_point == by_word).then_some(by_word)
}

fn lies(place: Place, text: &str, operand: &str) -> bool {
    match place {
        Place::Whole => text == operand,
        Place::Anywhere => text.contains(operand),
        Place::Start => text.starts_with(operand),
        Place::End => text.ends_with(operand),
    }
}

fn lies_ignoring_ascii_case(place: Place, text: &str, operand: &str) -> bool {
    let (text, operand) = (text.as_bytes(), operand.as_bytes());
    match place {
        Place::Whole => text.eq_ignore_ascii_case(operand),
        Place::Anywhere => {
            operand.is_empty()
                || text
                    .windows(operand.len())
                    .any(|part| part.eq_ignore_ascii_case(operand))
        }
        Place::Start => text
            .get(..operand.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(operand)),
        Place::End => text
            .len()
            .checked_sub(operand.len())
            .and_then(|start| text.get(start..))
            .is_some_and(|part| part.eq_ignore_ascii_case(operand)),
    }
}

fn lower(text: &str) -> String {
    // Character by character: `str::to_lowercase` looks at what follows a sigma, so a part would not fold as the whole.
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .collect()
}

fn upper_then_lower(text: &str) -> String {
    let upper: String = text.chars().flat_map(char::to_uppercase).collect();
    lower(&upper)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn icontains(text: &str, operand: &str) -> Option<bool> {
        Pattern::new(Place::Anywhere, operand, Case::Ignored).matches(text)
    }

    #[test]
    fn case_counts_unless_it_is_ignored() {
        for (place, text, operand, exact, ignoring) in [
            (Place::Whole, "Ann", "ann", false, true),
            (Place::Whole, "Anna", "ann", false, false),
            (Place::Anywhere, "Joanna", "ANN", false, true),
            (Place::Anywhere, "Joanna", "ann", true, true),
            (Place::Anywhere, "an", "ann", false, false),
            (Place::Start, "Anna", "an", false, true),
            (Place::Start, "A", "an", false, false),
            (Place::End, "Joanna", "NA", false, true),
            (Place::End, "a", "na", false, false),
            (Place::Start, "Ökonom", "ö", false, true),
            (Place::End, "CAFÉ", "é", false, true),
            (Place::Anywhere, "ΟΔΟΣΑ", "οδος", false, true),
        ] {
            assert_eq!(
                Pattern::new(place, operand, Case::Counts).matches(text),
                Some(exact),
                "{place:?} {text} {operand}"
            );
            assert_eq!(
                Pattern::new(place, operand, Case::Ignored).matches(text),
                Some(ignoring),
                "{place:?} {text} {operand}"
            );
        }
    }

    #[test]
    fn an_empty_operand_is_in_every_text() {
        for text in ["", "a", "é"] {
            assert_eq!(icontains(text, ""), Some(true));
            assert_eq!(
                Pattern::new(Place::Whole, "", Case::Ignored).matches(text),
                Some(text.is_empty())
            );
        }
    }

    #[test]
    fn where_databases_differ_the_answer_is_not_known() {
        assert_eq!(icontains("STRASSE", "straße"), None);
        assert_eq!(icontains("STRAẞE", "straße"), None);
        assert_eq!(icontains("ısı", "ISI"), None);
        assert_eq!(icontains("İstanbul", "i"), Some(true));
        assert_eq!(icontains("İstanbul", "istanbul"), Some(false));
        assert_eq!(icontains("KELVIN \u{212a}", "k"), Some(true));
    }

    #[test]
    fn an_unknown_collation_decides_what_all_collations_decide() {
        let contains =
            |text: &str| Pattern::new(Place::Anywhere, "nn", Case::Unknown).matches(text);
        assert_eq!(
            (contains("anna"), contains("ANNA"), contains("bob")),
            (Some(true), None, Some(false))
        );
        for (left, right, equal, order) in [
            ("ann", "ann", Some(true), Some(Ordering::Equal)),
            ("Ann", "ann", None, None),
            ("ann", "bob", Some(false), Some(Ordering::Less)),
            ("Bob", "ann", Some(false), None),
            ("Ann", "bob", Some(false), Some(Ordering::Less)),
            ("a b", "aa", Some(false), None),
            ("élan", "zoo", Some(false), None),
            ("Müller", "Mz", Some(false), None),
            ("an", "ann", Some(false), Some(Ordering::Less)),
            ("10", "9", Some(false), Some(Ordering::Less)),
        ] {
            assert_eq!(equal_in_any_collation(left, right), equal, "{left} {right}");
            assert_eq!(order_in_any_collation(left, right), order, "{left} {right}");
            assert_eq!(
                order_in_any_collation(right, left),
                order.map(Ordering::reverse),
                "{right} {left}"
            );
        }
    }

    proptest! {
        #[test]
        fn ascii_takes_the_same_way_as_the_rest(text in "[a-cA-C]{0,6}", operand in "[a-cA-C]{0,3}") {
            for place in [Place::Whole, Place::Anywhere, Place::Start, Place::End] {
                let expected = lies(place, &text.to_lowercase(), &operand.to_lowercase());
                prop_assert_eq!(Pattern::new(place, &operand, Case::Ignored).matches(&text), Some(expected));
                let tail = format!("{text}é");
                let expected = lies(place, &tail.to_lowercase(), &operand.to_lowercase());
                prop_assert_eq!(Pattern::new(place, &operand, Case::Ignored).matches(&tail), Some(expected));
            }
        }
    }
}
