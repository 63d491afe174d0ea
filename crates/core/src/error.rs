//! The one error type of the project: opaque, one pointer wide, with a kind, predicates and what
//! the server said. It never shows a secret, a query string or a raw body.

mod body;
mod conflict;
mod display;
mod excerpt;
mod fields;
mod kind;
mod lost;
mod response;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::{retry::is_passing_failure, row::Row, value::without_mark};

pub use conflict::Conflict;
pub use excerpt::excerpt;
pub use fields::{FieldErrors, NON_FIELD_ERRORS};
pub use kind::ErrorKind;
pub use lost::{Lost, LostWrite, RowText};
#[doc(hidden)]
pub use response::request_id;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of an error body is kept for [`Error::body`].
pub const MAX_ERROR_BODY: usize = 1024 * 1024;

/// What went wrong, with what is known about it.
///
/// Ask [`kind`](Error::kind) or a predicate such as [`is_does_not_exist`](Error::is_does_not_exist)
/// what it is; `Display` says it in one line for people.
///
/// ```
/// use django_api_orm_core::error::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::DoesNotExist, "no `User` matches the filter by email");
/// assert!(error.is_does_not_exist());
/// assert_eq!(error.kind().code(), "does_not_exist");
/// assert_eq!(error.to_string(), "no `User` matches the filter by email");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    context: Vec<String>,
    method: Option<Method>,
    url_template: Option<String>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    fields: FieldErrors,
    detail: Option<String>,
    body: Option<Bytes>,
    row: Option<Row>,
    conflict: Option<Conflict>,
    lost: Option<LostWrite>,
    attempts: u32,
    outcome_unknown: bool,
    follows_lost: bool,
    carried_out: bool,
    retryable: Option<bool>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message`, for code that fails on behalf of the client, such as a token provider.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            context: Vec::new(),
            method: None,
            url_template: None,
            status: None,
            retry_after: None,
            request_id: None,
            fields: FieldErrors::default(),
            detail: None,
            body: None,
            row: None,
            conflict: None,
            lost: None,
            attempts: 0,
            outcome_unknown: false,
            follows_lost: false,
            carried_out: false,
            retryable: None,
            source: None,
        }))
    }

    /// Puts `context` in front of what the error says; the last one given comes first.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.0.context.push(context.into());
        self
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }
}

/// What the engine makes its errors with. Public because the crates of this project share it; a program that makes an error of
/// its own, such as in a token provider, has [`Error::new`].
#[doc(hidden)]
impl Error {
    /// The client or a model is set up wrongly.
    #[must_use]
    pub fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// The call cannot be made as it stands; nothing was sent.
    #[must_use]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// No row matches.
    #[must_use]
    pub fn does_not_exist(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::DoesNotExist, message)
    }

    /// More than one row matches where one was asked for.
    #[must_use]
    pub fn multiple_objects_returned(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::MultipleObjectsReturned, message)
    }

    /// What the server sent is not what was expected.
    #[must_use]
    pub fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Decode, message)
    }

    /// The question cannot be answered rightly, by the client or by the server.
    #[must_use]
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The server ignored a filter, and the caller asked for an error.
    #[must_use]
    pub fn ignored(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Ignored, message)
    }

    /// More rows would have to be read than the caller allows.
    #[must_use]
    pub fn scan_limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::ScanLimit, message)
    }

    /// The data moved while it was read page by page.
    #[must_use]
    pub fn drift(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Drift, message)
    }

    /// A blocking call was made where it cannot run.
    #[must_use]
    pub fn runtime(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Runtime, message)
    }

    /// A write may or may not have been done; `cause` says what happened.
    ///
    /// Predicates such as [`is_timeout`](Error::is_timeout) look through to the cause.
    #[must_use]
    pub fn outcome_unknown(cause: Self) -> Self {
        let mut error = Self::new(
            ErrorKind::OutcomeUnknown,
            "the server may have carried the request out, so it was not sent again",
        );
        error.0.method.clone_from(&cause.0.method);
        error.0.url_template.clone_from(&cause.0.url_template);
        error.0.request_id.clone_from(&cause.0.request_id);
        error.0.status = cause.0.status;
        error.0.attempts = cause.0.attempts;
        error.0.outcome_unknown = true;
        error.with_source(cause)
    }

    /// Gives the error another kind, for a caller that knows better what it means (a 404 for a row
    /// that was asked for by key is [`ErrorKind::DoesNotExist`]).
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Says which request failed. `url_template` is a path without query and keys, such as
    /// `/api/v1/users/{id}/`.
    #[must_use]
    pub fn with_request(mut self, method: &Method, url_template: impl Into<String>) -> Self {
        self.0.method = Some(method.clone());
        self.0.url_template = Some(url_template.into());
        self
    }

    /// Says which status the response had.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Says how long the server wants the caller to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the row that was written all the same.
    #[must_use]
    pub fn with_row(mut self, row: Row) -> Self {
        self.0.row = Some(row);
        self
    }

    /// Takes the name of the request from the headers that it was sent with, where the server has given it none.
    #[must_use]
    pub fn with_request_id_of(mut self, headers: &HeaderMap) -> Self {
        if self.0.request_id.is_none() {
            self.0.request_id = response::request_id(headers);
        }
        self
    }

    /// Says how many times the request was sent.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Marks that the server may have carried out an attempt before the one that is answered with this error.
    #[must_use]
    pub fn with_lost_attempt(mut self, lost: bool) -> Self {
        self.0.follows_lost = lost;
        self
    }

    /// Whether the server may have carried out an attempt before the one that is answered with this error.
    #[must_use]
    pub fn follows_lost_attempt(&self) -> bool {
        self.0.follows_lost
    }

    /// Marks that the server may have carried the request out.
    #[must_use]
    pub fn with_outcome_unknown(mut self, unknown: bool) -> Self {
        self.0.outcome_unknown = unknown;
        self
    }

    /// Marks that the server has carried the write out, though its answer is an error.
    #[must_use]
    pub fn with_carried_out(mut self) -> Self {
        self.0.carried_out = true;
        self
    }

    /// Whether the server has carried the write out, though its answer is an error.
    #[must_use]
    pub fn is_carried_out(&self) -> bool {
        self.0.carried_out || self.is_unsaved()
    }

    /// Says whether the same call may succeed later, where the kind alone does not tell.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }
}

impl Error {
    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without request, status and context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// How long the server asked the client to wait (`Retry-After`).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The server's validation messages, field by field; empty when it sent none.
    #[must_use]
    pub fn field_errors(&self) -> &FieldErrors {
        &self.0.fields
    }

    /// The server's one-line explanation (`detail` in Django REST Framework).
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The identifier that the server gave the request (`X-Request-ID` and its like), or else the one that it was sent with.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The method of the request that failed.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.0.method.as_ref()
    }

    /// The path of the request that failed, keys left out: `/api/v1/users/{id}/`.
    #[must_use]
    pub fn url_template(&self) -> Option<&str> {
        self.0.url_template.as_deref()
    }

    /// The body of the error response, at most [`MAX_ERROR_BODY`] bytes of it.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// The body of the error response as JSON, if it is JSON and was kept whole.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(without_mark(self.0.body.as_ref()?)).ok()
    }

    /// The row as it is now, where the write was carried out and did not do what it was to do: an error of the kind
    /// [`Unsaved`](ErrorKind::Unsaved).
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        self.0.row.as_ref()
    }

    /// How many times the request was sent; 0 when it never was.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// No row matches.
    #[must_use]
    pub fn is_does_not_exist(&self) -> bool {
        self.0.kind == ErrorKind::DoesNotExist
    }

    /// More than one row matches.
    #[must_use]
    pub fn is_multiple_objects_returned(&self) -> bool {
        self.0.kind == ErrorKind::MultipleObjectsReturned
    }

    /// The URL itself is unknown to the server; a missing row is
    /// [`is_does_not_exist`](Self::is_does_not_exist).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// The server refused the data and said why; see [`field_errors`](Self::field_errors).
    #[must_use]
    pub fn is_validation(&self) -> bool {
        self.0.kind == ErrorKind::Validation
    }

    /// The credentials are missing or wrong (401).
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        self.0.kind == ErrorKind::Authentication
    }

    /// The caller may not do this (403).
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.0.kind == ErrorKind::Permission
    }

    /// The server is asked too often (429).
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.0.kind == ErrorKind::Throttled
    }

    /// The server failed (5xx).
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.0.kind == ErrorKind::Server
    }

    /// Time ran out, also when that left the outcome of a write unknown.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.is_or_was_caused_by(ErrorKind::Timeout)
    }

    /// No connection could be made, or it broke.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.is_or_was_caused_by(ErrorKind::Connect)
    }

    /// The client or a model is set up wrongly.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.0.kind == ErrorKind::Configuration
    }

    /// What the server sent could not be decoded.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    /// The row has changed on the server since it was read (412, or seen by a check), or the request conflicts with its state
    /// otherwise (409). See [`conflict`](Self::conflict) for both versions.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Conflict | ErrorKind::PreconditionFailed
        )
    }

    /// The server carried out a write, and its answer shows that it did not keep a value.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.0.kind == ErrorKind::Unsaved
    }

    /// The server may have carried out the write that failed: look before you send it again.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown || self.0.kind == ErrorKind::OutcomeUnknown
    }

    /// The same call may succeed later, and making it again cannot do a write twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if self.is_outcome_unknown() {
            return false;
        }
        self.0.retryable.unwrap_or_else(|| {
            let status = self.0.status.map(|status| status.as_u16());
            match self.0.kind {
                ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Throttled => true,
                ErrorKind::Server => status.is_some_and(is_passing_failure),
                ErrorKind::Status => matches!(status, Some(408 | 425)),
                _ => false,
            }
        })
    }

    /// Whether the server refused what it was asked (400 or 422).
    #[doc(hidden)]
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let refusals = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
        refusals.map(Some).contains(&self.status())
    }

    /// Whether the server's messages are about these parameters and no others.
    #[doc(hidden)]
    #[must_use]
    pub fn blames(&self, pairs: &[(String, String)]) -> bool {
        let mut named = self.field_errors().iter().peekable();
        named.peek().is_some()
            && named.all(|(field, _)| {
                let name = field.rsplit('.').next().unwrap_or(field);
                pairs.iter().any(|(known, _)| known == name)
            })
    }

    fn is_or_was_caused_by(&self, kind: ErrorKind) -> bool {
        if self.0.kind == kind {
            return true;
        }
        self.0.kind == ErrorKind::OutcomeUnknown
            && self
                .0
                .source
                .as_deref()
                .and_then(|source| source.downcast_ref::<Self>())
                .is_some_and(|cause| cause.is_or_was_caused_by(kind))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

const _: () = {
    const fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Error>();
    assert!(size_of::<Error>() == size_of::<usize>());
};

#[cfg(test)]
mod tests;
