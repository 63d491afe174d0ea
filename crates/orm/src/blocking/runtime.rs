//! The runtime on which blocking calls are carried out.

use std::{future::Future, io, sync::LazyLock};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Result};

static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("django-api-orm")
        .enable_all()
        .build()
});

/// Waits for a future on the calling thread.
///
/// # Errors
/// `Runtime` when the thread belongs to an async runtime, or when no runtime can be started.
pub(super) fn wait<F: Future>(future: F) -> Result<F::Output> {
    if Handle::try_current().is_ok() {
        return Err(Error::runtime(
            "a blocking call inside an async runtime would stall it: use the async API there, or make the call on a \
             thread of your own (`std::thread::spawn`; the threads of `spawn_blocking` belong to the runtime too)",
        ));
    }
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.block_on(future)),
        Err(error) => Err(Error::runtime(format!(
            "no runtime for blocking calls could be started: {error}"
        ))),
    }
}
