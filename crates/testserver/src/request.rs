//! A request as the site sees it: read completely, the connection's facts beside it.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, StatusCode, Version};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::python_json;
use crate::query::Parameters;
use crate::reply::Reply;

/// What is known of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) client_port: u16,
    pub(crate) tls: bool,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Decoded.
    pub(crate) path: String,
    /// As it was sent; links repeat it.
    pub(crate) raw_path: String,
    pub(crate) query: String,
    pub(crate) parameters: Parameters,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) version: Version,
    pub(crate) connection: Connection,
    /// `http://host:port`, from the Host header, as Django's `build_absolute_uri` has it.
    pub(crate) origin: String,
}

impl Request {
    pub(crate) fn new(parts: &http::request::Parts, body: Bytes, connection: Connection) -> Self {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let header = parts
            .headers
            .get(HOST)
            .and_then(|value| value.to_str().ok());
        let host = header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
        let scheme = if connection.tls { "https" } else { "http" };
        Self {
            method: parts.method.clone(),
            path: percent_decode_str(parts.uri.path())
                .decode_utf8_lossy()
                .into_owned(),
            raw_path: parts.uri.path().to_owned(),
            parameters: Parameters::parse(&query),
            query,
            headers: parts.headers.clone(),
            body,
            version: parts.version,
            connection,
            origin: format!("{scheme}://{}", host.unwrap_or("localhost")),
        }
    }

    /// The URL of this request, with its query.
    pub(crate) fn absolute_url(&self) -> String {
        if self.query.is_empty() {
            format!("{}{}", self.origin, self.raw_path)
        } else {
            format!("{}{}?{}", self.origin, self.raw_path, self.query)
        }
    }

    /// DRF's content negotiation; there is only JSON to choose.
    pub(crate) fn negotiate(&self) -> Result<(), Reply> {
        if self
            .parameters
            .get("format")
            .is_some_and(|format| !format.is_empty() && format != "json")
        {
            return Err(Reply::not_found());
        }
        let Some(accept) = self
            .headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
        else {
            return Ok(());
        };
        let accepted = accept.split(',').any(|entry| {
            let media_type = entry.split(';').next().unwrap_or_default().trim();
            ["*/*", "application/*", "application/json"].contains(&media_type)
        });
        if accepted {
            return Ok(());
        }
        let message = "Could not satisfy the request Accept header.";
        Err(Reply::detail(StatusCode::NOT_ACCEPTABLE, message))
    }

    /// The token of `Authorization: Token ...`: none, or a refusal as DRF words it.
    pub(crate) fn token(&self) -> Result<Option<&str>, Reply> {
        let Some(header) = self.headers.get(AUTHORIZATION) else {
            return Ok(None);
        };
        let words = header.as_bytes().split(u8::is_ascii_whitespace);
        let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let message = match words.as_slice() {
            [scheme, rest @ ..] if scheme.eq_ignore_ascii_case(b"token") => match rest {
                [token] => match std::str::from_utf8(token) {
                    Ok(token) => return Ok(Some(token)),
                    Err(_) => "Token string should not contain invalid characters.",
                },
                [] => "No credentials provided.",
                _ => "Token string should not contain spaces.",
            },
            _ => return Ok(None),
        };
        Err(Reply::unauthorized(&format!(
            "Invalid token header. {message}"
        )))
    }

    /// `request.data`: the parsed body, an empty object when there is none.
    pub(crate) fn data(&self) -> Result<Value, Reply> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let content_type = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message = format!("Unsupported media type \"{content_type}\" in request.");
            return Err(Reply::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message));
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            let message = format!("JSON parse error - {}", python_json::error(&self.body));
            Reply::detail(StatusCode::BAD_REQUEST, &message)
        })
    }
}
