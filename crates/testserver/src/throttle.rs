//! `SimpleRateThrottle`: so many requests in any period, for each token and endpoint.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    history: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl Throttle {
    /// Counts a request, or gives the whole seconds to wait when it is one too many.
    pub(crate) fn admit(&self, who: &str, requests: u32, period: Duration) -> Result<(), u64> {
        let now = Instant::now();
        let mut all = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let history = all.entry(who.to_owned()).or_default();
        while history
            .front()
            .is_some_and(|then| now.duration_since(*then) >= period)
        {
            history.pop_front();
        }
        if u32::try_from(history.len()).unwrap_or(u32::MAX) < requests {
            history.push_back(now);
            return Ok(());
        }
        let oldest = history.front().copied().unwrap_or(now);
        let wait = period.saturating_sub(now.duration_since(oldest));
        Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    pub(crate) fn forget(&self) {
        self.history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_for_the_oldest() {
        let throttle = Throttle::default();
        let minute = Duration::from_secs(60);
        assert_eq!(throttle.admit("a", 2, minute), Ok(()));
        assert_eq!(throttle.admit("a", 2, minute), Ok(()));
        assert_eq!(throttle.admit("a", 2, minute), Err(60));
        assert_eq!(throttle.admit("b", 2, minute), Ok(()));
        throttle.forget();
        assert_eq!(throttle.admit("a", 2, minute), Ok(()));
    }
}
