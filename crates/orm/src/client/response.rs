//! A successful response: status, headers and a body that was read whole.

use bytes::Bytes;
use django_api_orm_core::error::{ErrorKind, excerpt};
use django_api_orm_core::{Error, Result};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Version};
use serde::de::DeserializeOwned;

/// What the server answered. A status that is an error never gets here: it is an [`Error`].
#[derive(Clone)]
pub struct ApiResponse {
    pub(super) method: Method,
    pub(super) template: String,
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

    /// The body, decompressed. Cloning it copies nothing.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, taken out of the response.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body
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
            &self.body
        };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let error = match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => match reader.end() {
                Ok(()) => return Ok(value),
                Err(error) => self.not_json(error),
            },
            Err(_) if self.body.is_empty() => {
                self.decode_error("the response has no body, and a value was expected".to_owned())
            }
            Err(error) if error.inner().classify() == serde_json::error::Category::Data => {
                // The message of serde quotes at most one value; it is shortened all the same.
                let message = excerpt(&error.inner().to_string(), 200);
                let path = excerpt(&error.path().to_string(), 200);
                self.decode_error(format!("the response does not fit at `{path}`: {message}"))
            }
            Err(error) => self.not_json(error.into_inner()),
        };
        Err(error)
    }

    fn not_json(&self, error: serde_json::Error) -> Error {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| "no content type".to_owned(), |value| excerpt(value, 60));
        let is_json = kind.contains("json");
        let message = if is_json {
            // What looks like JSON is data, which is nobody's business here; the position is enough.
            format!("the response is not valid JSON: {error}")
        } else {
            let shown = excerpt(&String::from_utf8_lossy(&self.body), 120);
            format!("the response is not JSON but {kind}: {shown}")
        };
        self.decode_error(message).with_source(error)
    }

    fn decode_error(&self, message: String) -> Error {
        Error::new(ErrorKind::Decode, message)
            .with_status(self.status)
            .with_request(&self.method, self.template.clone())
            .with_attempts(self.attempts)
    }
}

impl std::fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiResponse")
            .field("method", &self.method)
            .field("template", &self.template)
            .field("status", &self.status)
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
