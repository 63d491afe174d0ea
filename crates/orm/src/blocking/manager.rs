//! The blocking [`Manager`].

use std::fmt;

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::{
    forward::{answered, described},
    instance::Instance,
    queryset::QuerySet,
    runtime::wait,
};
use crate::{
    ApiModel, ApiResponse, Assignment, BulkCreateError, BulkWriteError, Error, IntoFieldName,
    IntoFilter, IntoOrder, IntoOrders, Reconciled, Result,
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

    /// See [`instance_in`](crate::Manager::instance_in).
    pub fn instance_in(&self, error: &Error) -> Option<Instance<M>> {
        self.0.instance_in(error).map(Instance)
    }

    described! { Manager:
        all();
        filter(filter: impl IntoFilter<M>);
        exclude(filter: impl IntoFilter<M>);
        lookup(name: &str, value: impl Into<Value>);
        order_by[O: IntoOrder<M>](order: impl IntoIterator<Item = O>);
        search(words: impl Into<String>);
        expecting(rows: u64);
    }

    answered! { Manager:
        get(filter: impl IntoFilter<M>) -> Instance<M> => Instance;
        first() -> Option<Instance<M>> => |row| row.map(Instance);
        last() -> Option<Instance<M>> => |row| row.map(Instance);
        latest(by: impl IntoOrders<M>) -> Instance<M> => Instance;
        earliest(by: impl IntoOrders<M>) -> Instance<M> => Instance;
        count() -> u64;
        exists() -> bool;
        create[B: Serialize + ?Sized](row: &B) -> Instance<M> => Instance;
        get_or_create(
            filter: impl IntoFilter<M>,
            defaults: impl IntoIterator<Item = Assignment<M>>
        ) -> (Instance<M>, bool) => |(row, created)| (Instance(row), created);
        update_or_create(
            filter: impl IntoFilter<M>,
            values: impl IntoIterator<Item = Assignment<M>>
        ) -> (Instance<M>, bool) => |(row, created)| (Instance(row), created);
        update_or_create_with(
            filter: impl IntoFilter<M>,
            values: impl IntoIterator<Item = Assignment<M>>,
            create_values: impl IntoIterator<Item = Assignment<M>>
        ) -> (Instance<M>, bool) => |(row, created)| (Instance(row), created);
        reconcile(error: &Error) -> Reconciled<Instance<M>> => |found| found.map(Instance);
        reconcile_by[F: IntoFieldName<M>](
            error: &Error,
            fields: impl IntoIterator<Item = F>
        ) -> Reconciled<Instance<M>> => |found| found.map(Instance);
        route[B: Serialize + ?Sized](method: Method, route: &str, body: Option<&B>) -> ApiResponse;
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
