//! Configuration of a client: everything that can be set, with what it is when nothing is said.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use django_api_orm_core::retry::{Backoff, RetryBudget};
use django_api_orm_core::{Error, Result};
use http::header::{HeaderValue, USER_AGENT};
use http::{HeaderMap, Uri};
use secrecy::{SecretSlice, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;

use super::base_url::BaseUrl;
use super::call::checked_header;
use super::connector::{Connector, ConnectorSettings, Http2, Leg};
use super::context::Context;
use super::credential::{Auth, Credential, TokenProvider};
use super::pool::{Pool, PoolSettings};
use super::proxy::{Proxy, ProxySettings};
use super::stats::Counters;
use super::stream::Stream;
use super::tls::TlsSettings;
use super::{Identity, ServiceClient, Shared};

const AGENT: &str = concat!("django-api-orm/", env!("CARGO_PKG_VERSION"));

/// Configures a [`ServiceClient`]. Mistakes are reported by [`build`](Self::build).
#[must_use = "a builder does nothing until it is built"]
pub struct ServiceClientBuilder {
    base_url: String,
    auth: Auth,
    headers: Vec<(String, SecretString)>,
    user_agent: String,
    settings: Settings,
    connect_timeout: Duration,
    max_connections: usize,
    max_keepalive_connections: usize,
    keepalive_timeout: Duration,
    http2: bool,
    http2_prior_knowledge: bool,
    tls: TlsSettings,
    ca_files: Vec<PathBuf>,
    proxy: ProxySettings,
    transport: Option<Leg>,
    pub(super) context: Context,
}

/// What a call needs to know.
pub(super) struct Settings {
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) max_retries: u32,
    pub(super) backoff: Backoff,
    pub(super) follow_redirects: bool,
    pub(super) compression: bool,
    pub(super) max_response_size: usize,
}

/// What a pool is made from.
pub(super) struct Plumbing {
    transport: Leg,
    proxy: Option<Proxy>,
    tls: Option<rustls::ClientConfig>,
    connector: ConnectorSettings,
    pool: PoolSettings,
}

impl Plumbing {
    pub(super) fn pool(&self, counters: &Arc<Counters>) -> Pool {
        let connector = Connector::new(
            self.transport.clone(),
            self.proxy.clone(),
            self.tls.clone(),
            &self.connector,
            Arc::clone(counters),
        );
        Pool::new(connector, &self.pool)
    }

    /// What a proxy wants to see on each request; in a tunnel it sees none.
    pub(super) fn proxy_authorization(&self) -> Option<&HeaderValue> {
        if self.connector.is_https {
            None
        } else {
            self.proxy.as_ref()?.authorization()
        }
    }
}

impl ServiceClientBuilder {
    pub(super) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            auth: Auth::None,
            headers: Vec::new(),
            user_agent: AGENT.to_owned(),
            settings: Settings {
                headers: HeaderMap::new(),
                timeout: Duration::from_secs(60),
                attempt_timeout: Duration::from_secs(30),
                max_retries: 3,
                backoff: Backoff::default(),
                follow_redirects: true,
                compression: true,
                max_response_size: 64 * 1024 * 1024,
            },
            connect_timeout: Duration::from_secs(5),
            max_connections: 100,
            max_keepalive_connections: 20,
            // Shorter than the idle timeouts of common servers, so that the client is mostly the first to close.
            keepalive_timeout: Duration::from_secs(4),
            http2: false,
            http2_prior_knowledge: false,
            tls: TlsSettings::default(),
            ca_files: Vec::new(),
            proxy: ProxySettings::None,
            transport: None,
            context: Context::default(),
        }
    }

    /// `Authorization: Token …`, as Django REST Framework's `TokenAuthentication` expects it.
    pub fn auth_token(self, token: impl AsRef<str>) -> Self {
        self.credential(Credential::token(token))
    }

    /// `Authorization: Bearer …`.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.credential(Credential::bearer(token))
    }

    /// `Authorization: Basic …`.
    pub fn basic(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        self.credential(Credential::basic(user, password))
    }

    /// A header of another name that proves who the caller is, such as `X-API-Key`.
    pub fn auth_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.credential(Credential::header(name, value))
    }

    /// Any credential.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.auth = Auth::Fixed(credential);
        self
    }

    /// Fetches the credential when the first request needs it, and once more when the server answers 401.
    /// Concurrent requests share one fetch.
    ///
    /// ```
    /// use django_api_orm::client::{Credential, ServiceClient};
    ///
    /// let client = ServiceClient::builder("https://api.example.com")
    ///     .token_provider(|| async { Ok(Credential::bearer("fetched from somewhere")) })
    ///     .build()?;
    /// # Ok::<(), django_api_orm::client::Error>(())
    /// ```
    pub fn token_provider<F, Fut>(mut self, provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential>> + Send + 'static,
    {
        self.auth = Auth::Provider(Arc::new(TokenProvider::new(provider)));
        self
    }

    /// A header that is sent with every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers
            .push((name.into(), SecretString::from(value.into())));
        self
    }

    /// Headers that are sent with every request.
    pub fn headers<N, V>(self, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        headers
            .into_iter()
            .fold(self, |builder, (name, value)| builder.header(name, value))
    }

    /// The `User-Agent`; by default this crate's name and version.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = agent.into();
        self
    }

    /// The time for a whole call, with its retries and waits. Default 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The time to open a connection: name resolution, TCP and TLS. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The time for one attempt, from the beginning to the last byte of the response. Default 30 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout;
        self
    }

    /// Whether the server's certificate is checked. Default true; without it anybody on the way can read and
    /// change everything, credentials included.
    pub fn verify_ssl(mut self, verify: bool) -> Self {
        self.tls.verify = verify;
        self
    }

    /// A PEM file of further CA certificates to trust; read by [`build`](Self::build).
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca_files.push(path.as_ref().to_owned());
        self
    }

    /// Further CA certificates to trust, as PEM.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.extra_roots.push(pem.into());
        self
    }

    /// Whether the CA certificates of the system are trusted. Default true. They come from the usual
    /// places, or from `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub fn platform_roots(mut self, trust: bool) -> Self {
        self.tls.platform_roots = trust;
        self
    }

    /// The client's own certificate chain and private key, as PEM, for servers that ask for one.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.identity = Some(Arc::new(SecretSlice::from(pem.into())));
        self
    }

    /// An http or https proxy for all requests; user and password may be part of the URL.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySettings::Url(SecretString::from(url.into()));
        self
    }

    /// Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are obeyed. Default false.
    pub fn proxy_from_env(mut self, obey: bool) -> Self {
        self.proxy = if obey {
            ProxySettings::Environment
        } else {
            ProxySettings::None
        };
        self
    }

    /// Whether compressed responses (gzip, brotli, zstd) are asked for. Default true.
    pub fn compression(mut self, compression: bool) -> Self {
        self.settings.compression = compression;
        self
    }

    /// How many connections are open at most. Default 100.
    ///
    /// With HTTP/1.1 that is also how many requests are under way at most; further ones wait their turn, within
    /// their time. Requests over HTTP/2 share a connection and do not wait.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many idle connections are kept for later requests. Default 20.
    pub fn max_keepalive_connections(mut self, connections: usize) -> Self {
        self.max_keepalive_connections = connections;
        self
    }

    /// How long an idle connection is kept. Default 4 s: gunicorn closes after 2 s, uvicorn after 5 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.keepalive_timeout = timeout;
        self
    }

    /// Whether HTTP/2 is offered to the server in the TLS handshake. Default false. Over plain http the client
    /// speaks HTTP/1.1 all the same.
    pub fn http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Whether HTTP/2 is spoken without asking, also over plain http. Default false. A server that does not speak
    /// it cannot be reached then.
    pub fn http2_prior_knowledge(mut self, http2: bool) -> Self {
        self.http2_prior_knowledge = http2;
        self
    }

    /// Whether redirects on the same origin are followed, for writes only 307 and 308. Default true. Where they are
    /// not, a redirect is an error.
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.settings.follow_redirects = follow;
        self
    }

    /// How often a request is sent again at most. Default 3.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.settings.max_retries = retries;
        self
    }

    /// The bound of the first random wait before a request is sent again; it doubles up to 20 s. Default
    /// 200 ms.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.settings.backoff = Backoff::new(delay, Duration::from_secs(20).max(delay));
        self
    }

    /// The largest response, decompressed. Default 64 MiB. Of error responses 1 MiB is kept.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.settings.max_response_size = bytes;
        self
    }

    /// Replaces TCP: `connect` opens a byte stream to the host of the URI. TLS and proxies go on top of it. This
    /// is the seam for Unix sockets and for simulated networks in tests.
    ///
    /// ```
    /// use django_api_orm::client::ServiceClient;
    ///
    /// let client = ServiceClient::builder("http://api.example.com")
    ///     .connector(|_uri| async {
    ///         let (ours, _theirs) = tokio::io::duplex(1024);
    ///         Ok(ours)
    ///     })
    ///     .build()?;
    /// # Ok::<(), django_api_orm::client::Error>(())
    /// ```
    pub fn connector<F, Fut, S>(mut self, connect: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.transport = Some(Leg::new(move |uri| {
            let connecting = connect(uri);
            async move { Ok(Stream::new(connecting.await?)) }
        }));
        self
    }

    /// Checks everything and makes the client. Opens no connection, and needs no runtime.
    ///
    /// # Errors
    /// `Configuration`, with what to do about it: an unusable base URL, header, certificate or proxy, a limit of
    /// zero, no CA certificates on this system.
    pub fn build(mut self) -> Result<ServiceClient> {
        let base = BaseUrl::parse(&self.base_url)?;
        if self.max_connections == 0 {
            return Err(Error::configuration("max_connections must be at least 1"));
        }
        if self.http2 && self.http2_prior_knowledge && !base.is_https() {
            // Both may be set; prior knowledge says more.
            self.http2 = false;
        }
        if let Auth::Fixed(credential) = &self.auth {
            credential.to_header()?;
        }
        self.settings.headers = self.default_headers()?;
        let proxy = self.proxy.proxy(&base.join("/", "")?)?;
        let needs_tls = base.is_https() || proxy.as_ref().is_some_and(Proxy::is_https);
        let tls = if needs_tls {
            Some(self.tls_settings()?.config()?)
        } else {
            None
        };
        let http2 = match (self.http2_prior_knowledge, self.http2 && base.is_https()) {
            (true, _) => Http2::Always,
            (false, true) => Http2::Negotiated,
            (false, false) => Http2::Never,
        };
        let plumbing = Plumbing {
            transport: self
                .transport
                .unwrap_or_else(|| Leg::tcp(self.connect_timeout)),
            proxy,
            tls,
            connector: ConnectorSettings {
                is_https: base.is_https(),
                timeout: self.connect_timeout,
                http2,
                max_connections: self.max_connections.min(Semaphore::MAX_PERMITS),
            },
            pool: PoolSettings {
                http2,
                max_idle: self.max_keepalive_connections,
                idle_timeout: self.keepalive_timeout,
            },
        };
        let counters = Arc::default();
        let pool = RwLock::new(Arc::new(plumbing.pool(&counters)));
        let shared = Shared {
            base,
            settings: Arc::new(self.settings),
            places: Arc::new(Semaphore::new(plumbing.connector.max_connections)),
            plumbing: Arc::new(plumbing),
            pool,
            budget: Arc::new(RetryBudget::new()),
            counters,
            context: Arc::new(self.context),
        };
        let identity = Identity {
            auth: self.auth,
            headers: HeaderMap::new(),
        };
        Ok(ServiceClient {
            shared: Arc::new(shared),
            identity: Arc::new(identity),
        })
    }

    fn default_headers(&self) -> Result<HeaderMap> {
        use secrecy::ExposeSecret;
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_str(&self.user_agent).map_err(|_| {
            Error::configuration("the user agent has characters that a header cannot hold")
        })?;
        headers.insert(USER_AGENT, agent);
        for (name, value) in &self.headers {
            let (name, value) = checked_header(name, value.expose_secret())
                .map_err(|error| Error::configuration(error.message().to_owned()))?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn tls_settings(&self) -> Result<TlsSettings> {
        let mut tls = self.tls.clone();
        for path in &self.ca_files {
            let pem = std::fs::read(path).map_err(|error| {
                Error::configuration(format!("the CA file {} cannot be read", path.display()))
                    .with_source(error)
            })?;
            tls.extra_roots.push(pem);
        }
        Ok(tls)
    }
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL is left out: before it is checked it may hold a password.
        f.debug_struct("ServiceClientBuilder")
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
