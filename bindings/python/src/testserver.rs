//! The embedded test server, for `python -m django_api_orm.testserver` and for users' own tests.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use django_api_orm_testserver::{RecordedRequest, Shape, TestServer};
use http::StatusCode;
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyBytes,
};

/// A running server. It ends when it is closed or collected.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Server {
    server: Mutex<Option<TestServer>>,
    base_url: String,
    token: Option<String>,
    ca_file: Option<String>,
}

#[pymethods]
impl Server {
    /// Serves the reference site, or the tables of `seed` (JSON text), in the shape of another API (JSON text: its name or
    /// its description).
    #[new]
    #[pyo3(signature = (port, tls, seed, token, shape=None))]
    fn new(
        py: Python<'_>,
        port: u16,
        tls: bool,
        seed: Option<&[u8]>,
        token: Option<&str>,
        shape: Option<&[u8]>,
    ) -> PyResult<Self> {
        let builder = match seed {
            Some(seed) => TestServer::builder().seed_json(crate::plan::json(seed)?),
            None => TestServer::reference_builder(),
        };
        let builder = match token {
            Some(token) => builder.token(token),
            None => builder,
        };
        let builder = match shape.map(crate::plan::json).transpose()? {
            Some(shape) => {
                let shape = match shape.as_str() {
                    Some(name) => Shape::named(name),
                    None => Shape::from_json(shape),
                };
                let shape = shape.map_err(|error| PyValueError::new_err(error.to_string()))?;
                builder.shape(shape)
            }
            None => builder,
        };
        let server = py
            .detach(|| builder.port(port).tls(tls).start_blocking())
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(Self {
            base_url: server.base_url().to_owned(),
            token: token.or(server.token()).map(str::to_owned),
            ca_file: server.ca_file().map(|path| path.display().to_string()),
            server: Mutex::new(Some(server)),
        })
    }

    #[getter]
    fn base_url(&self) -> &str {
        &self.base_url
    }

    #[getter]
    fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    #[getter]
    fn ca_file(&self) -> Option<&str> {
        self.ca_file.as_deref()
    }

    /// The rows as they were at the start.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            match self
                .server
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
            {
                Some(server) => server.reset().map_err(|error| error.to_string()),
                None => Err("the server is closed".to_owned()),
            }
        })
        .map_err(PyRuntimeError::new_err)
    }

    /// `(method, path and query, body)` of the requests since the start or the last reset.
    fn requests<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(String, String, Bound<'py, PyBytes>)>> {
        self.with(|server| {
            let requests = server.requests();
            let of = |request: &RecordedRequest| {
                let body = PyBytes::new(py, request.body());
                (request.method().to_string(), request.target(), body)
            };
            requests.iter().map(of).collect()
        })
    }

    fn clear_requests(&self) -> PyResult<()> {
        self.with(TestServer::clear_requests)
    }

    /// Connections that were opened since the start.
    fn connections(&self) -> PyResult<u64> {
        self.with(TestServer::connections)
    }

    /// Answers the next request later.
    fn delay_next(&self, seconds: f64) -> PyResult<()> {
        let time = Duration::try_from_secs_f64(seconds)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.with(|server| server.delay_next(time))
    }

    /// Answers the next request with this, and does not carry it out.
    fn fail_next(
        &self,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> PyResult<()> {
        let status = StatusCode::from_u16(status)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.with(|server| server.fail_next(status, &headers, body))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let server = self
                .server
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            drop(server);
        });
    }
}

impl Server {
    fn with<T>(&self, call: impl FnOnce(&TestServer) -> T) -> PyResult<T> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server
            .as_ref()
            .map(call)
            .ok_or_else(|| PyRuntimeError::new_err("the server is closed"))
    }
}
