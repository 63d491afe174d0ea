//! Hooks of the program: what they are told on the caller's side, by the way on which token providers are asked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use django_api_orm::{
    Error, ErrorKind, Result,
    engine::{Event, Hooks, Notes, Told},
};
use http::HeaderMap;
use pyo3::{IntoPyObjectExt, exceptions::PyException, intern, prelude::*, types::PyDict};
use tokio::sync::oneshot;

use crate::{
    ask::{Ask, Desk, Raised},
    failure,
};

/// Who is told of what a client does: an object of the package that says so for each call.
pub(crate) struct Program(Py<PyAny>);

impl Program {
    pub(crate) fn new(object: Bound<'_, PyAny>) -> Arc<Self> {
        Arc::new(Self(object.unbind()))
    }

    /// Who is told of a call that is made now. Nobody, mostly.
    ///
    /// # Errors
    /// What is raised meanwhile and is no `Exception`, such as `KeyboardInterrupt`.
    pub(crate) fn listener(&self) -> PyResult<Option<Arc<Listener>>> {
        Python::attach(|py| {
            let begun = self.0.bind(py).call_method0(intern!(py, "begin"));
            let listener = begun.and_then(|begun| begun.extract::<Option<Heard>>());
            match listener {
                Ok(listener) => Ok(listener.map(|(object, tells, notes)| {
                    let notes = match notes {
                        0 => Notes::Nothing,
                        1 => Notes::Retries,
                        _ => Notes::Everything,
                    };
                    Arc::new(Listener {
                        object,
                        tells,
                        notes,
                    })
                })),
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    error.write_unraisable(py, Some(self.0.bind(py)));
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
    }
}

/// An object of the package; whether it wants to be told of requests, of answers, of retries; and how much of what is noted it hears.
type Heard = (Py<PyAny>, (bool, bool, bool), u8);

/// Who is told of one call.
pub(crate) struct Listener {
    object: Py<PyAny>,
    tells: (bool, bool, bool),
    notes: Notes,
}

impl Listener {
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.object.bind(py).clone()
    }

    /// Whether requests wait until it has been told.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.tells != (false, false, false)
    }
}

/// How the requests of one operation tell the program.
pub(crate) struct Telling {
    pub(crate) listener: Arc<Listener>,
    pub(crate) desk: Arc<Desk>,
}

impl Hooks for Telling {
    fn tell(&self, event: Event) -> Told {
        let (listener, desk) = (Arc::clone(&self.listener), Arc::clone(&self.desk));
        Box::pin(async move {
            loop {
                let (reply, answer) = oneshot::channel();
                let is_put = desk.put(Ask::Event(Box::new(Asked {
                    listener: Arc::clone(&listener),
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
        self.listener.tells.0
    }

    fn wants_responses(&self) -> bool {
        self.listener.tells.1
    }

    fn wants_retries(&self) -> bool {
        self.listener.tells.2
    }

    fn notes(&self) -> Notes {
        self.listener.notes
    }

    fn note(&self, event: Event) {
        self.desk.note(event);
    }
}

/// What the program is told, and the way for its answer.
pub(crate) struct Asked {
    listener: Arc<Listener>,
    event: Mutex<Event>,
    reply: Mutex<Option<oneshot::Sender<Result<HeaderMap>>>>,
}

impl Asked {
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.listener.object(py)
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

    /// Whether a request is about to be sent.
    #[getter]
    fn is_request(&self) -> bool {
        matches!(*self.0.event(), Event::Request(_))
    }

    /// What kind of event it is, and what it tells, by name.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Facts<'py>> {
        facts(py, &self.0.event())
    }

    /// Adds a header to the request.
    fn add_header(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        match &mut *self.0.event() {
            Event::Request(event) => event
                .add_header(name, value)
                .map_err(|error| failure::raised(py, &error)),
            _ => Ok(()),
        }
    }

    /// The hooks have been called: the call goes on.
    fn done(&self) {
        let added = match &*self.0.event() {
            Event::Request(event) => event.added().clone(),
            _ => HeaderMap::new(),
        };
        self.0.reply(Ok(added));
    }

    /// A hook has raised this. Whether the call fails with it: the outcome of a write does not get lost for it.
    fn fail(&self, exception: Py<PyAny>) -> bool {
        let is_heard = match &*self.0.event() {
            Event::Response(event) => event.method().is_safe(),
            _ => true,
        };
        let error = Error::new(ErrorKind::Runtime, "it raised an exception");
        self.0.reply(Err(error.with_source(Raised::new(exception))));
        is_heard
    }
}

/// What has been noted, in the order in which it happened.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Noted {
    listener: Arc<Listener>,
    events: Vec<Event>,
}

impl Noted {
    pub(crate) fn new(listener: Arc<Listener>, events: Vec<Event>) -> Self {
        Self { listener, events }
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.listener.object(py)
    }
}

#[pymethods]
impl Noted {
    /// Whom to tell.
    #[getter]
    fn asked(&self, py: Python<'_>) -> Py<PyAny> {
        self.object(py).unbind()
    }

    /// Of each event what `HookEvent.facts` gives.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Facts<'py>>> {
        self.events.iter().map(|event| facts(py, event)).collect()
    }
}

/// The kind of an event, and what it tells, by name.
type Facts<'py> = (&'static str, Bound<'py, PyDict>);

fn facts<'py>(py: Python<'py>, event: &Event) -> PyResult<Facts<'py>> {
    let facts = PyDict::new(py);
    macro_rules! sent {
        ($($kind:ident),+) => {
            match event {
                $(Event::$kind(event) => {
                    facts.set_item("method", event.method().as_str())?;
                    facts.set_item("url", event.url())?;
                    facts.set_item("url_template", event.url_template())?;
                    facts.set_item("attempt", event.attempt())?;
                    facts.set_item("id", event.id())?;
                    let at = event.at().duration_since(UNIX_EPOCH).unwrap_or_default();
                    facts.set_item("at", at.as_nanos())?;
                })+
            }
        };
    }
    sent!(Request, Response, Failure, Retry);
    let kind = match event {
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
        Event::Failure(event) => {
            facts.set_item("error", event.kind().code())?;
            facts.set_item("elapsed", event.elapsed().as_secs_f64())?;
            "failure"
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
