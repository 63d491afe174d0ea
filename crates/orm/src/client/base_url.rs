//! The base URL of a client: one origin and a path prefix. Everything that is sent goes below it.

use std::fmt;
use std::time::Duration;

use django_api_orm_core::path::Endpoint;
use django_api_orm_core::{Error, Result};
use http::Uri;
use url::Url;

/// A checked base URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BaseUrl {
    /// Scheme, host and port, without a slash at the end.
    origin: String,
    host: String,
    port: u16,
    /// Empty, or a path that starts with a slash and does not end with one.
    prefix: String,
    is_https: bool,
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self> {
        // The text may hold a password, so no message quotes it.
        let refuse = |why: &str| {
            Err(Error::configuration(format!(
                "`base_url` {why}; write something like \"https://api.example.com\""
            )))
        };
        let text = text.trim();
        if text.is_empty() {
            return refuse("is empty");
        }
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            _ if text.starts_with("http:") || text.starts_with("https:") => {
                return refuse("has no host, or an invalid one");
            }
            _ if text.contains("://") => return refuse("is not an http or https URL"),
            _ => return refuse("does not begin with http:// or https://"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(
                "contains credentials; pass the user and password separately, not in the URL",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("has a query or a fragment; leave it out");
        }
        let prefix = Endpoint::parse(url.path()).map_err(|error| {
            let why = error.message().to_owned();
            Error::configuration(format!("the path of `base_url` is not usable: {why}"))
                .with_source(error)
        })?;
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            prefix: prefix.path().trim_end_matches('/').to_owned(),
            is_https: url.scheme() == "https",
        })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The host and the port.
    pub(super) fn server(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The URL of `path` below the prefix.
    pub(super) fn join(&self, path: &str, query: &str) -> Result<Uri> {
        let Self { origin, prefix, .. } = self;
        let question = if query.is_empty() { "" } else { "?" };
        let uri: Uri = format!("{origin}{prefix}{path}{question}{query}")
            .parse()
            .map_err(|error| {
                Error::invalid_request("the path or the query is not valid in a URL")
                    .with_source(error)
            })?;
        if uri.query().unwrap_or_default() == query && self.owns(&uri) {
            Ok(uri)
        } else {
            Err(Error::invalid_request(
                "the path or the query would lead outside the base URL",
            ))
        }
    }

    /// Whether `uri` has this origin.
    pub(super) fn owns(&self, uri: &Uri) -> bool {
        Url::parse(&uri.to_string())
            .is_ok_and(|url| url.origin().ascii_serialization() == self.origin)
    }

    /// The path below the prefix, and the query, of what a caller wrote: a path, or a URL of this origin.
    pub(super) fn split<'a>(&self, written: &'a str) -> Result<(&'a str, Option<&'a str>)> {
        let written = written.split('#').next().unwrap_or(written);
        let (path, query) = match written.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (written, None),
        };
        if !path.contains("://") && !path.starts_with("//") {
            return Ok((path, query));
        }
        let foreign = || {
            Error::invalid_request(format!(
                "the URL is not below {}{}; credentials are sent nowhere else",
                self.origin, self.prefix
            ))
        };
        let url = Url::parse(path).map_err(|_| foreign())?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if url.origin().ascii_serialization() != self.origin || has_credentials {
            return Err(foreign());
        }
        // The path is cut out of the text, not taken from the parser, which would resolve `..` in it.
        let after_scheme = path.split_once("://").map_or("", |(_, rest)| rest);
        let own = after_scheme
            .find('/')
            .and_then(|slash| after_scheme.get(slash..))
            .unwrap_or("/");
        let below = own.strip_prefix(self.prefix.as_str()).ok_or_else(foreign)?;
        if below.starts_with('/') {
            Ok((below, query))
        } else {
            Err(foreign())
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time as people read it: `30 s`, `250 ms`.
pub(super) fn in_words(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
