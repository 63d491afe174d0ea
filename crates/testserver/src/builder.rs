//! Puts a server together, and checks that its parts fit before anything listens.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Router;
use http::HeaderName;
use serde_json::{Map, Value};

use crate::action::View;
use crate::codec;
use crate::error::{Error, Result};
use crate::field::Field;
use crate::filters::Filter;
use crate::infer;
use crate::keys::Keys;
use crate::moment;
use crate::resource::Resource;
use crate::server::TestServer;
use crate::shape::Shape;
use crate::site::{Endpoint, Site};
use crate::store::{Store, Values};
use crate::table::{Table, Tables};
use crate::throttle::Throttle;
use crate::tls::Tls;

/// A server that is being put together; see [`TestServer::builder`].
#[derive(Debug)]
pub struct TestServerBuilder {
    resources: Vec<Resource>,
    views: Vec<View>,
    seed: Map<String, Value>,
    shape: Option<Shape>,
    tokens: BTreeMap<String, String>,
    pub(crate) first_token: Option<String>,
    idempotency_header: Option<HeaderName>,
    pub(crate) routes: Router,
    pub(crate) tls: Tls,
    pub(crate) port: u16,
    pub(crate) workers: usize,
}

impl TestServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            resources: Vec::new(),
            views: Vec::new(),
            seed: Map::new(),
            shape: None,
            tokens: BTreeMap::new(),
            first_token: None,
            idempotency_header: None,
            routes: Router::new(),
            tls: Tls::Off,
            port: 0,
            workers: 2,
        }
    }

    /// Adds a resource.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Puts every resource, and every table of [`seed_json`](Self::seed_json), into the shape of another API.
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = Some(shape);
        self
    }

    /// Departs from DRF in one way, in a resource that was added before: for sites that are
    /// already built, such as [`TestServer::reference_builder`].
    #[must_use]
    pub fn quirk(mut self, resource: &str, quirk: crate::Quirk) -> Self {
        for known in self
            .resources
            .iter_mut()
            .filter(|known| known.name == resource)
        {
            known.quirks.push(quirk.clone());
        }
        self
    }

    /// Adds an endpoint that is not a resource.
    #[must_use]
    pub fn view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// Adds any other routes, which answer for themselves: no token, no rows.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Rows for several tables: an object with an array under the name of each. A table without
    /// a resource gets one, as [`Resource::from_json`] makes it; columns such as `author_id` or
    /// `author` become references where there is a table `authors`.
    #[must_use]
    pub fn seed_json(mut self, tables: impl Into<Value>) -> Self {
        if let Value::Object(tables) = tables.into() {
            self.seed.extend(tables);
        }
        self
    }

    /// Asks for `Authorization: Token {token}`. With no token at all, everything is open.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.first_token.get_or_insert_with(|| token.to_owned());
        self.tokens.insert(token.to_owned(), token.to_owned());
        self
    }

    /// Honours idempotency keys in this header: a write that comes again with the key of an earlier one is not done again, but
    /// answered as that was.
    #[must_use]
    pub fn idempotency_header(mut self, name: HeaderName) -> Self {
        self.idempotency_header = Some(name);
        self
    }

    /// Serves https with a certificate made for the occasion, HTTP/2 by ALPN.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = if tls { Tls::On } else { Tls::Off };
        self
    }

    /// Serves https, and only to clients that show the certificate of
    /// [`TestServer::client_identity_pem`].
    #[must_use]
    pub fn client_certificates(mut self) -> Self {
        self.tls = Tls::ClientCertificates;
        self
    }

    /// The port to listen on; otherwise a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The threads that serve; otherwise two.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads.max(1);
        self
    }

    /// Starts the server on a thread of its own, on the loopback.
    ///
    /// # Errors
    /// When the parts do not fit (an unknown field in a filter, a row of the wrong type, ...) or
    /// the port is taken.
    pub async fn start(self) -> Result<TestServer> {
        let starting = TestServer::launch(self)?;
        starting
            .await
            .map_err(|error| Error::because("the server ended at once", error))?
    }

    /// [`start`](Self::start) for code that is not async.
    ///
    /// # Errors
    /// As [`start`](Self::start); also inside an async runtime, whose thread must not be blocked.
    pub fn start_blocking(self) -> Result<TestServer> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let message = "start_blocking inside an async runtime: use start().await";
            return Err(Error::configuration(message));
        }
        let starting = TestServer::launch(self)?;
        starting
            .blocking_recv()
            .map_err(|error| Error::because("the server ended at once", error))?
    }

    pub(crate) fn build_site(&mut self) -> Result<Site> {
        self.add_missing_resources();
        let mut resources = std::mem::take(&mut self.resources);
        if let Some(shape) = self.shape.take() {
            let shaped = resources.into_iter().map(|resource| shape.of(resource));
            resources = shaped.collect();
        }
        let tables = build_tables(&mut resources)?;
        let mut seed = Vec::new();
        for resource in &resources {
            let rows = self.seed.remove(&resource.table).map(infer::rows);
            for rows in [rows, Some(resource.rows.clone())].into_iter().flatten() {
                if let Some(table) = tables.get(&resource.table) {
                    seed.push((table.name.clone(), stored_rows(table, &rows)?));
                }
            }
        }
        let endpoints = resources
            .into_iter()
            .map(|resource| endpoint(resource, &tables));
        let mut endpoints = endpoints.collect::<Result<Vec<_>>>()?;
        // The first path that fits is taken: `/items/` must not swallow `/items/plain/`.
        endpoints.sort_by_key(|endpoint| Reverse(endpoint.resource.path.len()));
        let store = Store::open(&tables)
            .map_err(|error| Error::because("cannot make the tables", error))?;
        let site = Site {
            endpoints,
            views: std::mem::take(&mut self.views),
            tables,
            store,
            tokens: std::mem::take(&mut self.tokens),
            seed,
            throttle: Throttle::default(),
            keys: Keys::new(self.idempotency_header.take()),
        };
        check_children(&site)?;
        site.reset()
            .map_err(|error| Error::because("cannot insert the rows", error))?;
        Ok(site)
    }

    /// Resources for the seeded tables that have none.
    fn add_missing_resources(&mut self) {
        let names = self.seed.keys().cloned().collect::<Vec<_>>();
        for name in &names {
            if self
                .resources
                .iter()
                .any(|resource| resource.table == *name)
            {
                continue;
            }
            let Some(rows) = self.seed.remove(name) else {
                continue;
            };
            let mut resource = Resource::from_json(name, rows);
            for field in &mut resource.fields {
                infer::link_tables(name, field, &names);
            }
            self.resources.push(resource.filter_on_everything());
        }
    }
}

/// A table for every name; resources without fields take those of their table.
fn build_tables(resources: &mut [Resource]) -> Result<Tables> {
    let mut tables = Tables::default();
    for resource in resources
        .iter()
        .filter(|resource| !resource.fields.is_empty())
    {
        if tables.get(&resource.table).is_none() {
            let table = Table::new(&resource.table, resource.fields.clone());
            let table = table.ok_or_else(|| {
                Error::configuration(format!("{}: no field is the primary key", resource.name))
            })?;
            tables.0.insert(resource.table.clone(), table);
        }
    }
    for resource in resources {
        let table = tables
            .get(&resource.table)
            .ok_or_else(|| Error::configuration(format!("{}: it has no fields", resource.name)))?;
        if resource.fields.is_empty() {
            resource.fields.clone_from(&table.fields);
        }
    }
    Ok(tables)
}

fn endpoint(resource: Resource, tables: &Tables) -> Result<Endpoint> {
    let name = resource.name.clone();
    let wrong = |message: String| Error::configuration(format!("{name}: {message}"));
    let table = tables
        .get(&resource.table)
        .ok_or_else(|| wrong("it has no table".to_owned()))?;
    if !resource.path.starts_with('/') {
        let message = format!("the path {} must begin with a slash", resource.path);
        return Err(wrong(message));
    }
    for field in &resource.fields {
        if table.field(&field.name).is_none() {
            return Err(wrong(format!("its table has no field {}", field.name)));
        }
        if field
            .kind
            .target()
            .is_some_and(|(target, _)| tables.get(target).is_none())
        {
            return Err(wrong(format!(
                "{} points to a table that is not there",
                field.name
            )));
        }
    }
    let filters = resource.filters.iter();
    let filters = filters.map(|spec| Filter::new(tables, table, spec));
    let filters = filters.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let ordering = resource.ordering.clone().unwrap_or_else(|| {
        resource
            .fields
            .iter()
            .map(|field| field.name.clone())
            .collect()
    });
    let lookup_field = resource
        .lookup_field
        .clone()
        .unwrap_or_else(|| table.key.clone());
    let search = resource
        .search
        .iter()
        .map(|field| field.trim_start_matches(['^', '=', '$']));
    for path in ordering
        .iter()
        .map(String::as_str)
        .chain([lookup_field.as_str()])
        .chain(search)
    {
        if tables.resolve(table, path).is_none() {
            return Err(wrong(format!("there is no field {path}")));
        }
    }
    Ok(Endpoint {
        filters,
        ordering,
        lookup_field,
        resource,
    })
}

fn check_children(site: &Site) -> Result<()> {
    for endpoint in &site.endpoints {
        for child in &endpoint.resource.children {
            let table = site
                .endpoint(&child.resource)
                .and_then(|endpoint| site.tables.get(&endpoint.resource.table));
            if table.and_then(|table| table.field(&child.field)).is_none() {
                let (name, route) = (&endpoint.resource.name, &child.name);
                let message = format!("{name}: nothing to show under the route {route}");
                return Err(Error::configuration(message));
            }
        }
    }
    Ok(())
}

fn stored_rows(table: &Table, rows: &[Value]) -> Result<Vec<Values>> {
    rows.iter()
        .enumerate()
        .map(|(number, row)| stored_row(table, number, row))
        .collect()
}

fn stored_row(table: &Table, number: usize, row: &Value) -> Result<Values> {
    let wrong =
        |message: String| Error::configuration(format!("{}, row {number}: {message}", table.name));
    let row = row
        .as_object()
        .ok_or_else(|| wrong("it is no object".to_owned()))?;
    if let Some(name) = row.keys().find(|name| table.field(name).is_none()) {
        return Err(wrong(format!("there is no field {name}")));
    }
    let mut values = Vec::new();
    for field in &table.fields {
        let value = match row.get(&field.name) {
            Some(value) => codec::to_sql(field, value)
                .ok_or_else(|| wrong(format!("{} cannot be {value}", field.name)))?,
            None => match default(field) {
                Some(value) => value,
                None => continue,
            },
        };
        values.push((field.name.clone(), value));
    }
    Ok(values)
}

fn default(field: &Field) -> Option<rusqlite::types::Value> {
    use crate::field::FieldDefault;
    match field.default.as_ref()? {
        FieldDefault::Value(value) => codec::to_sql(field, value),
        FieldDefault::Now => Some(moment::now().into()),
        FieldDefault::Uuid => Some(uuid::Uuid::new_v4().to_string().into()),
    }
}
