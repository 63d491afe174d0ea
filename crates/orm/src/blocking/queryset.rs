//! The blocking [`QuerySet`] and its iterator.

use std::{collections::HashMap, fmt, hash::Hash, ops::RangeBounds};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    forward::{answered, described},
    instance::Instance,
    runtime::wait,
};
use crate::{
    ApiModel, Assignment, BulkWriteError, Explain, FieldList, IntoFilter, IntoOrder, IntoOrders,
    Operand, Result,
    related::{IntoPrefetch, IntoSelect},
};

/// A description of rows. See the asynchronous [`QuerySet`](crate::QuerySet) for what each method does, costs and raises.
/// [`fetch`](Self::fetch) gives every row, [`iter`](Self::iter) gives them page by page.
#[must_use = "a queryset sends nothing until its rows are asked for"]
pub struct QuerySet<M>(pub(super) crate::QuerySet<M>);

impl<M: ApiModel> QuerySet<M> {
    described! { QuerySet:
        filter(filter: impl IntoFilter<M>);
        exclude(filter: impl IntoFilter<M>);
        lookup(name: &str, value: impl Into<Value>);
        order_by[O: IntoOrder<M>](order: impl IntoIterator<Item = O>);
        reverse();
        limit(rows: u64);
        offset(rows: u64);
        range(range: impl RangeBounds<u64>);
        search(words: impl Into<String>);
        parameter(name: impl Into<String>, value: impl Into<String>);
        expecting(rows: u64);
        prefetch_related(relation: impl IntoPrefetch<M>);
        select_related(relation: impl IntoSelect<M>);
    }

    answered! { QuerySet:
        fetch() -> Vec<Instance<M>> => |rows| rows.into_iter().map(Instance).collect();
        one() -> Instance<M> => Instance;
        get(filter: impl IntoFilter<M>) -> Instance<M> => Instance;
        first() -> Option<Instance<M>> => |row| row.map(Instance);
        last() -> Option<Instance<M>> => |row| row.map(Instance);
        latest(by: impl IntoOrders<M>) -> Instance<M> => Instance;
        earliest(by: impl IntoOrders<M>) -> Instance<M> => Instance;
        count() -> u64;
        exists() -> bool;
        values[T: DeserializeOwned]() -> Vec<T>;
        values_list[F: FieldList<M>](fields: F) -> Vec<F::Output>;
    }

    /// The rows page by page, with the memory of a few pages.
    #[must_use]
    pub fn iter(&self) -> Rows<M> {
        Rows {
            rows: self.0.stream(),
            failed: false,
        }
    }

    /// See [`explain`](crate::QuerySet::explain).
    ///
    /// # Errors
    /// As there.
    pub fn explain(&self) -> Result<Explain> {
        self.0.explain()
    }

    /// See [`keyset`](crate::QuerySet::keyset).
    #[must_use]
    pub fn keyset<V: Operand<M::Key>>(&self, after: Option<V>) -> Rows<M> {
        Rows {
            rows: self.0.keyset(after),
            failed: false,
        }
    }

    /// See [`update`](crate::QuerySet::update).
    ///
    /// # Errors
    /// As there.
    pub fn update(
        &self,
        values: impl IntoIterator<Item = Assignment<M>>,
    ) -> Result<u64, BulkWriteError> {
        wait(self.0.update(values)).map_err(BulkWriteError::unsent)?
    }

    /// See [`delete`](crate::QuerySet::delete).
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self) -> Result<u64, BulkWriteError> {
        wait(self.0.delete()).map_err(BulkWriteError::unsent)?
    }

    /// See [`in_bulk`](crate::QuerySet::in_bulk).
    ///
    /// # Errors
    /// As there.
    pub fn in_bulk<V: Operand<M::Key>>(
        &self,
        keys: impl IntoIterator<Item = V>,
    ) -> Result<HashMap<M::Key, Instance<M>>>
    where
        M::Key: Eq + Hash,
    {
        Ok(wait(self.0.in_bulk(keys))??
            .into_iter()
            .map(|(key, instance)| (key, Instance(instance)))
            .collect())
    }
}

impl<M: ApiModel> IntoIterator for QuerySet<M> {
    type Item = Result<Instance<M>>;
    type IntoIter = Rows<M>;

    fn into_iter(self) -> Rows<M> {
        self.iter()
    }
}

impl<M: ApiModel> IntoIterator for &QuerySet<M> {
    type Item = Result<Instance<M>>;
    type IntoIter = Rows<M>;

    fn into_iter(self) -> Rows<M> {
        self.iter()
    }
}

/// For [`Prefetch::of`](crate::related::Prefetch::of).
impl<M> From<QuerySet<M>> for crate::QuerySet<M> {
    fn from(rows: QuerySet<M>) -> Self {
        rows.0
    }
}

impl<M> Clone for QuerySet<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: ApiModel> fmt::Debug for QuerySet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An iterator over every page of a query.
#[derive(Debug)]
pub struct Rows<M: ApiModel> {
    rows: crate::Rows<M>,
    failed: bool,
}

impl<M: ApiModel> Iterator for Rows<M> {
    type Item = Result<Instance<M>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match wait(self.rows.next()) {
            Ok(row) => row.map(|row| row.map(Instance)),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
