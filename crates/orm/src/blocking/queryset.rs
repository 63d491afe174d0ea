//! The blocking [`QuerySet`] and its iterator.

use std::{collections::HashMap, fmt, hash::Hash, ops::RangeBounds};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{instance::Instance, runtime::wait};
use crate::{
    ApiModel, Assignment, BulkWriteError, Explain, FieldList, IntoFilter, IntoOrder, Operand,
    Result,
};

/// A description of rows. See the asynchronous [`QuerySet`](crate::QuerySet) for what each method does, costs and raises.
/// [`fetch`](Self::fetch) gives every row, [`iter`](Self::iter) gives them page by page.
#[must_use = "a queryset sends nothing until its rows are asked for"]
pub struct QuerySet<M>(pub(super) crate::QuerySet<M>);

impl<M: ApiModel> QuerySet<M> {
    /// See [`filter`](crate::QuerySet::filter).
    pub fn filter(&self, filter: impl IntoFilter<M>) -> Self {
        Self(self.0.filter(filter))
    }

    /// See [`exclude`](crate::QuerySet::exclude).
    pub fn exclude(&self, filter: impl IntoFilter<M>) -> Self {
        Self(self.0.exclude(filter))
    }

    /// See [`lookup`](crate::QuerySet::lookup).
    pub fn lookup(&self, name: &str, value: impl Into<Value>) -> Self {
        Self(self.0.lookup(name, value))
    }

    /// See [`order_by`](crate::QuerySet::order_by).
    pub fn order_by<O: IntoOrder<M>>(&self, order: impl IntoIterator<Item = O>) -> Self {
        Self(self.0.order_by(order))
    }

    /// See [`reverse`](crate::QuerySet::reverse).
    pub fn reverse(&self) -> Self {
        Self(self.0.reverse())
    }

    /// See [`limit`](crate::QuerySet::limit).
    pub fn limit(&self, rows: u64) -> Self {
        Self(self.0.limit(rows))
    }

    /// See [`offset`](crate::QuerySet::offset).
    pub fn offset(&self, rows: u64) -> Self {
        Self(self.0.offset(rows))
    }

    /// See [`range`](crate::QuerySet::range).
    pub fn range(&self, range: impl RangeBounds<u64>) -> Self {
        Self(self.0.range(range))
    }

    /// See [`search`](crate::QuerySet::search).
    pub fn search(&self, words: impl Into<String>) -> Self {
        Self(self.0.search(words))
    }

    /// See [`parameter`](crate::QuerySet::parameter).
    pub fn parameter(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(self.0.parameter(name, value))
    }

    /// Every row. See [`fetch`](crate::QuerySet::fetch).
    ///
    /// # Errors
    /// As there.
    pub fn fetch(&self) -> Result<Vec<Instance<M>>> {
        Ok(wait(self.0.fetch())??.into_iter().map(Instance).collect())
    }

    /// The rows page by page, with the memory of a few pages.
    #[must_use]
    pub fn iter(&self) -> Rows<M> {
        Rows {
            rows: self.0.stream(),
            failed: false,
        }
    }

    /// See [`one`](crate::QuerySet::one).
    ///
    /// # Errors
    /// As there.
    pub fn one(&self) -> Result<Instance<M>> {
        wait(self.0.one())?.map(Instance)
    }

    /// See [`get`](crate::QuerySet::get).
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, filter: impl IntoFilter<M>) -> Result<Instance<M>> {
        wait(self.0.get(filter))?.map(Instance)
    }

    /// See [`first`](crate::QuerySet::first).
    ///
    /// # Errors
    /// As there.
    pub fn first(&self) -> Result<Option<Instance<M>>> {
        Ok(wait(self.0.first())??.map(Instance))
    }

    /// See [`last`](crate::QuerySet::last).
    ///
    /// # Errors
    /// As there.
    pub fn last(&self) -> Result<Option<Instance<M>>> {
        Ok(wait(self.0.last())??.map(Instance))
    }

    /// See [`count`](crate::QuerySet::count).
    ///
    /// # Errors
    /// As there.
    pub fn count(&self) -> Result<u64> {
        wait(self.0.count())?
    }

    /// See [`exists`](crate::QuerySet::exists).
    ///
    /// # Errors
    /// As there.
    pub fn exists(&self) -> Result<bool> {
        wait(self.0.exists())?
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

    /// See [`expecting`](crate::QuerySet::expecting).
    pub fn expecting(&self, rows: u64) -> Self {
        Self(self.0.expecting(rows))
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

    /// See [`values`](crate::QuerySet::values).
    ///
    /// # Errors
    /// As there.
    pub fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        wait(self.0.values())?
    }

    /// See [`values_list`](crate::QuerySet::values_list).
    ///
    /// # Errors
    /// As there.
    pub fn values_list<F: FieldList<M>>(&self, fields: F) -> Result<Vec<F::Output>> {
        wait(self.0.values_list(fields))?
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
