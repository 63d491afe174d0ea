//! Credentials that are fetched when they are needed: one fetch at a time, which all calls share that wait for it.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use django_api_orm_core::{Error, Result};
use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::credential::Credential;
use super::hooks::{self, Hooks};
use super::login::{Session, SignIn};
use super::telling::about_no_row;

/// How long before its end a credential counts as expired: a request takes time to arrive.
const EARLY: Duration = Duration::from_secs(30);

/// For how long a runtime that carries out a login may give no sign of life, before another call logs in.
const STALL: Duration = Duration::from_secs(1);

type Fetch = dyn Fn(Asking) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static;

/// Fetches a credential when one is needed, and again when it expires or the server no longer accepts it.
///
/// However many requests need one at the same time, one fetch is under way, and they share what comes of it.
pub(super) struct TokenProvider {
    fetch: Box<Fetch>,
    tokens: Arc<Tokens>,
    /// The login that it fetches by, unless it is code of the program.
    sign_in: Option<Arc<SignIn>>,
}

/// What a provider has brought, and who asks it. Nobody holds a lock while the provider is asked: whoever does may not be
/// driven for a while.
#[derive(Default)]
pub struct Tokens {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    issued: Option<Issued>,
    /// Why the last fetch failed, if it did, with the number of fetches that had ended then.
    failure: Option<(u64, Arc<Error>)>,
    /// The fetch that is under way.
    asking: Option<u64>,
    /// What carries it out, if it is a task of its own.
    carried_by: Option<Carrier>,
    /// Whether it is a login, because one that was only refreshed has been refused.
    is_login: bool,
    /// The next fetch is a login, whoever makes it: that was refused while a refresh was under way.
    wants_login: bool,
    begun: u64,
    ended: u64,
}

/// The task that carries a fetch out.
#[derive(Clone)]
struct Carrier {
    runtime: Handle,
    task: AbortHandle,
}

impl State {
    /// Ends the fetch, if it is the one that is under way, and not one that was given up before.
    fn end(&mut self, number: u64) -> bool {
        let is_this = self.asking == Some(number);
        if is_this {
            self.asking = None;
            self.carried_by = None;
        }
        is_this
    }
}

/// What a request shows to prove who sends it.
#[derive(Clone)]
pub(super) enum Proof {
    Header(Credential),
    /// One that was given for an earlier one, and that the server may refuse for the same reason.
    Refreshed(Credential),
    Session(Arc<Session>),
}

impl Proof {
    /// What goes into a header, the same for each request.
    pub(super) fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Header(credential) | Self::Refreshed(credential) => Some(credential),
            Self::Session(_) => None,
        }
    }
}

/// A proof with the number of the fetch that brought it.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) proof: Proof,
    number: u64,
    until: Option<Instant>,
}

impl Issued {
    fn new(proof: Proof, number: u64) -> Self {
        let lifetime = proof.credential().and_then(Credential::lifetime);
        let until = lifetime.and_then(|lifetime| {
            let early = EARLY.min(lifetime / 10);
            Instant::now().checked_add(lifetime.saturating_sub(early))
        });
        Self {
            proof,
            number,
            until,
        }
    }

    fn is_expired(&self) -> bool {
        let is_over = matches!(&self.proof, Proof::Session(session) if session.is_over());
        is_over || self.until.is_some_and(|until| until <= Instant::now())
    }

    /// The session that a login has begun.
    pub(super) fn session(&self) -> Option<&Session> {
        match &self.proof {
            Proof::Session(session) => Some(session),
            Proof::Header(_) | Proof::Refreshed(_) => None,
        }
    }

    pub(super) fn is_refreshed(&self) -> bool {
        matches!(self.proof, Proof::Refreshed(_))
    }
}

/// What to do about a credential.
enum Turn {
    Use(Issued),
    Fail(Arc<Error>),
    /// Another fetch is under way; who carries it out, if it is a task of its own.
    Wait(u64, Option<Carrier>),
    /// This fetch is to be made, and whether it is to be a login.
    Ask(u64, bool),
}

impl Tokens {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a fetch without a result. A login is still wanted.
    fn give_up(&self, number: u64) {
        if self.state().asking == Some(number) {
            self.change(|state| {
                if state.end(number) {
                    state.wants_login |= state.is_login;
                }
            });
        }
    }

    /// Gives up a fetch whose task is not driven any more. If its runtime goes on later, the task does not: another one may have logged
    /// in by then.
    fn abort(&self, number: u64, task: &AbortHandle) {
        task.abort();
        self.give_up(number);
    }

    /// Changes the state, and tells everybody who waits.
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// `seen` is a credential that this call has got of a fetch of its own, whatever its age; `anew`: what was refused had only been
    /// refreshed.
    fn turn(&self, refused: u64, ended_before: u64, seen: u64, anew: bool) -> Turn {
        let mut state = self.state();
        if let Some(issued) = &state.issued
            && issued.number > refused
            && (issued.number >= seen || !issued.is_expired())
        {
            return Turn::Use(issued.clone());
        }
        if let Some((number, failure)) = &state.failure
            && *number > ended_before
        {
            return Turn::Fail(Arc::clone(failure));
        }
        if let Some(number) = state.asking {
            // If what a refresh brings is refused too, nobody refreshes it again.
            state.wants_login |= anew && !state.is_login;
            return Turn::Wait(number, state.carried_by.clone());
        }
        state.begun += 1;
        state.asking = Some(state.begun);
        state.is_login = anew || std::mem::take(&mut state.wants_login);
        Turn::Ask(state.begun, state.is_login)
    }
}

/// A fetch that is under way, for whoever makes it.
#[derive(Clone)]
pub struct Asking {
    tokens: Arc<Tokens>,
    number: u64,
    /// The fetch whose credential was refused; 0 for none.
    refused: u64,
    /// Whether one that was only refreshed has been refused.
    anew: bool,
    /// Who hears of its requests, as of those of the call that asks.
    hears: Option<Arc<dyn Hooks>>,
}

/// Waits until a runtime does nothing for a while: it may be there and not be driven any more, and with it the task of a login.
async fn stalled(runtime: Handle) {
    loop {
        tokio::time::sleep(STALL).await;
        let sign_of_life = runtime.spawn(async {});
        match tokio::time::timeout(STALL, sign_of_life).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

impl Asking {
    /// Whether nobody needs its result: it is known, or given up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.tokens.state().asking != Some(self.number)
    }

    /// Ends it before it is begun, if a fetch that was given up before has brought a credential after all. Whether it is over.
    #[must_use]
    pub fn dismiss(&self) -> bool {
        let is_new = |issued: &Issued| issued.number > self.refused && !issued.is_expired();
        if self.tokens.state().issued.as_ref().is_some_and(is_new) {
            self.give_up();
        }
        self.is_over()
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        let mut changes = self.tokens.changes.subscribe();
        // The sender is in `tokens`, so this is no error.
        let _ = changes.wait_for(|_| self.is_over()).await;
    }

    /// Ends it without a result: another call asks anew.
    pub fn give_up(&self) {
        self.tokens.give_up(self.number);
    }

    /// Says what carries it out, also to those who wait for it already: they look whether that stalls.
    fn is_carried_by(&self, carrier: Carrier) {
        self.tokens.change(|state| {
            if state.asking == Some(self.number) {
                state.carried_by = Some(carrier);
            }
        });
    }

    /// Ends it. A credential is kept though the call that asked has been cancelled, unless there is a later one.
    pub fn settle(&self, fetched: Result<Credential>) {
        self.end(fetched.map(Proof::Header));
    }

    fn end(&self, fetched: Result<Proof>) {
        self.tokens.change(|state| match fetched {
            Ok(proof) => {
                let known = state.issued.as_ref().map_or(0, |issued| issued.number);
                if known < self.number {
                    state.issued = Some(Issued::new(proof, self.number));
                    state.failure = None;
                    state.ended += 1;
                    state.end(self.number);
                }
            }
            Err(error) if state.end(self.number) => {
                state.ended += 1;
                state.failure = Some((state.ended, Arc::new(error)));
            }
            Err(_) => {}
        });
    }
}

/// Gives a fetch up where what makes it is cancelled.
struct Abandoned(Asking);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl TokenProvider {
    pub(super) fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        Self::shared(Arc::default(), move |asking: Asking| {
            let fetched = fetch();
            async move { asking.settle(fetched.await) }
        })
    }

    /// A provider who shares what it brings with others, and says it by settling the fetch.
    pub(super) fn shared<F, Fut>(tokens: Arc<Tokens>, fetch: F) -> Self
    where
        F: Fn(Asking) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let fetch = move |asking: Asking| {
            let abandoned = Abandoned(asking.clone());
            let fetched = fetch(asking);
            async move {
                fetched.await;
                drop(abandoned);
            }
        };
        Self {
            fetch: Box::new(move |asking| Box::pin(fetch(asking))),
            tokens,
            sign_in: None,
        }
    }

    /// A provider that logs in. What it does is a task of its own on the runtime that `runtime` gives: it goes on when the call that
    /// needed it is cancelled, or is not driven for a while.
    pub(super) fn signing_in(
        sign_in: SignIn,
        runtime: impl Fn() -> Handle + Send + Sync + 'static,
    ) -> Self {
        let sign_in = Arc::new(sign_in);
        let fetch = {
            let sign_in = Arc::clone(&sign_in);
            move |asking: Asking| -> Pin<Box<dyn Future<Output = ()> + Send>> {
                let (sign_in, over) = (Arc::clone(&sign_in), asking.clone());
                let abandoned = Abandoned(asking);
                let runtime = runtime();
                let task = async move {
                    let Asking { anew, hears, .. } = &abandoned.0;
                    let proof = sign_in.prove(*anew, hears.as_ref()).await;
                    abandoned.0.end(proof);
                };
                let task = runtime.spawn(task.in_current_span()).abort_handle();
                over.is_carried_by(Carrier { runtime, task });
                Box::pin(async move { over.over().await })
            }
        };
        Self {
            fetch: Box::new(fetch),
            tokens: Arc::default(),
            sign_in: Some(sign_in),
        }
    }

    pub(super) fn tokens(&self) -> &Arc<Tokens> {
        &self.tokens
    }

    pub(super) fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_deref()
    }

    /// The credential to use; `refused` is one that the server has just turned down, and `anew`
    /// says that it had only been refreshed for another one. A login that is made for this call is noted as its own requests are.
    pub(super) async fn issue(
        &self,
        refused: Option<&Issued>,
        anew: bool,
        hooks: Option<&Arc<dyn Hooks>>,
    ) -> Result<Issued> {
        let refused = refused.map_or(0, |issued| issued.number);
        let mut changes = self.tokens.changes.subscribe();
        let (ended, begun) = {
            let state = self.tokens.state();
            (state.ended, state.begun)
        };
        loop {
            changes.mark_unchanged();
            // What a fetch brings that began after this call is new enough, however soon it expires.
            match self.tokens.turn(refused, ended, begun + 1, anew) {
                Turn::Use(issued) => return Ok(issued),
                Turn::Fail(error) => return Err(self.again(&error)),
                Turn::Wait(_, None) => {
                    let _ = changes.changed().await;
                }
                Turn::Wait(number, Some(Carrier { runtime, task })) => {
                    let is_stalled = {
                        let changed = pin!(changes.changed());
                        let stalled = pin!(stalled(runtime));
                        matches!(select(changed, stalled).await, Either::Right(_))
                    };
                    if is_stalled {
                        self.tokens.abort(number, &task);
                    }
                }
                Turn::Ask(number, anew) => {
                    (self.fetch)(Asking {
                        tokens: Arc::clone(&self.tokens),
                        number,
                        refused,
                        anew,
                        hears: hooks.and_then(hooks::noting),
                    })
                    .await;
                }
            }
        }
    }

    /// The error of a fetch, for one of those who waited for it.
    fn again(&self, failure: &Arc<Error>) -> Error {
        let fetching = Fetching {
            failure: Arc::clone(failure),
            is_told: self.sign_in.is_some(),
        };
        let message = failure.message().to_owned();
        let mut error = Error::new(failure.kind(), message).with_source(fetching);
        if let Some(wait) = failure.retry_after() {
            error = error.with_retry_after(wait);
        }
        if self.sign_in.is_some() {
            // It says itself which step failed, and has no status: the call itself was never answered.
            return error.with_retryable(failure.is_retryable());
        }
        if let Some(status) = failure.status() {
            error = error.with_status(status);
        }
        about_no_row(error).with_context("the token provider failed")
    }
}

/// The error of a fetch, which several calls share.
#[derive(Debug)]
struct Fetching {
    failure: Arc<Error>,
    /// Whether the error of the call says all of it, so that what lies behind it is next.
    is_told: bool,
}

impl fmt::Display for Fetching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token could not be fetched")
    }
}

impl std::error::Error for Fetching {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let failure: &(dyn std::error::Error + 'static) = &*self.failure;
        failure.source().filter(|_| self.is_told).or(Some(failure))
    }
}

#[cfg(test)]
mod tests;
