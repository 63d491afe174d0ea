//! Questions of the engine to the caller: only the caller's side may run a token provider of the program. A synchronous call
//! answers on its own thread, an asynchronous one on its event loop.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    process,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use django_api_orm::{Error, ErrorKind, Result, ServiceClient, engine::Tokens};
use pyo3::prelude::*;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::{client::credential, lane::Lane};

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

/// What is asked: a credential.
pub(crate) struct Ask {
    provider: Arc<Provider>,
    tokens: Arc<Tokens>,
    reply: oneshot::Sender<Result<()>>,
}

/// The way from the requests of one operation, or of one walk, to whoever waits for it.
#[derive(Clone)]
pub(crate) struct Asker {
    provider: Arc<Provider>,
    sender: mpsc::UnboundedSender<Ask>,
    asked: Arc<AsyncMutex<mpsc::UnboundedReceiver<Ask>>>,
}

impl Asker {
    pub(crate) fn new(provider: &Arc<Provider>) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        Self {
            provider: Arc::clone(provider),
            sender,
            asked: Arc::new(AsyncMutex::new(asked)),
        }
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The client, whose credentials are asked for on this way.
    pub(crate) fn client(&self, client: &ServiceClient) -> ServiceClient {
        let tokens = self.provider.tokens();
        let (provider, sender) = (Arc::clone(&self.provider), self.sender.clone());
        client.with_tokens(&Arc::clone(&tokens), move || {
            let (reply, answer) = oneshot::channel();
            let ask = Ask {
                provider: Arc::clone(&provider),
                tokens: Arc::clone(&tokens),
                reply,
            };
            let is_asked = sender.send(ask).is_ok();
            let tokens = Arc::clone(&tokens);
            async move {
                let gone = || Error::runtime("the call has ended whose token provider was asked");
                if !is_asked {
                    return Err(gone());
                }
                answer.await.unwrap_or_else(|_| Err(gone()))?;
                tokens.take().ok_or_else(gone)
            }
        })
    }

    /// Does the work on an event loop's behalf; `ask` takes its questions there.
    pub(crate) async fn attend<T>(&self, work: impl Future<Output = T>, ask: impl Fn(Ask)) -> T {
        let mut work = pin!(work);
        loop {
            match self.turn(work.as_mut()).await {
                Turn::Done(output) => return output,
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
        loop {
            match lane.drive(py, self.turn(work.as_mut()))? {
                Turn::Done(output) => return Ok(output),
                Turn::Asked(ask) => {
                    let provider = self.provider.object.bind(py);
                    provider.call_method1("answer_now", (Question::new(ask),))?;
                }
            }
        }
    }

    async fn turn<F: Future>(&self, work: Pin<&mut F>) -> Turn<F::Output> {
        let mut asked = self.asked.lock().await;
        tokio::select! {
            biased;
            output = work => Turn::Done(output),
            Some(ask) = asked.recv() => Turn::Asked(ask),
        }
    }
}

enum Turn<T> {
    Done(T),
    Asked(Ask),
}

/// What the program's token provider is asked for.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Question {
    provider: Arc<Provider>,
    tokens: Arc<Tokens>,
    reply: Mutex<Option<oneshot::Sender<Result<()>>>>,
}

impl Question {
    pub(crate) fn new(ask: Ask) -> Self {
        Self {
            provider: ask.provider,
            tokens: ask.tokens,
            reply: Mutex::new(Some(ask.reply)),
        }
    }

    fn reply(&self, result: Result<()>) {
        let reply = self
            .reply
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(reply) = reply {
            // Whoever asked may have been cancelled.
            let _ = reply.send(result);
        }
    }
}

#[pymethods]
impl Question {
    /// Whom to ask.
    #[getter]
    fn provider(&self, py: Python<'_>) -> Py<PyAny> {
        self.provider.object.clone_ref(py)
    }

    /// Whether the answer is known already, because a call that asked before was cancelled.
    fn is_answered(&self) -> bool {
        let known = self.tokens.has_been_brought();
        if known {
            self.reply(Ok(()));
        }
        known
    }

    /// The credential, and in how many seconds it expires.
    fn answer(&self, parts: Vec<String>, expires_in: Option<f64>) -> PyResult<()> {
        let mut credential = credential(&parts)?;
        if let Some(seconds) = expires_in {
            credential = credential
                .expires_in(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO));
        }
        self.tokens.bring(credential);
        self.reply(Ok(()));
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
        self.reply(Err(error));
    }
}

/// What code of the program raised. Its text may hold a secret and is not shown.
pub(crate) struct Raised(Py<PyAny>);

impl Raised {
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
