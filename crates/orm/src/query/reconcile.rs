//! Looks whether a write is there whose outcome is unknown. Silence is no answer: a new row is looked for by the guarded list, with the
//! care of a look before a row is created, and a 404 is a missing row only where rows have URLs.

use django_api_orm_core::{
    Error, ErrorKind, FieldMeta, Q, Result,
    error::{Lost, LostWrite},
    lookup::{Lookup, Op},
    plan::Plan,
    row::Row,
};
use serde_json::{Map, Value};

use super::collection::Collection;
use crate::reconciled::Reconciled;

impl Collection {
    /// What has become of the write. `by` names the fields that identify a row which was to be created; with none, what the write looked it
    /// up by, or the natural key of the model, or the key that was sent.
    pub async fn reconcile(&self, lost: &LostWrite, by: &[String]) -> Result<Reconciled<Row>> {
        if lost.endpoint != self.model().endpoint() {
            return Err(Error::invalid_request(format!(
                "the write was one to `{}`, not to `{}`: look there",
                lost.endpoint,
                self.model().endpoint()
            )));
        }
        match &lost.write {
            Lost::Create { sent, by: known } => {
                let by = self.natural_key(sent, known, by)?;
                self.created(sent, &by).await
            }
            Lost::Save { key, sent, row } => {
                let row = row.as_ref().map(Row::from);
                self.changed(key, row.as_ref(), sent).await
            }
            Lost::Delete { key } => match self.refresh(key, None).await {
                Ok(row) => Ok(Reconciled::NotDone(Some(row))),
                Err(gone) if gone.kind() == ErrorKind::DoesNotExist => Ok(Reconciled::Done(None)),
                Err(error) => Err(error),
            },
        }
    }

    /// The values that identify the row that was to be created.
    fn natural_key(
        &self,
        sent: &Map<String, Value>,
        known: &[(String, Value)],
        by: &[String],
    ) -> Result<Vec<(String, Value)>> {
        let model = self.model();
        let given = |name: &String| {
            let value = sent.get(model.sent_as(name)).or_else(|| sent.get(name));
            let value = value.filter(|value| !value.is_null());
            let value = value.ok_or_else(|| {
                Error::invalid_request(format!(
                    "no `{name}` was sent with the new `{}`, so the row is not found by that",
                    model.name()
                ))
            })?;
            let field = model.sent_field(name);
            let path = field.map_or(name.as_str(), FieldMeta::read_as);
            Ok((path.to_owned(), value.clone()))
        };
        if !by.is_empty() {
            return by.iter().map(given).collect();
        }
        if !known.is_empty() {
            return Ok(known.to_vec());
        }
        // A part of a natural key tells too little.
        let natural: Option<Vec<_>> = (model.natural_key().iter())
            .map(|name| given(name).ok())
            .collect();
        if let Some(natural) = natural.filter(|natural| !natural.is_empty()) {
            return Ok(natural);
        }
        let keys = [model.lookup_field(), model.primary_key()].map(str::to_owned);
        let key = keys.iter().find_map(|name| given(name).ok());
        key.map(|key| vec![key]).ok_or_else(|| {
            Error::invalid_request(format!(
                "a new `{}` has no key by which it could be found: name the fields that tell it from all other rows, or declare \
                 them as the natural key of the model",
                model.name()
            ))
        })
    }

    async fn created(
        &self,
        sent: &Map<String, Value>,
        by: &[(String, Value)],
    ) -> Result<Reconciled<Row>> {
        let lookup = |(name, value): &(String, Value)| {
            Q::Lookup(Lookup::new(name.clone(), Op::Exact, value.clone()))
        };
        let plan = (by.iter().map(lookup)).fold(Plan::all(), Plan::filter);
        let walk = self.walk(&plan.limit(2)).before_creating();
        let mut rows = Box::pin(walk.collect()).await?;
        let shows = |row: &Row| self.write(None, None, sent).shows_sent(row);
        Ok(match rows.as_slice() {
            [] => Reconciled::NotDone(None),
            [row] if shows(row) => Reconciled::Done(rows.pop()),
            _ => Reconciled::Unclear(rows),
        })
    }

    async fn changed(
        &self,
        key: &str,
        row: Option<&Row>,
        sent: &Map<String, Value>,
    ) -> Result<Reconciled<Row>> {
        let current = match self.refresh(key, row).await {
            Ok(current) => current,
            Err(gone) if gone.kind() == ErrorKind::DoesNotExist => {
                return Ok(Reconciled::NotDone(None));
            }
            Err(error) => return Err(error),
        };
        let write = self.write(Some(key), row, sent);
        // What the row had before shows nothing of the write, nor of the fields that no row shows.
        let is_new = row.is_some_and(|row| write.sent_in(row) == Some(false));
        Ok(match write.sent_in(&current) {
            Some(true) if is_new || write.shows_each_sent(&current) => {
                Reconciled::Done(Some(current))
            }
            Some(false) if row.is_some() && write.changed_meanwhile(&current).is_empty() => {
                Reconciled::NotDone(Some(current))
            }
            Some(_) | None => Reconciled::Unclear(vec![current]),
        })
    }

    /// Keeps what a write was to do, for a look at what has become of it.
    pub(super) fn keep_lost(&self, error: Error, write: impl FnOnce() -> Lost) -> Error {
        error.with_lost_write(|| LostWrite {
            endpoint: self.model().endpoint().to_owned(),
            write: write(),
        })
    }
}
