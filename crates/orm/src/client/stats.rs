//! What a client has cost so far.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Counts since the client was built; clients that share a pool share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Requests handed to a connection, each counted at that moment: every attempt, redirect and retry, and pages that were
    /// read ahead and not needed after all.
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
    requests: AtomicU64,
    retries: AtomicU64,
    pub(super) connections: AtomicU64,
    bytes_received: AtomicU64,
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

/// Whether somebody waits for a call. Once nobody does, nothing of it is counted any more, although its task may run on for a
/// moment on another thread: what was counted when an operation ended stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interest(Option<Arc<Mutex<Waiting>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Yes,
    No,
}

impl Interest {
    /// Somebody waits, until [`end`](Self::end) says otherwise. The default is a call that whoever waits for it carries out, so
    /// that it is over when nobody does.
    pub(crate) fn new() -> Self {
        Self(Some(Arc::new(Mutex::new(Waiting::Yes))))
    }

    /// Nobody waits any more.
    pub(crate) fn end(&self) {
        if let Some(mut waiting) = self.waiting() {
            *waiting = Waiting::No;
        }
    }

    fn waiting(&self) -> Option<MutexGuard<'_, Waiting>> {
        let waiting = self.0.as_ref()?;
        Some(waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one call adds to the counts of its client.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    counters: Arc<Counters>,
    interest: Interest,
}

impl Tally {
    pub(super) fn new(counters: &Arc<Counters>, interest: &Interest) -> Self {
        Self {
            counters: Arc::clone(counters),
            interest: interest.clone(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.interest.waiting().as_deref() == Some(&Waiting::No)
    }

    pub(super) fn request(&self) {
        self.add(&self.counters.requests, 1);
    }

    pub(super) fn retry(&self) {
        self.add(&self.counters.retries, 1);
    }

    pub(super) fn bytes(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.add(&self.counters.bytes_received, bytes);
    }

    fn add(&self, counter: &AtomicU64, more: u64) {
        // Held while it is counted, so that no count comes after the end.
        let waiting = self.interest.waiting();
        if waiting.as_deref() != Some(&Waiting::No) {
            counter.fetch_add(more, Ordering::Relaxed);
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
