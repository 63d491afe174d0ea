//! Endpoints: a model's rows on a client, and the operations on them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use django_api_orm::{
    BulkWriteError, Error, ModelMeta, OnDrift, OnIgnored, OnUnsaved, Result, Row, ServiceClient,
    engine::{self, Change, Collection, Join, Kept, KeysetWalk, LostWrite, Precaution},
};
use http::Method;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::{Map, Value};

use crate::{
    client::{Client, Shared, choice, seconds},
    failure,
    model::{Model, assigned, text},
    operation::{Done, Name, Operation, Payload},
    plan::{Condition, Plan, by, json, object, orders},
    related::Relation,
    row::Given,
    together::Single,
    walk::{Steps, Walk},
};

/// Requests in flight at the same time, where an operation sends many.
const CONCURRENCY: usize = 8;

/// What a query sets in place of the client's policy.
#[derive(Clone, Default, PartialEq)]
struct Policy {
    on_ignored: Option<OnIgnored>,
    on_drift: Option<OnDrift>,
    on_unsaved: Option<OnUnsaved>,
    max_scan: Option<u64>,
    page_size: Option<u64>,
    concurrency: Option<usize>,
    timeout: Option<Duration>,
    coalesce: bool,
}

/// The path of another collection, the key, the row as it was, and the body.
type ChangeArguments = (Option<String>, String, Option<Given>, Vec<u8>);

/// A key as most programs give it.
#[derive(FromPyObject)]
enum Scalar {
    Integer(i64),
    Text(String),
}

/// A model's rows on a client.
#[pyclass(frozen, module = "django_api_orm._engine")]
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) client: Arc<Shared>,
    model: Arc<ModelMeta>,
    policy: Policy,
    joins: Vec<Joined>,
}

type JoinArguments = (String, Py<Relation>, Py<Endpoint>, bool, bool);

/// A relation that filters may cross.
#[derive(Clone)]
struct Joined {
    head: String,
    relation: Arc<engine::Relation>,
    model: Arc<ModelMeta>,
    joins: Vec<Joined>,
    many: bool,
    back: bool,
}

impl Joined {
    fn on(&self, client: &ServiceClient, time: Option<Duration>) -> Join {
        let joins = self
            .joins
            .iter()
            .map(|join| join.on(client, time))
            .collect();
        let mut rows = Collection::new(client, Arc::clone(&self.model)).with_joins(joins);
        if let Some(time) = time {
            rows.limit_time(time);
        }
        Join {
            head: self.head.clone(),
            relation: Arc::clone(&self.relation),
            rows,
            many: self.many,
            back: self.back,
        }
    }
}

impl Endpoint {
    /// Makes the collection once the client is known.
    pub(crate) fn on(&self) -> impl FnOnce(&ServiceClient) -> Collection + Send + 'static {
        let model = Arc::clone(&self.model);
        let policy = self.policy.clone();
        let joins = self.joins.clone();
        move |client| {
            let mut collection = Collection::new(client, model);
            let own = &mut collection.policy;
            own.on_ignored = policy.on_ignored.unwrap_or(own.on_ignored);
            own.on_drift = policy.on_drift.unwrap_or(own.on_drift);
            own.on_unsaved = policy.on_unsaved.unwrap_or(own.on_unsaved);
            own.max_scan = policy.max_scan.unwrap_or(own.max_scan);
            own.page_size = policy.page_size.or(own.page_size);
            if let Some(time) = policy.timeout {
                collection.limit_time(time);
            }
            if joins.is_empty() {
                return collection;
            }
            collection.with_joins(
                joins
                    .iter()
                    .map(|join| join.on(client, policy.timeout))
                    .collect(),
            )
        }
    }

    pub(crate) fn name(&self, what: &'static str) -> Name {
        (Arc::clone(&self.model), what)
    }

    fn read<F, Fut>(&self, name: &'static str, work: F) -> Operation
    where
        F: FnOnce(Collection) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        let on = self.on();
        Operation::new(&self.client, false, move |client| work(on(&client))).named(self.name(name))
    }

    fn write<F, Fut>(&self, name: &'static str, work: F) -> Operation
    where
        F: FnOnce(Collection) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Payload>> + Send + 'static,
    {
        let on = self.on();
        Operation::new(&self.client, true, move |client| work(on(&client))).named(self.name(name))
    }

    /// Whether both are the same rows on the same client, asked for in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
            && Arc::ptr_eq(&self.model, &other.model)
            && self.policy == other.policy
    }

    /// Reads the one row of the plan.
    fn read_one(&self, plan: django_api_orm::plan::Plan) -> Operation {
        let single = (self.policy.coalesce).then(|| Single::new(self.clone(), plan.clone()));
        let get = self.read("get", move |rows| async move {
            Ok(Payload::Row(Some(rows.get(&plan).await?)))
        });
        match single {
            Some(single) => get.together(single),
            None => get,
        }
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.policy.concurrency.unwrap_or(CONCURRENCY).max(1)
    }
}

fn many(results: Vec<Result<Kept>>, model: &ModelMeta) -> Payload {
    let done = |kept| Done::new(kept, model);
    Payload::Many(results.into_iter().map(|kept| kept.map(done)).collect())
}

fn written(result: Result<u64, BulkWriteError>) -> Result<Payload> {
    match result {
        Ok(rows) => Ok(Payload::Count(rows)),
        // Nothing was written, so the reason is all there is to report.
        Err(error) if error.failed().iter().all(|(key, _)| key.is_empty()) => Err(error.into()),
        Err(error) => Ok(Payload::NotWritten(error)),
    }
}

/// The fields of a row by the names that they are sent under, with keys in the place of related rows.
fn as_sent(
    model: &ModelMeta,
    mut row: Map<String, Value>,
    keys: &HashMap<String, String>,
) -> Map<String, Value> {
    let mut sent = Map::new();
    for field in model.fields() {
        let name = field.name_in(|name| row.contains_key(name)).to_owned();
        if let Some(value) = row.remove(&name) {
            let name = field.sent_as();
            sent.insert(name.to_owned(), keyed(value, keys.get(name)));
        }
    }
    sent
}

/// A related row, or each of a list of them, as its value of the field `key`.
fn keyed(value: Value, key: Option<&String>) -> Value {
    match (value, key) {
        (Value::Object(mut row), Some(key)) if row.contains_key(key) => {
            row.remove(key).unwrap_or_default()
        }
        (Value::Array(rows), Some(_)) => rows.into_iter().map(|row| keyed(row, key)).collect(),
        (value, _) => value,
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
            joins: Vec::new(),
        }
    }

    /// The same endpoint, whose filters may cross relations: how such filters begin, the relation, the endpoint of the related rows,
    /// whether a row may have several of these, and whether they are the ones that point at the rows.
    fn with_joins(&self, joins: Vec<JoinArguments>) -> Self {
        let joins = joins
            .into_iter()
            .map(|(head, relation, endpoint, many, back)| {
                let endpoint = endpoint.get();
                Joined {
                    head,
                    relation: relation.get().shared(),
                    model: Arc::clone(&endpoint.model),
                    joins: endpoint.joins.clone(),
                    many,
                    back,
                }
            });
        Self {
            client: Arc::clone(&self.client),
            model: Arc::clone(&self.model),
            policy: self.policy.clone(),
            joins: joins.collect(),
        }
    }

    /// The same endpoint with settings in place of the client's.
    #[pyo3(signature = (*, on_ignored_=None, on_drift_=None, on_unsaved_=None, max_scan=None, page_size=None, concurrency=None, timeout=None, coalesce=None))]
    #[allow(clippy::too_many_arguments)] // Python gives them by name.
    fn with_policy(
        &self,
        on_ignored_: Option<&str>,
        on_drift_: Option<&str>,
        on_unsaved_: Option<&str>,
        max_scan: Option<u64>,
        page_size: Option<u64>,
        concurrency: Option<usize>,
        timeout: Option<f64>,
        coalesce: Option<bool>,
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
                on_unsaved: on_unsaved_
                    .map(|word| choice("on_unsaved", word))
                    .transpose()?
                    .or(old.on_unsaved),
                max_scan: max_scan.or(old.max_scan),
                page_size: page_size.or(old.page_size),
                concurrency: concurrency.or(old.concurrency),
                timeout: timeout.map(seconds).transpose()?.or(old.timeout),
                coalesce: coalesce.unwrap_or(old.coalesce),
            },
            joins: self.joins.clone(),
        })
    }

    /// Every row.
    fn rows(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read("fetch", move |rows| async move {
            Ok(Payload::Rows(Some(rows.walk(&plan).collect().await?)))
        })
    }

    /// The rows batch by batch.
    fn walk(&self, plan: &Plan) -> Walk {
        let plan = plan.0.clone();
        let on = self.on();
        Walk::new(&self.client, self.name("iterator"), move |client| {
            Steps::Pages(on(client).walk(&plan))
        })
    }

    /// The rows by primary key, batch by batch, after the key `after` (JSON text).
    #[pyo3(signature = (plan, after))]
    fn keyset(&self, plan: &Plan, after: Option<&[u8]>) -> PyResult<Walk> {
        let plan = plan.0.clone();
        let after = after.map(json).transpose()?;
        let on = self.on();
        Ok(Walk::new(
            &self.client,
            self.name("iterator"),
            move |client| Steps::Keys(KeysetWalk::new(on(client), plan, after)),
        ))
    }

    fn get(&self, plan: &Plan) -> Operation {
        self.read_one(plan.0.clone())
    }

    /// The row that has this value in the field: `get` of a plan that says nothing else.
    fn get_by(&self, field: &str, value: Scalar) -> Operation {
        let value = match value {
            Scalar::Integer(number) => Value::from(number),
            Scalar::Text(text) => Value::from(text),
        };
        self.read_one(by(field, value))
    }

    fn first(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read("first", move |rows| async move {
            Ok(Payload::Row(rows.first(&plan).await?))
        })
    }

    fn last(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read("last", move |rows| async move {
            Ok(Payload::Row(rows.last(&plan).await?))
        })
    }

    fn count(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read("count", move |rows| async move {
            Ok(Payload::Count(rows.count(&plan).await?))
        })
    }

    fn exists(&self, plan: &Plan) -> Operation {
        let plan = plan.0.clone();
        self.read("exists", move |rows| async move {
            Ok(Payload::Bool(rows.exists_row(&plan).await?))
        })
    }

    /// The first row in this order, which takes the place of the plan's; no row is an error.
    fn earliest(&self, plan: &Plan, fields: Vec<String>) -> Operation {
        let (plan, by) = (plan.0.clone(), orders(&fields));
        self.read("earliest", move |rows| async move {
            Ok(Payload::Row(Some(rows.earliest(&plan, by).await?)))
        })
    }

    /// The last row in this order; as `earliest`.
    fn latest(&self, plan: &Plan, fields: Vec<String>) -> Operation {
        let (plan, by) = (plan.0.clone(), orders(&fields));
        self.read("latest", move |rows| async move {
            Ok(Payload::Row(Some(rows.latest(&plan, by).await?)))
        })
    }

    /// Whether the plan has the row with this primary key (JSON text).
    fn contains(&self, plan: &Plan, key: &[u8]) -> PyResult<Operation> {
        let (plan, key) = (plan.0.clone(), json(key)?);
        Ok(self.read("contains", move |rows| async move {
            Ok(Payload::Bool(rows.contains(&plan, &key).await?))
        }))
    }

    /// The rows that have one of these values (a JSON list) in the field.
    fn rows_by(&self, plan: &Plan, field: String, values: &[u8]) -> PyResult<Operation> {
        let plan = plan.0.clone();
        let Value::Array(values) = json(values)? else {
            return Err(PyValueError::new_err("the values must be a list"));
        };
        let concurrency = self.concurrency();
        Ok(self.read("in_bulk", move |rows| async move {
            Ok(Payload::Rows(Some(
                rows.rows_by(&plan, &field, &values, concurrency).await?,
            )))
        }))
    }

    /// How many requests it takes to ask for rows by so many different keys.
    fn requests_by_keys(&self, py: Python<'_>, keys: u64) -> PyResult<u64> {
        let requests = || {
            let client = self.client.for_loops(None)?;
            (self.on())(&client).requests_by_keys(keys)
        };
        requests().map_err(|error| failure::raised(py, &error))
    }

    /// Where all rows are read in place of those with some keys, in words; nothing where they never are.
    fn whole_explained(&self, py: Python<'_>) -> PyResult<String> {
        let whole = || {
            let client = self.client.for_loops(None)?;
            (self.on())(&client).whole()
        };
        let whole = whole().map_err(|error| failure::raised(py, &error))?;
        Ok(whole.explained())
    }

    /// Reads a row again, which the server last showed as `row`.
    #[pyo3(signature = (key, row))]
    fn refresh(&self, key: String, row: Option<Given>) -> Operation {
        let row = row.map(|Given(row)| row);
        self.read("refresh_from_api", move |rows| async move {
            Ok(Payload::Row(Some(rows.refresh(&key, row.as_ref()).await?)))
        })
    }

    /// Creates a row. The value is what it is now: `("row", the server's row, [])`, or `("part", what was sent with what the
    /// answer says, the names that it says nothing of)`.
    fn create(&self, row: &[u8]) -> PyResult<Operation> {
        let row = object(row)?;
        Ok(self.write("create", move |rows| async move {
            let body = rows.new_row(&row)?;
            let kept = rows.create(&body).await?;
            Ok(Payload::Kept(Done::new(kept, rows.model())))
        }))
    }

    /// Creates a copy of a row, which the server last showed as `row`: what that leaves out, and `body` does not have, is read at its URL.
    /// `keys`: the fields, as they are sent, of whose related rows this one is sent where they are shown whole.
    fn copy(&self, row: Given, body: &[u8], keys: HashMap<String, String>) -> PyResult<Operation> {
        let Given(row) = row;
        let body = object(body)?;
        Ok(self.write("create", move |rows| async move {
            let body = rows.new_row(&body)?;
            let given: Vec<String> = body.keys().cloned().collect();
            let sent = |row: &Row| Ok(as_sent(rows.model(), row.fields()?, &keys));
            let kept = rows.copy(&row, &body, &given, sent).await?;
            Ok(Payload::Kept(Done::new(kept, rows.model())))
        }))
    }

    /// Creates many rows; the value is a list of what `create` gives, and exceptions.
    fn create_many(&self, bodies: Vec<Vec<u8>>) -> PyResult<Operation> {
        let bodies: Vec<_> = bodies
            .iter()
            .map(|body| object(body))
            .collect::<PyResult<_>>()?;
        let concurrency = self.concurrency();
        Ok(self.write("bulk_create", move |rows| async move {
            let bodies: Vec<_> = bodies
                .iter()
                .map(|body| rows.new_row(body))
                .collect::<Result<_>>()?;
            Ok(many(
                rows.create_rows(bodies, concurrency).await,
                rows.model(),
            ))
        }))
    }

    /// The row for which the condition holds, or a new one; without `new` a missing row is an error. `for_write`: a row that
    /// is found is to be changed, so it must show that it satisfies the whole condition. The value is what `create` gives, and
    /// whether the row is new.
    #[pyo3(signature = (condition, new, *, for_write))]
    fn find_or_create(
        &self,
        condition: &Condition,
        new: Option<&[u8]>,
        for_write: bool,
    ) -> PyResult<Operation> {
        let condition = condition.0.clone();
        let new = new.map(object).transpose()?;
        let find = move |rows: Collection| async move {
            let found = rows
                .find_or_create(&condition, new.as_ref(), for_write)
                .await?;
            let (kept, created) = found.into_row();
            Ok(Payload::Found(Done::new(kept, rows.model()), created))
        };
        let name = if for_write {
            "update_or_create"
        } else {
            "get_or_create"
        };
        Ok(self.write(name, find))
    }

    /// Changes fields of a row, which the server last showed as `row`. The value is as for `create`; `"nothing"` in place of
    /// `"part"` where the answer shows no row. `on_conflict` is "error" or "merge"; `check`: the row is read first, and compared.
    #[pyo3(signature = (key, row, body, *, on_conflict="error", check=false))]
    fn save(
        &self,
        key: String,
        row: Option<Given>,
        body: &[u8],
        on_conflict: &str,
        check: bool,
    ) -> PyResult<Operation> {
        let row = row.map(|Given(row)| row);
        let body = object(body)?;
        let on_conflict = choice("on_conflict", on_conflict)?;
        let precaution = Precaution { on_conflict, check };
        Ok(self.write("save", move |rows| async move {
            let kept = rows
                .save_with(&key, row.as_ref(), &body, precaution)
                .await?;
            Ok(Payload::Kept(Done::new(kept, rows.model())))
        }))
    }

    /// Changes fields of many rows, a few at a time. Each has the path of its collection, where that is another one, and what
    /// `save` takes; the value is a list of what `save` gives, and exceptions.
    fn save_many(&self, changes: Vec<ChangeArguments>) -> PyResult<Operation> {
        let changes = changes
            .into_iter()
            .map(|(path, key, row, body)| {
                let row = row.map(|Given(row)| row);
                let body = object(&body)?;
                Ok((path, Change { key, row, body }))
            })
            .collect::<PyResult<Vec<_>>>()?;
        let concurrency = self.concurrency();
        Ok(self.write("bulk_update", move |rows| async move {
            let changes = changes
                .into_iter()
                .map(|(path, change)| match path {
                    Some(path) => (rows.at(&path), change),
                    None => (rows.clone(), change),
                })
                .collect();
            Ok(many(
                Collection::save_rows(changes, concurrency).await,
                rows.model(),
            ))
        }))
    }

    /// What has to be sent to a row for it to have these values; `address__city` is a part of the object `address`. `whole`
    /// are the names of fields that are set otherwise, of which no part may be set.
    fn assigned(
        &self,
        py: Python<'_>,
        row: Given,
        values: &[u8],
        whole: Vec<String>,
    ) -> PyResult<Vec<u8>> {
        let values = assigned(py, values, &whole)?;
        let changes = || {
            let client = self.client.for_loops(None)?;
            (self.on())(&client).changes(&values, &row.0)
        };
        let mut changes = changes().map_err(|error| failure::raised(py, &error))?;
        changes.retain(|name, _| !whole.contains(name));
        text(&changes)
    }

    /// The names of the values that a row may not have although it seems to: it shows the field in another form than filters take,
    /// or fewer digits than the value is written with.
    fn unseen(&self, py: Python<'_>, row: Given, values: &[u8]) -> PyResult<Vec<String>> {
        let values = assigned(py, values, &[])?;
        let unseen = || {
            let client = self.client.for_loops(None)?;
            let names = (self.on())(&client).unseen(&values, &row.0)?;
            Ok(names.into_iter().map(str::to_owned).collect())
        };
        unseen().map_err(|error: Error| failure::raised(py, &error))
    }

    /// Deletes a row, which the server last showed as `row`. `check`: the row is read first, and compared.
    #[pyo3(signature = (key, row, *, check=false))]
    fn delete(&self, key: String, row: Option<Given>, check: bool) -> Operation {
        let row = row.map(|Given(row)| row);
        self.write("delete", move |rows| async move {
            rows.delete(&key, row.as_ref(), check).await?;
            Ok(Payload::None)
        })
    }

    /// Looks what has become of a write whose outcome is unknown, as its error keeps it (JSON text). The value is `("done", rows)`,
    /// `("not_done", rows)` or `("unclear", rows)`. `by` are the fields that identify a row which was to be created.
    fn reconcile(&self, lost: &[u8], by: Vec<String>) -> PyResult<Operation> {
        let lost: LostWrite = serde_json::from_slice(lost)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(self.read("reconcile", move |rows| async move {
            Ok(Payload::Reconciled(rows.reconcile(&lost, &by).await?))
        }))
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
        let values = assigned(py, values, &[])?;
        let concurrency = self.concurrency();
        Ok(self.write("update", move |rows| async move {
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
        self.write("delete", move |rows| async move {
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
            let client = self.client.for_loops(None)?;
            let rows = (self.on())(&client);
            let mut text = rows.explain(&plan.0)?.to_string();
            if self.policy.coalesce
                && let Some(how) = rows.together_explained(&plan.0)?
            {
                text.push_str("\n  ");
                text.push_str(&how);
            }
            Ok((text, rows.explain(&plan.0)?))
        };
        let (text, explain) = explain().map_err(|error| failure::raised(py, &error))?;
        Ok((
            text,
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
            self.read("route", work)
        } else {
            self.write("route", work)
        })
    }
}
