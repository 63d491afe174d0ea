//! Hooks: who is told of each request, each answer and each retry, and what becomes of it.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use django_api_orm_core::Result;
use http::HeaderMap;

use super::{
    ServiceClientBuilder,
    event::{Event, RequestEvent, ResponseEvent, RetryEvent},
};

/// What comes of telling a hook: the headers that it adds to a request.
pub type Told = Pin<Box<dyn Future<Output = Result<HeaderMap>> + Send>>;

/// Who is told; for front doors whose hooks run elsewhere.
pub trait Hooks: Send + Sync {
    /// Tells one event.
    fn tell(&self, event: Event) -> Told;
    /// Whether somebody wants to know of requests.
    fn wants_requests(&self) -> bool;
    /// Whether somebody wants to know of answers.
    fn wants_responses(&self) -> bool;
    /// Whether somebody wants to know of retries.
    fn wants_retries(&self) -> bool;

    /// What is noted.
    fn notes(&self) -> Notes {
        Notes::Nothing
    }

    /// Notes one event. Nothing waits for what comes of that.
    fn note(&self, event: Event) {
        drop(event);
    }
}

/// What is noted, for those who want to know of it and change nothing, such as logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notes {
    /// No event.
    Nothing,
    /// Retries.
    Retries,
    /// What each request came to, and retries.
    Everything,
}

/// Who hears of requests that belong to no call, such as those of a login, as far as that is noted: nobody can stop them or has to
/// be waited for.
pub(super) fn noting(hooks: &Arc<dyn Hooks>) -> Option<Arc<dyn Hooks>> {
    if hooks.notes() == Notes::Nothing {
        return None;
    }
    Some(Arc::new(Noting(Arc::clone(hooks))))
}

struct Noting(Arc<dyn Hooks>);

impl Hooks for Noting {
    fn tell(&self, _: Event) -> Told {
        Box::pin(std::future::ready(Ok(HeaderMap::new())))
    }

    fn wants_requests(&self) -> bool {
        false
    }

    fn wants_responses(&self) -> bool {
        false
    }

    fn wants_retries(&self) -> bool {
        false
    }

    fn notes(&self) -> Notes {
        self.0.notes()
    }

    fn note(&self, event: Event) {
        self.0.note(event);
    }
}

type OnRequest = dyn Fn(&mut RequestEvent) -> Result<()> + Send + Sync;
type OnResponse = dyn Fn(&ResponseEvent) + Send + Sync;
type OnRetry = dyn Fn(&RetryEvent) + Send + Sync;

/// The hooks of a program in Rust.
#[derive(Default, Clone)]
pub(super) struct Closures {
    request: Vec<Arc<OnRequest>>,
    response: Vec<Arc<OnResponse>>,
    retry: Vec<Arc<OnRetry>>,
}

impl Closures {
    /// For the client; nothing where there are none.
    pub(super) fn built(self) -> Option<Arc<dyn Hooks>> {
        let is_empty = self.request.is_empty() && self.response.is_empty() && self.retry.is_empty();
        (!is_empty).then(|| -> Arc<dyn Hooks> { Arc::new(self) })
    }

    fn run(&self, event: Event) -> Result<HeaderMap> {
        match event {
            Event::Request(mut event) => {
                for hook in &self.request {
                    hook(&mut event)?;
                }
                return Ok(event.added);
            }
            Event::Response(event) => self.response.iter().for_each(|hook| hook(&event)),
            Event::Retry(event) => self.retry.iter().for_each(|hook| hook(&event)),
            // It is noted, and hooks are not told of it.
            Event::Failure(_) => {}
        }
        Ok(HeaderMap::new())
    }
}

impl Hooks for Closures {
    fn tell(&self, event: Event) -> Told {
        let told = self.run(event);
        Box::pin(std::future::ready(told))
    }

    fn wants_requests(&self) -> bool {
        !self.request.is_empty()
    }

    fn wants_responses(&self) -> bool {
        !self.response.is_empty()
    }

    fn wants_retries(&self) -> bool {
        !self.retry.is_empty()
    }
}

impl fmt::Debug for dyn Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

impl ServiceClientBuilder {
    /// Calls `hook` before each request is sent, those of retries and redirects included. May be given several times.
    ///
    /// It can add headers. No lock and no connection is held meanwhile, so it may use the client itself. Its time is part of the
    /// call's. A [layer](Self::layer) sees more: bodies and credentials.
    ///
    /// ```
    /// use django_api_orm::client::ServiceClient;
    ///
    /// let client = ServiceClient::builder("https://api.example.com")
    ///     .on_request(|request| request.add_header("x-request-id", "made by this program"))
    ///     .on_response(|response| {
    ///         println!("{} {} {} in {:?}", response.method(), response.url(), response.status(), response.elapsed());
    ///     })
    ///     .on_retry(|retry| println!("again in {:?}, after {}", retry.wait(), retry.kind().code()))
    ///     .build()?;
    /// # Ok::<(), django_api_orm::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// The call fails with the error of the hook, and the request is not sent.
    pub fn on_request(
        mut self,
        hook: impl Fn(&mut RequestEvent) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.request.push(Arc::new(hook));
        self
    }

    /// Calls `hook` with each answer, whatever its status; as [`on_request`](Self::on_request). A request that gets no answer has
    /// none.
    pub fn on_response(mut self, hook: impl Fn(&ResponseEvent) + Send + Sync + 'static) -> Self {
        self.hooks.response.push(Arc::new(hook));
        self
    }

    /// Calls `hook` before each wait for a retry; as [`on_request`](Self::on_request). A redirect, and a request with another
    /// credential after a 401, are no retries.
    pub fn on_retry(mut self, hook: impl Fn(&RetryEvent) + Send + Sync + 'static) -> Self {
        self.hooks.retry.push(Arc::new(hook));
        self
    }
}
