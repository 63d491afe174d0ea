//! When connections are idle for too long, where HTTP/2 may be spoken.
//!
//! The pool of the HTTP library closes a connection some time after it was last handed out. That is right for HTTP/1.1, where one that
//! is used is not in the pool. One of HTTP/2 stays there, so with answers that take longer than that time it would be closed to new requests
//! while it is busy, and each request of the next burst would open another one. So here the requests under way are counted, and
//! connections end by themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::rest::Rest;

/// The requests under way of a pool, and since when there are none.
#[derive(Debug)]
pub(super) struct Usage {
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    /// When the last request ended.
    since: Option<Instant>,
    /// Whether nothing was under way for too long: the connections end, and another pool takes the place of theirs.
    is_over: bool,
}

/// The shortest time, and for how long a connection that has carried nothing so far may take to be used.
const SHORTEST: Duration = Duration::from_millis(1);
const UNUSED: Duration = Duration::from_secs(1);

impl Usage {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            longest: longest.max(SHORTEST),
            state: Mutex::new(State {
                under_way: 0,
                since: None,
                is_over: false,
            }),
        }
    }

    /// That of another pool.
    pub(super) fn again(&self) -> Self {
        Self::new(self.longest)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long the connections may go on being idle; none is over for good.
    fn left(&self, state: &mut State) -> Duration {
        let idle = match state.since {
            Some(since) if state.under_way == 0 => since.elapsed(),
            _ => Duration::ZERO,
        };
        let left = self.longest.saturating_sub(idle);
        state.is_over |= left.is_zero();
        if state.is_over { Duration::ZERO } else { left }
    }

    /// A request that is under way until what this gives is dropped. Nothing if the connections are to end.
    pub(super) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        let mut state = self.state();
        if self.left(&mut state).is_zero() {
            return None;
        }
        state.under_way += 1;
        drop(state);
        Some(UnderWay(Arc::clone(self)))
    }
}

/// A request, from before it is handed to a connection until its answer has been read.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Usage>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.since = Some(Instant::now());
    }
}

/// Ends one connection when it has been idle for too long.
pub(super) struct Idleness {
    of: Of,
    made: Instant,
    longest: Duration,
    timer: Pin<Box<Sleep>>,
}

enum Of {
    /// One of HTTP/1.1, which carries a request at a time.
    Own(Rest),
    /// One that is shared.
    Shared(Arc<Usage>),
}

impl Idleness {
    pub(super) fn own(rest: Rest, usage: &Usage) -> Self {
        Self::new(Of::Own(rest), usage.longest)
    }

    pub(super) fn shared(usage: Arc<Usage>) -> Self {
        let longest = usage.longest;
        Self::new(Of::Shared(usage), longest)
    }

    fn new(of: Of, longest: Duration) -> Self {
        Self {
            of,
            made: Instant::now(),
            longest,
            timer: Box::pin(sleep(longest)),
        }
    }

    fn left(&self) -> Duration {
        match &self.of {
            Of::Own(rest) if rest.is_of_unused() => {
                let longest = self.longest.max(UNUSED);
                longest.saturating_sub(self.made.elapsed())
            }
            Of::Own(rest) => self.longest.saturating_sub(rest.lasted()),
            Of::Shared(usage) => usage.left(&mut usage.state()),
        }
    }

    /// Whether the connection ends; if not, its task is woken when that may have changed.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            let left = self.left();
            if left.is_zero() {
                return true;
            }
            // Until it fires it stays as it is: it fires too early at most.
            match self.timer.as_mut().poll(cx) {
                Poll::Pending => return false,
                Poll::Ready(()) => self.timer = Box::pin(sleep(left)),
            }
        }
    }
}
