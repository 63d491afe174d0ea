//! What the rows of an endpoint show of the type of a field, taken together: one value alone may be of several.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    Evaluator, Fields,
    number::{Number, Spelling},
    place::FieldPlace,
    scalar::Form,
};
use crate::{filter::Q, lookup::Lookup};

/// What the rows have shown of a field that they are compared by.
#[derive(Debug, Clone)]
pub struct Column {
    path: String,
    place: FieldPlace,
    /// There are texts that are numbers.
    has_numbers: bool,
    /// There are texts that no decimal field shows.
    is_text: bool,
    /// A word that stands for one value at most, as far as is known.
    word: Option<String>,
    asks_fraction: bool,
    /// The lookup, on what may be a number and on texts.
    evaluators: Option<[Evaluator; 2]>,
    /// They have come to different ends.
    differs: bool,
}

/// What type a field is of, beyond what single values show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// It holds texts, of which some look like numbers.
    Text,
    /// It holds whole numbers, and is asked for a fraction, which servers cut off.
    Whole,
    /// It holds no whole numbers of JSON.
    Other,
}

impl Column {
    /// The field of a lookup, where its type makes a difference: it is asked for a text that is a number, or for a number with a fraction.
    #[must_use]
    pub fn of_lookup(lookup: &Lookup, fields: &Fields) -> Option<Self> {
        let values = match &lookup.value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let is_number = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| Number::parse(text).is_some())
        };
        let asks_number = fields.kind(&lookup.path).is_none() && values.iter().any(is_number);
        let asks_fraction = asks_fraction(lookup) && !fields.is_decimal(&lookup.path);
        let is_meant = lookup.transform.is_none() && (asks_number || asks_fraction);
        let compile = |fields: &Fields| Evaluator::compile_for(&Q::Lookup(lookup.clone()), fields);
        let as_text = fields.clone().seen_as_text(&lookup.path);
        is_meant.then(|| Self {
            evaluators: compile(fields)
                .ok()
                .zip(compile(&as_text).ok())
                .map(<[_; 2]>::from),
            ..Self::new(&lookup.path, fields, asks_fraction)
        })
    }

    /// The field of a key that rows are ordered by, where its type is not known.
    #[must_use]
    pub fn of_key(path: &str, fields: &Fields) -> Option<Self> {
        fields
            .kind(path)
            .is_none()
            .then(|| Self::new(path, fields, false))
    }

    fn new(path: &str, fields: &Fields, asks_fraction: bool) -> Self {
        Self {
            path: path.to_owned(),
            place: FieldPlace::new(path, fields),
            has_numbers: false,
            is_text: false,
            word: None,
            asks_fraction,
            evaluators: None,
            differs: false,
        }
    }

    /// The path of the field.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Takes in the next row; gives the type once the rows show it.
    ///
    /// A decimal field shows no zeros in front, and no two words: one may stand for null.
    ///
    /// ```
    /// use django_api_orm_core::evaluate::{Column, ColumnType, Fields};
    /// use serde_json::{Value, json};
    ///
    /// let shown = |values: &[Value]| {
    ///     let mut column = Column::of_key("x", &Fields::new("id")).unwrap();
    ///     let rows = values.iter().map(|value| [("x".to_owned(), value.clone())].into_iter().collect());
    ///     rows.filter_map(|row| column.take(&row)).next()
    /// };
    /// assert_eq!(shown(&[json!("1.0"), json!("01")]), Some(ColumnType::Text));
    /// assert_eq!(shown(&[json!("Ann"), json!("1"), json!("Bob")]), Some(ColumnType::Text));
    /// assert_eq!(shown(&[json!("1.0"), json!("1")]), None, "surplus zeros may be left out");
    /// assert_eq!(shown(&[json!("1.0"), json!(""), json!("N/A"), json!("NaN"), json!("-")]), None);
    /// assert_eq!(shown(&[json!("Ann"), json!("Bob")]), None, "it makes no difference");
    /// ```
    pub fn take(&mut self, row: &Map<String, Value>) -> Option<ColumnType> {
        match self.place.value(row)? {
            Value::Number(number) if self.asks_fraction && (number.is_i64() || number.is_u64()) => {
                return Some(ColumnType::Whole);
            }
            Value::String(text) => match Form::of(text) {
                Form::Number(_, spelling) => {
                    self.has_numbers = true;
                    let digits = text.trim_start_matches(['-', '+']).as_bytes();
                    let has_zero_in_front =
                        matches!(digits, [b'0', second, ..] if second.is_ascii_digit());
                    self.is_text |= spelling == Spelling::Odd && has_zero_in_front;
                    let compared = self.evaluators.as_ref();
                    self.differs |= compared.is_some_and(|[as_any, as_text]| {
                        as_any.evaluate(row) != as_text.evaluate(row)
                    });
                }
                Form::Other if is_word(text) => match &self.word {
                    Some(word) => self.is_text |= word != text,
                    None => self.word = Some(text.clone()),
                },
                _ => {}
            },
            _ => {}
        }
        (self.is_text && self.has_numbers).then_some(ColumnType::Text)
    }

    /// Whether a row so far is judged otherwise, now that the type is known.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.differs
    }
}

/// Whether no number is written so.
fn is_word(text: &str) -> bool {
    text.contains(char::is_alphabetic) && f64::from_str(text.trim()).is_err()
}

/// Whether the lookup asks for what is above or below a number with a fraction.
#[must_use]
pub fn asks_fraction(lookup: &Lookup) -> bool {
    let values = match &lookup.value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let has_fraction = |value: &Value| match value {
        Value::Number(number) => Number::of_json(number).places() > 0,
        Value::String(text) => Number::parse(text).is_some_and(|(number, _)| number.places() > 0),
        _ => false,
    };
    super::collation::orders(lookup.op)
        && lookup.transform.is_none()
        && values.iter().any(has_fraction)
}
