//! The pool of connections of one client, and the turn-taking that keeps a burst of first requests on one
//! HTTP/2 connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{Semaphore, watch};

use super::connector::{Connector, Http2};
use super::idle::UnderWay;
use super::rest::Rests;
use super::stats::OpenConnections;

/// How long an HTTP/2 connection with requests under way may be silent before it is probed, and how long
/// the probe may take. Without it a server that vanished would swallow every further request.
const PROBE_AFTER: Duration = Duration::from_secs(20);
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of connections; replaced as a whole when the client is closed.
pub(super) struct Pool {
    client: legacy::Client<Connector, Full<Bytes>>,
    /// Opens a connection for each request, and keeps none.
    single: legacy::Client<Connector, Full<Bytes>>,
    places: Arc<Semaphore>,
    open: Arc<OpenConnections>,
    rests: Arc<Rests>,
    settings: PoolSettings,
    connector: Connector,
    noticing: Extensions,
    opening: Mutex<Option<watch::Receiver<()>>>,
}

#[derive(Clone, Copy)]
pub(super) struct PoolSettings {
    pub(super) http2: Http2,
    pub(super) max_idle: usize,
    pub(super) idle_timeout: Duration,
}

impl Pool {
    pub(super) fn new(connector: Connector, settings: PoolSettings) -> Self {
        let open = Arc::clone(connector.open());
        let rests = Arc::clone(connector.rests());
        let places = Arc::clone(connector.places());
        let single = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(0)
            .http2_only(settings.http2 == Http2::Always)
            .build(connector.clone());
        // Where connections may be shared they end by themselves.
        let idle_timeout = connector.usage().is_none().then_some(settings.idle_timeout);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(settings.max_idle)
            .pool_idle_timeout(idle_timeout)
            .http2_only(settings.http2 == Http2::Always)
            .http2_keep_alive_interval(PROBE_AFTER)
            .http2_keep_alive_timeout(PROBE_TIMEOUT)
            .build(connector.clone());
        Self {
            client,
            single,
            places,
            open,
            rests,
            noticing: noticing(),
            settings,
            connector,
            opening: Mutex::new(None),
        }
    }

    /// Another pool, to take the place of this one.
    pub(super) fn again(&self) -> Self {
        Self::new(self.connector.again(), self.settings)
    }

    /// Begins a request.
    pub(super) fn begin(&self) -> Begun {
        match self.connector.usage() {
            None => Begun::Free,
            Some(usage) => usage.begin().map_or(Begun::Over, Begun::Counted),
        }
    }

    /// What sends a request: over a connection that was used before, or over a new one. There is no new one for HTTP/2,
    /// whose connections are shared, nor where as many are open as may be.
    pub(super) fn client(&self, anew: bool) -> &legacy::Client<Connector, Full<Bytes>> {
        if anew && self.open.http2() == 0 && self.places.available_permits() > 0 {
            &self.single
        } else {
            &self.client
        }
    }

    pub(super) fn rests(&self) -> &Rests {
        &self.rests
    }

    /// What makes the pool copy the rest of the connection that it hands a request to.
    pub(super) fn noticing(&self) -> &Extensions {
        &self.noticing
    }

    pub(super) fn open(&self) -> &Arc<OpenConnections> {
        &self.open
    }

    /// Who may open the first connection. While it is opened the others wait, because they can
    /// share it if HTTP/2 comes of it.
    pub(super) fn turn(&self) -> Turn {
        // Elsewhere it is known before the first handshake what will be spoken.
        if self.settings.http2 != Http2::Negotiated {
            return Turn::Free;
        }
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = opening.as_ref()
            && done.has_changed().is_ok()
        {
            return Turn::Wait(done.clone());
        }
        if self.open.all() > 0 {
            return Turn::Free;
        }
        let (lead, done) = watch::channel(());
        *opening = Some(done);
        Turn::Lead(lead)
    }
}

/// What a request carries so that it notices its hand-over: nobody listens at the other end, where the copy would arrive.
fn noticing() -> Extensions {
    let mut request = Request::new(());
    capture_connection(&mut request);
    request.into_parts().0.extensions
}

/// How a request begins.
pub(super) enum Begun {
    /// It is not counted.
    Free,
    Counted(UnderWay),
    /// Not at all: the connections of the pool have been idle for too long.
    Over,
}

/// What a request does before it is sent.
pub(super) enum Turn {
    /// Nothing.
    Free,
    /// It opens the connection; dropping the sender lets the others go on.
    Lead(watch::Sender<()>),
    /// It waits until the sender is dropped.
    Wait(watch::Receiver<()>),
}
