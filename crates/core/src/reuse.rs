//! Whether an idle connection may be used again: servers close theirs without asking, and a request that crosses the
//! closing is lost. No clock, no I/O: moments are durations since a start that the caller chooses.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest rest after which a connection carries a write that cannot be repeated. Application servers close idle
/// connections after 2 s (gunicorn) or 5 s (uvicorn, Node).
pub const RESTED: Duration = Duration::from_secs(1);
/// A connection that is closed so soon after its answer is closed because of it.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How long a closing is remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// What is known of how long one origin keeps idle connections.
///
/// ```
/// use django_api_orm_core::reuse::{RESTED, Reuse};
/// use std::time::Duration;
///
/// let reuse = Reuse::default();
/// let now = Duration::from_secs(5);
/// assert_eq!(reuse.longest_rest(now, true), None);
/// assert_eq!(reuse.longest_rest(now, false), Some(RESTED));
/// reuse.closed(now, Duration::from_millis(2)); // closed right after an answer
/// assert_eq!(reuse.longest_rest(now, false), Some(Duration::ZERO));
/// ```
#[derive(Debug, Default)]
pub struct Reuse(Mutex<Option<Closings>>);

#[derive(Debug, Clone, Copy)]
struct Closings {
    last: Duration,
    /// The shortest rest that ended in a closing.
    shortest: Duration,
    /// How many in a row came at once.
    at_once: u32,
}

impl Reuse {
    /// The origin has closed a connection that had rested this long, or did not answer on it any more.
    pub fn closed(&self, now: Duration, rest: Duration) {
        let mut closings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = closings.filter(|known| now.saturating_sub(known.last) < MEMORY);
        let before = known.map_or(0, |known| known.at_once);
        *closings = Some(Closings {
            last: now,
            shortest: known.map_or(rest, |known| known.shortest.min(rest)),
            at_once: if rest < AT_ONCE {
                before.saturating_add(1)
            } else {
                0
            },
        });
    }

    /// How long a connection may have rested to be used for a request, which may be `repeatable`; `None` if that
    /// does not matter.
    ///
    /// A request that can be sent again is only kept from connections of an origin that closes them after each answer: that
    /// takes two closings, since one may be a server that was restarted.
    #[must_use]
    pub fn longest_rest(&self, now: Duration, repeatable: bool) -> Option<Duration> {
        let closings = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = closings.filter(|known| now.saturating_sub(known.last) < MEMORY);
        match known {
            Some(known) if repeatable => (known.at_once >= 2).then_some(Duration::ZERO),
            None if repeatable => None,
            Some(known) if known.shortest < AT_ONCE => Some(Duration::ZERO),
            Some(known) => Some(RESTED.min(known.shortest / 2)),
            None => Some(RESTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn writes_keep_away_from_rested_connections_and_reads_from_origins_that_close_at_once() {
        let reuse = Reuse::default();
        let rests = |now| [true, false].map(|repeatable| reuse.longest_rest(now, repeatable));
        assert_eq!(rests(ms(0)), [None, Some(RESTED)]);
        reuse.closed(ms(10), ms(5000));
        assert_eq!(rests(ms(10)), [None, Some(RESTED)], "a usual idle timeout");
        reuse.closed(ms(20), ms(600));
        assert_eq!(rests(ms(20)), [None, Some(ms(300))], "a short one");
        reuse.closed(ms(30), ms(1));
        assert_eq!(rests(ms(30)), [None, Some(ms(0))], "once at once");
        reuse.closed(ms(40), ms(1));
        assert_eq!(rests(ms(40)), [Some(ms(0)), Some(ms(0))], "twice");
        reuse.closed(ms(50), ms(5000));
        assert_eq!(rests(ms(50)), [None, Some(ms(0))], "not each time");
    }

    #[test]
    fn closings_are_forgotten() {
        let reuse = Reuse::default();
        reuse.closed(ms(0), ms(1));
        reuse.closed(ms(0), ms(1));
        assert_eq!(reuse.longest_rest(ms(59_999), true), Some(ms(0)));
        assert_eq!(reuse.longest_rest(ms(60_000), true), None);
        assert_eq!(reuse.longest_rest(ms(60_000), false), Some(RESTED));
    }
}
