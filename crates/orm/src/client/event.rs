//! Events: what a program is told of each request, answer, failure and retry. Never a body, a credential or the value of a query
//! parameter.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use django_api_orm_core::{Error, ErrorKind, Result, error::request_id};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_LOCATION, HOST, LINK, LOCATION, REFERER, REFRESH},
};

use super::call::checked_header;

/// What is shown in the place of a secret.
pub(crate) const REDACTED: &str = "REDACTED";
/// Parts of the names of headers whose values are not shown.
const SECRET: [&str; 9] = [
    "auth",
    "token",
    "cookie",
    "secret",
    "session",
    "password",
    "key",
    "csrf",
    "signature",
];
/// Headers that are set to be found again in logs: they are shown whoever has set them.
const TRACING: [&str; 5] = [
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-correlation-id",
    "request-id",
];

/// What all events tell of the request.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    url: String,
    template: Option<String>,
    attempt: u32,
    id: u64,
    at: SystemTime,
}

/// A request that is about to be sent; [`on_request`](crate::ServiceClientBuilder::on_request).
#[derive(Debug, Clone)]
pub struct RequestEvent {
    sent: Sent,
    headers: HeaderMap,
    pub(super) added: HeaderMap,
}

/// The answer to a request, whatever its status; [`on_response`](crate::ServiceClientBuilder::on_response).
#[derive(Debug, Clone)]
pub struct ResponseEvent {
    sent: Sent,
    status: StatusCode,
    headers: HeaderMap,
    elapsed: Duration,
}

/// A request that got no answer: it was not sent, or the answer did not come, or not whole. For front doors that keep logs.
#[derive(Debug, Clone)]
pub struct FailureEvent {
    sent: Sent,
    kind: ErrorKind,
    elapsed: Duration,
}

/// A request that failed and is about to be sent again; [`on_retry`](crate::ServiceClientBuilder::on_retry).
#[derive(Debug, Clone)]
pub struct RetryEvent {
    sent: Sent,
    kind: ErrorKind,
    status: Option<StatusCode>,
    wait: Duration,
}

macro_rules! sent {
    ($($event:ident),+) => {$(
        impl $event {
            /// The method.
            #[must_use]
            pub fn method(&self) -> &Method {
                &self.sent.method
            }

            /// The URL, with `REDACTED` in the place of each value in the query.
            #[must_use]
            pub fn url(&self) -> &str {
                &self.sent.url
            }

            /// The path with `{id}` in the place of the key, where the model's declaration tells which part that is.
            #[must_use]
            pub fn url_template(&self) -> Option<&str> {
                self.sent.template.as_deref()
            }

            /// How often the call has sent a request, with this one: 1 for the first, more after redirects and retries.
            #[must_use]
            pub fn attempt(&self) -> u32 {
                self.sent.attempt
            }

            /// What the events of one attempt have in common, and no other ones.
            #[doc(hidden)]
            #[must_use]
            pub fn id(&self) -> u64 {
                self.sent.id
            }

            /// When it happened.
            #[doc(hidden)]
            #[must_use]
            pub fn at(&self) -> SystemTime {
                self.sent.at
            }
        }
    )+};
}
sent!(RequestEvent, ResponseEvent, FailureEvent, RetryEvent);

impl RequestEvent {
    /// The headers that are sent, but for those that the connection sets; `REDACTED` in the place of credentials, and of whatever
    /// else the program has set.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers that hooks have added.
    #[doc(hidden)]
    #[must_use]
    pub fn added(&self) -> &HeaderMap {
        &self.added
    }

    /// Sends one more header with this request, such as `traceparent`.
    ///
    /// # Errors
    /// `InvalidRequest` if the name or the value is not valid, if the request has that header already, or if it is one by which
    /// servers tell who is calling: credentials are the client's to set.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = checked_header(name, value)?;
        let refuse = |why: &str| {
            Err(Error::invalid_request(format!(
                "a hook cannot add the header {name}: {why}"
            )))
        };
        if name == HOST || (is_secret(&name) && !is_tracing(&name)) {
            return refuse("credentials are given to the client, not set by hooks");
        }
        if self.headers.contains_key(&name) {
            return refuse("the request has it already");
        }
        self.headers
            .insert(name.clone(), shown(&name, &value, Side::Request));
        self.added.insert(name, value);
        Ok(())
    }
}

impl ResponseEvent {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer, with `REDACTED` in the place of cookies, tokens and URLs.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The time from the moment at which the request had its place among those under way until its answer was read.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The server's name for the request: its `X-Request-ID` or a header like it.
    #[must_use]
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }
}

impl FailureEvent {
    /// What kind of error the attempt ended with.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The time from the moment at which the request was to be sent.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl RetryEvent {
    /// What kind of error the attempt ended with.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// How long is waited before the request is sent again.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }
}

/// What a hook is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request is about to be sent.
    Request(RequestEvent),
    /// An answer came.
    Response(ResponseEvent),
    /// No answer came.
    Failure(FailureEvent),
    /// A request is about to be sent again.
    Retry(RetryEvent),
}

/// What is known of a request, for its events.
pub(super) struct Subject<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) template: Option<String>,
    pub(super) attempt: u32,
    pub(super) id: u64,
}

/// A number that no other attempt of the process has.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

impl Subject<'_> {
    fn sent(self) -> Sent {
        Sent {
            method: self.method.clone(),
            url: shown_url(self.uri),
            template: self.template,
            attempt: self.attempt,
            id: self.id,
            at: SystemTime::now(),
        }
    }

    pub(super) fn request(self, headers: &HeaderMap) -> Event {
        Event::Request(RequestEvent {
            sent: self.sent(),
            headers: shown_headers(headers, Side::Request),
            added: HeaderMap::new(),
        })
    }

    pub(super) fn response(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        elapsed: Duration,
    ) -> Event {
        Event::Response(ResponseEvent {
            sent: self.sent(),
            status,
            headers: shown_headers(headers, Side::Response),
            elapsed,
        })
    }

    pub(super) fn failure(self, error: &Error, elapsed: Duration) -> Event {
        Event::Failure(FailureEvent {
            sent: self.sent(),
            kind: error.kind(),
            elapsed,
        })
    }

    pub(super) fn retry(self, error: &Error, wait: Duration) -> Event {
        Event::Retry(RetryEvent {
            sent: self.sent(),
            kind: error.kind(),
            status: error.status(),
            wait,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Response,
}

fn is_secret(name: &HeaderName) -> bool {
    SECRET.iter().any(|part| name.as_str().contains(part))
}

fn is_tracing(name: &HeaderName) -> bool {
    TRACING.contains(&name.as_str())
}

fn shown(name: &HeaderName, value: &HeaderValue, side: Side) -> HeaderValue {
    let names_url = [LOCATION, CONTENT_LOCATION, LINK, REFRESH, REFERER].contains(name);
    // What the program has set is marked as sensitive, whatever its name.
    let is_own = side == Side::Request && value.is_sensitive();
    if is_tracing(name) {
        let mut value = value.clone();
        value.set_sensitive(false);
        return value;
    }
    if names_url || is_own || is_secret(name) {
        return HeaderValue::from_static(REDACTED);
    }
    value.clone()
}

fn shown_headers(headers: &HeaderMap, side: Side) -> HeaderMap {
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        all.append(name.clone(), shown(name, value, side));
    }
    all
}

fn shown_url(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    // Behind a user and a password, if there were any.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut url = format!("{scheme}://{host}{}", uri.path());
    push_query(&mut url, uri.query());
    url
}

/// The names of a query; what has none is left out.
pub(crate) fn push_query(url: &mut String, query: Option<&str>) {
    let pairs = query.unwrap_or_default().split('&');
    let names = pairs.filter_map(|pair| Some(pair.split_once('=')?.0));
    for (index, name) in names.enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(REDACTED);
    }
}
