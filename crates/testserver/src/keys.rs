//! Idempotency keys: a request whose key has been seen is answered as it was then, and nothing is done again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderName, Method};

use crate::reply::Reply;
use crate::request::Request;

/// The answers to requests with a key, if the server honours keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    header: Option<HeaderName>,
    answers: Mutex<HashMap<(Method, String, String), Reply>>,
}

impl Keys {
    pub(crate) fn new(header: Option<HeaderName>) -> Self {
        Self {
            header,
            answers: Mutex::default(),
        }
    }

    /// The answer of the first request with this key; `work` is done for that one only.
    pub(crate) fn once(&self, request: &Request, work: impl FnOnce() -> Reply) -> Reply {
        let key = self
            .header
            .as_ref()
            .filter(|_| !request.method.is_safe())
            .and_then(|header| request.headers.get(header)?.to_str().ok());
        let Some(key) = key else {
            return work();
        };
        let key = (request.method.clone(), request.path.clone(), key.to_owned());
        // Held meanwhile, so that the second of two at the same time waits for the first.
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(key).or_insert_with(work).clone()
    }

    pub(crate) fn forget(&self) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
