//! Writes on many rows: each row is read and checked against the filter before it is touched.

use bytes::Bytes;
use django_api_orm_core::{Error, ErrorKind, OnIgnored, Result, plan::Plan};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};

use super::{collection::Collection, walk::Walk};
use crate::bulk::BulkWriteError;

impl Collection {
    /// The one row that certainly satisfies the plan's filter.
    pub async fn get_for_write(&self, plan: &Plan) -> Result<Bytes> {
        self.get_with(plan, self.policy.on_ignored != OnIgnored::Trust)
            .await
    }

    /// Changes the rows of the plan; gives how many were changed or already had the values.
    pub async fn update_rows(
        &self,
        plan: &Plan,
        expected: Option<u64>,
        values: &Map<String, Value>,
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
            .buffered(concurrency)
            .collect()
            .await;
        BulkWriteError::sort(results)
    }

    async fn update_row(&self, key: &str, row: &Bytes, values: &Map<String, Value>) -> Result<()> {
        let changes = self.differing(row, values)?;
        if !changes.is_empty() {
            self.patch(key, &changes).await?;
        }
        Ok(())
    }

    /// The values that differ from the row's, read-only fields left out.
    pub fn differing(
        &self,
        row: &Bytes,
        values: &Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let names: Vec<&String> = values.keys().collect();
        let current = django_api_orm_core::row::pick(row, &names)
            .map_err(|error| Error::decode("a row is not a JSON object").with_source(error))?;
        let differs = |name: &str, value: &Value| {
            !self.model().is_read_only(name) && current.get(name) != Some(value)
        };
        Ok(values
            .iter()
            .filter(|(name, value)| differs(name, value))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect())
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
            .map(|(key, _)| async move {
                let result = match self.delete(&key).await {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::DoesNotExist => Ok(false),
                    Err(error) => Err(error),
                };
                (key, result)
            })
            .buffered(concurrency)
            .collect()
            .await;
        BulkWriteError::sort(results)
    }

    /// Reads every row of the plan, with its key, before the first one is written.
    async fn rows_for_write(
        &self,
        plan: &Plan,
        expected: Option<u64>,
    ) -> Result<Vec<(String, Bytes)>> {
        plan.check()?;
        let trusting = self.policy.on_ignored == OnIgnored::Trust;
        if !trusting && (plan.search_words().is_some() || !plan.parameters().is_empty()) {
            return Err(Error::unsupported(
                "update and delete touch only rows that were seen to satisfy the filter, and a search or an extra parameter \
                 cannot be seen on a row; filter by fields, or take the server's word with `on_ignored(OnIgnored::Trust)`",
            ));
        }
        let walk = Walk::new(self.clone(), plan.clone());
        let rows = if trusting { walk } else { walk.strictly() }
            .collect()
            .await?;
        if let Some(expected) = expected.filter(|expected| *expected != rows.len() as u64) {
            return Err(Error::unsupported(format!(
                "{expected} rows of `{}` were expected, {} satisfy the filter",
                self.model().name(),
                rows.len()
            )));
        }
        rows.into_iter()
            .map(|row| Ok((self.key_of(&row)?, row)))
            .collect()
    }
}
