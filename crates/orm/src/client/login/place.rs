//! Where a login posts: a path below the base URL, or a URL, which may be of another server.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use django_api_orm_core::path::ApiPath;
use django_api_orm_core::{Error, Result};
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::super::response::ApiResponse;
use super::super::{Call, ServiceClient};
use super::Hears;

/// A URL of a login, and the client that reaches it. Redirects are followed on its own origin only.
pub(super) struct Place {
    client: ServiceClient,
    path: ApiPath,
    query: String,
    /// As it was given, but for a query.
    shown: String,
}

impl Place {
    /// `what` is how the caller knows the URL.
    pub(super) fn new(client: &ServiceClient, what: &str, url: &str) -> Result<Self> {
        let refuse = |why: &str| Error::configuration(format!("the {what} of the login {why}"));
        let url = url.trim();
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        if url.contains('#') || query.contains('#') {
            return Err(refuse("has a fragment; leave it out"));
        }
        let parse = |path: &str| {
            ApiPath::parse(path).map_err(|error| {
                refuse(&format!("is not usable: {}", error.message())).with_source(error)
            })
        };
        let query = query.to_owned();
        if !url.contains("://") {
            return Ok(Self {
                client: client.for_logins(None)?,
                path: parse(url)?,
                query,
                shown: url.to_owned(),
            });
        }
        let parsed = Url::parse(url).map_err(|_| refuse("is not a valid URL"))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(refuse("contains credentials; pass them separately"));
        }
        let path = parse(parsed.path())?;
        let origin = parsed.origin().ascii_serialization();
        if parsed.scheme() == "http" && client.shared.base.is_https() {
            return Err(refuse(
                "begins with http://, so that a secret would be sent in the clear: write https://",
            ));
        }
        Ok(Self {
            client: client.for_logins(Some(&origin))?,
            path,
            query,
            shown: url.to_owned(),
        })
    }

    /// Whether it is on the origin of the client itself.
    pub(super) fn is_of(&self, client: &ServiceClient) -> bool {
        self.client.shared.base.origin() == client.shared.base.origin()
    }

    pub(super) fn client(&self) -> &ServiceClient {
        &self.client
    }

    /// The path as it is sent.
    pub(super) fn path(&self) -> String {
        self.client.shared.base.below(self.path.path())
    }

    pub(super) fn get(&self) -> Call {
        Call::get(self.path.clone()).raw_query(self.query.clone())
    }

    fn post(&self, kind: &'static str, body: impl Into<Bytes>) -> Call {
        let mut call = Call::new(Method::POST, self.path.clone())
            .raw_query(self.query.clone())
            .json_bytes(body);
        call.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        call
    }

    /// A form, as HTML pages post it.
    pub(super) fn form(&self, fields: &[(&str, &str)]) -> Call {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.post("application/x-www-form-urlencoded", form)
    }

    /// A JSON object of texts.
    pub(super) fn json(&self, fields: &[(&str, &str)]) -> Call {
        let object: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        self.post("application/json", Value::from(object).to_string())
    }

    /// Sends a call that belongs here.
    pub(super) async fn send(&self, call: Call, hears: Hears<'_>) -> Result<ApiResponse> {
        match hears {
            None => self.client.send(call).await,
            Some(hooks) => self.client.with_hooks(Arc::clone(hooks)).send(call).await,
        }
    }

    /// Sends a call and reads the JSON object that answers it. No value of the answer gets into an error: it may be a token.
    pub(super) async fn ask(
        &self,
        call: Call,
        hears: Hears<'_>,
    ) -> Result<(ApiResponse, Map<String, Value>)> {
        let response = self.send(call, hears).await?;
        match response.object() {
            Ok(object) => Ok((response, object)),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What a page is asked for as.
pub(super) fn as_page(mut call: Call) -> Call {
    let html = HeaderValue::from_static("text/html");
    call.headers.insert(ACCEPT, html);
    call
}
