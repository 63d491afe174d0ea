//! Questions of the engine to the caller: only the caller's side may run a token provider of the program. A synchronous call
//! answers on its own thread, an asynchronous one on its event loop.

use std::{
    fmt,
    future::Future,
    mem,
    pin::{Pin, pin},
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use django_api_orm::{
    Error, ErrorKind, ServiceClient,
    engine::{Asking, Event, Tokens},
};
use pyo3::prelude::*;
use tokio::sync::{Notify, watch};

use crate::{
    client::credential,
    hook::{self, HookEvent, Listener, Noted, Telling},
    lane::Lane,
};

/// A token provider of the program, and what it has brought.
pub(crate) struct Provider {
    object: Py<PyAny>,
    /// With the process that they belong to: a fetch of the parent does not end in a child after `fork`. Locked only by threads
    /// that are attached to Python.
    tokens: Mutex<(u32, Arc<Tokens>)>,
}

impl Provider {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self {
            object,
            tokens: Mutex::new((process::id(), Arc::default())),
        }
    }

    fn tokens(&self) -> Arc<Tokens> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = process::id();
        if tokens.0 != pid {
            *tokens = (pid, Arc::default());
        }
        Arc::clone(&tokens.1)
    }

    /// Refuses a call that is made from within the provider: it would wait for itself.
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.object.bind(py).call_method0("check").map(drop)
    }
}

/// What is asked, or told.
pub(crate) enum Ask {
    Credential(Wanted),
    Event(Box<hook::Asked>),
    /// What needs no answer.
    Notes(Noted),
}

impl Ask {
    /// Whom it is for, and what the object of the package is given.
    pub(crate) fn into_python<'py>(
        self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        Ok(match self {
            Self::Credential(wanted) => {
                let object = wanted.provider.object.bind(py).clone();
                (object, Bound::new(py, Question(wanted))?.into_any())
            }
            Self::Event(asked) => {
                let object = asked.object(py);
                (object, Bound::new(py, HookEvent(asked))?.into_any())
            }
            Self::Notes(noted) => {
                let object = noted.object(py);
                (object, Bound::new(py, noted)?.into_any())
            }
        })
    }
}

/// A credential that is asked for. Where it is dropped without an answer, another call asks anew.
pub(crate) struct Wanted {
    provider: Arc<Provider>,
    asking: Asking,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.asking.give_up();
    }
}

/// The way from the requests of one operation, or of one walk, to whoever waits for it.
#[derive(Clone)]
pub(crate) struct Asker {
    provider: Option<Arc<Provider>>,
    listener: Option<Arc<Listener>>,
    desk: Arc<Desk>,
    /// What was raised when the listener was asked for, and stops the call.
    raised: Option<Arc<PyErr>>,
}

/// Where questions are put, as long as somebody attends: nobody does between the steps of a walk, whose pages are read ahead
/// meanwhile.
pub(crate) struct Desk {
    asked: Mutex<Vec<Ask>>,
    /// Left there while nobody attends.
    noted: Mutex<Vec<Event>>,
    filled: Notify,
    attending: watch::Sender<usize>,
}

impl Desk {
    fn asked(&self) -> MutexGuard<'_, Vec<Ask>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a question, and says whether somebody will look at it.
    pub(crate) fn put(&self, ask: Ask) -> bool {
        let mut asked = self.asked();
        if *self.attending.borrow() == 0 {
            drop(asked);
            drop(ask);
            return false;
        }
        asked.push(ask);
        drop(asked);
        self.filled.notify_one();
        true
    }

    /// Puts what needs no answer, and does not wait.
    pub(crate) fn note(&self, event: Event) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push(event);
        drop(noted);
        self.filled.notify_one();
    }

    fn notes(&self) -> Vec<Event> {
        mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token that is asked for.
    fn token(&self) -> Option<Ask> {
        let mut asked = self.asked();
        let place = asked
            .iter()
            .rposition(|ask| matches!(ask, Ask::Credential(_)))?;
        Some(asked.swap_remove(place))
    }

    /// Waits until somebody attends.
    pub(crate) async fn attended(&self) {
        let mut attending = self.attending.subscribe();
        // The sender is here, so that this is no error.
        let _ = attending.wait_for(|attending| *attending > 0).await;
    }
}

/// Somebody attends, as long as this is there. Questions that are left then are given up at once: whoever put them may not be
/// driven any more.
struct Attending<'a>(&'a Desk);

impl<'a> Attending<'a> {
    fn new(desk: &'a Desk) -> Self {
        desk.attending.send_modify(|attending| *attending += 1);
        Self(desk)
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        let mut asked = self.0.asked();
        self.0
            .attending
            .send_modify(|attending| *attending = attending.saturating_sub(1));
        let left = if *self.0.attending.borrow() == 0 {
            mem::take(&mut *asked)
        } else {
            Vec::new()
        };
        drop(asked);
        drop(left);
    }
}

impl Asker {
    /// `None` where there is nobody to ask or to tell.
    pub(crate) fn new(
        provider: Option<&Arc<Provider>>,
        listener: PyResult<Option<Arc<Listener>>>,
    ) -> Option<Self> {
        let (listener, raised) = match listener {
            Ok(listener) => (listener, None),
            Err(raised) => (None, Some(Arc::new(raised))),
        };
        if provider.is_none() && listener.is_none() && raised.is_none() {
            return None;
        }
        let desk = Desk {
            asked: Mutex::default(),
            noted: Mutex::default(),
            filled: Notify::new(),
            attending: watch::Sender::new(0),
        };
        Some(Self {
            provider: provider.map(Arc::clone),
            listener,
            desk: Arc::new(desk),
            raised,
        })
    }

    /// Whether requests wait until somebody has been told of them.
    pub(crate) fn tells(&self) -> bool {
        let listener = self.listener.as_ref();
        listener.is_some_and(|listener| listener.is_waited_for())
    }

    /// Whether requests wait for the caller, in whatever way.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.provider.is_some() || self.tells()
    }

    /// The object of the package that is told of the call.
    pub(crate) fn listener<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let listener = self.listener.as_ref();
        listener.map(|listener| listener.object(py))
    }

    /// Refuses a call that would wait for itself, and one that was interrupted as it was made.
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(raised) = &self.raised {
            return Err(raised.clone_ref(py));
        }
        match &self.provider {
            None => Ok(()),
            Some(provider) => provider.check(py),
        }
    }

    /// The client, whose credentials are asked for on this way.
    pub(crate) fn client(&self, client: &ServiceClient) -> ServiceClient {
        let Some(provider) = &self.provider else {
            return client.without_credentials();
        };
        let tokens = provider.tokens();
        let (provider, desk) = (Arc::clone(provider), Arc::clone(&self.desk));
        client.with_tokens(&tokens, move |asking| {
            let wanted = Wanted {
                provider: Arc::clone(&provider),
                asking: asking.clone(),
            };
            let is_put = desk.put(Ask::Credential(wanted));
            let desk = Arc::clone(&desk);
            async move {
                if is_put {
                    asking.over().await;
                } else {
                    desk.attended().await;
                }
            }
        })
    }

    /// The client, whose requests are told of on this way.
    pub(crate) fn telling(&self, client: ServiceClient) -> ServiceClient {
        match &self.listener {
            None => client,
            Some(listener) => client.with_hooks(Arc::new(Telling {
                listener: Arc::clone(listener),
                desk: Arc::clone(&self.desk),
            })),
        }
    }

    /// Does the work on an event loop's behalf; `ask` takes its questions there.
    pub(crate) async fn attend<T>(&self, work: impl Future<Output = T>, ask: impl Fn(Ask)) -> T {
        let mut work = pin!(work);
        let _attending = Attending::new(&self.desk);
        loop {
            match self.turn(work.as_mut()).await {
                Turn::Done(output) => {
                    if let Some(notes) = self.notes() {
                        ask(notes);
                    }
                    return output;
                }
                Turn::Asked(question) => ask(question),
            }
        }
    }

    /// Drives the work on the calling thread, which answers its questions.
    ///
    /// # Errors
    /// Whatever a signal handler raises, and what the provider raises that is no `Exception`.
    pub(crate) fn drive<F: Future<Output: Send> + Send>(
        &self,
        py: Python<'_>,
        lane: &Lane,
        work: F,
    ) -> PyResult<F::Output> {
        let mut work = pin!(work);
        let _attending = Attending::new(&self.desk);
        let answer = |ask: Ask| {
            let (object, question) = ask.into_python(py)?;
            object.call_method1("answer_now", (question,)).map(drop)
        };
        loop {
            match lane.drive(py, self.turn(work.as_mut()))? {
                Turn::Done(output) => {
                    if let Some(notes) = self.notes() {
                        answer(notes)?;
                    }
                    return Ok(output);
                }
                Turn::Asked(ask) => answer(ask)?,
            }
        }
    }

    fn notes(&self) -> Option<Ask> {
        let listener = self.listener.as_ref()?;
        let events = self.desk.notes();
        (!events.is_empty()).then(|| Ask::Notes(Noted::new(Arc::clone(listener), events)))
    }

    /// What to do next: to fetch a token before anything else, as what a hook calls may wait for that token.
    async fn next(&self) -> Ask {
        loop {
            let next = self.desk.token().or_else(|| self.notes());
            if let Some(ask) = next.or_else(|| self.desk.asked().pop()) {
                return ask;
            }
            self.desk.filled.notified().await;
        }
    }

    async fn turn<F: Future>(&self, work: Pin<&mut F>) -> Turn<F::Output> {
        tokio::select! {
            // What the work has put off until the next turn of the runtime is lost where there is none, so it is polled last.
            biased;
            ask = self.next() => Turn::Asked(ask),
            output = work => Turn::Done(output),
        }
    }
}

enum Turn<T> {
    Done(T),
    Asked(Ask),
}

/// What the program's token provider is asked for.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Question(Wanted);

#[pymethods]
impl Question {
    /// Whom to ask.
    #[getter]
    fn asked(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.provider.object.clone_ref(py)
    }

    /// Whether nobody needs the answer: it is known already, or the call that asked is over.
    fn is_answered(&self) -> bool {
        self.0.asking.dismiss()
    }

    /// The credential, and in how many seconds it expires.
    fn answer(&self, parts: Vec<String>, expires_in: Option<f64>) -> PyResult<()> {
        let mut credential = credential(&parts)?;
        if let Some(seconds) = expires_in {
            credential = credential
                .expires_in(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO));
        }
        self.0.asking.settle(Ok(credential));
        Ok(())
    }

    /// What the provider raised.
    fn fail(&self, py: Python<'_>, exception: Py<PyAny>) {
        let kind = match exception.bind(py).get_type().name() {
            Ok(name) => name.to_string(),
            Err(_) => "an exception".to_owned(),
        };
        let error = Error::new(ErrorKind::Runtime, format!("it raised {kind}"))
            .with_source(Raised(exception));
        self.0.asking.settle(Err(error));
    }
}

/// What code of the program raised. Its text may hold a secret and is not shown.
pub(crate) struct Raised(Py<PyAny>);

impl Raised {
    pub(crate) fn new(exception: Py<PyAny>) -> Self {
        Self(exception)
    }

    /// The exception that an error comes from, if it comes from code of the program.
    pub(crate) fn of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Py<PyAny>> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(raised) = error.downcast_ref::<Self>() {
                return Some(&raised.0);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raised")
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception of the program")
    }
}

impl std::error::Error for Raised {}
