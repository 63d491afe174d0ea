//! Rows that are created, and the way from a filter to the row that must exist.

use django_api_orm_core::{Q, Result, lookup::Op, plan::Plan, row::Row};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{assigned::Assigned, collection::Collection};

impl Collection {
    /// The one row that satisfies the filter, or a new one with the filter's equalities and these values; and whether it
    /// is new. `for_write`: a row that is found must be seen to satisfy the whole filter.
    ///
    /// When another client creates the row in between, and the server refuses a second one, the other client's row is
    /// read.
    pub async fn find_or_create(
        &self,
        q: &Q,
        values: &Map<String, Value>,
        for_write: bool,
    ) -> Result<(Row, bool)> {
        let plan = Plan::all().filter(q.clone());
        let find = || async {
            match for_write {
                true => self.get_for_write(&plan).await,
                false => self.get(&plan).await,
            }
        };
        match find().await {
            Ok(found) => return Ok((found, false)),
            Err(error) if error.is_does_not_exist() => {}
            Err(error) => return Err(error),
        }
        let mut body = equalities(q)?;
        if let Some(key) = body.remove("pk") {
            body.insert(self.model().primary_key().to_owned(), key);
        }
        body.extend(values.clone());
        match self.create(&self.new_row(&body)?).await {
            Ok(created) => Ok((created, true)),
            Err(refused)
                if refused.is_validation() || refused.status() == Some(StatusCode::CONFLICT) =>
            {
                match find().await {
                    Ok(found) => Ok((found, false)),
                    Err(_) => Err(refused),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The row that satisfies the filter, changed where it differs from `values`; or a new one with `created`.
    pub async fn update_or_create(
        &self,
        q: &Q,
        values: &Assigned,
        created: &Map<String, Value>,
    ) -> Result<(Row, bool)> {
        let (row, is_new) = self.find_or_create(q, created, true).await?;
        if is_new {
            return Ok((row, true));
        }
        let changes = self.differing(&row, values)?;
        if changes.is_empty() {
            return Ok((row, false));
        }
        let key = self.key_of(&row)?;
        match self.patch(&key, &changes).await? {
            Some(answer) => Ok((answer, false)),
            // The server answered without a row.
            None => Ok((self.row(&key).await?, false)),
        }
    }

    /// Creates many rows, a few at a time; the results come in the order of the bodies.
    pub async fn create_rows(
        &self,
        bodies: Vec<Map<String, Value>>,
        concurrency: usize,
    ) -> Vec<Result<Row>> {
        stream::iter(bodies)
            .map(|body| async move { self.create(&body).await })
            .buffered(concurrency.max(1))
            .collect()
            .await
    }
}

/// The values that a new row must have to satisfy the equalities of a filter; other lookups say nothing of a value.
fn equalities(q: &Q) -> Result<Map<String, Value>> {
    let mut values = Assigned::default();
    collect_equalities(q, &mut values)?;
    Ok(values.into_values())
}

fn collect_equalities(q: &Q, values: &mut Assigned) -> Result<()> {
    for part in q.conjuncts() {
        match part {
            Q::Lookup(lookup) if lookup.op == Op::Exact && lookup.transform.is_none() => {
                values.set(&lookup.path, lookup.value.clone())?;
            }
            Q::And(_) => collect_equalities(part, values)?,
            _ => {}
        }
    }
    Ok(())
}
