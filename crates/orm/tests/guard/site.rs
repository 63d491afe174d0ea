//! A table of things behind an endpoint that ignores what it is told to.

use std::sync::{Arc, Mutex};

use django_api_orm::{Filter, Manager, QuerySet, WarningKind, prelude::*};
use django_api_orm_testserver::{Field, Paginator, Quirk, Resource, TestServer, View};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
pub(crate) struct Thing {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) rank: i64,
}

/// The same rows; everything but the name may be missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
pub(crate) struct Loose {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: String,
    pub(crate) rank: Option<i64>,
}

/// The row with this key: kinds take turns, ranks go down and repeat.
pub(crate) fn thing(id: i64) -> Thing {
    let kind = ["a", "b", "c"][usize::try_from((id - 1) % 3).unwrap()];
    Thing {
        id: Some(id),
        name: format!("thing {id:03}"),
        kind: kind.to_owned(),
        rank: 9 - id % 10,
    }
}

/// The keys of the things for which this holds.
pub(crate) fn where_(holds: impl Fn(&Thing) -> bool) -> Vec<i64> {
    (1..=330).filter(|id| holds(&thing(*id))).collect()
}

pub(crate) struct Site {
    pub(crate) server: TestServer,
    pub(crate) client: ServiceClient,
    warnings: Warnings,
}

/// A server of this view alone, and a client that warns nobody.
pub(crate) async fn served(view: View) -> (TestServer, ServiceClient) {
    let server = TestServer::builder()
        .view(view.public())
        .start()
        .await
        .unwrap();
    let client = ServiceClient::builder(server.base_url())
        .on_warning(|_| {})
        .build()
        .unwrap();
    (server, client)
}

/// What was warned of.
pub(crate) type Warnings = Arc<Mutex<Vec<(WarningKind, String)>>>;

/// A client of the server, and what it warns of.
pub(crate) fn listening(server: &TestServer) -> (ServiceClient, Warnings) {
    let warnings = Warnings::default();
    let heard = Arc::clone(&warnings);
    let client = ServiceClient::builder(server.base_url())
        .on_warning(move |warning| {
            heard
                .lock()
                .unwrap()
                .push((warning.kind(), warning.subject().to_owned()));
        })
        .build()
        .unwrap();
    (client, warnings)
}

/// Things behind limit and offset, 100 to a page, every filter and ordering known; a second endpoint shows the same rows.
pub(crate) fn resource() -> Resource {
    let rows: Vec<Value> = (1..=330).map(|id| json!(thing(id))).collect();
    with_rows(&json!(rows))
}

pub(crate) fn with_rows(rows: &Value) -> Resource {
    Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("kind", 5).default("a"),
            Field::integer("rank").default(0),
        ])
        .paginator(Paginator::limit_offset().max_limit(100))
        .filter_on_everything()
        .search(["name"])
        .rows(rows.clone())
}

/// A server with that resource.
pub(crate) async fn site(resource: Resource) -> Site {
    let others = Resource::new("others")
        .table("things")
        .paginator(Paginator::limit_offset())
        .no_filter_backends();
    let server = TestServer::builder()
        .resource(resource)
        .resource(others)
        .start()
        .await
        .unwrap();
    let (client, warnings) = listening(&server);
    Site {
        server,
        client,
        warnings,
    }
}

/// A server whose things do not see these query parameters.
pub(crate) async fn deaf_to<const N: usize>(parameters: [&str; N]) -> Site {
    site(resource().quirk(Quirk::ignore_parameters(parameters))).await
}

impl Site {
    pub(crate) fn things(&self) -> Manager<Thing> {
        self.client.objects()
    }

    /// What was warned of so far.
    pub(crate) fn warnings(&self) -> Vec<(WarningKind, String)> {
        self.warnings.lock().unwrap().clone()
    }

    /// Method and target of every request that was no GET, in their order.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.server.requests();
        let writes = requests
            .iter()
            .filter(|request| !request.method().is_safe());
        writes
            .map(|request| format!("{} {}", request.method(), request.target()))
            .collect()
    }

    /// The requests that this takes.
    pub(crate) async fn cost<T>(&self, of: impl Future<Output = T>) -> (T, u64) {
        let before = self.client.stats().requests;
        let answer = of.await;
        (answer, self.client.stats().requests - before)
    }
}

pub(crate) fn q(name: &str, value: impl Into<Value>) -> Filter<Thing> {
    Filter::lookup(name, value)
}

pub(crate) async fn ids(queryset: QuerySet<Thing>) -> django_api_orm::Result<Vec<i64>> {
    Ok(queryset
        .await?
        .iter()
        .filter_map(|thing| thing.id)
        .collect())
}
