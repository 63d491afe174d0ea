//! Related rows, as Python sees them.

use std::sync::Arc;

use django_api_orm::{
    Row,
    engine::{self, Reference},
};
use futures_util::future::try_join_all;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::Value;

use crate::{
    endpoint::Endpoint,
    model::{Model, or_raise},
    operation::{Operation, Payload},
    plan::Plan,
};

/// A field of a model whose values are rows of another one.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Relation(Arc<engine::Relation>);

impl Relation {
    pub(crate) fn shared(&self) -> Arc<engine::Relation> {
        Arc::clone(&self.0)
    }
}

#[pymethods]
impl Relation {
    /// `fields` are the names that the field may have in rows.
    #[new]
    #[pyo3(signature = (name, fields, target, to_field))]
    fn new(name: &str, fields: Vec<String>, target: &Model, to_field: Option<String>) -> Self {
        let target = Arc::clone(&target.0);
        Self(Arc::new(engine::Relation::new(
            name, fields, target, to_field,
        )))
    }

    /// The values by which a source names its related rows, in JSON, and the fields that have them.
    fn keys(&self, py: Python<'_>, source: Vec<u8>) -> PyResult<Vec<(String, String)>> {
        let references = or_raise(py, self.0.of(&Row::new(source)))?;
        let primary_key = self.0.target().primary_key();
        let keys = references.into_iter().map(|reference| match reference {
            Reference::Key { by, value } => (by, value.to_string()),
            Reference::Row(row) => {
                let key = row.key(primary_key).unwrap_or_default();
                (primary_key.to_owned(), key.to_string())
            }
        });
        Ok(keys.collect())
    }

    /// The places of the references that stay in a list, of which some are removed. Both in JSON.
    fn kept(&self, py: Python<'_>, references: &[u8], removed: &[u8]) -> PyResult<Vec<usize>> {
        let (references, removed) = (list(references)?, list(removed)?);
        or_raise(py, self.0.kept(&references, &removed))
    }

    /// Whether both lists name the same rows.
    fn names_same(&self, py: Python<'_>, some: &[u8], others: &[u8]) -> PyResult<bool> {
        let (some, others) = (list(some)?, list(others)?);
        or_raise(py, self.0.names_same(&some, &others))
    }

    /// A list of references, each as it is written where rows are named by plain values.
    fn plain(&self, py: Python<'_>, references: &[u8]) -> PyResult<String> {
        let references = list(references)?;
        let plain = references.iter().map(|reference| self.0.plain(reference));
        let plain: Vec<Value> = or_raise(py, plain.collect())?;
        Ok(Value::Array(plain).to_string())
    }

    /// How the related rows are asked for, in words.
    #[pyo3(signature = (model, filter))]
    fn explained(&self, model: &Model, filter: Option<&str>) -> String {
        self.0.explained(&model.0, filter)
    }

    /// The URL of the related row with this key, as the server has written that of another one.
    #[pyo3(signature = (key, shown))]
    fn url(&self, py: Python<'_>, key: &str, shown: Option<&str>) -> PyResult<String> {
        or_raise(py, self.0.url(key, shown))
    }
}

fn list(json: &[u8]) -> PyResult<Vec<Value>> {
    serde_json::from_slice(json).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// A relation, the endpoint and the plan of the related rows, and the rows that they are related to. Where these are the ones that are
/// pointed at, the field by which the server filters.
type Part = (
    Py<Relation>,
    Py<Endpoint>,
    Py<Plan>,
    Option<String>,
    Vec<Vec<u8>>,
);

/// The related rows of several relations, asked for at the same time on the client of the first endpoint: for each one
/// `(rows, the places of each source's)`.
#[pyfunction]
pub(crate) fn related(parts: Vec<Part>) -> PyResult<Operation> {
    let Some((_, first, ..)) = parts.first() else {
        return Err(PyValueError::new_err("there is nothing to be fetched"));
    };
    let first = first.get();
    let parts: Vec<_> = parts
        .iter()
        .map(|(relation, endpoint, plan, filter, sources)| {
            let endpoint = endpoint.get();
            let sources: Vec<Row> = sources.iter().cloned().map(Row::new).collect();
            let relation = Arc::clone(&relation.get().0);
            let (plan, filter) = (plan.get().0.clone(), filter.clone());
            (
                relation,
                endpoint.on(),
                plan,
                filter,
                sources,
                endpoint.concurrency(),
            )
        })
        .collect();
    Ok(
        Operation::new(&first.client, false, move |client| async move {
            let fetched = parts.into_iter().map(|part| {
                let (relation, on, plan, filter, sources, at_once) = part;
                let rows = on(&client);
                async move {
                    match filter {
                        None => rows.related(&plan, &relation, &sources, at_once).await,
                        Some(by) => {
                            rows.pointing_at(&plan, &relation, &by, &sources, at_once)
                                .await
                        }
                    }
                }
            });
            Ok(Payload::Related(try_join_all(fetched).await?))
        })
        .named(first.name("related")),
    )
}

/// How many requests different keys take.
#[pyfunction]
pub(crate) fn chunks_of_keys(keys: u64) -> u64 {
    engine::chunks_of_keys(keys)
}
