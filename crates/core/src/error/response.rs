//! Reads what a server says in an error response: Django REST Framework's field maps and `detail`,
//! RFC 9457 problem details and their relatives, HTML pages, plain text and nothing at all.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::excerpt::{excerpt, plain};
use super::{Error, ErrorKind, FieldErrors, MAX_ERROR_BODY, NON_FIELD_ERRORS};
use crate::{retry::retry_after, value::without_mark};

const SHOWN: usize = 300;
const SHOWN_PAGE: usize = 120;
const REQUEST_ID_HEADERS: [&str; 4] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "x-amzn-requestid",
];
/// Keys under which servers put one sentence, in order of preference.
const DETAIL_KEYS: [&str; 6] = [
    "detail",
    "message",
    "error_description",
    "error",
    "title",
    "errors",
];
/// Further keys of a problem document that are not fields.
const META_KEYS: [&str; 5] = ["type", "status", "code", "instance", "status_code"];

#[doc(hidden)]
impl Error {
    /// The error that a response with an error status stands for.
    ///
    /// A redirect status gives [`ErrorKind::Redirect`]; 404 gives [`ErrorKind::NotFound`], which a
    /// caller that asked for one row turns into `DoesNotExist` by [`with_kind`](Self::with_kind).
    /// Of the body, at most [`MAX_ERROR_BODY`] bytes are kept.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use django_api_orm_core::error::Error;
    /// use http::{HeaderMap, StatusCode};
    ///
    /// let body = Bytes::from_static(br#"{"email": ["Enter a valid email address."]}"#);
    /// let error = Error::from_response(StatusCode::BAD_REQUEST, &HeaderMap::new(), &body);
    /// assert!(error.is_validation());
    /// assert_eq!(error.field_errors().get("email"), ["Enter a valid email address."]);
    /// assert_eq!(error.to_string(), "400 Bad Request: email: Enter a valid email address.");
    /// ```
    #[must_use]
    pub fn from_response(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let said = read(status, body);
        let kind = kind_of(status, !said.fields.is_empty());
        let message = match &said.detail {
            Some(detail) => plain(detail, SHOWN),
            None => said.excerpt,
        };
        let mut error = Self::new(kind, message);
        error.0.status = Some(status);
        error.0.fields = said.fields;
        error.0.detail = said.detail;
        error.0.request_id = request_id(headers);
        error.0.retry_after = retry_after(headers, SystemTime::now());
        error.0.body = Some(body.slice(..body.len().min(MAX_ERROR_BODY)));
        error
    }
}

/// What a body says.
#[derive(Default)]
struct Said {
    detail: Option<String>,
    fields: FieldErrors,
    excerpt: String,
}

fn read(status: StatusCode, body: &[u8]) -> Said {
    let mut said = Said::default();
    let body = body
        .get(..body.len().min(MAX_ERROR_BODY))
        .unwrap_or_default();
    match serde_json::from_slice::<Value>(without_mark(body)) {
        Ok(value) => read_json(status, &value, &mut said),
        Err(_) => said.excerpt = excerpt(&String::from_utf8_lossy(body), SHOWN_PAGE),
    }
    said
}

fn read_json(status: StatusCode, value: &Value, said: &mut Said) {
    match value {
        Value::String(text) => said.detail = Some(text.clone()),
        Value::Object(map) => {
            said.detail = DETAIL_KEYS
                .iter()
                .find_map(|key| map.get(*key).and_then(Value::as_str))
                .map(str::to_owned);
            let is_about_fields = status == StatusCode::BAD_REQUEST
                || status == StatusCode::UNPROCESSABLE_ENTITY
                || status == StatusCode::CONFLICT;
            for (key, value) in map {
                if is_meta(key, value) {
                    continue;
                }
                if is_problem_list(key, value) {
                    problems(value, &mut said.fields);
                } else if key == "errors" && value.is_object() {
                    collect("", value, &mut said.fields);
                } else if is_about_fields || is_messages(value) {
                    collect(key, value, &mut said.fields);
                }
            }
        }
        Value::Array(_) => collect("", value, &mut said.fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_meta(key: &str, value: &Value) -> bool {
    let is_scalar = !value.is_array() && !value.is_object();
    is_scalar && (DETAIL_KEYS.contains(&key) || META_KEYS.contains(&key))
}

/// A non-empty list of strings: messages, whatever the key is called.
fn is_messages(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
}

/// Adds the messages in `value`, which is at `path`.
fn collect(path: &str, value: &Value, fields: &mut FieldErrors) {
    match value {
        Value::String(text) => {
            fields.push(
                if path.is_empty() {
                    NON_FIELD_ERRORS
                } else {
                    path
                },
                text.as_str(),
            );
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                if item.is_string() {
                    collect(path, item, fields);
                } else {
                    collect(&join(path, &index.to_string()), item, fields);
                }
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                collect(&join(path, key), item, fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// A list of objects that each describe one problem (RFC 9457, JSON:API, `FastAPI`).
fn is_problem_list(key: &str, value: &Value) -> bool {
    matches!(
        key,
        "errors" | "detail" | "invalid-params" | "invalid_params"
    ) && value.as_array().is_some_and(|list| {
        list.iter().any(|item| {
            item.as_object()
                .is_some_and(|problem| problem_message(problem).is_some())
        })
    })
}

fn problems(value: &Value, fields: &mut FieldErrors) {
    for problem in value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
    {
        if let Some(message) = problem_message(problem) {
            fields.push(problem_path(problem), message);
        }
    }
}

fn problem_message(problem: &Map<String, Value>) -> Option<&str> {
    ["detail", "msg", "message", "reason", "title"]
        .iter()
        .find_map(|key| problem.get(*key).and_then(Value::as_str))
}

fn problem_path(problem: &Map<String, Value>) -> String {
    let pointer = problem
        .get("pointer")
        .or_else(|| {
            problem
                .get("source")
                .and_then(|source| source.get("pointer"))
        })
        .and_then(Value::as_str);
    if let Some(pointer) = pointer {
        let path = pointer.trim_start_matches('#').trim_start_matches('/');
        let path = ["data/attributes/", "data/relationships/"]
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix))
            .unwrap_or(path)
            .replace('/', ".");
        return if path.is_empty() || path == "data" {
            NON_FIELD_ERRORS.to_owned()
        } else {
            path
        };
    }
    if let Some(location) = problem.get("loc").and_then(Value::as_array) {
        let parts: Vec<String> = location
            .iter()
            .map(|part| {
                part.as_str()
                    .map_or_else(|| part.to_string(), str::to_owned)
            })
            .collect();
        let path = match parts.split_first() {
            Some((first, rest)) if first == "body" || first == "query" => rest.join("."),
            _ => parts.join("."),
        };
        return if path.is_empty() {
            NON_FIELD_ERRORS.to_owned()
        } else {
            path
        };
    }
    ["attr", "field", "name"]
        .iter()
        .find_map(|key| problem.get(*key).and_then(Value::as_str))
        .unwrap_or(NON_FIELD_ERRORS)
        .to_owned()
}

fn kind_of(status: StatusCode, has_messages: bool) -> ErrorKind {
    match status.as_u16() {
        400 | 422 if has_messages => ErrorKind::Validation,
        300..=399 => ErrorKind::Redirect,
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        412 => ErrorKind::PreconditionFailed,
        428 => ErrorKind::PreconditionRequired,
        429 => ErrorKind::Throttled,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Status,
    }
}

/// The server's name for a request.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .map(|value| plain(value, 128))
        .filter(|value| !value.is_empty())
}
