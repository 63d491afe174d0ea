//! Lanes: where synchronous calls are carried out. A lane is a runtime that the caller drives, with connections that live on
//! it. A call takes a lane and gives it back, so calls one after the other share connections, and threads never wait for
//! each other.

use std::{
    future::{Future, poll_fn},
    io, mem,
    pin::{Pin, pin},
    process,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    thread,
    time::Duration,
};

use django_api_orm::ServiceClient;
use pyo3::prelude::*;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::{Instant, Sleep, sleep},
};

/// How long a signal such as Ctrl-C may go unnoticed.
const SIGNALS: Duration = Duration::from_millis(50);

/// A runtime with a client whose connections live on it.
pub(crate) struct Lane {
    runtime: Arc<Runtime>,
    /// When to look for signals next. It runs on from call to call, so that a call sets no timer of its own.
    look: Mutex<Pin<Box<Sleep>>>,
    pub(crate) client: ServiceClient,
    /// Lanes of an earlier generation were closed.
    pub(crate) generation: u64,
    /// The process that opened the lane.
    pid: u32,
}

impl Lane {
    /// A lane with connections of its own.
    pub(crate) fn new(client: &ServiceClient, generation: u64) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let look = {
            let _inside = runtime.enter();
            Box::pin(sleep(SIGNALS))
        };
        Ok(Self {
            runtime: Arc::new(runtime),
            look: Mutex::new(look),
            client: client.on_another_runtime(),
            generation,
            pid: process::id(),
        })
    }

    /// Drives a future on the calling thread, while Python is free to run.
    ///
    /// # Errors
    /// Whatever a signal handler raises, such as `KeyboardInterrupt`; the future is dropped then.
    pub(crate) fn drive<F: Future<Output: Send> + Send>(
        &self,
        py: Python<'_>,
        future: F,
    ) -> PyResult<F::Output> {
        let mut future = pin!(future);
        loop {
            let turn = py.detach(|| {
                let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
                self.runtime.block_on(poll_fn(|context| {
                    // First, and not after the future: what that has put off until the next turn of the runtime would never be
                    // woken if there were none.
                    if look.as_mut().poll(context).is_ready() {
                        look.as_mut().reset(Instant::now() + SIGNALS);
                        return Poll::Ready(None);
                    }
                    future.as_mut().poll(context).map(Some)
                }))
            });
            match turn {
                Some(output) => return Ok(output),
                None => py.check_signals()?,
            }
        }
    }
}

impl Lane {
    /// Has a thread of its own drive the lane, too, so that what is under way there goes on while the caller does something else.
    /// `None` where no thread can be started: then it goes on with the next call.
    pub(crate) fn driver(&self) -> Option<Driver> {
        let runtime = Arc::clone(&self.runtime);
        let (end, is_dropped) = oneshot::channel();
        thread::Builder::new()
            .name("django-api-orm".to_owned())
            .spawn(move || drop(runtime.block_on(is_dropped)))
            .ok()?;
        Some(Driver { _end: end })
    }
}

/// A lane is driven as long as this is there. The thread never touches Python, and nobody waits for its end.
pub(crate) struct Driver {
    _end: oneshot::Sender<()>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        // After `fork` the sockets and the poll set are shared with the parent, and are not the child's to close.
        if self.pid != process::id() {
            mem::forget(Arc::clone(&self.runtime));
            mem::forget(self.client.clone());
        }
    }
}
