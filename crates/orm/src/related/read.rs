//! From a row to those that it points at.

use std::{future::Future, panic::Location, sync::Arc};

use django_api_orm_core::{
    ApiModel, DeclaredRelation, Error, Field, KeyForm, Result, plan::Plan, relation::Relation,
    row::Row, value::to_json,
};
use futures_util::FutureExt;
use serde_json::{Map, Value};

use super::{
    Found, Known, Relates,
    page::{Batch, Touch},
};
use crate::{instance::Instance, manager::Manager};

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
    line: &'static Location<'static>,
    made: fn(Arc<Instance<T::Model>>) -> R,
) -> impl Future<Output = Result<T::Rows<R>>> + Send + 'static {
    // What is held outlives the instance as JSON, and is read again: keys are small.
    let keys = to_json(held).map_err(|error| {
        Error::invalid_request("a key cannot be written as JSON").with_source(error)
    });
    let followed = Followed {
        manager: Instance::manager(instance).clone(),
        known: instance.known().share(),
        row: instance.row().clone(),
        field,
        line,
    };
    async move {
        let keys = keys?;
        let mut held: T = serde_json::from_value(keys.clone())
            .map_err(|error| Error::decode("a key cannot be read again").with_source(error))?;
        let name = followed.field.path().to_owned();
        let found = match followed.known.get(&name, &keys) {
            Some(found) => found,
            None => followed.read(&name, keys).await?,
        };
        // As in Django, a row that the queryset leaves out is none where there may be none.
        if found.chosen && found.rows.is_empty() {
            held = serde_json::from_value(Value::Null).unwrap_or(held);
        }
        held.found(&name, found.rows.into_iter().map(made).collect())
    }
}

/// A relation of an instance, which may be elsewhere by now.
struct Followed<M, T> {
    manager: Manager<M>,
    known: Known,
    row: Row,
    field: Field<M, T>,
    line: &'static Location<'static>,
}

impl<M: ApiModel, T: Relates> Followed<M, T> {
    /// Reads the rows, and keeps them: for all rows of the page, if there is one.
    async fn read(&self, name: &str, keys: Value) -> Result<Found<T::Model>> {
        let target = self.manager.collection.client()?.objects::<T::Model>();
        let source = source(&self.row, &self.field, &keys)?;
        let rows = match self.together(&target, &source, &keys).await? {
            Some(rows) => rows,
            None => {
                let batch = batch(&target, &self.field, vec![(0, source, keys.clone())]).await?;
                batch.at(0, &keys).unwrap_or_default()
            }
        };
        let found = |rows| Found {
            rows,
            chosen: false,
            prefetched: false,
        };
        if !rows.is_empty() {
            self.known.keep(name, keys, found(rows.clone()));
        }
        Ok(found(rows))
    }

    async fn together(
        &self,
        target: &Manager<T::Model>,
        source: &Row,
        keys: &Value,
    ) -> Result<Option<Vec<Arc<Instance<T::Model>>>>> {
        let Some(place) = self.known.place().filter(|_| points(keys)) else {
            return Ok(None);
        };
        let touch = Touch {
            name: self.field.path(),
            keys,
            at_once: true,
            asked: &self.manager.collection,
            line: self.line,
        };
        let related = relation(&self.field);
        place
            .together(touch, |others| {
                let others = others.into_iter().filter_map(|(at, row)| {
                    let keys = held::<T>(&related, &row).ok().flatten()?;
                    points(&keys).then_some((at, row, keys))
                });
                let mut sources: Vec<_> = others.collect();
                if sources.is_empty() {
                    return None;
                }
                sources.push((place.at(), source.clone(), keys.clone()));
                let (target, field) = (target.clone(), self.field.clone());
                Some(async move { batch(&target, &field, sources).await }.boxed())
            })
            .await
    }
}

/// Whether something has to be read for these keys.
fn points(keys: &Value) -> bool {
    match keys {
        Value::Null => false,
        Value::Array(keys) => !keys.is_empty(),
        _ => true,
    }
}

/// Reads what some rows of a page point at, each with its place and what it holds.
async fn batch<M: ApiModel, T: Relates>(
    target: &Manager<T::Model>,
    field: &Field<M, T>,
    sources: Vec<(usize, Row, Value)>,
) -> Result<Batch<T::Model>> {
    let rows: Vec<Row> = sources.iter().map(|(_, row, _)| row.clone()).collect();
    let (all, related) = (Plan::all(), relation(field));
    let collection = target.typed();
    let found = collection.related(&all, &related, &rows, target.requests_at_once());
    let found = found.await?;
    let rows = target.all().made(found.rows).await?;
    let of = sources.into_iter().zip(found.of);
    Ok(Batch {
        rows: rows.into_iter().map(Arc::new).collect(),
        of: of
            .map(|((at, _, keys), places)| (at, (keys, places)))
            .collect(),
    })
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
