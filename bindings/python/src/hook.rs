//! Hooks of the program: what they are told on the caller's side, by the way on which token providers are asked.

use std::sync::{Arc, Mutex, PoisonError};

use django_api_orm::{
    Error, ErrorKind, Result,
    engine::{Event, Hooks, Told},
};
use http::HeaderMap;
use pyo3::{IntoPyObjectExt, prelude::*, types::PyDict};
use tokio::sync::oneshot;

use crate::{
    ask::{Ask, Desk, Raised},
    failure,
};

/// The hooks of a client: an object of the package that calls them.
pub(crate) struct Program {
    object: Py<PyAny>,
    wants: (bool, bool, bool),
}

impl Program {
    pub(crate) fn read(object: Option<Bound<'_, PyAny>>) -> PyResult<Option<Arc<Self>>> {
        object
            .map(|object| {
                Ok(Arc::new(Self {
                    wants: object.call_method0("wants")?.extract()?,
                    object: object.unbind(),
                }))
            })
            .transpose()
    }

    /// Whether they are told of a call that is made now: of one that a hook makes they are not.
    pub(crate) fn hear(&self) -> bool {
        Python::attach(|py| {
            let heard = self.object.bind(py).call_method0("hear");
            heard.and_then(|heard| heard.extract()).unwrap_or(true)
        })
    }
}

/// How the requests of one operation tell the program.
pub(crate) struct Telling {
    pub(crate) program: Arc<Program>,
    pub(crate) desk: Arc<Desk>,
}

impl Hooks for Telling {
    fn tell(&self, event: Event) -> Told {
        let (program, desk) = (Arc::clone(&self.program), Arc::clone(&self.desk));
        Box::pin(async move {
            loop {
                let (reply, answer) = oneshot::channel();
                let is_put = desk.put(Ask::Event(Box::new(Asked {
                    program: Arc::clone(&program),
                    event: Mutex::new(event.clone()),
                    reply: Mutex::new(Some(reply)),
                })));
                if is_put && let Ok(answer) = answer.await {
                    return answer;
                }
                // Nobody looked at it, as between the steps of a walk.
                desk.attended().await;
            }
        })
    }

    fn wants_requests(&self) -> bool {
        self.program.wants.0
    }

    fn wants_responses(&self) -> bool {
        self.program.wants.1
    }

    fn wants_retries(&self) -> bool {
        self.program.wants.2
    }
}

/// What the program is told, and the way for its answer.
pub(crate) struct Asked {
    program: Arc<Program>,
    event: Mutex<Event>,
    reply: Mutex<Option<oneshot::Sender<Result<HeaderMap>>>>,
}

impl Asked {
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.program.object.bind(py).clone()
    }

    fn event(&self) -> std::sync::MutexGuard<'_, Event> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, answer: Result<HeaderMap>) {
        let reply = self
            .reply
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(reply) = reply {
            // Where nobody waits any more, the call is over.
            let _ = reply.send(answer);
        }
    }
}

/// An event, for the object that calls the program's hooks.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct HookEvent(pub(crate) Box<Asked>);

#[pymethods]
impl HookEvent {
    /// Whom to tell.
    #[getter]
    fn asked(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.object(py).unbind()
    }

    /// What kind of event it is, and what it tells, by name.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<(&'static str, Bound<'py, PyDict>)> {
        let event = self.0.event();
        let facts = PyDict::new(py);
        let (method, url, template, attempt) = match &*event {
            Event::Request(e) => (e.method(), e.url(), e.url_template(), e.attempt()),
            Event::Response(e) => (e.method(), e.url(), e.url_template(), e.attempt()),
            Event::Retry(e) => (e.method(), e.url(), e.url_template(), e.attempt()),
        };
        facts.set_item("method", method.as_str())?;
        facts.set_item("url", url)?;
        facts.set_item("url_template", template)?;
        facts.set_item("attempt", attempt)?;
        let kind = match &*event {
            Event::Request(event) => {
                facts.set_item("headers", pairs(py, event.headers())?)?;
                "request"
            }
            Event::Response(event) => {
                facts.set_item("status_code", event.status().as_u16())?;
                facts.set_item("headers", pairs(py, event.headers())?)?;
                facts.set_item("elapsed", event.elapsed().as_secs_f64())?;
                facts.set_item("request_id", event.request_id())?;
                "response"
            }
            Event::Retry(event) => {
                facts.set_item("error", event.kind().code())?;
                facts.set_item("status_code", event.status().map(|status| status.as_u16()))?;
                facts.set_item("wait", event.wait().as_secs_f64())?;
                "retry"
            }
        };
        Ok((kind, facts))
    }

    /// Adds a header to the request.
    fn add_header(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        match &mut *self.0.event() {
            Event::Request(event) => event
                .add_header(name, value)
                .map_err(|error| failure::raised(py, &error)),
            Event::Response(_) | Event::Retry(_) => Ok(()),
        }
    }

    /// The hooks have been called: the call goes on.
    fn done(&self) {
        let added = match &*self.0.event() {
            Event::Request(event) => event.added().clone(),
            Event::Response(_) | Event::Retry(_) => HeaderMap::new(),
        };
        self.0.reply(Ok(added));
    }

    /// A hook has raised this. Whether the call fails with it: the outcome of a write does not get lost for it.
    fn fail(&self, exception: Py<PyAny>) -> bool {
        let is_heard = match &*self.0.event() {
            Event::Response(event) => event.method().is_safe(),
            Event::Request(_) | Event::Retry(_) => true,
        };
        let error = Error::new(ErrorKind::Runtime, "it raised an exception");
        self.0.reply(Err(error.with_source(Raised::new(exception))));
        is_heard
    }
}

fn pairs<'py>(py: Python<'py>, headers: &HeaderMap) -> PyResult<Bound<'py, PyAny>> {
    let pairs: Vec<(&str, String)> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str(), value)
        })
        .collect();
    pairs.into_bound_py_any(py)
}
