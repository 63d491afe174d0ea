//! Walks: the rows of a query batch by batch, for iterators that do not keep what they have handed out.

use std::{
    mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use django_api_orm::{
    Error, Result, ServiceClient,
    engine::{KeysetWalk, Walk as Rows},
};
use pyo3::prelude::*;

use crate::{
    ask::Asker,
    client::Shared,
    failure,
    lane::{Driver, Lane},
    notice,
    operation::{Finished, Name, Operation, Outcome, Payload},
};

/// A walk of either kind.
pub(crate) enum Steps {
    Pages(Rows),
    Keys(KeysetWalk),
}

impl Steps {
    /// Nobody attends between two steps, so that a hook would not hear of a page that is read ahead before its time is over.
    fn one_by_one(self) -> Self {
        match self {
            Self::Pages(walk) => Self::Pages(walk.one_by_one()),
            // It reads nothing ahead.
            Self::Keys(walk) => Self::Keys(walk),
        }
    }

    /// Whether pages are under way that nobody waits for yet.
    fn reads_ahead(&self) -> bool {
        match self {
            Self::Pages(walk) => walk.reads_ahead(),
            Self::Keys(_) => false,
        }
    }

    async fn next(&mut self) -> Result<Payload> {
        Ok(Payload::Rows(match self {
            Self::Pages(walk) => walk.next().await?,
            Self::Keys(walk) => walk.next().await?,
        }))
    }
}

type Begin = Box<dyn FnOnce(&ServiceClient) -> Steps + Send>;

/// A walk that has begun stays on the runtime where it began.
enum State {
    Fresh(Begin),
    Going(Box<Steps>),
    /// A step is under way, or was dropped in the middle.
    Taken,
    Over,
}

/// The lane of a synchronous walk between two steps, and what drives it meanwhile where pages are under way.
struct Held {
    driver: Option<Driver>,
    lane: Lane,
}

/// The rows of a query, batch by batch.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Walk {
    client: Arc<Shared>,
    state: Arc<tokio::sync::Mutex<State>>,
    asker: Option<Asker>,
    held: Mutex<Option<Held>>,
    name: Name,
    /// The process that began it.
    pid: u32,
}

impl Walk {
    pub(crate) fn new(
        client: &Arc<Shared>,
        name: Name,
        begin: impl FnOnce(&ServiceClient) -> Steps + Send + 'static,
    ) -> Self {
        let asker = client.asker();
        let is_told = asker.as_ref().is_some_and(Asker::tells);
        let begin = move |client: &ServiceClient| {
            let steps = begin(client);
            if is_told { steps.one_by_one() } else { steps }
        };
        Self {
            client: Arc::clone(client),
            asker,
            name,
            state: Arc::new(tokio::sync::Mutex::new(State::Fresh(Box::new(begin)))),
            held: Mutex::new(None),
            pid: process::id(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to continue in a child after `fork`: the next pages are on connections of the parent.
    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.pid == process::id() {
            return Ok(());
        }
        let error = Error::invalid_request(
            "this iteration began before `fork`, in another process: start a new one",
        );
        Err(failure::raised(py, &error))
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        // In a child after `fork`: a thread of the parent may have held a lock of what is under way.
        if self.pid != process::id() {
            mem::forget(Arc::clone(&self.state));
            let held = self.held.get_mut();
            mem::forget(held.unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// Whether pages are under way between two steps.
fn reads_ahead(state: &tokio::sync::Mutex<State>) -> bool {
    let state = state.try_lock();
    state.is_ok_and(|state| matches!(&*state, State::Going(steps) if steps.reads_ahead()))
}

async fn step(state: Arc<tokio::sync::Mutex<State>>, client: ServiceClient) -> Result<Payload> {
    let mut state = state.lock().await;
    let mut steps = match mem::replace(&mut *state, State::Taken) {
        State::Fresh(begin) => Box::new(begin(&client)),
        State::Going(steps) => steps,
        // If this future was dropped in the middle, rows may be lost: that must not look like the end.
        State::Taken => {
            return Err(Error::runtime(
                "this iteration was interrupted, so rows may be missing: start a new one",
            ));
        }
        State::Over => {
            *state = State::Over;
            return Ok(Payload::Rows(None));
        }
    };
    let rows = steps.next().await;
    *state = match &rows {
        Ok(Payload::Rows(Some(_))) => State::Going(steps),
        _ => State::Over,
    };
    rows
}

#[pymethods]
impl Walk {
    /// As `Operation.listener`.
    #[getter]
    fn listener<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.asker.as_ref()?.listener(py)
    }

    /// As `Operation.name`.
    #[getter]
    fn name(&self) -> (&str, &str) {
        (self.name.0.name(), self.name.1)
    }

    /// The operation that gives the next batch, for an event loop. `None` as its value ends the walk.
    fn next(&self, py: Python<'_>) -> PyResult<Operation> {
        self.check_process(py)?;
        let state = Arc::clone(&self.state);
        let asker = self.asker.clone();
        Ok(
            Operation::asking(&self.client, asker, false, move |client| {
                step(state, client)
            })
            .named(self.name.clone()),
        )
    }

    /// The next batch on the calling thread: as `Operation.run`. Between two steps a thread of the engine goes on with the
    /// pages that are under way.
    fn run<'py>(&self, py: Python<'py>) -> PyResult<Finished<'py>> {
        self.check_process(py)?;
        let taken = self.held().take();
        let Held { lane, driver } = match taken {
            Some(held) => held,
            None => Held {
                lane: self
                    .client
                    .lane()
                    .map_err(|error| failure::raised(py, &error))?,
                driver: None,
            },
        };
        let client = self.client.on_lane(&lane, self.asker.as_ref());
        let client = client.map_err(|error| failure::raised(py, &error))?;
        let work = notice::listening(step(Arc::clone(&self.state), client));
        let (result, notices) = match &self.asker {
            None => lane.drive(py, work)?,
            Some(asker) => {
                asker.check(py)?;
                asker.drive(py, &lane, work)?
            }
        };
        let is_over = !matches!(result, Ok(Payload::Rows(Some(_))));
        if is_over {
            drop(driver);
            self.client.give_back(lane);
        } else {
            let driver = driver.or_else(|| reads_ahead(&self.state).then(|| lane.driver())?);
            *self.held() = Some(Held { driver, lane });
        }
        Outcome {
            result: result.map_err(Arc::new),
            notices,
        }
        .finish(py)
    }
}
