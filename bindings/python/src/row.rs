//! Rows on their way between the engine and Python: bytes, which carry their version where the server has named one.

use django_api_orm::{Row, engine::Version};
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyType},
};

static VERSIONED: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// A row as Python has it: bytes, or the package's `VersionedRow`.
pub(crate) fn to_python<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyAny>> {
    let text = PyBytes::new(py, row.bytes());
    let Some(version) = row.version() else {
        return Ok(text.into_any());
    };
    let class = VERSIONED.import(py, "django_api_orm._rows", "VersionedRow")?;
    class.call1((text, version.to_text()))
}

/// A row that Python gives.
pub(crate) struct Given(pub(crate) Row);

impl<'py> FromPyObject<'_, 'py> for Given {
    type Error = PyErr;

    fn extract(row: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = row.cast::<PyBytes>()?;
        let given = Row::new(text.as_bytes().to_vec());
        if text.is_exact_instance_of::<PyBytes>() {
            return Ok(Self(given));
        }
        let version: String = row.getattr("version")?.extract()?;
        Ok(Self(given.with_version(Version::from_text(&version))))
    }
}
