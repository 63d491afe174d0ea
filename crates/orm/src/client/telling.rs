//! When hooks are told: before a request waits for its place, after its answer has given it back, and before the wait for a retry. So
//! no lock, place or connection is held while they run.

use std::{borrow::Cow, sync::Arc, time::Duration};

use django_api_orm_core::{Error, ErrorKind, Result};

use http::HeaderMap;

use super::{
    attempt::{Answer, Ended, Outgoing},
    exchange::Exchange,
    hooks::{Hooks, Subject},
};

impl Exchange<'_> {
    fn subject(&self, attempt: u32) -> Subject<'_> {
        Subject {
            method: &self.outgoing.method,
            uri: &self.outgoing.uri,
            template: self.call.path.declared_template().map(Cow::into_owned),
            attempt,
        }
    }

    /// An attempt of a client that has hooks.
    pub(super) async fn attempt_before(&self, hooks: &Arc<dyn Hooks>) -> Result<(Ended, Duration)> {
        if !hooks.wants_requests() {
            return self.attempt(&self.outgoing).await;
        }
        self.rest().await?;
        let Outgoing {
            method,
            uri,
            headers,
            body,
        } = &self.outgoing;
        let event = self.subject(self.attempts + 1).request(headers);
        let told = self.within(hooks.tell(event)).await;
        let added = told.and_then(|added| added).map_err(stopped)?;
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
        if hooks.wants_retries() {
            let event = self.subject(self.attempts).retry(error, wait);
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
