//! Conditions and plans: immutable, made step by step by the package's querysets.

use django_api_orm::{
    Q,
    engine::{self, wide_integer},
    lookup::Lookup,
    plan,
};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::failure;

/// JSON text as a value.
///
/// # Errors
/// `ValueError` for text that is not JSON, and for an integer beyond 64 bits, which would be rounded.
pub(crate) fn json(text: &[u8]) -> PyResult<Value> {
    if let Some(integer) = wide_integer(text) {
        return Err(PyValueError::new_err(format!(
            "the integer {integer} needs more than 64 bits and would be rounded: send it as text"
        )));
    }
    serde_json::from_slice(text).map_err(|error| {
        PyValueError::new_err(format!("the value cannot be written as JSON: {error}"))
    })
}

/// The same for an object.
pub(crate) fn object(text: &[u8]) -> PyResult<Map<String, Value>> {
    match json(text)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(PyValueError::new_err("a row must be a JSON object")),
    }
}

fn text(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| {
        PyValueError::new_err(format!(
            "this query was written by another version of the package: {error}"
        ))
    })
}

/// The keys of an ordering in Django's spelling.
pub(crate) fn orders(fields: &[String]) -> Vec<plan::Order> {
    fields
        .iter()
        .map(|field| plan::Order::parse(field))
        .collect()
}

/// The plan of the rows that have this value in the field.
pub(crate) fn by(field: &str, value: Value) -> plan::Plan {
    plan::Plan::all().filter(Q::Lookup(Lookup::parse(field, value)))
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

    /// Whether it says what the value of a field is.
    #[getter]
    fn is_equality(&self) -> bool {
        self.0.equality().is_some()
    }

    /// The condition as text, which `read` takes.
    fn written(&self) -> PyResult<String> {
        text(&self.0)
    }

    #[staticmethod]
    fn read(text: &str) -> PyResult<Self> {
        Ok(Self(read(text)?))
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
    /// Refuses to give rows once for each of several that are related by `head`.
    fn check_repeated(&self, py: Python<'_>, head: &str) -> PyResult<()> {
        engine::check_repeated(&self.0, head).map_err(|error| failure::raised(py, &error))
    }

    /// Every row.
    #[new]
    fn new() -> Self {
        Self(plan::Plan::all())
    }

    /// The plan as text, which `read` takes.
    fn written(&self) -> PyResult<String> {
        text(&self.0)
    }

    #[staticmethod]
    fn read(text: &str) -> PyResult<Self> {
        Ok(Self(read(text)?))
    }

    fn filter(&self, condition: &Condition) -> Self {
        Self(self.0.clone().filter(condition.0.clone()))
    }

    fn exclude(&self, condition: &Condition) -> Self {
        Self(self.0.clone().exclude(condition.0.clone()))
    }

    fn order_by(&self, fields: Vec<String>) -> Self {
        Self(self.0.clone().order_by(orders(&fields)))
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
