//! Pages that are fetched before they are asked for: in parallel, handed over in order, given up when dropped.

use std::{collections::VecDeque, panic::resume_unwind};

use django_api_orm_core::{
    Error, ErrorKind, Result,
    page::Page,
    paginator::{Ask, sorted},
};
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::Instrument;

use crate::{client::Interest, query::Collection};

/// Requests under way, the first one first.
///
/// Each runs as a task, so that a caller who takes long over a page neither stalls the next one nor lets it time out.
#[derive(Debug)]
pub(super) struct Ahead {
    flights: VecDeque<Flight>,
    /// So many at once; none where nobody knows how many pages are needed.
    most: usize,
    /// Pages have come as they were counted on.
    counting_on: bool,
}

#[derive(Debug)]
struct Flight {
    ask: Ask,
    task: Task,
}

/// A task that ends when nobody waits for it any more. Aborting it does not wait until it has ended, so its request is
/// disowned first: what it does in the meantime is not counted.
#[derive(Debug)]
struct Task {
    page: JoinHandle<Result<Page>>,
    interest: Interest,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.interest.end();
        self.page.abort();
    }
}

impl Ahead {
    /// So many requests at once; one at a time is nothing ahead.
    pub(super) fn new(read_ahead: usize) -> Self {
        Self {
            flights: VecDeque::new(),
            most: if read_ahead > 1 { read_ahead } else { 0 },
            counting_on: true,
        }
    }

    /// Sends nothing ahead any more.
    pub(super) fn stop(&mut self) {
        self.most = 0;
    }

    /// Whether another request may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.flights.len() < self.most
    }

    /// Sends a request.
    pub(super) fn push(&mut self, collection: &Collection, ask: Ask) -> Result<()> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::runtime("pages can be read only on a tokio runtime").with_source(error)
        })?;
        let (collection, query) = (collection.clone(), ask.query.clone());
        let interest = Interest::new();
        let waited_for = interest.clone();
        let fetch = async move { collection.page_while(&query, &waited_for).await };
        let task = Task {
            page: runtime.spawn(fetch.in_current_span()),
            interest,
        };
        self.flights.push_back(Flight { ask, task });
        Ok(())
    }

    /// What was asked last, unless pages have come otherwise than they were counted on.
    pub(super) fn last_to_count_on(&self) -> Option<&Ask> {
        let last = self.flights.back().filter(|_| self.counting_on)?;
        Some(&last.ask)
    }

    /// Whether the next page under way is the one that `ask` means; if so, it takes over what is known of its place. If it
    /// is another one, the pages are not what they were thought to be, and all that is under way is given up.
    pub(super) fn meets(&mut self, ask: &Ask) -> bool {
        let Some(flight) = self.flights.front_mut() else {
            return false;
        };
        if sorted(&flight.ask.query) == sorted(&ask.query) {
            flight.ask.clone_from(ask);
            return true;
        }
        self.counting_on = false;
        self.clear();
        false
    }

    /// Gives up what is under way.
    pub(super) fn clear(&mut self) {
        self.flights.clear();
    }

    /// Whether a request is under way.
    pub(super) fn is_under_way(&self) -> bool {
        !self.flights.is_empty()
    }

    /// Waits for the next page; `None` when nothing is under way. There is no page where its time was over before anybody
    /// waited for it.
    pub(super) async fn next(&mut self) -> Option<(Ask, Option<Result<Page>>)> {
        // It stays in the queue until it is there: a caller may give up waiting and come again.
        let flight = self.flights.front_mut()?;
        let came_before = flight.task.page.is_finished();
        let page = match (&mut flight.task.page).await {
            Ok(page) => page,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(
                Error::runtime("the runtime was shut down while pages were read")
                    .with_source(error),
            ),
        };
        let flight = self.flights.pop_front()?;
        let timed_out = matches!(&page, Err(error) if error.kind() == ErrorKind::Timeout);
        Some((flight.ask, (!came_before || !timed_out).then_some(page)))
    }
}
