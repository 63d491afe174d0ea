//! Numbers that are compared as they are written: no digit is lost on the way.

use std::{borrow::Cow, cmp::Ordering, iter};

use rust_decimal::Decimal;

/// Below this, an `f64` without a fraction is written with exactly the digits of the integer that it is.
const EXACT_IN_F64: f64 = 9_007_199_254_740_992.0;

/// A number of a row or an operand.
#[derive(Debug, Clone)]
pub(super) enum Number {
    /// At most 28 digits and no exponent: nearly every number.
    Plain(Decimal),
    /// A JSON number with a fraction or an exponent. Its value is what its shortest spelling says.
    Float(f64),
    /// More digits than a [`Decimal`] holds, or an exponent: compared digit by digit.
    Long(Box<str>),
}

/// How a text spells a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `7`, `-12`: an integer without surplus zeros or signs.
    Integer,
    /// `12.50`: as servers write decimals, with a point and without surplus leading zeros.
    Decimal,
    /// `007`, `+5`, `.5`: a number that no server writes so.
    Odd,
    /// `1e5`.
    Exponent,
}

impl Number {
    pub(super) fn of_json(number: &serde_json::Number) -> Self {
        if let Some(integer) = number.as_i64() {
            return Self::Plain(integer.into());
        }
        match (number.as_u64(), number.as_f64()) {
            (Some(integer), _) => Self::Plain(integer.into()),
            (None, Some(float)) => Self::Float(float),
            (None, None) => Self::Long(number.to_string().into()),
        }
    }

    pub(super) fn parse(text: &str) -> Option<(Self, Spelling)> {
        let spelling = spelling(text)?;
        // It takes no exponent.
        let plain = Decimal::from_str_exact(text.strip_prefix('+').unwrap_or(text)).ok();
        Some((
            plain.map_or_else(|| Self::Long(text.into()), Self::Plain),
            spelling,
        ))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Plain(left), Self::Plain(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => {
                left.partial_cmp(right).unwrap_or(Ordering::Equal)
            }
            (Self::Float(left), Self::Plain(right)) => compare_float(*left, right),
            (Self::Plain(left), Self::Float(right)) => compare_float(*right, left).reverse(),
            (left, right) => compare_digits(&left.text(), &right.text()),
        }
    }

    /// The number as an integer, where it is one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Plain(decimal) if decimal.fract().is_zero() => {
                i64::try_from(decimal.trunc()).ok()
            }
            Self::Float(float) if float.fract() == 0.0 && float.abs() < EXACT_IN_F64 => {
                Some(whole(*float))
            }
            _ => None,
        }
    }

    /// Whether the two differ by less than one in the last place that this one shows.
    pub(super) fn is_within_last_place(&self, other: &Self) -> bool {
        let (Some(shown), Some(other)) = (self.decimal(), other.decimal()) else {
            return false;
        };
        let unit = Decimal::new(1, shown.scale());
        shown
            .checked_sub(other)
            .is_some_and(|distance| distance.abs() < unit)
    }

    /// The places after the point, zeros at the end left out.
    pub(super) fn places(&self) -> u32 {
        self.decimal()
            .map_or(0, |decimal| decimal.normalize().scale())
    }

    /// Whether places after the point are shown, zeros or not.
    pub(super) fn has_places(&self) -> bool {
        self.decimal().is_some_and(|decimal| decimal.scale() > 0)
    }

    fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Plain(decimal) => Some(*decimal),
            Self::Float(float) => Decimal::from_str_exact(&float.to_string()).ok(),
            Self::Long(_) => None,
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(decimal) => Cow::Owned(decimal.to_string()),
            Self::Float(float) => Cow::Owned(format!("{float:e}")),
            Self::Long(text) => Cow::Borrowed(text),
        }
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self::Plain(integer.into())
    }
}

fn compare_float(float: f64, decimal: &Decimal) -> Ordering {
    if float.fract() == 0.0 && float.abs() < EXACT_IN_F64 {
        return Decimal::from(whole(float)).cmp(decimal);
    }
    // Between integers, the shortest spelling of a float and its value lie alike.
    if let Some(integer) = Number::Plain(*decimal)
        .integer()
        .and_then(|integer| i32::try_from(integer).ok())
        && let Some(ordering) = float.partial_cmp(&f64::from(integer))
    {
        return ordering;
    }
    compare_digits(&format!("{float:e}"), &decimal.to_string())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers have checked the range and that there is no fraction"
)]
fn whole(float: f64) -> i64 {
    float as i64
}

/// The places after the point that a number is written with, zeros at the end included.
pub(super) fn places_written(text: &str) -> i64 {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let places = mantissa
        .split_once('.')
        .map_or(0, |(_, digits)| length(digits.len()));
    places.saturating_sub(exponent.parse().unwrap_or(0)).max(0)
}

fn spelling(text: &str) -> Option<Spelling> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let some_digit = !integer.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    if !some_digit || !digits(integer) || !fraction.is_none_or(digits) {
        return None;
    }
    if let Some(exponent) = exponent {
        // A longer exponent is a text that happens to look like a number.
        let exponent_reads = !exponent.is_empty() && exponent.len() <= 6 && digits(exponent);
        return exponent_reads.then_some(Spelling::Exponent);
    }
    let no_surplus_zero = !integer.is_empty() && (integer == "0" || !integer.starts_with('0'));
    Some(match fraction {
        _ if text.starts_with('+') || !no_surplus_zero => Spelling::Odd,
        Some("") => Spelling::Odd,
        Some(_) => Spelling::Decimal,
        None => Spelling::Integer,
    })
}

/// A number's text, cut into what comparing it needs.
struct Digits<'a> {
    negative: bool,
    /// The digits without leading zeros, the point still among them.
    digits: &'a str,
    /// The decimal place of the first of them; `None` for zero.
    magnitude: Option<i64>,
}

impl<'a> Digits<'a> {
    fn read(text: &'a str) -> Self {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let digits = mantissa.trim_start_matches(['0', '.']);
        let skipped = mantissa.len() - digits.len();
        let point = mantissa.find('.').unwrap_or(mantissa.len());
        // `point - skipped` counts the integer digits; past the point, the point itself is among what was skipped.
        let place = if skipped > point {
            length(point) + 1 - length(skipped)
        } else {
            length(point) - length(skipped)
        };
        let magnitude = (!digits.is_empty()).then_some(place + exponent);
        Self {
            negative: negative && magnitude.is_some(),
            digits,
            magnitude,
        }
    }

    /// The digits, followed by as many zeros as anyone wants.
    fn padded(&self) -> impl Iterator<Item = u8> {
        self.digits
            .bytes()
            .filter(|byte| *byte != b'.')
            .chain(iter::repeat(b'0'))
    }
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    let (left, right) = (Digits::read(left), Digits::read(right));
    match (left.negative, right.negative) {
        (false, true) => return Ordering::Greater,
        (true, false) => return Ordering::Less,
        _ => {}
    }
    let sized = left.magnitude.cmp(&right.magnitude).then_with(|| {
        let longest = left.digits.len().max(right.digits.len());
        left.padded()
            .take(longest)
            .cmp(right.padded().take(longest))
    });
    if left.negative {
        sized.reverse()
    } else {
        sized
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Number {
        Number::parse(text).unwrap().0
    }

    fn json(value: &serde_json::Value) -> Number {
        Number::of_json(value.as_number().unwrap())
    }

    #[test]
    fn spellings() {
        for (text, expected) in [
            ("7", Some(Spelling::Integer)),
            ("-0", Some(Spelling::Integer)),
            ("12.50", Some(Spelling::Decimal)),
            ("-0.5", Some(Spelling::Decimal)),
            ("007", Some(Spelling::Odd)),
            ("00.5", Some(Spelling::Odd)),
            (".5", Some(Spelling::Odd)),
            ("5.", Some(Spelling::Odd)),
            ("+5", Some(Spelling::Odd)),
            ("1e5", Some(Spelling::Exponent)),
            ("1.5E-05", Some(Spelling::Exponent)),
            ("1e99999999999", None),
            ("", None),
            (".", None),
            ("-", None),
            ("1e", None),
            ("1.2.3", None),
            ("1_000", None),
            (" 1", None),
            ("٣", None),
            ("NaN", None),
        ] {
            assert_eq!(
                Number::parse(text).map(|(_, spelling)| spelling),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn no_digit_is_lost() {
        for (left, expected, right) in [
            (
                json(&json!(i64::MAX)),
                Ordering::Less,
                json(&json!(u64::MAX)),
            ),
            (
                json(&json!(i64::MIN)),
                Ordering::Equal,
                parse("-9223372036854775808"),
            ),
            (
                json(&json!(9_007_199_254_740_993_i64)),
                Ordering::Greater,
                json(&json!(9_007_199_254_740_992.0)),
            ),
            (
                json(&json!(u64::MAX)),
                Ordering::Less,
                parse("18446744073709551616"),
            ),
            (json(&json!(0.1)), Ordering::Equal, parse("0.10")),
            (json(&json!(0.25)), Ordering::Equal, parse("0.250")),
            (json(&json!(1.0)), Ordering::Equal, json(&json!(1))),
            (
                json(&json!(1e300)),
                Ordering::Greater,
                parse("99999999999999999999999999999"),
            ),
            (
                json(&json!(1e300)),
                Ordering::Greater,
                parse("9223372036854775808"),
            ),
            (json(&json!(1e-300)), Ordering::Greater, parse("0.00")),
            (
                parse("0.1"),
                Ordering::Less,
                json(&json!(0.100_000_000_000_000_02)),
            ),
            (parse("1e5"), Ordering::Equal, parse("100000")),
            (parse("1e-5"), Ordering::Equal, parse("0.00001")),
            (parse("-0"), Ordering::Equal, parse("0.0")),
            (parse("-1e40"), Ordering::Less, parse("-5")),
            (
                parse("123456789012345678901234567890.5"),
                Ordering::Less,
                parse("123456789012345678901234567890.51"),
            ),
            (
                parse("123456789012345678901234567890"),
                Ordering::Equal,
                parse("123456789012345678901234567890.000"),
            ),
            (
                parse("000123456789012345678901234567890"),
                Ordering::Equal,
                parse("123456789012345678901234567890"),
            ),
        ] {
            assert_eq!(left.compare(&right), expected, "{left:?} {right:?}");
            assert_eq!(
                right.compare(&left),
                expected.reverse(),
                "{right:?} {left:?}"
            );
        }
    }

    #[test]
    fn integers() {
        assert_eq!(parse("7.0").integer(), Some(7));
        assert_eq!(json(&json!(7.0)).integer(), Some(7));
        assert_eq!(parse("7.5").integer(), None);
        assert_eq!(json(&json!(u64::MAX)).integer(), None);
        // The next integer is written as the same float.
        let largest = 9_007_199_254_740_991_i64;
        assert_eq!(
            json(&json!(9_007_199_254_740_991.0)).integer(),
            Some(largest)
        );
        assert_eq!(json(&json!(9_007_199_254_740_992.0)).integer(), None);
    }

    proptest! {
        #[test]
        fn digits_compare_as_decimals_do(a in any::<i64>(), b in any::<i64>(), scale_a in 0_u32..20, scale_b in 0_u32..20) {
            let (a, b) = (Decimal::new(a, scale_a), Decimal::new(b, scale_b));
            prop_assert_eq!(compare_digits(&a.to_string(), &b.to_string()), a.cmp(&b));
        }

        #[test]
        fn digits_compare_as_floats_do(a in prop::num::f64::NORMAL, b in prop::num::f64::NORMAL) {
            prop_assert_eq!(compare_digits(&format!("{a:e}"), &b.to_string()), a.partial_cmp(&b).unwrap());
        }
    }
}
