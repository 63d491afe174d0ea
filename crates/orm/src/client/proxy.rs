//! The proxy, if the client has one. The environment is read only when asked.

use django_api_orm_core::{Error, Result};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret, SecretString};

use super::settings::Settings;

fn checked(intercept: &Intercept) -> Result<Proxy> {
    let uri = intercept.uri();
    let is_socks = match uri.scheme_str() {
        Some("http" | "https") => false,
        Some("socks5" | "socks5h") => true,
        _ => {
            return Err(Error::configuration(
                "only http, https and socks5 proxies are supported",
            ));
        }
    };
    let login = intercept.raw_auth();
    Ok(Proxy {
        uri: match is_socks && uri.port().is_none() {
            false => uri.clone(),
            true => with_port(uri, SOCKS_PORT)?,
        },
        authorization: intercept.basic_auth().cloned(),
        socks: is_socks
            .then(|| login.map(|(user, password)| (user.to_owned(), SecretString::from(password)))),
    })
}

/// The URL with a port that it left out.
fn with_port(uri: &Uri, port: u16) -> Result<Uri> {
    let mut parts = uri.clone().into_parts();
    let host = uri.host().unwrap_or_default();
    parts.authority = format!("{host}:{port}").parse().ok();
    Uri::from_parts(parts)
        .map_err(|error| Error::configuration("`proxy` is not a valid URL").with_source(error))
}

/// Whether `NO_PROXY` exempts every host, addresses too.
fn is_switched_off() -> bool {
    ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .is_some_and(|hosts| hosts.split(',').any(|host| host.trim() == "*"))
}

/// The port of SOCKS proxies, if the URL names none.
const SOCKS_PORT: u16 = 1080;

/// A proxy and what it wants to see.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
    /// For a SOCKS proxy: user and password, if it wants them.
    socks: Option<Option<(String, SecretString)>>,
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
        if !settings.proxy_from_env || is_switched_off() {
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

    /// The way to a host through this proxy, if it is a SOCKS proxy. The proxy looks the host's name up.
    pub(super) fn socks<C>(&self, to_proxy: C) -> Option<SocksV5<C>> {
        let login = self.socks.as_ref()?;
        let socks = SocksV5::new(self.uri.clone(), to_proxy);
        Some(match login {
            None => socks,
            Some((user, password)) => {
                socks.with_auth(user.clone(), password.expose_secret().to_owned())
            }
        })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}
