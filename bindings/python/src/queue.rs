//! The two queues of one event loop: what it has begun and the engine has not taken yet, and what has finished. The engine's
//! thread never touches Python. Each side takes out everything that is there, so a turn of the loop wakes the engine once or
//! twice, however many operations it begins, and is woken once for all that have finished. The engine looks again until nothing has
//! been begun: it sends the first requests of a turn while the loop still begins the others.

use std::{
    collections::HashMap,
    future::poll_fn,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Poll,
};

use django_api_orm::ServiceClient;
use pyo3::{prelude::*, types::PyTuple};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    ask::{Ask, Asker},
    failure,
    notice::Notice,
    operation::{Begin, Operation, Outcome, Payload, lost},
    runtime,
    together::{self, AsksForRow, Group, Single, grouped},
    wake::Wake,
};

struct Shared {
    begun: Mutex<Beginning>,
    /// What somebody waits for. One that is cancelled is not in here any more.
    tasks: Mutex<HashMap<u64, Task>>,
    finished: Mutex<Finished>,
    /// For a loop that cannot watch a file descriptor.
    filled: Condvar,
    /// Whether there is such a loop: to tell it takes a call of the system.
    is_waited_for: AtomicBool,
    wake: Wake,
}

/// What has been begun and not taken.
#[derive(Default)]
struct Beginning {
    waiting: Vec<Begun>,
    /// Some of it may be read together with what else this turn of the loop begins.
    waits_for_turn: bool,
    /// The loop has been asked to call `flush`.
    is_flush_due: bool,
    /// The engine is awake, and will look whether there is more.
    is_looked_at: bool,
}

impl Beginning {
    /// What the engine may take now; it does not look again after nothing.
    fn take(&mut self) -> Vec<Begun> {
        if self.waits_for_turn {
            self.is_looked_at = false;
            return Vec::new();
        }
        let begun = mem::take(&mut self.waiting);
        self.is_looked_at = !begun.is_empty();
        begun
    }
}

/// What has been begun.
struct Begun {
    token: u64,
    client: ServiceClient,
    begin: Begin,
    /// How the work asks the token provider.
    asker: Option<Asker>,
    /// The row that it reads and no more, where that may be read together with others.
    single: Option<Arc<Single>>,
}

impl AsksForRow for Begun {
    fn single(&self) -> Option<(&Arc<Single>, &ServiceClient)> {
        self.single.as_ref().map(|single| (single, &self.client))
    }
}

enum Task {
    /// The engine has not taken it yet.
    Begun,
    Running(AbortHandle),
    /// With others, which go on where this one is cancelled.
    Together(Arc<Sharing>),
}

impl Task {
    /// It is not waited for any more.
    fn give_up(self) {
        match self {
            Self::Begun => {}
            Self::Running(task) => task.abort(),
            Self::Together(sharing) => {
                if sharing.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
                    sharing.task.abort();
                }
            }
        }
    }
}

/// A task whose requests are those of several operations.
struct Sharing {
    task: AbortHandle,
    /// How many of them are waited for.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Finished {
    outcomes: Vec<(u64, Posted)>,
    closed: bool,
}

/// What the loop is told.
#[allow(clippy::large_enum_variant)] // Nearly all that is posted are outcomes.
enum Posted {
    Outcome(Outcome),
    /// The operation goes on when this is answered.
    Asked(Ask),
}

impl Shared {
    fn tasks(&self) -> MutexGuard<'_, HashMap<u64, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> MutexGuard<'_, Beginning> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On the engine's thread: makes tasks of what has been begun, until there is nothing more.
    async fn take_begun(self: Arc<Self>) {
        loop {
            let mut begun = self.begun().take();
            if begun.is_empty() {
                return;
            }
            begun.retain(|begun| self.tasks().contains_key(&begun.token));
            for group in grouped(begun) {
                self.spawn_group(group);
            }
            after_what_is_ready().await;
        }
    }

    /// On the engine's thread: makes a task of what somebody still waits for.
    fn spawn(self: &Arc<Self>, begun: Begun) {
        let Begun {
            token,
            client,
            begin,
            asker,
            single: _,
        } = begun;
        if let Some(task) = self.tasks().get_mut(&token) {
            let post = Post::new(self, token);
            let running = tokio::spawn(async move {
                let work = Outcome::of(begin(client));
                let outcome = match asker {
                    None => work.await,
                    Some(asker) => {
                        let ask = |ask| post.shared.post(token, Posted::Asked(ask));
                        asker.attend(work, ask).await
                    }
                };
                post.outcome(outcome);
            });
            *task = Task::Running(running.abort_handle());
        }
    }

    /// On the engine's thread: makes one task of what may be read together. Where that does not bring a row, each asks by itself.
    fn spawn_group(self: &Arc<Self>, group: Group<Begun>) {
        let Group { keys, of } = group;
        let first = of.first().and_then(AsksForRow::single);
        let first = first.map(|(single, client)| (Arc::clone(single), client.clone()));
        let (Some((single, client)), 2..) = (first, of.len()) else {
            for begun in of {
                self.spawn(begun);
            }
            return;
        };
        let tokens: Vec<u64> = of.iter().map(|begun| begun.token).collect();
        // What is noted of their requests is noted for the first.
        let asker = of
            .first()
            .and_then(|begun| Some((begun.asker.clone()?, begun.token)));
        let shared = Arc::clone(self);
        let running = tokio::spawn(async move {
            let posts = of.iter().map(|begun| Post::new(&shared, begun.token));
            let posts: Vec<Post> = posts.collect();
            let work = together::read(&single, &client, &keys);
            let (found, notices) = match asker {
                None => work.await,
                Some((asker, token)) => {
                    let ask = |ask| shared.post(token, Posted::Asked(ask));
                    asker.attend(work, ask).await
                }
            };
            let (found, error) = match found {
                Ok(found) => (found, None),
                Err(error) => (Vec::new(), Some(Arc::new(error))),
            };
            let mut notices = Some(notices);
            let mut found = found.into_iter();
            for (post, begun) in posts.into_iter().zip(of) {
                let result = match (&error, found.next().flatten()) {
                    (Some(error), _) => Err(Arc::clone(error)),
                    (None, Some(row)) => Ok(Payload::Row(Some(row))),
                    (None, None) => {
                        post.leave();
                        shared.spawn(begun);
                        continue;
                    }
                };
                let notices = notices.take().unwrap_or_default();
                post.outcome(Outcome { result, notices });
            }
        });
        let sharing = Arc::new(Sharing {
            task: running.abort_handle(),
            waiting: AtomicUsize::new(0),
        });
        let mut tasks = self.tasks();
        for token in tokens {
            if let Some(task) = tasks.get_mut(&token) {
                sharing.waiting.fetch_add(1, Ordering::AcqRel);
                *task = Task::Together(Arc::clone(&sharing));
            }
        }
        if sharing.waiting.load(Ordering::Acquire) == 0 {
            sharing.task.abort();
        }
    }

    fn post(self: &Arc<Self>, token: u64, posted: Posted) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = finished.outcomes.is_empty();
        finished.outcomes.push((token, posted));
        drop(finished);
        if was_empty {
            self.tell();
        }
    }

    /// Wakes the loop. The engine does so after the tasks that are ready to go on: what these finish is told with it.
    fn tell(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let wake = move || {
            shared.wake.set();
            if shared.is_waited_for.load(Ordering::SeqCst) {
                shared.filled.notify_all();
            }
        };
        match Handle::try_current() {
            Ok(engine) => drop(engine.spawn(async move { wake() })),
            Err(_) => wake(),
        }
    }
}

/// Lets the engine's tasks that are ready have their turn. They are not many: connections are read after some dozens of turns at
/// the latest. (`yield_now` would have them read each time.)
async fn after_what_is_ready() {
    let mut is_over = false;
    poll_fn(|context| {
        if mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Posts the outcome or, if the task panics, an error, so that nobody waits forever.
struct Post {
    shared: Arc<Shared>,
    token: u64,
    done: bool,
}

impl Post {
    fn new(shared: &Arc<Shared>, token: u64) -> Self {
        Self {
            shared: Arc::clone(shared),
            token,
            done: false,
        }
    }

    /// Leaves it to another task.
    fn leave(mut self) {
        self.done = true;
    }

    fn outcome(mut self, outcome: Outcome) {
        self.done = true;
        self.shared.post(self.token, Posted::Outcome(outcome));
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        // A task that was aborted has nobody waiting.
        if !self.done && std::thread::panicking() {
            self.shared.post(self.token, Posted::Outcome(lost()));
        }
    }
}

/// The queue of one event loop.
#[pyclass(frozen, weakref, module = "django_api_orm._engine")]
pub(crate) struct Queue {
    shared: Arc<Shared>,
    next: AtomicU64,
}

/// The token, and `(succeeded, value or exception, warnings)`; a question has not succeeded and not failed.
type Completion<'py> = (u64, Bound<'py, PyTuple>);

fn completion<'py>(
    py: Python<'py>,
    token: u64,
    succeeded: Option<bool>,
    value: Bound<'py, PyAny>,
    notices: Vec<Notice>,
) -> PyResult<Completion<'py>> {
    // Nearly none has warnings.
    let outcome = if notices.is_empty() {
        (succeeded, value, PyTuple::empty(py)).into_pyobject(py)?
    } else {
        (succeeded, value, notices).into_pyobject(py)?
    };
    Ok((token, outcome))
}

#[pymethods]
impl Queue {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                begun: Mutex::default(),
                tasks: Mutex::default(),
                finished: Mutex::default(),
                filled: Condvar::new(),
                is_waited_for: AtomicBool::new(false),
                wake: Wake::new()?,
            }),
            next: AtomicU64::new(0),
        })
    }

    /// The descriptor that is readable when something has finished; `None` where the system has none.
    fn fileno(&self) -> Option<i32> {
        self.shared.wake.fileno()
    }

    /// Begins the operation; gives its token, whether `flush` has to be called at the end of this turn of the loop, and whether that
    /// should wait until then.
    fn begin(&self, py: Python<'_>, operation: &Operation) -> PyResult<(u64, bool, bool)> {
        let client = operation
            .client
            .for_loops(operation.asker.as_ref())
            .map_err(|error| failure::raised(py, &error))?;
        let begin = operation.begin(py)?;
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        self.shared.tasks().insert(token, Task::Begun);
        let waits = operation.single.is_some();
        let mut begun = self.shared.begun();
        begun.waiting.push(Begun {
            token,
            client,
            begin,
            asker: operation.asker.clone(),
            single: operation.single.clone(),
        });
        begun.waits_for_turn |= waits;
        let is_due = mem::replace(&mut begun.is_flush_due, true);
        Ok((token, !is_due, waits))
    }

    /// Hands what has begun to the engine.
    fn flush(&self) -> PyResult<()> {
        let mut begun = self.shared.begun();
        begun.is_flush_due = false;
        begun.waits_for_turn = false;
        if begun.waiting.is_empty() || mem::replace(&mut begun.is_looked_at, true) {
            return Ok(());
        }
        drop(begun);
        match runtime::background() {
            Ok(engine) => {
                engine.spawn(Arc::clone(&self.shared).take_begun());
                Ok(())
            }
            Err(error) => {
                let begun = self.shared.begun().take();
                self.shared.begun().is_looked_at = false;
                for Begun { token, .. } in begun {
                    self.shared.post(token, Posted::Outcome(lost()));
                }
                Err(error.into())
            }
        }
    }

    /// Aborts the operation: its request is dropped, and the connection with it.
    fn cancel(&self, token: u64) {
        let task = self.shared.tasks().remove(&token);
        if let Some(task) = task {
            task.give_up();
        }
    }

    /// Takes out what has finished. What was cancelled is left out.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Vec<Completion<'py>>> {
        self.shared.wake.clear();
        let outcomes = mem::take(
            &mut self
                .shared
                .finished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .outcomes,
        );
        let mut completions = Vec::with_capacity(outcomes.len());
        for (token, posted) in outcomes {
            let outcome = match posted {
                Posted::Outcome(outcome) => outcome,
                Posted::Asked(ask) => {
                    if self.shared.tasks().contains_key(&token) {
                        let (_, question) = ask.into_python(py)?;
                        completions.push(completion(py, token, None, question, Vec::new())?);
                    }
                    continue;
                }
            };
            if self.shared.tasks().remove(&token).is_none() {
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
            completions.push(completion(py, token, Some(succeeded), value, notices)?);
        }
        Ok(completions)
    }

    /// Waits until something has finished; false once the queue is closed. For loops that cannot watch a descriptor.
    fn wait(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            // Before the look at what has finished: whoever posts after that sees it.
            self.shared.is_waited_for.store(true, Ordering::SeqCst);
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
        let tasks = mem::take(&mut *self.shared.tasks());
        for task in tasks.into_values() {
            task.give_up();
        }
    }
}
