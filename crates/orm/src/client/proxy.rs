//! The proxy, if the client has one. The environment is read only when asked.

use django_api_orm_core::{Error, Result};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret, SecretString};

/// What the builder was told about proxies.
#[derive(Clone, Default)]
pub(super) enum ProxySettings {
    #[default]
    None,
    Environment,
    /// A URL, which may hold a password.
    Url(SecretString),
}

impl ProxySettings {
    /// The proxy for requests to `base`.
    pub(super) fn proxy(&self, base: &Uri) -> Result<Option<Proxy>> {
        match self {
            Self::None => Ok(None),
            Self::Environment => Matcher::from_env()
                .intercept(base)
                .as_ref()
                .map(checked)
                .transpose(),
            Self::Url(url) => {
                let matcher = Matcher::builder().all(url.expose_secret()).build();
                let Some(intercept) = matcher.intercept(base) else {
                    return Err(Error::configuration("the proxy is not a valid URL"));
                };
                checked(&intercept).map(Some)
            }
        }
    }
}

fn checked(intercept: &Intercept) -> Result<Proxy> {
    let uri = intercept.uri();
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Error::configuration(
            "only http and https proxies are supported",
        ));
    }
    Ok(Proxy {
        uri: uri.clone(),
        authorization: intercept.basic_auth().cloned(),
    })
}

/// A proxy and what it wants to see.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&http::uri::Scheme::HTTPS)
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}
