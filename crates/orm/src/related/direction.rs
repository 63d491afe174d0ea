//! The two directions in which related rows are read for many rows at once: those that a field points at, and those that point back.

use std::{marker::PhantomData, sync::Arc};

use django_api_orm_core::{
    ApiModel, DeclaredRelation, ExplainRelated, Field, Result, explain::Whole, row::Row,
    strategy::LARGEST_PART,
};
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    Found, Relates,
    read::{held, relation},
};
use crate::{instance::Instance, queryset::QuerySet};

/// One of the relations of a model, whatever the type of its field.
pub(super) trait Relation<M, N: ApiModel>: Send + Sync {
    /// What the rows are kept as.
    fn name(&self) -> String;

    /// Whether the related rows point at the others.
    fn is_back(&self) -> bool;

    /// What is told of reading the rows that a queryset has: one that the program has `chosen`, or that of all rows.
    fn explained(&self, rows: &QuerySet<N>, chosen: bool) -> Result<ExplainRelated>;

    /// Reads the rows that a queryset has: one that the program has `chosen`, or that of all rows.
    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<N>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>>;
}

/// The rows that the field points at.
pub(super) struct To<M, T>(pub(super) Field<M, T>);

impl<M: ApiModel, T: Relates> Relation<M, T::Model> for To<M, T> {
    fn name(&self) -> String {
        self.0.path().to_owned()
    }

    fn is_back(&self) -> bool {
        false
    }

    fn explained(&self, rows: &QuerySet<T::Model>, chosen: bool) -> Result<ExplainRelated> {
        let related = relation(&self.0);
        let how = related.explained(related.target(), None);
        let collection = &rows.manager.collection;
        let requests = (0..=LARGEST_PART as u64).map(|keys| match keys {
            // At its own URL.
            1 if !chosen => Ok(Some(1)),
            keys => collection.requests_of_chunk(&rows.plan, related.to_field(), keys),
        });
        let requests = requests.collect::<Result<_>>()?;
        let whole = match chosen {
            true => Whole::Never,
            false => collection.whole()?,
        };
        Ok(ExplainRelated::by_keys(self.name(), how, requests).or_whole(whole))
    }

    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<T::Model>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        let field = &self.0;
        async move {
            let related = relation(field);
            let sources: Vec<Row> = of.iter().map(|instance| instance.row().clone()).collect();
            let at_once = rows.manager.requests_at_once();
            let target = rows.manager.typed();
            let found = (target.related(&rows.plan, &related, &sources, at_once)).await?;
            let made = shared(rows, found.rows).await?;
            for ((instance, source), places) in of.iter().zip(&sources).zip(found.of) {
                let keys = held::<T>(&related, source)?;
                if let Some(keys) = keys {
                    let rows = at(&made, places);
                    let found = Found {
                        rows,
                        chosen,
                        prefetched: true,
                    };
                    instance.known().keep(field.path(), keys, found);
                }
            }
            Ok(())
        }
        .boxed()
    }
}

/// The rows that point at others by the field.
pub(super) struct Back<M, N, T>(pub(super) Field<N, T>, pub(super) PhantomData<fn() -> M>);

impl<M: ApiModel, N: ApiModel, T: Relates<Model = M>> Relation<M, N> for Back<M, N, T> {
    fn name(&self) -> String {
        back_name(&self.0)
    }

    fn is_back(&self) -> bool {
        true
    }

    fn explained(&self, rows: &QuerySet<N>, _: bool) -> Result<ExplainRelated> {
        let path = self.0.path();
        let how = relation(&self.0).explained(N::meta(), Some(path));
        let is_declared = |declared: &&DeclaredRelation| {
            declared.is_back()
                && Arc::ptr_eq(declared.related(), N::meta())
                && declared.relation().name() == path
        };
        let declared = M::meta().relations().iter().find(is_declared);
        let name = declared.map_or_else(|| self.name(), |found| found.head().to_owned());
        let all = rows.plan.clone().unsliced();
        let each = rows.manager.collection.explain(&all)?;
        Ok(ExplainRelated::pointing_back(name, how, each))
    }

    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<N>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        let field = &self.0;
        async move {
            let sources: Vec<Row> = of.iter().map(|instance| instance.row().clone()).collect();
            let at_once = rows.manager.requests_at_once();
            let target = rows.manager.typed();
            let (plan, related) = (&rows.plan, relation(field));
            let found = target.pointing_at(plan, &related, field.path(), &sources, at_once);
            let found = found.await?;
            let made = shared(rows, found.rows).await?;
            for ((instance, source), places) in of.iter().zip(&sources).zip(found.of) {
                let key = source.key(M::meta().primary_key()).unwrap_or_default();
                let rows = at(&made, places);
                let found = Found {
                    rows,
                    chosen,
                    prefetched: true,
                };
                instance.known().keep(&back_name(field), key, found);
            }
            Ok(())
        }
        .boxed()
    }
}

/// What the rows that point at others by the field are kept as.
pub(super) fn back_name<N: ApiModel, T>(field: &Field<N, T>) -> String {
    format!("{}.{}", N::NAME, field.path())
}

async fn shared<N: ApiModel>(
    queryset: &QuerySet<N>,
    rows: Vec<Row>,
) -> Result<Vec<Arc<Instance<N>>>> {
    let made = queryset.made(rows).await?;
    Ok(made.into_iter().map(Arc::new).collect())
}

fn at<N>(rows: &[Arc<Instance<N>>], places: Vec<usize>) -> Vec<Arc<Instance<N>>> {
    let found = places.into_iter().filter_map(|place| rows.get(place));
    found.map(Arc::clone).collect()
}
