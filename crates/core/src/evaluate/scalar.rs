//! Single values of rows and operands, and whether one equals or precedes the other.
//!
//! JSON has fewer types than a database: a decimal, a date, a UUID and a related row all arrive as text. What a text is
//! taken for is read off both sides, and where two readings give two answers there is no answer (`None`).

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;
use uuid::Uuid;

use super::{
    Kind, Reading,
    link::Link,
    localized,
    moment::Moment,
    number::{Number, Spelling},
    plain::{is_in_no_instant, is_plain},
};

/// A value that is not null.
#[derive(Debug, Clone)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Number(Number),
    Text(Text<'a>),
    /// What a transform has taken of a date.
    Moment(Moment),
    /// An object or a list.
    Composite(Cow<'a, Value>),
}

/// A text, and what it can be taken for.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    pub(super) raw: Cow<'a, str>,
    form: Form,
}

/// What a text can be taken for.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Number(Number, Spelling),
    Moment(Moment),
    Uuid(Uuid),
    Link,
    Other,
}

/// Whether the text is a number, a moment, a UUID or a link: then it is the value itself, and no label of another one.
#[must_use]
pub fn is_no_label(text: &str) -> bool {
    !matches!(Text::of(Cow::Borrowed(text)).form, Form::Other)
}

impl<'a> Scalar<'a> {
    /// The value; `None` for null.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(Number::of_json(number)),
            Value::String(text) => Self::Text(Text::of(Cow::Borrowed(text))),
            Value::Array(_) | Value::Object(_) => Self::Composite(Cow::Borrowed(value)),
        })
    }

    pub(super) fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Bool(flag) => Scalar::Bool(flag),
            Self::Number(number) => Scalar::Number(number),
            Self::Text(text) => Scalar::Text(Text {
                raw: Cow::Owned(text.raw.into_owned()),
                form: text.form,
            }),
            Self::Moment(moment) => Scalar::Moment(moment),
            Self::Composite(value) => Scalar::Composite(Cow::Owned(value.into_owned())),
        }
    }

    /// The value as a number, where it is one or spells one.
    pub(super) fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number)
            | Self::Text(Text {
                form: Form::Number(number, _),
                ..
            }) => Some(number),
            _ => None,
        }
    }

    /// The value as a date, a time or a duration.
    pub(super) fn as_moment(&self) -> Option<Moment> {
        match self {
            Self::Moment(moment)
            | Self::Text(Text {
                form: Form::Moment(moment),
                ..
            }) => Some(*moment),
            _ => None,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Number(number) => match number.integer() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Self::Text(text) => match text.raw.as_ref() {
                "true" | "True" | "TRUE" | "t" | "1" => Some(true),
                "false" | "False" | "FALSE" | "f" | "0" => Some(false),
                _ => None,
            },
            Self::Moment(_) | Self::Composite(_) => None,
        }
    }

    /// Whether this value of a row equals the operand; `None` where that cannot be known.
    pub(super) fn equals(&self, operand: &Scalar<'_>, reading: Reading) -> Option<bool> {
        match (self, operand) {
            (Scalar::Text(row), Scalar::Text(operand)) => row.equals(operand, reading),
            (Scalar::Text(row), Scalar::Number(_)) if reading.kind == Some(Kind::Text) => {
                reading.collation.equal(&row.raw, &operand.as_written()?)
            }
            // No server writes a number so: as a text it differs, and as a number it may not.
            (
                Scalar::Text(Text {
                    form: Form::Number(row, Spelling::Odd | Spelling::Exponent),
                    ..
                }),
                Scalar::Number(operand),
            ) if reading.kind.is_none() => {
                (row.compare(operand) != Ordering::Equal).then_some(false)
            }
            (Scalar::Composite(row), Scalar::Composite(operand)) if same_shape(row, operand) => {
                Some(json_equal(row, operand))
            }
            // One database has a list of a JSON field as its text.
            (Scalar::Composite(row), Scalar::Text(operand))
                if row.is_array() && operand.raw.starts_with('[') =>
            {
                None
            }
            // JSON is compared as a whole, and of related rows one is enough.
            (Scalar::Composite(row), _) if row.is_array() => {
                let mut items = row.as_array().into_iter().flatten();
                let differs = |item| match Scalar::of(item) {
                    Some(item) => item.equals(operand, reading) == Some(false),
                    None => true,
                };
                items.all(differs).then_some(false)
            }
            _ => self.order(operand, reading).map(Ordering::is_eq),
        }
    }

    /// How this value of a row stands to the operand; `None` where that cannot be known.
    pub(super) fn order(&self, operand: &Scalar<'_>, reading: Reading) -> Option<Ordering> {
        match (self, operand) {
            (Scalar::Bool(row), operand) => Some(row.cmp(&operand.as_bool()?)),
            (Scalar::Number(row), Scalar::Bool(operand)) => {
                Some(row.compare(&i64::from(*operand).into()))
            }
            (Scalar::Number(row), Scalar::Number(operand)) => Some(row.compare(operand)),
            (Scalar::Number(row), Scalar::Text(operand)) => Some(row.compare(&*operand.number()?)),
            (Scalar::Text(_), Scalar::Bool(operand)) => Some(self.as_bool()?.cmp(operand)),
            (Scalar::Text(row), Scalar::Number(number)) => match &row.form {
                _ if reading.kind == Some(Kind::Text) => {
                    reading.collation.order(&row.raw, &operand.as_written()?)
                }
                Form::Number(_, Spelling::Odd | Spelling::Exponent)
                    if reading.kind != Some(Kind::Decimal) =>
                {
                    None
                }
                _ => Some(row.number()?.compare(number)),
            },
            (Scalar::Text(row), Scalar::Text(operand)) => row.order_to_operand(operand, reading),
            (Scalar::Moment(row), operand) => row.compare_to_operand(operand.as_moment()?),
            (Scalar::Composite(row), operand) => related_key(row)?.order(operand, reading),
            (_, Scalar::Moment(_) | Scalar::Composite(_)) => None,
        }
    }

    /// Whether both are the same value: of numbers, of objects with the same key.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Scalar::Bool(left), Scalar::Bool(right)) => left == right,
            (Scalar::Number(left), Scalar::Number(right)) => left.compare(right).is_eq(),
            (Scalar::Text(left), Scalar::Text(right)) => left.raw == right.raw,
            (Scalar::Moment(left), Scalar::Moment(right)) => left == right,
            (Scalar::Composite(left), Scalar::Composite(right)) => {
                match (related_key(left), related_key(right)) {
                    (Some(left), Some(right)) => left.is_same(&right),
                    _ => json_equal(left, right),
                }
            }
            _ => false,
        }
    }

    /// How two rows stand to each other: transitive on what is comparable, so that it can sort.
    pub(super) fn order_rows(&self, other: &Self, reading: Reading) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Bool(left), Scalar::Bool(right)) => Some(left.cmp(right)),
            (Scalar::Number(left), Scalar::Number(right)) => Some(left.compare(right)),
            (Scalar::Text(left), Scalar::Text(right)) => left.order(right, reading),
            (Scalar::Moment(left), Scalar::Moment(right)) => left.compare(*right),
            (Scalar::Composite(left), Scalar::Composite(right)) => {
                related_key(left)?.order_rows(&related_key(right)?, reading)
            }
            _ => None,
        }
    }

    /// The value as a database casts it to text; `None` where databases differ.
    pub(super) fn as_text(&self, reading: Reading) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => match text.form {
                Form::Moment(moment)
                    if moment.is_stored_otherwise() && reading.kind != Some(Kind::Text) =>
                {
                    None
                }
                _ => Some(Cow::Borrowed(&text.raw)),
            },
            Scalar::Number(Number::Float(float)) if float.fract() == 0.0 => None,
            Scalar::Number(_) => self.as_written(),
            Scalar::Moment(Moment::Date(date)) => Some(date.to_string().into()),
            Scalar::Bool(_) | Scalar::Moment(_) | Scalar::Composite(_) => None,
        }
    }

    /// Whether no text of the value has the operand in it, whatever a database casts it to.
    pub(super) fn has_in_no_form(&self, operand: &str) -> bool {
        matches!(self.as_moment(), Some(Moment::Naive(_) | Moment::Aware(_)))
            && is_in_no_instant(operand)
    }

    /// The text of a text or a number.
    pub(super) fn as_written(&self) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => Some(Cow::Borrowed(&text.raw)),
            Scalar::Number(Number::Plain(decimal)) => Some(decimal.to_string().into()),
            Scalar::Number(Number::Float(float)) => Some(format!("{float:?}").into()),
            Scalar::Number(Number::Long(text)) => Some(Cow::Borrowed(text)),
            Scalar::Bool(_) | Scalar::Moment(_) | Scalar::Composite(_) => None,
        }
    }
}

impl<'a> Text<'a> {
    pub(super) fn of(raw: Cow<'a, str>) -> Self {
        let form = Form::of(&raw);
        Self { raw, form }
    }

    pub(super) fn is_uuid(&self) -> bool {
        matches!(self.form, Form::Uuid(_))
    }

    /// The key that a URL ends with.
    pub(super) fn link_key(&self) -> Option<Cow<'_, str>> {
        self.link()?.key()
    }

    fn link(&self) -> Option<Link<'_>> {
        match self.form {
            Form::Link => Link::parse(&self.raw),
            _ => None,
        }
    }

    /// The number that the text spells, or that the URL ends with.
    fn number(&self) -> Option<Cow<'_, Number>> {
        match &self.form {
            Form::Number(number, _) => Some(Cow::Borrowed(number)),
            Form::Link => Number::parse(&self.link_key()?).map(|(number, _)| Cow::Owned(number)),
            _ => None,
        }
    }

    fn equals(&self, operand: &Text<'_>, reading: Reading) -> Option<bool> {
        if self.raw == operand.raw {
            return Some(true);
        }
        match reading.kind {
            Some(Kind::Text) => return reading.collation.equal(&self.raw, &operand.raw),
            Some(Kind::Decimal) => {
                return self.order_to_operand(operand, reading).map(Ordering::is_eq);
            }
            None => {}
        }
        match (&self.form, &operand.form) {
            (Form::Number(row, spelled), Form::Number(operand, asked)) => {
                let equal = row.compare(operand) == Ordering::Equal;
                match (spelled, asked) {
                    // A decimal field, where "12.50" is "12.5", or a text such as a version, where it is not.
                    (Spelling::Decimal, _) | (Spelling::Integer, Spelling::Decimal) => {
                        (!equal).then_some(false)
                    }
                    (_, Spelling::Exponent) => (!equal).then_some(false),
                    // A text: "007" is not "7".
                    _ => Some(false),
                }
            }
            (Form::Moment(row), Form::Moment(operand)) => {
                row.compare_to_operand(*operand).map(Ordering::is_eq)
            }
            (Form::Moment(_), Form::Other) if is_plain(&operand.raw) => {
                reading.collation.equal(&self.raw, &operand.raw)
            }
            // The server may read a date in a spelling that this library does not read.
            (Form::Moment(_), _) => None,
            (Form::Uuid(row), _) => {
                Some(Uuid::try_parse(&operand.raw).is_ok_and(|operand| operand == *row))
            }
            (_, Form::Uuid(operand)) => match self.link_key() {
                Some(key) => Some(Uuid::try_parse(&key).is_ok_and(|row| row == *operand)),
                None => Some(Uuid::try_parse(&self.raw).is_ok_and(|row| row == *operand)),
            },
            (Form::Link, Form::Link) => self.link()?.names_the_same(operand.link()?),
            (Form::Link, _) => {
                let named = self.link_key().is_some_and(|key| key == operand.raw);
                // A path alone may be a related row, or the name of a file.
                if named && self.link()?.origin.is_none() {
                    None
                } else {
                    Some(named)
                }
            }
            (_, Form::Link) => Some(operand.link_key().is_some_and(|key| key == self.raw)),
            _ if !reading.is_a_check && self.may_mean(operand) => None,
            _ => reading.collation.equal(&self.raw, &operand.raw),
        }
    }

    /// Whether it may be the value of the operand, as people write it. What a server has found is another matter: there it is seen by a
    /// probe.
    fn may_mean(&self, operand: &Text<'_>) -> bool {
        match (&self.form, &operand.form) {
            (Form::Other | Form::Number(..), Form::Moment(_)) => {
                localized::may_be_moment(&self.raw)
            }
            (Form::Other, Form::Number(number, _)) => {
                localized::orders_to_number(&self.raw, number).any(Ordering::is_eq)
            }
            _ => false,
        }
    }

    fn order_to_operand(&self, operand: &Text<'_>, reading: Reading) -> Option<Ordering> {
        if reading.kind.is_some() {
            return self.order(operand, reading);
        }
        match (&self.form, &operand.form) {
            (Form::Number(..) | Form::Moment(_), Form::Other) if is_plain(&operand.raw) => {
                reading.collation.order(&self.raw, &operand.raw)
            }
            (Form::Number(row, Spelling::Decimal), Form::Number(operand, _)) => {
                Some(row.compare(operand))
            }
            (Form::Moment(row), Form::Moment(operand)) => row.compare_to_operand(*operand),
            (Form::Uuid(row), _) => Some(row.cmp(&Uuid::try_parse(&operand.raw).ok()?)),
            (Form::Link, Form::Number(operand, _)) => Some(self.number()?.compare(operand)),
            (Form::Link, Form::Other) | (Form::Other | Form::Number(..), Form::Link) => None,
            (Form::Other, Form::Number(number, Spelling::Integer)) => {
                let as_text = reading.collation.order(&self.raw, &operand.raw);
                let mut orders = localized::orders_to_number(&self.raw, number);
                as_text.filter(|as_text| orders.all(|order| order == *as_text))
            }
            _ => self.order(operand, reading),
        }
    }

    /// The order of two texts of one column.
    fn order(&self, other: &Text<'_>, reading: Reading) -> Option<Ordering> {
        let as_text = reading.collation.order(&self.raw, &other.raw);
        let agreed = |otherwise: Ordering| as_text.filter(|ordering| *ordering == otherwise);
        match reading.kind {
            Some(Kind::Text) => return as_text,
            Some(Kind::Decimal) => {
                return match (&self.form, &other.form) {
                    (Form::Number(left, _), Form::Number(right, _)) => Some(left.compare(right)),
                    _ => None,
                };
            }
            None => {}
        }
        match (&self.form, &other.form) {
            // Without a point it is a number or a text of digits: the two orders must agree.
            (Form::Number(left, Spelling::Integer), Form::Number(right, Spelling::Integer)) => {
                agreed(left.compare(right))
            }
            (
                Form::Number(left, Spelling::Integer | Spelling::Decimal),
                Form::Number(right, Spelling::Integer | Spelling::Decimal),
            ) => Some(left.compare(right)),
            (Form::Number(_, Spelling::Decimal), _) | (_, Form::Number(_, Spelling::Decimal)) => {
                None
            }
            (Form::Moment(left), Form::Moment(right)) => left.compare(*right),
            (Form::Uuid(left), Form::Uuid(right)) => Some(left.cmp(right)),
            (Form::Moment(_) | Form::Uuid(_), _) | (_, Form::Moment(_) | Form::Uuid(_)) => None,
            (Form::Link, Form::Link) => match (self.number(), other.number()) {
                // Related rows are ordered by their keys, pages of the web by their text.
                (Some(left), Some(right))
                    if self.link()?.collection() == other.link()?.collection() =>
                {
                    agreed(left.compare(&right))
                }
                _ => as_text,
            },
            (Form::Other, Form::Other) => {
                let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
                let may_differ =
                    has_digit(&self.raw) && has_digit(&other.raw) && self.raw != other.raw;
                let orders = may_differ.then(|| localized::orders(&self.raw, &other.raw));
                let mut orders = orders.into_iter().flatten();
                as_text.filter(|as_text| orders.all(|order| order == Some(*as_text)))
            }
            _ => as_text,
        }
    }
}

impl Form {
    pub(super) fn of(text: &str) -> Self {
        let Some(first) = text.bytes().next() else {
            return Self::Other;
        };
        if text.len() == 36
            && let Ok(uuid) = Uuid::try_parse(text)
        {
            return Self::Uuid(uuid);
        }
        match first {
            b'0'..=b'9' | b'-' | b'+' | b'.' => match (Moment::parse(text), Number::parse(text)) {
                (Some(moment), _) => Self::Moment(moment),
                (None, Some((number, spelling))) => Self::Number(number, spelling),
                (None, None) => Self::Other,
            },
            b'P' => Moment::parse(text).map_or(Self::Other, Self::Moment),
            b'h' | b'/' if Link::parse(text).is_some() => Self::Link,
            _ => Self::Other,
        }
    }
}

/// The key of a related row that is given as a whole object.
fn related_key(value: &Value) -> Option<Scalar<'_>> {
    let fields = value.as_object()?;
    let key = fields.get("id").or_else(|| fields.get("pk"))?;
    Scalar::of(key).filter(|key| !matches!(key, Scalar::Composite(_)))
}

fn same_shape(left: &Value, right: &Value) -> bool {
    left.is_object() == right.is_object()
}

/// Equality of JSON as databases see it: `1` is `1.0`, and the order of keys does not count.
pub(super) fn json_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            Number::of_json(left).compare(&Number::of_json(right)) == Ordering::Equal
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| json_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| json_equal(left, right)))
        }
        _ => left == right,
    }
}
