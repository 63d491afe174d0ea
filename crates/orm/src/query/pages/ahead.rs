//! Pages that are fetched before they are asked for: in parallel, handed over in order, given up when dropped.

use std::{collections::VecDeque, mem, panic::resume_unwind};

use django_api_orm_core::{
    Error, ErrorKind, Result,
    page::Page,
    paginator::{Ask, sorted},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinHandle, yield_now},
};
use tracing::Instrument;

use crate::{
    client::{ApiResponse, Interest},
    query::Collection,
};

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
    /// The caller wants all pages, and does nothing between them.
    is_collected: bool,
    /// A request was begun, and has had no turn to be sent.
    has_begun: bool,
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
    page: JoinHandle<Result<Came>>,
    interest: Interest,
}

/// What a task brings.
#[derive(Debug)]
enum Came {
    Page(Page),
    Answer(ApiResponse),
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
            is_collected: false,
            has_begun: false,
        }
    }

    /// The caller does nothing between two pages.
    pub(super) fn collect(&mut self) {
        self.is_collected = true;
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
        // With one thread, to read the pages that have come together would hold up the next requests: so each is read when it is its
        // turn. With several threads, or where the caller is busy meanwhile, they are read at the same time.
        let is_read_later =
            self.is_collected && runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let fetch = async move {
            let answer = collection.answer_while(&query, &waited_for).await?;
            match is_read_later {
                true => Ok(Came::Answer(answer)),
                false => collection.page_in(&answer, &query).map(Came::Page),
            }
        };
        let task = Task {
            page: runtime.spawn(fetch.in_current_span()),
            interest,
        };
        self.flights.push_back(Flight { ask, task });
        self.has_begun = is_read_later;
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
    pub(super) async fn next(
        &mut self,
        collection: &Collection,
    ) -> Option<(Ask, Option<Result<Page>>)> {
        if mem::take(&mut self.has_begun) {
            yield_now().await;
        }
        // It stays in the queue until it is there: a caller may give up waiting and come again.
        let flight = self.flights.front_mut()?;
        let came_before = flight.task.page.is_finished();
        let page = match (&mut flight.task.page).await {
            Ok(Ok(Came::Answer(answer))) => collection.page_in(&answer, &flight.ask.query),
            Ok(Ok(Came::Page(page))) => Ok(page),
            Ok(Err(error)) => Err(error),
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
