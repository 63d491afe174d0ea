//! A server with one table of rows, and a client that keeps its warnings.

use std::sync::{Arc, Mutex};

use django_api_orm::{
    Error, Manager, OnDrift, Pagination, QuerySet, Warning, WarningKind, prelude::*,
};
use django_api_orm_testserver::{Paginator, Quirk, Resource, TestServer, View};
use serde_json::json;

/// Rows of the table, unless a test says otherwise.
pub(crate) const ROWS: i64 = 130;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/rows/")]
pub(crate) struct Row {
    pub(crate) id: Option<i64>,
    #[serde(default)]
    pub(crate) kind: String,
}

pub(crate) fn resource(rows: i64) -> Resource {
    let rows: Vec<_> = (1..=rows)
        .map(|id| json!({"id": id, "kind": if id % 3 == 0 { "fizz" } else { "other" }}))
        .collect();
    Resource::from_json("rows", json!(rows))
}

/// `id`s from 1 on, in order.
pub(crate) fn all() -> Vec<i64> {
    (1..=ROWS).collect()
}

pub(crate) fn limit_offset() -> Paginator {
    Paginator::limit_offset().default_limit(20).max_limit(50)
}

pub(crate) fn page_number() -> Paginator {
    Paginator::page_number(20)
}

pub(crate) fn cursor() -> Paginator {
    Paginator::cursor(20, ["id"])
}

pub(crate) struct Site {
    pub(crate) server: TestServer,
    pub(crate) client: ServiceClient,
    warnings: Arc<Mutex<Vec<Warning>>>,
}

impl Site {
    /// The table behind a paginator, with quirks.
    pub(crate) async fn new(paginator: Paginator, quirks: impl IntoIterator<Item = Quirk>) -> Self {
        let resource = resource(ROWS).paginator(paginator);
        Self::of(quirks.into_iter().fold(resource, Resource::quirk)).await
    }

    pub(crate) async fn of(resource: Resource) -> Self {
        Self::on(
            TestServer::builder()
                .resource(resource)
                .start()
                .await
                .unwrap(),
        )
    }

    /// A server that answers what the test says.
    pub(crate) async fn scripted(view: View) -> Self {
        Self::on(TestServer::builder().view(view).start().await.unwrap())
    }

    fn on(server: TestServer) -> Self {
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&warnings);
        let client = ServiceClient::builder(server.base_url())
            .on_warning(move |warning| kept.lock().unwrap().push(warning.clone()))
            .max_retries(0)
            .build()
            .unwrap();
        Self {
            server,
            client,
            warnings,
        }
    }

    pub(crate) fn rows(&self) -> Manager<Row> {
        self.client.objects()
    }

    pub(crate) fn declared(&self, pagination: Pagination) -> Manager<Row> {
        self.rows().with_pagination(pagination)
    }

    /// The warnings so far, which are forgotten then.
    pub(crate) fn warnings(&self) -> Vec<WarningKind> {
        std::mem::take(&mut *self.warnings.lock().unwrap())
            .iter()
            .map(Warning::kind)
            .collect()
    }

    /// Path and query of the requests so far, which are forgotten then.
    pub(crate) fn targets(&self) -> Vec<String> {
        let targets = self
            .server
            .requests()
            .iter()
            .map(django_api_orm_testserver::RecordedRequest::target)
            .collect();
        self.server.clear_requests();
        targets
    }

    pub(crate) fn requests(&self) -> usize {
        self.targets().len()
    }
}

pub(crate) async fn ids(query: QuerySet<Row>) -> Result<Vec<i64>, Error> {
    let rows = query.await?;
    Ok(rows.iter().map(|row| row.id.unwrap()).collect())
}

/// The ids that come with every row right and drift reported in the three ways that there are.
pub(crate) async fn ids_with_drift(site: &Site, query: &QuerySet<Row>, expected: &[i64]) {
    assert_eq!(
        ids(query.on_drift(OnDrift::Ignore)).await.unwrap(),
        expected
    );
    assert_eq!(site.warnings(), []);
    assert_eq!(ids(query.clone()).await.unwrap(), expected);
    assert!(site.warnings().contains(&WarningKind::Drift));
    let error = ids(query.on_drift(OnDrift::Error)).await.unwrap_err();
    assert_eq!(error.kind(), django_api_orm::ErrorKind::Drift, "{error}");
}
