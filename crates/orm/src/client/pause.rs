//! Pauses: where the server has asked to wait, by a 429 or by a 503 with `Retry-After`, whoever comes next waits as well and
//! spends no request on being told so again.
//!
//! A throttle may count the requests of an account or those of one view, which no answer shows. So the route that was answered
//! pauses, and the whole account once another of its routes is told to wait, too. Afterwards one request goes first: how many
//! may be under way doubles with each answer that asks for no further wait, and each second.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use django_api_orm_core::{Error, ErrorKind, Result, retry::MAX_WAIT};
use http::StatusCode;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

use super::{Identity, base_url::in_words};

/// How many requests may be under way when a pause counts as over.
const OPEN: usize = 64;
/// How long an answer is waited for before more requests go.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long what is left of a pause is kept, where nobody comes.
const KEPT: Duration = Duration::from_secs(60);

/// Whose requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// The server is not available.
    Everybody,
    /// The account has asked too often. A keyed hash: no credential is kept.
    Account(u64),
}

/// The pauses of one origin.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    /// How many there are, so that a call in quieter times looks no further.
    many: AtomicUsize,
    all: Mutex<HashMap<Who, Paused>>,
    keys: RandomState,
}

/// What is paused: one route, or everything.
#[derive(Debug)]
struct Paused {
    route: Option<String>,
    gate: Arc<Gate>,
}

/// Where requests wait.
#[derive(Debug)]
struct Gate {
    /// When the pause ends, and when it would end by the server's word alone.
    until: Mutex<(Instant, Instant)>,
    passes: Arc<Semaphore>,
    width: Mutex<Width>,
}

/// How many requests may be under way, and since when.
#[derive(Debug)]
struct Width {
    requests: usize,
    since: Instant,
}

/// Lets one request through.
#[derive(Debug, Default)]
pub(super) struct Pass(Vec<(Arc<Gate>, Option<OwnedSemaphorePermit>)>);

impl Gate {
    fn new(until: Instant, asked: Instant) -> Self {
        Self {
            until: Mutex::new((until, asked)),
            passes: Arc::new(Semaphore::new(1)),
            width: Mutex::new(Width {
                requests: 1,
                since: until,
            }),
        }
    }

    fn until(&self) -> (Instant, Instant) {
        *lock(&self.until)
    }

    /// Twice as many may go from now on.
    fn widen(&self, width: &mut Width, now: Instant) {
        self.passes.add_permits(width.requests);
        width.requests *= 2;
        width.since = now;
        if width.requests >= OPEN {
            self.passes.close();
        }
    }

    /// An answer came that asks for no wait.
    fn answered(&self) {
        if !self.passes.is_closed() {
            self.widen(&mut lock(&self.width), Instant::now());
        }
    }

    /// Waits for a place among the first; `None` where none is needed any more.
    async fn pass(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let pass = Arc::clone(&self.passes).acquire_owned();
            if let Ok(pass) = timeout(PATIENCE, pass).await {
                return pass.ok();
            }
            // Of all who have waited so long, one opens the gate further.
            let now = Instant::now();
            let mut width = lock(&self.width);
            if now.saturating_duration_since(width.since) >= PATIENCE && !self.passes.is_closed() {
                self.widen(&mut width, now);
            }
        }
    }
}

impl Pauses {
    /// Whether nobody has to wait.
    pub(super) fn are_none(&self) -> bool {
        self.many.load(Relaxed) == 0
    }

    /// Whom an answer tells to wait.
    pub(super) fn told(
        &self,
        identity: &Identity,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> Option<Who> {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Some(self.account(identity)),
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => Some(Who::Everybody),
            _ => None,
        }
    }

    fn account(&self, identity: &Identity) -> Who {
        Who::Account(self.number_of(identity))
    }

    /// What tells the account of a client from others, in this process.
    pub(super) fn number_of(&self, identity: &Identity) -> u64 {
        let mut hasher = self.keys.build_hasher();
        identity.auth.distinguish(&mut hasher);
        for (name, value) in identity.account.iter().chain(&identity.headers) {
            hasher.write(name.as_str().as_bytes());
            hasher.write(value.as_bytes());
        }
        hasher.finish()
    }

    fn paused(&self) -> MutexGuard<'_, HashMap<Who, Paused>> {
        lock(&self.all)
    }

    /// The server has asked `who` to wait, in the answer to a request to `route`.
    pub(super) fn begin(&self, who: Who, route: &str, wait: Duration) {
        let now = Instant::now();
        let until = now + wait.min(MAX_WAIT);
        let asked = now.checked_add(wait).unwrap_or(until);
        let mut all = self.paused();
        all.retain(|_, paused| paused.gate.until().0 + KEPT > now);
        match all.get_mut(&who) {
            None => {
                let gate = Arc::new(Gate::new(until, asked));
                let route = Some(route.to_owned());
                all.insert(who, Paused { route, gate });
            }
            Some(paused) => {
                let is_elsewhere = paused
                    .route
                    .as_deref()
                    .is_some_and(|paused| paused != route);
                let mut ends = lock(&paused.gate.until);
                if ends.0 > now {
                    *ends = (ends.0.max(until), ends.1.max(asked));
                    drop(ends);
                    if is_elsewhere {
                        paused.route = None;
                    }
                } else {
                    drop(ends);
                    // Some have gone already, and those who come next begin again with one.
                    paused.gate.passes.close();
                    paused.gate = Arc::new(Gate::new(until, asked));
                    if is_elsewhere {
                        paused.route = Some(route.to_owned());
                    }
                }
            }
        }
        self.many.store(all.len(), Relaxed);
    }

    /// The gates on the way of a request.
    fn gates(&self, identity: &Identity, route: &str) -> Vec<Arc<Gate>> {
        let mut all = self.paused();
        [Who::Everybody, self.account(identity)]
            .into_iter()
            .filter_map(|who| {
                let paused = all.get(&who)?;
                if paused.gate.passes.is_closed() {
                    all.remove(&who);
                    self.many.store(all.len(), Relaxed);
                    return None;
                }
                let is_here = paused.route.as_deref().is_none_or(|paused| paused == route);
                is_here.then(|| Arc::clone(&paused.gate))
            })
            .collect()
    }

    /// Waits until the pauses are over that a request would meet.
    async fn rested(
        &self,
        identity: &Identity,
        route: &str,
        deadline: Instant,
    ) -> Result<Vec<Arc<Gate>>> {
        loop {
            let gates = self.gates(identity, route);
            let now = Instant::now();
            let last = gates.iter().map(|gate| gate.until()).max();
            let Some((until, asked)) = last.filter(|(until, _)| *until > now) else {
                return Ok(gates);
            };
            if until >= deadline {
                return Err(too_long(asked.saturating_duration_since(now)));
            }
            sleep_until(until).await;
        }
    }

    /// Waits until the pauses are over that a request would meet, and then for a place among those who go first.
    ///
    /// # Errors
    /// `Throttled`, at once, if one of the pauses does not end before `deadline`.
    pub(super) async fn pass(
        &self,
        identity: &Identity,
        route: &str,
        deadline: Instant,
    ) -> Result<Pass> {
        loop {
            let gates = self.rested(identity, route, deadline).await?;
            let mut pass = Pass::default();
            for gate in gates {
                let permit = gate.pass().await;
                pass.0.push((gate, permit));
            }
            if self.let_through(identity, route, &pass) {
                return Ok(pass);
            }
        }
    }

    /// Whether no pause has begun since the pass was given.
    pub(super) fn let_through(&self, identity: &Identity, route: &str, pass: &Pass) -> bool {
        let now = Instant::now();
        let is_passed = |gate: &Arc<Gate>| {
            gate.until().0 <= now && pass.0.iter().any(|(passed, _)| Arc::ptr_eq(passed, gate))
        };
        self.gates(identity, route).iter().all(is_passed)
    }
}

impl Pass {
    /// An answer came that asks for no wait: others may follow.
    pub(super) fn answered(&self) {
        for (gate, _) in &self.0 {
            gate.answered();
        }
    }
}

fn too_long(left: Duration) -> Error {
    let message = format!(
        "the request was not sent: the server has asked to wait, and {} of that are left, which is more than the time left for the call",
        in_words(left)
    );
    Error::new(ErrorKind::Throttled, message).with_retry_after(left)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
