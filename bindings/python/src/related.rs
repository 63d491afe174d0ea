//! Related rows, as Python sees them.

use std::sync::Arc;

use django_api_orm::{
    Row,
    engine::{self, Reference},
};
use pyo3::prelude::*;

use crate::{
    endpoint::Endpoint,
    model::{Model, or_raise},
    operation::{Operation, Payload},
    plan::Plan,
};

/// A field of a model whose values are rows of another one.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Relation(Arc<engine::Relation>);

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

    /// The URL of the related row with this key, as the server has written that of another one.
    #[pyo3(signature = (key, shown))]
    fn url(&self, py: Python<'_>, key: &str, shown: Option<&str>) -> PyResult<String> {
        or_raise(py, self.0.url(key, shown))
    }

    /// The rows of the endpoint that the sources point at: `(rows, the places of each source's)`.
    fn related(&self, endpoint: &Endpoint, plan: &Plan, sources: Vec<Vec<u8>>) -> Operation {
        let (plan, relation) = (plan.0.clone(), Arc::clone(&self.0));
        let sources: Vec<Row> = sources.into_iter().map(Row::new).collect();
        let at_once = endpoint.concurrency();
        endpoint.read(move |rows| async move {
            let related = rows.related(&plan, &relation, &sources, at_once).await?;
            Ok(Payload::Related(related))
        })
    }

    /// The rows of the endpoint that point at the sources, which the server filters by the field `filter`; as `related`.
    fn pointing_at(
        &self,
        endpoint: &Endpoint,
        plan: &Plan,
        filter: String,
        sources: Vec<Vec<u8>>,
    ) -> Operation {
        let (plan, relation) = (plan.0.clone(), Arc::clone(&self.0));
        let sources: Vec<Row> = sources.into_iter().map(Row::new).collect();
        let at_once = endpoint.concurrency();
        endpoint.read(move |rows| async move {
            let related = rows.pointing_at(&plan, &relation, &filter, &sources, at_once);
            Ok(Payload::Related(related.await?))
        })
    }
}
