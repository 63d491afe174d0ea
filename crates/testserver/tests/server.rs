//! The server as its users see it: builders, resources from JSON, faults, TLS and HTTP/2.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

#[path = "support/client.rs"]
mod client;

use std::sync::Arc;
use std::time::Duration;

use client::{Response, send};
use django_api_orm_testserver::{
    Action, Fault, Field, OnDelete, Paginator, Reply, Resource, TestServer, View,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;

async fn get(server: &TestServer, target: &str) -> Response {
    let token = server.token().map(|token| format!("Token {token}"));
    let headers = token.as_deref().map(|token| ("authorization", token));
    let headers = headers.into_iter().collect::<Vec<_>>();
    send(server.base_url(), &Method::GET, target, &headers, "")
        .await
        .unwrap()
}

async fn post(server: &TestServer, target: &str, body: &Value) -> Response {
    let headers = [
        ("authorization", "Token test-token"),
        ("content-type", "application/json"),
    ];
    send(
        server.base_url(),
        &Method::POST,
        target,
        &headers,
        &body.to_string(),
    )
    .await
    .unwrap()
}

fn ids(response: &Response) -> Vec<i64> {
    let body = response.json();
    let rows = body["results"]
        .as_array()
        .or(body.as_array())
        .expect("rows")
        .clone();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn any_json_becomes_resources_that_refer_to_each_other() {
    let server = TestServer::builder()
        .seed_json(json!({
            "authors": [{"id": 1, "name": "Austen"}, {"id": 2, "name": "Eliot"}],
            "books": [
                {"title": "Emma", "author": 1, "price": 7.5, "meta": {"lang": "en"}},
                {"title": "Romola", "author": 2, "price": null, "meta": null},
                {"title": "Persuasion", "author": 1, "price": 9.0, "meta": {"lang": "fr"}},
            ],
        }))
        .start()
        .await
        .unwrap();
    let target = "/api/v1/books/";
    assert_eq!(ids(&get(&server, target).await), [1, 2, 3]);
    assert_eq!(
        ids(&get(&server, &format!("{target}?author=1&ordering=-id")).await),
        [3, 1]
    );
    assert_eq!(
        ids(&get(&server, &format!("{target}?price__gte=8")).await),
        [3]
    );
    assert_eq!(
        ids(&get(&server, &format!("{target}?meta__lang=en")).await),
        [1]
    );
    assert_eq!(
        ids(&get(&server, &format!("{target}?search=rom")).await),
        [2]
    );
    let created = post(&server, target, &json!({"title": "New", "author": 9})).await;
    assert_eq!(created.status, StatusCode::BAD_REQUEST);
    let message = "Invalid pk \"9\" - object does not exist.";
    assert_eq!(created.json(), json!({"author": [message]}));
}

#[tokio::test]
async fn actions_views_and_extra_routes_answer() {
    let book = Resource::new("books")
        .field(Field::uuid("id").primary_key())
        .field(Field::text("title", 20))
        .field(Field::boolean("out").default(false))
        .action(Action::detail("publish", Method::POST, |call| {
            call.update_row(&json!({"out": true}))
        }))
        .rows(json!([{"id": "7974c28f-d3c6-4ec0-baa2-ad44ba276667", "title": "Emma"}]));
    let view = View::new("/ping/", [Method::GET], |call| {
        Ok(Reply::ok(&json!({"to": call.parameter("to")})))
    });
    let routes = axum::Router::new().route("/raw/", axum::routing::get(|| async { "raw" }));
    let server = TestServer::builder()
        .resource(book)
        .view(view.public())
        .routes(routes)
        .start()
        .await
        .unwrap();
    let path = "/api/v1/books/7974c28f-d3c6-4ec0-baa2-ad44ba276667/";
    let published = post(&server, &format!("{path}publish/"), &json!({})).await;
    assert_eq!(published.json()["out"], json!(true));
    assert_eq!(get(&server, path).await.json()["out"], json!(true));
    assert_eq!(
        get(&server, "/ping/?to=me").await.json(),
        json!({"to": "me"})
    );
    assert_eq!(get(&server, "/raw/").await.body, "raw");
    server.reset().unwrap();
    assert_eq!(get(&server, path).await.json()["out"], json!(false));
}

#[tokio::test]
async fn parts_that_do_not_fit_are_refused_before_anything_listens() {
    let books = || Resource::new("books").field(Field::integer("id").primary_key());
    let author = Field::foreign_key("author", "authors", OnDelete::Cascade);
    for (resource, expected) in [
        (Resource::new("books"), "no fields"),
        (
            Resource::new("books").field(Field::integer("id")),
            "no field is the primary key",
        ),
        (books().filter("id", ["near"]), "unknown lookup"),
        (books().filter("nothing", ["exact"]), "unknown field"),
        (
            books().filter("id", ["year"]),
            "a part that the field does not have",
        ),
        (books().ordering(["nothing"]), "no field nothing"),
        (books().path("books"), "slash"),
        (books().field(author), "points to a table that is not there"),
        (books().child("pages", "pages", "book"), "nothing to show"),
        (books().rows(json!([{"id": "x"}])), "id cannot be \"x\""),
        (books().rows(json!([{"no": 1}])), "no field no"),
    ] {
        let error = TestServer::builder()
            .resource(resource)
            .start()
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{error} lacks {expected}"
        );
    }
    let blocked = TestServer::start_blocking().unwrap_err();
    assert!(blocked.to_string().contains("async runtime"), "{blocked}");
}

#[tokio::test]
async fn requests_are_recorded_with_their_connection() {
    let server = TestServer::reference().await.unwrap();
    get(&server, "/api/v1/users/?limit=1&name=a+b").await;
    post(&server, "/api/v1/labels/", &json!({"name": "x"})).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].target(), "/api/v1/users/?limit=1&name=a+b");
    assert_eq!(requests[0].parameter("name").as_deref(), Some("a b"));
    assert_eq!(requests[0].authorization(), Some("Token test-token"));
    assert_eq!(requests[1].json(), json!({"name": "x"}));
    assert_eq!((requests[1].connection(), server.connections()), (2, 2));
    assert!(!format!("{requests:?}").contains("test-token"));
    server.clear_requests();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn faults_hit_one_request_and_then_all_is_well() {
    let server = TestServer::reference().await.unwrap();
    server.fail_next(
        StatusCode::SERVICE_UNAVAILABLE,
        &[("retry-after", "7")],
        "busy",
    );
    let failed = get(&server, "/api/v1/users/").await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (
            failed.headers["retry-after"].to_str().unwrap(),
            &failed.body[..]
        ),
        ("7", &b"busy"[..])
    );

    let target = "/api/v1/labels/";
    let headers = [
        ("authorization", "Token test-token"),
        ("content-type", "application/json"),
    ];
    let body = json!({"name": "x"}).to_string();
    let rows = || async { ids(&get(&server, target).await).len() };
    for (fault, rows_after) in [
        (Fault::CloseBeforeReading, 30),
        (Fault::CloseAfterReading, 30),
        (Fault::CloseAfterHandling, 31),
    ] {
        server.inject_on(Method::POST, target, fault.clone());
        let answer = send(server.base_url(), &Method::POST, target, &headers, &body).await;
        assert!(answer.is_err(), "{fault:?} gave {answer:?}");
        assert_eq!(rows().await, rows_after, "{fault:?}");
    }
    server.inject(Fault::TruncateBody(10));
    let cut = send(server.base_url(), &Method::GET, target, &headers[..1], "").await;
    assert!(cut.is_err(), "{cut:?}");
    server.delay_next(Duration::from_millis(1));
    assert_eq!(get(&server, target).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_held_request_waits_for_its_gate() {
    let server = TestServer::reference().await.unwrap();
    let gate = server.hold_next();
    let request = get(&server, "/api/v1/users/1/");
    let order = async {
        gate.arrived().await;
        assert_eq!(server.requests().len(), 1);
        gate.open();
    };
    let (response, ()) = tokio::join!(request, order);
    assert_eq!(response.status, StatusCode::OK);
}

#[tokio::test]
async fn throttled_resources_say_how_long_to_wait() {
    let resource = Resource::from_json("books", json!([{"title": "Emma"}]));
    let resource = resource.throttle(2, Duration::from_secs(3600));
    let server = TestServer::builder()
        .resource(resource)
        .start()
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(get(&server, "/api/v1/books/").await.status, StatusCode::OK);
    }
    let refused = get(&server, "/api/v1/books/").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "3600");
    server.reset().unwrap();
    assert_eq!(get(&server, "/api/v1/books/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn connections_are_closed_on_demand_and_at_shutdown() {
    let server = TestServer::reference().await.unwrap();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("/info/")
        .header("host", "h")
        .body(Empty::<Bytes>::new())
        .unwrap();
    sender
        .send_request(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    server.close_connections();
    connection.await.unwrap().unwrap();
    let address = server.address();
    server.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// Sends `GET /info/` by HTTP/2 over any stream, twice on the same connection.
async fn info_by_http2<S>(stream: S, authority: &str) -> Vec<Value>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let uri = format!("{authority}/info/");
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        answers.push(serde_json::from_slice(&body).unwrap());
    }
    answers
}

#[tokio::test]
async fn http2_is_spoken_with_prior_knowledge_on_a_plain_port() {
    let server = TestServer::reference().await.unwrap();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let port = stream.local_addr().unwrap().port();
    let answers = info_by_http2(stream, server.base_url()).await;
    for answer in &answers {
        assert_eq!(answer["http_version"], "2");
        assert_eq!(answer["client_port"], port);
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests()[0].http_version(), "2");
}

fn connector(server: &TestServer, identity: bool) -> tokio_rustls::TlsConnector {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(server.ca_file().unwrap()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if identity {
        let pem = server.client_identity_pem().unwrap().as_bytes();
        let certificate = CertificateDer::from_pem_slice(pem).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
        config
            .with_client_auth_cert(vec![certificate], key)
            .unwrap()
    } else {
        config.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn tls_negotiates_http2_and_its_links_are_https() {
    let server = TestServer::reference_builder()
        .tls(true)
        .start()
        .await
        .unwrap();
    assert!(server.base_url().starts_with("https://localhost:"));
    let file = server.ca_file().unwrap().to_owned();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = connector(&server, false)
        .connect(name, stream)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let answers = info_by_http2(stream, server.base_url()).await;
    assert_eq!(answers[0]["http_version"], "2");
    drop(server);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_asked_for() {
    let server = TestServer::reference_builder()
        .client_certificates()
        .start()
        .await
        .unwrap();
    for identity in [true, false] {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let stream = connector(&server, identity)
            .connect(name, stream)
            .await
            .unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        let uri = format!("{}/info/", server.base_url());
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.is_ok(), identity);
    }
}

#[test]
fn a_test_without_a_runtime_can_use_it_too() {
    let rows = json!([{"name": "a"}, {"name": "b"}]);
    let resource = Resource::from_json("things", rows).paginator(Paginator::page_number(1));
    let server = TestServer::builder()
        .resource(resource)
        .start_blocking()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let page = runtime.block_on(get(&server, "/api/v1/things/?page=2"));
    assert_eq!(ids(&page), [2]);
}
