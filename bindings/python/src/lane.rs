//! Lanes: where synchronous calls are carried out. A lane is a runtime that the caller drives, with connections that live on
//! it. A call takes a lane and gives it back, so calls one after the other share connections, and threads never wait for
//! each other.

use std::{future::Future, pin::pin, time::Duration};

use django_api_orm::ServiceClient;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

/// How long a signal such as Ctrl-C may go unnoticed.
const SIGNALS: Duration = Duration::from_millis(50);

/// A runtime with a client whose connections live on it.
pub(crate) struct Lane {
    pub(crate) runtime: Runtime,
    pub(crate) client: ServiceClient,
    /// Lanes of an earlier generation were closed.
    pub(crate) generation: u64,
}

impl Lane {
    /// Carries a future out on the calling thread, with Python free to run meanwhile.
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
                self.runtime
                    .block_on(async { tokio::time::timeout(SIGNALS, future.as_mut()).await })
            });
            match turn {
                Ok(output) => return Ok(output),
                Err(_) => py.check_signals()?,
            }
        }
    }
}
