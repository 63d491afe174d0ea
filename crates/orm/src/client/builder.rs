//! Configuration of a client: what the table of settings does not hold, and what is made of it all.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::{Arc, RwLock};

use django_api_orm_core::retry::RetryBudget;
use django_api_orm_core::{Error, Result};
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use http::{HeaderMap, Uri};
use secrecy::{SecretSlice, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;

use super::admission::concurrency;
use super::base_url::BaseUrl;
use super::call::checked_header;
use super::connector::{Connector, ConnectorSettings, Http2, Leg};
use super::context::Context;
use super::credential::{Auth, Credential};
use super::hooks::Closures;
use super::layer::{HttpService, Wrap};
use super::login::Login;
use super::pool::{Pool, PoolSettings};
use super::proxy::Proxy;
use super::rate::RateLog;
use super::settings::Settings;
use super::stats::Counters;
use super::stream::Stream;
use super::tls::TlsSettings;
use super::tokens::TokenProvider;
use super::{Identity, ServiceClient, Shared, idempotency};

/// Configures a [`ServiceClient`]. Mistakes are reported by [`build`](Self::build).
#[must_use = "a builder does nothing until it is built"]
pub struct ServiceClientBuilder {
    base_url: String,
    account: Account,
    headers: Vec<(String, SecretString)>,
    pub(super) settings: Settings,
    ways: Ways,
    pub(super) layers: Vec<Arc<Wrap>>,
    pub(super) hooks: Closures,
    pub(super) context: Context,
}

/// For whom a client will make requests.
enum Account {
    By(Auth),
    /// Needs the client, once that is built.
    Login(Login),
}

/// How servers are reached, besides the settings.
#[derive(Clone, Default)]
pub(super) struct Ways {
    ca_pem: Vec<Vec<u8>>,
    client_certificate: Option<Arc<SecretSlice<u8>>>,
    transport: Option<Leg>,
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
        Pool::new(connector, self.pool)
    }

    /// As many as there may be connections.
    fn places(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.connector.max_connections))
    }

    /// Whether a connection may turn out to speak HTTP/2.
    pub(super) fn may_speak_http2(&self) -> bool {
        self.connector.http2 != Http2::Never
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
            account: Account::By(Auth::None),
            headers: Vec::new(),
            settings: Settings::default(),
            ways: Ways::default(),
            layers: Vec::new(),
            hooks: Closures::default(),
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
        self.account = Account::By(Auth::Fixed(credential));
        self
    }

    /// Fetches the credential when the first request needs it, and again when it [expires](Credential::expires_in) or, once
    /// for a call, when the server answers 401. Concurrent requests share one fetch, and its error if it fails.
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
        let provider = TokenProvider::new(provider);
        self.account = Account::By(Auth::Provider(Arc::new(provider)));
        self
    }

    /// Obtains its credentials by a login, and others when they expire or the server no longer accepts them: a
    /// [`JwtAuth`](super::JwtAuth), a [`SessionAuth`](super::SessionAuth) or
    /// [`OAuth2ClientCredentials`](super::OAuth2ClientCredentials). They are kept in memory only.
    ///
    /// The first call that needs them logs in. However many calls wait, one login is under way, and they share what comes of it,
    /// or its error, which says which step failed; it goes on when the call that began it is cancelled. Waiting counts in the
    /// time for a call. A request that is refused for its credential is sent once more with another one, a write too, because
    /// nothing was done.
    pub fn login(mut self, login: impl Into<Login>) -> Self {
        self.account = Account::Login(login.into());
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

    /// Further CA certificates to trust, as PEM.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ways.ca_pem.push(pem.into());
        self
    }

    /// The client's own certificate chain and private key, as PEM, for servers that ask for one.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ways.client_certificate = Some(Arc::new(SecretSlice::from(pem.into())));
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
        self.ways.transport = Some(Leg::new(move |uri| {
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
    pub fn build(self) -> Result<ServiceClient> {
        let base = BaseUrl::parse(&self.base_url)?;
        if self.settings.max_connections == 0 {
            return Err(Error::configuration("`max_connections` must be at least 1"));
        }
        if self.settings.max_concurrent_requests == Some(0) {
            return Err(Error::configuration(
                "`max_concurrent_requests` must be at least 1",
            ));
        }
        if let Some(limit) = &self.settings.rate_limit {
            limit.check()?;
        }
        if let Account::By(Auth::Fixed(credential)) = &self.account {
            credential.to_header()?;
        }
        let (account, headers) = self.default_headers()?;
        let plumbing = self.ways.plumbing(&self.settings, &base)?;
        // The first layer sees the request first, so it is put on last.
        let layers = (!self.layers.is_empty()).then(|| {
            let wrap = |inner: HttpService, layer: &Arc<Wrap>| layer(inner);
            self.layers
                .iter()
                .rev()
                .fold(HttpService::connections(), wrap)
        });
        let idempotency_header = self.settings.idempotency_header.as_deref();
        let idempotency_header = idempotency_header.map(idempotency::header).transpose()?;
        let counters = Arc::default();
        let shared = Shared {
            base,
            headers: Arc::new(headers),
            places: plumbing.places(),
            pool: Arc::new(RwLock::new(Arc::new(plumbing.pool(&counters)))),
            ways: Arc::new(self.ways),
            plumbing: Arc::new(plumbing),
            layers,
            concurrency: concurrency(&self.settings),
            rate: self.settings.rate_limit.clone().map(RateLog::new),
            budget: Arc::new(RetryBudget::new()),
            pauses: Arc::default(),
            idempotency_header,
            counters,
            context: Arc::new(self.context.built(&self.settings)),
            settings: Arc::new(self.settings),
        };
        let (auth, login) = match self.account {
            Account::By(auth) => (auth, None),
            Account::Login(login) => (Auth::None, Some(login)),
        };
        let identity = Identity {
            auth,
            account,
            hooks: self.hooks.built(),
            ..Identity::default()
        };
        let client = ServiceClient {
            shared: Arc::new(shared),
            identity: Arc::new(identity),
        };
        match login {
            None => Ok(client),
            Some(login) => client.with_login(login),
        }
    }

    /// The headers of every request: the one that says who the caller is, and the others.
    fn default_headers(&self) -> Result<(HeaderMap, HeaderMap)> {
        use secrecy::ExposeSecret;
        let mut account = HeaderMap::new();
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_str(&self.settings.user_agent).map_err(|_| {
            Error::configuration("`user_agent` has characters that a header cannot hold")
        })?;
        headers.insert(USER_AGENT, agent);
        for (name, value) in &self.headers {
            let (name, value) = checked_header(name, value.expose_secret())
                .map_err(|error| Error::configuration(error.message().to_owned()))?;
            match name == AUTHORIZATION {
                true => account.insert(name, value),
                false => headers.insert(name, value),
            };
        }
        Ok((account, headers))
    }
}

impl Ways {
    fn plumbing(&self, settings: &Settings, base: &BaseUrl) -> Result<Plumbing> {
        let proxy = match (&settings.unix_socket, &settings.proxy) {
            (Some(_), Some(_)) => {
                return Err(Error::configuration(
                    "give `unix_socket` or `proxy`, not both: a socket of this machine is not reached through a proxy",
                ));
            }
            (Some(_), None) => None,
            (None, _) => Proxy::of(settings, &base.join("/", "")?)?,
        };
        let needs_tls = base.is_https() || proxy.as_ref().is_some_and(Proxy::is_https);
        let tls = if needs_tls {
            Some(self.tls_settings(settings)?.config()?)
        } else {
            None
        };
        let http2 = match (
            settings.http2_prior_knowledge,
            settings.http2 && base.is_https(),
        ) {
            (true, _) => Http2::Always,
            (false, true) => Http2::Negotiated,
            (false, false) => Http2::Never,
        };
        Ok(Plumbing {
            transport: match (&self.transport, &settings.unix_socket) {
                (Some(transport), _) => transport.clone(),
                (None, Some(path)) => unix(path)?,
                (None, None) => Leg::tcp(settings.connect_timeout),
            },
            proxy,
            tls,
            connector: ConnectorSettings {
                is_https: base.is_https(),
                timeout: settings.connect_timeout,
                http2,
                max_connections: settings.max_connections.min(Semaphore::MAX_PERMITS),
                idle_timeout: settings.keepalive_timeout,
            },
            pool: PoolSettings {
                http2,
                max_idle: settings
                    .max_keepalive_connections
                    .unwrap_or(settings.max_connections),
                idle_timeout: settings.keepalive_timeout,
            },
        })
    }

    fn tls_settings(&self, settings: &Settings) -> Result<TlsSettings> {
        let mut tls = TlsSettings {
            verify: settings.verify_ssl,
            platform_roots: settings.platform_roots,
            extra_roots: self.ca_pem.clone(),
            identity: self.client_certificate.clone(),
        };
        for path in &settings.ca_file {
            tls.extra_roots.push(read("the CA file", path, "ca_file")?);
        }
        let (certificate, key) = (&settings.client_certificate_file, &settings.client_key_file);
        if let Some(path) = certificate {
            let mut pem = read("the certificate", path, "client_certificate_file")?;
            if let Some(path) = key {
                pem.push(b'\n');
                pem.extend(read("the key", path, "client_key_file")?);
            }
            tls.identity = Some(Arc::new(SecretSlice::from(pem)));
        } else if key.is_some() {
            return Err(Error::configuration(
                "`client_key_file` is given without `client_certificate_file`",
            ));
        }
        Ok(tls)
    }
}

impl Shared {
    /// What reaches another server: the proxy, the authorities that are trusted and the limits are the same; headers, layers, a
    /// certificate of the client and a Unix socket are for this server only.
    pub(super) fn of_stranger(&self, origin: &str) -> Result<Self> {
        let base = BaseUrl::parse(origin)?;
        let settings = Settings {
            client_certificate_file: None,
            client_key_file: None,
            unix_socket: None,
            http2_prior_knowledge: false,
            idempotency_header: None,
            ..(*self.settings).clone()
        };
        let ways = Ways {
            client_certificate: None,
            ..(*self.ways).clone()
        };
        let plumbing = ways.plumbing(&settings, &base)?;
        let agent = self.headers.get(USER_AGENT).cloned();
        Ok(Self {
            base,
            headers: Arc::new(agent.into_iter().map(|agent| (USER_AGENT, agent)).collect()),
            places: plumbing.places(),
            pool: Arc::new(RwLock::new(Arc::new(plumbing.pool(&self.counters)))),
            ways: Arc::new(ways),
            plumbing: Arc::new(plumbing),
            layers: None,
            concurrency: None,
            rate: None,
            budget: Arc::new(RetryBudget::new()),
            pauses: Arc::default(),
            idempotency_header: None,
            counters: Arc::clone(&self.counters),
            context: Arc::clone(&self.context),
            settings: Arc::new(settings),
        })
    }
}

/// What is in a file that a setting names.
fn read(what: &str, path: &Path, setting: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let path = path.display();
        Error::configuration(format!("{what} {path} (`{setting}`) cannot be read"))
            .with_source(error)
    })
}

#[cfg(unix)]
fn unix(path: &Path) -> Result<Leg> {
    Ok(Leg::unix(path.to_owned()))
}

#[cfg(not(unix))]
fn unix(_path: &Path) -> Result<Leg> {
    Err(Error::configuration(
        "`unix_socket`: this system has no Unix sockets",
    ))
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL is left out: before it is checked it may hold a password.
        let auth: &dyn fmt::Debug = match &self.account {
            Account::By(auth) => auth,
            Account::Login(login) => login,
        };
        f.debug_struct("ServiceClientBuilder")
            .field("auth", auth)
            .finish_non_exhaustive()
    }
}
