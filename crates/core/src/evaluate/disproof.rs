//! Rows that prove, whatever form their fields are shown in, that a server did not filter.
//!
//! A row that does not satisfy a filter is a suspicion: it may show a label, a rounded number or a shortened text where the
//! filter takes the value itself. What no form can explain is here.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::{
    Evaluator, Fields,
    collation::may_be_equal,
    measure::{Measure, taken},
    scalar::Scalar,
    walk::{Found, Path},
};
use crate::{
    filter::Q,
    lookup::{Lookup, Op},
};

/// Whether the rows of one answer prove that the server did not filter by the lookup:
///
/// * for `exact` and `in`, they show more different values than were asked for, the other boolean, or another number for the
///   primary key;
/// * for an order, a number or a date that is out of it by more than its last shown place, or a day;
/// * for `isnull`, both nulls and values.
///
/// ```
/// use django_api_orm_core::{evaluate::{Fields, disproves}, lookup::Lookup};
/// use serde_json::json;
///
/// let proves = |name: &str, value: serde_json::Value, shown: &[serde_json::Value]| {
///     let rows: Vec<_> = shown.iter().map(|shown| [("x".to_owned(), shown.clone())].into_iter().collect()).collect();
///     disproves(&Lookup::parse(name, value), &Fields::new("id"), &rows)
/// };
/// assert!(proves("x", json!("A"), &[json!("Active"), json!("Done")]));
/// assert!(!proves("x", json!("A"), &[json!("Active"), json!("Active")]), "it may be what A is shown as");
/// assert!(proves("x", json!(true), &[json!(false)]));
/// assert!(proves("x__gte", json!(10.46), &[json!(7)]));
/// assert!(!proves("x__gte", json!(10.46), &[json!(10.4)]), "it may be rounded");
/// assert!(!proves("x__icontains", json!("ann"), &[json!("bob")]));
/// ```
#[must_use]
pub fn disproves(lookup: &Lookup, fields: &Fields, rows: &[Map<String, Value>]) -> bool {
    let path = Path::new(&lookup.path, lookup.transform, &fields.primary_key);
    let mut shown = rows.iter().filter_map(|row| path.single(row));
    match lookup.op {
        _ if lookup.op == Op::IsNull || lookup.value.is_null() => {
            let (mut nulls, mut values) = (false, false);
            for found in shown {
                nulls |= matches!(found, Found::Null);
                values |= matches!(found, Found::Value(_));
            }
            nulls && values
        }
        Op::Exact | Op::In if lookup.transform.is_none() => {
            let is_key = [fields.primary_key.as_str(), "pk"].contains(&lookup.path.as_str());
            let asked = Values::of(lookup);
            let mut different: Vec<Option<Scalar<'_>>> = Vec::new();
            for found in shown {
                if let (true, Found::Value(key @ Scalar::Number(_))) = (is_key, &found)
                    && asked.are_other_numbers(key)
                {
                    return true;
                }
                if let (Found::Value(Scalar::Bool(shown)), Some(flag)) =
                    (&found, lookup.value.as_bool())
                    && *shown != flag
                {
                    return true;
                }
                let value = match found {
                    Found::Null => None,
                    Found::Value(value) => Some(value),
                    Found::Absent | Found::List(_) => return false,
                };
                if !different.iter().any(|known| may_be_one(known, &value)) {
                    different.push(value);
                }
            }
            different.len() > asked.0.len()
        }
        Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Range => {
            let fields = fields.clone().unknown_collation();
            let Ok(evaluator) = Evaluator::compile_for(&Q::Lookup(lookup.clone()), &fields) else {
                return false;
            };
            let operands: Vec<Scalar<'_>> = match &lookup.value {
                Value::Array(bounds) => bounds.iter().filter_map(Scalar::of).collect(),
                bound => Scalar::of(bound).into_iter().collect(),
            };
            let mut rows = rows.iter().zip(&mut shown);
            rows.any(|(row, found)| match found {
                Found::Value(value) => {
                    is_measured(&value, &operands) && evaluator.evaluate(row).is_false()
                }
                _ => false,
            })
        }
        _ => false,
    }
}

/// Whether rows that a server did not filter by the lookup show that it does not filter by the parameter, whatever value it is sent.
///
/// A server may drop a value of a field that is shown in another form, because it is no choice, and filter by others. So the rows
/// have to show the field as it was asked for: a number, a flag or a date where one was asked for. A text never settles it: it may be
/// a label. That is about `exact`, `iexact` and `in`; what other lookups are sent is no choice.
///
/// ```
/// use django_api_orm_core::{evaluate::{Fields, settles}, lookup::Lookup};
/// use serde_json::json;
///
/// let settled = |name: &str, value: serde_json::Value, shown: &[serde_json::Value]| {
///     let rows: Vec<_> = shown.iter().map(|shown| [("x".to_owned(), shown.clone())].into_iter().collect()).collect();
///     settles(&Lookup::parse(name, value), &Fields::new("id"), &rows)
/// };
/// assert!(!settled("x", json!("Alpha"), &[json!("Alpha"), json!("Beta")]), "a label");
/// assert!(!settled("x", json!("z"), &[json!("Alpha"), json!("Beta")]), "z may be no choice");
/// assert!(settled("x", json!(7), &[json!(1), json!(2)]));
/// assert!(!settled("x", json!(7), &[json!("Alpha"), json!("Beta")]));
/// ```
#[must_use]
pub fn settles(lookup: &Lookup, fields: &Fields, rows: &[Map<String, Value>]) -> bool {
    if !lookup.names_values() {
        return true;
    }
    let operands = match &lookup.value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let is_asked = |shown: &Value| match Measure::of(shown) {
        // Who asks for a label finds it shown, and dropped.
        Some(Measure::Text) => false,
        Some(kind) => operands
            .iter()
            .any(|value| Measure::of(value) == Some(kind)),
        None => shown.is_boolean() && operands.iter().any(Value::is_boolean),
    };
    let mut shown = rows.iter().filter_map(|row| taken(lookup, fields, row));
    shown.any(|shown| is_asked(&shown))
}

/// What a lookup asks for.
struct Values<'a>(Vec<Option<Scalar<'a>>>);

impl<'a> Values<'a> {
    fn of(lookup: &'a Lookup) -> Self {
        Self(match &lookup.value {
            Value::Array(values) if lookup.op == Op::In => values.iter().map(Scalar::of).collect(),
            value => vec![Scalar::of(value)],
        })
    }

    /// Whether these are numbers, and the key is none of them.
    fn are_other_numbers(&self, key: &Scalar<'_>) -> bool {
        let Some(key) = key.as_number() else {
            return false;
        };
        self.0.iter().flatten().all(|value| {
            value
                .as_number()
                .is_some_and(|value| value.compare(key).is_ne())
        })
    }
}

/// Whether both may be one value to some database.
fn may_be_one(one: &Option<Scalar<'_>>, other: &Option<Scalar<'_>>) -> bool {
    match (one, other) {
        (Some(Scalar::Text(one)), Some(Scalar::Text(other))) => {
            may_be_equal(one.raw.trim(), other.raw.trim())
        }
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether the value is a number or a date that no other form of itself could be so far from the operands.
fn is_measured(value: &Scalar<'_>, operands: &[Scalar<'_>]) -> bool {
    let Some(moment) = value.as_moment() else {
        return matches!(value, Scalar::Number(_));
    };
    // A day covers every time zone.
    operands.iter().all(|operand| {
        let operand = operand.as_moment();
        operand
            .and_then(|operand| moment.distance(operand))
            .is_some_and(|distance| distance > TimeDelta::days(1))
    })
}
