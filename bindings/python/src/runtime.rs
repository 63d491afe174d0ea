//! The runtime behind every event loop of the process: one thread, which never touches Python.

use std::{
    io, process,
    sync::{Mutex, PoisonError},
    thread,
};

use tokio::runtime::{Builder, Handle};

/// The process that started the thread, and the way to it.
static BACKGROUND: Mutex<Option<(u32, Handle)>> = Mutex::new(None);

/// The runtime of this process. After `fork` the parent's thread is not there, so the child starts its own.
///
/// Called only by a thread that is attached to Python: a thread that forks is attached too, so the lock is free then.
pub(crate) fn background() -> io::Result<Handle> {
    let mut background = BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = process::id();
    if let Some((owner, handle)) = background.as_ref()
        && *owner == pid
    {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("django-api-orm".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    if let Some(parents) = background.replace((pid, handle.clone())) {
        // Its wakers belong to a thread that does not exist in this process.
        std::mem::forget(parents);
    }
    Ok(handle)
}
