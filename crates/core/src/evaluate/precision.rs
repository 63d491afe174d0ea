//! How precisely a row shows a value: digits that were rounded or cut away can decide a comparison at its boundary.

use chrono::TimeDelta;
use serde_json::Value;

use super::{moment::Moment, number, scalar::Scalar};

/// Whether a value of a row lies so near to the operand that digits which the row does not show could decide between them.
pub(super) fn is_near(row: &Scalar<'_>, operand: &Scalar<'_>) -> bool {
    if let (Some(row), Some(operand)) = (row.as_number(), operand.as_number()) {
        return row.is_within_last_place(operand);
    }
    let (Scalar::Text(text), Some(shown), Some(operand)) =
        (row, row.as_moment(), operand.as_moment())
    else {
        return false;
    };
    unit(&text.raw, shown)
        .zip(shown.distance(operand))
        .is_some_and(|(unit, distance)| distance < unit)
}

/// Whether the operand has digits that the row has not, so that a row which shows another value may still equal it.
pub(super) fn is_finer(operand: &Scalar<'_>, row: &Scalar<'_>) -> bool {
    if let (Some(row), Some(operand)) = (row.as_number(), operand.as_number()) {
        return operand.places() > row.places();
    }
    // A text that is equal is equal; another one of the same precision is not.
    row.as_moment().is_some()
}

/// Whether digits that the row does not show could decide: it shows a number with a fraction, or a time to the millisecond or less,
/// which is the operand as far as that goes, or the operand has decimal places that the row has not.
pub(super) fn may_lack_digits(row: &Scalar<'_>, operand: &Scalar<'_>) -> bool {
    if let (Some(shown), Some(number)) = (row.as_number(), operand.as_number()) {
        // A number that comes as a text is a decimal, which may have been rounded to none of its places.
        let is_decimal = matches!((row, operand), (Scalar::Text(_), Scalar::Number(_)));
        let is_fraction = is_decimal || shown.has_places() || number.places() > shown.places();
        return is_fraction && shown.is_within_last_place(number);
    }
    let (Scalar::Text(text), Some(moment)) = (row, row.as_moment()) else {
        return false;
    };
    let shown = unit(&text.raw, moment);
    let is_rough = Some(TimeDelta::microseconds(1)) < shown && shown <= Some(TimeDelta::minutes(1));
    is_rough && is_near(row, operand)
}

/// Whether a text is written to more places than what a row shows (JSON text), so that an equal value may replace one that was
/// rounded or cut: `"1.00"` for `"1.0"`, `"10:04:00"` for `"10:04"`. A JSON number has no places that its writer has chosen, and a time
/// without a fraction has none.
pub(crate) fn is_written_finer(text: &Value, shown: &str) -> bool {
    let Ok(row) = serde_json::from_str::<Value>(shown) else {
        return false;
    };
    let (Some(asked @ Scalar::Text(text)), Some(row)) = (&Scalar::of(text), &Scalar::of(&row))
    else {
        return false;
    };
    if let (Some(number), Some(_)) = (asked.as_number(), row.as_number()) {
        let Scalar::Text(row) = row else {
            return false;
        };
        let shown = number::places_written(&row.raw);
        let is_longer = number::places_written(&text.raw) > shown;
        // Zeros behind the last place of money are nothing that was rounded.
        return is_longer && (shown < PLACES_OF_MONEY || i64::from(number.places()) > shown);
    }
    let (Scalar::Text(row_text), Some(shown), Some(asked)) =
        (row, row.as_moment(), asked.as_moment())
    else {
        return false;
    };
    unit(&text.raw, asked)
        .zip(unit(&row_text.raw, shown))
        .is_some_and(|(asked, shown)| asked < shown && shown > TimeDelta::seconds(1))
}

/// Whether one of two texts is an instant and the other a moment of no zone, which the server takes for one of its own.
pub(crate) fn leaves_zone_open(one: &Value, other: &Value) -> bool {
    let moment = |value| Scalar::of(value).and_then(|scalar| scalar.as_moment());
    match (moment(one), moment(other)) {
        (Some(Moment::Aware(_)), Some(other)) => other.is_of_no_zone(),
        (Some(one), Some(Moment::Aware(_))) => one.is_of_no_zone(),
        _ => false,
    }
}

/// Whether a text shows a time to the minute: what its second is nobody knows.
pub(super) fn lacks_seconds(text: &str, shown: Moment) -> bool {
    unit(text, shown) == Some(TimeDelta::minutes(1))
}

/// The places that prices are written with.
const PLACES_OF_MONEY: i64 = 2;

/// The time that the last shown part of a text stands for.
fn unit(text: &str, shown: Moment) -> Option<TimeDelta> {
    let clock = match shown {
        Moment::Date(_) => return Some(TimeDelta::days(1)),
        // `1 02:00:00.5`, `P1DT2H0.5S`: what ISO 8601 leaves out is zero.
        Moment::Duration(_) => text.rsplit([' ', 'T']).next()?.trim_end_matches('S'),
        Moment::Time(_) => text,
        Moment::Naive(_) | Moment::Aware(_) => text.get(11..)?,
    };
    let clock = clock.split(['+', '-', 'Z', 'z']).next().unwrap_or_default();
    Some(match clock.split_once('.') {
        Some((_, fraction)) => {
            let places = u32::try_from(fraction.len()).ok()?;
            TimeDelta::nanoseconds(10_i64.checked_pow(9_u32.checked_sub(places)?)?)
        }
        None if clock.matches(':').count() == 1 => TimeDelta::minutes(1),
        None => TimeDelta::seconds(1),
    })
}
