//! The proxy, if the client has one. The environment is read only when asked.

use django_api_orm_core::{Error, Result};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::ExposeSecret;

use super::settings::Settings;

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
    /// The proxy for requests to `base`: the one that was given, else that of the environment, if it is to be asked.
    pub(super) fn of(settings: &Settings, base: &Uri) -> Result<Option<Self>> {
        if let Some(url) = &settings.proxy {
            let matcher = Matcher::builder().all(url.expose_secret()).build();
            let Some(intercept) = matcher.intercept(base) else {
                return Err(Error::configuration(
                    "`proxy` is not a valid URL; write something like \"http://proxy.example.com:3128\"",
                ));
            };
            return checked(&intercept).map(Some);
        }
        if !settings.proxy_from_env {
            return Ok(None);
        }
        Matcher::from_env()
            .intercept(base)
            .as_ref()
            .map(checked)
            .transpose()
    }

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
