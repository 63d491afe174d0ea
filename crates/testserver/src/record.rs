//! What came in, for tests to look at.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use serde_json::Value;

/// A request that the server received.
///
/// `Debug` shows no header, because one of them is the credential.
#[derive(Clone)]
pub struct RecordedRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) http_version: &'static str,
    pub(crate) connection: u64,
}

impl RecordedRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it was sent, without `?`; empty when there is none.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Path and query, as in a request line.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// The decoded value of a query parameter; of several, the last one.
    pub fn parameter(&self, name: &str) -> Option<String> {
        crate::query::Parameters::parse(&self.query)
            .get(name)
            .map(str::to_owned)
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of `Authorization`.
    pub fn authorization(&self) -> Option<&str> {
        self.header(AUTHORIZATION.as_str())
    }

    /// The body as it was sent.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `1.1` or `2`.
    pub fn http_version(&self) -> &'static str {
        self.http_version
    }

    /// The number of the connection that it came by: the first one is 1.
    pub fn connection(&self) -> u64 {
        self.connection
    }
}

impl std::fmt::Debug for RecordedRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.target())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Vec<RecordedRequest>>);

impl Record {
    pub(crate) fn add(&self, request: RecordedRequest) {
        self.lock().push(request);
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<RecordedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
