//! Credentials: what goes into which header.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use django_api_orm_core::{Error, Result};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::hooks::Hooks;
use super::login::SignIn;
use super::tokens::{Issued, TokenProvider};

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

    pub(super) fn in_scheme(scheme: &str, token: &str) -> Self {
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

    pub(super) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
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

/// Where a client's credentials come from.
#[derive(Clone, Default)]
pub(super) enum Auth {
    #[default]
    None,
    Fixed(Credential),
    Provider(Arc<TokenProvider>),
}

impl Auth {
    /// The provider's credential for the next attempt. `refused` is the one that was answered with a 401; `anew`: so was the one
    /// before, which had been refreshed.
    pub(super) async fn credential(
        &self,
        refused: Option<&Issued>,
        anew: bool,
        hooks: Option<&Arc<dyn Hooks>>,
    ) -> Result<Option<Issued>> {
        match self {
            Self::None | Self::Fixed(_) => Ok(None),
            Self::Provider(provider) => provider.issue(refused, anew, hooks).await.map(Some),
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
            Self::Provider(provider) => Arc::as_ptr(provider.tokens()).hash(hasher),
        }
    }

    /// The login by which credentials are fetched.
    pub(super) fn sign_in(&self) -> Option<&SignIn> {
        match self {
            Self::Provider(provider) => provider.sign_in(),
            Self::None | Self::Fixed(_) => None,
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
            Self::Provider(provider) => match provider.sign_in() {
                Some(sign_in) => sign_in.fmt(f),
                None => f.write_str("token provider"),
            },
        }
    }
}
