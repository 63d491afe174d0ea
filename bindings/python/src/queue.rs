//! The completion queue of one event loop. Tasks put their outcomes in and never touch Python; the loop's thread takes them
//! out, many at a time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::{
    failure,
    notice::Notice,
    operation::{Operation, Outcome, lost},
    runtime,
    wake::Wake,
};

struct Shared {
    finished: Mutex<Finished>,
    /// For a loop that cannot watch a file descriptor.
    filled: Condvar,
    wake: Wake,
}

#[derive(Default)]
struct Finished {
    outcomes: Vec<(u64, Outcome)>,
    closed: bool,
}

impl Shared {
    fn post(&self, token: u64, outcome: Outcome) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = finished.outcomes.is_empty();
        finished.outcomes.push((token, outcome));
        drop(finished);
        if was_empty {
            self.wake.set();
            self.filled.notify_all();
        }
    }
}

/// Posts the outcome or, if the task panics, an error, so that nobody waits forever.
struct Post {
    shared: Arc<Shared>,
    token: u64,
    done: bool,
}

impl Post {
    fn outcome(mut self, outcome: Outcome) {
        self.done = true;
        self.shared.post(self.token, outcome);
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        // A task that was aborted has nobody waiting.
        if !self.done && std::thread::panicking() {
            self.shared.post(self.token, lost());
        }
    }
}

/// The queue of one event loop.
#[pyclass(frozen, weakref, module = "django_api_orm._engine")]
pub(crate) struct Queue {
    shared: Arc<Shared>,
    tasks: Mutex<HashMap<u64, AbortHandle>>,
    next: AtomicU64,
}

/// `(token, succeeded, value or exception, warnings)`.
type Completion<'py> = (u64, bool, Bound<'py, PyAny>, Vec<Notice>);

#[pymethods]
impl Queue {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                finished: Mutex::default(),
                filled: Condvar::new(),
                wake: Wake::new()?,
            }),
            tasks: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// The descriptor that is readable when something has finished; `None` where the system has none.
    fn fileno(&self) -> Option<i32> {
        self.shared.wake.fileno()
    }

    /// Starts the operation; gives its token.
    fn start(&self, py: Python<'_>, operation: &Operation) -> PyResult<u64> {
        let client = operation
            .client
            .for_loops()
            .map_err(|error| failure::raised(py, &error))?;
        let work = operation.begin(client)?;
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let post = Post {
            shared: Arc::clone(&self.shared),
            token,
            done: false,
        };
        let task = runtime::background()?.spawn(async move {
            let outcome = work.await;
            post.outcome(outcome);
        });
        self.tasks().insert(token, task.abort_handle());
        Ok(token)
    }

    /// Aborts the operation: its request is dropped, and the connection with it.
    fn cancel(&self, token: u64) {
        if let Some(task) = self.tasks().remove(&token) {
            task.abort();
        }
    }

    /// Takes out what has finished. What was cancelled is left out.
    fn drain<'py>(&self, py: Python<'py>) -> Vec<Completion<'py>> {
        self.shared.wake.clear();
        let outcomes = std::mem::take(
            &mut self
                .shared
                .finished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .outcomes,
        );
        let mut completions = Vec::with_capacity(outcomes.len());
        for (token, outcome) in outcomes {
            if self.tasks().remove(&token).is_none() {
                continue;
            }
            // One that cannot be handed over is an exception of its own caller: the others wait for their outcomes.
            let (succeeded, value, notices) = outcome.finish(py).unwrap_or_else(|failed| {
                (
                    false,
                    failed.into_value(py).into_bound(py).into_any(),
                    Vec::new(),
                )
            });
            completions.push((token, succeeded, value, notices));
        }
        completions
    }

    /// Waits until something has finished; false once the queue is closed. For loops that cannot watch a descriptor.
    fn wait(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let finished = self
                .shared
                .finished
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let finished = self
                .shared
                .filled
                .wait_while(finished, |finished| {
                    finished.outcomes.is_empty() && !finished.closed
                })
                .unwrap_or_else(PoisonError::into_inner);
            !finished.closed
        })
    }

    /// Ends `wait`, and every operation under way.
    fn close(&self) {
        self.shared
            .finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.shared.filled.notify_all();
        for (_, task) in self.tasks().drain() {
            task.abort();
        }
    }
}

impl Queue {
    fn tasks(&self) -> std::sync::MutexGuard<'_, HashMap<u64, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
