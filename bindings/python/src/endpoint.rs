//! Endpoints: a model's rows on a client, and the operations on them.

use std::sync::Arc;

use django_api_orm::{
    BulkWriteError, FieldMeta, Kind, ModelMeta, OnDrift, OnIgnored, Pagination, Result,
    ServiceClient,
    engine::{Assigned, Collection, KeysetWalk},
};
use http::Method;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::{Map, Value};

use crate::{
    client::{Client, Shared, choice},
    failure,
    operation::{Operation, Payload},
    plan::{Condition, Plan, json},
    walk::{Steps, Walk},
};

/// Requests in flight at the same time, where an operation sends many.
const CONCURRENCY: usize = 8;

/// What the engine knows of a model class.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Model(Arc<ModelMeta>);

#[pymethods]
impl Model {
    /// `fields` are `(wire name, is read-only, "decimal" or nothing)`; `pagination` is `(style, page size, size parameter)`.
    #[new]
    #[pyo3(signature = (name, endpoint, primary_key, lookup_field, fields, pagination, filters))]
    fn new(
        name: &str,
        endpoint: &str,
        primary_key: &str,
        lookup_field: Option<&str>,
        fields: Vec<(String, bool, Option<String>)>,
        pagination: Option<(String, Option<u64>, Option<String>)>,
        filters: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let fields = fields
            .into_iter()
            .map(|(name, read_only, kind)| {
                let field = FieldMeta::new(name);
                let field = if read_only { field.read_only() } else { field };
                match kind.as_deref() {
                    None => Ok(field),
                    Some("decimal") => Ok(field.with_kind(Kind::Decimal)),
                    Some(kind) => Err(PyValueError::new_err(format!("{kind:?} is no kind"))),
                }
            })
            .collect::<PyResult<Vec<_>>>()?;
        let mut model = ModelMeta::new(name, endpoint)
            .with_primary_key(primary_key)
            .with_fields(fields);
        if let Some(lookup_field) = lookup_field {
            model = model.with_lookup_field(lookup_field);
        }
        if let Some((style, page_size, parameter)) = pagination {
            model = model.with_pagination(paginator(&style, page_size, parameter)?);
        }
        if let Some(filters) = filters {
            model = model.with_filters(filters);
        }
        Ok(Self(Arc::new(model)))
    }

    /// The same model behind another collection.
    fn at(&self, endpoint: &str) -> Self {
        Self(Arc::new(self.0.at(endpoint)))
    }

    #[getter]
    fn endpoint(&self) -> &str {
        self.0.endpoint()
    }

    /// The path of an extra route of a row, or of the collection.
    #[pyo3(signature = (key, route))]
    fn route(&self, py: Python<'_>, key: Option<&str>, route: &str) -> PyResult<String> {
        let endpoint = self.0.parsed_endpoint();
        let path = endpoint.and_then(|endpoint| match key {
            Some(key) => endpoint.action(key, route),
            None => endpoint.collection_action(route),
        });
        path.map(|path| path.path().to_owned())
            .map_err(|error| failure::raised(py, &error))
    }
}

fn paginator(
    style: &str,
    page_size: Option<u64>,
    parameter: Option<String>,
) -> PyResult<Pagination> {
    let mut pagination = match style {
        "limit_offset" => Pagination::limit_offset(),
        "page_number" => Pagination::page_number(),
        "cursor" => Pagination::cursor(),
        "link" => Pagination::link(),
        "none" => Pagination::none(),
        _ => {
            return Err(PyValueError::new_err(format!(
                "_pagination is \"limit_offset\", \"page_number\", \"cursor\", \"link\" or \"none\", not {style:?}"
            )));
        }
    };
    if let Some(rows) = page_size {
        pagination = pagination.with_page_size(rows);
    }
    if let Some(name) = parameter {
        pagination = pagination.with_size_parameter(name);
    }
    Ok(pagination)
}

/// What a query sets in place of the client's policy.
#[derive(Clone, Default)]
struct Policy {
    on_ignored: Option<OnIgnored>,
    on_drift: Option<OnDrift>,
    max_scan: Option<u64>,
    page_size: Option<u64>,
    concurrency: Option<usize>,
}

/// A model's rows on a client.
#[pyclass(frozen, module = "django_api_orm._engine")]
pub(crate) struct Endpoint {
    client: Arc<Shared>,
    model: Arc<ModelMeta>,
    policy: Policy,
}

impl Endpoint {
    /// Makes the collection once it is known on which client.
    fn on(&self) -> impl FnOnce(&ServiceClient) -> Collection + Send + 'static {
        let model = Arc::clone(&self.model);
        let policy = self.policy.clone();
        move |client| {
            let mut collection = Collection::new(client, model);
            let own = &mut collection.policy;
            own.on_ignored = policy.on_ignored.unwrap_or(own.on_ignored);
            own.on_drift = policy.on_drift.unwrap_or(own.on_drift);
            own.max_scan = policy.max_scan.unwrap_or(own.max_scan);
            own.page_size = policy.page_size.or(own.page_size);
            collection
        }
    }

    fn read<F, Fut>(&self, work: F) -> Operation
    where
        F: FnOnce(Collection) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        let on = self.on();
        Operation::new(&self.client, false, move |client| work(on(&client)))
    }

    fn write<F, Fut>(&self, work: F) -> Operation
    where
        F: FnOnce(Collection) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        let on = self.on();
        Operation::new(&self.client, true, move |client| work(on(&client)))
    }

    fn concurrency(&self) -> usize {
        self.policy.concurrency.unwrap_or(CONCURRENCY)
    }
}

fn object(text: &[u8]) -> PyResult<Map<String, Value>> {
    match json(text)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(PyValueError::new_err("a row must be a JSON object")),
    }
}

/// Values to be written; `address__city` is a part of the object `address`.
fn assigned(py: Python<'_>, text: &[u8]) -> PyResult<Assigned> {
    let mut assigned = Assigned::default();
    for (path, value) in object(text)? {
        assigned
            .set(&path, value)
            .map_err(|error| failure::raised(py, &error))?;
    }
    Ok(assigned)
}

fn written(result: Result<u64, BulkWriteError>) -> Result<Payload> {
    match result {
        Ok(rows) => Ok(Payload::Count(rows)),
        // Nothing was written: the reason is the whole story.
        Err(error) if error.failed().iter().all(|(key, _)| key.is_empty()) => Err(error.into()),
        Err(error) => Ok(Payload::NotWritten(error)),
    }
}

#[pymethods]
impl Endpoint {
    #[new]
    fn new(client: &Client, model: &Model) -> Self {
        Self {
            client: Arc::clone(&client.0),
            model: Arc::clone(&model.0),
            policy: Policy::default(),
        }
    }

    /// The same endpoint with settings in place of the client's.
    #[pyo3(signature = (*, on_ignored_=None, on_drift_=None, max_scan=None, page_size=None, concurrency=None))]
    fn with_policy(
        &self,
        on_ignored_: Option<&str>,
        on_drift_: Option<&str>,
        max_scan: Option<u64>,
        page_size: Option<u64>,
        concurrency: Option<usize>,
    ) -> PyResult<Self> {
        let old = &self.policy;
        Ok(Self {
            client: Arc::clone(&self.client),
            model: Arc::clone(&self.model),
            policy: Policy {
                on_ignored: on_ignored_
                    .map(|word| choice("on_ignored", word))
                    .transpose()?
                    .or(old.on_ignored),
                on_drift: on_drift_
                    .map(|word| choice("on_drift", word))
                    .transpose()?
                    .or(old.on_drift),
                max_scan: max_scan.or(old.max_scan),
                page_size: page_size.or(old.page_size),
                concurrency: concurrency.or(old.concurrency),
            },
        })
    }

    /// Every row.
    fn rows(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(
            move |rows| async move { Ok(Payload::Rows(Some(rows.walk(&plan).collect().await?))) },
        )
    }

    /// The rows batch by batch.
    fn walk(&self, plan: &Plan) -> Walk {
        let plan = plan.0.clone();
        let on = self.on();
        Walk::new(&self.client, move |client| {
            Steps::Pages(on(client).walk(&plan))
        })
    }

    /// The rows by primary key, batch by batch, behind the key `after` (JSON text).
    #[pyo3(signature = (plan, after))]
    fn keyset(&self, plan: &Plan, after: Option<&[u8]>) -> PyResult<Walk> {
        let plan = plan.0.clone();
        let after = after.map(json).transpose()?;
        let on = self.on();
        Ok(Walk::new(&self.client, move |client| {
            Steps::Keys(KeysetWalk::new(on(client), plan, after))
        }))
    }

    fn get(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(move |rows| async move { Ok(Payload::Row(Some(rows.get(&plan).await?))) })
    }

    /// The same for a row that is to be changed: it must be seen to satisfy the whole filter.
    fn get_for_write(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(
            move |rows| async move { Ok(Payload::Row(Some(rows.get_for_write(&plan).await?))) },
        )
    }

    fn first(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(move |rows| async move { Ok(Payload::Row(rows.first(&plan).await?)) })
    }

    fn last(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(move |rows| async move { Ok(Payload::Row(rows.last(&plan).await?)) })
    }

    fn count(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(move |rows| async move { Ok(Payload::Count(rows.count(&plan).await?)) })
    }

    fn exists(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read(move |rows| async move { Ok(Payload::Bool(rows.exists_row(&plan).await?)) })
    }

    /// The rows with these primary keys (a JSON list).
    fn by_key(&self, plan: &Plan, keys: &[u8]) -> PyResult<Operation> {
        let plan = plan.0.clone();
        let Value::Array(keys) = json(keys)? else {
            return Err(PyValueError::new_err("keys must be a list"));
        };
        let concurrency = self.concurrency();
        Ok(self.read(move |rows| async move {
            Ok(Payload::Rows(Some(
                rows.rows_by_key(&plan, &keys, concurrency).await?,
            )))
        }))
    }

    /// The row with this key, from its own URL.
    fn row(&self, key: String) -> Operation {
        self.read(move |rows| async move { Ok(Payload::Row(Some(rows.row(&key).await?))) })
    }

    fn create(&self, row: &[u8]) -> PyResult<Operation> {
        let row = object(row)?;
        Ok(self.write(move |rows| async move {
            let body = rows.new_row(&row)?;
            Ok(Payload::Row(Some(rows.create(&body).await?)))
        }))
    }

    /// Creates many rows; the value is a list of rows and exceptions.
    fn create_many(&self, bodies: Vec<Vec<u8>>) -> PyResult<Operation> {
        let bodies: Vec<_> = bodies
            .iter()
            .map(|body| object(body))
            .collect::<PyResult<_>>()?;
        let concurrency = self.concurrency();
        Ok(self.write(move |rows| async move {
            let bodies: Vec<_> = bodies
                .iter()
                .map(|body| rows.new_row(body))
                .collect::<Result<_>>()?;
            Ok(Payload::Created(
                rows.create_rows(bodies, concurrency).await,
            ))
        }))
    }

    /// `for_write`: a row that is found is to be changed, so it must be seen to satisfy the whole filter.
    #[pyo3(signature = (condition, values, *, for_write=false))]
    fn get_or_create(
        &self,
        condition: &Condition,
        values: &[u8],
        for_write: bool,
    ) -> PyResult<Operation> {
        let condition = condition.0.clone();
        let values = object(values)?;
        Ok(self.write(move |rows| async move {
            let (row, created) = rows.find_or_create(&condition, &values, for_write).await?;
            Ok(Payload::Found(row, created))
        }))
    }

    /// Changes fields of a row; the value is the server's row, or `None` where it sends none.
    fn patch(&self, key: String, values: &[u8]) -> PyResult<Operation> {
        let values = object(values)?;
        Ok(self
            .write(move |rows| async move { Ok(Payload::Row(rows.patch(&key, &values).await?)) }))
    }

    fn delete(&self, key: String) -> Operation {
        self.write(move |rows| async move {
            rows.delete(&key).await?;
            Ok(Payload::None)
        })
    }

    /// Writes values into every row of the plan: a count, or `(written keys, [(key, exception)], message)`.
    #[pyo3(signature = (plan, expected, values))]
    fn update_rows(
        &self,
        py: Python<'_>,
        plan: &Plan,
        expected: Option<u64>,
        values: &[u8],
    ) -> PyResult<Operation> {
        let plan = plan.0.clone();
        let values = assigned(py, values)?;
        let concurrency = self.concurrency();
        Ok(self.write(move |rows| async move {
            written(
                rows.update_rows(&plan, expected, &values, concurrency)
                    .await,
            )
        }))
    }

    /// Deletes every row of the plan; as `update_rows`.
    #[pyo3(signature = (plan, expected))]
    fn delete_rows(&self, plan: &Plan, expected: Option<u64>) -> Operation {
        let plan = plan.0.clone();
        let concurrency = self.concurrency();
        self.write(move |rows| async move {
            written(rows.delete_rows(&plan, expected, concurrency).await)
        })
    }

    /// What the plan will do: `(text, pushed, local, checked, requests for the given count of rows)`.
    #[pyo3(signature = (plan, rows))]
    #[allow(
        clippy::type_complexity,
        reason = "a tuple that only the package reads"
    )]
    fn explain(
        &self,
        py: Python<'_>,
        plan: &Plan,
        rows: Option<u64>,
    ) -> PyResult<(
        String,
        Vec<(String, String)>,
        Vec<String>,
        Vec<String>,
        Option<u64>,
    )> {
        let explain = || {
            let client = self.client.for_loops()?;
            (self.on())(&client).explain(&plan.0)
        };
        let explain = explain().map_err(|error| failure::raised(py, &error))?;
        Ok((
            explain.to_string(),
            explain.pushed().to_vec(),
            explain.local().to_vec(),
            explain.checked().to_vec(),
            rows.and_then(|rows| explain.requests(rows)),
        ))
    }

    /// A request to an extra route below the endpoint, whose checked path `Model.route` gave; `body` is JSON text.
    #[pyo3(signature = (method, path, body))]
    fn call(
        &self,
        py: Python<'_>,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
    ) -> PyResult<Operation> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| PyValueError::new_err(format!("{method:?} is not an HTTP method")))?;
        let is_safe = method.is_safe();
        let path = crate::client::path(py, path)?;
        let body = body.map(json).transpose()?;
        let work = move |rows: Collection| async move {
            let call = rows.route(method, path, body.as_ref())?;
            Ok(Payload::Response(rows.client()?.send(call).await?))
        };
        Ok(if is_safe {
            self.read(work)
        } else {
            self.write(work)
        })
    }
}
