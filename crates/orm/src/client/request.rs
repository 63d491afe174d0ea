//! Requests that are written by hand: `client.get("/api/v1/users/").query([("page", "2")]).await`.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use django_api_orm_core::Result;
use django_api_orm_core::path::ApiPath;
use http::Method;
use serde::Serialize;

use super::{ApiResponse, Call, ServiceClient};

/// A request to be awaited. Nothing is sent before that.
#[must_use = "a request does nothing until it is awaited"]
#[derive(Debug)]
pub struct RequestBuilder {
    client: ServiceClient,
    /// The first mistake is reported when the request is awaited.
    call: Result<Call>,
}

impl RequestBuilder {
    pub(super) fn new(client: &ServiceClient, method: Method, path: &str) -> Self {
        let call = client.shared.base.split(path).and_then(|(path, query)| {
            let call = Call::new(method, ApiPath::parse(path)?);
            Ok(call.raw_query(query.unwrap_or_default()))
        });
        Self {
            client: client.clone(),
            call,
        }
    }

    fn map(self, change: impl FnOnce(Call) -> Result<Call>) -> Self {
        Self {
            client: self.client,
            call: self.call.and_then(change),
        }
    }

    /// Adds query parameters.
    pub fn query<N, V>(self, pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: ToString,
    {
        self.map(|call| {
            Ok(call.queries(
                pairs
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.to_string())),
            ))
        })
    }

    /// Sets a header of this request, in place of the client's default.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.map(|call| call.header(name, value))
    }

    /// Sets the JSON body.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|call| call.json(body))
    }

    /// Declares that the server recognises a repetition by this key, so that the request may be sent again whatever its
    /// method. It is sent in the header that the client declares for keys, else as `Idempotency-Key`.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.map(|call| call.idempotency_key(key))
    }

    /// The time for the whole call, retries included, in place of the client's.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|call| Ok(call.timeout(timeout)))
    }

    /// Sends the request; `.await` on the builder does the same.
    ///
    /// # Errors
    /// As [`ServiceClient::send`], and `InvalidRequest` for a mistake in what was given to the builder.
    pub async fn send(self) -> Result<ApiResponse> {
        self.client.send(self.call?).await
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<ApiResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<ApiResponse>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
