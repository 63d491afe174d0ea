//! The spans for `tracing`: names, fields, nesting, and what is in none of them.
//!
//! A binary of its own, because `tracing` asks about a span once for the whole process: a test without a subscriber that
//! came first would switch the span off for these.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../client_network/server.rs"]
#[expect(dead_code, reason = "`client_network` uses the rest of it")]
mod server;

mod secrets;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use django_api_orm::ApiModel;
use django_api_orm::client::ServiceClient;
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use server::{Reply, Server, ok, response, status};

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

/// A span with what was recorded in it.
#[derive(Clone, Debug, Default)]
struct Seen {
    parent: Option<usize>,
    /// The names of all its fields, also of those that nothing was recorded for.
    names: Vec<&'static str>,
    fields: BTreeMap<String, String>,
}

impl Seen {
    fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields
            .insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields
            .insert(field.name().to_owned(), value.to_owned());
    }
}

/// Keeps every span of this crate.
#[derive(Clone, Default)]
struct Recorder {
    spans: Arc<Mutex<Vec<Seen>>>,
    entered: Arc<Mutex<Vec<usize>>>,
    events: Arc<Mutex<Vec<Seen>>>,
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("django_api_orm")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut seen = Seen {
            parent: self.entered.lock().unwrap().last().copied(),
            names: attributes
                .metadata()
                .fields()
                .iter()
                .map(|field| field.name())
                .collect(),
            ..Seen::default()
        };
        attributes.record(&mut seen);
        let mut spans = self.spans.lock().unwrap();
        spans.push(seen);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut self.spans.lock().unwrap()[span.into_u64() as usize - 1]);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        self.events.lock().unwrap().push(seen);
    }

    fn enter(&self, span: &Id) {
        self.entered
            .lock()
            .unwrap()
            .push(span.into_u64() as usize - 1);
    }

    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }
}

const SECRET: &str = "s3cr3t";

fn client(server: &Server) -> ServiceClient {
    server
        .builder_for("http://api.test:8080/prefix")
        .auth_token(SECRET)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_operation_has_a_span_and_each_of_its_requests_another() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let row = format!(r#"{{"id": 77, "name": "{SECRET}"}}"#);
    let server = Server::script([status(503), Reply::Bytes(response(200, &[], row))]);
    let user = client(&server)
        .objects::<User>()
        .get(User::F.id.eq(77))
        .await
        .unwrap();
    assert_eq!(user.name, SECRET);
    let spans = recorder.spans.lock().unwrap().clone();
    let [operation, refused, answered] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(operation.get("otel.name"), Some("User.get"));
    assert_eq!(operation.get("otel.kind"), Some("internal"));
    assert_eq!(operation.get("error.type"), None);
    for (span, resend, code) in [(refused, None, "503"), (answered, Some("1"), "200")] {
        assert_eq!(span.parent, Some(0));
        for (field, value) in [
            ("otel.name", Some("GET /users/{id}/")),
            ("otel.kind", Some("client")),
            ("http.request.method", Some("GET")),
            ("url.template", Some("/users/{id}/")),
            (
                "url.full",
                Some("http://api.test:8080/prefix/users/REDACTED/"),
            ),
            ("server.address", Some("api.test")),
            ("server.port", Some("8080")),
            ("http.request.resend_count", resend),
            ("http.response.status_code", Some(code)),
        ] {
            assert_eq!(span.get(field), value, "{field}");
        }
    }
    assert_eq!(refused.get("error.type"), Some("503"));
    assert_eq!(refused.get("otel.status_code"), Some("ERROR"));
    assert_eq!(answered.get("error.type"), None);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_named_by_its_kind() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let row = Reply::Bytes(response(200, &[], r#"{"id": 1, "name": "x"}"#));
    let server = Server::script([row, Reply::Close]);
    let users = client(&server).objects::<User>();
    let mut user = users.get(User::F.id.eq(1)).await.unwrap();
    user.name = "y".to_owned();
    user.save().await.unwrap_err();
    users
        .create(&serde_json::json!({"name": "x"}))
        .await
        .unwrap_err();
    let mut rows = users.all().stream();
    rows.next().await.unwrap().unwrap_err();
    let spans = recorder.spans.lock().unwrap().clone();
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span.get("otel.name") == Some(name))
            .unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
            .clone()
    };
    assert_eq!(named("POST /users/").get("error.type"), Some("connect"));
    let create = named("User.create");
    assert_eq!(create.get("error.type"), Some("outcome_unknown"));
    assert_eq!(named("GET /users/").get("error.type"), Some("connect"));
    assert_eq!(
        named("User.save").get("error.type"),
        Some("outcome_unknown")
    );
    let stream = named("User.stream");
    assert_eq!(stream.get("error.type"), Some("connect"));
    let parent = named("GET /users/").parent.unwrap();
    assert_eq!(spans[parent].get("otel.name"), Some("User.stream"));
}

#[tokio::test(start_paused = true)]
async fn no_span_holds_a_value_a_key_or_a_secret() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let server = Server::new(|_, _| ok());
    let client = client(&server);
    let users = client.objects::<User>();
    let _ = users.filter(User::F.name.eq(SECRET)).count().await;
    let _ = users.lookup("id", SECRET).await;
    let _ = users.create(&serde_json::json!({"name": SECRET})).await;
    let _ = client
        .get("/users/s3cr3t/")
        .query([("q", SECRET)])
        .header("x-key", SECRET)
        .await;
    let _ = users.search(SECRET).await;
    let _ = users.at("/teams/s3cr3t/users/").first().await;
    let spans = recorder.spans.lock().unwrap().clone();
    assert!(spans.len() >= 8, "{spans:#?}");
    let all = format!("{spans:?}");
    assert!(!all.contains(SECRET), "{all}");
    let by_hand = spans
        .iter()
        .find(|span| span.get("otel.name") == Some("GET"));
    assert_eq!(by_hand.unwrap().get("url.template"), None);
}

#[tokio::test(start_paused = true)]
async fn spans_have_the_fields_of_the_conventions_and_no_others() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let server = Server::new(|_, _| ok());
    let client = client(&server);
    let _ = client
        .objects::<User>()
        .filter(User::F.name.eq("Ann"))
        .count()
        .await;
    let purge = http::Method::from_bytes(b"PURGE").unwrap();
    let _ = client.request(purge, "/users/7/").await;
    let spans = recorder.spans.lock().unwrap().clone();
    let [operation, request, .., by_hand] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    // How `tracing-opentelemetry` is told of a span's name, kind and status.
    let common = ["otel.name", "otel.kind", "otel.status_code"];
    // https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
    let conventions = [
        "http.request.method",
        "http.request.method_original",
        "http.request.resend_count",
        "http.response.status_code",
        "url.full",
        "url.template",
        "server.address",
        "server.port",
        "error.type",
    ];
    assert_eq!(request.names, [&common[..], &conventions[..]].concat());
    assert_eq!(operation.names, [&common[..], &["error.type"]].concat());
    let url = request.get("url.full").unwrap();
    assert!(
        url.starts_with("http://api.test:8080/prefix/users/?"),
        "{url}"
    );
    assert!(url.contains("name=REDACTED"), "{url}");
    assert_eq!(by_hand.get("otel.name"), Some("HTTP"));
    assert_eq!(by_hand.get("http.request.method"), Some("_OTHER"));
    assert_eq!(by_hand.get("http.request.method_original"), Some("PURGE"));
    assert_eq!(
        by_hand.get("url.full"),
        Some("http://api.test:8080/prefix/REDACTED")
    );
}
