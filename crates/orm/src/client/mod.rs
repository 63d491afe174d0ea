//! The HTTP client: one server, its credentials, a pool of connections, and rules for what is sent again.
//!
//! # What is sent again
//! An attempt that fails is judged by whether the server may have seen the request.
//!
//! | class | examples | sent again for |
//! | --- | --- | --- |
//! | not sent | name not found, connection refused, connect timeout, pooled connection already closed, HTTP/2 stream refused | any method |
//! | refused | 429, 425 | any method |
//! | ambiguous | no answer in time, connection reset, response cut off, 408, 500, 502, 503, 504, and 520, 522, 524, 598, 599 of proxies | `GET` `HEAD` `OPTIONS` `PUT` `DELETE`; `POST` and `PATCH` only with an idempotency key or `If-Match` |
//! | never | other statuses, a bad certificate, a body that does not decode or is too large | - |
//!
//! A `POST` or `PATCH` that may have been received is never sent twice: the error's
//! [`is_outcome_unknown`](crate::client::Error::is_outcome_unknown) is true instead. Waits grow from 200 ms to 20 s
//! with full jitter; `Retry-After` is honoured up to 60 s and the deadline of the call, beyond which the call fails at once and
//! [`retry_after`](crate::client::Error::retry_after) tells. A budget per server keeps retries from feeding an outage.
//!
//! While the server has asked to wait (429, or 503 with `Retry-After`), other calls to the same route wait too, and all of the
//! account once a second route is told so; a call whose time would end before that fails at once, with nothing sent. Afterwards
//! one request goes first. A client with `max_retries(0)` waits for nothing.
//!
//! # Where credentials go
//! To the origin of the base URL and nowhere else. Redirects are followed there only, for writes only with 307 and 308.
//! The secret of a login goes to the origin of its URL, which may be another one.
//!
//! # Logins
//! [`JwtAuth`], [`SessionAuth`] and [`OAuth2ClientCredentials`] obtain what the server wants by a password or a secret, when the first
//! call needs it, and again when it ends; see [`ServiceClientBuilder::login`]. Errors name the step that failed: a login that
//! was refused [is about authentication](crate::client::Error::is_authentication), a URL that does not exist about the
//! [configuration](crate::client::Error::is_configuration), and none of them has a status, because the call was never sent.

mod admission;
mod attempt;
pub(crate) mod base_url;
mod builder;
mod call;
mod connector;
mod context;
mod credential;
mod encoding;
pub(crate) mod event;
mod exchange;
mod failure;
pub(crate) mod hooks;
mod idempotency;
mod idle;
mod layer;
mod login;
mod pause;
mod pool;
mod proxy;
mod rate;
mod redirect;
mod request;
mod response;
mod rest;
pub(crate) mod settings;
mod stats;
mod stream;
mod tcp;
mod telling;
mod tls;
pub(crate) mod tokens;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use django_api_orm_core::retry::RetryBudget;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, Method};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub use builder::ServiceClientBuilder;
pub use call::Call;
pub use credential::Credential;
pub use django_api_orm_core::error::{Error, Result};
pub use event::{RequestEvent, ResponseEvent, RetryEvent};
pub use layer::{HttpService, RequestBody, ResponseBody};
pub use login::{JwtAuth, Login, OAuth2ClientCredentials, SessionAuth};
pub use rate::RateLimit;
pub use request::RequestBuilder;
pub use response::ApiResponse;
pub use stats::Stats;

use base_url::BaseUrl;
use builder::{Plumbing, Ways};
use context::Context;
use credential::Auth;
use hooks::Hooks;
use idle::UnderWay;
use pause::Pauses;
use pool::{Begun, Pool};
use rate::RateLog;
use settings::Settings;
use stats::Counters;
use tokens::{Asking, TokenProvider, Tokens};

pub(crate) use stats::Interest;

/// How long [`ServiceClient::close`] waits for idle connections to go.
const CLOSING: Duration = Duration::from_secs(1);

/// A client of one API. Cloning it is cheap, and clones share connections.
///
/// ```no_run
/// use django_api_orm::client::ServiceClient;
/// use std::time::Duration;
///
/// # async fn example() -> django_api_orm::client::Result<()> {
/// let client = ServiceClient::builder("https://api.example.com")
///     .auth_token("0123abcd")
///     .timeout(Duration::from_secs(30))
///     .build()?;
/// let user: serde_json::Value = client.get("/api/v1/users/1/").await?.json()?;
/// println!("{} with {} request(s)", user["name"], client.stats().requests);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServiceClient {
    shared: Arc<Shared>,
    identity: Arc<Identity>,
}

/// What all clones share, whoever they speak for.
#[derive(Clone)]
struct Shared {
    base: BaseUrl,
    settings: Arc<Settings>,
    /// Sent with every request.
    headers: Arc<HeaderMap>,
    ways: Arc<Ways>,
    plumbing: Arc<Plumbing>,
    /// What requests go through on their way to a connection.
    layers: Option<HttpService>,
    pool: Arc<RwLock<Arc<Pool>>>,
    /// Requests under way, as long as each needs a connection of its own.
    places: Arc<Semaphore>,
    /// Requests under way, where the program limits them.
    concurrency: Option<Arc<Semaphore>>,
    rate: Option<Arc<RateLog>>,
    budget: Arc<RetryBudget>,
    pauses: Arc<Pauses>,
    /// The header in which every write is named.
    idempotency_header: Option<HeaderName>,
    counters: Arc<Counters>,
    context: Arc<Context>,
}

/// For whom requests are made.
#[derive(Clone, Default)]
struct Identity {
    auth: Auth,
    /// `Authorization`, where it was set as a header of the client.
    account: HeaderMap,
    headers: HeaderMap,
    /// The time for a call, in place of the setting.
    timeout: Option<Duration>,
    hooks: Option<Arc<dyn Hooks>>,
    /// All of it as it is sent, once a request has been.
    built: OnceLock<HeaderMap>,
}

impl ServiceClient {
    /// A client with default settings and no credentials.
    ///
    /// # Errors
    /// `Configuration` if `base_url` is not an http or https URL.
    pub fn new(base_url: &str) -> Result<Self> {
        Self::builder(base_url).build()
    }

    /// Starts to configure a client. Paths are taken below `base_url`, which may have a path prefix.
    pub fn builder(base_url: &str) -> ServiceClientBuilder {
        ServiceClientBuilder::new(base_url)
    }

    /// A `GET` of a path, which may have a query. A URL is accepted if it is below the base URL, such as
    /// the links that a server returns.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A `POST` with a JSON body.
    pub fn post(&self, path: &str, body: &(impl Serialize + ?Sized)) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    /// A `PATCH` with a JSON body.
    pub fn patch(&self, path: &str, body: &(impl Serialize + ?Sized)) -> RequestBuilder {
        self.request(Method::PATCH, path).json(body)
    }

    /// A `PUT` with a JSON body.
    pub fn put(&self, path: &str, body: &(impl Serialize + ?Sized)) -> RequestBuilder {
        self.request(Method::PUT, path).json(body)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// A request with any method and, so far, no body.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self, method, path)
    }

    /// This client with `Authorization: Token …` in place of its credentials, over the same connections.
    ///
    /// ```
    /// # use django_api_orm::client::ServiceClient;
    /// let service = ServiceClient::builder("https://api.example.com").auth_token("mine").build()?;
    /// let for_this_user = service.with_token("theirs"); // `service` still speaks for itself
    /// # Ok::<(), django_api_orm::client::Error>(())
    /// ```
    #[must_use]
    pub fn with_token(&self, token: impl AsRef<str>) -> Self {
        self.with_credential(Credential::token(token))
    }

    /// What tells its account from others, in this process.
    pub(crate) fn account(&self) -> u64 {
        self.shared.pauses.number_of(&self.identity)
    }

    /// This client with `Authorization: Bearer …` in place of its credentials, over the same connections.
    #[must_use]
    pub fn with_bearer(&self, token: impl AsRef<str>) -> Self {
        self.with_credential(Credential::bearer(token))
    }

    /// This client with `credential` in place of its credentials, over the same connections.
    ///
    /// A header `Authorization` that was set counts as credentials too. Other headers are kept, such as a `Cookie`: do not put
    /// what belongs to one account there.
    #[must_use]
    pub fn with_credential(&self, credential: Credential) -> Self {
        self.speaking_by(Auth::Fixed(credential))
    }

    /// This client with credentials from `provider`, over the same connections; see
    /// [`ServiceClientBuilder::token_provider`].
    #[must_use]
    pub fn with_token_provider<F, Fut>(&self, provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        self.speaking_by(Auth::Provider(Arc::new(TokenProvider::new(provider))))
    }

    /// As [`with_token_provider`](Self::with_token_provider), where several clients share what the provider has brought; it says
    /// so by settling the fetch, or gives it up where it cannot be asked at present.
    #[doc(hidden)]
    #[must_use]
    pub fn with_tokens<F, Fut>(&self, tokens: &Arc<Tokens>, provider: F) -> Self
    where
        F: Fn(Asking) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let provider = TokenProvider::shared(Arc::clone(tokens), provider);
        self.speaking_by(Auth::Provider(Arc::new(provider)))
    }

    /// This client with credentials that it obtains by a login, over the same connections: once, for all clones of the client
    /// that this gives. See [`ServiceClientBuilder::login`].
    ///
    /// # Errors
    /// `Configuration` for an invalid URL, or an empty user or secret. Nothing is sent yet.
    pub fn with_login(&self, login: impl Into<Login>) -> Result<Self> {
        // The task is carried out by the runtime of whoever needs the credential.
        self.with_login_on(login, Handle::current)
    }

    /// As [`with_login`](Self::with_login), with the runtime that carries the login's requests out.
    #[doc(hidden)]
    pub fn with_login_on(
        &self,
        login: impl Into<Login>,
        runtime: impl Fn() -> Handle + Send + Sync + 'static,
    ) -> Result<Self> {
        let nobody = self.without_credentials();
        let sign_in = login.into().by(&nobody)?;
        let provider = TokenProvider::signing_in(sign_in, runtime);
        Ok(nobody.speaking_by(Auth::Provider(Arc::new(provider))))
    }

    /// This client with the credentials of `other`, which has been made from it or from one that shares its connections.
    #[doc(hidden)]
    #[must_use]
    pub fn speaking_as(&self, other: &Self) -> Self {
        self.speaking_by(other.identity.auth.clone())
    }

    /// The client by which a login reaches its URLs: paths below the base URL, or another `origin`. This server is reached by
    /// the same connections and with the same headers, a stranger with no more than the user agent, over the same proxy.
    fn for_logins(&self, origin: Option<&str>) -> Result<Self> {
        let shared = &*self.shared;
        let shared = match origin {
            Some(origin) if origin != shared.base.origin() => shared.of_stranger(origin)?,
            _ => Shared {
                base: match origin {
                    Some(_) => shared.base.root(),
                    None => shared.base.clone(),
                },
                // A key would declare that a refresh token may be used again.
                idempotency_header: None,
                ..shared.clone()
            },
        };
        Ok(Self {
            shared: Arc::new(shared),
            identity: match origin {
                Some(origin) if origin != self.shared.base.origin() => Arc::default(),
                _ => Arc::clone(&self.identity),
            },
        })
    }

    /// This client without credentials, over the same connections.
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        self.speaking_by(Auth::None)
    }

    /// This client with one more header on every request, over the same connections. It goes before a credential in the
    /// same header.
    ///
    /// # Errors
    /// `InvalidRequest` if the name or the value is not valid, or if the transport sets that header itself.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self> {
        let (name, value) = call::checked_header(name, value)?;
        let mut identity = (*self.identity).clone();
        identity.headers.insert(name, value);
        identity.built = OnceLock::new();
        Ok(Self {
            shared: Arc::clone(&self.shared),
            identity: Arc::new(identity),
        })
    }

    fn speaking_by(&self, auth: Auth) -> Self {
        let mut headers = self.identity.headers.clone();
        headers.remove(AUTHORIZATION);
        let account = HeaderMap::new();
        Self {
            shared: Arc::clone(&self.shared),
            identity: Arc::new(Identity {
                auth,
                account,
                headers,
                timeout: self.identity.timeout,
                hooks: self.identity.hooks.clone(),
                built: OnceLock::new(),
            }),
        }
    }

    /// This client with another time for each call, its retries and waits included, over the same connections.
    ///
    /// ```
    /// # use django_api_orm::client::ServiceClient;
    /// # use std::time::Duration;
    /// let client = ServiceClient::builder("https://api.example.com").build()?;
    /// let hasty = client.with_timeout(Duration::from_secs(2));
    /// assert!(hasty.shares_connections_with(&client));
    /// # Ok::<(), django_api_orm::client::Error>(())
    /// ```
    #[must_use]
    pub fn with_timeout(&self, time: Duration) -> Self {
        let mut identity = (*self.identity).clone();
        identity.timeout = Some(time);
        Self {
            shared: Arc::clone(&self.shared),
            identity: Arc::new(identity),
        }
    }

    /// This client with these hooks in place of its own, over the same connections.
    #[doc(hidden)]
    #[must_use]
    pub fn with_hooks(&self, hooks: Arc<dyn Hooks>) -> Self {
        let mut identity = (*self.identity).clone();
        identity.hooks = Some(hooks);
        Self {
            shared: Arc::clone(&self.shared),
            identity: Arc::new(identity),
        }
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.shared.base.to_string()
    }

    /// What this client and those that share its connections have cost so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot()
    }

    /// Whether both speak through the same connections.
    #[must_use]
    pub fn shares_connections_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// This client with connections of its own, for another runtime: a connection lives on the runtime that opened it.
    /// Limits, the retry budget, the counters and what is known of endpoints stay shared.
    #[doc(hidden)]
    #[must_use]
    pub fn on_another_runtime(&self) -> Self {
        let shared = &*self.shared;
        Self {
            shared: Arc::new(Shared {
                pool: Arc::new(RwLock::new(Arc::new(
                    shared.plumbing.pool(&shared.counters),
                ))),
                ..shared.clone()
            }),
            identity: Arc::clone(&self.identity),
        }
    }

    /// Closes the pooled connections, also those of its login to another server. Requests under way go on; later calls open
    /// new connections.
    pub async fn close(&self) {
        if let Some(sign_in) = self.identity.auth.sign_in() {
            for client in sign_in.strangers(self) {
                Box::pin(client.close()).await;
            }
        }
        let new = self.shared.plumbing.pool(&self.shared.counters);
        let old = {
            let mut pool = self
                .shared
                .pool
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *pool, Arc::new(new))
        };
        let watched = Arc::clone(old.open());
        // Requests under way hold the pool too, and their connections live as long as they do.
        let others = {
            let pool = Arc::downgrade(&old);
            move || pool.strong_count()
        };
        drop(old);
        // A connection notices that its pool is gone when its task runs; that is waited for, but not for long.
        let _ = tokio::time::timeout(CLOSING, watched.at_most(others)).await;
    }
}

impl Shared {
    /// The pool of the moment.
    fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.pool.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The pool for a request, and what says until when that is under way. A pool whose connections have been idle for too long
    /// makes way for another one.
    fn pool_for_request(&self) -> (Arc<Pool>, Option<UnderWay>) {
        loop {
            let pool = self.pool();
            match pool.begin() {
                Begun::Free => return (pool, None),
                Begun::Counted(under_way) => return (pool, Some(under_way)),
                Begun::Over => {
                    let mut current = self.pool.write().unwrap_or_else(PoisonError::into_inner);
                    if Arc::ptr_eq(&current, &pool) {
                        *current = Arc::new(pool.again());
                    }
                }
            }
        }
    }

    /// A proxy for plain http sees each request, and wants to know on each who asks.
    fn add_proxy_authorization(&self, headers: &mut HeaderMap) {
        if let Some(value) = self.plumbing.proxy_authorization() {
            headers.insert(http::header::PROXY_AUTHORIZATION, value.clone());
        }
    }
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient")
            .field("base_url", &self.shared.base)
            .field("auth", &self.identity.auth)
            .finish_non_exhaustive()
    }
}
