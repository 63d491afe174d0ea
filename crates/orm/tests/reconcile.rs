//! What has become of writes whose answers were lost: carried out before the connection broke, or not.

#![allow(clippy::panic, clippy::unwrap_used)]

use django_api_orm::{Reconciled, SaveOptions, prelude::*};
use django_api_orm_testserver::{Fault, Field, Paginator, Quirk, Resource, TestServer};
use http::Method;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Note {
    id: Option<i64>,
    name: String,
    count: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Secretive {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    secret: Option<String>,
}

const LIST: &str = "/api/v1/notes/";
const URL: &str = "/api/v1/notes/1/";

/// The answer is lost after the write, or the request before it.
const LOST: [(Fault, bool); 2] = [
    (Fault::CloseAfterHandling, true),
    (Fault::CloseAfterReading, false),
];

fn resource(rows: &Value) -> Resource {
    Resource::new("notes")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::integer("count").default(0),
        ])
        .paginator(Paginator::limit_offset().max_limit(100))
        .filter_on_everything()
        .rows(rows.clone())
}

async fn site(resource: Resource) -> (TestServer, Manager<Note>) {
    let server = TestServer::builder().resource(resource);
    let server = server.start().await.unwrap();
    let notes = client(&server).objects();
    (server, notes)
}

fn client(server: &TestServer) -> ServiceClient {
    let client = ServiceClient::builder(server.base_url())
        .max_retries(0)
        .on_warning(|_| {})
        .build();
    client.unwrap()
}

fn rows() -> Value {
    json!([{"id": 1, "name": "one", "count": 1}, {"id": 2, "name": "two", "count": 2}])
}

async fn requests<T>(server: &TestServer, of: impl Future<Output = T>) -> (T, usize) {
    server.clear_requests();
    (of.await, server.requests().len())
}

#[tokio::test]
async fn a_creation_is_found_by_what_identifies_the_row() {
    for (fault, is_done) in LOST {
        let (server, notes) = site(resource(&rows())).await;
        server.inject_on(Method::POST, LIST, fault);
        let error = notes
            .create(&json!({"name": "three", "count": 3}))
            .await
            .unwrap_err();
        assert!(error.is_outcome_unknown());
        assert_eq!(error.attempts(), 1);
        let unnamed = notes.reconcile(&error).await.unwrap_err();
        assert!(unnamed.to_string().contains("name the fields"), "{unnamed}");
        let look = notes.reconcile_by(&error, [Note::F.name]);
        let (found, requests) = requests(&server, look).await;
        assert_eq!(requests, 1);
        match found.unwrap() {
            Reconciled::Done(Some(note)) => assert!(is_done && note.count == 3),
            found => assert!(!is_done && found == Reconciled::NotDone(None), "{found:?}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/", natural_key("label", "count"))]
struct Labelled {
    id: Option<i64>,
    #[serde(rename = "name")]
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
}

#[tokio::test]
async fn the_natural_key_of_the_model_identifies_the_row() {
    for (fault, is_done) in LOST {
        let (server, _) = site(resource(&rows())).await;
        let labelled = client(&server).objects::<Labelled>();
        // The same name with another count is another row.
        let new = json!({"name": "two", "count": 3});
        server.inject_on(Method::POST, LIST, fault);
        let error = labelled.create(&new).await.unwrap_err();
        let found = labelled.reconcile(&error).await.unwrap();
        assert_eq!((found.is_done(), found.is_not_done()), (is_done, !is_done));
        // A part of it was not sent.
        server.inject_on(Method::POST, LIST, Fault::CloseAfterReading);
        let error = labelled.create(&json!({"name": "two"})).await.unwrap_err();
        let unnamed = labelled.reconcile(&error).await.unwrap_err();
        assert!(unnamed.to_string().contains("natural key"), "{unnamed}");
    }
}

#[tokio::test]
async fn the_key_that_was_sent_identifies_the_row() {
    for (fault, is_done) in LOST {
        let (server, notes) = site(resource(&rows())).await;
        server.inject_on(Method::POST, LIST, fault);
        let new = json!({"id": 7, "name": "seven", "count": 7});
        let error = notes.create(&new).await.unwrap_err();
        // The server keeps no key that is sent, so no row is found by that.
        let found = notes.reconcile(&error).await.unwrap();
        assert!(found.is_not_done(), "{found:?}");
        let found = notes.reconcile_by(&error, ["name"]).await.unwrap();
        assert!(!found.is_done(), "another key is another row: {found:?}");
        assert_eq!(found.is_not_done(), !is_done);
    }
}

#[tokio::test]
async fn get_or_create_knows_what_it_looked_for() {
    for (fault, is_done) in LOST {
        let (server, notes) = site(resource(&rows())).await;
        server.inject_on(Method::POST, LIST, fault);
        let created = notes.get_or_create(Note::F.name.eq("three"), [Note::F.count.set(3)]);
        let error = created.await.unwrap_err();
        let found = notes.reconcile(&error).await.unwrap();
        assert_eq!((found.is_done(), found.is_not_done()), (is_done, !is_done));
    }
}

#[tokio::test]
async fn several_rows_and_other_values_are_no_answer() {
    let same = json!([{"id": 1, "name": "one", "count": 1}, {"id": 2, "name": "one", "count": 1}]);
    let other = json!([{"id": 1, "name": "one", "count": 2}]);
    for (rows, many) in [(same, 2), (other, 1)] {
        let (server, notes) = site(resource(&rows)).await;
        server.inject_on(Method::POST, LIST, Fault::CloseAfterReading);
        let error = notes
            .create(&json!({"name": "one", "count": 1}))
            .await
            .unwrap_err();
        let found = notes.reconcile_by(&error, [Note::F.name]).await.unwrap();
        assert!(
            matches!(&found, Reconciled::Unclear(rows) if rows.len() == many),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_filter_does_not_mislead() {
    for (fault, is_done) in LOST {
        let deaf = resource(&rows()).quirk(Quirk::ignore_parameters(["name"]));
        let (server, notes) = site(deaf).await;
        server.inject_on(Method::POST, LIST, fault);
        let error = notes
            .create(&json!({"name": "three", "count": 3}))
            .await
            .unwrap_err();
        let found = notes.reconcile_by(&error, [Note::F.name]).await.unwrap();
        assert_eq!(
            (found.is_done(), found.is_not_done()),
            (is_done, !is_done),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_save_is_seen_at_the_url_of_its_row() {
    for (fault, is_done) in LOST {
        let (server, notes) = site(resource(&rows())).await;
        let mut note = notes.get(Note::F.id.eq(1)).await.unwrap();
        note.count = 7;
        server.inject_on(Method::PATCH, URL, fault);
        let error = note.save().await.unwrap_err();
        let (found, requests) = requests(&server, notes.reconcile(&error)).await;
        assert_eq!(requests, 1);
        match found.unwrap() {
            Reconciled::Done(Some(now)) => assert!(is_done && now.count == 7),
            Reconciled::NotDone(Some(now)) => assert!(!is_done && now.count == 1),
            found => panic!("{found:?}"),
        }
        let mut theirs = notes.get(Note::F.id.eq(1)).await.unwrap();
        theirs.count = 8;
        theirs.save().await.unwrap();
        let found = notes.reconcile(&error).await.unwrap();
        assert!(matches!(found, Reconciled::Unclear(rows) if rows.len() == 1));
    }
}

#[tokio::test]
async fn what_the_row_had_before_shows_nothing_of_a_save() {
    let rows = json!([{"id": 1, "name": "one", "secret": "old"}]);
    let resource = Resource::from_json("notes", rows).quirk(Quirk::omit_fields(["secret"]));
    let (server, _) = site(resource).await;
    let client = ServiceClient::builder(server.base_url()).max_retries(0);
    let client = client.build().unwrap();
    let notes = client.objects::<Secretive>();
    let mut note = notes.get(Secretive::F.id.eq(1)).await.unwrap();
    note.secret = Some("s".to_owned());
    server.inject_on(Method::PATCH, URL, Fault::CloseAfterReading);
    let sent = SaveOptions::new().fields::<Secretive, _>(["name", "secret"]);
    let error = note.save_with(sent).await.unwrap_err();
    let found = notes.reconcile(&error).await.unwrap();
    assert!(matches!(found, Reconciled::Unclear(rows) if rows.len() == 1));
}

#[tokio::test]
async fn a_delete_is_seen_by_the_absence_of_its_row() {
    for (fault, is_done) in LOST {
        let (server, notes) = site(resource(&rows())).await;
        let mut note = notes.get(Note::F.id.eq(1)).await.unwrap();
        server.inject_on(Method::DELETE, URL, fault);
        let error = note.delete().await.unwrap_err();
        let found = notes.reconcile(&error).await.unwrap();
        match found {
            Reconciled::Done(None) => assert!(is_done),
            Reconciled::NotDone(Some(now)) => assert!(!is_done && now.count == 1),
            found => panic!("{found:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_known_needs_no_look() {
    let (server, notes) = site(resource(&rows())).await;
    let missing = notes.get(Note::F.id.eq(99)).await.unwrap_err();
    let refused = notes.reconcile(&missing).await.unwrap_err();
    assert!(
        refused.to_string().contains("nothing to look for"),
        "{refused}"
    );
    server.inject_on(Method::POST, LIST, Fault::CloseAfterReading);
    let error = notes.create(&json!({"name": "three"})).await.unwrap_err();
    let elsewhere = notes.at("/api/v1/others/").reconcile_by(&error, ["name"]);
    let refused = elsewhere.await.unwrap_err();
    assert!(refused.to_string().contains("look there"), "{refused}");
    let unsent = notes.reconcile_by(&error, ["count"]).await.unwrap_err();
    assert!(
        unsent.to_string().contains("no `count` was sent"),
        "{unsent}"
    );
    assert!(!format!("{error:?}").contains("three"), "no value is shown");
}

#[tokio::test]
async fn the_name_of_a_request_that_was_sent_is_in_the_error() {
    let server = TestServer::builder().resource(resource(&rows()));
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .header("X-Request-ID", "r-7")
        .build()
        .unwrap();
    server.inject_on(Method::POST, LIST, Fault::CloseAfterReading);
    let notes = client.objects::<Note>();
    let error = notes.create(&json!({"name": "three"})).await.unwrap_err();
    assert_eq!(error.request_id(), Some("r-7"));
}
