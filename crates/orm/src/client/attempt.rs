//! One attempt: a request is sent once, and its response read whole, within limits of time and size.

use std::borrow::Cow;
use std::future::{Future, poll_fn, ready};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use django_api_orm_core::error::MAX_ERROR_BODY;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_http::decompression::Decompression;

use super::base_url::BaseUrl;
use super::connector::BoxError;
use super::encoding;
use super::failure::Failure;
use super::layer::{HttpService, Sendings, Way};
use super::pool::Pool;
use super::rest::{self, Kept, Rest};
use super::stats::Tally;

/// What is sent.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// The client's own, unless the call or a credential adds to them.
    pub(super) headers: Cow<'a, HeaderMap>,
    pub(super) body: Bytes,
}

/// What came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The limits of an attempt.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The time for the attempt, and the moment at which that or the whole call's time is over.
    pub(super) time: Duration,
    pub(super) until: Instant,
    pub(super) size: usize,
    pub(super) compression: bool,
}

/// An attempt as it ended.
pub(super) struct Ended {
    pub(super) result: Result<Answer, Failure>,
    /// Whether the request was handed to a connection.
    pub(super) was_sent: bool,
    /// Whether a layer has sent the request before, so that the server may have seen it whatever the result is.
    pub(super) was_repeated: bool,
}

/// What an attempt goes through.
pub(super) struct Route<'a> {
    pub(super) pool: Arc<Pool>,
    /// The user's layers, if there are any.
    pub(super) layers: Option<HttpService>,
    pub(super) base: &'a BaseUrl,
    pub(super) tally: Tally,
    /// Whether it takes a new connection.
    pub(super) anew: bool,
}

/// Sends `outgoing` over a connection of the pool. `lead` is dropped as soon as there is a connection.
pub(super) async fn attempt(
    route: Route<'_>,
    outgoing: &Outgoing<'_>,
    limits: Limits,
    lead: Option<watch::Sender<()>>,
) -> Ended {
    let mut request = Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = outgoing.uri.clone();
    *request.headers_mut() = HeaderMap::clone(&outgoing.headers);
    // Only a layer can send a request several times, or keep it.
    let sendings: Option<Arc<Sendings>> = route.layers.as_ref().map(|_| Arc::default());
    let mut sent = Sent {
        handed: if sendings.is_none() && outgoing.method.is_safe() {
            *request.extensions_mut() = route.pool.noticing().clone();
            Handed::Noticed(false)
        } else {
            Handed::Captured(capture_connection(&mut request))
        },
        tally: &route.tally,
        is_counted: false,
        lead,
    };
    let result = {
        let exchange = pin!(exchange(&route, sendings.as_ref(), request, limits));
        let exchange = sent.watch(exchange);
        tokio::time::timeout_at(limits.until, exchange).await
    };
    let may_be_repeated = sendings.as_deref().is_some_and(Sendings::may_be_repeated);
    let was_repeated = sent.was_sent() && may_be_repeated;
    // Unless a task of a layer is sending the request just now, nobody can do so any more.
    let is_sending = sendings.is_some_and(|sendings| Arc::try_unwrap(sendings).is_err());
    let was_sent = sent.was_sent() | is_sending;
    let result = match result {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Unread::Request(error))) => Err(Failure::of_request(error, was_sent)),
        Ok(Err(Unread::Body(failure))) => Err(failure),
        Err(_) => Err(Failure::timeout(limits.time, was_sent)),
    };
    Ended {
        result,
        was_sent,
        was_repeated,
    }
}

/// How it is known that a request was handed to a connection.
enum Handed {
    /// From the library that hands it over.
    Captured(CaptureConnection),
    /// From the copy that the pool makes of the connection's rest, in the turn in which it hands the request over. That needs no
    /// channel, but holds only while this task sends the request itself; what must not be sent twice does not depend on it.
    Noticed(bool),
}

/// Sees when the request is handed to a connection: it counts from then on, however it ends.
struct Sent<'a> {
    handed: Handed,
    tally: &'a Tally,
    is_counted: bool,
    lead: Option<watch::Sender<()>>,
}

impl Sent<'_> {
    fn was_sent(&self) -> bool {
        match &self.handed {
            Handed::Captured(capture) => capture.connection_metadata().is_some(),
            Handed::Noticed(was_sent) => *was_sent,
        }
    }

    /// The exchange, looked at after every step: when it is dropped, nobody could count it any more.
    async fn watch<F: Future>(&mut self, mut exchange: Pin<&mut F>) -> F::Output {
        poll_fn(|cx| {
            if self.tally.is_over() {
                // Nobody waits: the task is about to be dropped, and sends nothing before that.
                return Poll::Pending;
            }
            let copies = rest::copies();
            let polled = exchange.as_mut().poll(cx);
            if let Handed::Noticed(was_sent) = &mut self.handed {
                *was_sent |= rest::copies() != copies;
            }
            if !self.is_counted && self.was_sent() {
                self.is_counted = true;
                self.tally.request();
                // The connection has been made.
                self.lead = None;
            }
            polled
        })
        .await
    }
}

/// Why there is no answer.
enum Unread {
    /// No head came.
    Request(BoxError),
    /// The body did not come whole.
    Body(Failure),
}

async fn exchange(
    route: &Route<'_>,
    sendings: Option<&Arc<Sendings>>,
    mut request: Request<Full<Bytes>>,
    limits: Limits,
) -> Result<Answer, Unread> {
    let is_head = request.method() == Method::HEAD;
    let Some((layers, sendings)) = route.layers.as_ref().zip(sendings) else {
        let response = route.pool.client(route.anew).request(request).await;
        let response = response.map_err(|error| Unread::Request(error.into()))?;
        let (mut response, is_encoded) = Counted::count(response, route.tally.clone());
        if limits.compression && is_encoded {
            return unpacked(response, is_head, limits).await;
        }
        return read(&mut response, is_head, limits.size)
            .await
            .map_err(Unread::Body);
    };
    request.extensions_mut().insert(Way {
        pool: Arc::downgrade(&route.pool),
        anew: route.anew,
        base: route.base.clone(),
        tally: route.tally.clone(),
        attempt: Arc::downgrade(sendings),
    });
    let layers = layers.clone();
    Box::pin(async move {
        let mut response = layers.oneshot(request).await.map_err(Unread::Request)?;
        let is_encoded = response.headers().contains_key(CONTENT_ENCODING);
        if limits.compression && is_encoded {
            return unpacked(response, is_head, limits).await;
        }
        read(&mut response, is_head, limits.size)
            .await
            .map_err(Unread::Body)
    })
    .await
}

/// Reads a response, decompressed. What decompresses is large, so it is made only where something is compressed, and on the heap.
fn unpacked<B>(
    response: Response<B>,
    is_head: bool,
    limits: Limits,
) -> Pin<Box<impl Future<Output = Result<Answer, Unread>>>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut response = Some(response);
    let come = service_fn(move |_: Request<()>| {
        ready(
            response
                .take()
                .ok_or(Unread::Request("there is one response".into())),
        )
    });
    let service = Decompression::new(come)
        .no_gzip()
        .no_deflate()
        .br(true)
        .zstd(true);
    Box::pin(async move {
        let response = service.oneshot(Request::new(())).await?;
        let mut response = encoding::gunzip(response).map(Box::pin);
        read(&mut response, is_head, limits.size)
            .await
            .map_err(Unread::Body)
    })
}

/// Reads a response where it is: what is moved from one future to the next is kept by each of them.
async fn read<B>(response: &mut Response<B>, is_head: bool, limit: usize) -> Result<Answer, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let status = response.status();
    let body = response.body_mut();
    let has_body =
        !is_head && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let body = if !has_body {
        Bytes::new()
    } else if status.is_success() {
        whole(body, limit)
            .await
            .map_err(|failure| failure.with_status(status))?
    } else {
        beginning(body, MAX_ERROR_BODY.min(limit)).await
    };
    Ok(Answer {
        status,
        version: response.version(),
        headers: mem::take(response.headers_mut()),
        body,
    })
}

/// The whole body, or an error as soon as it is larger than `limit`.
async fn whole<B>(body: &mut B, limit: usize) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Failure::too_large(limit));
    }
    let mut pieces = Pieces {
        expected: body.size_hint().exact().unwrap_or_default(),
        ..Pieces::default()
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::of_body(error.into()))?;
        if let Ok(data) = frame.into_data() {
            if pieces.len() + data.len() > limit {
                return Err(Failure::too_large(limit));
            }
            pieces.push(data);
        }
    }
    Ok(pieces.into_bytes())
}

/// The beginning of the body of an error. The status is the answer; what is missing of the body is no
/// failure of its own.
async fn beginning<B>(body: &mut B, limit: usize) -> Bytes
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut pieces = Pieces::default();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(mut data) = frame.into_data() {
            data.truncate(limit - pieces.len());
            pieces.push(data);
            if pieces.len() >= limit {
                break;
            }
        }
    }
    pieces.into_bytes()
}

/// Collects a body; one that came in one piece is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: BytesMut,
    /// The length of the whole body, where the server has said it.
    expected: u64,
}

/// The most memory that is taken for a body because the server has announced it.
const ANNOUNCED: u64 = 8 * 1024 * 1024;

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            let expected = self.expected.min(ANNOUNCED);
            self.all
                .reserve(usize::try_from(expected).unwrap_or_default());
            self.all.extend_from_slice(&mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// A body that is counted as it comes.
pub(super) struct Counted {
    body: Incoming,
    tally: Tally,
    /// That of the connection, which begins with the end of the body.
    rest: Option<Rest>,
}

impl Counted {
    /// The response as it comes from a connection, and whether it is compressed.
    pub(super) fn count(mut response: Response<Incoming>, tally: Tally) -> (Response<Self>, bool) {
        let is_encoded = encoding::rename(response.headers_mut());
        let kept = response.extensions_mut().remove::<Kept>();
        let mut rest = kept.map(Kept::of_answer);
        let response = response.map(|body| {
            if body.is_end_stream()
                && let Some(rest) = rest.take()
            {
                rest.begin();
            }
            Self { body, tally, rest }
        });
        (response, is_encoded)
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.tally.bytes(data.len());
        }
        if (matches!(polled, Poll::Ready(None)) || self.body.is_end_stream())
            && let Some(rest) = self.rest.take()
        {
            rest.begin();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
