//! Opens connections: TCP, a proxy if there is one, TLS; within a time limit and a number of connections.

use std::fmt;
use std::future::Future;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tower::{Service, ServiceExt};

use super::idle::{Idleness, Usage};
use super::proxy::Proxy;
use super::rest::{Expected, Rest, Rests};
use super::stats::{Counters, OpenConnections};
use super::stream::Stream;
use super::tcp::Tcp;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, BoxError>> + Send>>;

/// One way to get a byte stream to the host of a URI. Ways are stacked: TLS over a tunnel over TCP.
#[derive(Clone)]
pub(super) struct Leg(Arc<dyn Fn(Uri) -> Connecting + Send + Sync>);

impl Leg {
    pub(super) fn new<F, Fut>(connect: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Stream, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move |uri| {
            let connecting = connect(uri);
            Box::pin(async move { connecting.await.map(TokioIo::new) })
        }))
    }

    /// Plain TCP.
    pub(super) fn tcp(timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The library shares this out among the addresses of the host.
        tcp.set_connect_timeout(Some(timeout));
        Self::new(move |uri| {
            let tcp = tcp.clone();
            async move {
                let tcp = tcp.oneshot(uri).await?.into_inner();
                let expected = Expected::default();
                Ok(Stream::new(Tcp::new(tcp, expected.clone())).expecting(expected))
            }
        })
    }

    /// A Unix socket, whatever the host.
    #[cfg(unix)]
    pub(super) fn unix(path: PathBuf) -> Self {
        let path = Arc::new(path);
        Self::new(move |_| {
            let path = Arc::clone(&path);
            async move { Ok(Stream::new(tokio::net::UnixStream::connect(&*path).await?)) }
        })
    }

    /// TLS over this leg where the scheme is `https`.
    fn secured(self, tls: ClientConfig, http2: Http2) -> Self {
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let https: HttpsConnector<Self> = match http2 {
            Http2::Never => builder.enable_http1().wrap_connector(self),
            Http2::Negotiated => builder.enable_http1().enable_http2().wrap_connector(self),
            Http2::Always => builder.enable_http2().wrap_connector(self),
        };
        Self::new(move |uri| {
            let https = https.clone();
            async move {
                let stream = https.oneshot(uri).await?;
                let connected = stream.connected();
                let is_http2 = connected.is_negotiated_h2();
                let expected = below(&stream).inner().expected().clone();
                Ok(Stream::new(TokioIo::new(stream))
                    .expecting(expected)
                    .http2(is_http2))
            }
        })
    }

    /// A tunnel through `proxy`.
    fn tunnelled(self, proxy: Proxy) -> Self {
        Self::new(move |uri| {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), self.clone());
            if let Some(authorization) = proxy.authorization() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            async move { Ok(tunnel.oneshot(uri).await?.into_inner()) }
        })
    }

    /// Through a SOCKS proxy, which carries the bytes to the host.
    fn through(socks: SocksV5<Self>) -> Self {
        Self::new(move |uri| {
            let socks = socks.clone();
            async move { Ok(socks.oneshot(with_port(uri)?).await?.into_inner()) }
        })
    }

    /// Straight to `proxy`, which is told the whole URL of every request.
    fn instead(self, proxy: Proxy) -> Self {
        Self::new(move |_| {
            let connecting = self.clone().oneshot(proxy.uri().clone());
            async move { Ok(connecting.await?.into_inner().proxied()) }
        })
    }

    /// The whole way to a server: over the proxy if there is one, with TLS where `tls` is given.
    fn route(
        self,
        settings: &ConnectorSettings,
        proxy: Option<Proxy>,
        tls: Option<ClientConfig>,
    ) -> Self {
        let Some(proxy) = proxy else {
            return match tls {
                Some(tls) => self.secured(tls, settings.http2),
                None => self,
            };
        };
        if let Some(socks) = proxy.socks(self.clone()) {
            let through = Self::through(socks);
            return match tls {
                Some(tls) if settings.is_https => through.secured(tls, settings.http2),
                _ => through,
            };
        }
        let to_proxy = match &tls {
            // The proxy itself may be reached over TLS; a tunnel is asked for in HTTP/1.1.
            Some(tls) => self.secured(tls.clone(), Http2::Never),
            None => self,
        };
        match tls {
            Some(tls) if settings.is_https => {
                to_proxy.tunnelled(proxy).secured(tls, settings.http2)
            }
            _ => to_proxy.instead(proxy),
        }
    }
}

/// The stream that TLS goes over, or that there is without it.
fn below(stream: &MaybeHttpsStream<TokioIo<Stream>>) -> &TokioIo<Stream> {
    match stream {
        MaybeHttpsStream::Http(stream) => stream,
        MaybeHttpsStream::Https(stream) => stream.inner().get_ref().0.inner(),
    }
}

/// The URI with the port that its scheme stands for.
fn with_port(uri: Uri) -> Result<Uri, BoxError> {
    if uri.port().is_some() || uri.scheme() != Some(&http::uri::Scheme::HTTP) {
        return Ok(uri);
    }
    let mut parts = uri.into_parts();
    if let Some(authority) = &parts.authority {
        parts.authority = Some(format!("{}:80", authority.host()).parse()?);
    }
    Ok(Uri::from_parts(parts)?)
}

impl Service<Uri> for Leg {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        (self.0)(uri)
    }
}

/// When HTTP/2 is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Http2 {
    /// HTTP/1.1 only.
    Never,
    /// If the server agrees in the TLS handshake.
    Negotiated,
    /// From the first byte.
    Always,
}

/// The connector of a pool.
#[derive(Clone)]
pub(super) struct Connector {
    leg: Leg,
    timeout: Duration,
    http2: Http2,
    places: Arc<Semaphore>,
    open: Arc<OpenConnections>,
    rests: Arc<Rests>,
    /// What is under way of the pool, where HTTP/2 may be spoken.
    usage: Option<Arc<Usage>>,
    counters: Arc<Counters>,
}

impl Connector {
    pub(super) fn new(
        transport: Leg,
        proxy: Option<Proxy>,
        tls: Option<ClientConfig>,
        settings: &ConnectorSettings,
        counters: Arc<Counters>,
    ) -> Self {
        let leg = transport.route(settings, proxy, tls);
        Self {
            leg,
            timeout: settings.timeout,
            http2: settings.http2,
            places: Arc::new(Semaphore::new(settings.max_connections)),
            open: Arc::default(),
            rests: Arc::default(),
            usage: usage(settings),
            counters,
        }
    }

    /// One for another pool, within the same limits.
    pub(super) fn again(&self) -> Self {
        Self {
            open: Arc::default(),
            usage: self.usage.as_ref().map(|usage| Arc::new(usage.again())),
            ..self.clone()
        }
    }

    pub(super) fn usage(&self) -> Option<&Arc<Usage>> {
        self.usage.as_ref()
    }

    pub(super) fn open(&self) -> &Arc<OpenConnections> {
        &self.open
    }

    /// The connections that may still be opened.
    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    pub(super) fn rests(&self) -> &Arc<Rests> {
        &self.rests
    }
}

/// What a [`Connector`] needs to know.
pub(super) struct ConnectorSettings {
    pub(super) is_https: bool,
    pub(super) timeout: Duration,
    pub(super) http2: Http2,
    pub(super) max_connections: usize,
    pub(super) idle_timeout: Duration,
}

fn usage(settings: &ConnectorSettings) -> Option<Arc<Usage>> {
    let may_be_shared = settings.http2 != Http2::Never;
    may_be_shared.then(|| Arc::new(Usage::new(settings.idle_timeout)))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let Self {
            leg,
            timeout,
            http2,
            places,
            open,
            rests,
            usage,
            counters,
        } = self.clone();
        Box::pin(async move {
            // No more requests are under way than there are places, so one that waits here will have a pooled
            // connection before long; the limit only clears away what nobody waits for any more.
            let place = tokio::time::timeout(timeout, places.acquire_owned())
                .await
                .map_err(|_| ConnectTimeout { limit: timeout })??;
            let stream = tokio::time::timeout(timeout, leg.oneshot(uri))
                .await
                .map_err(|_| ConnectTimeout { limit: timeout })??
                .into_inner();
            counters.connections.fetch_add(1, Ordering::Relaxed);
            let is_http2 = stream.is_http2() || http2 == Http2::Always;
            let stream = stream.tracked(open, is_http2, place);
            Ok(TokioIo::new(if is_http2 {
                stream.ending(usage.map(Idleness::shared))
            } else {
                let rest = Rest::of_new_connection(rests, stream.expected().clone());
                let idleness = usage.map(|usage| Idleness::own(rest.clone(), &usage));
                stream.resting(rest).ending(idleness)
            }))
        })
    }
}

/// No connection within the time allowed.
#[derive(Debug)]
pub(super) struct ConnectTimeout {
    pub(super) limit: Duration,
}

impl fmt::Display for ConnectTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no connection within {}",
            super::base_url::in_words(self.limit)
        )
    }
}

impl std::error::Error for ConnectTimeout {}
