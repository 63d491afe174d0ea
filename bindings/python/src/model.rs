//! A model class as the engine knows it, and what the engine decides about its rows without asking the server.

use std::sync::Arc;

use django_api_orm::{
    Error, FieldMeta, JsonApi, Kind, ModelMeta, Pagination, Result, Row,
    engine::{
        Assigned, Held, RelatedField, Write, with_undeclared,
        written::{self, Diff, Fields},
    },
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use serde_json::{Map, Value};

use crate::{
    failure,
    plan::{Condition, json, object},
};

/// `(names in rows, name in bodies, is read-only, kind or nothing, name in filters or nothing)`. The kind is "decimal", "key" or "keys" of related
/// rows, "other" or "others" for other values of them.
type FieldOfModel = (Vec<String>, String, bool, Option<String>, Option<String>);

/// What the engine knows of a model class.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Model(pub(crate) Arc<ModelMeta>);

#[pymethods]
impl Model {
    /// `pagination` is `(style, page size, size parameter, position
    /// parameter, number of the first page)`;
    /// `nested_names` are names inside objects that are read otherwise than they are sent; `natural_key` names in rows; `json_api`
    /// is `(type of the resources, whether their keys are numbers, names of relationships in bodies)`.
    #[new]
    #[pyo3(signature = (name, endpoint, primary_key, lookup_field, fields, pagination, filters, nested_names, idempotency_header, rows_beside, natural_key, json_api, repeated_values, small_table))]
    #[allow(
        clippy::too_many_arguments,
        reason = "a description that only the package gives"
    )]
    fn new(
        name: &str,
        endpoint: &str,
        primary_key: &str,
        lookup_field: Option<&str>,
        fields: Vec<FieldOfModel>,
        pagination: Option<Declared>,
        filters: Option<Vec<String>>,
        nested_names: Vec<(String, String)>,
        idempotency_header: Option<&str>,
        rows_beside: Option<&str>,
        natural_key: Vec<String>,
        json_api: Option<(String, bool, Vec<String>)>,
        repeated_values: bool,
        small_table: bool,
    ) -> PyResult<Self> {
        let mut related = Vec::new();
        let fields = fields
            .into_iter()
            .map(|(read_as, sent_as, read_only, kind, filtered_as)| {
                let mut names = read_as.into_iter();
                let name = names.next().unwrap_or_else(|| sent_as.clone());
                let field = match kind.as_deref() {
                    Some("text") => FieldMeta::typed::<String>(name),
                    _ => FieldMeta::new(name),
                };
                let field = field.with_also_read_as(names).with_sent_as(sent_as);
                let field = if read_only { field.read_only() } else { field };
                let field = match filtered_as {
                    Some(name) => field.with_filtered_as(name),
                    None => field,
                };
                match kind.as_deref() {
                    None | Some("text") => Ok(field),
                    Some("decimal") => Ok(field.with_kind(Kind::Decimal)),
                    Some(kind @ ("key" | "keys" | "other" | "others")) => {
                        related.push(RelatedField {
                            field: field.read_as().to_owned(),
                            is_many: kind.ends_with('s'),
                            is_by_key: kind.starts_with("key"),
                        });
                        Ok(field)
                    }
                    Some(kind) => Err(PyValueError::new_err(format!(
                        "{kind:?} is not a kind of value"
                    ))),
                }
            })
            .collect::<PyResult<Vec<_>>>()?;
        let mut model = ModelMeta::new(name, endpoint)
            .with_primary_key(primary_key)
            .with_fields(fields)
            .with_related_fields(related)
            .with_nested_names(nested_names)
            .with_natural_key(natural_key);
        if let Some(lookup_field) = lookup_field {
            model = model.with_lookup_field(lookup_field);
        }
        if let Some(declared) = pagination {
            model = model.with_pagination(paginator(declared)?);
        }
        if let Some(filters) = filters {
            model = model.with_filters(filters);
        }
        if let Some(name) = idempotency_header {
            model = model.with_idempotency_header(name);
        }
        if let Some(parameter) = rows_beside {
            model = model.with_rows_beside(parameter);
        }
        if repeated_values {
            model = model.with_repeated_values();
        }
        if small_table {
            model = model.with_small_table();
        }
        if let Some((resource_type, are_numeric, relationships)) = json_api {
            let json_api = JsonApi::new(resource_type).with_numeric_keys(are_numeric);
            model = model.with_json_api(json_api.with_relationships(relationships));
        }
        Ok(Self(Arc::new(model)))
    }

    /// The same model at another collection.
    fn at(&self, endpoint: &str) -> Self {
        Self(Arc::new(self.0.at(endpoint)))
    }

    #[getter]
    fn endpoint(&self) -> &str {
        self.0.endpoint()
    }

    /// The path of an extra route of a row, or of the collection.
    #[pyo3(signature = (key, route))]
    fn route(&self, py: Python<'_>, key: Option<&str>, route: &str) -> PyResult<String> {
        let endpoint = self.0.parsed_endpoint();
        let path = endpoint.and_then(|endpoint| match key {
            Some(key) => endpoint.action(key, route),
            None => endpoint.collection_action(route),
        });
        path.map(|path| path.path().to_owned())
            .map_err(|error| failure::raised(py, &error))
    }

    /// The key in the URL of a row, which the server last showed as `row` and whose fields say `key` (JSON text) now.
    /// `primary_key`: what they say of that; `None` where there is no such field.
    #[pyo3(signature = (row, key, primary_key, deleted))]
    fn key(
        &self,
        py: Python<'_>,
        row: Option<&[u8]>,
        key: &[u8],
        primary_key: Option<&[u8]>,
        deleted: bool,
    ) -> PyResult<String> {
        self.held(row, key, primary_key, deleted, |held| {
            or_raise(py, held.key())
        })
    }

    /// Whether the row is a copy of one that the server has shown: its primary key has been set to `None`.
    #[pyo3(signature = (row, key, primary_key, deleted))]
    fn is_copy(
        &self,
        row: Option<&[u8]>,
        key: &[u8],
        primary_key: Option<&[u8]>,
        deleted: bool,
    ) -> PyResult<bool> {
        self.held(row, key, primary_key, deleted, |held| Ok(held.is_copy()))
    }

    /// The same for a row that is to be saved; `None` where that creates it. `given`: the program has set the key.
    #[pyo3(signature = (row, key, primary_key, deleted, *, given))]
    fn saved_at(
        &self,
        py: Python<'_>,
        row: Option<&[u8]>,
        key: &[u8],
        primary_key: Option<&[u8]>,
        deleted: bool,
        given: bool,
    ) -> PyResult<Option<String>> {
        self.held(row, key, primary_key, deleted, |held| {
            match held.is_new(given) {
                true => Ok(None),
                false => or_raise(py, held.key()).map(Some),
            }
        })
    }

    /// The names of the fields that have changed, as they are sent. The row as it is now, and the server's as the schema
    /// reads it, both as they would be sent; `again`: of what nobody has given, what another reading makes.
    #[pyo3(signature = (now, before, again))]
    fn changed(&self, now: &[u8], before: &[u8], again: Option<&[u8]>) -> PyResult<Vec<String>> {
        if now == before {
            return Ok(Vec::new());
        }
        self.diff(now, before, again, |diff| names(diff.changed()))
    }

    /// The names of the fields that are still to be saved after these names of the row, as it was `then`, were sent.
    #[pyo3(signature = (now, before, again, then, sent))]
    fn pending(
        &self,
        now: &[u8],
        before: &[u8],
        again: Option<&[u8]>,
        then: &[u8],
        sent: Vec<String>,
    ) -> PyResult<Vec<String>> {
        if now == then && then == before {
            return Ok(Vec::new());
        }
        let then = fields(then)?;
        self.diff(now, before, again, |diff| names(diff.pending(&then, &sent)))
    }

    /// The fields as they are sent to a row: objects with what the server's have and the schema does not declare. `now` are the
    /// fields as they would be sent, `before` the same of the server's row, as the schema reads it.
    fn with_undeclared(
        &self,
        py: Python<'_>,
        row: &[u8],
        now: &[u8],
        before: &[u8],
    ) -> PyResult<Vec<u8>> {
        let whole = with_undeclared(&self.0, &a_row(row), fields(now)?, &fields(before)?);
        serde_json::to_vec(&or_raise(py, whole)?)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// A row with these values, which have the names that are sent.
    fn put<'py>(
        &self,
        py: Python<'py>,
        row: &[u8],
        values: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let row = or_raise(py, written::with(&self.0, &a_row(row), fields(values)?))?;
        Ok(PyBytes::new(py, row.bytes()))
    }

    /// The row to keep where an answer to a write does not fit the schema: as it was, with what was sent and the answer's
    /// keys.
    #[pyo3(signature = (row, sent, answer))]
    fn unread<'py>(
        &self,
        py: Python<'py>,
        row: Option<&[u8]>,
        sent: &[u8],
        answer: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (row, sent) = (row.map(a_row), object(sent)?);
        let write = Write {
            model: &self.0,
            row: row.as_ref(),
            key: None,
            sent: &sent,
        };
        let row = or_raise(py, write.merged_keys(&a_row(answer)))?;
        Ok(PyBytes::new(py, row.bytes()))
    }

    /// The body of a new row for which the condition holds, with these values.
    fn new_row(&self, py: Python<'_>, condition: &Condition, values: &[u8]) -> PyResult<Vec<u8>> {
        let equalities = or_raise(py, Assigned::equalities(&condition.0, &self.0))?;
        text(&equalities.completed_by(&object(values)?))
    }
}

impl Model {
    fn held<T>(
        &self,
        row: Option<&[u8]>,
        key: &[u8],
        primary_key: Option<&[u8]>,
        deleted: bool,
        ask: impl FnOnce(Held<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        ask(Held {
            model: &self.0,
            row: row.map(a_row).as_ref(),
            key: Some(&json(key)?),
            primary_key: primary_key.map(json).transpose()?.as_ref(),
            deleted,
        })
    }

    fn diff<T>(
        &self,
        now: &[u8],
        before: &[u8],
        again: Option<&[u8]>,
        ask: impl FnOnce(Diff<'_>) -> T,
    ) -> PyResult<T> {
        Ok(ask(Diff {
            model: &self.0,
            now: &fields(now)?,
            before: &fields(before)?,
            again: again.map(fields).transpose()?.as_ref(),
        }))
    }
}

/// Values to be written; `address__city` is a part of the object `address`.
pub(crate) fn assigned(py: Python<'_>, values: &[u8], whole: &[String]) -> PyResult<Assigned> {
    let mut assigned = Assigned::default();
    let whole = whole.iter().map(|name| (name.clone(), Value::Null));
    for (path, value) in whole.chain(object(values)?) {
        or_raise(py, assigned.set(&path, value))?;
    }
    Ok(assigned)
}

/// Values at paths as the objects that hold them: `{"address__city": "Bonn"}` is `{"address": {"city": "Bonn"}}`. `whole` as
/// for `Model.assigned`.
#[pyfunction]
pub(crate) fn nested(py: Python<'_>, values: &[u8], whole: Vec<String>) -> PyResult<Vec<u8>> {
    let mut values = assigned(py, values, &whole)?.into_values();
    values.retain(|name, _| !whole.contains(name));
    text(&values)
}

fn a_row(row: &[u8]) -> Row {
    Row::new(row.to_vec())
}

fn fields(object: &[u8]) -> PyResult<Fields> {
    written::fields(object).ok_or_else(|| PyValueError::new_err("a row must be a JSON object"))
}

fn names(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

pub(crate) fn text(object: &Map<String, Value>) -> PyResult<Vec<u8>> {
    serde_json::to_vec(object).map_err(|error| PyValueError::new_err(error.to_string()))
}

pub(crate) fn or_raise<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error: Error| failure::raised(py, &error))
}

/// A paginator as a model declares it.
type Declared = (
    String,
    Option<u64>,
    Option<String>,
    Option<String>,
    Option<u64>,
);

fn paginator(declared: Declared) -> PyResult<Pagination> {
    let (style, page_size, size_parameter, position_parameter, first_page) = declared;
    let mut pagination = match style.as_str() {
        "limit_offset" => Pagination::limit_offset(),
        "page_number" => Pagination::page_number(),
        "cursor" => Pagination::cursor(),
        "link" => Pagination::link(),
        "none" => Pagination::none(),
        _ => {
            return Err(PyValueError::new_err(format!(
                "_pagination must be \"limit_offset\", \"page_number\", \"cursor\", \"link\" or \"none\", not {style:?}"
            )));
        }
    };
    if let Some(rows) = page_size {
        pagination = pagination.with_page_size(rows);
    }
    if let Some(name) = size_parameter {
        pagination = pagination.with_size_parameter(name);
    }
    if let Some(name) = position_parameter {
        pagination = pagination.with_position_parameter(name);
    }
    if let Some(number) = first_page {
        pagination = pagination.with_first_page(number);
    }
    Ok(pagination)
}
