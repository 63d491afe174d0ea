//! Text lookups: `contains`, `istartswith`, `iexact` and their kin.
//!
//! Case is ignored by full Unicode lower-casing, character by character, with the final sigma `ς` taken for `σ`. Databases
//! differ for a few characters (`ß`, `ẞ` and `SS`, `ı` and `I`, `ſ` and `S`): some compare upper-cased text. So the text is
//! compared upper-cased too, and where the two answers differ the result is not known.

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
    /// The operand in both foldings, where case is ignored.
    folded: Option<(String, String)>,
}

impl Pattern {
    pub(super) fn new(place: Place, operand: &str, ignore_case: bool) -> Self {
        let folded = ignore_case.then(|| (lower(operand), upper_then_lower(operand)));
        Self {
            place,
            operand: operand.to_owned(),
            folded,
        }
    }

    /// Whether the text matches; `None` where databases differ.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
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
        Pattern::new(Place::Anywhere, operand, true).matches(text)
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
                Pattern::new(place, operand, false).matches(text),
                Some(exact),
                "{place:?} {text} {operand}"
            );
            assert_eq!(
                Pattern::new(place, operand, true).matches(text),
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
                Pattern::new(Place::Whole, "", true).matches(text),
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

    proptest! {
        #[test]
        fn ascii_takes_the_same_way_as_the_rest(text in "[a-cA-C]{0,6}", operand in "[a-cA-C]{0,3}") {
            for place in [Place::Whole, Place::Anywhere, Place::Start, Place::End] {
                let expected = lies(place, &text.to_lowercase(), &operand.to_lowercase());
                prop_assert_eq!(Pattern::new(place, &operand, true).matches(&text), Some(expected));
                let tail = format!("{text}é");
                let expected = lies(place, &tail.to_lowercase(), &operand.to_lowercase());
                prop_assert_eq!(Pattern::new(place, &operand, true).matches(&tail), Some(expected));
            }
        }
    }
}
