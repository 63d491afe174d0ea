//! Text lookups: `contains`, `istartswith`, `iexact` and their kin.
//!
//! Case is ignored by full Unicode lower-casing, character by character, with the final sigma `ς` taken for `σ`. Databases
//! differ for a few characters (`ß`, `ẞ` and `SS`, `ı` and `I`, `ſ` and `S`): some compare upper-cased text. So the text is
//! compared upper-cased too, and where the two answers differ the result is not known.

use std::{cmp::Ordering, ops::RangeInclusive};

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::collation::{Needed, Overlooks};

/// The marks that Unicode combines with the letters before them.
const ACCENTS: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// Where the operand must lie in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    Anywhere,
    Start,
    End,
}

/// How much has to be overlooked so that the operand lies in the text, up to `most`.
pub(super) fn overlooked(place: Place, text: &str, operand: &str, most: Overlooks) -> Needed {
    let all = |step| Needed {
        from: Some(step),
        surely: Some(step),
    };
    if lies(place, text, operand) {
        return all(Overlooks::Nothing);
    }
    let mut needed = Needed {
        from: None,
        surely: None,
    };
    if most == Overlooks::Nothing {
        return needed;
    }
    if lies_ignoring_ascii_case(place, text, operand) {
        return all(Overlooks::AsciiCase);
    }
    if most == Overlooks::AsciiCase || text.is_ascii() && operand.is_ascii() {
        return needed;
    }
    let folded = [lower, upper_then_lower].map(|fold| (fold(text), fold(operand)));
    for step in [Overlooks::Case, Overlooks::Accents, Overlooks::Letters] {
        let lie = folded.each_ref().map(|(text, operand)| match step {
            Overlooks::Accents => lies(place, &plain(text), &plain(operand)),
            Overlooks::Letters => lies(place, &basic(text), &basic(operand)),
            _ => lies(place, text, operand),
        });
        needed.from = needed.from.or(lie.contains(&true).then_some(step));
        needed.surely = needed.surely.or((!lie.contains(&false)).then_some(step));
        if step == most {
            break;
        }
    }
    needed
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

/// The text in spellings that some databases take for it, and others do not: in another case of its ASCII letters, of its other
/// letters, without accents, and in the letters of the basic Latin alphabet.
///
/// ```
/// use django_api_orm_core::evaluate::respelt;
///
/// assert_eq!(respelt("Große Äpfel"), ["gROßE ÄPFEL", "GroSSe äpfel", "Große Apfel", "Grosse Apfel"]);
/// ```
#[must_use]
pub fn respelt(text: &str) -> [String; 4] {
    let turned = |is_turned: fn(char) -> bool| {
        let letters = text.chars().flat_map(|letter| {
            let turned: String = match is_turned(letter) {
                true if letter.is_lowercase() => letter.to_uppercase().collect(),
                true => letter.to_lowercase().collect(),
                false => letter.into(),
            };
            turned.chars().collect::<Vec<_>>()
        });
        letters.collect()
    };
    [
        turned(|letter| letter.is_ascii()),
        turned(|letter| !letter.is_ascii()),
        plain(text),
        basic(text),
    ]
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

/// The text without the accents of its letters.
fn plain(text: &str) -> String {
    let letters = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    letters
        .chars()
        .filter(|letter| !ACCENTS.contains(letter))
        .collect()
}

/// The same in the letters of the basic Latin alphabet, as far as it is Latin.
fn basic(text: &str) -> String {
    let plain = plain(text);
    let mut basic = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            'ł' => basic.push('l'),
            'Ł' => basic.push('L'),
            'ø' => basic.push('o'),
            'Ø' => basic.push('O'),
            'đ' => basic.push('d'),
            'Đ' => basic.push('D'),
            'ħ' => basic.push('h'),
            'Ħ' => basic.push('H'),
            'ß' => basic.push_str("ss"),
            'ẞ' => basic.push_str("SS"),
            'æ' => basic.push_str("ae"),
            'Æ' => basic.push_str("AE"),
            'œ' => basic.push_str("oe"),
            'Œ' => basic.push_str("OE"),
            letter => basic.push(letter),
        }
    }
    basic
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use crate::{evaluate::collation::Collation, lookup::Op};

    const COUNTS: Collation = Collation::exactly(Overlooks::Nothing);
    const IGNORED: Collation = Collation::exactly(Overlooks::Case);

    fn icontains(text: &str, operand: &str) -> Option<bool> {
        IGNORED.holds(Place::Anywhere, text, operand)
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
                COUNTS.holds(place, text, operand),
                Some(exact),
                "{place:?} {text} {operand}"
            );
            assert_eq!(
                IGNORED.holds(place, text, operand),
                Some(ignoring),
                "{place:?} {text} {operand}"
            );
        }
    }

    #[test]
    fn an_empty_operand_is_in_every_text() {
        for text in ["", "a", "é"] {
            assert_eq!(icontains(text, ""), Some(true));
            assert_eq!(IGNORED.holds(Place::Whole, text, ""), Some(text.is_empty()));
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
    fn letters_of_their_own_are_more_than_accents() {
        let equal =
            |step, text, operand| Collation::exactly(step).holds(Place::Whole, text, operand);
        for (text, operand) in [("Łódź", "lodz"), ("Ærø", "aero"), ("Đorđe", "dorde")] {
            assert_eq!(
                equal(Overlooks::Letters, text, operand),
                Some(true),
                "{text}"
            );
            assert_eq!(
                equal(Overlooks::Accents, text, operand),
                Some(false),
                "{text}"
            );
        }
        assert_eq!(equal(Overlooks::Letters, "Straße", "strasse"), Some(true));
        assert_eq!(equal(Overlooks::Letters, "Łódź", "lodzi"), Some(false));
    }

    #[test]
    fn an_unknown_collation_decides_what_all_collations_decide() {
        let contains =
            |text: &str| Collation::open(Op::Contains).holds(Place::Anywhere, text, "nn");
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
            assert_eq!(
                Collation::open(Op::Exact).equal(left, right),
                equal,
                "{left} {right}"
            );
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
                prop_assert_eq!(IGNORED.holds(place, &text, &operand), Some(expected));
                let tail = format!("{text}é");
                let expected = lies(place, &tail.to_lowercase(), &operand.to_lowercase());
                prop_assert_eq!(IGNORED.holds(place, &tail, &operand), Some(expected));
            }
        }
    }
}
