//! A call from beginning to end: credentials, attempts, redirects, and what to do when an attempt fails.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use django_api_orm_core::error::{Error, ErrorKind, Result};
use django_api_orm_core::retry::{AttemptClass, Backoff, MAX_WAIT, RetryCost, Verdict, verdict};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, HOST, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;
use tracing::Instrument;

use super::admission::Admission;
use super::attempt::{Answer, Ended, Limits, Outgoing, Route, attempt};
use super::call::Call;
use super::encoding;
use super::event::next_id;
use super::failure::Failure;
use super::login::Session;
use super::redirect::{MAX_HOPS, is_about_slash, is_redirect, target};
use super::response::ApiResponse;
use super::stats::Tally;
use super::tokens::Issued;
use super::{Identity, ServiceClient, Shared};
use crate::trace;

impl ServiceClient {
    /// Sends a call and returns its response.
    ///
    /// One call may cost several requests: same-origin redirects, retries of what is safe to repeat (see
    /// [the module](super)), and one more when a token provider has to replace its token.
    ///
    /// # Errors
    /// Whatever went wrong: a status of 400 or more is an error as much as a broken connection is.
    pub async fn send(&self, call: Call) -> Result<ApiResponse> {
        self.sending(call).await
    }

    /// [`send`](Self::send), where it is to lie: what a call keeps while it is under way is large, and would be moved with every
    /// future that it is a part of.
    pub(crate) fn sending(
        &self,
        call: Call,
    ) -> Pin<Box<impl Future<Output = Result<ApiResponse>>>> {
        Box::pin(self.carry_out(call))
    }

    async fn carry_out(&self, mut call: Call) -> Result<ApiResponse> {
        let shared = &*self.shared;
        call.name_itself(shared.idempotency_header.as_ref())?;
        let own = call.timeout.or(self.identity.timeout);
        let limit = own.unwrap_or(shared.settings.timeout);
        let now = Instant::now();
        let own = now
            .checked_add(limit)
            .unwrap_or_else(|| now + Duration::from_secs(86_400 * 365));
        let deadline = call.deadline.map_or(own, |deadline| deadline.min(own));
        let outgoing = self
            .outgoing(&call)
            .map_err(|error| error.with_request(&call.method, call.path.template()))?;
        let mut exchange = Exchange {
            client: self,
            call: &call,
            deadline,
            limit: deadline.saturating_duration_since(now),
            outgoing,
            issued: None,
            attempts: 0,
            retries: 0,
            hops: 0,
            last_retry: None,
            was_ambiguous: false,
            was_refreshed: false,
            wants_login: false,
            was_renewed: false,
            id: 0,
        };
        match exchange.run().await {
            Ok(answer) => Ok(ApiResponse {
                status: answer.status,
                version: answer.version,
                headers: answer.headers,
                body: answer.body,
                attempts: exchange.attempts,
                method: call.method,
                path: call.path,
            }),
            Err(error) => Err(exchange.named(error)),
        }
    }

    /// The headers of every request of this client, with its credential if that is a fixed one; made once.
    fn headers(&self) -> Result<&HeaderMap> {
        let identity = &*self.identity;
        if let Some(built) = identity.built.get() {
            return Ok(built);
        }
        let mut headers = (*self.shared.headers).clone();
        replace(&mut headers, &identity.account);
        if let Some(credential) = identity.auth.fixed() {
            let (name, value) = credential.to_header()?;
            headers.insert(name, value);
        }
        replace(&mut headers, &identity.headers);
        let json = HeaderValue::from_static("application/json");
        headers.entry(ACCEPT).or_insert(json);
        if self.shared.settings.compression {
            headers.entry(ACCEPT_ENCODING).or_insert(encoding::ACCEPTED);
        }
        if !self.shared.plumbing.may_speak_http2() {
            // Else it is the connection's to say whether it needs one.
            let host = HeaderValue::from_str(self.shared.base.authority());
            let host = host.map_err(|_| Error::configuration("`base_url` has an invalid host"))?;
            headers.entry(HOST).or_insert(host);
        }
        self.shared.add_proxy_authorization(&mut headers);
        Ok(identity.built.get_or_init(|| headers))
    }

    /// The request as it is sent, but for a credential that a provider brings.
    fn outgoing(&self, call: &Call) -> Result<Outgoing<'_>> {
        let uri = self
            .shared
            .base
            .join(call.path.path(), &call.query_string())?;
        let mut headers = Cow::Borrowed(self.headers()?);
        if !call.headers.is_empty() {
            replace(headers.to_mut(), &call.headers);
        }
        if call.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            let json = HeaderValue::from_static("application/json");
            headers.to_mut().insert(CONTENT_TYPE, json);
        }
        let body = call.body.clone().unwrap_or_default();
        Ok(Outgoing {
            method: call.method.clone(),
            uri,
            headers,
            body,
        })
    }
}

/// Puts the headers of `newer` in the place of those of the same name.
fn replace(headers: &mut HeaderMap, newer: &HeaderMap) {
    for name in newer.keys() {
        headers.remove(name);
    }
    for (name, value) in newer {
        headers.append(name, value.clone());
    }
}

/// A call under way.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a ServiceClient,
    pub(super) call: &'a Call,
    pub(super) outgoing: Outgoing<'a>,
    pub(super) deadline: Instant,
    /// The time for the whole call, for messages.
    limit: Duration,
    issued: Option<Issued>,
    /// Requests sent.
    pub(super) attempts: u32,
    retries: u32,
    hops: u32,
    last_retry: Option<RetryCost>,
    /// Whether a request before the last one may have been carried out.
    was_ambiguous: bool,
    was_refreshed: bool,
    /// Whether a login is needed, because what was refreshed for this call was refused as well.
    wants_login: bool,
    /// Whether another connection was taken, because the server had closed one that had been used before.
    was_renewed: bool,
    /// What the events of the attempt have in common, where somebody is told of them.
    pub(super) id: u64,
}

/// What an attempt came to.
enum Step {
    Done(Answer),
    /// Send the (changed) request now.
    Again,
    /// Send the request once more, with another credential.
    Refused,
    Failed(Failure),
}

impl Exchange<'_> {
    async fn run(&mut self) -> Result<Answer> {
        loop {
            match self.step().await? {
                Step::Done(answer) => {
                    self.shared().budget.deposit(self.last_retry);
                    return Ok(answer);
                }
                Step::Again => {}
                // What is seldom done lies on the heap, so that a call is small.
                Step::Refused => Box::pin(self.fetch_credential()).await?,
                Step::Failed(failure) => Box::pin(self.prepare_retry(failure)).await?,
            }
        }
    }

    /// What the call fails with, with the request.
    fn named(&self, error: Error) -> Error {
        let error = error
            .with_request(&self.call.method, self.call.path.template())
            .with_attempts(self.attempts)
            .with_lost_attempt(self.was_ambiguous)
            .with_request_id_of(&self.outgoing.headers);
        // The cause has to be named with the request first, so the outcome is marked last.
        if self.outcome_is_unknown(&error) {
            unknown(error)
        } else {
            error
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.client.shared
    }

    async fn step(&mut self) -> Result<Step> {
        if self.issued.is_none() && self.client.identity.auth.can_refresh() {
            Box::pin(self.fetch_credential()).await?;
        }
        self.dress();
        let hooks = self.client.identity.hooks.as_ref();
        let (ended, elapsed) = match hooks {
            None => self.attempt(&self.outgoing).await?,
            Some(hooks) => {
                self.id = next_id();
                Box::pin(self.attempt_before(hooks)).await?
            }
        };
        if let (Some(session), Ok(answer)) = (self.session(), &ended.result) {
            session.hear(self.outgoing.uri.path(), &answer.headers);
        }
        if ended.was_sent {
            self.attempts += 1;
        }
        self.was_ambiguous |= ended.was_repeated;
        if let (Some(hooks), Ok(answer)) = (hooks, &ended.result) {
            Box::pin(self.tell_response(hooks, answer, elapsed)).await?;
        }
        match ended.result {
            Ok(answer) => self.judge(answer),
            Err(failure) => Ok(Step::Failed(failure)),
        }
    }

    /// How long to wait before the next attempt, where the server does not say.
    pub(super) fn backoff(&self) -> Duration {
        let first = self.shared().settings.retry_delay;
        let backoff = Backoff::new(first, Duration::from_secs(20).max(first));
        backoff.delay(self.retries, fastrand::f64())
    }

    fn judge(&mut self, answer: Answer) -> Result<Step> {
        let status = answer.status;
        if self.is_refused(&answer) && self.may_renew() {
            self.was_refreshed = true;
            return Ok(Step::Refused);
        }
        if is_redirect(status) {
            return match self.call.is_unredirected {
                true => Ok(Step::Done(answer)),
                false => self.redirect(&answer),
            };
        }
        let Some(class) = AttemptClass::of_status(status) else {
            return Ok(Step::Done(answer));
        };
        let error = Error::from_response(status, &answer.headers, &answer.body);
        Ok(Step::Failed(Failure { class, error }))
    }

    /// Whether this call has not yet tried another credential, or only one that was refreshed, where a login may still help. Not
    /// where an attempt before, which a layer has made, may have been carried out: that this one was not does not undo it.
    fn may_renew(&mut self) -> bool {
        let is_repeatable = self.call.is_repeatable();
        let class = AttemptClass::Ambiguous;
        if self.was_ambiguous
            && verdict(&self.outgoing.method, class, is_repeatable) != Verdict::Resend
        {
            return false;
        }
        // What comes may be refreshed once more, by a call that had begun that before: the fetch after it is a login.
        let is_refreshed = self.issued.as_ref().is_some_and(Issued::is_refreshed);
        self.wants_login = self.was_refreshed && is_refreshed;
        !self.was_refreshed || is_refreshed
    }

    /// Whether another credential may help: the server turned the request down for this one, and did nothing.
    fn is_refused(&self, answer: &Answer) -> bool {
        let auth = &self.client.identity.auth;
        match auth.sign_in() {
            Some(sign_in) => {
                sign_in.is_needed(self.issued.as_ref(), self.outgoing.uri.path(), answer)
            }
            None => answer.status == StatusCode::UNAUTHORIZED && auth.can_refresh(),
        }
    }

    fn session(&self) -> Option<&Session> {
        self.issued.as_ref()?.session()
    }

    /// Puts what a session has by now into the request.
    fn dress(&mut self) {
        let Some(session) = self.issued.as_ref().and_then(Issued::session) else {
            return;
        };
        let kept = self.client.identity.built.get();
        let own = self.call.headers.get(COOKIE);
        let own = own.or_else(|| kept.and_then(|headers| headers.get(COOKIE)));
        let Outgoing {
            method,
            uri,
            headers,
            ..
        } = &mut self.outgoing;
        session.dress(headers.to_mut(), own, method, uri.path());
    }

    fn redirect(&mut self, answer: &Answer) -> Result<Step> {
        // After a 303 the write is likely to have been done: it shows where to see the result. So does many a 302.
        let may_be_done = !self.outgoing.method.is_safe()
            && match answer.status {
                StatusCode::SEE_OTHER => true,
                StatusCode::FOUND => !is_about_slash(&self.outgoing.uri, &answer.headers),
                _ => false,
            };
        let explain = |why: Error| {
            let error = Error::from_response(answer.status, &answer.headers, &Bytes::new())
                .with_message(why.message().to_owned())
                .with_outcome_unknown(may_be_done);
            match may_be_done {
                true => error.with_context("the write may have been carried out before that: look before you send it again"),
                false => error,
            }
        };
        if !self.shared().settings.follow_redirects {
            return Err(explain(Error::new(
                ErrorKind::Redirect,
                "the server redirects, and the client is set not to follow redirects",
            )));
        }
        let Outgoing { method, uri, .. } = &self.outgoing;
        let to = target(
            &self.shared().base,
            method,
            uri,
            answer.status,
            &answer.headers,
            self.call.stays,
        )
        .map_err(explain)?;
        self.hops += 1;
        if self.hops > MAX_HOPS {
            return Err(explain(Error::new(
                ErrorKind::Redirect,
                format!("the server redirects more than {MAX_HOPS} times"),
            )));
        }
        self.outgoing.uri = to;
        Ok(Step::Again)
    }

    /// Fetches a credential, or another one in the place of that which was refused.
    async fn fetch_credential(&mut self) -> Result<()> {
        let refused = self.issued.take();
        let Identity { auth, hooks, .. } = &*self.client.identity;
        let next = auth.credential(refused.as_ref(), self.wants_login, hooks.as_ref());
        let issued = self.within(next).await;
        let issued =
            issued.map_err(|error| error.with_context("while waiting for credentials"))??;
        self.authorize(issued)
    }

    /// Puts the credential into the request, unless the call or the caller's own headers bring that header.
    fn authorize(&mut self, issued: Option<Issued>) -> Result<()> {
        if let Some(credential) = issued.as_ref().and_then(|issued| issued.proof.credential()) {
            let (name, value) = credential.to_header()?;
            let brought = [&self.call.headers, &self.client.identity.headers];
            if !brought.iter().any(|headers| headers.contains_key(&name)) {
                self.outgoing.headers.to_mut().insert(name, value);
            }
        }
        self.issued = issued;
        Ok(())
    }

    /// One attempt, after waiting for its turn.
    pub(super) async fn attempt(&self, outgoing: &Outgoing<'_>) -> Result<(Ended, Duration)> {
        let shared = self.shared();
        let (pool, under_way) = shared.pool_for_request();
        let admission = self.admit(&pool).await?;
        let Admission {
            lead,
            place,
            permit,
            pass,
        } = admission;
        let settings = &shared.settings;
        let now = Instant::now();
        let repeatable = outgoing.method.is_idempotent() || self.call.is_repeatable();
        let anew = pool.rests().before_request(now, repeatable) || self.was_renewed;
        let own = now
            .checked_add(settings.attempt_timeout)
            .unwrap_or(self.deadline);
        let limits = Limits {
            time: if own < self.deadline {
                settings.attempt_timeout
            } else {
                self.limit
            },
            until: own.min(self.deadline),
            size: settings.max_response_size,
            compression: settings.compression,
        };
        let route = Route {
            pool,
            layers: shared.layers.clone(),
            base: &shared.base,
            tally: self.tally(),
            anew,
        };
        let span = trace::request(
            &outgoing.method,
            &self.call.path,
            &outgoing.uri,
            &shared.base,
            self.attempts,
        );
        // On the heap from the start, as the call itself is.
        let attempt = Box::pin(attempt(route, outgoing, limits, lead));
        let ended = attempt.instrument(span.clone()).await;
        match &ended.result {
            Ok(answer) => {
                trace::answered(&span, answer.status);
                self.pace(answer, &pass);
            }
            Err(failure) => trace::fail(&span, &failure.error),
        }
        drop((place, permit, under_way));
        Ok((ended, now.elapsed()))
    }

    fn tally(&self) -> Tally {
        Tally::new(&self.shared().counters, &self.call.interest)
    }

    /// Waits for `future`, but not beyond the deadline of the call.
    pub(super) async fn within<T>(&self, future: impl Future<Output = T>) -> Result<T> {
        tokio::time::timeout_at(self.deadline, future)
            .await
            .map_err(|_| Failure::timeout(self.limit, false).error)
    }

    /// Decides whether the request is sent again, and waits until then. The error is what the call fails with.
    async fn prepare_retry(&mut self, failure: Failure) -> Result<()> {
        let was_rested = failure.is_of_rested_connection();
        let Failure { class, error } = failure;
        self.was_ambiguous |= class == AttemptClass::Ambiguous;
        // What may have arrived once is not undone by a later request that did not.
        let class = match class {
            AttemptClass::NotSent | AttemptClass::Refused if self.was_ambiguous => {
                AttemptClass::Ambiguous
            }
            _ if self.is_under_way(&error) => AttemptClass::Refused,
            class => class,
        };
        let settings = &self.shared().settings;
        match verdict(&self.outgoing.method, class, self.call.is_repeatable()) {
            Verdict::Resend => {}
            Verdict::Fail => return Err(error),
            Verdict::OutcomeUnknown => return Err(error.with_outcome_unknown(true)),
        }
        if self.retries >= settings.max_retries {
            return Err(error);
        }
        if was_rested && !self.was_renewed {
            // That the server closes idle connections says nothing of how it is: there is nothing to wait for.
            self.was_renewed = true;
            self.tell_retry(&error, Duration::ZERO).await?;
            self.retries += 1;
            self.tally().retry();
            return Ok(());
        }
        let wait = error.retry_after().unwrap_or_else(|| self.backoff());
        let now = Instant::now();
        if wait > MAX_WAIT
            || now
                .checked_add(wait)
                .is_none_or(|then| then >= self.deadline)
        {
            return Err(error);
        }
        let cost = match error.kind() {
            ErrorKind::Throttled => RetryCost::Throttled,
            _ => RetryCost::Transient,
        };
        if !self.shared().budget.withdraw(cost) {
            return Err(error.with_context(
                "too many requests to this server are failing, so it was not retried",
            ));
        }
        self.tell_retry(&error, wait).await?;
        tokio::time::sleep_until(now + wait).await;
        self.retries += 1;
        self.last_retry = Some(cost);
        self.tally().retry();
        Ok(())
    }

    /// Whether the server refuses the repetition of a write with a key, because it is still at work on the first: by a 409,
    /// as the draft of the header `Idempotency-Key` has it.
    fn is_under_way(&self, error: &Error) -> bool {
        self.was_ambiguous && self.call.is_keyed() && error.status() == Some(StatusCode::CONFLICT)
    }

    /// Whether the caller must be told that the write may have been done.
    fn outcome_is_unknown(&self, error: &Error) -> bool {
        // A write guarded by `If-Match` changes what it matches: when its repetition does not match any more, the
        // first may be the reason. When the row is gone, it may have been changed before that; with a key the server would say so.
        let is_gone = error.kind() == ErrorKind::NotFound
            && self.outgoing.method != Method::DELETE
            && !self.call.is_keyed();
        let was_guarded = self.was_ambiguous
            && self.call.is_repeatable()
            && !self.outgoing.method.is_safe()
            && (is_gone || error.kind() == ErrorKind::PreconditionFailed);
        let was_guarded = was_guarded || self.is_under_way(error);
        let is_write = !self.outgoing.method.is_safe();
        // A success whose body did not come whole, or cannot be read, is none: but the write is done.
        let was_done = is_write && error.status().is_some_and(|status| status.is_success());
        let was_lost =
            is_write && self.was_ambiguous && error.status().is_none_or(tells_nothing_of_before);
        error.is_outcome_unknown() || was_guarded || was_done || was_lost
    }
}

/// Whether an answer leaves open what has become of an earlier attempt that may have arrived: the server failed, or
/// somebody refused the request before it was looked at.
fn tells_nothing_of_before(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS
        )
}

/// Says that the outcome is unknown: an answer of the server keeps its kind, also one that cannot be read; a broken exchange
/// becomes [`ErrorKind::OutcomeUnknown`].
fn unknown(error: Error) -> Error {
    let is_broken = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout);
    let is_answer = error
        .status()
        .is_some_and(|status| !(status.is_success() && is_broken));
    if is_answer || error.kind() == ErrorKind::OutcomeUnknown {
        error.with_outcome_unknown(true)
    } else {
        Error::outcome_unknown(error)
    }
}
