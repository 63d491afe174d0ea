//! Writes that are carried out only where the row is still the one that was read.
//!
//! A row that was read at its own URL knows the version that the server named for it. A write sends that along, and a server that
//! checks it answers 412 where the row has changed. Then the row is read again: the version alone does not tell what has changed, nor
//! whether the server takes the versions that it shows. A row that shows the same as before is written with its new version.

use django_api_orm_core::{
    Error, ErrorKind, OnConflict, Result,
    error::{Lost, RowText},
    row::Row,
    version::{Form, Version},
    written::{Kept, Write, Written, show_the_same},
};
use http::StatusCode;
use serde_json::{Map, Value};

use super::collection::Collection;
use crate::client::Call;

/// How often a write is tried, where its row changes each time or the server refuses the current version.
const TRIES: usize = 8;

/// What a save does about changes that others have made since the row was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Precaution {
    /// What happens where there are some.
    pub on_conflict: OnConflict,
    /// Whether the row is read before it is written, and compared.
    pub check: bool,
}

/// What a 412 means, by a look at the row.
enum Refusal {
    /// Nothing that matters has changed: the write may be made of this row; in this form, where the row has the version that was
    /// refused.
    Again(Row, Option<Form>),
    /// The end.
    Final(Error),
}

impl Collection {
    /// Changes fields of a row, which the server last showed as `row`; where that has a version, only if it is still the current one.
    ///
    /// # Errors
    /// `PreconditionFailed`, with both versions of the row, where somebody else has changed it; `Conflict` where a look before has shown
    /// that; `OutcomeUnknown` where that may be the work of an attempt whose answer was lost.
    pub async fn save_with(
        &self,
        key: &str,
        row: Option<&Row>,
        body: &Map<String, Value>,
        precaution: Precaution,
    ) -> Result<Kept> {
        let lost = || Lost::Save {
            key: key.to_owned(),
            sent: body.clone(),
            row: row.map(RowText::from),
        };
        let saved = self.save_as_read(key, row, body, precaution).await;
        saved.map_err(|error| self.keep_lost(error, lost))
    }

    async fn save_as_read(
        &self,
        key: &str,
        row: Option<&Row>,
        body: &Map<String, Value>,
        precaution: Precaution,
    ) -> Result<Kept> {
        let known = self.know(|known| known.condition)?;
        let mut form = known;
        let write = self.write(Some(key), row, body);
        let mut made_of = self.look_before_save(&write, precaution, form).await?;
        for _ in 0..TRIES {
            let base = made_of.as_ref().or(row);
            let condition = self.condition(base, form)?;
            let error = match self.patch(key, base, body, condition.as_ref()).await {
                Ok(mut kept) => {
                    if made_of.is_some() && kept.written == Written::Nothing {
                        // The fields that were not sent may be others than the program has.
                        kept.written = Written::Part;
                    }
                    self.keep_form(known, form)?;
                    return Ok(kept);
                }
                Err(error) => error,
            };
            let Some(condition) = condition.filter(|_| is_refused(&error)) else {
                return Err(self.explain_required(error));
            };
            let write = self.write(Some(key), base, body);
            let refused = self.refused(&write, &condition, error, precaution.on_conflict);
            match Box::pin(refused).await {
                Refusal::Again(current, next) => {
                    made_of = Some(current);
                    form = next.unwrap_or(form);
                }
                Refusal::Final(error) => return Err(error),
            }
        }
        Err(self.changed_each_time(row, made_of))
    }

    /// Deletes a row, which the server last showed as `row`; where that has a version, only if it is still the current one.
    /// `check`: it is read first, and compared.
    ///
    /// # Errors
    /// As [`save_with`](Self::save_with).
    pub async fn delete(&self, key: &str, row: Option<&Row>, check: bool) -> Result<()> {
        let lost = || Lost::Delete {
            key: key.to_owned(),
        };
        let deleted = self.delete_as_read(key, row, check).await;
        deleted.map_err(|error| self.keep_lost(error, lost))
    }

    async fn delete_as_read(&self, key: &str, row: Option<&Row>, check: bool) -> Result<()> {
        let known = self.know(|known| known.condition)?;
        let mut form = known;
        let nothing = Map::new();
        let write = self.write(Some(key), row, &nothing);
        let mut made_of = self.look_before_delete(&write, check, form).await?;
        for _ in 0..TRIES {
            let base = made_of.as_ref().or(row);
            let condition = self.condition(base, form)?;
            let error = match self.remove(key, condition.as_ref()).await {
                Ok(()) => return self.keep_form(known, form),
                Err(error) => error,
            };
            let Some(condition) = condition.filter(|_| is_refused(&error)) else {
                return Err(self.explain_required(error));
            };
            let may_be_done = error.follows_lost_attempt();
            // Where the row is still there, the lost attempt has not deleted it.
            let error = error.with_lost_attempt(false).with_outcome_unknown(false);
            let write = self.write(Some(key), base, &nothing);
            let refused = self.refused(&write, &condition, error, OnConflict::Error);
            match Box::pin(refused).await {
                Refusal::Again(current, next) => {
                    made_of = Some(current);
                    form = next.unwrap_or(form);
                }
                Refusal::Final(error) if may_be_done && error.kind() == ErrorKind::DoesNotExist => {
                    return Ok(());
                }
                Refusal::Final(error) if may_be_done && error.conflict().is_none() => {
                    return Err(Error::outcome_unknown(error));
                }
                Refusal::Final(error) => return Err(error),
            }
        }
        Err(self.changed_each_time(row, made_of))
    }

    /// The version that a write depends on; none where the server has refused versions that were current.
    fn condition(&self, row: Option<&Row>, form: Form) -> Result<Option<Condition>> {
        let version = row.and_then(Row::version).filter(|known| known.is_named());
        let Some(version) = version.filter(|_| form != Form::Refused) else {
            return Ok(None);
        };
        Ok(Some(Condition {
            version: version.clone(),
            form,
            is_checked: self.know(|known| known.checks_conditions)?,
        }))
    }

    /// Keeps that the endpoint takes versions in another form than was known, after that was refused.
    fn keep_form(&self, known: Form, form: Form) -> Result<()> {
        match known == form {
            true => Ok(()),
            false => self.learn(|known| known.condition = form),
        }
    }

    /// Looks at the row after a 412.
    async fn refused(
        &self,
        write: &Write<'_>,
        condition: &Condition,
        error: Error,
        on_conflict: OnConflict,
    ) -> Refusal {
        let is_lost = error.follows_lost_attempt();
        let key = write.key.unwrap_or_default();
        let current = match self.refresh(key, write.row).await {
            Ok(current) => current,
            Err(gone) if gone.kind() == ErrorKind::DoesNotExist => {
                return Refusal::Final(gone.with_outcome_unknown(is_lost));
            }
            Err(unread) => {
                let error = error.with_context(format!(
                    "the row has changed on the server, and could not be read again ({unread})"
                ));
                return Refusal::Final(match is_lost {
                    true => Error::outcome_unknown(error),
                    false => error,
                });
            }
        };
        if is_lost {
            return Refusal::Final(lost(error, write, current));
        }
        let is_current = current.version() == Some(&condition.version);
        if !is_current && let Err(error) = self.learn(|known| known.checks_conditions = true) {
            return Refusal::Final(error);
        }
        let next = condition.version.form_after(condition.form);
        let is_stale = is_current && next.is_none();
        let is_same = is_current && !is_stale
            || !is_current && write.row.is_some_and(|row| show_the_same(row, &current));
        let fields = write.changed_meanwhile(&current);
        if is_same || !is_stale && on_conflict == OnConflict::Merge && fields.is_empty() {
            return Refusal::Again(current, next.filter(|_| is_current));
        }
        let error = self.changed_meanwhile(error, &fields);
        let error = match is_stale {
            true => error.with_context(
                "the server shows the version that it has refused, as a cache in front of it would do",
            ),
            false => error,
        };
        Refusal::Final(error.with_conflict(write.row.cloned(), current, fields))
    }

    /// The error of a row that was another one each time it was looked at.
    fn changed_each_time(&self, read: Option<&Row>, current: Option<Row>) -> Error {
        let error = Error::new(ErrorKind::PreconditionFailed, "")
            .with_status(StatusCode::PRECONDITION_FAILED);
        let error = self.changed_meanwhile(error, &[]);
        match current {
            Some(current) => error.with_conflict(read.cloned(), current, Vec::new()),
            None => error,
        }
    }

    /// Says what has happened to the row.
    pub(super) fn changed_meanwhile(&self, error: Error, fields: &[String]) -> Error {
        let by_both = match fields {
            [] => String::new(),
            _ => format!("; both sides have changed `{}`", fields.join("`, `")),
        };
        error.with_message(format!(
            "this `{}` has been changed on the server since it was read, so nothing was written{by_both}; read it again, and then \
             decide what to write",
            self.model().name()
        ))
    }

    /// Says what to do where the server wants a condition.
    fn explain_required(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::PreconditionRequired {
            return error;
        }
        error.with_context(format!(
            "the server wants to be told which version of the `{}` the write was made of, and this one has none, because it came from a \
             list or from a write whose answer names no version: read it by itself, or save it with a check, which reads it first; so does a delete with a check",
            self.model().name()
        ))
    }
}

/// What a write depends on.
#[derive(Debug)]
pub(super) struct Condition {
    version: Version,
    form: Form,
    /// Whether the server has been seen to check conditions.
    is_checked: bool,
}

/// The call with the condition, if there is one. Only where the server was seen to check conditions may it be sent again: else
/// nothing keeps it from being carried out twice.
pub(super) fn depending(call: Call, condition: Option<&Condition>) -> Result<Call> {
    let Some((condition, (name, value))) =
        condition.and_then(|given| Some((given, given.version.condition(given.form)?)))
    else {
        return Ok(call);
    };
    let call = call.header(name.as_str(), &value)?;
    Ok(match condition.is_checked {
        true => call,
        false => call.unchecked(),
    })
}

fn is_refused(error: &Error) -> bool {
    error.kind() == ErrorKind::PreconditionFailed
}

/// The error of a write whose first answer was lost, and whose repetition was refused because the row has changed: by the first, or by
/// somebody else. What the row shows does not tell, because another may have written the same.
fn lost(error: Error, write: &Write<'_>, current: Row) -> Error {
    let shown = match write.shows_sent(&current) {
        true => "the row shows what was to be written, but another may have written the same",
        false => "the row does not show what was to be written, but another may have replaced it",
    };
    Error::outcome_unknown(error)
        .with_message(format!(
            "the answer to the write was lost, and its repetition was refused because the row had changed by then: {shown}; look \
             at it before you write it again"
        ))
        .with_row(current)
}
