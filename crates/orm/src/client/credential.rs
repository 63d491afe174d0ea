//! Credentials: what goes into which header, and tokens that are fetched when they are needed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use django_api_orm_core::{Error, Result};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

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
        }
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

/// Fetches a credential when one is needed, and again when the server no longer accepts it.
///
/// However many requests need one at the same time, one fetch is under way.
pub(super) struct TokenProvider {
    fetch: Box<Fetch>,
    current: Mutex<Option<Issued>>,
}

/// A credential with the number of the fetch that brought it.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) credential: Credential,
    number: u64,
}

impl TokenProvider {
    pub(super) fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        Self {
            fetch: Box::new(move || Box::pin(fetch())),
            current: Mutex::new(None),
        }
    }

    /// The credential to use; `refused` is one that the server has just turned down.
    async fn issue(&self, refused: Option<&Issued>) -> Result<Issued> {
        // Whoever holds the lock fetches; the others find the result when they get it.
        let mut current = self.current.lock().await;
        let refused = refused.map_or(0, |issued| issued.number);
        let number = match current.as_ref() {
            Some(issued) if issued.number > refused => return Ok(issued.clone()),
            Some(issued) => issued.number + 1,
            None => refused + 1,
        };
        let credential = (self.fetch)()
            .await
            .map_err(|error| error.with_context("the token provider failed"))?;
        let issued = Issued { credential, number };
        *current = Some(issued.clone());
        Ok(issued)
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
