//! Says what a body is that is not what was expected, and what is probably wrong: the base URL, a login page, a proxy.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};

use super::excerpt::{excerpt, looks_like_html};
use super::{Error, ErrorKind, MAX_ERROR_BODY};
use crate::value::without_mark;

/// How much is shown of a page's title or of plain text.
const SHOWN: usize = 120;

#[doc(hidden)]
impl Error {
    /// The body of a successful response is not `expected` (such as `a row`): the message says what it is instead.
    ///
    /// What looks like JSON is data, and is not quoted.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use django_api_orm_core::error::Error;
    /// use http::{HeaderMap, StatusCode};
    ///
    /// let page = Bytes::from_static(b"<!doctype html><title>Log in</title>");
    /// let error = Error::unexpected("a row", StatusCode::OK, &HeaderMap::new(), &page);
    /// assert!(error.to_string().starts_with(
    ///     "200 OK: a row was expected, but the response is an HTML page without a content type, titled \"Log in\""
    /// ));
    /// ```
    #[must_use]
    pub fn unexpected(
        expected: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Self {
        let found = describe(headers, body);
        let message = format!("{expected} was expected, but {found}");
        let mut error = Self::new(ErrorKind::Decode, message).with_status(status);
        error.0.body = Some(body.slice(..body.len().min(MAX_ERROR_BODY)));
        error
    }
}

fn describe(headers: &HeaderMap, body: &[u8]) -> String {
    if body.iter().all(u8::is_ascii_whitespace) {
        return "the response has no body".to_owned();
    }
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| excerpt(value, 60));
    let is_json = declared
        .as_deref()
        .is_some_and(|kind| kind.contains("json"));
    let problem = match serde_json::from_slice::<serde_json::Value>(without_mark(body)) {
        Ok(value) => return format!("the response is {}", shape(&value)),
        Err(problem) => problem,
    };
    let text = String::from_utf8_lossy(body.get(..16 * 1024).unwrap_or(body));
    if looks_like_html(&text) {
        return page(declared.as_deref(), &excerpt(&text, SHOWN));
    }
    if is_json || matches!(text.trim_start().chars().next(), Some('{' | '[')) {
        return broken(&problem);
    }
    let kind = declared.unwrap_or_else(|| "text without a content type".to_owned());
    format!(
        "the response is not JSON but {kind}: {:?}; check that `base_url` leads to the API, and that no proxy answers in \
         its place",
        excerpt(&text, SHOWN)
    )
}

fn shape(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "the JSON value null",
        serde_json::Value::Bool(_) => "a JSON boolean",
        serde_json::Value::Number(_) => "a JSON number",
        serde_json::Value::String(_) => "a JSON string",
        serde_json::Value::Array(_) => "a JSON list",
        serde_json::Value::Object(_) => "a JSON object of another form",
    }
}

fn broken(problem: &serde_json::Error) -> String {
    if problem.is_eof() {
        format!(
            "the response is JSON that breaks off ({problem}); it may have been cut off in transit"
        )
    } else {
        format!("the response is not valid JSON: {problem}")
    }
}

fn page(declared: Option<&str>, title: &str) -> String {
    let kind = match declared {
        Some(kind) if kind.contains("html") => format!("an HTML page ({kind})"),
        Some(kind) => format!("an HTML page, declared as {kind}"),
        None => "an HTML page without a content type".to_owned(),
    };
    let titled = if title.is_empty() {
        " without a title".to_owned()
    } else {
        format!(", titled {title:?}")
    };
    let lower = title.to_lowercase();
    let is_login = ["log in", "login", "sign in", "signin", "log on"]
        .iter()
        .any(|word| lower.contains(word));
    let cure = if is_login {
        "it looks like a login page: check that the credentials are sent and accepted, and that `base_url` leads to the \
         API and not to the website"
    } else {
        "`base_url` probably leads to a website and not to the API, or a login page or a proxy answers in its place"
    };
    format!("the response is {kind}{titled}; {cure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: Option<&'static str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        let error = Error::unexpected("a row", StatusCode::OK, &headers, &body);
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.body(), Some(&body));
        error.to_string()
    }

    #[test]
    fn a_page_is_named_by_its_title_with_what_is_probably_wrong() {
        let html = "text/html; charset=utf-8";
        let shown = said(Some(html), "<html><title>Welcome</title>csrf=s3cr3t</html>");
        assert_eq!(
            shown,
            "200 OK: a row was expected, but the response is an HTML page (text/html; charset=utf-8), titled \"Welcome\"; \
             `base_url` probably leads to a website and not to the API, or a login page or a proxy answers in its place"
        );
        let shown = said(Some(html), "<!doctype html><title>Log in | Site</title>");
        assert!(shown.contains("it looks like a login page"), "{shown}");
        let shown = said(Some("application/json"), "<html></html>");
        assert!(
            shown.contains("an HTML page, declared as application/json without a title"),
            "{shown}"
        );
    }

    #[test]
    fn json_is_described_and_never_quoted() {
        for (body, what) in [
            (
                r#"{"a": "s3cr3t""#,
                "JSON that breaks off (EOF while parsing",
            ),
            (r#"{"a": s3cr3t}"#, "not valid JSON: expected value"),
            (r#"["s3cr3t"]"#, "the response is a JSON list"),
            (r#""s3cr3t""#, "the response is a JSON string"),
            ("null", "the response is the JSON value null"),
            ("", "the response has no body"),
            (" \n", "the response has no body"),
        ] {
            let shown = said(Some("application/json"), body);
            assert!(shown.contains(what) && !shown.contains("s3cr3t"), "{shown}");
        }
        let shown = said(None, r#"{"a": "s3cr3t"#);
        assert!(
            shown.contains("breaks off") && !shown.contains("s3cr3t"),
            "{shown}"
        );
        let shown = said(Some("text/plain"), "upstream is gone");
        assert!(
            shown.contains("not JSON but text/plain: \"upstream is gone\"; check that `base_url`"),
            "{shown}"
        );
    }
}
