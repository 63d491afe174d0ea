//! Retry verdicts as data: what a failed attempt means, whether the request may be sent again, how long
//! to wait, and a budget that keeps retries from making an outage worse. No clock, no I/O.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

/// The longest wait that is sat out; a server that asks for more is answered by an error that
/// carries the wait.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// What a failed attempt says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptClass {
    /// The request never reached the server: the name did not resolve, the connection was refused, the
    /// pooled connection was closed before the first byte, the HTTP/2 stream was refused.
    NotSent,
    /// The server said that it did not look at the request (429, 425).
    Refused,
    /// The server may have carried it out: a read timed out, the connection broke, the body was cut off,
    /// 408, 500, 502, 503 or 504, or what proxies say in their place: 520, 522, 524, 598 or 599. (A 503 too: a gateway may send it
    /// after the write.)
    Ambiguous,
    /// Sending it again cannot help: any other status, a bad certificate, a body that does not decode.
    Never,
}

impl AttemptClass {
    /// The class of a response by its status; `None` when it is not an error.
    ///
    /// ```
    /// use django_api_orm_core::retry::AttemptClass;
    /// use http::StatusCode;
    ///
    /// assert_eq!(AttemptClass::of_status(StatusCode::OK), None);
    /// assert_eq!(
    ///     AttemptClass::of_status(StatusCode::SERVICE_UNAVAILABLE),
    ///     Some(AttemptClass::Ambiguous)
    /// );
    /// ```
    #[must_use]
    pub fn of_status(status: StatusCode) -> Option<Self> {
        match status.as_u16() {
            ..400 => None,
            425 | 429 => Some(Self::Refused),
            408 => Some(Self::Ambiguous),
            code if is_passing_failure(code) => Some(Self::Ambiguous),
            _ => Some(Self::Never),
        }
    }
}

/// Whether a status says that a server or a gateway failed while it was at work, and may not fail again: 520, 522 and 524 are those of
/// Cloudflare, 598 and 599 those of other proxies whose server did not answer.
pub(crate) fn is_passing_failure(status: u16) -> bool {
    matches!(status, 500 | 502..=504 | 520 | 522 | 524 | 598 | 599)
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Send the request again, if time, count and budget allow.
    Resend,
    /// Report the failure as it is.
    Fail,
    /// Do not send it again, and tell the caller that it may have been carried out.
    OutcomeUnknown,
}

/// Decides what to do after an attempt of `class`. `repeatable` says that the caller declared the request
/// safe to repeat, by an idempotency key or an `If-Match` condition.
///
/// ```
/// use django_api_orm_core::retry::{AttemptClass, Verdict, verdict};
/// use http::Method;
///
/// assert_eq!(verdict(&Method::GET, AttemptClass::Ambiguous, false), Verdict::Resend);
/// assert_eq!(verdict(&Method::POST, AttemptClass::Ambiguous, false), Verdict::OutcomeUnknown);
/// assert_eq!(verdict(&Method::POST, AttemptClass::NotSent, false), Verdict::Resend);
/// ```
#[must_use]
pub fn verdict(method: &Method, class: AttemptClass, repeatable: bool) -> Verdict {
    match class {
        AttemptClass::NotSent | AttemptClass::Refused => Verdict::Resend,
        AttemptClass::Never => Verdict::Fail,
        AttemptClass::Ambiguous if repeatable || method.is_idempotent() => Verdict::Resend,
        AttemptClass::Ambiguous => Verdict::OutcomeUnknown,
    }
}

/// Exponential backoff with full jitter: a random wait between nothing and a bound that doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// Backoff whose bound starts at `base` and stops growing at `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The wait before retry number `retry` (the first is 0), for a `random` number from 0 to 1.
    #[must_use]
    pub fn delay(&self, retry: u32, random: f64) -> Duration {
        let factor = 1u32.checked_shl(retry).unwrap_or(u32::MAX);
        let bound = self.base.saturating_mul(factor).min(self.cap);
        let share = if random.is_nan() {
            0.0
        } else {
            random.clamp(0.0, 1.0)
        };
        bound.mul_f64(share)
    }
}

impl Default for Backoff {
    /// 200 ms, at most 20 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(20))
    }
}

/// How long the server asks to wait: `Retry-After-Ms`, or `Retry-After` in seconds or as an HTTP date.
///
/// A date is read against the response's own `Date`, so that a wrong clock on either side does no harm;
/// `now` is used when there is none. A date that has passed means no wait.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(wait) = text("retry-after-ms").and_then(|value| number(value, 1000.0)) {
        return Some(wait);
    }
    let value = text(header::RETRY_AFTER.as_str())?;
    if let Some(wait) = number(value, 1.0) {
        return Some(wait);
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let now = text(header::DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or(now);
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// A plain decimal number of units, of which `per_second` make a second.
fn number(text: &str, per_second: f64) -> Option<Duration> {
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let seconds = text.parse::<f64>().ok()? / per_second;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// What a retry costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryCost {
    /// After a failure.
    Transient,
    /// After the server asked for patience (429).
    Throttled,
}

impl RetryCost {
    fn tokens(self) -> u32 {
        match self {
            Self::Transient => 14,
            Self::Throttled => 5,
        }
    }
}

/// The retries that one origin may still be burdened with.
///
/// A full budget pays for 35 retries after failures. A retry that succeeds gives back what it cost, a request
/// that succeeds at once gives back one token; while everything fails nothing comes back, so that a
/// dead server is not hammered.
#[derive(Debug)]
pub struct RetryBudget {
    tokens: AtomicU32,
}

impl RetryBudget {
    /// The tokens of a full budget.
    pub const FULL: u32 = 500;

    /// A full budget.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tokens: AtomicU32::new(Self::FULL),
        }
    }

    /// Takes what a retry costs; `false` means that it must not be made.
    #[must_use]
    pub fn withdraw(&self, cost: RetryCost) -> bool {
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                tokens.checked_sub(cost.tokens())
            })
            .is_ok()
    }

    /// Records a success: of a retry that cost `retry`, or of a first attempt.
    pub fn deposit(&self, retry: Option<RetryCost>) {
        let earned = retry.map_or(1, RetryCost::tokens);
        // The closure never declines, so the result carries no news.
        let _ = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                Some(tokens.saturating_add(earned).min(Self::FULL))
            });
    }

    /// The tokens left.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_of_a_budget_is_known() {
        let budget = RetryBudget::new();
        assert_eq!(budget.tokens(), 500);
        assert!(budget.withdraw(RetryCost::Transient));
        assert_eq!(budget.tokens(), 486);
        budget.deposit(None);
        assert_eq!(budget.tokens(), 487);
        budget.deposit(Some(RetryCost::Transient));
        assert_eq!(budget.tokens(), 500, "never more than at first");
    }

    const CLASSES: [AttemptClass; 4] = [
        AttemptClass::NotSent,
        AttemptClass::Refused,
        AttemptClass::Ambiguous,
        AttemptClass::Never,
    ];

    #[test]
    fn verdicts_follow_the_table() {
        use Verdict::{Fail, OutcomeUnknown, Resend};
        let idempotent = [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::PUT,
            Method::DELETE,
        ];
        for method in &idempotent {
            let verdicts = CLASSES.map(|class| verdict(method, class, false));
            assert_eq!(verdicts, [Resend, Resend, Resend, Fail], "{method}");
        }
        for method in [
            Method::POST,
            Method::PATCH,
            Method::from_bytes(b"LINK").unwrap(),
        ] {
            let verdicts = CLASSES.map(|class| verdict(&method, class, false));
            assert_eq!(verdicts, [Resend, Resend, OutcomeUnknown, Fail], "{method}");
            let declared = CLASSES.map(|class| verdict(&method, class, true));
            assert_eq!(
                declared,
                [Resend, Resend, Resend, Fail],
                "{method}, declared"
            );
        }
    }

    #[test]
    fn statuses_have_their_class() {
        let of = |code| AttemptClass::of_status(StatusCode::from_u16(code).unwrap());
        for code in [200, 201, 204, 301, 304] {
            assert_eq!(of(code), None, "{code}");
        }
        for code in [425, 429] {
            assert_eq!(of(code), Some(AttemptClass::Refused), "{code}");
        }
        for code in [408, 500, 502, 503, 504, 520, 522, 524, 598, 599] {
            assert_eq!(of(code), Some(AttemptClass::Ambiguous), "{code}");
        }
        for code in [
            400, 401, 403, 404, 405, 409, 412, 413, 422, 501, 505, 511, 521, 523, 525,
        ] {
            assert_eq!(of(code), Some(AttemptClass::Never), "{code}");
        }
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        let backoff = Backoff::default();
        let bounds: Vec<u128> = [0, 1, 2, 6, 7, 31, 32, 4000]
            .map(|n| backoff.delay(n, 1.0).as_millis())
            .into();
        assert_eq!(
            bounds,
            [200, 400, 800, 12_800, 20_000, 20_000, 20_000, 20_000]
        );
        assert_eq!(backoff.delay(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(3, f64::NAN), Duration::ZERO);
        assert_eq!(backoff.delay(0, 0.5), Duration::from_millis(100));
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        // 1994-11-15 08:12:31 UTC
        retry_after(
            &map,
            SystemTime::UNIX_EPOCH + Duration::from_secs(784_887_151),
        )
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", " 0 ")]), Some(Duration::ZERO));
        assert_eq!(
            wait(&[("retry-after", "1.5")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            wait(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            wait(&[("retry-after", "Tue, 15 Nov 1994 08:12:41 GMT")]),
            Some(Duration::from_secs(10))
        );
        assert_eq!(
            wait(&[("retry-after", "Tue, 15 Nov 1994 08:12:21 GMT")]),
            Some(Duration::ZERO),
            "a date that has passed"
        );
        assert_eq!(
            wait(&[
                ("retry-after", "Tue, 15 Nov 1994 08:12:41 GMT"),
                ("date", "Tue, 15 Nov 1994 08:12:38 GMT"),
            ]),
            Some(Duration::from_secs(3)),
            "the server's clock counts"
        );
        for bad in ["", "soon", "-1", "1e9", "NaN", "inf", ".", "1.2.3"] {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad:?}");
        }
        assert_eq!(
            wait(&[("retry-after", &"9".repeat(40))]),
            Some(Duration::MAX)
        );
    }

    #[test]
    fn an_outage_uses_the_budget_up() {
        let budget = RetryBudget::new();
        let granted = (0..10_000)
            .filter(|_| budget.withdraw(RetryCost::Transient))
            .count();
        assert_eq!(granted, 35);
        assert!(budget.withdraw(RetryCost::Throttled), "10 tokens are left");
        assert!(budget.withdraw(RetryCost::Throttled));
        assert!(!budget.withdraw(RetryCost::Throttled));
        for _ in 0..14 {
            assert!(!budget.withdraw(RetryCost::Transient));
            budget.deposit(None);
        }
        assert!(budget.withdraw(RetryCost::Transient));
        budget.deposit(Some(RetryCost::Transient));
        assert!(
            budget.withdraw(RetryCost::Transient),
            "a retry that worked is given back"
        );
    }

    proptest! {
        #[test]
        fn the_delay_is_within_its_bound(retry in 0u32..100, random in 0.0f64..=1.0) {
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(retry, random) <= backoff.delay(retry, 1.0));
            prop_assert!(backoff.delay(retry, 1.0) <= Duration::from_secs(20));
        }

        #[test]
        fn any_retry_after_is_harmless(value in "[ -~]{0,40}") {
            let _ = wait(&[("retry-after", &value)]);
            let _ = wait(&[("retry-after-ms", &value)]);
        }

        #[test]
        fn the_budget_stays_within_its_bounds(steps in proptest::collection::vec(0u8..4, 0..400)) {
            let budget = RetryBudget::new();
            for step in steps {
                match step {
                    0 => { let _ = budget.withdraw(RetryCost::Transient); }
                    1 => { let _ = budget.withdraw(RetryCost::Throttled); }
                    2 => budget.deposit(Some(RetryCost::Transient)),
                    _ => budget.deposit(None),
                }
                prop_assert!(budget.tokens() <= RetryBudget::FULL);
            }
        }

        #[test]
        fn a_write_that_may_have_been_received_is_never_resent(
            index in 0usize..4,
            name in prop_oneof!["POST", "PATCH", "[A-Z]{1,8}"],
        ) {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            let class = CLASSES[index];
            if class == AttemptClass::Ambiguous && !method.is_idempotent() {
                prop_assert_eq!(verdict(&method, class, false), Verdict::OutcomeUnknown);
            }
        }
    }
}
