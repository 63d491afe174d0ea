//! Credentials: what goes into which header, and tokens that are fetched when they are needed.

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use django_api_orm_core::{Error, Result};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
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

type Fetch = dyn Fn(Asking) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static;

/// Fetches a credential when one is needed, and again when it expires or the server no longer accepts it.
///
/// However many requests need one at the same time, one fetch is under way, and they share what comes of it.
pub(super) struct TokenProvider {
    fetch: Box<Fetch>,
    tokens: Arc<Tokens>,
}

/// What a provider has brought, and who asks it. Nobody holds a lock while the provider is asked: whoever does may not be
/// driven for a while.
#[derive(Default)]
pub struct Tokens {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    issued: Option<Issued>,
    /// Why the last fetch failed, if it did, with the number of fetches that had ended then.
    failure: Option<(u64, Arc<Error>)>,
    /// The fetch that is under way.
    asking: Option<u64>,
    begun: u64,
    ended: u64,
}

/// A credential with the number of the fetch that brought it.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) credential: Credential,
    number: u64,
    until: Option<Instant>,
}

impl Issued {
    fn new(credential: Credential, number: u64) -> Self {
        let until = credential.lifetime.and_then(|lifetime| {
            let early = EARLY.min(lifetime / 10);
            Instant::now().checked_add(lifetime.saturating_sub(early))
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

/// What to do about a credential.
enum Turn {
    Use(Issued),
    Fail(Error),
    /// Another fetch is under way.
    Wait,
    /// This fetch is to be made.
    Ask(u64),
}

impl Tokens {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and tells everybody who waits.
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// `seen` is a credential that this call has got of a fetch of its own, whatever its age.
    fn turn(&self, refused: u64, ended_before: u64, seen: u64) -> Turn {
        let mut state = self.state();
        if let Some(issued) = &state.issued
            && issued.number > refused
            && (issued.number >= seen || !issued.is_expired())
        {
            return Turn::Use(issued.clone());
        }
        if let Some((number, failure)) = &state.failure
            && *number > ended_before
        {
            return Turn::Fail(again(failure));
        }
        if state.asking.is_some() {
            return Turn::Wait;
        }
        state.begun += 1;
        state.asking = Some(state.begun);
        Turn::Ask(state.begun)
    }
}

/// A fetch that is under way, for whoever makes it.
#[derive(Clone)]
pub struct Asking {
    tokens: Arc<Tokens>,
    number: u64,
}

impl Asking {
    /// Whether nobody needs its result: it is known, or given up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.tokens.state().asking != Some(self.number)
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        let mut changes = self.tokens.changes.subscribe();
        // The sender is in `tokens`, so this is no error.
        let _ = changes.wait_for(|_| self.is_over()).await;
    }

    /// Ends it without a result: another call asks anew.
    pub fn give_up(&self) {
        if !self.is_over() {
            self.tokens.change(|state| {
                if state.asking == Some(self.number) {
                    state.asking = None;
                }
            });
        }
    }

    /// Ends it. A credential is kept though the call that asked has been cancelled, unless there is a later one.
    pub fn settle(&self, fetched: Result<Credential>) {
        self.tokens.change(|state| match fetched {
            Ok(credential) => {
                let known = state.issued.as_ref().map_or(0, |issued| issued.number);
                if known < self.number {
                    state.issued = Some(Issued::new(credential, self.number));
                    state.failure = None;
                    state.asking = None;
                    state.ended += 1;
                }
            }
            Err(error) if state.asking == Some(self.number) => {
                state.asking = None;
                state.ended += 1;
                state.failure = Some((state.ended, Arc::new(error)));
            }
            Err(_) => {}
        });
    }
}

/// Gives a fetch up where the call that makes it is cancelled.
struct Abandoned(Asking);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl TokenProvider {
    pub(super) fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        Self::shared(Arc::default(), move |asking: Asking| {
            let fetched = fetch();
            async move { asking.settle(fetched.await) }
        })
    }

    /// A provider who shares what it brings with others, and says it by settling the fetch.
    pub(super) fn shared<F, Fut>(tokens: Arc<Tokens>, fetch: F) -> Self
    where
        F: Fn(Asking) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            fetch: Box::new(move |asking| Box::pin(fetch(asking))),
            tokens,
        }
    }

    /// The credential to use; `refused` is one that the server has just turned down.
    async fn issue(&self, refused: Option<&Issued>) -> Result<Issued> {
        let refused = refused.map_or(0, |issued| issued.number);
        let mut changes = self.tokens.changes.subscribe();
        let (ended, begun) = {
            let state = self.tokens.state();
            (state.ended, state.begun)
        };
        loop {
            changes.mark_unchanged();
            // What a fetch brings that began after this call is new enough, however soon it expires.
            match self.tokens.turn(refused, ended, begun + 1) {
                Turn::Use(issued) => return Ok(issued),
                Turn::Fail(error) => return Err(error),
                Turn::Wait => {
                    let _ = changes.changed().await;
                }
                Turn::Ask(number) => {
                    let asking = Asking {
                        tokens: Arc::clone(&self.tokens),
                        number,
                    };
                    let abandoned = Abandoned(asking.clone());
                    (self.fetch)(asking).await;
                    drop(abandoned);
                }
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

    /// What tells accounts apart: the credential, or who brings it.
    pub(super) fn distinguish(&self, hasher: &mut impl Hasher) {
        match self {
            Self::None => {}
            Self::Fixed(credential) => {
                credential.header.hash(hasher);
                credential.value.expose_secret().hash(hasher);
            }
            Self::Provider(provider) => Arc::as_ptr(&provider.tokens).hash(hasher),
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
