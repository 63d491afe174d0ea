//! What the rows of an endpoint show of the type of a field, taken together: one value alone may be of several.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{
    Fields,
    number::{Number, Spelling},
    place::FieldPlace,
    scalar::Form,
};
use crate::lookup::Lookup;

/// How many numbers are compared with the next one.
const KEPT: usize = 8;

/// What the rows have shown of a field that they are compared by.
#[derive(Debug, Clone)]
pub struct Column {
    path: String,
    place: FieldPlace,
    /// The latest texts that are numbers.
    numbers: VecDeque<(Number, String)>,
    /// There are texts that no decimal field shows.
    has_words: bool,
    asks_fraction: bool,
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
        is_meant.then(|| Self::new(&lookup.path, fields, asks_fraction))
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
            numbers: VecDeque::new(),
            has_words: false,
            asks_fraction,
        }
    }

    /// The path of the field.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Takes in the next row; gives the type once the rows show it.
    ///
    /// A decimal field shows no words, no zeros in front, and each number in one spelling.
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
    /// assert_eq!(shown(&[json!("Ann"), json!("1")]), Some(ColumnType::Text));
    /// assert_eq!(shown(&[json!("1.0"), json!("1")]), Some(ColumnType::Text));
    /// assert_eq!(shown(&[json!("1.00"), json!("2.00"), Value::Null]), None);
    /// assert_eq!(shown(&[json!("1.5"), json!("2")]), None, "surplus zeros may be left out");
    /// assert_eq!(shown(&[json!("Ann"), json!("Bob")]), None, "it makes no difference");
    /// ```
    pub fn take(&mut self, row: &Map<String, Value>) -> Option<ColumnType> {
        match self.place.value(row)? {
            Value::Number(number) if self.asks_fraction && (number.is_i64() || number.is_u64()) => {
                return Some(ColumnType::Whole);
            }
            Value::String(text) => match Form::of(text) {
                Form::Number(number, Spelling::Integer | Spelling::Decimal) => {
                    let is_known = |(known, spelt): &(Number, String)| {
                        known.compare(&number).is_eq() && spelt != text
                    };
                    self.has_words |= self.numbers.iter().any(is_known);
                    if self.numbers.back().is_none_or(|(_, spelt)| spelt != text) {
                        self.numbers.push_back((number, text.clone()));
                    }
                    if self.numbers.len() > KEPT {
                        self.numbers.pop_front();
                    }
                }
                Form::Number(_, Spelling::Exponent) | Form::Moment(_) => {}
                Form::Number(number, Spelling::Odd) => {
                    self.numbers.push_back((number, text.clone()));
                    self.has_words = true;
                }
                Form::Uuid(_) | Form::Link | Form::Other => self.has_words = true,
            },
            _ => {}
        }
        (self.has_words && !self.numbers.is_empty()).then_some(ColumnType::Text)
    }
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
