//! The client: its settings, its connections for event loops, its lanes for synchronous calls.

use std::{
    mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use django_api_orm::{
    Error, NullOrder, OnDrift, OnIgnored, Result, ServiceClient, client::Credential,
    dialect::Dialect, path::ApiPath,
};
use http::Method;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{
    failure,
    lane::Lane,
    notice,
    operation::{Operation, Payload},
};

/// Idle lanes that are kept; more come into being when more threads call at the same time.
const IDLE_LANES: usize = 32;

type Build = dyn Fn() -> Result<ServiceClient> + Send + Sync;

/// For whom a client speaks, and the connections that it does it with.
pub(crate) struct Shared {
    connections: Arc<Connections>,
    /// In place of the credential that the connections were made for.
    credential: Option<Option<Credential>>,
}

/// What a client shares with those that were made from it.
struct Connections {
    build: Box<Build>,
    /// Locked only by threads that are attached to Python, so that it is free in a child after `fork`.
    state: Mutex<State>,
}

struct State {
    pid: u32,
    root: ServiceClient,
    idle: Vec<Lane>,
    generation: u64,
}

impl Connections {
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = process::id();
        if state.pid != pid {
            // After `fork` the parent's connections and threads are not ours; they are left as they are.
            let root = (self.build)()?;
            state.idle.clear();
            mem::forget(mem::replace(&mut state.root, root));
            state.pid = pid;
        }
        Ok(state)
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.pid != process::id() {
            mem::forget(state.root.clone());
        }
    }
}

impl Shared {
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        self.connections.state()
    }

    /// The client with the credential that this one speaks with.
    fn speaking(&self, client: &ServiceClient) -> ServiceClient {
        match &self.credential {
            None => client.clone(),
            Some(None) => client.without_credentials(),
            Some(Some(credential)) => client.with_credential(credential.clone()),
        }
    }

    /// The client for operations on the background runtime.
    pub(crate) fn for_loops(&self) -> Result<ServiceClient> {
        Ok(self.speaking(&self.state()?.root))
    }

    /// The client for operations on a lane.
    pub(crate) fn on_lane(&self, lane: &Lane) -> ServiceClient {
        self.speaking(&lane.client)
    }

    /// A lane for a synchronous operation.
    pub(crate) fn lane(&self) -> Result<Lane> {
        let mut state = self.state()?;
        if let Some(lane) = state.idle.pop() {
            return Ok(lane);
        }
        Lane::new(&state.root, state.generation)
            .map_err(|error| Error::runtime(format!("no runtime could be started: {error}")))
    }

    /// Takes a lane back for the next call.
    pub(crate) fn give_back(&self, lane: Lane) {
        let Ok(mut state) = self.state() else {
            return;
        };
        if lane.generation == state.generation && state.idle.len() < IDLE_LANES {
            state.idle.push(lane);
        }
    }
}

/// One API.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Client(pub(crate) Arc<Shared>);

#[pymethods]
impl Client {
    /// A client of the API at `base_url`. `auth` is `(kind, ...)`; `settings` hold what is not the default.
    #[new]
    fn new(
        py: Python<'_>,
        base_url: String,
        auth: Option<Vec<String>>,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let settings = Settings::read(settings)?;
        let credential = auth.as_deref().map(credential).transpose()?;
        let build = move || settings.build(&base_url, credential.clone());
        let root = build().map_err(|error| failure::raised(py, &error))?;
        let connections = Connections {
            build: Box::new(build),
            state: Mutex::new(State {
                pid: process::id(),
                root,
                idle: Vec::new(),
                generation: 0,
            }),
        };
        Ok(Self(Arc::new(Shared {
            connections: Arc::new(connections),
            credential: None,
        })))
    }

    /// A client with another credential, or with none, over the same connections.
    #[pyo3(signature = (auth))]
    fn with_auth(&self, auth: Option<Vec<String>>) -> PyResult<Self> {
        let credential = auth.as_deref().map(credential).transpose()?;
        Ok(Self(Arc::new(Shared {
            connections: Arc::clone(&self.0.connections),
            credential: Some(credential),
        })))
    }

    /// Closes the connections of synchronous calls; gives the operation that closes those of event loops.
    fn close(&self, py: Python<'_>) -> PyResult<Operation> {
        let lanes = {
            let mut state = self
                .0
                .state()
                .map_err(|error| failure::raised(py, &error))?;
            state.generation += 1;
            mem::take(&mut state.idle)
        };
        py.detach(|| drop(lanes));
        Ok(Operation::new(&self.0, false, |client| async move {
            client.close().await;
            Ok(Payload::None)
        }))
    }

    /// A request that is written by hand; `body` is JSON text.
    #[pyo3(signature = (method, path, query, body, headers, timeout))]
    fn request(
        &self,
        method: &str,
        path: String,
        query: Vec<(String, String)>,
        body: Option<&[u8]>,
        headers: Vec<(String, String)>,
        timeout: Option<f64>,
    ) -> PyResult<Operation> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| PyValueError::new_err(format!("{method:?} is not an HTTP method")))?;
        let body = body.map(crate::plan::json).transpose()?;
        let timeout = timeout.map(seconds).transpose()?;
        let writes = !method.is_safe();
        Ok(Operation::new(&self.0, writes, move |client| async move {
            let mut request = client.request(method, &path).query(query);
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            if let Some(body) = &body {
                request = request.json(body);
            }
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            Ok(Payload::Response(request.send().await?))
        }))
    }

    /// `(requests, retries, connections, bytes_received)` since the client was made.
    fn stats(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, u64)> {
        let stats = self
            .0
            .state()
            .map_err(|error| failure::raised(py, &error))?
            .root
            .stats();
        Ok((
            stats.requests,
            stats.retries,
            stats.connections,
            stats.bytes_received,
        ))
    }

    /// The base URL, without a slash at its end.
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self
            .0
            .state()
            .map_err(|error| failure::raised(py, &error))?
            .root
            .base_url())
    }
}

/// Checks a path that a caller wrote.
pub(crate) fn path(py: Python<'_>, path: &str) -> PyResult<ApiPath> {
    ApiPath::parse(path).map_err(|error| failure::raised(py, &error))
}

fn credential(parts: &[String]) -> PyResult<Credential> {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["token", token] => Ok(Credential::token(token)),
        ["bearer", token] => Ok(Credential::bearer(token)),
        ["basic", user, password] => Ok(Credential::basic(user, password)),
        ["header", name, value] => Ok(Credential::header(*name, *value)),
        _ => Err(PyValueError::new_err("this is not a credential")),
    }
}

fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("{seconds} is not a number of seconds")))
}

/// What is not the default.
struct Settings {
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
    retry_delay: Option<Duration>,
    keepalive_timeout: Option<Duration>,
    verify_ssl: Option<bool>,
    follow_redirects: Option<bool>,
    http2: Option<bool>,
    http2_prior_knowledge: Option<bool>,
    proxy_from_env: Option<bool>,
    max_retries: Option<u32>,
    max_connections: Option<usize>,
    max_keepalive_connections: Option<usize>,
    max_response_size: Option<usize>,
    max_scan: Option<u64>,
    page_size: Option<u64>,
    read_ahead: Option<usize>,
    ca_file: Option<String>,
    proxy: Option<String>,
    user_agent: Option<String>,
    ordering_parameter: Option<String>,
    search_parameter: Option<String>,
    on_ignored: Option<OnIgnored>,
    on_drift: Option<OnDrift>,
    nulls: Option<NullOrder>,
    headers: Vec<(String, String)>,
}

impl Settings {
    fn read(given: &Bound<'_, PyDict>) -> PyResult<Self> {
        fn get<'py, T>(given: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<T>>
        where
            T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
        {
            match given.get_item(name)? {
                Some(value) if !value.is_none() => {
                    value.extract::<T>().map(Some).map_err(Into::into)
                }
                _ => Ok(None),
            }
        }
        let time = |name| get::<f64>(given, name)?.map(seconds).transpose();
        let word = |name| get::<String>(given, name);
        Ok(Self {
            timeout: time("timeout")?,
            connect_timeout: time("connect_timeout")?,
            attempt_timeout: time("attempt_timeout")?,
            retry_delay: time("retry_delay")?,
            keepalive_timeout: time("keepalive_timeout")?,
            verify_ssl: get(given, "verify_ssl")?,
            follow_redirects: get(given, "follow_redirects")?,
            http2: get(given, "http2")?,
            http2_prior_knowledge: get(given, "http2_prior_knowledge")?,
            proxy_from_env: get(given, "proxy_from_env")?,
            max_retries: get(given, "max_retries")?,
            max_connections: get(given, "max_connections")?,
            max_keepalive_connections: get(given, "max_keepalive_connections")?,
            max_response_size: get(given, "max_response_size")?,
            max_scan: get(given, "max_scan")?,
            page_size: get(given, "page_size")?,
            read_ahead: get(given, "read_ahead")?,
            ca_file: word("ca_file")?,
            proxy: word("proxy")?,
            user_agent: word("user_agent")?,
            ordering_parameter: word("ordering_parameter")?,
            search_parameter: word("search_parameter")?,
            on_ignored: word("on_ignored")?.as_deref().map(on_ignored).transpose()?,
            on_drift: word("on_drift")?.as_deref().map(on_drift).transpose()?,
            nulls: word("nulls")?.as_deref().map(nulls).transpose()?,
            headers: get::<Vec<(String, String)>>(given, "headers")?.unwrap_or_default(),
        })
    }

    fn build(&self, base_url: &str, credential: Option<Credential>) -> Result<ServiceClient> {
        let mut builder = ServiceClient::builder(base_url)
            .headers(self.headers.clone())
            .on_warning(notice::hear);
        if let Some(credential) = credential {
            builder = builder.credential(credential);
        }
        macro_rules! set {
            ($($name:ident),*) => {$(
                if let Some(value) = self.$name.clone() {
                    builder = builder.$name(value);
                }
            )*};
        }
        set!(
            timeout,
            connect_timeout,
            attempt_timeout,
            retry_delay,
            keepalive_timeout,
            verify_ssl,
            follow_redirects,
            http2,
            http2_prior_knowledge,
            proxy_from_env,
            max_retries,
            max_connections,
            max_keepalive_connections,
            max_response_size,
            max_scan,
            page_size,
            read_ahead,
            ca_file,
            proxy,
            user_agent,
            on_ignored,
            on_drift,
            nulls
        );
        let mut dialect = Dialect::default();
        if let Some(name) = &self.ordering_parameter {
            dialect = dialect.with_ordering_parameter(name);
        }
        if let Some(name) = &self.search_parameter {
            dialect = dialect.with_search_parameter(name);
        }
        builder.dialect(dialect).build()
    }
}

/// `on_ignored` by name.
pub(crate) fn on_ignored(name: &str) -> PyResult<OnIgnored> {
    match name {
        "local" => Ok(OnIgnored::Local),
        "error" => Ok(OnIgnored::Error),
        "trust" => Ok(OnIgnored::Trust),
        _ => Err(PyValueError::new_err(format!(
            "on_ignored is \"local\", \"error\" or \"trust\", not {name:?}"
        ))),
    }
}

/// `on_drift` by name.
pub(crate) fn on_drift(name: &str) -> PyResult<OnDrift> {
    match name {
        "warn" => Ok(OnDrift::Warn),
        "error" => Ok(OnDrift::Error),
        "ignore" => Ok(OnDrift::Ignore),
        _ => Err(PyValueError::new_err(format!(
            "on_drift is \"warn\", \"error\" or \"ignore\", not {name:?}"
        ))),
    }
}

fn nulls(name: &str) -> PyResult<NullOrder> {
    match name {
        "smallest" => Ok(NullOrder::Smallest),
        "largest" => Ok(NullOrder::Largest),
        _ => Err(PyValueError::new_err(format!(
            "nulls are \"smallest\" or \"largest\", not {name:?}"
        ))),
    }
}
