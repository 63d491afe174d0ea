//! Logins: credentials that the client obtains by itself, from a user's password or an application's secret. They are kept in
//! memory only.

mod cookies;
mod jwt;
mod oauth2;
mod place;
mod session;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use django_api_orm_core::{Error, ErrorKind, Result};
use http::StatusCode;
use serde_json::Value;

use super::ServiceClient;
use super::attempt::Answer;
use super::hooks::Hooks;
use super::tokens::{Issued, Proof};
use place::Place;

pub use jwt::JwtAuth;
pub use oauth2::OAuth2ClientCredentials;
pub use session::SessionAuth;

pub(super) use cookies::Session;

/// Who hears of the requests of a login.
type Hears<'a> = Option<&'a Arc<dyn Hooks>>;

/// A way to log in: a [`JwtAuth`], a [`SessionAuth`] or [`OAuth2ClientCredentials`]. `Debug` shows no secret.
#[derive(Clone)]
pub struct Login(Way);

#[derive(Clone)]
enum Way {
    Jwt(JwtAuth),
    Session(SessionAuth),
    OAuth2(OAuth2ClientCredentials),
}

impl From<JwtAuth> for Login {
    fn from(login: JwtAuth) -> Self {
        Self(Way::Jwt(login))
    }
}

impl From<SessionAuth> for Login {
    fn from(login: SessionAuth) -> Self {
        Self(Way::Session(login))
    }
}

impl From<OAuth2ClientCredentials> for Login {
    fn from(login: OAuth2ClientCredentials) -> Self {
        Self(Way::OAuth2(login))
    }
}

impl Login {
    /// This login by the connections of `client`, which has no credentials.
    ///
    /// # Errors
    /// `Configuration` for an invalid URL, or an empty user or secret.
    pub(super) fn by(self, client: &ServiceClient) -> Result<SignIn> {
        Ok(SignIn(match self.0 {
            Way::Jwt(login) => Kind::Jwt(login.by(client)?),
            Way::Session(login) => Kind::Session(login.by(client)?),
            Way::OAuth2(login) => Kind::OAuth2(login.by(client)?),
        }))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Jwt(login) => login.fmt(f),
            Way::Session(login) => login.fmt(f),
            Way::OAuth2(login) => login.fmt(f),
        }
    }
}

/// A login of a client, with what it has been given so far.
pub(super) struct SignIn(Kind);

enum Kind {
    Jwt(jwt::SignIn),
    Session(session::SignIn),
    OAuth2(oauth2::SignIn),
}

impl SignIn {
    /// Obtains a proof, by the requests that this takes; `anew` where a refreshed one was refused.
    pub(super) async fn prove(&self, anew: bool, hears: Hears<'_>) -> Result<Proof> {
        match &self.0 {
            Kind::Jwt(login) => login.prove(anew, hears).await,
            Kind::Session(login) => login.prove(hears).await.map(Proof::Session),
            Kind::OAuth2(login) => login.prove(hears).await.map(Proof::Header),
        }
    }

    /// The clients of other servers than that of `client`.
    pub(super) fn strangers(&self, client: &ServiceClient) -> Vec<&ServiceClient> {
        let places = match &self.0 {
            Kind::Jwt(login) => login.places().to_vec(),
            Kind::OAuth2(login) => vec![login.place()],
            // Its URL is of the same origin.
            Kind::Session(_) => Vec::new(),
        };
        let all = places.into_iter().filter(|place| !place.is_of(client));
        all.map(Place::client).collect()
    }

    /// Whether the answer says that nothing was done, because nobody was logged in: a 401, or what Django REST Framework says
    /// with a 403 where its first authenticator names no scheme, or a way to the login page.
    pub(super) fn is_needed(&self, issued: Option<&Issued>, path: &str, answer: &Answer) -> bool {
        if let Some(session) = issued.and_then(Issued::session) {
            return session.is_refused(path, answer);
        }
        answer.status == StatusCode::UNAUTHORIZED
            || answer.status == StatusCode::FORBIDDEN && says_unauthenticated(&answer.body)
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Jwt(_) => "JWT login",
            Kind::Session(_) => "session login",
            Kind::OAuth2(_) => "OAuth2 client credentials",
        })
    }
}

/// Whether a 403 of Django REST Framework is about who asks, and not about what that one may do.
fn says_unauthenticated(body: &Bytes) -> bool {
    let Ok(Value::Object(said)) = serde_json::from_slice(body) else {
        return false;
    };
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let codes = [
        "not_authenticated",
        "authentication_failed",
        "token_not_valid",
    ];
    codes.contains(&text("code"))
        || text("detail") == "Authentication credentials were not provided."
}

/// The error of a step, as those see it who wait for the login: their own request was never sent, whatever became of the login's.
/// So it has no status, by which they would take it for an answer about their rows.
fn failed(step: &str, error: Error) -> Error {
    let kind = match (error.kind(), error.status().map(|status| status.as_u16())) {
        (ErrorKind::OutcomeUnknown, _) if error.is_timeout() => ErrorKind::Timeout,
        (ErrorKind::OutcomeUnknown, _) => ErrorKind::Connect,
        (ErrorKind::Validation | ErrorKind::Authentication | ErrorKind::Permission, _)
        | (ErrorKind::Status, Some(400 | 422)) => ErrorKind::Authentication,
        (ErrorKind::NotFound | ErrorKind::Redirect, _) | (ErrorKind::Status, Some(405)) => {
            ErrorKind::Configuration
        }
        (ErrorKind::Conflict | ErrorKind::PreconditionFailed, _) => ErrorKind::Status,
        (kind, _) => kind,
    };
    let is_retryable = error.is_retryable()
        || kind != error.kind() && matches!(kind, ErrorKind::Timeout | ErrorKind::Connect);
    let mut said = Error::new(kind, format!("{step} failed: {error}")).with_retryable(is_retryable);
    if let Some(wait) = error.retry_after() {
        said = said.with_retry_after(wait);
    }
    said.with_source(error)
}

/// A text that must not be empty: sending an empty one is always a mistake.
fn given<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    if text.trim().is_empty() {
        return Err(Error::configuration(format!(
            "the {what} of the login is empty"
        )));
    }
    Ok(text)
}
