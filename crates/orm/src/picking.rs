//! Rows picked out of a queryset: the latest and the earliest, those with some values, and whether it has a row.

use std::{collections::HashMap, future::Future, hash::Hash};

use django_api_orm_core::{ApiModel, Error, Field, IntoOrders, Result, field::Operand, row::Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    instance::Instance, manager::Manager, queryset::QuerySet, trace::operation, values::FieldList,
};

impl<M: ApiModel> QuerySet<M> {
    /// The row with the greatest value of a field, or of several, one after the other: `latest(User::F.created_at)`,
    /// `latest(["created_at", "id"])`. The queryset's own order does not matter.
    ///
    /// One request where the server honours the filter and the order; where nulls stand is the server's to say.
    ///
    /// # Errors
    /// `DoesNotExist` when the queryset has no row; `InvalidRequest` for a slice, or without a field.
    pub fn latest<O: IntoOrders<M>>(
        &self,
        by: O,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, O> {
        let by = by.into_orders();
        let queryset = self.clone();
        operation::<M, _>("latest", async move {
            let row = (queryset.manager.collection)
                .latest(&queryset.row_plan(), by)
                .await?;
            queryset.one_made(row).await
        })
    }

    /// The row with the least value of a field, or of several. The queryset's own order does not matter.
    ///
    /// One request, as [`latest`](Self::latest).
    ///
    /// # Errors
    /// As [`latest`](Self::latest).
    pub fn earliest<O: IntoOrders<M>>(
        &self,
        by: O,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, O> {
        let by = by.into_orders();
        let queryset = self.clone();
        operation::<M, _>("earliest", async move {
            let row = (queryset.manager.collection)
                .earliest(&queryset.row_plan(), by)
                .await?;
            queryset.one_made(row).await
        })
    }

    /// Whether the row with the primary key of `instance` is in the queryset, by what the server says now.
    ///
    /// One request: a queryset without filters reads the row's own URL, as [`Manager::get`] does; another one asks for one row.
    ///
    /// # Errors
    /// `InvalidRequest` for a slice; `NotFound` when the URL itself is wrong.
    pub fn contains(
        &self,
        instance: &Instance<M>,
    ) -> impl Future<Output = Result<bool>> + Send + use<M> {
        let row = Row::new(Instance::raw(instance).clone());
        let Self { manager, plan, .. } = self.clone();
        operation::<M, _>("contains", async move {
            let key = manager.collection.primary_key_of(&row)?;
            manager.collection.contains(&plan, &key).await
        })
    }

    /// The rows that have one of these values in a unique field, by value: `in_bulk_by(User::F.email, ["a@x.io"])`. Values
    /// without a row are left out.
    ///
    /// 100 values, or 2,000 bytes of them, are asked for at a time, and come in as many requests as they fill pages. A server
    /// that ignores `in` is read whole.
    ///
    /// # Errors
    /// `MultipleObjectsReturned` if two rows have the same value: the field is not unique.
    pub fn in_bulk_by<T, V, K>(
        &self,
        field: Field<M, T>,
        values: K,
    ) -> impl Future<Output = Result<HashMap<T, Instance<M>>>> + Send + use<M, T, V, K>
    where
        T: DeserializeOwned + Eq + Hash + Send,
        V: Operand<T>,
        K: IntoIterator<Item = V>,
    {
        let values = operands(values);
        let queryset = self.clone();
        operation::<M, _>("in_bulk_by", async move {
            let (manager, plan) = (&queryset.manager, queryset.row_plan());
            let rows = manager
                .collection
                .rows_by(&plan, field.path(), &values?, manager.requests_at_once())
                .await?;
            let mut found = HashMap::with_capacity(rows.len());
            let values = rows.iter().map(|row| field.read(row));
            let values = values.collect::<Result<Vec<_>>>()?;
            for (value, instance) in values.into_iter().zip(queryset.made(rows).await?) {
                if found.insert(value, instance).is_some() {
                    return Err(Error::multiple_objects_returned(format!(
                        "more than one `{}` has the same `{}`, so that field does not identify rows",
                        M::NAME,
                        field.path()
                    )));
                }
            }
            Ok(found)
        })
    }
}

impl<M: ApiModel> Manager<M> {
    /// The row with the greatest value of a field. See [`QuerySet::latest`].
    ///
    /// # Errors
    /// As there.
    pub fn latest<O: IntoOrders<M>>(
        &self,
        by: O,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, O> {
        self.all().latest(by)
    }

    /// The row with the least value of a field. See [`QuerySet::earliest`].
    ///
    /// # Errors
    /// As there.
    pub fn earliest<O: IntoOrders<M>>(
        &self,
        by: O,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, O> {
        self.all().earliest(by)
    }

    /// Whether the collection has the row with the primary key of `instance`. See [`QuerySet::contains`].
    ///
    /// # Errors
    /// As there.
    pub fn contains(
        &self,
        instance: &Instance<M>,
    ) -> impl Future<Output = Result<bool>> + Send + use<M> {
        self.all().contains(instance)
    }

    /// The rows with these primary keys, by key. See [`QuerySet::in_bulk`].
    ///
    /// # Errors
    /// As there.
    pub fn in_bulk<V: Operand<M::Key>, K: IntoIterator<Item = V>>(
        &self,
        keys: K,
    ) -> impl Future<Output = Result<HashMap<M::Key, Instance<M>>>> + Send + use<M, V, K>
    where
        M::Key: Eq + Hash,
    {
        self.all().in_bulk(keys)
    }

    /// The rows that have one of these values in a unique field, by value. See [`QuerySet::in_bulk_by`].
    ///
    /// # Errors
    /// As there.
    pub fn in_bulk_by<T, V, K>(
        &self,
        field: Field<M, T>,
        values: K,
    ) -> impl Future<Output = Result<HashMap<T, Instance<M>>>> + Send + use<M, T, V, K>
    where
        T: DeserializeOwned + Eq + Hash + Send,
        V: Operand<T>,
        K: IntoIterator<Item = V>,
    {
        self.all().in_bulk_by(field, values)
    }
}

/// Values to look rows up by, in JSON.
pub(crate) fn operands<T, V: Operand<T>>(
    values: impl IntoIterator<Item = V>,
) -> Result<Vec<Value>> {
    (values.into_iter())
        .map(|value| value.into_operand().map_err(Error::invalid_request))
        .collect()
}
