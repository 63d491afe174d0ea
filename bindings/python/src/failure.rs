//! Errors of the engine as Python exceptions. The classes are the package's; it makes them from a plain description.

use std::iter::successors;

use django_api_orm::{Error, ErrorKind, Row};
#[cfg(feature = "testserver")]
use http::StatusCode;
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyDict, PyList},
};

use crate::{ask::Raised, row};

static FACTORY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception object for an error; what code of the program raised is handed on as it is.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    if let Some(raised) = Raised::of(error).filter(|_| !error.is_outcome_unknown()) {
        return Ok(raised.bind(py).clone());
    }
    let factory = FACTORY.get_or_try_init(py, || {
        py.import("django_api_orm.exceptions")?
            .getattr("_from_engine")
            .map(Bound::unbind)
    })?;
    let details = PyDict::new(py);
    details.set_item("status_code", error.status().map(|status| status.as_u16()))?;
    details.set_item(
        "retry_after",
        error.retry_after().map(|wait| wait.as_secs_f64()),
    )?;
    details.set_item("request_id", error.request_id())?;
    details.set_item("detail", error.detail())?;
    let row = |row: &Row| row::to_python(py, row);
    details.set_item("row", error.row().map(row).transpose()?)?;
    let conflict = error.conflict();
    let conflict = conflict
        .map(|conflict| Ok::<_, PyErr>((row(conflict.current())?, conflict.fields().to_vec())));
    let lost = error.lost_write().map(serde_json::to_vec).transpose();
    let lost = lost.map_err(|error| PyValueError::new_err(error.to_string()))?;
    details.set_item("lost", lost.map(|lost| PyBytes::new(py, &lost)))?;
    details.set_item("conflict", conflict.transpose()?)?;
    details.set_item("body", error.body().map(|body| PyBytes::new(py, body)))?;
    details.set_item("method", error.method().map(http::Method::as_str))?;
    details.set_item("url", error.url_template())?;
    details.set_item("attempts", error.attempts())?;
    details.set_item("is_retryable", error.is_retryable())?;
    details.set_item("is_outcome_unknown", error.is_outcome_unknown())?;
    details.set_item("_is_carried_out", error.is_carried_out())?;
    let errors = PyDict::new(py);
    for (path, messages) in error.field_errors().iter() {
        errors.set_item(path, PyList::new(py, messages)?)?;
    }
    details.set_item("errors", errors)?;
    let sources = successors(std::error::Error::source(error), |error| error.source());
    let cause = sources
        .filter_map(|source| source.downcast_ref::<Error>())
        .next();
    details.set_item(
        "cause",
        cause.map(|cause| exception(py, cause)).transpose()?,
    )?;
    factory
        .bind(py)
        .call1((error.kind().code(), error.to_string(), details))
}

/// The same, to be raised.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

/// Every kind of error that the engine has: its code, and what it means.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(&'static str, &'static str)> {
    ErrorKind::ALL
        .iter()
        .map(|kind| (kind.code(), kind.description().trim()))
        .collect()
}

/// An error of this kind as it would reach Python, for tests of the exceptions.
#[cfg(feature = "testserver")]
#[pyfunction]
#[pyo3(signature = (code, status=None))]
pub(crate) fn error_example<'py>(
    py: Python<'py>,
    code: &str,
    status: Option<u16>,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = ErrorKind::ALL
        .iter()
        .find(|kind| kind.code() == code)
        .ok_or_else(|| PyValueError::new_err(format!("there is no kind {code:?}")))?;
    let mut error = Error::new(*kind, kind.description().trim())
        .with_request(&http::Method::GET, "/users/{id}/")
        .with_attempts(1);
    if let Some(status) = status {
        let status = StatusCode::from_u16(status)
            .map_err(|_| PyValueError::new_err(format!("{status} is not a status")))?;
        error = error.with_status(status);
    }
    exception(py, &error)
}
