//! Rows that are created, and the way from a filter to the row that must exist.

use django_api_orm_core::{
    Error, Q, Result, assigned::Assigned, plan::Plan, row::Row, written::Kept,
};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{answers::Purpose, collection::Collection};

/// The row that a filter has led to.
#[derive(Debug)]
pub enum Upsert {
    /// It was there, and is as it was.
    Found(Row),
    /// It was there, and was changed.
    Changed(Kept),
    /// It is new.
    Created(Kept),
}

impl Upsert {
    /// The row, and whether it is new.
    #[must_use]
    pub fn into_row(self) -> (Kept, bool) {
        match self {
            Self::Found(row) => (Kept::shown(row), false),
            Self::Changed(kept) => (kept, false),
            Self::Created(kept) => (kept, true),
        }
    }
}

impl Collection {
    /// The one row that satisfies the filter, or a new one with the filter's equalities and the values of `new`; without
    /// `new` a missing row is an error. `for_write`: a row that is found must be seen to satisfy the whole filter.
    ///
    /// When another client creates the row in between, and the server refuses a second one, the other client's row is
    /// read.
    pub async fn find_or_create(
        &self,
        q: &Q,
        new: Option<&Map<String, Value>>,
        for_write: bool,
    ) -> Result<Upsert> {
        let plan = Plan::all().filter(q.clone());
        let purpose = match for_write {
            true => Purpose::Upsert,
            false => Purpose::Create,
        };
        let find = || self.get_for(&plan, purpose);
        let missing = match find().await {
            Ok(found) => return Ok(Upsert::Found(found)),
            Err(error) => error,
        };
        let new = match new {
            Some(new) if missing.is_does_not_exist() => new,
            _ => return Err(missing),
        };
        let body = Assigned::equalities(q, self.model())?.completed_by(new);
        match self.create(&self.new_row(&body)?).await {
            Ok(created) => Ok(Upsert::Created(created)),
            Err(refused) if is_duplicate(&refused) => match find().await {
                Ok(found) => Ok(Upsert::Found(found)),
                Err(_) => Err(refused),
            },
            Err(error) => Err(error),
        }
    }

    /// The row that satisfies the filter, with `changes` of it written; or a new one, as
    /// [`find_or_create`](Self::find_or_create) makes it.
    pub async fn update_or_create(
        &self,
        q: &Q,
        new: Option<&Map<String, Value>>,
        changes: impl FnOnce(&Row) -> Result<Map<String, Value>>,
    ) -> Result<Upsert> {
        let row = match self.find_or_create(q, new, true).await? {
            Upsert::Found(row) => row,
            created => return Ok(created),
        };
        let changes = changes(&row)?;
        if changes.is_empty() {
            return Ok(Upsert::Found(row));
        }
        let key = self.key_of(&row)?;
        let kept = self.save(&key, Some(&row), &changes).await?;
        Ok(Upsert::Changed(kept))
    }

    /// Creates many rows, a few at a time; the results come in the order of the bodies.
    pub async fn create_rows(
        &self,
        bodies: Vec<Map<String, Value>>,
        concurrency: usize,
    ) -> Vec<Result<Kept>> {
        stream::iter(bodies)
            .map(|body| async move { self.create(&body).await })
            .buffered(concurrency.max(1))
            .collect()
            .await
    }
}

/// Whether a new row was refused because of one that is there.
fn is_duplicate(error: &Error) -> bool {
    error.is_validation() || error.status() == Some(StatusCode::CONFLICT)
}
