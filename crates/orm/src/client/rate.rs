//! The limit that a client keeps by itself: so many requests in so much time. A request that would be one too many waits for its
//! turn, or fails at once where that comes too late for its call.

use std::{
    collections::VecDeque,
    fmt,
    pin::pin,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use django_api_orm_core::{Error, ErrorKind, Result};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::base_url::in_words;

/// How many requests a client sends in a time at most; see [`rate_limit`](super::ServiceClientBuilder::rate_limit).
///
/// It is written as Django REST Framework writes the rates of its throttles, several with commas between:
///
/// ```
/// use django_api_orm::client::RateLimit;
///
/// let limit: RateLimit = "10/second, 1000/day".parse()?;
/// assert_eq!(limit, RateLimit::per_second(10).and(RateLimit::per_day(1000)));
/// # Ok::<(), django_api_orm::client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit(Vec<Rate>);

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    requests: u32,
    time: Duration,
}

/// The periods that have a name, with the other spellings of it.
const PERIODS: [(u64, &[&str]); 4] = [
    (1, &["second", "sec", "s"]),
    (60, &["minute", "min", "m"]),
    (60 * 60, &["hour", "h"]),
    (24 * 60 * 60, &["day", "d"]),
];
/// No call lives that long.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl RateLimit {
    /// So many requests in any stretch of time that is as long as this.
    #[must_use]
    pub fn new(requests: u32, time: Duration) -> Self {
        Self(vec![Rate { requests, time }])
    }

    /// So many requests a second.
    #[must_use]
    pub fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// So many requests a minute.
    #[must_use]
    pub fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// So many requests an hour.
    #[must_use]
    pub fn per_hour(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60 * 60))
    }

    /// So many requests a day.
    #[must_use]
    pub fn per_day(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(24 * 60 * 60))
    }

    /// This limit and another one: each of them holds.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Refuses a limit that lets nothing through, or everything.
    pub(super) fn check(&self) -> Result<()> {
        if self
            .0
            .iter()
            .any(|rate| rate.requests == 0 || rate.time.is_zero())
        {
            return Err(Error::configuration(
                "`rate_limit` must allow at least one request in some time",
            ));
        }
        Ok(())
    }

    /// The longest time that one of the limits looks back.
    fn memory(&self) -> Duration {
        self.0
            .iter()
            .map(|rate| rate.time)
            .max()
            .unwrap_or_default()
    }
}

impl FromStr for RateLimit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = |rate: &str| {
            let (requests, period) = rate.split_once('/')?;
            let period = period.trim();
            let (seconds, _) = PERIODS.iter().find(|(_, names)| names.contains(&period))?;
            Some(Rate {
                requests: requests.trim().parse().ok()?,
                time: Duration::from_secs(*seconds),
            })
        };
        let rates: Option<Vec<_>> = text.split(',').map(read).collect();
        let limit = rates.map(Self).ok_or_else(|| {
            Error::configuration(
                "`rate_limit` must be rates such as `60/min` or `10/second, 1000/day`",
            )
        })?;
        limit.check()?;
        Ok(limit)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, time } = self;
        let named = |(seconds, _): &&(u64, &[&str])| *time == Duration::from_secs(*seconds);
        match PERIODS.iter().find(named) {
            Some((_, [name, ..])) => write!(f, "{requests}/{name}"),
            _ => write!(f, "{requests} in {}", in_words(*time)),
        }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rate) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{rate}")?;
        }
        Ok(())
    }
}

/// The requests of the last time, and those that wait, first come first.
#[derive(Debug)]
pub(super) struct RateLog {
    limit: RateLimit,
    turns: Mutex<Turns>,
    /// Somebody has given a turn up.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Turns {
    all: VecDeque<Turn>,
    next: u64,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Numbers rise from the front to the back.
    number: u64,
    /// When the request was sent, or will be.
    at: Instant,
    has_come: bool,
}

/// The turn of a request, which is given up unless the request is sent.
#[derive(Debug)]
pub(super) struct Ticket {
    log: Arc<RateLog>,
    number: u64,
    was_sent: bool,
}

impl RateLog {
    pub(super) fn new(limit: RateLimit) -> Arc<Self> {
        Arc::new(Self {
            limit,
            turns: Mutex::default(),
            moved: Notify::new(),
        })
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request may be sent.
    ///
    /// # Errors
    /// `Throttled` as soon as it is clear that this will not be before `deadline`.
    pub(super) async fn turn(self: &Arc<Self>, deadline: Instant) -> Result<Ticket> {
        let ticket = self.ticket();
        loop {
            let mut moved = pin!(self.moved.notified());
            // From here on it hears of whoever gives up.
            moved.as_mut().enable();
            let now = Instant::now();
            let at = self.turns().try_now(&self.limit, ticket.number, now);
            if at <= now {
                return Ok(ticket);
            }
            if at >= deadline {
                return Err(self.too_late(at.saturating_duration_since(now)));
            }
            // Whichever comes first.
            let _ = timeout_at(at, moved).await;
        }
    }

    /// A place behind all who wait.
    fn ticket(self: &Arc<Self>) -> Ticket {
        let now = Instant::now();
        let mut turns = self.turns();
        turns.forget(now, self.limit.memory());
        let number = turns.next;
        turns.next += 1;
        let at = turns.earliest(&self.limit, turns.all.len(), now);
        turns.all.push_back(Turn {
            number,
            at,
            has_come: false,
        });
        Ticket {
            log: Arc::clone(self),
            number,
            was_sent: false,
        }
    }

    fn too_late(&self, wait: Duration) -> Error {
        let message = format!(
            "the request was not sent: by the client's own limit of {} its turn comes in {}, which is more than the time left for the call",
            self.limit,
            in_words(wait)
        );
        Error::new(ErrorKind::Throttled, message).with_retry_after(wait)
    }
}

impl Turns {
    fn place(&self, number: u64) -> Option<usize> {
        self.all
            .binary_search_by_key(&number, |turn| turn.number)
            .ok()
    }

    /// Leaves out what no limit looks back at any more.
    fn forget(&mut self, now: Instant, memory: Duration) {
        while let Some(turn) = self.all.front() {
            let is_over = turn.at.checked_add(memory).is_some_and(|over| over <= now);
            if !turn.has_come || !is_over {
                break;
            }
            self.all.pop_front();
        }
    }

    /// When the request in this place may be sent, by those before it.
    fn earliest(&self, limit: &RateLimit, place: usize, now: Instant) -> Instant {
        let before = limit.0.iter().filter_map(|rate| {
            let requests = usize::try_from(rate.requests).unwrap_or(usize::MAX);
            let oldest = self.all.get(place.checked_sub(requests)?)?;
            // One that should be on its way by now is about to be.
            let at = if oldest.has_come {
                oldest.at
            } else {
                oldest.at.max(now)
            };
            Some(at + rate.time.min(NEVER))
        });
        before.max().map_or(now, |at| at.max(now))
    }

    /// When it is this one's turn. If that is now, it counts as sent from now on.
    fn try_now(&mut self, limit: &RateLimit, number: u64, now: Instant) -> Instant {
        let Some(place) = self.place(number) else {
            return now;
        };
        let at = self.earliest(limit, place, now);
        if let Some(turn) = self.all.get_mut(place) {
            turn.at = at;
            turn.has_come = at <= now;
        }
        at
    }

    /// Takes a turn out: those behind it move up.
    fn give_up(&mut self, limit: &RateLimit, number: u64, now: Instant) {
        let Some(place) = self.place(number) else {
            return;
        };
        self.all.remove(place);
        for place in place..self.all.len() {
            let at = self.earliest(limit, place, now);
            if let Some(turn) = self.all.get_mut(place)
                && !turn.has_come
            {
                turn.at = at;
            }
        }
    }
}

impl Ticket {
    /// The request is sent: its turn is spent.
    pub(super) fn spend(mut self) {
        self.was_sent = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.was_sent {
            let log = &self.log;
            log.turns().give_up(&log.limit, self.number, Instant::now());
            log.moved.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_as_the_rates_of_throttles_are() {
        for (text, limit, shown) in [
            ("60/min", RateLimit::per_minute(60), "60/minute"),
            ("1000/day", RateLimit::per_day(1000), "1000/day"),
            (
                " 10/s ,5000 / hour",
                RateLimit::per_second(10).and(RateLimit::per_hour(5000)),
                "10/second, 5000/hour",
            ),
        ] {
            let read: RateLimit = text.parse().unwrap();
            assert_eq!(read, limit);
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse::<RateLimit>().unwrap(), limit);
        }
        let own = RateLimit::new(3, Duration::from_millis(1500));
        assert_eq!(own.to_string(), "3 in 1500 ms");
        for wrong in [
            "",
            "60",
            "60/",
            "/min",
            "60/month",
            "x/min",
            "-1/min",
            "0/min",
            "60/min,",
            "60 per min",
        ] {
            let error = wrong.parse::<RateLimit>().unwrap_err();
            assert!(error.is_configuration(), "{wrong}: {error}");
        }
        assert!(RateLimit::new(1, Duration::ZERO).check().is_err());
        assert!(RateLimit::per_day(0).check().is_err());
    }
}
