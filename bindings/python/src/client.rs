//! The client: its settings, its connections for event loops, its lanes for synchronous calls.

use std::{
    mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use django_api_orm::{
    Error, Result, ServiceClient,
    client::Credential,
    engine::{Choice, Setting, SettingKind, SettingValue, settings as settings_table},
    path::ApiPath,
};
use http::Method;
use pyo3::{
    IntoPyObjectExt,
    exceptions::{PyOverflowError, PyTypeError, PyValueError},
    prelude::*,
    types::PyDict,
};

use crate::{
    ask::{Asker, Provider},
    failure,
    hook::Program,
    lane::Lane,
    login::{self, SignedIn},
    notice,
    operation::{Operation, Payload},
};

/// Idle lanes that are kept; more come into being when more threads call at the same time.
const IDLE_LANES: usize = 32;

type Build = dyn Fn() -> Result<ServiceClient> + Send + Sync;

/// The credential that a client uses, and its connections.
pub(crate) struct Shared {
    connections: Arc<Connections>,
    account: Arc<Account>,
    /// Whether the connections were made with the credential of the account, so that nothing has to be replaced.
    is_root: bool,
    /// The time for a call, in place of the setting.
    timeout: Option<Duration>,
    program: Option<Arc<Program>>,
}

/// For whom a client makes requests.
enum Account {
    Nobody,
    Fixed(Credential),
    /// Who is asked on the caller's side.
    Provided(Arc<Provider>),
    Login(SignedIn),
}

impl Account {
    /// `auth` is `None`, a list such as `["token", ".."]`, or a token provider.
    fn read(auth: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(match auth {
            None => Self::Nobody,
            Some(auth) => match auth.extract::<Vec<String>>() {
                Ok(parts) => match login::read(&parts)? {
                    Some(login) => Self::Login(SignedIn::new(login)),
                    None => Self::Fixed(credential(&parts)?),
                },
                Err(_) => Self::Provided(Arc::new(Provider::new(auth.unbind()))),
            },
        })
    }
}

/// What a client shares with the clients that were made from it.
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
            // After `fork` the parent's connections and threads are not ours; they are left alone.
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

    /// The client with the credential of this one.
    fn speaking(&self, client: &ServiceClient, asker: Option<&Asker>) -> Result<ServiceClient> {
        let client = match (&*self.account, asker) {
            _ if self.is_root => client.clone(),
            (Account::Fixed(credential), _) => client.with_credential(credential.clone()),
            (Account::Provided(_), Some(asker)) => asker.client(client),
            (Account::Login(signed_in), _) => {
                let root = self.state()?.root.clone();
                client.speaking_as(&signed_in.client(&root)?)
            }
            (Account::Nobody | Account::Provided(_), _) => client.without_credentials(),
        };
        let client = match self.timeout {
            None => client,
            Some(time) => client.with_timeout(time),
        };
        Ok(match asker {
            None => client,
            Some(asker) => asker.telling(client),
        })
    }

    /// The way to the token provider and to whoever is told of requests, for one operation or one walk.
    pub(crate) fn asker(&self) -> Option<Asker> {
        let provider = match &*self.account {
            Account::Nobody | Account::Fixed(_) | Account::Login(_) => None,
            Account::Provided(provider) => Some(provider),
        };
        let listener = self
            .program
            .as_ref()
            .map_or(Ok(None), |program| program.listener());
        Asker::new(provider, listener)
    }

    /// The client for operations on the background runtime.
    pub(crate) fn for_loops(&self, asker: Option<&Asker>) -> Result<ServiceClient> {
        let root = self.state()?.root.clone();
        self.speaking(&root, asker)
    }

    /// The client for operations on a lane.
    pub(crate) fn on_lane(&self, lane: &Lane, asker: Option<&Asker>) -> Result<ServiceClient> {
        self.speaking(&lane.client, asker)
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
    /// A client of the API at `base_url`. `auth` is `[kind, ...]` or a token provider; `settings` holds those that are not the
    /// default; `program` says who is told of a call.
    #[new]
    #[pyo3(signature = (base_url, auth, settings, program=None))]
    fn new(
        py: Python<'_>,
        base_url: String,
        auth: Option<Bound<'_, PyAny>>,
        settings: &Bound<'_, PyDict>,
        program: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let settings = Settings::read(py, settings)?;
        let account = Account::read(auth)?;
        let is_root = matches!(account, Account::Nobody | Account::Fixed(_));
        let fixed = match &account {
            Account::Fixed(credential) => Some(credential.clone()),
            Account::Nobody | Account::Provided(_) | Account::Login(_) => None,
        };
        let build = move || settings.build(&base_url, fixed.clone());
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
        Self::checked(
            py,
            Shared {
                connections: Arc::new(connections),
                account: Arc::new(account),
                is_root,
                timeout: None,
                program: program.map(Program::new),
            },
        )
    }

    /// A client with another credential, or with none, over the same connections.
    #[pyo3(signature = (auth))]
    fn with_auth(&self, py: Python<'_>, auth: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        Self::checked(
            py,
            Shared {
                connections: Arc::clone(&self.0.connections),
                account: Arc::new(Account::read(auth)?),
                is_root: false,
                timeout: self.0.timeout,
                program: self.0.program.clone(),
            },
        )
    }

    /// A client with another time for each call, over the same connections.
    fn with_timeout(&self, timeout: f64) -> PyResult<Self> {
        Ok(Self(Arc::new(Shared {
            connections: Arc::clone(&self.0.connections),
            account: Arc::clone(&self.0.account),
            is_root: self.0.is_root,
            timeout: Some(seconds(timeout)?),
            program: self.0.program.clone(),
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

impl Client {
    /// The client, if its login can be made.
    fn checked(py: Python<'_>, shared: Shared) -> PyResult<Self> {
        if matches!(*shared.account, Account::Login(_)) {
            shared
                .for_loops(None)
                .map_err(|error| failure::raised(py, &error))?;
        }
        Ok(Self(Arc::new(shared)))
    }
}

/// Checks a path that a caller wrote.
pub(crate) fn path(py: Python<'_>, path: &str) -> PyResult<ApiPath> {
    ApiPath::parse(path).map_err(|error| failure::raised(py, &error))
}

pub(crate) fn credential(parts: &[String]) -> PyResult<Credential> {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["token", token] => Ok(Credential::token(token)),
        ["bearer", token] => Ok(Credential::bearer(token)),
        ["basic", user, password] => Ok(Credential::basic(user, password)),
        ["header", name, value] => Ok(Credential::header(*name, *value)),
        _ => Err(PyValueError::new_err("this is not a credential")),
    }
}

pub(crate) fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("{seconds} is not a number of seconds")))
}

/// A choice by its name in Python.
pub(crate) fn choice<T: Choice>(name: &str, word: &str) -> PyResult<T> {
    T::named(name, word).map_err(|error| PyValueError::new_err(error.message().to_owned()))
}

/// The settings that are not the default.
struct Settings {
    given: Vec<(&'static str, SettingValue)>,
    headers: Vec<(String, String)>,
}

impl Settings {
    /// Reads Python's values by the table of settings. `None` means that the setting is not given.
    fn read(py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut given = Vec::new();
        let mut headers = Vec::new();
        let table = settings_table();
        for (name, value) in settings {
            let name: String = name.extract()?;
            if value.is_none() {
                continue;
            }
            if name == "headers" {
                headers = value.extract()?;
                continue;
            }
            let Some(setting) = table.iter().find(|setting| setting.name == name) else {
                return Err(PyTypeError::new_err(format!(
                    "there is no setting `{name}`"
                )));
            };
            given.push((setting.name, read(py, setting, &value)?));
        }
        Ok(Self { given, headers })
    }

    fn build(&self, base_url: &str, credential: Option<Credential>) -> Result<ServiceClient> {
        let mut builder = ServiceClient::builder(base_url)
            .headers(self.headers.clone())
            .on_warning(notice::hear);
        if let Some(credential) = credential {
            builder = builder.credential(credential);
        }
        for (name, value) in &self.given {
            builder = builder.set(name, value.clone())?;
        }
        builder.build()
    }
}

/// A Python value as the setting takes it; the engine checks its range.
fn read(py: Python<'_>, setting: &Setting, value: &Bound<'_, PyAny>) -> PyResult<SettingValue> {
    let (read, wanted) = match setting.kind {
        SettingKind::Flag => (value.extract().map(SettingValue::Flag), "a bool"),
        SettingKind::Seconds => (
            value.extract().map(SettingValue::Seconds),
            "a number of seconds",
        ),
        SettingKind::Integer => (value.extract().map(SettingValue::Integer), "an int"),
        SettingKind::Text | SettingKind::Rate | SettingKind::Word(_) => {
            (value.extract().map(SettingValue::Text), "a str")
        }
    };
    // The value is not quoted: a proxy may have a password.
    read.map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(py) {
            let error = Error::configuration(format!("`{}` is too large", setting.name));
            return failure::raised(py, &error);
        }
        match value.get_type().name() {
            Ok(found) => {
                PyTypeError::new_err(format!("`{}` must be {wanted}, not {found}", setting.name))
            }
            Err(error) => error,
        }
    })
}

/// Every setting: its name, what a value is (`"bool"`, `"float"`, `"int"`, `"str"` or one of some words), its default, that in
/// words, and what the setting does.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn settings(
    py: Python<'_>,
) -> PyResult<
    Vec<(
        &'static str,
        Py<PyAny>,
        Option<Py<PyAny>>,
        &'static str,
        String,
    )>,
> {
    settings_table()
        .into_iter()
        .map(|setting| {
            let kind = match setting.kind {
                SettingKind::Flag => "bool".into_py_any(py)?,
                SettingKind::Seconds => "float".into_py_any(py)?,
                SettingKind::Integer => "int".into_py_any(py)?,
                SettingKind::Text | SettingKind::Rate => "str".into_py_any(py)?,
                SettingKind::Word(words) => words.to_vec().into_py_any(py)?,
            };
            let default = setting
                .default
                .map(|value| match value {
                    SettingValue::Flag(flag) => flag.into_py_any(py),
                    SettingValue::Seconds(seconds) => seconds.into_py_any(py),
                    SettingValue::Integer(number) => number.into_py_any(py),
                    SettingValue::Text(text) => text.into_py_any(py),
                })
                .transpose()?;
            let text = setting
                .text
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            Ok((setting.name, kind, default, setting.default_text, text))
        })
        .collect()
}
