//! The base URL of a client: one origin and a path prefix. Everything that is sent goes below it.

use std::fmt;
use std::time::Duration;

use django_api_orm_core::path::Endpoint;
use django_api_orm_core::{Error, Result};
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use url::Url;

/// A checked base URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    /// Scheme, host and port, without a slash at the end.
    origin: String,
    /// The same, as requests have it.
    scheme: Scheme,
    authority: Authority,
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
        let origin = url.origin().ascii_serialization();
        let (Some(scheme), Some(authority)) = origin
            .parse()
            .map(Uri::into_parts)
            .map_or((None, None), |parts| (parts.scheme, parts.authority))
        else {
            return refuse("has an invalid host");
        };
        Ok(Self {
            origin,
            scheme,
            authority,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            prefix: prefix.path().trim_end_matches('/').to_owned(),
            is_https: url.scheme() == "https",
        })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The host and the port, unless that is the scheme's own.
    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The host and the port.
    pub(crate) fn server(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The same origin without a prefix.
    pub(super) fn root(&self) -> Self {
        Self {
            prefix: String::new(),
            ..self.clone()
        }
    }

    /// `path` with the prefix in front.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The URL of `path` below the prefix.
    pub(super) fn join(&self, path: &str, query: &str) -> Result<Uri> {
        let below = self.prefix.len() + path.len();
        let mut written = String::with_capacity(below + 1 + query.len());
        written.push_str(&self.prefix);
        written.push_str(path);
        if !query.is_empty() {
            written.push('?');
            written.push_str(query);
        }
        let parsed = PathAndQuery::from_maybe_shared(written).map_err(|error| {
            Error::invalid_request("the path or the query is not valid in a URL").with_source(error)
        })?;
        if parsed.query().unwrap_or_default() != query
            || parsed.path().len() != below
            || !path.starts_with('/')
        {
            return Err(Error::invalid_request(
                "the path or the query would lead outside the base URL",
            ));
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(parsed);
        Uri::from_parts(parts).map_err(|error| {
            Error::invalid_request("the path or the query is not valid in a URL").with_source(error)
        })
    }

    /// Whether `uri` has this origin, and no user.
    pub(super) fn owns(&self, uri: &Uri) -> bool {
        let Some((scheme, authority)) = uri.scheme().zip(uri.authority()) else {
            return false;
        };
        let port = authority.port_u16();
        let default = if self.is_https { 443 } else { 80 };
        // What looks like a port and is none, or an empty one, stays in the authority's text.
        let host_ends = authority.as_str().len() == authority.host().len() || port.is_some();
        *scheme == self.scheme
            && host_ends
            && !authority.as_str().contains('@')
            && authority.host().eq_ignore_ascii_case(&self.host)
            && port.unwrap_or(default) == self.port
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_base_url() {
        let base = BaseUrl::parse("http://API.example.com:80/v1/").unwrap();
        let joined = |path, query| base.join(path, query).map(|uri| uri.to_string());
        assert_eq!(
            joined("/users/7/", "").unwrap(),
            "http://api.example.com/v1/users/7/"
        );
        assert_eq!(
            joined("/users/", "a=1&b=%3F").unwrap(),
            "http://api.example.com/v1/users/?a=1&b=%3F"
        );
        for (path, query) in [
            ("users/", ""),
            ("@evil.example/", ""),
            ("/users/?a=1", ""),
            ("/users/#a", ""),
            ("/users/", "a=1#b"),
            ("/us ers/", ""),
            ("/users/", "a\r\nb"),
        ] {
            let uri = joined(path, query);
            assert!(uri.is_err(), "{path:?}, {query:?} became {uri:?}");
        }
    }

    #[test]
    fn only_this_origin_is_owned() {
        let base = BaseUrl::parse("https://api.example.com").unwrap();
        for (uri, owned) in [
            ("https://api.example.com/x", true),
            ("https://API.example.com:443/x", true),
            ("http://api.example.com/x", false),
            ("https://api.example.com:444/x", false),
            ("https://user@api.example.com/x", false),
            ("https://api.example.com@evil.example/x", false),
            ("https://api.example.com.evil.example/x", false),
            ("/x", false),
        ] {
            assert_eq!(base.owns(&uri.parse().unwrap()), owned, "{uri}");
        }
        let base = BaseUrl::parse("http://[::1]:8000").unwrap();
        assert!(base.owns(&"http://[::1]:8000/x".parse().unwrap()));
        assert!(!base.owns(&"http://[::1]/x".parse().unwrap()));
    }
}
