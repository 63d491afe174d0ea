//! Related rows, as Python sees them.

use std::sync::Arc;

use django_api_orm::{Row, engine};
use pyo3::prelude::*;

use crate::{
    endpoint::Endpoint,
    model::Model,
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
