//! The blocking [`Manager`].

use std::fmt;

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::{instance::Instance, queryset::QuerySet, runtime::wait};
use crate::{
    ApiModel, ApiResponse, Assignment, BulkCreateError, BulkWriteError, Error, IntoFieldName,
    IntoFilter, IntoOrder, Result,
};

/// The rows of a model behind its endpoint. See the asynchronous [`Manager`](crate::Manager) for what each method does,
/// costs and raises.
pub struct Manager<M>(pub(super) crate::Manager<M>);

impl<M: ApiModel> Manager<M> {
    /// See [`at`](crate::Manager::at).
    #[must_use]
    pub fn at(&self, endpoint: &str) -> Self {
        Self(self.0.at(endpoint))
    }

    /// See [`all`](crate::Manager::all).
    pub fn all(&self) -> QuerySet<M> {
        QuerySet(self.0.all())
    }

    /// See [`filter`](crate::Manager::filter).
    pub fn filter(&self, filter: impl IntoFilter<M>) -> QuerySet<M> {
        QuerySet(self.0.filter(filter))
    }

    /// See [`instance_in`](crate::Manager::instance_in).
    pub fn instance_in(&self, error: &Error) -> Option<Instance<M>> {
        self.0.instance_in(error).map(Instance)
    }

    /// See [`exclude`](crate::Manager::exclude).
    pub fn exclude(&self, filter: impl IntoFilter<M>) -> QuerySet<M> {
        QuerySet(self.0.exclude(filter))
    }

    /// See [`lookup`](crate::Manager::lookup).
    pub fn lookup(&self, name: &str, value: impl Into<Value>) -> QuerySet<M> {
        QuerySet(self.0.lookup(name, value))
    }

    /// See [`order_by`](crate::Manager::order_by).
    pub fn order_by<O: IntoOrder<M>>(&self, order: impl IntoIterator<Item = O>) -> QuerySet<M> {
        QuerySet(self.0.order_by(order))
    }

    /// See [`search`](crate::Manager::search).
    pub fn search(&self, words: impl Into<String>) -> QuerySet<M> {
        QuerySet(self.0.search(words))
    }

    /// See [`expecting`](crate::Manager::expecting).
    pub fn expecting(&self, rows: u64) -> QuerySet<M> {
        QuerySet(self.0.expecting(rows))
    }

    /// See [`get`](crate::Manager::get).
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, filter: impl IntoFilter<M>) -> Result<Instance<M>> {
        self.all().get(filter)
    }

    /// See [`first`](crate::Manager::first).
    ///
    /// # Errors
    /// As there.
    pub fn first(&self) -> Result<Option<Instance<M>>> {
        self.all().first()
    }

    /// See [`last`](crate::Manager::last).
    ///
    /// # Errors
    /// As there.
    pub fn last(&self) -> Result<Option<Instance<M>>> {
        self.all().last()
    }

    /// See [`count`](crate::Manager::count).
    ///
    /// # Errors
    /// As there.
    pub fn count(&self) -> Result<u64> {
        self.all().count()
    }

    /// See [`exists`](crate::Manager::exists).
    ///
    /// # Errors
    /// As there.
    pub fn exists(&self) -> Result<bool> {
        self.all().exists()
    }

    /// See [`create`](crate::Manager::create).
    ///
    /// # Errors
    /// As there.
    pub fn create<B: Serialize + ?Sized>(&self, row: &B) -> Result<Instance<M>> {
        wait(self.0.create(row))?.map(Instance)
    }

    /// See [`get_or_create`](crate::Manager::get_or_create).
    ///
    /// # Errors
    /// As there.
    pub fn get_or_create(
        &self,
        filter: impl IntoFilter<M>,
        defaults: impl IntoIterator<Item = Assignment<M>>,
    ) -> Result<(Instance<M>, bool)> {
        wait(self.0.get_or_create(filter, defaults))?
            .map(|(instance, created)| (Instance(instance), created))
    }

    /// See [`update_or_create`](crate::Manager::update_or_create).
    ///
    /// # Errors
    /// As there.
    pub fn update_or_create(
        &self,
        filter: impl IntoFilter<M>,
        values: impl IntoIterator<Item = Assignment<M>>,
    ) -> Result<(Instance<M>, bool)> {
        wait(self.0.update_or_create(filter, values))?
            .map(|(instance, created)| (Instance(instance), created))
    }

    /// See [`update_or_create_with`](crate::Manager::update_or_create_with).
    ///
    /// # Errors
    /// As there.
    pub fn update_or_create_with(
        &self,
        filter: impl IntoFilter<M>,
        values: impl IntoIterator<Item = Assignment<M>>,
        create_values: impl IntoIterator<Item = Assignment<M>>,
    ) -> Result<(Instance<M>, bool)> {
        wait(self.0.update_or_create_with(filter, values, create_values))?
            .map(|(instance, created)| (Instance(instance), created))
    }

    /// See [`bulk_update`](crate::Manager::bulk_update).
    ///
    /// # Errors
    /// As there.
    pub fn bulk_update<F: IntoFieldName<M>>(
        &self,
        rows: &mut [Instance<M>],
        fields: impl IntoIterator<Item = F>,
    ) -> Result<u64, BulkWriteError> {
        let rows = rows.iter_mut().map(|row| &mut row.0);
        match wait(self.0.bulk_update(rows, fields)) {
            Ok(written) => written,
            Err(error) => Err(BulkWriteError::unsent(error)),
        }
    }

    /// See [`bulk_create`](crate::Manager::bulk_create).
    ///
    /// # Errors
    /// As there.
    pub fn bulk_create<B: Serialize>(
        &self,
        rows: impl IntoIterator<Item = B>,
    ) -> Result<Vec<Instance<M>>, BulkCreateError<Instance<M>>> {
        match wait(self.0.bulk_create(rows)) {
            Ok(Ok(created)) => Ok(created.into_iter().map(Instance).collect()),
            Ok(Err(error)) => Err(error.map(Instance)),
            Err(error) => Err(BulkCreateError::unsent(vec![Some(error)])),
        }
    }

    /// See [`route`](crate::Manager::route).
    ///
    /// # Errors
    /// As there.
    pub fn route<B: Serialize + ?Sized>(
        &self,
        method: Method,
        route: &str,
        body: Option<&B>,
    ) -> Result<ApiResponse> {
        wait(self.0.route(method, route, body))?
    }
}

impl<M> Clone for Manager<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: ApiModel> fmt::Debug for Manager<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Gives a model its blocking `objects()`. Implemented for every model.
pub trait Objects: ApiModel {
    /// The manager on the client that the model was registered with; without one, every request is an error that says
    /// what to do.
    #[must_use]
    fn objects() -> Manager<Self>
    where
        Self: Sized,
    {
        Manager(<Self as crate::Objects>::objects())
    }
}

impl<M: ApiModel> Objects for M {}
