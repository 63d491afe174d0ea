//! Dates and amounts as people write them: `03.01.2024`, `Jan 3, 2024`, `1.50 EUR`, `1.234,50 €`. Servers that show them so filter and
//! sort by what they mean. Nothing tells it from a text that only looks like it, so such a text is compared where both readings agree.

use std::{cmp::Ordering, str::FromStr};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{number::Number, plain::is_plain};

/// Up to how many letters behind a number and a blank are its unit: `kg`, `EUR`.
const UNIT: usize = 3;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Whether a text that is no date or time in the form of the wire may be one all the same.
pub(super) fn may_be_moment(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_digit()) && !is_plain(text)
}

/// How an amount stands to a number in each way to read it; nothing where the text is no amount.
pub(super) fn orders_to_number<'a>(
    text: &str,
    number: &'a Number,
) -> impl Iterator<Item = Ordering> + 'a {
    amounts(text)
        .into_iter()
        .map(|amount| Number::Plain(amount).compare(number))
}

/// How two texts stand to each other, read as amounts or as days, in each way to read them; nothing where they are neither. `None` where
/// they are days, and which of them comes first is not read.
pub(super) fn orders(left: &str, right: &str) -> Vec<Option<Ordering>> {
    let (one, other) = (amounts(left), amounts(right));
    if !one.is_empty() && !other.is_empty() && unit_of(left).eq(unit_of(right)) {
        let readings = one.len().max(other.len());
        let pairs = one.iter().cycle().zip(other.iter().cycle());
        let orders = pairs.take(readings).map(|(one, other)| one.cmp(other));
        return orders.map(Some).collect();
    }
    match (days(left), days(right)) {
        (Some(one), Some(other)) => {
            let read = one.into_iter().zip(other).filter_map(|pair| match pair {
                (Some(one), Some(other)) => Some(Some(one.cmp(&other))),
                _ => None,
            });
            read.collect()
        }
        _ if names_a_day(left) && names_a_day(right) => vec![None],
        _ => Vec::new(),
    }
}

/// What an amount counts, without the blanks.
fn unit_of(text: &str) -> impl Iterator<Item = char> + '_ {
    let is_of_number = |letter: &char| {
        letter.is_ascii_digit() || letter.is_whitespace() || "+-.,'".contains(*letter)
    };
    text.chars().filter(move |letter| !is_of_number(letter))
}

/// The numbers that an amount may be: with a sign of a currency before it, or a unit behind, or a decimal comma.
fn amounts(text: &str) -> Vec<Decimal> {
    let is_sign = |letter: char| !letter.is_alphanumeric() && !letter.is_ascii() || letter == '$';
    let is_blank = |letter: char| letter == ' ' || letter == '\u{a0}' || letter == '\u{202f}';
    let behind_sign = text.trim_start_matches(|letter| is_sign(letter) || is_blank(letter));
    let is_part = |letter: char| letter.is_ascii_digit() || "+-.,'".contains(letter);
    let Some(end) = behind_sign
        .find(|letter: char| !is_part(letter))
        .or(Some(behind_sign.len()))
        .filter(|end| *end > 0)
    else {
        return Vec::new();
    };
    let (digits, unit) = behind_sign.split_at(end);
    let named = unit.trim_start_matches(is_blank);
    let is_unit = match named.chars().next() {
        None => unit.is_empty(),
        Some('%' | '‰' | '°') => true,
        Some(letter) if is_sign(letter) => named.chars().count() == 1,
        Some(_) => {
            named != unit && named.chars().count() <= UNIT && named.chars().all(char::is_alphabetic)
        }
    };
    let has_sign = behind_sign.len() < text.len() && text.chars().any(is_sign);
    if !is_unit || unit.is_empty() && !has_sign && !digits.contains(',') {
        return Vec::new();
    }
    let plain = |thousands: &[char], decimal: char| {
        let grouped = digits.replace(thousands, "");
        Decimal::from_str(&grouped.replace(decimal, ".")).ok()
    };
    let in_groups = |mark: char| {
        let mut groups = digits.split(mark).skip(1);
        groups.all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let counts = ['.', ','].map(|mark| digits.matches(mark).count());
    let read = match counts {
        [0, 0] => vec![plain(&['\''], '.')],
        [_, 0] | [0, _] => {
            let (mark, times) = if counts[1] == 0 {
                ('.', counts[0])
            } else {
                (',', counts[1])
            };
            let as_groups = in_groups(mark).then(|| plain(&[mark], '.')).flatten();
            let as_decimal = (times == 1).then(|| plain(&['\''], mark)).flatten();
            vec![as_groups, as_decimal]
        }
        _ if digits.rfind('.') > digits.rfind(',') => vec![plain(&[',', '\''], '.')],
        _ => vec![plain(&['.', '\''], ',')],
    };
    read.into_iter().flatten().collect()
}

/// `03.01.2024`, `1/3/2024 10:30`: the day, read with the day first and with the month first, and what follows it.
fn days(text: &str) -> Option<[Option<(NaiveDate, &str)>; 2]> {
    let mark = text.bytes().find(|byte| !byte.is_ascii_digit())? as char;
    if !"./-".contains(mark) {
        return None;
    }
    let (first, rest) = text.split_once(mark)?;
    let (second, rest) = rest.split_once(mark)?;
    let (year, rest) = rest.split_at_checked(4)?;
    let number = |digits: &str| {
        let is_short = (1..=2).contains(&digits.len());
        is_short.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let (first, second) = (number(first)?, number(second)?);
    let year = year.parse::<i32>().ok()?;
    if rest.starts_with(|letter: char| letter.is_ascii_digit() || letter == mark) {
        return None;
    }
    let day = |month, day| Some((NaiveDate::from_ymd_opt(year, month, day)?, rest));
    Some([day(second, first), day(first, second)])
}

/// `Jan 3, 2024`, `3 January 2024`: the name of a month, and a year.
fn names_a_day(text: &str) -> bool {
    let has_year = text
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|digits| digits.len() == 4);
    if !has_year || is_plain(text) {
        return false;
    }
    let lower = text.to_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_alphabetic());
    words.any(|word| MONTHS.iter().any(|month| word.starts_with(month)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_a_unit_or_a_decimal_comma() {
        for (text, read) in [
            ("1.50 EUR", &["1.50"][..]),
            ("$1,234.50", &["1234.50"]),
            ("1.234,50 €", &["1234.50"]),
            ("€ 3", &["3"]),
            ("1,5", &["1.5"]),
            ("-12 %", &["-12"]),
            ("1'234.50 CHF", &["1234.50"]),
            ("1.234 €", &["1234", "1.234"]),
            ("1,234,567 kg", &["1234567"]),
            ("5 kg", &["5"]),
        ] {
            let wanted: Vec<Decimal> = read.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(amounts(text), wanted, "{text}");
        }
        for text in [
            "7",
            "1.50",
            "Fresh 3",
            "3rd",
            "9a",
            "12 Main Street",
            "1.2.3",
            "1.2-beta",
            "12345-6789",
            "03.01.2024",
            "192.168.100.200",
            "€",
            "",
            "-",
            "EUR",
            "1.2.3 kg",
            "v 2",
            "+",
        ] {
            assert!(amounts(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn days_are_read_with_either_part_first() {
        let order = |left, right| orders(left, right);
        let (less, greater) = (Some(Ordering::Less), Some(Ordering::Greater));
        assert_eq!(order("03.01.2024", "01.01.2025"), [less, less]);
        assert_eq!(order("03.01.2024", "01.03.2024"), [less, greater]);
        assert_eq!(
            order("31.12.2023", "01.01.2024"),
            [less],
            "there is no month 31"
        );
        assert_eq!(order("1/3/2024 10:30", "1/3/2024 11:30"), [less, less]);
        assert_eq!(order("Jan 3, 2024", "3 December 2023"), [None]);
        assert_eq!(order("5.50 EUR", "12.00 EUR"), [less]);
        assert_eq!(order("1.234 €", "12 €"), [greater, less]);
        for (left, right) in [
            ("Bob", "Ann"),
            ("Task 9", "Task 12"),
            ("1.2.3", "1.10.3"),
            ("192.168.1.20", "192.168.1.3"),
            ("12345-6789", "2345-6789"),
            ("5.50 EUR", "free"),
            ("5.50 EUR", "12.00 USD"),
            ("12 A", "7 B"),
            ("May we", "Jan 3, 2024"),
        ] {
            assert!(order(left, right).is_empty(), "{left} {right}");
        }
    }

    #[test]
    fn a_text_with_digits_and_without_another_word_may_be_a_day() {
        for text in [
            "03.01.2024",
            "1/3/24",
            "20240103",
            "Jan 3, 2024",
            "3 days ago",
            "10:30 pm",
        ] {
            assert!(may_be_moment(text), "{text}");
        }
        for text in ["", "-", "never", "Room 12", "1.0 EUR"] {
            assert!(!may_be_moment(text), "{text}");
        }
    }
}
