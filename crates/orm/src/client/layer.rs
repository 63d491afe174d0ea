//! Layers between the client and its connections: what a user's tower middleware sees of each attempt, and what it may not do.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use django_api_orm_core::retry::AttemptClass;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};

use super::{
    ServiceClientBuilder, attempt::Counted, base_url::BaseUrl, connector::BoxError,
    failure::was_not_sent, pool::Pool, stats::Tally,
};

/// The body of a request, as a [layer](ServiceClientBuilder::layer) sees it: whole, so that it can be signed.
pub type RequestBody = Full<Bytes>;
/// The body of a response, as a [layer](ServiceClientBuilder::layer) sees it: as it comes, still compressed.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// What a [layer](ServiceClientBuilder::layer) wraps: sends a request over a connection of the client.
///
/// It sends only what the client gave to the layer, changed or not, and only to the client's origin.
#[derive(Clone)]
pub struct HttpService(BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, BoxError>);

impl HttpService {
    pub(super) fn connections() -> Self {
        Self(BoxCloneSyncService::new(Connections))
    }
}

impl Service<Request<RequestBody>> for HttpService {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.0.call(request)
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpService")
    }
}

/// A layer, without its types.
pub(super) type Wrap = dyn Fn(HttpService) -> HttpService + Send + Sync;

impl ServiceClientBuilder {
    /// Puts tower middleware between the client and its connections: for signatures, metrics, caches and tests.
    ///
    /// A layer sees every attempt, those of retries and redirects included: the request as it is sent, with URL, headers,
    /// credentials and body, and the response as it comes, still compressed. It may change both, or answer without sending
    /// anything. Of several layers the first sees the request first and the response last. Their time is part of the
    /// attempt's.
    ///
    /// Credentials stay with their origin: a request that a layer has moved to another one is refused and not sent. So is a
    /// request that a layer makes anew without the extensions of the one that it got, because the client could not tell
    /// whether it was sent.
    ///
    /// ```
    /// use django_api_orm::client::{HttpService, RequestBody, ServiceClient};
    /// use http::{HeaderValue, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = django_api_orm_testserver::TestServer::reference().await?;
    /// # let (base_url, token) = (server.base_url(), "test-token");
    /// // From tower; `tower-http` has many more.
    /// let sign = tower::util::MapRequestLayer::new(|mut request: Request<RequestBody>| {
    ///     let signature = format!("{} {}", request.method(), request.uri().path());
    ///     if let Ok(value) = HeaderValue::from_str(&signature) {
    ///         request.headers_mut().insert("x-signature", value);
    ///     }
    ///     request
    /// });
    /// let client = ServiceClient::builder(&base_url).auth_token(token).layer(sign).build()?;
    /// client.get("/api/v1/users/1/").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// What a layer fails with before the request is sent is an error of the kind `InvalidRequest` and not retried;
    /// afterwards it counts as a broken connection, which for a write leaves the outcome unknown. So does a failure after a
    /// layer has sent the request several times, unless the server refused it each time or cannot have seen it.
    pub fn layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service:
            Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<RequestBody>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<RequestBody>>>::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.layers.push(Arc::new(move |inner| {
            let service = layer
                .layer(inner)
                .map_response(|response: Response<B>| {
                    response.map(|body| body.map_err(Into::into).boxed_unsync())
                })
                .map_err(Into::into);
            HttpService(BoxCloneSyncService::new(service))
        }));
        self
    }
}

/// Travels with a request through the layers: over which connections it goes, and where it may go.
#[derive(Clone)]
pub(super) struct Way {
    /// Not held, so that a pool that is closed can see who still uses it.
    pub(super) pool: Weak<Pool>,
    pub(super) anew: bool,
    pub(super) base: BaseUrl,
    pub(super) tally: Tally,
    /// Held by the attempt, and by whoever is sending its request.
    pub(super) attempt: Weak<Sendings>,
}

/// How often layers have sent the request of one attempt.
#[derive(Debug, Default)]
pub(super) struct Sendings {
    all: AtomicU32,
    /// Those of which it is not certain that they came to nothing.
    open: AtomicU32,
}

impl Sendings {
    /// Whether a layer has sent the request several times, and how the last one ended does not tell what became of the others.
    pub(super) fn may_be_repeated(&self) -> bool {
        self.all.load(Relaxed) > 1 && self.open.load(Relaxed) > 0
    }

    fn begin(&self) {
        self.all.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
    }

    fn came_to_nothing(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

/// Whether an answer says that the server has not done what it was asked to.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && AttemptClass::of_status(status) != Some(AttemptClass::Ambiguous)
}

/// The innermost service: the connections themselves.
#[derive(Clone)]
struct Connections;

impl Service<Request<RequestBody>> for Connections {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let refuse = |why| -> Self::Future { Box::pin(async move { Err(Refused(why).into()) }) };
        let Some(way) = request.extensions().get::<Way>().cloned() else {
            return refuse(
                "a layer made a request of its own: it has to send the one that it was given, or keep its extensions",
            );
        };
        if !way.base.owns(request.uri()) {
            return refuse(
                "a layer moved the request to another origin; credentials are sent to no origin but that of `base_url`",
            );
        }
        let Some(pool) = way.pool.upgrade() else {
            return refuse(
                "a layer held a request back until its client had closed its connections",
            );
        };
        let Some(sending) = way.attempt.upgrade() else {
            return refuse(
                "a layer held a request back until its time was over; it may have been sent again since",
            );
        };
        sending.begin();
        let response = pool.client(way.anew).request(request);
        Box::pin(async move {
            let response = response.await;
            let came_to_nothing = match &response {
                Ok(response) => is_refusal(response.status()),
                Err(error) => was_not_sent(error),
            };
            if came_to_nothing {
                sending.came_to_nothing();
            }
            drop(sending);
            let (response, _) = Counted::count(response?, way.tally);
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

/// Why a request was not sent.
#[derive(Debug)]
pub(super) struct Refused(pub(super) &'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}
