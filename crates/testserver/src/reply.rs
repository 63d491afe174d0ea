//! An answer, and the answers that DRF and Django give to what they refuse.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::wire::Wire;

/// A status, headers and a body.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// What a view answers; an `Err` is an answer as well, the one that ends the work early.
pub type Answer = Result<Reply, Reply>;

impl Reply {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// A JSON body under a status.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => Self::text(
                status,
                "application/json",
                // As DRF does, so that the text is valid JavaScript too.
                text.replace('\u{2028}', "\\u2028")
                    .replace('\u{2029}', "\\u2029"),
            ),
            Err(_) => Self::broken(),
        }
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Any body under a content type.
    pub fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body: body.into(),
        }
    }

    /// `{"detail": message}`, the form of every refusal but a validation error.
    pub fn detail(status: StatusCode, message: &str) -> Self {
        Self::json(
            status,
            &Wire::Map(vec![("detail".to_owned(), Wire::from(message))]),
        )
    }

    /// The same answer with one more header; a value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::detail(StatusCode::UNAUTHORIZED, message).header(WWW_AUTHENTICATE, "Token")
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }

    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        let message = format!("Method \"{method}\" not allowed.");
        Self::detail(StatusCode::METHOD_NOT_ALLOWED, &message)
    }

    pub(crate) fn throttled(seconds: u64) -> Self {
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let message = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self::detail(StatusCode::TOO_MANY_REQUESTS, &message)
            .header(RETRY_AFTER, &seconds.to_string())
    }

    pub(crate) fn allow(self, methods: &[Method]) -> Self {
        let names = methods
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        self.header(ALLOW, &names)
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::html(StatusCode::MOVED_PERMANENTLY, "").header(LOCATION, location)
    }

    /// Django's page for a URL that is not there.
    pub(crate) fn no_such_page() -> Self {
        let body = error_page(
            "Not Found",
            "The requested resource was not found on this server.",
        );
        Self::html(StatusCode::NOT_FOUND, &body)
    }

    /// Django's page for a view that fails: HTML, whatever was asked for.
    pub fn broken() -> Self {
        Self::html(
            StatusCode::INTERNAL_SERVER_ERROR,
            &error_page("Server Error (500)", ""),
        )
    }

    fn html(status: StatusCode, body: &str) -> Self {
        Self::text(status, "text/html; charset=utf-8", body.to_owned())
    }
}

fn error_page(title: &str, text: &str) -> String {
    format!(
        "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n\
         <body>\n  <h1>{title}</h1><p>{text}</p>\n</body>\n</html>\n"
    )
}
