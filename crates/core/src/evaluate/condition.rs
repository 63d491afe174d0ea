//! One lookup, made ready to be tested on many rows.

use std::{cmp::Ordering, sync::Arc};

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::{
    Fields, Reading, Reason, Verdict, Why,
    collation::{Collation, Needed},
    moment::Moment,
    precision::{is_finer, is_near, may_lack_digits},
    scalar::{Scalar, json_equal},
    text::Place,
    walk::{Found, Path},
};
use crate::{
    error::{Error, Result},
    lookup::{Lookup, Op, Transform},
};

#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// The lookup's name, for reasons.
    name: Arc<str>,
    path: Path,
    reading: Reading,
    test: Test,
    may_ask_of_one_row: bool,
}

#[derive(Debug, Clone)]
enum Test {
    IsNull(bool),
    Equals(Scalar<'static>),
    /// `in`: no value at all is false on any row, even on one without the field.
    OneOf(Values),
    Ordered(fn(Ordering) -> bool, Scalar<'static>),
    Between(Scalar<'static>, Scalar<'static>),
    Text(Place, String),
    /// `contains` with text: of a list it may ask for a member, or for a part of one.
    TextOrMember(String),
    /// `contains` with a list or an object: JSON containment.
    Holds(Value),
    Matches(Regex),
}

#[derive(Debug, Clone)]
struct Values {
    all: Vec<Scalar<'static>>,
    /// The values sorted, where all are integers: long lists of keys are searched, not walked.
    integers: Option<Vec<i64>>,
}

impl Condition {
    pub(super) fn compile(lookup: &Lookup, fields: &Fields) -> Result<Self> {
        let reading = fields.reading(lookup);
        Ok(Self {
            may_ask_of_one_row: lookup.may_ask_of_one_row(),
            name: lookup.parameter().into(),
            path: Path::new(&lookup.path, lookup.transform, &fields.primary_key),
            reading,
            test: Test::compile(lookup).map_err(|reason| {
                Error::invalid_request(format!(
                    "`{}={}`: {reason}",
                    lookup.parameter(),
                    lookup.value
                ))
            })?,
        })
    }

    /// The field that it starts at, where it can be meant of one of the rows that this is a list of.
    pub(super) fn list(&self) -> Option<&str> {
        self.path.roots().next().filter(|_| self.may_ask_of_one_row)
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = &str> {
        self.path.roots()
    }

    /// Whether a list with more than one element lies on the way, so that two lookups may hold for two of them.
    pub(super) fn meets_several(&self, row: &Map<String, Value>) -> bool {
        match self.path.single(row) {
            Some(Found::List(items)) => items.len() > 1,
            Some(_) => false,
            None => true,
        }
    }

    pub(super) fn evaluate(&self, row: &Map<String, Value>) -> Verdict {
        if matches!(&self.test, Test::OneOf(values) if values.all.is_empty()) {
            return Verdict::False;
        }
        if self.reading.shown_otherwise {
            return Verdict::Unknown(self.reason(Why::OtherForm));
        }
        let mut verdict = Verdict::False;
        self.path.walk(row, &mut |found| {
            match self.holds(&found) {
                Some(true) => verdict = Verdict::True,
                Some(false) => {}
                None => verdict = Verdict::Unknown(self.reason(self.why(&found))),
            }
            !verdict.is_true()
        });
        verdict
    }

    /// Whether digits that the row does not show could turn the verdict.
    fn lacks_digits(&self, row: &Map<String, Value>) -> bool {
        let mut lacks = false;
        self.path.walk(row, &mut |found| {
            lacks = matches!(found, Found::Value(value) if self.test.lacks_digits(&value));
            !lacks
        });
        lacks
    }

    /// Why the test decides nothing on what was found.
    fn why(&self, found: &Found<'_>) -> Why {
        match found {
            Found::Absent => Why::Absent,
            Found::Value(value) if self.test.is_at_boundary(value) => Why::Boundary,
            _ if self.test.found(found, self.reading.documented()).is_some() => Why::Collation,
            _ => Why::Incomparable,
        }
    }

    pub(super) fn reason(&self, why: Why) -> Reason {
        Reason {
            lookup: Arc::clone(&self.name),
            why,
        }
    }

    fn holds(&self, found: &Found<'_>) -> Option<bool> {
        match (found, self.test.found(found, self.reading)) {
            // To check what a server has done, digits that are not shown are not taken for zeros.
            (Found::Value(value), Some(false))
                if self.reading.is_a_check && self.test.is_at_boundary(value) =>
            {
                None
            }
            (_, holds) => holds,
        }
    }
}

/// How much has to be overlooked of the texts of a row so that the lookup holds for it.
#[must_use]
pub fn needed(lookup: &Lookup, fields: &Fields, row: &Map<String, Value>) -> Needed {
    let compiled = Condition::compile(lookup, fields).ok();
    Needed::by(|step| {
        let mut condition = compiled.clone()?;
        condition.reading.collation = Collation::exactly(step);
        match condition.evaluate(row) {
            Verdict::True => Some(true),
            Verdict::False => Some(false),
            Verdict::Unknown(_) => None,
        }
    })
}

/// Whether digits that a row does not show of a number or a time could turn the verdict: it shows `6.67`, and is asked for that, or for
/// `6.6667`; or `10:04` for `10:04:30`. It may be all that there is, or rounded.
///
/// ```
/// use django_api_orm_core::{evaluate::{Fields, lacks_digits}, lookup::Lookup};
/// use serde_json::{Value, json};
///
/// let lacks = |name: &str, asked: Value, shown: Value| {
///     let row = [("x".to_owned(), shown)].into_iter().collect();
///     lacks_digits(&Lookup::parse(name, asked), &Fields::new("id"), &row)
/// };
/// assert!(lacks("x__gt", json!(6.6667), json!("6.67")));
/// assert!(lacks("x__in", json!([6.6667, 1]), json!("6.67")));
/// assert!(lacks("x__range", json!([1, "6.6667"]), json!("6.67")));
/// assert!(lacks("x__gt", json!(6.6667), json!(6.67)));
/// assert!(lacks("x", json!(6.5), json!(7)));
/// assert!(lacks("x__gt", json!(6), json!("6.0")) && !lacks("x__gt", json!(6), json!(6)));
/// assert!(!lacks("x", json!(6.5), json!(6.51)));
/// assert!(lacks("x__gt", json!(6.5), json!("7")) && !lacks("x__gt", json!(5), json!("7")));
/// assert!(!lacks("x__gt", json!(6.6), json!("6.67")));
/// assert!(!lacks("x__gt", json!(6.7001), json!("6.67")), "it is farther away");
/// assert!(lacks("x__gt", json!("2024-05-01T10:04:30Z"), json!("2024-05-01T10:04Z")));
/// assert!(!lacks("x__gt", json!("2024-05-01T10:05:30Z"), json!("2024-05-01T10:04Z")));
/// assert!(lacks("x__gt", json!("2024-05-01T10:04:00.5Z"), json!("2024-05-01T10:04:00Z")));
/// assert!(lacks("x__gt", json!("2024-05-01T10:04:00Z"), json!("2024-05-01T10:04:00Z")));
/// assert!(!lacks("x__gt", json!("2024-05-01T10:04:00.5Z"), json!("2024-05-01T10:04:00.500000Z")));
/// assert!(!lacks("x__gt", json!("2024-05-01T10:04:00Z"), json!("2024-05-01")), "a day has no time");
/// ```
#[must_use]
pub fn lacks_digits(lookup: &Lookup, fields: &Fields, row: &Map<String, Value>) -> bool {
    Condition::compile(lookup, fields).is_ok_and(|condition| condition.lacks_digits(row))
}

impl Test {
    fn compile(lookup: &Lookup) -> std::result::Result<Self, String> {
        let value = &lookup.value;
        let single = |value: &Value| operand(lookup, value);
        let list = || {
            value
                .as_array()
                .ok_or_else(|| format!("`{}` needs a list of values", lookup.op.as_str()))
        };
        Ok(match lookup.op {
            Op::Exact | Op::IExact if value.is_null() => Self::IsNull(true),
            Op::Exact => Self::Equals(single(value)?),
            Op::In => {
                let values = list()?.iter().filter(|value| !value.is_null());
                Self::OneOf(Values::new(
                    values.map(single).collect::<std::result::Result<_, _>>()?,
                ))
            }
            Op::Gt => Self::Ordered(Ordering::is_gt, ordered(single(value)?)?),
            Op::Gte => Self::Ordered(Ordering::is_ge, ordered(single(value)?)?),
            Op::Lt => Self::Ordered(Ordering::is_lt, ordered(single(value)?)?),
            Op::Lte => Self::Ordered(Ordering::is_le, ordered(single(value)?)?),
            Op::Range => match list()?.as_slice() {
                [low, high] => Self::Between(ordered(single(low)?)?, ordered(single(high)?)?),
                values => return Err(format!("`range` needs two values, not {}", values.len())),
            },
            Op::IsNull => Self::IsNull(
                value
                    .as_bool()
                    .ok_or_else(|| "`isnull` needs true or false".to_owned())?,
            ),
            Op::Contains if value.is_array() || value.is_object() => Self::Holds(value.clone()),
            Op::Contains => Self::TextOrMember(text(lookup)?),
            Op::IExact => Self::Text(Place::Whole, text(lookup)?),
            Op::IContains => Self::Text(Place::Anywhere, text(lookup)?),
            Op::StartsWith | Op::IStartsWith => Self::Text(Place::Start, text(lookup)?),
            Op::EndsWith | Op::IEndsWith => Self::Text(Place::End, text(lookup)?),
            Op::Regex | Op::IRegex => Self::Matches(
                RegexBuilder::new(&text(lookup)?)
                    .case_insensitive(lookup.op == Op::IRegex)
                    .build()
                    .map_err(|error| {
                        format!("not a pattern that can be evaluated client-side: {error}")
                    })?,
            ),
        })
    }

    fn found(&self, found: &Found<'_>, reading: Reading) -> Option<bool> {
        match (found, self) {
            (Found::Absent, _) => None,
            (Found::Null, Self::IsNull(wanted)) => Some(*wanted),
            (Found::Null, _) => Some(false),
            (Found::Value(value), test) => test.value(value, reading),
            // Nothing is related, or an empty list is stored: the rows do not show which.
            (Found::List([]), Self::IsNull(_)) => None,
            (Found::List(_), Self::IsNull(wanted)) => Some(!wanted),
            (Found::List(items), test) => test.list(items, reading),
        }
    }

    /// Whether the test holds for one value that is not null.
    fn value(&self, row: &Scalar<'_>, reading: Reading) -> Option<bool> {
        match self {
            Self::IsNull(wanted) => Some(!wanted),
            Self::Equals(operand) => row.equals(operand, reading),
            Self::OneOf(values) => values.hold(row, reading),
            Self::Ordered(accepts, operand) => row.order(operand, reading).map(accepts),
            Self::Between(low, high) => {
                let above = row.order(low, reading).map(Ordering::is_ge);
                let below = row.order(high, reading).map(Ordering::is_le);
                match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            Self::Text(place, operand) => lies(*place, row, operand, reading),
            Self::TextOrMember(operand) => lies(Place::Anywhere, row, operand, reading),
            Self::Holds(operand) => match row {
                Scalar::Composite(row) => Some(json_holds(row, operand)),
                _ => Some(false),
            },
            Self::Matches(pattern) => Some(pattern.is_match(&row.as_text(reading)?)),
        }
    }

    /// Whether digits that the row does not show could make the test hold.
    fn is_at_boundary(&self, row: &Scalar<'_>) -> bool {
        match self {
            Self::Equals(operand) => is_finer(operand, row) && is_near(row, operand),
            Self::OneOf(values) => {
                (values.all.iter()).any(|operand| is_finer(operand, row) && is_near(row, operand))
            }
            Self::Ordered(_, operand) => is_near(row, operand),
            Self::Between(low, high) => is_near(row, low) || is_near(row, high),
            _ => false,
        }
    }

    /// Whether digits that the row does not show could turn the verdict.
    fn lacks_digits(&self, row: &Scalar<'_>) -> bool {
        match self {
            Self::Equals(operand) | Self::Ordered(_, operand) => may_lack_digits(row, operand),
            Self::OneOf(values) => values
                .all
                .iter()
                .any(|operand| may_lack_digits(row, operand)),
            Self::Between(low, high) => may_lack_digits(row, low) || may_lack_digits(row, high),
            _ => false,
        }
    }

    /// Whether the test holds for a list: it does where it holds for an element, or for the list itself.
    fn list(&self, items: &[Value], reading: Reading) -> Option<bool> {
        match self {
            Self::Equals(operand) => return list_equals(items, operand, reading),
            Self::OneOf(values) => {
                return any(values
                    .all
                    .iter()
                    .map(|operand| list_equals(items, operand, reading)));
            }
            Self::Holds(Value::Array(asked)) => {
                let held = |asked| items.iter().any(|item| json_holds(item, asked));
                return Some(asked.iter().all(held));
            }
            _ => {}
        }
        any(items.iter().filter_map(Scalar::of).map(|item| {
            match (self.value(&item, reading), self) {
                (Some(true), Self::TextOrMember(operand)) => {
                    (item.as_written().as_deref() == Some(operand)).then_some(true)
                }
                (held, _) => held,
            }
        }))
    }
}

impl Values {
    fn new(all: Vec<Scalar<'static>>) -> Self {
        let integer = |value: &Scalar<'_>| match value {
            Scalar::Number(number) => number.integer(),
            _ => None,
        };
        let integers: Option<Vec<i64>> = all.iter().map(integer).collect();
        Self {
            all,
            integers: integers.map(|mut integers| {
                integers.sort_unstable();
                integers
            }),
        }
    }

    fn hold(&self, row: &Scalar<'_>, reading: Reading) -> Option<bool> {
        if let (Scalar::Number(number), Some(integers)) = (row, &self.integers)
            && let Some(integer) = number.integer()
        {
            return Some(integers.binary_search(&integer).is_ok());
        }
        any(self.all.iter().map(|value| row.equals(value, reading)))
    }
}

/// Whether the operand lies in the text of a value.
fn lies(place: Place, row: &Scalar<'_>, operand: &str, reading: Reading) -> Option<bool> {
    match row.as_text(reading) {
        Some(text) => reading.collation.holds(place, &text, operand),
        None => row.has_in_no_form(operand).then_some(false),
    }
}

/// Whether one of them holds; unknown where none does and one is unknown.
fn any(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut held = Some(false);
    for verdict in verdicts {
        match verdict {
            Some(true) => return Some(true),
            Some(false) => {}
            None => held = None,
        }
    }
    held
}

/// Whether a list equals the operand, or an element of it does.
fn list_equals(items: &[Value], operand: &Scalar<'_>, reading: Reading) -> Option<bool> {
    if let Scalar::Composite(asked) = operand
        && let Value::Array(list) = asked.as_ref()
    {
        let whole = items.len() == list.len()
            && items
                .iter()
                .zip(list)
                .all(|(item, asked)| json_equal(item, asked));
        return Some(whole || items.iter().any(|item| json_equal(item, asked)));
    }
    any(items
        .iter()
        .filter_map(Scalar::of)
        .map(|item| item.equals(operand, reading)))
}

/// An operand that is compared as a value, checked against the transform before it.
fn operand(lookup: &Lookup, value: &Value) -> std::result::Result<Scalar<'static>, String> {
    let scalar = Scalar::of(value)
        .ok_or_else(|| {
            format!(
                "null cannot be an operand of `{}`; use `isnull`",
                lookup.op.as_str()
            )
        })?
        .into_owned();
    let Some(transform) = lookup.transform else {
        return Ok(scalar);
    };
    let (fits, needed) = match transform {
        Transform::Date => (
            matches!(scalar.as_moment(), Some(Moment::Date(_))),
            "a date, 2024-01-31",
        ),
        Transform::Time => (
            matches!(scalar.as_moment(), Some(Moment::Time(_))),
            "a time, 23:59:59",
        ),
        _ => (
            scalar
                .as_number()
                .is_some_and(|number| number.integer().is_some()),
            "an integer",
        ),
    };
    if fits {
        Ok(scalar)
    } else {
        Err(format!(
            "`{}` is compared with {needed}",
            transform.as_str()
        ))
    }
}

fn ordered(operand: Scalar<'static>) -> std::result::Result<Scalar<'static>, String> {
    match operand {
        Scalar::Composite(_) => Err("lists and objects have no order".to_owned()),
        operand => Ok(operand),
    }
}

/// The operand of a text lookup.
fn text(lookup: &Lookup) -> std::result::Result<String, String> {
    let number_allowed = !matches!(lookup.op, Op::Regex | Op::IRegex);
    match &lookup.value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number_allowed => Ok(number.to_string()),
        _ => Err(format!("`{}` needs text", lookup.op.as_str())),
    }
}

/// JSON containment: every part of `asked` is in `held`, as `contains` means it for JSON and array fields.
fn json_holds(held: &Value, asked: &Value) -> bool {
    match (held, asked) {
        (Value::Object(held), Value::Object(asked)) => asked
            .iter()
            .all(|(key, asked)| held.get(key).is_some_and(|held| json_holds(held, asked))),
        (Value::Array(held), Value::Array(asked)) => asked
            .iter()
            .all(|asked| held.iter().any(|held| json_holds(held, asked))),
        _ => json_equal(held, asked),
    }
}
