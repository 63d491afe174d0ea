//! What kind of value a text or a number is, for whoever needs another one of the kind.

use serde_json::{Map, Value};

use super::{
    Fields,
    moment::Moment,
    scalar::Scalar,
    walk::{Found, Path},
};
use crate::lookup::Lookup;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Number,
    Date,
    Time,
    /// A date and a time, and whether they have an offset.
    Instant {
        aware: bool,
    },
    Uuid,
    Text,
}

impl Measure {
    /// What the value is; `None` for one that has no order.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let scalar = Scalar::of(value)?;
        if scalar.as_number().is_some() {
            return Some(Self::Number);
        }
        Some(match (scalar.as_moment(), &scalar) {
            (Some(Moment::Date(_)), _) => Self::Date,
            (Some(Moment::Time(_)), _) => Self::Time,
            (Some(Moment::Naive(_)), _) => Self::Instant { aware: false },
            (Some(Moment::Aware(_)), _) => Self::Instant { aware: true },
            (None, Scalar::Text(text)) if text.is_uuid() => Self::Uuid,
            (None, Scalar::Text(_)) => Self::Text,
            _ => return None,
        })
    }
}

/// Whether a lookup asks for a number that is no integer of JSON, or for a time: rows may show it rounded or cut.
#[must_use]
pub fn asks_digits(lookup: &Lookup) -> bool {
    asks_for(lookup, |value| match Measure::of(value) {
        Some(Measure::Number) => !value.is_i64() && !value.is_u64(),
        Some(Measure::Time | Measure::Instant { .. }) => true,
        _ => false,
    })
}

/// Whether a lookup asks for an integer of JSON: rows may show a decimal rounded to it.
#[must_use]
pub fn asks_integers(lookup: &Lookup) -> bool {
    asks_for(lookup, |value| value.is_i64() || value.is_u64())
}

fn asks_for(lookup: &Lookup, is_meant: fn(&Value) -> bool) -> bool {
    match &lookup.value {
        _ if lookup.transform.is_some() => false,
        Value::Array(values) => values.iter().any(is_meant),
        value => is_meant(value),
    }
}

/// The value that a lookup compares in a row, as it would be an operand; `None` for null, for lists and objects, and where the
/// row has no such field.
pub(crate) fn taken(lookup: &Lookup, fields: &Fields, row: &Map<String, Value>) -> Option<Value> {
    match Path::new(&lookup.path, lookup.transform, &fields.primary_key).single(row)? {
        Found::Value(Scalar::Bool(flag)) => Some(Value::Bool(flag)),
        Found::Value(Scalar::Moment(Moment::Date(date))) => Some(date.to_string().into()),
        Found::Value(Scalar::Moment(Moment::Time(time))) => Some(time.to_string().into()),
        Found::Value(value) => Some(value.as_written()?.into_owned().into()),
        _ => None,
    }
}

/// The fields of a row that [`taken`] looks at.
pub(crate) fn roots_of(lookup: &Lookup, fields: &Fields) -> Vec<String> {
    let path = Path::new(&lookup.path, lookup.transform, &fields.primary_key);
    path.roots().map(str::to_owned).collect()
}
