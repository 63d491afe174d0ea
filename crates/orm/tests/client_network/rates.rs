//! Limits that the program sets itself: how many requests in a time, how many at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use django_api_orm::ErrorKind;
use django_api_orm::client::{RateLimit, ServiceClient};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance, sleep};

use crate::server::{Reply, Server, ok, response, status, with_headers};

type Times = Arc<Mutex<Vec<Duration>>>;

/// A server that notes when each request came, in milliseconds after the beginning, and the paths in their order.
fn noting(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Server, Times) {
    let times = Times::default();
    let (notes, start) = (Arc::clone(&times), Instant::now());
    let server = Server::new(move |_, number| {
        notes.lock().unwrap().push(start.elapsed());
        reply(number)
    });
    (server, times)
}

fn seconds(times: &Times) -> Vec<u64> {
    let times = times.lock().unwrap();
    // The clock of a test has steps of a millisecond.
    times
        .iter()
        .map(|time| (time.as_millis() as u64 + 500) / 1000)
        .collect()
}

/// Begins calls one after the other: each has joined the queue before the next one begins.
async fn begin(client: &ServiceClient, paths: &[&str]) -> Vec<JoinHandle<Option<ErrorKind>>> {
    let mut calls = Vec::new();
    for path in paths {
        let (client, path) = (client.clone(), (*path).to_owned());
        calls.push(tokio::spawn(async move {
            client.get(&path).await.err().map(|error| error.kind())
        }));
        yield_now().await;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_sent_in_any_stretch_than_the_limit_says() {
    let (server, times) = noting(|_| ok());
    let limit = RateLimit::new(2, Duration::from_secs(10)).and(RateLimit::per_minute(5));
    let client = server
        .builder()
        .rate_limit(limit)
        .timeout(Duration::from_secs(120))
        .build()
        .unwrap();
    let calls = begin(&client, &["/x/"; 7]).await;
    for call in calls {
        assert_eq!(call.await.unwrap(), None);
    }
    assert_eq!(seconds(&times), [0, 0, 10, 10, 20, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_slides_and_starts_no_window_anew() {
    let (server, times) = noting(|_| ok());
    let limit = RateLimit::new(2, Duration::from_secs(10));
    let client = server.builder().rate_limit(limit).build().unwrap();
    client.get("/x/").await.unwrap();
    advance(Duration::from_secs(9)).await;
    for _ in 0..3 {
        client.get("/x/").await.unwrap();
    }
    assert_eq!(seconds(&times), [0, 9, 10, 19]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_first_goes_first() {
    let server = Server::new(|_, _| ok());
    let limit = RateLimit::per_second(1);
    let client = server.builder().rate_limit(limit).build().unwrap();
    let paths = ["/a/", "/b/", "/c/", "/d/"];
    for call in begin(&client, &paths).await {
        assert_eq!(call.await.unwrap(), None);
    }
    assert_eq!(server.lines(), paths.map(|path| format!("GET {path}")));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_comes_too_late_fails_at_once_and_sends_nothing() {
    let (server, times) = noting(|_| ok());
    let limit = RateLimit::per_minute(1);
    let client = server.builder().rate_limit(limit).build().unwrap();
    client.get("/x/").await.unwrap();
    advance(Duration::from_secs(10)).await;
    let begun = Instant::now();
    let hasty = client.with_timeout(Duration::from_secs(30));
    let error = hasty.post("/x/", &1).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(10));
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(!error.is_outcome_unknown() && error.status().is_none() && error.attempts() == 0);
    assert_eq!(error.retry_after().unwrap().as_secs(), 50);
    let text = error.to_string();
    assert!(
        text.contains(
            "the request was not sent: by the client's own limit of 1/minute its turn comes in 50 s"
        ),
        "{text}"
    );
    // It has taken nobody's turn.
    client.get("/x/").await.unwrap();
    assert_eq!(seconds(&times), [0, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_leaves_its_turn_to_those_behind_it() {
    let (server, times) = noting(|_| ok());
    let limit = RateLimit::new(1, Duration::from_secs(10));
    let client = server.builder().rate_limit(limit).build().unwrap();
    let calls = begin(&client, &["/a/", "/b/", "/c/", "/d/", "/e/"]).await;
    sleep(Duration::from_secs(3)).await;
    calls[1].abort();
    calls[3].abort();
    for (number, call) in calls.into_iter().enumerate() {
        match call.await {
            Ok(failed) => assert_eq!(failed, None),
            Err(error) => assert!(error.is_cancelled() && [1, 3].contains(&number)),
        }
    }
    assert_eq!(server.lines(), ["GET /a/", "GET /c/", "GET /e/"]);
    assert_eq!(seconds(&times), [0, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn retries_and_redirects_count_too() {
    let (server, times) = noting(|number| match number {
        0 => status(503),
        1 => with_headers(307, &[("Location", "/y/")]),
        _ => ok(),
    });
    let limit = RateLimit::new(1, Duration::from_secs(20));
    let client = server.builder().rate_limit(limit).build().unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(seconds(&times), [0, 20, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_arrived_is_unknown_where_its_retry_would_wait_too_long() {
    let (server, times) = noting(|_| status(503));
    let limit = RateLimit::per_hour(1);
    let client = server.builder().rate_limit(limit).build().unwrap();
    let error = client.delete("/x/").await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!((error.attempts(), seconds(&times)), (1, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn clients_over_the_same_connections_share_the_limit() {
    let (server, times) = noting(|_| ok());
    let client = server.builder().rate_limit("1/s".parse().unwrap()).build();
    let client = client.unwrap();
    client.get("/x/").await.unwrap();
    client.with_token("other").get("/x/").await.unwrap();
    client.on_another_runtime().get("/x/").await.unwrap();
    assert_eq!(seconds(&times), [0, 1, 2]);
    let other = server.builder().rate_limit(RateLimit::per_day(1)).build();
    other.unwrap().get("/x/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_lets_nothing_through_is_refused() {
    for builder in [
        ServiceClient::builder("http://api.test").rate_limit(RateLimit::per_day(0)),
        ServiceClient::builder("http://api.test").rate_limit(RateLimit::new(1, Duration::ZERO)),
        ServiceClient::builder("http://api.test").max_concurrent_requests(0),
    ] {
        assert!(builder.build().unwrap_err().is_configuration());
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_requests_are_under_way_and_no_more() {
    let second = Duration::from_secs(1);
    let (server, times) = noting(move |_| Reply::Slowly(second, vec![response(200, &[], "{}")]));
    let client = server.builder().max_concurrent_requests(2).build().unwrap();
    let calls = begin(&client, &["/a/", "/b/", "/c/", "/d/", "/e/"]).await;
    sleep(second / 2).await;
    // One that waits leaves its place; one under way gives it back.
    calls[2].abort();
    calls[0].abort();
    for call in calls.into_iter().skip(3) {
        assert_eq!(call.await.unwrap(), None);
    }
    assert_eq!(server.lines(), ["GET /a/", "GET /b/", "GET /d/", "GET /e/"]);
    let times: Vec<_> = times
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    let expected = [0..1, 0..1, 500..600, 1000..1100];
    for (time, expected) in times.iter().zip(expected) {
        assert!(expected.contains(time), "{times:?}");
    }
}
