//! What a client has cost so far.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts since the client was built; clients that share a pool share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Requests handed to a connection: every attempt, redirect and retry counts.
    pub requests: u64,
    /// Attempts made because an earlier one failed.
    pub retries: u64,
    /// Connections opened.
    pub connections: u64,
    /// Bytes of response bodies as they came, before decompression.
    pub bytes_received: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) bytes_received: AtomicU64,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Stats {
        Stats {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
        }
    }
}

/// The connections that are open now, of one pool.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    all: AtomicUsize,
    http2: AtomicUsize,
    changed: Notify,
}

impl OpenConnections {
    pub(super) fn opened(&self, is_http2: bool) {
        self.all.fetch_add(1, Ordering::SeqCst);
        if is_http2 {
            self.http2.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn closed(&self, is_http2: bool) {
        self.all.fetch_sub(1, Ordering::SeqCst);
        if is_http2 {
            self.http2.fetch_sub(1, Ordering::SeqCst);
        }
        self.changed.notify_waiters();
    }

    pub(super) fn all(&self) -> usize {
        self.all.load(Ordering::SeqCst)
    }

    pub(super) fn http2(&self) -> usize {
        self.http2.load(Ordering::SeqCst)
    }

    /// Waits until at most `few` connections are open.
    pub(super) async fn at_most(&self, few: impl Fn() -> usize) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Registered before the look, so that no change falls between the two.
            changed.as_mut().enable();
            if self.all() <= few() {
                return;
            }
            changed.await;
        }
    }
}
