//! Failures on demand: the next request, or the next one to some path, goes wrong in a given way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::Semaphore;

/// What happens to one request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// It is answered with this, and no view sees it.
    Answer(StatusCode, HeaderMap, Bytes),
    /// It is handled after this time.
    Delay(Duration),
    /// The connection is closed before the body of the request is read.
    CloseBeforeReading,
    /// The connection is closed when the whole request was read; no view sees it.
    CloseAfterReading,
    /// A view does the work, a write included; then the connection is closed without an answer.
    CloseAfterHandling,
    /// The answer is complete in its headers, but only this many bytes of its body are sent
    /// before the connection is closed.
    TruncateBody(usize),
    /// It waits, having been read, until the gate is opened.
    Hold(Gate),
}

/// Stops a request inside the server, so that a test can order what happens without sleeping.
#[derive(Debug, Clone)]
pub struct Gate(Arc<GateState>);

#[derive(Debug)]
struct GateState {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(GateState {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        }))
    }

    /// Waits until a request stands at the gate.
    pub async fn arrived(&self) {
        if let Ok(permit) = self.0.arrived.acquire().await {
            permit.forget();
        }
    }

    /// Lets one request pass; it is handled as usual from there on.
    pub fn open(&self) {
        self.0.open.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.0.arrived.add_permits(1);
        if let Ok(permit) = self.0.open.acquire().await {
            permit.forget();
        }
    }
}

/// The faults to come, each perhaps for one method and path only.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Queue>);

type Queue = VecDeque<(Option<(Method, String)>, Fault)>;

impl Faults {
    pub(crate) fn add(&self, only: Option<(Method, String)>, fault: Fault) {
        self.lock().push_back((only, fault));
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Takes the first fault that is meant for such a request.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut faults = self.lock();
        let index = faults.iter().position(|(only, _)| match only {
            None => true,
            Some((for_method, for_path)) => for_method == method && for_path == path,
        })?;
        faults.remove(index).map(|(_, fault)| fault)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_path() {
        let faults = Faults::default();
        let only = Some((Method::POST, "/a/".to_owned()));
        faults.add(only, Fault::CloseAfterReading);
        faults.add(None, Fault::CloseBeforeReading);
        assert!(matches!(
            faults.take(&Method::GET, "/a/"),
            Some(Fault::CloseBeforeReading)
        ));
        assert!(faults.take(&Method::GET, "/a/").is_none());
        assert!(matches!(
            faults.take(&Method::POST, "/a/"),
            Some(Fault::CloseAfterReading)
        ));
    }
}
