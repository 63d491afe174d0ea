//! When hooks are told: before a request waits for its place, after its answer has given it back, and before the wait for a retry. So
//! no lock, place or connection is held while they run.

use std::{borrow::Cow, sync::Arc, time::Duration};

use django_api_orm_core::{Error, ErrorKind, Result};

use http::HeaderMap;
use tokio::time::Instant;

use super::{
    attempt::{Answer, Ended, Outgoing},
    event::Subject,
    exchange::Exchange,
    hooks::{Hooks, Notes},
};

impl Exchange<'_> {
    fn subject(&self, attempt: u32) -> Subject<'_> {
        Subject {
            method: &self.outgoing.method,
            uri: &self.outgoing.uri,
            template: self.call.path.declared_template().map(Cow::into_owned),
            attempt,
            id: self.id,
        }
    }

    /// An attempt of a client that has hooks.
    pub(super) async fn attempt_before(&self, hooks: &Arc<dyn Hooks>) -> Result<(Ended, Duration)> {
        let added = self.tell_request(hooks).await?;
        let begun = Instant::now();
        let ended = match added {
            None => self.attempt(&self.outgoing).await,
            Some(added) => {
                let Outgoing {
                    method,
                    uri,
                    headers,
                    body,
                } = &self.outgoing;
                let mut headers = HeaderMap::clone(headers);
                headers.extend(added);
                let outgoing = Outgoing {
                    method: method.clone(),
                    uri: uri.clone(),
                    headers: Cow::Owned(headers),
                    body: body.clone(),
                };
                self.attempt(&outgoing).await
            }
        };
        if hooks.notes() == Notes::Everything {
            let subject = self.subject(self.attempts + 1);
            hooks.note(match &ended {
                Ok((ended, elapsed)) => match &ended.result {
                    Ok(answer) => subject.response(answer.status, &answer.headers, *elapsed),
                    Err(failure) => subject.failure(&failure.error, *elapsed),
                },
                Err(error) => subject.failure(error, begun.elapsed()),
            });
        }
        ended
    }

    /// Tells of a request that is about to be sent; the headers that hooks add, where there are hooks.
    async fn tell_request(&self, hooks: &Arc<dyn Hooks>) -> Result<Option<HeaderMap>> {
        if !hooks.wants_requests() {
            return Ok(None);
        }
        self.rest().await?;
        let event = self
            .subject(self.attempts + 1)
            .request(&self.outgoing.headers);
        let told = self.within(hooks.tell(event)).await;
        told.and_then(|added| added).map(Some).map_err(stopped)
    }

    /// Tells of an answer. What has been done is told to the caller, whatever becomes of the hook: it cannot take the outcome of
    /// a write away.
    pub(super) async fn tell_response(
        &self,
        hooks: &Arc<dyn Hooks>,
        answer: &Answer,
        elapsed: Duration,
    ) -> Result<()> {
        if !hooks.wants_responses() {
            return Ok(());
        }
        let subject = self.subject(self.attempts);
        let event = subject.response(answer.status, &answer.headers, elapsed);
        match tokio::time::timeout_at(self.deadline, hooks.tell(event)).await {
            Ok(Err(error)) if self.outgoing.method.is_safe() => {
                Err(error.with_context("a hook failed after the answer had come"))
            }
            Ok(Err(_)) => {
                tracing::error!("a hook failed after the answer to a write had come");
                Ok(())
            }
            // There is an answer, so the call has not run out of time.
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }

    /// Tells that the request will be sent again.
    pub(super) async fn tell_retry(&self, error: &Error, wait: Duration) -> Result<()> {
        let Some(hooks) = &self.client.identity.hooks else {
            return Ok(());
        };
        let notes = hooks.notes() >= Notes::Retries;
        if !notes && !hooks.wants_retries() {
            return Ok(());
        }
        let event = self.subject(self.attempts).retry(error, wait);
        if notes {
            hooks.note(event.clone());
        }
        if hooks.wants_retries() {
            let told = self.within(hooks.tell(event)).await;
            told.and_then(|told| told).map_err(stopped)?;
        }
        Ok(())
    }
}

fn stopped(error: Error) -> Error {
    about_no_row(error).with_context("a hook stopped the request, so it was not sent")
}

/// The error of what the program does beside a request: a call of its own that was answered 404 says nothing of the row that the
/// request is for.
pub(super) fn about_no_row(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::DoesNotExist
        | ErrorKind::Conflict
        | ErrorKind::PreconditionFailed
        | ErrorKind::Validation => {
            Error::new(ErrorKind::Configuration, error.to_string()).with_source(error)
        }
        _ => error,
    }
}
