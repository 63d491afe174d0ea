//! From a row to those that it points at.

use std::{future::Future, sync::Arc};

use django_api_orm_core::{
    ApiModel, DeclaredRelation, Error, Field, KeyForm, Result, plan::Plan, relation::Relation,
    row::Row, value::to_json,
};
use serde_json::{Map, Value};

use super::{Found, Relates};
use crate::instance::Instance;

/// The relation in a field, as the engine knows it.
pub(crate) fn relation<M: ApiModel, T: Relates>(field: &Field<M, T>) -> Relation {
    let names = M::meta().read_field(field.path()).map_or_else(
        || vec![field.path().to_owned()],
        |field| field.read_names().map(str::to_owned).collect(),
    );
    let target = T::Model::meta();
    Relation::new(
        field.path(),
        names,
        Arc::clone(target),
        Some(T::Form::field(target).to_owned()),
    )
}

/// The relation in a field, for the description of the model.
#[doc(hidden)]
#[must_use]
pub fn declared<M: ApiModel, T: Relates>(field: Field<M, T>) -> DeclaredRelation {
    let head = field.path().to_owned();
    DeclaredRelation::to::<T::Model>(head, T::MANY, move || relation(&field))
}

/// The rows of another model that point at those of the model by the field, for the description of the model.
#[doc(hidden)]
#[must_use]
pub fn declared_back<N: ApiModel, T: Relates>(name: &str, field: Field<N, T>) -> DeclaredRelation {
    DeclaredRelation::back::<N>(name, move || relation(&field))
}

/// The rows that a field of the instance points at, each as `made`.
pub(crate) fn following<M: ApiModel, T: Relates, R: Send + 'static>(
    instance: &Instance<M>,
    field: Field<M, T>,
    held: &T,
    made: fn(Arc<Instance<T::Model>>) -> R,
) -> impl Future<Output = Result<T::Rows<R>>> + Send + 'static {
    // What is held outlives the instance as JSON, and is read again: keys are small.
    let keys = to_json(held).map_err(|error| {
        Error::invalid_request("a key cannot be written as JSON").with_source(error)
    });
    let (manager, known) = (
        Instance::manager(instance).clone(),
        instance.known().share(),
    );
    let row = instance.row().clone();
    async move {
        let keys = keys?;
        let mut held: T = serde_json::from_value(keys.clone())
            .map_err(|error| Error::decode("a key cannot be read again").with_source(error))?;
        let rows = match known.get(field.path(), &keys) {
            Some(found) => {
                // As in Django, a row that the queryset leaves out is none where there may be none.
                if found.chosen && found.rows.is_empty() {
                    held = serde_json::from_value(Value::Null).unwrap_or(held);
                }
                found.rows
            }
            None => {
                let target = manager.collection.client()?.objects::<T::Model>();
                let source = source(&row, &field, &keys)?;
                let found = target
                    .typed()
                    .related(
                        &Plan::all(),
                        &relation(&field),
                        &[source],
                        manager.requests_at_once(),
                    )
                    .await?;
                let rows = (found.rows.into_iter())
                    .map(|row| Instance::from_row(target.clone(), row).map(Arc::new))
                    .collect::<Result<Vec<_>>>()?;
                let places = found.of.into_iter().next().unwrap_or_default();
                let rows: Vec<_> = (places.into_iter())
                    .filter_map(|place| rows.get(place).map(Arc::clone))
                    .collect();
                if !rows.is_empty() {
                    let rows = rows.clone();
                    known.keep(
                        field.path(),
                        keys,
                        Found {
                            rows,
                            chosen: false,
                        },
                    );
                }
                rows
            }
        };
        held.found(field.path(), rows.into_iter().map(made).collect())
    }
}

/// The row that shows the keys: the server's, with whatever it says of the related rows, unless the program has put others into
/// the field.
fn source<M: ApiModel, T: Relates>(row: &Row, field: &Field<M, T>, keys: &Value) -> Result<Row> {
    let name = field.path();
    if held::<T>(&relation(field), row)?.as_ref() == Some(keys) {
        return Ok(row.clone());
    }
    Row::from_fields(&Map::from_iter([(name.to_owned(), keys.clone())]))
}

/// The keys that a row shows, as an instance of it holds them.
pub(super) fn held<T: Relates>(relation: &Relation, row: &Row) -> Result<Option<Value>> {
    let shown = relation.shown_in(row)?;
    let shown = shown.and_then(|shown| serde_json::from_str::<T>(shown.get()).ok());
    Ok(shown.and_then(|shown| to_json(&shown).ok()))
}
