//! The rest of a connection between two exchanges: how long it has lasted, whether it may go on, and how it ended.
//!
//! The stream of an HTTP/1.1 connection says here what it sees, the body of a response when it is read to its end. A connection that
//! has rested for too long ends before the next request is written, so that the pool takes another one.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;
use std::{fmt, io};

use django_api_orm_core::reuse::Reuse;
use tokio::time::Instant;

/// The rests of all connections of a pool.
#[derive(Debug)]
pub(super) struct Rests {
    start: Instant,
    reuse: Reuse,
    /// Connections that have rested since this moment or longer are not used again.
    stale: AtomicU64,
    /// When the latest request was about to be sent.
    latest: AtomicU64,
}

impl Default for Rests {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            reuse: Reuse::default(),
            stale: AtomicU64::new(NEVER),
            latest: AtomicU64::new(NEVER),
        }
    }
}

/// A moment that has not come. Moments are microseconds since the start of the pool, plus one.
const NEVER: u64 = 0;

fn moment(since_start: Duration) -> u64 {
    u64::try_from(since_start.as_micros()).map_or(u64::MAX, |micros| micros.saturating_add(1))
}

fn between(from: u64, to: u64) -> Duration {
    Duration::from_micros(to.saturating_sub(from))
}

impl Rests {
    /// A request is about to be sent: connections that have rested for too long to carry it are not used again. Whether it
    /// needs a new one, however short the rest of the others is.
    pub(super) fn before_request(&self, now: Instant, repeatable: bool) -> bool {
        let now = now.saturating_duration_since(self.start);
        self.latest.store(moment(now), Relaxed);
        let Some(longest) = self.reuse.longest_rest(now, repeatable) else {
            return false;
        };
        if let Some(since) = now.checked_sub(longest) {
            self.stale.fetch_max(moment(since), Relaxed);
        }
        longest.is_zero()
    }

    fn now(&self) -> u64 {
        moment(self.start.elapsed())
    }

    fn closed(&self, now: u64, rest: Duration) {
        self.reuse.closed(Duration::from_micros(now), rest);
    }
}

/// The rest of one connection.
#[derive(Debug, Clone)]
pub(super) struct Rest(Arc<State>);

#[derive(Debug)]
struct State {
    rests: Arc<Rests>,
    since: AtomicU64,
    /// Exchanges that the stream has begun, and those whose answer has been read to its end. Both are counted, because the next
    /// request may be on the connection before the reader of the last answer gets round to saying that it has ended.
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whether a request was written and nothing has come since.
    is_asked: AtomicBool,
    /// How long the last rest lasted, plus one, until the first byte of the answer that ended it.
    last: AtomicU64,
    /// Whether the server has closed the connection.
    is_closed: AtomicBool,
    expected: Expected,
}

/// Whether a request may be about to be written to a connection: then its socket is looked at first.
#[derive(Debug, Clone)]
pub(super) struct Expected(Arc<AtomicBool>);

impl Default for Expected {
    /// It may be, as far as nobody says otherwise.
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Expected {
    pub(super) fn is_expected(&self) -> bool {
        self.0.load(Relaxed)
    }

    fn set(&self, is_expected: bool) {
        self.0.store(is_expected, Relaxed);
    }
}

/// The rest, as the pool keeps it with its connection. The pool copies it for a request before it hands that over to the
/// connection, and once more for the answer: so a copy says that a request may be about to be written.
#[derive(Debug)]
pub(super) struct Kept(Rest);

impl Clone for Kept {
    fn clone(&self) -> Self {
        note_copy();
        self.0.0.expected.set(true);
        Self(self.0.clone())
    }
}

/// What the pool keeps with a connection that has no rest, because requests share it.
#[derive(Debug)]
pub(super) struct Shared;

impl Clone for Shared {
    fn clone(&self) -> Self {
        note_copy();
        Self
    }
}

thread_local! {
    static COPIES: Cell<u64> = const { Cell::new(0) };
}

/// How many copies this thread has made of what a pool keeps with a connection.
pub(super) fn copies() -> u64 {
    COPIES.get()
}

fn note_copy() {
    COPIES.set(copies().wrapping_add(1));
}

impl Kept {
    pub(super) fn new(rest: &Rest) -> Self {
        Self(rest.clone())
    }

    /// That of an answer, after which nothing is written before the next request.
    pub(super) fn of_answer(self) -> Rest {
        self.0.0.expected.set(false);
        self.0
    }
}

impl Rest {
    pub(super) fn of_new_connection(rests: Arc<Rests>, expected: Expected) -> Self {
        Self(Arc::new(State {
            rests,
            since: AtomicU64::new(NEVER),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            is_asked: AtomicBool::new(false),
            last: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            expected,
        }))
    }

    /// An answer has been read to its end.
    pub(super) fn begin(&self) {
        let now = self.0.rests.now();
        if self.0.is_closed.load(Relaxed) {
            self.0.rests.closed(now, Duration::ZERO);
        }
        self.0.since.store(now, Relaxed);
        self.0.ended.fetch_add(1, Release);
    }

    /// Since when the connection has rested, if it does.
    fn since(&self) -> Option<u64> {
        let is_resting = self.0.ended.load(Acquire) == self.0.begun.load(Relaxed)
            && !self.0.is_asked.load(Relaxed);
        let since = self.0.since.load(Relaxed);
        (is_resting && since != NEVER).then_some(since)
    }

    /// For how long the connection has rested.
    pub(super) fn lasted(&self) -> Duration {
        let since = self.since();
        since.map_or(Duration::ZERO, |since| between(since, self.0.rests.now()))
    }

    /// Whether the connection has not carried anything yet.
    pub(super) fn is_of_unused(&self) -> bool {
        self.0.begun.load(Relaxed) == 0
    }

    /// Whether the connection rests, and has to end.
    pub(super) fn is_over(&self) -> bool {
        self.since()
            .is_some_and(|since| since <= self.0.rests.stale.load(Relaxed))
    }

    /// A part of a request is written.
    pub(super) fn write(&self) {
        if self.0.is_asked.load(Relaxed) {
            return;
        }
        if let Some(since) = self.since() {
            let rest = self.0.rests.latest.load(Relaxed).saturating_sub(since);
            self.0.last.store(rest.saturating_add(1), Relaxed);
        }
        self.0.is_asked.store(true, Relaxed);
        self.0.expected.set(false);
        self.0.begun.fetch_add(1, Relaxed);
    }

    /// Bytes have come.
    pub(super) fn answer(&self) {
        self.0.is_asked.store(false, Relaxed);
        self.0.last.store(0, Relaxed);
    }

    /// The server has closed the connection. Gives the failure of a request that was sent after a rest.
    pub(super) fn close(&self) -> Option<io::Error> {
        self.0.is_closed.store(true, Relaxed);
        let now = self.0.rests.now();
        if let Some(since) = self.since() {
            self.0.rests.closed(now, between(since, now));
            return None;
        }
        let last = self.0.last.swap(0, Relaxed);
        let rest = Duration::from_micros(last.checked_sub(1)?);
        self.0.rests.closed(now, rest);
        Some(io::Error::new(
            io::ErrorKind::ConnectionReset,
            ClosedAfterRest,
        ))
    }
}

/// The server closed a connection that had rested, at about the moment when it was used again.
#[derive(Debug)]
pub(super) struct ClosedAfterRest;

impl fmt::Display for ClosedAfterRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server closed an idle connection just as it was used again")
    }
}

impl std::error::Error for ClosedAfterRest {}
