//! Writes on many rows: each row is read and checked against the filter before it is touched.

use std::collections::HashSet;

use django_api_orm_core::{
    Error, ErrorKind, OnDrift, Result, assigned::Assigned, plan::Plan, row::Row, written::Kept,
};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};

use super::{collection::Collection, walk::Walk};
use crate::bulk::BulkWriteError;

/// What is to be written into a row.
#[derive(Debug)]
pub struct Change {
    /// The key in the row's URL.
    pub key: String,
    /// The row as the server last showed it, if it ever has.
    pub row: Option<Row>,
    /// What is sent.
    pub body: Map<String, Value>,
}

impl Collection {
    /// Writes changes of many rows, each in its collection, a few at a time; the results come in the order of the changes.
    pub async fn save_rows(changes: Vec<(Self, Change)>, concurrency: usize) -> Vec<Result<Kept>> {
        stream::iter(changes)
            .map(|(rows, change)| async move {
                let row = change.row.as_ref();
                rows.save(&change.key, row, &change.body).await
            })
            .buffered(concurrency.max(1))
            .collect()
            .await
    }

    /// Changes the rows of the plan; gives how many were changed or already had the values.
    pub async fn update_rows(
        &self,
        plan: &Plan,
        expected: Option<u64>,
        values: &Assigned,
        concurrency: usize,
    ) -> Result<u64, BulkWriteError> {
        let rows = self
            .rows_for_write(plan, expected)
            .await
            .map_err(BulkWriteError::unsent)?;
        let results = stream::iter(rows)
            .map(|(key, row)| async move {
                let result = self.update_row(&key, &row, values).await.map(|()| true);
                (key, result)
            })
            .buffered(concurrency.max(1))
            .collect()
            .await;
        BulkWriteError::sort(results)
    }

    /// What has to be sent to a row for it to have the values.
    pub fn changes(&self, values: &Assigned, row: &Row) -> Result<Map<String, Value>> {
        values.changes(self.model(), row, &self.known_fields()?)
    }

    /// The names of the values that the row may not have although it seems to.
    pub fn unseen<'v>(&self, values: &'v Assigned, row: &Row) -> Result<Vec<&'v str>> {
        values.unseen(self.model(), row, &self.known_fields()?)
    }

    async fn update_row(&self, key: &str, row: &Row, values: &Assigned) -> Result<()> {
        let changes = self.changes(values, row)?;
        if !changes.is_empty() {
            let kept = self.save(key, Some(row), &changes).await?;
            if let Some(error) = kept.unsaved_error(self.model()) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Deletes the rows of the plan; gives how many were deleted. A row that is gone already is not counted.
    pub async fn delete_rows(
        &self,
        plan: &Plan,
        expected: Option<u64>,
        concurrency: usize,
    ) -> Result<u64, BulkWriteError> {
        let rows = self
            .rows_for_write(plan, expected)
            .await
            .map_err(BulkWriteError::unsent)?;
        let results = stream::iter(rows)
            .map(|(key, row)| async move {
                let result = match self.delete(&key, Some(&row), false).await {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::DoesNotExist => Ok(false),
                    Err(error) => Err(error),
                };
                (key, result)
            })
            .buffered(concurrency.max(1))
            .collect()
            .await;
        BulkWriteError::sort(results)
    }

    /// Reads every row of the plan, with its key, before the first one is written.
    async fn rows_for_write(
        &self,
        plan: &Plan,
        expected: Option<u64>,
    ) -> Result<Vec<(String, Row)>> {
        plan.check()?;
        let trusting = self.policy.trusts_server();
        if !trusting && (plan.search_words().is_some() || !plan.parameters().is_empty()) {
            return Err(Error::unsupported(
                "update and delete touch only rows that were seen to satisfy the filter, and a search or an extra parameter \
                 cannot be checked on a row; filter by fields, or set `on_ignored` to trust",
            ));
        }
        let mut reading = self.clone();
        if expected.is_some() && !trusting {
            // A number to rely on needs rows that stood still.
            reading.policy.on_drift = OnDrift::Error;
        }
        let walk = Walk::new(reading, plan.clone());
        let rows = walk.for_writes().collect().await?;
        let mut keys = HashSet::new();
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            let key = self.key_of(&row)?;
            if keys.insert(key.clone()) {
                keyed.push((key, row));
            }
        }
        if let Some(expected) = expected.filter(|expected| *expected != keyed.len() as u64) {
            return Err(Error::new(
                ErrorKind::CountMismatch,
                format!(
                    "nothing was written: {} rows of `{}` match the query, {expected} were expected",
                    keyed.len(),
                    self.model().name()
                ),
            ));
        }
        // Before the first one is written.
        for (key, row) in &keyed {
            self.confirm_url(key, Some(row)).await?;
        }
        Ok(keyed)
    }
}
