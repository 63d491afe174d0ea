//! Conditions and plans: immutable, made step by step by the package's querysets.

use django_api_orm::{Q, lookup::Lookup, plan};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::Value;

/// JSON text as a value.
///
/// # Errors
/// `ValueError` for what is no JSON, and for an integer beyond 64 bits, which would be rounded.
pub(crate) fn json(text: &[u8]) -> PyResult<Value> {
    if let Some(integer) = wide_integer(text) {
        return Err(PyValueError::new_err(format!(
            "the integer {integer} needs more than 64 bits and would be rounded: send it as text"
        )));
    }
    serde_json::from_slice(text)
        .map_err(|error| PyValueError::new_err(format!("the value has no JSON form: {error}")))
}

/// An integer in JSON text that 64 bits cannot hold.
fn wide_integer(text: &[u8]) -> Option<&str> {
    let mut in_string = false;
    let mut escaped = false;
    let outside = |byte: &u8| {
        let quote = *byte == b'"' && !escaped;
        escaped = in_string && *byte == b'\\' && !escaped;
        in_string ^= quote;
        in_string || !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
    };
    text.split(outside)
        .filter_map(|token| std::str::from_utf8(token).ok())
        .filter(|token| token.len() >= 19 && !token.contains(['.', 'e', 'E']))
        .find(|token| token.parse::<i64>().is_err() && token.parse::<u64>().is_err())
}

/// A tree of lookups.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Condition(pub(crate) Q);

#[pymethods]
impl Condition {
    /// The condition that holds for every row.
    #[new]
    fn new() -> Self {
        Self(Q::All)
    }

    /// One lookup in Django's spelling; the operand is JSON text.
    #[staticmethod]
    fn lookup(name: &str, value: &[u8]) -> PyResult<Self> {
        Ok(Self(Q::Lookup(Lookup::parse(name, json(value)?))))
    }

    fn __and__(&self, other: &Self) -> Self {
        Self(self.0.clone().and(other.0.clone()))
    }

    fn __or__(&self, other: &Self) -> Self {
        Self(self.0.clone().or(other.0.clone()))
    }

    fn __invert__(&self) -> Self {
        Self(self.0.clone().negate())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

/// What a query asks for.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Plan(pub(crate) plan::Plan);

#[pymethods]
impl Plan {
    /// Every row.
    #[new]
    fn new() -> Self {
        Self(plan::Plan::all())
    }

    fn filter(&self, condition: &Condition) -> Self {
        Self(self.0.clone().filter(condition.0.clone()))
    }

    fn exclude(&self, condition: &Condition) -> Self {
        Self(self.0.clone().exclude(condition.0.clone()))
    }

    fn order_by(&self, fields: Vec<String>) -> Self {
        let order = fields
            .iter()
            .map(|field| plan::Order::parse(field))
            .collect();
        Self(self.0.clone().order_by(order))
    }

    fn reverse(&self) -> Self {
        Self(self.0.clone().reverse())
    }

    #[pyo3(signature = (start, stop))]
    fn slice(&self, start: u64, stop: Option<u64>) -> Self {
        Self(self.0.clone().slice(start, stop))
    }

    fn search(&self, words: String) -> Self {
        Self(self.0.clone().search(words))
    }

    fn parameter(&self, name: String, value: String) -> Self {
        Self(self.0.clone().parameter(name, value))
    }

    /// The query's condition, for people.
    fn __str__(&self) -> String {
        self.0.condition().to_string()
    }
}
