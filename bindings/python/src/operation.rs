//! Operations: what a query or a write will do, whoever carries it out.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use django_api_orm::{
    ApiResponse, BulkWriteError, Error, ModelMeta, Reconciled, Result, Row, ServiceClient,
    engine::{Kept, Related},
};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyBytes, PyList},
};

use crate::{
    ask::Asker,
    client::Shared,
    failure,
    notice::{self, Notice},
    row,
    together::Single,
};

/// What an operation yields.
pub(crate) enum Payload {
    None,
    Bool(bool),
    Count(u64),
    Row(Option<Row>),
    Rows(Option<Vec<Row>>),
    Kept(Done),
    Found(Done, bool),
    Many(Vec<Result<Done>>),
    NotWritten(BulkWriteError),
    Response(ApiResponse),
    Related(Vec<Related>),
    Reconciled(Reconciled<Row>),
}

/// A row after a write, and the error of what the server did not keep of it.
pub(crate) struct Done {
    pub(crate) kept: Kept,
    pub(crate) unsaved: Option<Error>,
}

impl Done {
    pub(crate) fn new(kept: Kept, model: &ModelMeta) -> Self {
        let unsaved = kept.unsaved_error(model);
        Self { kept, unsaved }
    }
}

/// A finished operation.
pub(crate) struct Outcome {
    /// An error may be that of a request which several operations share.
    pub(crate) result: Result<Payload, Arc<Error>>,
    pub(crate) notices: Vec<Notice>,
}

/// Whether it succeeded, the value or the exception, and the warnings.
pub(crate) type Finished<'py> = (bool, Bound<'py, PyAny>, Vec<Notice>);

pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Payload>> + Send>>;
/// A model, and what is done with its rows.
pub(crate) type Name = (Arc<ModelMeta>, &'static str);
/// Makes the work, on the thread that does it: what is large comes into being there, and ends there.
pub(crate) type Begin = Box<dyn FnOnce(ServiceClient) -> Work + Send>;

/// Something to be carried out once: by `run`, or by the queue of an event loop.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Operation {
    pub(crate) client: Arc<Shared>,
    /// Whether it may change something on the server, so that its outcome must not be lost.
    #[pyo3(get)]
    writes: bool,
    /// How its requests ask the token provider, and tell the program, if there is somebody.
    pub(crate) asker: Option<Asker>,
    /// The row that it reads and no more, where that may be read together with others.
    pub(crate) single: Option<Arc<Single>>,
    /// The model, and what is done; nothing for a request by hand.
    name: Option<Name>,
    begin: Mutex<Option<Begin>>,
}

impl Operation {
    pub(crate) fn new<F, Fut>(client: &Arc<Shared>, writes: bool, work: F) -> Self
    where
        F: FnOnce(ServiceClient) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        Self::asking(client, client.asker(), writes, work)
    }

    /// As `new`, with the asker of a walk that the operation is a step of.
    pub(crate) fn asking<F, Fut>(
        client: &Arc<Shared>,
        asker: Option<Asker>,
        writes: bool,
        work: F,
    ) -> Self
    where
        F: FnOnce(ServiceClient) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        let begin: Begin = Box::new(move |service| Box::pin(work(service)));
        Self {
            client: Arc::clone(client),
            writes,
            asker,
            single: None,
            name: None,
            begin: Mutex::new(Some(begin)),
        }
    }

    /// The same, for a row that may be read together with others. What asks its caller for tokens, or waits until it has been told of
    /// requests, does so for this caller, so that it is left alone.
    pub(crate) fn together(mut self, single: Single) -> Self {
        let is_alone = self.asker.as_ref().is_some_and(Asker::is_waited_for);
        self.single = (!is_alone).then(|| Arc::new(single));
        self
    }

    /// This operation, as it is called where the program is told of it.
    pub(crate) fn named(self, name: Name) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// What makes the work, which is done once.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<Begin> {
        if let Some(asker) = &self.asker {
            asker.check(py)?;
        }
        let begin = self
            .begin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        begin.ok_or_else(|| PyRuntimeError::new_err("this operation has already been carried out"))
    }
}

#[pymethods]
impl Operation {
    /// Who is told of it, if anybody is.
    #[getter]
    fn listener<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.asker.as_ref()?.listener(py)
    }

    /// The model's name, and what is done; `None` for a request by hand.
    #[getter]
    fn name(&self) -> Option<(&str, &str)> {
        let (model, what) = self.name.as_ref()?;
        Some((model.name(), what))
    }

    /// Carries the operation out on the calling thread; gives `(succeeded, value or exception, warnings)`.
    fn run<'py>(&self, py: Python<'py>) -> PyResult<Finished<'py>> {
        let lane = self
            .client
            .lane()
            .map_err(|error| failure::raised(py, &error))?;
        let client = self.client.on_lane(&lane, self.asker.as_ref());
        let client = client.map_err(|error| failure::raised(py, &error))?;
        let begin = self.begin(py)?;
        let work = Outcome::of(begin(client));
        // A lane that was interrupted is dropped, and its connections with it.
        let outcome = match &self.asker {
            None => lane.drive(py, work)?,
            Some(asker) => asker.drive(py, &lane, work)?,
        };
        self.client.give_back(lane);
        outcome.finish(py)
    }
}

impl Outcome {
    /// Does the work, and hears its warnings.
    pub(crate) async fn of(work: Work) -> Self {
        let (result, notices) = notice::listening(work).await;
        Self {
            result: result.map_err(Arc::new),
            notices,
        }
    }

    /// For Python: whether it succeeded, the value or the exception, and the warnings.
    pub(crate) fn finish(self, py: Python<'_>) -> PyResult<Finished<'_>> {
        let Self { result, notices } = self;
        Ok(match result {
            Ok(payload) => (true, payload.into_python(py)?, notices),
            Err(error) => (false, failure::exception(py, &error)?, notices),
        })
    }
}

impl Payload {
    pub(crate) fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let bytes = |row: &Row| PyBytes::new(py, row.bytes());
        Ok(match self {
            Self::None | Self::Row(None) | Self::Rows(None) => py.None().into_bound(py),
            Self::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
            Self::Count(count) => count.into_pyobject(py)?.into_any(),
            Self::Row(Some(row)) => row::to_python(py, &row)?,
            // Each row is let go of once it is copied, so that a page's bytes are not held until all rows are.
            Self::Rows(Some(rows)) => {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|row| row::to_python(py, &row))
                    .collect::<PyResult<_>>()?;
                PyList::new(py, rows)?.into_any()
            }
            Self::Related(related) => {
                let list = PyList::empty(py);
                for Related { rows, of } in related {
                    list.append((
                        PyList::new(py, rows.into_iter().map(|row| bytes(&row)))?,
                        of,
                    ))?;
                }
                list.into_any()
            }
            Self::Reconciled(found) => {
                let (word, rows) = match found {
                    Reconciled::Done(row) => ("done", Vec::from_iter(row)),
                    Reconciled::NotDone(row) => ("not_done", Vec::from_iter(row)),
                    Reconciled::Unclear(rows) => ("unclear", rows),
                };
                let rows = rows.iter().map(|row| row::to_python(py, row));
                let rows = rows.collect::<PyResult<Vec<_>>>()?;
                (word, rows).into_pyobject(py)?.into_any()
            }
            Self::Kept(done) => written(py, done)?,
            Self::Found(done, created) => {
                (written(py, done)?, created).into_pyobject(py)?.into_any()
            }
            Self::Many(results) => {
                let list = PyList::empty(py);
                for result in results {
                    match result {
                        Ok(done) => list.append(written(py, done)?)?,
                        Err(error) => list.append(failure::exception(py, &error)?)?,
                    }
                }
                list.into_any()
            }
            Self::NotWritten(error) => {
                let failed = PyList::empty(py);
                for (key, cause) in error.failed() {
                    failed.append((key, failure::exception(py, cause)?))?;
                }
                (error.written().to_vec(), failed, error.to_string())
                    .into_pyobject(py)?
                    .into_any()
            }
            Self::Response(response) => {
                let headers: Vec<(&str, String)> = response
                    .headers()
                    .iter()
                    .map(|(name, value)| {
                        (
                            name.as_str(),
                            String::from_utf8_lossy(value.as_bytes()).into_owned(),
                        )
                    })
                    .collect();
                let version = format!("{:?}", response.http_version());
                (
                    response.status().as_u16(),
                    headers,
                    PyBytes::new(py, response.bytes()),
                    version,
                    response.attempts(),
                )
                    .into_pyobject(py)?
                    .into_any()
            }
        })
    }
}

/// What a row is after a write: what the answer showed, the row, what of it is taken for written without being shown, what was
/// not kept, and the error of that.
fn written(py: Python<'_>, done: Done) -> PyResult<Bound<'_, PyAny>> {
    let Done { kept, unsaved } = done;
    let error = unsaved
        .map(|error| failure::exception(py, &error))
        .transpose()?;
    let row = row::to_python(py, &kept.row)?;
    (
        kept.written.as_str(),
        row,
        kept.assumed,
        kept.unsaved,
        error,
    )
        .into_pyobject(py)
        .map(Bound::into_any)
}

/// The error of a task that ended without an outcome.
pub(crate) fn lost() -> Outcome {
    Outcome {
        result: Err(Arc::new(Error::runtime(
            "the engine failed while it carried this operation out",
        ))),
        notices: Vec::new(),
    }
}
