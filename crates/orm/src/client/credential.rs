//! Credentials: what goes into which header, and tokens that are fetched when they are needed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use django_api_orm_core::{Error, Result};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its end a credential counts as expired: a request takes time to arrive.
const EARLY: Duration = Duration::from_secs(30);

/// One header that proves who the caller is. `Debug` shows the header's name only.
///
/// ```
/// use django_api_orm::client::Credential;
///
/// let credential = Credential::token("0123abcd");
/// assert!(!format!("{credential:?}").contains("0123abcd"));
/// ```
#[derive(Clone)]
pub struct Credential {
    header: String,
    value: SecretString,
    /// A token that is empty would be sent as a header that says nothing.
    is_empty: bool,
    lifetime: Option<Duration>,
}

impl Credential {
    /// `Authorization: Token …`, as Django REST Framework's `TokenAuthentication` expects it.
    #[must_use]
    pub fn token(token: impl AsRef<str>) -> Self {
        Self::in_scheme("Token", token.as_ref())
    }

    /// `Authorization: Bearer …`, as JWT and OAuth 2 servers expect it.
    #[must_use]
    pub fn bearer(token: impl AsRef<str>) -> Self {
        Self::in_scheme("Bearer", token.as_ref())
    }

    fn in_scheme(scheme: &str, token: &str) -> Self {
        Self {
            is_empty: token.trim().is_empty(),
            ..Self::header(AUTHORIZATION.as_str(), format!("{scheme} {token}"))
        }
    }

    /// `Authorization: Basic …`.
    #[must_use]
    pub fn basic(user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let pair = format!("{}:{}", user.as_ref(), password.as_ref());
        Self::header(
            AUTHORIZATION.as_str(),
            format!("Basic {}", STANDARD.encode(pair)),
        )
    }

    /// Any header, such as `X-API-Key`.
    #[must_use]
    pub fn header(name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            header: name.into(),
            is_empty: value.trim().is_empty(),
            value: SecretString::from(value),
            lifetime: None,
        }
    }

    /// For a token provider: the time from now until the server no longer accepts the credential, such as OAuth 2's
    /// `expires_in`. Another one is fetched a little before that, without waiting for a 401.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.lifetime = Some(time);
        self
    }

    /// The header as it is sent.
    pub(super) fn to_header(&self) -> Result<(HeaderName, HeaderValue)> {
        if self.is_empty {
            return Err(Error::configuration(
                "the token is empty (`auth_token`, or another credential): give one, or leave it out to send no credentials",
            ));
        }
        let name = HeaderName::try_from(self.header.as_str()).map_err(|_| {
            Error::configuration("the name of the credential's header is not valid")
        })?;
        // The library's error is dropped: it must not carry the value along.
        let mut value = HeaderValue::from_str(self.value.expose_secret()).map_err(|_| {
            Error::configuration("the credential has characters that a header cannot hold")
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

type Fetch =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<Credential>> + Send>> + Send + Sync + 'static;

/// Fetches a credential when one is needed, and again when it expires or the server no longer accepts it.
///
/// However many requests need one at the same time, one fetch is under way, and they share what comes of it.
pub(super) struct TokenProvider {
    fetch: Box<Fetch>,
    tokens: Arc<Tokens>,
}

/// What a provider has brought.
#[derive(Default)]
pub struct Tokens {
    /// Whoever holds the lock fetches; the others find the result when they get it.
    current: Mutex<Current>,
    /// How many fetches have ended.
    ended: AtomicU64,
    /// What a fetch has brought and nobody has taken yet, with the time when it came.
    brought: std::sync::Mutex<Option<(Credential, Instant)>>,
}

#[derive(Default)]
struct Current {
    issued: Option<Issued>,
    /// Why the last fetch failed, if it did.
    failure: Option<Arc<Error>>,
}

/// A credential with the number of the fetch that brought it.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) credential: Credential,
    number: u64,
    until: Option<Instant>,
}

impl Issued {
    fn new(credential: Credential, number: u64, brought: Instant) -> Self {
        let until = credential.lifetime.and_then(|lifetime| {
            let early = EARLY.min(lifetime / 10);
            brought.checked_add(lifetime.saturating_sub(early))
        });
        Self {
            credential,
            number,
            until,
        }
    }

    fn is_expired(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }
}

impl Current {
    /// Keeps what a fetch brought.
    fn keep(&mut self, credential: Credential, brought: Instant, refused: u64) -> &Issued {
        let last = self.issued.as_ref().map_or(0, |issued| issued.number);
        self.failure = None;
        self.issued
            .insert(Issued::new(credential, last.max(refused) + 1, brought))
    }
}

impl Tokens {
    /// Leaves what a provider brought to whoever needs it: the call that asked may have been cancelled.
    pub fn bring(&self, credential: Credential) {
        *self.brought() = Some((credential, Instant::now()));
    }

    /// Takes what was brought.
    pub fn take(&self) -> Option<Credential> {
        self.brought().take().map(|(credential, _)| credential)
    }

    /// Whether something was brought that nobody has taken.
    pub fn has_been_brought(&self) -> bool {
        self.brought().is_some()
    }

    fn brought(&self) -> std::sync::MutexGuard<'_, Option<(Credential, Instant)>> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenProvider {
    pub(super) fn new<F, Fut>(tokens: Arc<Tokens>, fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        Self {
            fetch: Box::new(move || Box::pin(fetch())),
            tokens,
        }
    }

    /// The credential to use; `refused` is one that the server has just turned down.
    async fn issue(&self, refused: Option<&Issued>) -> Result<Issued> {
        let ended = &self.tokens.ended;
        let before = ended.load(Ordering::Acquire);
        let mut current = self.tokens.current.lock().await;
        let refused = refused.map_or(0, |issued| issued.number);
        if let Some(issued) = &current.issued
            && issued.number > refused
            && !issued.is_expired()
        {
            return Ok(issued.clone());
        }
        if let Some(failure) = &current.failure
            && ended.load(Ordering::Acquire) > before
        {
            return Err(again(failure));
        }
        if let Some((credential, at)) = self.tokens.brought().take() {
            return Ok(current.keep(credential, at, refused).clone());
        }
        let fetched = (self.fetch)().await;
        ended.fetch_add(1, Ordering::Release);
        match fetched {
            Ok(credential) => Ok(current.keep(credential, Instant::now(), refused).clone()),
            Err(error) => {
                let failure = Arc::new(error);
                let error = again(&failure);
                current.failure = Some(failure);
                Err(error)
            }
        }
    }
}

/// The error of a fetch, for one of those who waited for it.
fn again(failure: &Arc<Error>) -> Error {
    let mut error = Error::new(failure.kind(), failure.message().to_owned())
        .with_source(Fetching(Arc::clone(failure)))
        .with_context("the token provider failed");
    if let Some(status) = failure.status() {
        error = error.with_status(status);
    }
    error
}

/// The error of a fetch, which several calls share.
#[derive(Debug)]
struct Fetching(Arc<Error>);

impl fmt::Display for Fetching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token could not be fetched")
    }
}

impl std::error::Error for Fetching {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// Where a client's credentials come from.
#[derive(Clone, Default)]
pub(super) enum Auth {
    #[default]
    None,
    Fixed(Credential),
    Provider(Arc<TokenProvider>),
}

impl Auth {
    /// The provider's credential for the next attempt. `refused` is the one that was answered with a 401.
    pub(super) async fn credential(&self, refused: Option<&Issued>) -> Result<Option<Issued>> {
        match self {
            Self::None | Self::Fixed(_) => Ok(None),
            Self::Provider(provider) => provider.issue(refused).await.map(Some),
        }
    }

    /// The credential that is the same for every request.
    pub(super) fn fixed(&self) -> Option<&Credential> {
        match self {
            Self::Fixed(credential) => Some(credential),
            Self::None | Self::Provider(_) => None,
        }
    }

    /// Whether a 401 may be answered by fetching another credential.
    pub(super) fn can_refresh(&self) -> bool {
        matches!(self, Self::Provider(_))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Fixed(credential) => credential.fmt(f),
            Self::Provider(_) => f.write_str("token provider"),
        }
    }
}
