//! Time limits, on a clock that jumps to the next event.

use std::time::Duration;

use django_api_orm::client::Call;
use django_api_orm::path::ApiPath;
use tokio::time::Instant;

use crate::server::{Accept, Reply, Server, ok};

#[tokio::test(start_paused = true)]
async fn an_attempt_and_a_call_have_their_limits() {
    let server = Server::script([Reply::Hang]);
    let client = server.client();
    let started = Instant::now();
    let error = client.get("/x/").await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    // 30 s for the first attempt, a short wait, and what is left of 60 s for the second.
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_of_a_write_is_its_last() {
    let server = Server::script([Reply::Hang]);
    let client = server
        .builder()
        .attempt_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let started = Instant::now();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_timeout() && error.is_outcome_unknown(),
        "{error:?}"
    );
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no complete response within 3 s"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn connecting_has_its_own_limit() {
    let server = Server::with_accept([Accept::Hang], |_, _| ok());
    let client = server
        .builder()
        .connect_timeout(Duration::from_millis(1500))
        .max_retries(0)
        .build()
        .unwrap();
    let started = Instant::now();
    let error = client.get("/x/").await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_millis(1500));
    assert!(
        error.is_timeout() && error.to_string().contains("no connection within 1500 ms"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_headers_and_slow_bodies_do_not_escape_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n".map(|byte| vec![byte]);
    for pieces in [
        head.to_vec(),
        vec![
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n".to_vec(),
            b"{".to_vec(),
        ],
    ] {
        let server = Server::script([Reply::Slowly(Duration::from_secs(1), pieces)]);
        let client = server
            .builder()
            .timeout(Duration::from_secs(10))
            .max_retries(0)
            .build()
            .unwrap();
        let started = Instant::now();
        let error = client.get("/x/").await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(started.elapsed(), Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_within_the_limit_is_an_answer() {
    let pieces = vec![
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".to_vec(),
        b"1".to_vec(),
        b"2".to_vec(),
    ];
    let server = Server::script([Reply::Slowly(Duration::from_secs(9), pieces)]);
    assert_eq!(
        server
            .client()
            .get("/x/")
            .await
            .unwrap()
            .json::<i32>()
            .unwrap(),
        12
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_may_have_its_own_time_and_a_deadline() {
    let server = Server::script([Reply::Hang]);
    let client = server.client();
    let started = Instant::now();
    client
        .get("/x/")
        .timeout(Duration::from_secs(2))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    let path = ApiPath::parse("/x/").unwrap();
    let call = Call::get(path).deadline(Instant::now() + Duration::from_secs(4));
    client.send(call).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(6));
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, django_api_orm::ApiModel)]
#[api(endpoint = "/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

#[tokio::test(start_paused = true)]
async fn a_client_a_query_and_its_instances_may_have_another_time() {
    let row = r#"{"id": 1, "name": "Ann"}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", row.len());
    let row = Reply::Bytes(format!("{head}{row}").into_bytes());
    let server = Server::script([row, Reply::Hang]);
    let users = server.client().objects::<User>();
    let mut user = users
        .timeout(Duration::from_secs(2))
        .get(User::F.id.eq(1))
        .await
        .unwrap();
    let started = Instant::now();
    user.name = "Bob".to_owned();
    assert!(user.save().await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    let query = users.all().timeout(Duration::from_secs(3));
    assert!(query.first().await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    let hasty = server.client().with_timeout(Duration::from_secs(1));
    hasty.with_token("t").get("/x/").await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_closes_its_connection() {
    let server = Server::script([Reply::Hang]);
    let client = server.client();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.get("/x/").await }
    });
    while server.count() == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    while server.open() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.stats().requests, 1, "it was sent all the same");
}
