//! What a request waits for before it is sent, within the time of its call: the end of a pause that the server has asked for, a
//! place among the requests under way, and its turn where the program limits the rate.

use std::{sync::Arc, time::SystemTime};

use django_api_orm_core::{Error, Result, retry::retry_after};
use http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::Shared;
use super::attempt::Answer;
use super::exchange::Exchange;
use super::pause::Pass;
use super::pool::{Pool, Turn};
use super::settings::Settings;

/// What a request holds that may be sent.
pub(super) struct Admission<'a> {
    /// Dropped as soon as there is a connection that others can share.
    pub(super) lead: Option<watch::Sender<()>>,
    /// Nothing over HTTP/2, whose requests share a connection.
    pub(super) place: Option<SemaphorePermit<'a>>,
    /// Nothing where the program sets no limit.
    pub(super) permit: Option<SemaphorePermit<'a>>,
    pub(super) pass: Pass,
}

/// The places of a client whose requests under way are limited, whatever connections they take.
pub(super) fn concurrency(settings: &Settings) -> Option<Arc<Semaphore>> {
    let requests = settings.max_concurrent_requests?;
    Some(Arc::new(Semaphore::new(
        requests.min(Semaphore::MAX_PERMITS),
    )))
}

impl Exchange<'_> {
    /// Waits until the request may be sent over a connection of `pool`.
    pub(super) async fn admit(&self, pool: &Pool) -> Result<Admission<'_>> {
        let shared = self.shared();
        loop {
            let pass = if shared.pauses.are_none() {
                Pass::default()
            } else {
                self.pass().await?
            };
            let permit = match &shared.concurrency {
                None => None,
                Some(places) => Some(self.place(places).await?),
            };
            let mut lead = None;
            match pool.turn() {
                Turn::Free => {}
                Turn::Lead(sender) => lead = Some(sender),
                Turn::Wait(mut done) => {
                    // An error says that the sender is gone, which is what is waited for.
                    let _ = Box::pin(self.within(done.changed())).await?;
                }
            }
            let place = if pool.open().http2() > 0 {
                None
            } else {
                Some(self.place(&shared.places).await?)
            };
            let turn = match &shared.rate {
                None => None,
                Some(rate) => Some(Box::pin(rate.turn(self.deadline)).await?),
            };
            // A pause may have begun meanwhile.
            if shared.pauses.are_none() || self.may_pass(&pass) {
                if let Some(turn) = turn {
                    turn.spend();
                }
                return Ok(Admission {
                    lead,
                    place,
                    permit,
                    pass,
                });
            }
        }
    }

    /// Waits for one of so many places.
    async fn place<'a>(&self, places: &'a Semaphore) -> Result<SemaphorePermit<'a>> {
        if let Ok(place) = places.try_acquire() {
            return Ok(place);
        }
        let place = Box::pin(self.within(places.acquire())).await?;
        place.map_err(|_| Error::runtime("the client does not let requests through any more"))
    }

    /// Waits until the pauses are over that the request would meet.
    pub(super) async fn rest(&self) -> Result<()> {
        if !self.shared().pauses.are_none() {
            self.pass().await?;
        }
        Ok(())
    }

    async fn pass(&self) -> Result<Pass> {
        let (identity, path) = (&self.client.identity, &self.call.path);
        let route = path.template();
        let pass = (self.shared().pauses).pass(identity, &route, self.deadline);
        Box::pin(self.within(pass)).await?
    }

    fn may_pass(&self, pass: &Pass) -> bool {
        let (identity, path) = (&self.client.identity, &self.call.path);
        (self.shared().pauses).let_through(identity, &path.template(), pass)
    }

    /// Notes whether the answer asks to wait, or lets others follow.
    pub(super) fn pace(&self, answer: &Answer, pass: &Pass) {
        let Shared {
            pauses, settings, ..
        } = self.shared();
        let is_telling = matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if is_telling && settings.max_retries > 0 {
            let asked = retry_after(&answer.headers, SystemTime::now());
            if let Some(who) = pauses.told(&self.client.identity, answer.status, asked) {
                let wait = asked.unwrap_or_else(|| self.backoff());
                pauses.begin(who, &self.call.path.template(), wait);
                return;
            }
        }
        pass.answered();
    }
}
