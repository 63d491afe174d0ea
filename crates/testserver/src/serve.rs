//! From bytes to the site and back: connections, HTTP/1.1 and HTTP/2, and the faults between.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue, SERVER};
use http::{Request as HttpRequest, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::faults::{Fault, Faults};
use crate::record::{Record, RecordedRequest};
use crate::reply::Reply;
use crate::request::{Connection, Request};
use crate::site::Site;

/// Django's `GZipMiddleware` leaves shorter answers as they are.
const SMALLEST_GZIP: u64 = 200;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) site: Site,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) connections: AtomicU64,
    /// Each change of the number closes all connections that are open.
    pub(crate) closing: watch::Sender<u64>,
}

/// Serves until the task is aborted.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    extra: Router,
) {
    let router = router(&shared, extra);
    loop {
        // An error here is a connection that went away again before it was accepted.
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let connection = Connection {
            number: shared.connections.fetch_add(1, Ordering::SeqCst) + 1,
            client_port: peer.port(),
            tls: tls.is_some(),
        };
        let (shared, router, tls) = (Arc::clone(&shared), router.clone(), tls.clone());
        tokio::spawn(async move {
            let mut closing = shared.closing.subscribe();
            tokio::select! {
                () = connect(stream, tls, shared, router, connection) => {}
                _ = closing.changed() => {}
            }
        });
    }
}

async fn connect(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    router: Router,
    connection: Connection,
) {
    // Small answers must not wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, shared, router, connection).await,
        // A failed handshake is the client's to report.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, shared, router, connection).await;
            }
        }
    }
}

/// One connection, until either side closes it or a fault cuts it.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
    router: Router,
    connection: Connection,
) {
    let cut = Arc::new(Notify::new());
    let service = service_fn(|request: HttpRequest<Incoming>| {
        let (shared, router, cut) = (Arc::clone(&shared), router.clone(), Arc::clone(&cut));
        async move {
            match respond(&shared, router, connection, request).await {
                Some(response) => Ok::<_, Infallible>(response),
                None => {
                    cut.notify_one();
                    std::future::pending().await
                }
            }
        }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        // Errors are the client's doing, who has seen them too.
        _ = server.serve_connection(TokioIo::new(stream), service) => {}
        () = cut.notified() => {}
    }
}

/// The answer to a request; none when the connection is to be closed.
async fn respond(
    shared: &Shared,
    router: Router,
    connection: Connection,
    request: HttpRequest<Incoming>,
) -> Option<Response> {
    let fault = shared.faults.take(request.method(), request.uri().path());
    let (mut parts, body) = request.into_parts();
    if let Some(Fault::CloseBeforeReading) = fault {
        shared
            .record
            .add(recorded(&parts, Bytes::new(), connection));
        return None;
    }
    let body = body.collect().await.ok()?.to_bytes();
    shared
        .record
        .add(recorded(&parts, body.clone(), connection));
    match &fault {
        Some(Fault::CloseAfterReading) => return None,
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Hold(gate)) => gate.pass().await,
        Some(Fault::Answer(status, headers, body)) => {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = *status;
            *response.headers_mut() = headers.clone();
            return Some(response);
        }
        _ => {}
    }
    if matches!(fault, Some(Fault::TruncateBody(_))) {
        // Its length is to be known, so that the missing part is missed.
        parts.headers.remove(ACCEPT_ENCODING);
    }
    parts.extensions.insert(connection);
    let Ok(response) = router
        .oneshot(HttpRequest::from_parts(parts, Body::from(body)))
        .await;
    match fault {
        Some(Fault::CloseAfterHandling) => None,
        Some(Fault::TruncateBody(bytes)) => truncated(response, bytes).await,
        _ => Some(response),
    }
}

async fn truncated(response: Response, bytes: usize) -> Option<Response> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let sent = body.slice(..bytes.min(body.len()));
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Ok(sent), Err(cut)]));
    Some(Response::from_parts(parts, body))
}

fn router(shared: &Arc<Shared>, extra: Router) -> Router {
    let site = Arc::clone(shared);
    let handle = move |request: axum::extract::Request| {
        let shared = Arc::clone(&site);
        async move { handle(&shared, request).await }
    };
    let gzip = CompressionLayer::new()
        .gzip(true)
        .compress_when(SizeAbove::new(SMALLEST_GZIP));
    extra.fallback(handle).layer(gzip)
}

async fn handle(shared: &Shared, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return response(Reply::broken());
    };
    let connection = parts.extensions.get::<Connection>().copied();
    let Some(connection) = connection else {
        return response(Reply::broken());
    };
    let request = Request::new(&parts, body.to_bytes(), connection);
    response(shared.site.answer(&request))
}

fn response(reply: Reply) -> Response {
    let empty = reply.body.is_empty();
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    let server = HeaderValue::from_static("django-api-orm-testserver");
    response.headers_mut().insert(SERVER, server);
    if empty && reply.status != StatusCode::NO_CONTENT {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

fn recorded(parts: &http::request::Parts, body: Bytes, connection: Connection) -> RecordedRequest {
    RecordedRequest {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body,
        http_version: if parts.version == Version::HTTP_2 {
            "2"
        } else {
            "1.1"
        },
        connection: connection.number,
    }
}
