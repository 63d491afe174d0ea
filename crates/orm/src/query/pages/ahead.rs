//! Pages that are fetched before they are asked for: in parallel, handed over in order, given up when dropped.

use std::{collections::VecDeque, panic::resume_unwind};

use django_api_orm_core::{Error, Result, page::Page};
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::Instrument;

use super::{ask::Ask, pairs::sorted};
use crate::query::Collection;

/// Requests under way, the first one first.
///
/// Each runs as a task, so that a caller who takes long over a page neither stalls the next one nor lets it time out.
#[derive(Debug, Default)]
pub(super) struct Ahead(VecDeque<Flight>);

#[derive(Debug)]
struct Flight {
    ask: Ask,
    task: Task,
}

/// A task that ends when nobody waits for it any more.
#[derive(Debug)]
struct Task(JoinHandle<Result<Page>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ahead {
    /// Sends a request.
    pub(super) fn push(&mut self, collection: &Collection, ask: Ask) -> Result<()> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::runtime("pages are read on a tokio runtime").with_source(error)
        })?;
        let (collection, query) = (collection.clone(), ask.query.clone());
        let fetch = async move { collection.page(&query).await };
        let task = Task(runtime.spawn(fetch.in_current_span()));
        self.0.push_back(Flight { ask, task });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was asked last.
    pub(super) fn last(&self) -> Option<&Ask> {
        self.0.back().map(|flight| &flight.ask)
    }

    /// Whether the next page under way is the one that `ask` means; if so, it takes over what is known of its place.
    /// `None` when nothing is under way.
    pub(super) fn agrees_with(&mut self, ask: &Ask) -> Option<bool> {
        let flight = self.0.front_mut()?;
        let agrees = sorted(&flight.ask.query) == sorted(&ask.query);
        if agrees {
            flight.ask.clone_from(ask);
        }
        Some(agrees)
    }

    /// Gives up what is under way.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Waits for the next page; `None` when nothing is under way.
    pub(super) async fn next(&mut self) -> Option<(Ask, Result<Page>)> {
        // It stays in the queue until it is there: a caller may give up waiting and come again.
        let flight = self.0.front_mut()?;
        let page = match (&mut flight.task.0).await {
            Ok(page) => page,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(
                Error::runtime("the runtime was shut down while pages were read")
                    .with_source(error),
            ),
        };
        let flight = self.0.pop_front()?;
        Some((flight.ask, page))
    }
}
