use super::*;
use http::{HeaderMap, HeaderValue};

fn response(status: u16, body: &str) -> Error {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Error::from_response(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        &body,
    )
}

fn fields(error: &Error) -> Vec<(String, Vec<String>)> {
    error
        .field_errors()
        .iter()
        .map(|(path, messages)| (path.to_owned(), messages.to_vec()))
        .collect()
}

fn one(path: &str, message: &str) -> (String, Vec<String>) {
    (path.to_owned(), vec![message.to_owned()])
}

#[test]
fn a_field_map_is_addressed_by_path() {
    let error = response(
        400,
        r#"{"email": ["Bad.", "Taken."], "address": {"state": ["Too long."]},
            "tags": {"1": ["Not a string."]}, "items": [{}, {"name": ["Required."]}],
            "non_field_errors": ["No."], "__all__": ["Neither."]}"#,
    );
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(error.field_errors().get("email"), ["Bad.", "Taken."]);
    assert_eq!(error.field_errors().get("address.state"), ["Too long."]);
    assert_eq!(error.field_errors().get("tags.1"), ["Not a string."]);
    assert_eq!(error.field_errors().get("items.1.name"), ["Required."]);
    assert_eq!(error.field_errors().get("non_field_errors"), ["No."]);
    assert_eq!(error.field_errors().get("__all__"), ["Neither."]);
    assert_eq!(error.field_errors().len(), 6);
    let shown = error.to_string();
    assert!(shown.starts_with("400 Bad Request: "), "{shown}");
    for part in ["email: Bad. Taken.", "address.state: Too long.", "; "] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn lists_are_errors_too() {
    assert_eq!(
        fields(&response(400, r#"["No."]"#)),
        [one("non_field_errors", "No.")]
    );
    assert_eq!(
        fields(&response(400, r#"[{}, {"name": ["Required."]}]"#)),
        [one("1.name", "Required.")]
    );
    assert_eq!(
        fields(&response(400, r#"{"email": "Taken."}"#)),
        [one("email", "Taken.")]
    );
}

#[test]
fn problem_documents_are_understood() {
    let drf_standardized = r#"{"type": "validation_error", "errors":
        [{"code": "required", "detail": "Required.", "attr": "address.city"},
         {"code": "invalid", "detail": "No.", "attr": null}]}"#;
    assert_eq!(
        fields(&response(400, drf_standardized)),
        [
            one("address.city", "Required."),
            one("non_field_errors", "No.")
        ]
    );
    let rfc9457 = r##"{"type": "https://x.example/e", "title": "Invalid.", "status": 422,
        "errors": [{"detail": "Must be positive.", "pointer": "#/items/0/age"}]}"##;
    let error = response(422, rfc9457);
    assert_eq!(fields(&error), [one("items.0.age", "Must be positive.")]);
    assert_eq!(error.detail(), Some("Invalid."));
    assert!(error.is_validation());
    let json_api =
        r#"{"errors": [{"detail": "Blank.", "source": {"pointer": "/data/attributes/title"}}]}"#;
    assert_eq!(fields(&response(400, json_api)), [one("title", "Blank.")]);
    let fast_api =
        r#"{"detail": [{"loc": ["body", "items", 0, "age"], "msg": "Too young.", "type": "x"}]}"#;
    assert_eq!(
        fields(&response(422, fast_api)),
        [one("items.0.age", "Too young.")]
    );
    let rfc7807 = r#"{"title": "T", "invalid-params": [{"name": "age", "reason": "Too young."}]}"#;
    assert_eq!(fields(&response(400, rfc7807)), [one("age", "Too young.")]);
    let nested = r#"{"title": "T", "errors": {"Name": ["Required."]}}"#;
    assert_eq!(fields(&response(400, nested)), [one("Name", "Required.")]);
}

#[test]
fn every_status_has_its_kind() {
    let detail = r#"{"detail": "Because."}"#;
    for (status, kind) in [
        (301, ErrorKind::Redirect),
        (400, ErrorKind::Status),
        (401, ErrorKind::Authentication),
        (403, ErrorKind::Permission),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Status),
        (409, ErrorKind::Conflict),
        (412, ErrorKind::PreconditionFailed),
        (428, ErrorKind::PreconditionRequired),
        (422, ErrorKind::Status),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Server),
        (501, ErrorKind::Server),
        (503, ErrorKind::Server),
    ] {
        let error = response(status, detail);
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.detail(), Some("Because."));
        assert_eq!(error.message(), "Because.");
        assert!(error.field_errors().is_empty());
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    }
    let retryable: Vec<u16> = (400..600)
        .filter(|code| response(*code, "").is_retryable())
        .collect();
    assert_eq!(
        retryable,
        [408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 598, 599]
    );
}

#[test]
fn pages_are_not_quoted() {
    let page = "<!DOCTYPE html>\n<html><head><title>ValueError at /api/ &lt;b&gt;</title>\
                <script>var secret = 's3cr3t';</script></head><body>SECRET_KEY = 's3cr3t'</body></html>";
    let error = response(500, page);
    assert_eq!(
        error.to_string(),
        "500 Internal Server Error: ValueError at /api/ ‹b›"
    );
    assert!(!format!("{error:?}").contains("s3cr3t"));
    assert_eq!(error.body().unwrap(), page.as_bytes());
    assert_eq!(error.json(), None);
    assert_eq!(
        response(502, "<html><body><p>x</p></body></html>").to_string(),
        "502 Bad Gateway"
    );
    assert_eq!(response(500, "").to_string(), "500 Internal Server Error");
    assert_eq!(
        response(503, "busy\r\n\r\n\u{1b}[2J").to_string(),
        "503 Service Unavailable: busy [2J"
    );
    let long = response(500, &"word ".repeat(1000)).to_string();
    assert!(long.chars().count() < 160 && long.ends_with('…'), "{long}");
}

#[test]
fn json_without_a_message_is_not_quoted() {
    let error = response(500, r#"{"token": "s3cr3t", "trace": {"a": ["s3cr3t", 1]}}"#);
    assert_eq!(error.to_string(), "500 Internal Server Error");
    assert!(!format!("{error:?}").contains("s3cr3t"));
    assert_eq!(error.json().unwrap()["token"], "s3cr3t");
}

#[test]
fn messages_cannot_flood_or_forge_a_log() {
    let forged = response(400, r#"{"detail": "a\nERROR b\u001b[31m\u202e"}"#).to_string();
    assert_eq!(forged, "400 Bad Request: a ERROR b[31m");
    let many: serde_json::Map<_, _> = (0..5000)
        .map(|n| (format!("f{n}"), serde_json::json!(["x".repeat(100)])))
        .collect();
    let error = response(400, &serde_json::Value::Object(many).to_string());
    assert_eq!(error.field_errors().len(), 1000);
    let shown = error.to_string();
    assert!(
        shown.len() < 2000 && shown.ends_with("; and 990 more"),
        "{shown}"
    );
    let huge = response(400, &format!("[{}1", "[".repeat(100_000)));
    assert!(huge.field_errors().is_empty());
    let big = Bytes::from(vec![b' '; 3 * MAX_ERROR_BODY]);
    let error = Error::from_response(StatusCode::BAD_REQUEST, &HeaderMap::new(), &big);
    assert_eq!(error.body().unwrap().len(), MAX_ERROR_BODY);
}

#[test]
fn headers_are_read() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("12"));
    headers.insert("x-request-id", HeaderValue::from_static("abc-1"));
    let error = Error::from_response(StatusCode::TOO_MANY_REQUESTS, &headers, &Bytes::new());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(12)));
    assert_eq!(error.request_id(), Some("abc-1"));
    assert!(error.is_throttled());
}

#[test]
fn an_unknown_outcome_shows_its_cause() {
    let cause = Error::new(ErrorKind::Timeout, "no answer within 30 s")
        .with_request(&Method::POST, "/api/v1/users/");
    let error = Error::outcome_unknown(cause);
    assert!(error.is_outcome_unknown() && error.is_timeout());
    assert!(!error.is_connect() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "POST /api/v1/users/: the server may have carried the request out, so it was not sent again"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "POST /api/v1/users/: no answer within 30 s"
    );
    let server = response(503, "").with_outcome_unknown(true);
    assert!(server.is_server() && server.is_outcome_unknown() && !server.is_retryable());
}

#[test]
fn context_reads_from_the_outside_in() {
    let error = response(400, r#"{"name": ["Required."]}"#)
        .with_request(&Method::PATCH, "/users/{id}/")
        .with_context("item 3")
        .with_context("bulk_create");
    assert_eq!(
        error.to_string(),
        "bulk_create: item 3: PATCH /users/{id}/: 400 Bad Request: name: Required."
    );
}

#[test]
fn every_kind_has_a_code_of_its_own_and_says_what_it_means() {
    let mut codes = std::collections::HashSet::new();
    for kind in ErrorKind::ALL {
        let code = kind.code();
        assert!(codes.insert(code), "{code} is given twice");
        // The code is the name in another spelling, so that nobody has to learn two.
        let mut spelt = String::new();
        for character in format!("{kind:?}").chars() {
            if character.is_ascii_uppercase() && !spelt.is_empty() {
                spelt.push('_');
            }
            spelt.push(character.to_ascii_lowercase());
        }
        assert_eq!(code, spelt);
        assert!(
            kind.description().trim().ends_with('.'),
            "{code} is not described"
        );
        assert_eq!(Error::new(*kind, "x").kind(), *kind);
    }
}
