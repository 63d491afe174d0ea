//! A successful response: status, headers and a body that was read whole.

use bytes::Bytes;
use django_api_orm_core::error::{ErrorKind, excerpt};
use django_api_orm_core::{Error, Result, path::ApiPath, value::without_mark};
use http::{HeaderMap, Method, StatusCode, Version};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

/// What the server answered. An answer with an error status is never a `Response`: it is an [`Error`].
#[derive(Clone)]
pub struct ApiResponse {
    pub(super) method: Method,
    pub(super) path: ApiPath,
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) attempts: u32,
}

impl ApiResponse {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The HTTP version that was spoken.
    #[must_use]
    pub fn http_version(&self) -> Version {
        self.version
    }

    /// The body, decompressed, with its byte order mark if it has one. Cloning it copies nothing.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, taken out of the response.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body
    }

    /// The body as JSON text.
    pub(crate) fn text(&self) -> Bytes {
        self.body.slice_ref(without_mark(&self.body))
    }

    /// The same answer with another body.
    pub(crate) fn with_text(self, text: String) -> Self {
        Self {
            body: text.into(),
            ..self
        }
    }

    /// How many times the request was sent to get this answer.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The body as JSON.
    ///
    /// An empty body (a 204) is read as `null`, which `()`, `Option<T>` and `serde_json::Value` accept.
    ///
    /// # Errors
    /// `Decode`, with the path of the value that does not fit, or with a short excerpt of a body that is
    /// not JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = if self.body.is_empty() {
            b"null".as_slice()
        } else {
            without_mark(&self.body)
        };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let error = match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => match reader.end() {
                Ok(()) => return Ok(value),
                Err(error) => self.unexpected("JSON").with_source(error),
            },
            Err(_) if self.body.is_empty() => self.unexpected("a JSON value"),
            Err(error) if error.inner().classify() == serde_json::error::Category::Data => {
                // The message of serde quotes at most one value; it is shortened all the same.
                let message = excerpt(&error.inner().to_string(), 200);
                let path = excerpt(&error.path().to_string(), 200);
                self.decode_error(format!(
                    "the response does not fit the type at `{path}`: {message}"
                ))
            }
            Err(error) => self.unexpected("JSON").with_source(error.into_inner()),
        };
        Err(error)
    }

    /// The body as the fields of a JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>> {
        serde_json::from_slice(without_mark(&self.body))
            .map_err(|error| self.unexpected("a JSON object").with_source(error))
    }

    /// Whether the answer can mean that a write was carried out: a success with JSON, whatever that says, or with no body.
    ///
    /// # Errors
    /// `Decode`, with the outcome unknown, for any other answer, such as a sign-in page: the program that should have
    /// answered may never have seen the request.
    pub(crate) fn confirm_write(&self) -> Result<()> {
        if self.status.is_success() && (self.says_nothing() || is_json(&self.body)) {
            return Ok(());
        }
        Err(self
            .unexpected("JSON or an empty body")
            .with_outcome_unknown(true)
            .with_context(
                "the server answered the write, but not as an API does, so it may not have been carried out: read the row \
                 before you write it again",
            ))
    }

    /// Whether the body adds nothing to the status: it is empty, or the status in words, as some frameworks put it there.
    fn says_nothing(&self) -> bool {
        let body = self.body.trim_ascii();
        body.is_empty()
            || self
                .status
                .canonical_reason()
                .is_some_and(|reason| body.eq_ignore_ascii_case(reason.as_bytes()))
    }

    /// The error that says what the body is, where `expected` should be.
    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        Error::unexpected(expected, self.status, &self.headers, &self.body)
            .with_request(&self.method, self.path.template())
            .with_attempts(self.attempts)
    }

    fn decode_error(&self, message: String) -> Error {
        Error::new(ErrorKind::Decode, message)
            .with_status(self.status)
            .with_request(&self.method, self.path.template())
            .with_attempts(self.attempts)
    }
}

/// Whether the text is JSON, however deep.
fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(without_mark(text))
        .is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

impl std::fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiResponse")
            .field("method", &self.method)
            .field("template", &self.path.template())
            .field("status", &self.status)
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
