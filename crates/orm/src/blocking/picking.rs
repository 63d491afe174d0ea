//! Rows picked out of a blocking queryset by their keys or values.

use std::{collections::HashMap, hash::Hash};

use serde::de::DeserializeOwned;

use super::{instance::Instance, manager::Manager, queryset::QuerySet, runtime::wait};
use crate::{ApiModel, Field, Operand, Result};

impl<M: ApiModel> QuerySet<M> {
    /// See [`contains`](crate::QuerySet::contains).
    ///
    /// # Errors
    /// As there.
    pub fn contains(&self, instance: &Instance<M>) -> Result<bool> {
        wait(self.0.contains(&instance.0))?
    }

    /// See [`in_bulk_by`](crate::QuerySet::in_bulk_by).
    ///
    /// # Errors
    /// As there.
    pub fn in_bulk_by<T, V: Operand<T>>(
        &self,
        field: Field<M, T>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<HashMap<T, Instance<M>>>
    where
        T: DeserializeOwned + Eq + Hash + Send,
    {
        Ok(wait(self.0.in_bulk_by(field, values))??
            .into_iter()
            .map(|(value, instance)| (value, Instance(instance)))
            .collect())
    }
}

impl<M: ApiModel> Manager<M> {
    /// See [`contains`](crate::Manager::contains).
    ///
    /// # Errors
    /// As there.
    pub fn contains(&self, instance: &Instance<M>) -> Result<bool> {
        self.all().contains(instance)
    }

    /// See [`in_bulk`](crate::Manager::in_bulk).
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
        self.all().in_bulk(keys)
    }

    /// See [`in_bulk_by`](crate::Manager::in_bulk_by).
    ///
    /// # Errors
    /// As there.
    pub fn in_bulk_by<T, V: Operand<T>>(
        &self,
        field: Field<M, T>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<HashMap<T, Instance<M>>>
    where
        T: DeserializeOwned + Eq + Hash + Send,
    {
        self.all().in_bulk_by(field, values)
    }
}
