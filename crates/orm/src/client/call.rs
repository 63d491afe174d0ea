//! One request as the parts of this crate describe it: method, checked path, query, body.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use django_api_orm_core::path::ApiPath;
use django_api_orm_core::{Error, Result};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use tokio::time::Instant;

use super::idempotency::{self, Key};
use super::stats::Interest;

/// Commas, colons and slashes are harmless in a query and keep `id__in=1,2,3` readable.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',')
    .remove(b':')
    .remove(b'/')
    .remove(b'@');

/// A request to be sent with [`ServiceClient::send`](super::ServiceClient::send).
///
/// ```
/// use django_api_orm::client::Call;
/// use django_api_orm_core::path::Endpoint;
///
/// let users = Endpoint::parse("/api/v1/users/")?;
/// let call = Call::get(users.collection()).query("id__in", "1,2,3").query("search", "a b&c");
/// assert_eq!(call.query_string(), "id__in=1,2,3&search=a%20b%26c");
/// # Ok::<(), django_api_orm_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Call {
    pub(super) method: Method,
    pub(super) path: ApiPath,
    pub(super) raw_query: Option<String>,
    pub(super) query: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    pub(super) interest: Interest,
    pub(super) stays: bool,
    pub(super) key: Option<Box<Key>>,
    /// Whether the headers hold an idempotency key.
    pub(super) is_keyed: bool,
    /// Whether the server may ignore the condition in the headers, so that it is no reason to send the request again.
    pub(super) is_unchecked: bool,
    /// Whether to do it twice does no harm, whatever the method.
    pub(super) is_harmless: bool,
    /// Whether a redirect is the answer, and is not followed.
    pub(super) is_unredirected: bool,
}

impl fmt::Debug for Call {
    /// Neither the query nor the body: what they hold may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path.template())
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: ApiPath) -> Self {
        Self {
            method,
            path,
            raw_query: None,
            query: Vec::new(),
            body: None,
            headers: HeaderMap::new(),
            timeout: None,
            deadline: None,
            interest: Interest::default(),
            stays: false,
            key: None,
            is_keyed: false,
            is_unchecked: false,
            is_harmless: false,
            is_unredirected: false,
        }
    }

    /// A `GET` of `path`.
    #[must_use]
    pub fn get(path: ApiPath) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` to `path`.
    #[must_use]
    pub fn post(path: ApiPath) -> Self {
        Self::new(Method::POST, path)
    }

    /// A `PATCH` of `path`.
    #[must_use]
    pub fn patch(path: ApiPath) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A `PUT` to `path`.
    #[must_use]
    pub fn put(path: ApiPath) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A `DELETE` of `path`.
    #[must_use]
    pub fn delete(path: ApiPath) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a query parameter. A name given twice is sent twice.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds query parameters.
    #[must_use]
    pub fn queries<N, V>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'static, str>>,
        V: Into<String>,
    {
        self.query.extend(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        self
    }

    /// Puts an already encoded query in front of the parameters, such as that of a `next` link.
    #[must_use]
    pub fn raw_query(mut self, query: impl Into<String>) -> Self {
        self.raw_query = Some(query.into()).filter(|query| !query.is_empty());
        self
    }

    /// The JSON body.
    ///
    /// # Errors
    /// `InvalidRequest` if `body` cannot be written as JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Result<Self> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            Error::invalid_request("the body cannot be written as JSON").with_source(error)
        })?;
        Ok(self.json_bytes(bytes))
    }

    /// The body, already written as JSON.
    #[must_use]
    pub fn json_bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets a header of this request, in place of the client's default.
    ///
    /// # Errors
    /// `InvalidRequest` if the name or the value is not valid, or if the header is one that the transport
    /// itself must set.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let (name, value) = checked_header(name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Declares that the server recognises a repetition by this key, so that the request may be sent again whatever its
    /// method. It is sent in the header that the model or the client declares for keys, else as `Idempotency-Key`.
    ///
    /// # Errors
    /// `InvalidRequest` if the key cannot be a header value.
    pub fn idempotency_key(mut self, key: &str) -> Result<Self> {
        if key.is_empty() {
            return Err(Error::invalid_request("the idempotency key is empty"));
        }
        let (_, key) = checked_header("idempotency-key", key)?;
        self.key.get_or_insert_default().given = Some(key);
        Ok(self)
    }

    /// Names the header in which the model's endpoint takes an idempotency key.
    pub(crate) fn idempotency_header(mut self, name: Option<&str>) -> Result<Self> {
        if let Some(name) = name {
            self.key.get_or_insert_default().declared = Some(idempotency::header(name)?);
        }
        Ok(self)
    }

    /// Declares that the server has not been seen to check the condition that the headers hold.
    pub(crate) fn unchecked(mut self) -> Self {
        self.is_unchecked = true;
        self
    }

    /// Counts what the call costs only for as long as somebody waits for it.
    pub(crate) fn counted_while(mut self, interest: &Interest) -> Self {
        self.interest = interest.clone();
        self
    }

    /// Follows a redirect only to where the same thing has moved, whose path ends in the same segment: a sign-in page can
    /// answer a write with a success that means nothing.
    pub(crate) fn staying(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Declares that the server may do it twice: a login.
    pub(super) fn harmless(mut self) -> Self {
        self.is_harmless = true;
        self
    }

    /// Gives a redirect as the answer.
    pub(super) fn unredirected(mut self) -> Self {
        self.is_unredirected = true;
        self
    }

    /// The time for the whole call, retries included, in place of the client's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The moment by which the call must be done, for callers that make several requests in one operation.
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let mut values = self.query.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// The query as it is sent.
    #[must_use]
    pub fn query_string(&self) -> String {
        let mut out = self.raw_query.clone().unwrap_or_default();
        for (name, value) in &self.query {
            if !out.is_empty() {
                out.push('&');
            }
            out.extend(utf8_percent_encode(name, QUERY));
            out.push('=');
            out.extend(utf8_percent_encode(value, QUERY));
        }
        out
    }
}

/// A header that a caller may set. What frames a message on the wire is not theirs to set: a wrong
/// `Content-Length` lets one request smuggle another.
pub(super) fn checked_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name)
        .map_err(|_| Error::invalid_request(format!("{name:?} is not a valid header name")))?;
    let reserved = [
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        CONNECTION,
        UPGRADE,
        TE,
        PROXY_AUTHORIZATION,
    ];
    if reserved.contains(&name) {
        return Err(Error::invalid_request(format!(
            "the header {name} is set by the client itself"
        )));
    }
    // The library's error is dropped: the value may be a secret.
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::invalid_request(format!("the value of the header {name} is not valid"))
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}
