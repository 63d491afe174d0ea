//! Connections that are used again: servers close theirs without asking, and no request is lost by it that need not be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use django_api_orm::client::{Error, ServiceClient};
use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::server::{Reply, Server, ok, response};

/// Answers, and closes without having said so.
fn last() -> Reply {
    Reply::Last(response(
        200,
        &[("Content-Type", "application/json")],
        r#"{"ok": true}"#,
    ))
}

/// What became of `count` requests, of which `together` are made at a time.
async fn failures(
    client: &ServiceClient,
    method: Method,
    count: usize,
    together: usize,
) -> Vec<Error> {
    stream::iter(0..count)
        .map(|_| async {
            match method {
                Method::GET => client.get("/x/").await,
                _ => client.post("/x/", &json!({})).await,
            }
        })
        .buffer_unordered(together)
        .filter_map(|result| async { result.err() })
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_after_each_answer_loses_nothing() {
    for together in [1, 16] {
        let server = Server::new(|_, _| last());
        let base = server.listen().await;
        let client = ServiceClient::new(&base).unwrap();
        let lost = failures(&client, Method::GET, 2000, together).await;
        assert!(
            lost.is_empty(),
            "{} of 2,000 GETs: {:?}",
            lost.len(),
            lost[0]
        );

        let server = Server::new(|_, _| last());
        let base = server.listen().await;
        let client = ServiceClient::new(&base).unwrap();
        let lost = failures(&client, Method::POST, 2000, together).await;
        assert!(
            lost.len() <= 2,
            "{} of 2,000 POSTs: {:?}",
            lost.len(),
            lost[0]
        );
        assert!(lost.iter().all(Error::is_outcome_unknown), "{lost:?}");
        assert!(server.count() <= 2000, "a POST was doubled");
    }
}

/// Answers the first request of each connection, and closes when the second has come. Counts the requests by their target.
async fn listen_once() -> (String, Arc<Mutex<HashMap<String, usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let counts = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counts = Arc::clone(&counts);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                for turn in 0..2 {
                    let length = stream.read(&mut head).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&head[..length]).into_owned();
                    let Some(target) = text.split(' ').nth(1) else {
                        return;
                    };
                    *counts.lock().unwrap().entry(target.to_owned()).or_default() += 1;
                    if turn == 0 {
                        let _ = stream
                            .write_all(&response(200, &[], r#"{"ok": true}"#))
                            .await;
                    }
                }
            });
        }
    });
    (base, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_connections_as_they_are_reused_loses_next_to_nothing() {
    let (base, seen) = listen_once().await;
    let client = ServiceClient::new(&base).unwrap();
    let lost: Vec<(bool, Error)> = stream::iter(0..9000)
        .map(|number| {
            let client = &client;
            async move {
                let path = format!("/{number}/");
                let is_write = number % 2 == 1;
                let result = match is_write {
                    true => client.request(Method::POST, &path).await,
                    false => client.get(&path).await,
                };
                result.err().map(|error| (is_write, error))
            }
        })
        .buffer_unordered(8)
        .filter_map(|lost| async { lost })
        .collect()
        .await;
    assert!(lost.iter().all(|(is_write, _)| *is_write), "{lost:?}");
    assert!(lost.len() <= 4, "{} of 4,500 POSTs: {lost:?}", lost.len());
    assert!(lost.iter().all(|(_, error)| error.is_outcome_unknown()));
    for (target, count) in seen.lock().unwrap().iter() {
        let number: usize = target.trim_matches('/').parse().unwrap();
        assert!(
            number.is_multiple_of(2) || *count == 1,
            "POST {number} was doubled"
        );
    }
}

/// As in a blocking client, whose runtime runs only while it is called: nothing hears of what comes in between.
#[test]
fn a_connection_that_was_closed_while_nobody_looked_is_not_used() {
    let server_side = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = Server::new(|_, _| last());
    let base = server_side.block_on(server.listen());
    let client = ServiceClient::new(&base).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for number in 1..=50 {
        runtime
            .block_on(client.post("/x/", &json!({})).send())
            .unwrap();
        while server.open() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(server.count(), number);
    }
    assert_eq!(client.stats().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_rested_carries_no_write_that_cannot_be_repeated() {
    let server = Server::new(|_, _| ok());
    let client = server.client();
    let rest = |ms| tokio::time::sleep(Duration::from_millis(ms));
    client.post("/x/", &json!({})).await.unwrap();
    rest(900).await;
    client.post("/x/", &json!({})).await.unwrap();
    assert_eq!(server.connections(), 1, "a short rest");
    rest(1100).await;
    client.get("/x/").await.unwrap();
    rest(1100).await;
    client.put("/x/", &json!({})).await.unwrap();
    assert_eq!(server.connections(), 1, "what can be repeated");
    rest(1100).await;
    client.post("/x/", &json!({})).await.unwrap();
    assert_eq!(server.connections(), 2, "a long rest");
    rest(1100).await;
    client
        .post("/x/", &json!({}))
        .idempotency_key("a")
        .await
        .unwrap();
    assert_eq!(server.connections(), 2, "a key makes it repeatable");
    assert_eq!(client.stats().retries, 0);
}

/// A slow answer is no rest: other requests must not end its connection.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_used_is_left_alone() {
    let server = Server::new(|seen, _| match seen.target.as_str() {
        "/slow/" => Reply::Slowly(
            Duration::from_secs(3),
            response(200, &[], r#"{"ok": true}"#)
                .chunks(20)
                .map(<[u8]>::to_vec)
                .collect(),
        ),
        _ => ok(),
    });
    let client = server.client();
    client.get("/x/").await.unwrap();
    let slow = client.get("/slow/").send();
    let writes = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            client.post("/x/", &json!({})).await.unwrap();
        }
    };
    let (slow, ()) = tokio::join!(slow, writes);
    slow.unwrap();
    assert_eq!(client.stats().retries, 0);
}

/// The server reads the second request of each connection and closes: a write is lost once, then the origin is known.
#[tokio::test(start_paused = true)]
async fn a_read_that_meets_a_closing_is_sent_again_at_once_on_another_connection() {
    let server = Server::new(|_, index| match index {
        1 => Reply::Close,
        _ => ok(),
    });
    let client = server.client();
    let start = tokio::time::Instant::now();
    client.get("/x/").await.unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!((server.count(), server.connections()), (3, 2));
    assert_eq!(start.elapsed(), Duration::ZERO, "without a wait");
    client.post("/x/", &json!({})).await.unwrap();
    assert_eq!(server.connections(), 3, "the origin closes at once");
}
