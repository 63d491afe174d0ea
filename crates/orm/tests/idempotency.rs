//! Idempotency keys: writes that carry one are sent again whatever becomes of their answers, and are done once.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use django_api_orm::{client::ServiceClientBuilder, prelude::*};
use django_api_orm_testserver::{Fault, TestServer};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
struct Thing {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/", idempotency_header = "X-Idempotency-Key")]
struct Keyed {
    id: Option<i64>,
    name: String,
}

async fn server(header: &'static str) -> TestServer {
    TestServer::builder()
        .seed_json(json!({"things": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]}))
        .idempotency_header(HeaderName::from_static(header))
        .start()
        .await
        .unwrap()
}

fn builder(server: &TestServer) -> ServiceClientBuilder {
    ServiceClient::builder(server.base_url()).retry_delay(std::time::Duration::from_millis(1))
}

fn lost_answers() -> [Fault; 4] {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    [
        Fault::CloseAfterReading,
        Fault::CloseAfterHandling,
        Fault::TruncateBody(3),
        Fault::Answer(unavailable, HeaderMap::new(), "{}".into()),
    ]
}

/// The keys of the writes, each with the requests that carried it, which are all alike.
fn keys(server: &TestServer, header: &str) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    let mut sent = BTreeMap::new();
    for request in server.requests() {
        let Some(key) = request.headers().get(header) else {
            assert!(request.method().is_safe(), "{request:?}");
            continue;
        };
        let key = key.to_str().unwrap().to_owned();
        assert_eq!(key.len(), 36, "a UUID: {key}");
        *keys.entry(key.clone()).or_default() += 1;
        let line = (
            request.method().clone(),
            request.target(),
            request.body().to_vec(),
        );
        assert_eq!(sent.entry(key).or_insert_with(|| line.clone()), &line);
    }
    keys
}

#[tokio::test]
async fn a_write_with_a_key_is_done_once_whatever_becomes_of_its_answer() {
    for fault in lost_answers() {
        let server = server("idempotency-key").await;
        let client = builder(&server)
            .idempotency_header("Idempotency-Key")
            .build()
            .unwrap();
        let things = client.objects::<Thing>();
        let lose = || server.inject(fault.clone());
        lose();
        let mut thing = things.create(&json!({"name": "three"})).await.unwrap();
        thing.name = "changed".to_owned();
        lose();
        thing.save().await.unwrap();
        lose();
        thing.delete().await.unwrap();
        lose();
        things
            .bulk_create([json!({"name": "four"}), json!({"name": "five"})])
            .await
            .unwrap();
        let mut names = things.all().values_list(Thing::F.name).await.unwrap();
        names.sort();
        assert_eq!(names, ["five", "four", "one", "two"], "{fault:?}");
        let keys = keys(&server, "idempotency-key");
        assert_eq!(keys.len(), 5, "one for each operation: {keys:?}");
        // The answer to a DELETE has no body that could be cut off.
        let lost = if matches!(fault, Fault::TruncateBody(_)) {
            3
        } else {
            4
        };
        assert_eq!(keys.values().sum::<usize>(), 5 + lost, "{fault:?}");
    }
}

#[tokio::test]
async fn a_model_declares_its_own_header() {
    let server = server("x-idempotency-key").await;
    let client = builder(&server).build().unwrap();
    server.inject(Fault::CloseAfterHandling);
    client
        .objects::<Keyed>()
        .create(&json!({"name": "three"}))
        .await
        .unwrap();
    assert_eq!(client.objects::<Thing>().count().await.unwrap(), 3);
    assert_eq!(keys(&server, "x-idempotency-key").len(), 1);
    server.inject(Fault::CloseAfterHandling);
    let undeclared = client.objects::<Thing>().create(&json!({"name": "four"}));
    assert!(undeclared.await.unwrap_err().is_outcome_unknown());
}

#[tokio::test]
async fn a_header_that_is_none_is_refused() {
    for name in ["", "no header", "content-length"] {
        let error = ServiceClient::builder("http://api.test")
            .idempotency_header(name)
            .build()
            .unwrap_err();
        assert!(error.is_configuration(), "{name:?}: {error}");
    }
}
