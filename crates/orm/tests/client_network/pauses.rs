//! A server that asks to wait is asked no more until then, by none of those it means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use django_api_orm::ErrorKind;
use django_api_orm::client::{Error, ServiceClient};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::server::{Reply, Seen, Server, ok, response, status, with_headers};

const SECOND: Duration = Duration::from_secs(1);

/// Asks to wait for this long.
fn wait(code: u16, seconds: u32) -> Reply {
    with_headers(code, &[("Retry-After", &seconds.to_string())])
}

/// A server that asks everybody to wait until so many seconds after the first request, and notes when each request came.
fn throttling(seconds: u64) -> (Server, Arc<Mutex<Vec<Duration>>>) {
    let came: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let start = Mutex::new(None);
    let notes = Arc::clone(&came);
    let server = Server::new(move |_, _| {
        let now = Instant::now();
        let since = now - *start.lock().unwrap().get_or_insert(now);
        notes.lock().unwrap().push(since);
        match Duration::from_secs(seconds).checked_sub(since) {
            Some(left) if !left.is_zero() => {
                with_headers(429, &[("Retry-After-Ms", &left.as_millis().to_string())])
            }
            _ => {
                let head = response(200, &[], "{}");
                Reply::Slowly(Duration::from_millis(100), vec![head])
            }
        }
    });
    (server, came)
}

async fn gets(client: &ServiceClient, paths: impl IntoIterator<Item = String>) -> Vec<Error> {
    let mut calls = JoinSet::new();
    for path in paths {
        let client = client.clone();
        calls.spawn(async move { client.get(&path).await.err() });
    }
    calls.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn many_calls_meet_one_429_and_wait_without_asking() {
    for path in [
        |_| "/users/".to_owned(),
        |call: u32| format!("/users/{call}/"),
    ] {
        let (server, came) = throttling(5);
        let client = server.builder().max_connections(4).build().unwrap();
        let failed = gets(&client, (0..200).map(path)).await;
        assert!(failed.is_empty(), "{failed:?}");
        let came = came.lock().unwrap().clone();
        let within = |from: u64, to: u64| {
            let times = Duration::from_millis(from)..Duration::from_millis(to);
            came.iter().filter(|time| times.contains(*time)).count()
        };
        assert!(within(0, 5000) <= 4, "{came:?}");
        // One first, then two, then as many as may be.
        assert_eq!([within(5000, 5090), within(5000, 5190)], [1, 3], "{came:?}");
        assert_eq!(client.stats().requests as usize, came.len());
        assert!(client.stats().retries <= 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_within_the_pause_fails_before_it_is_sent() {
    let server = Server::script([wait(429, 30), ok()]);
    let client = server.client();
    let hasty = client.with_timeout(10 * SECOND);
    let first = hasty.get("/x/").await.unwrap_err();
    assert_eq!((first.attempts(), server.count()), (1, 1));
    let started = Instant::now();
    let error = hasty.post("/x/", &1).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(server.count(), 1, "nothing was sent");
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!((error.attempts(), error.status()), (0, None));
    assert!(!error.is_outcome_unknown() && error.is_retryable());
    assert_eq!(error.retry_after(), Some(30 * SECOND));
    assert!(
        error
            .to_string()
            .contains("was not sent: the server has asked to wait, and 30 s"),
        "{error}"
    );
    // One that has the time waits.
    client.post("/x/", &1).await.unwrap();
    assert_eq!(started.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_that_of_an_account_and_at_first_of_a_route() {
    let throttled = |seen: &Seen, _| match (seen.header("authorization"), seen.target.as_str()) {
        (Some("Token a"), "/scoped/" | "/more/") => wait(429, 30),
        _ => ok(),
    };
    let server = Server::new(throttled);
    let client = server.builder().timeout(10 * SECOND).build().unwrap();
    let (a, b) = (client.with_token("a"), client.with_token("b"));
    assert_eq!(a.get("/scoped/").await.unwrap_err().attempts(), 1);
    // Another client object with the same credential is the same account.
    let same = client.with_token("a").get("/scoped/").await.unwrap_err();
    assert_eq!(same.attempts(), 0);
    for other in [&b, &client] {
        other.get("/scoped/").await.unwrap();
    }
    a.get("/elsewhere/").await.unwrap();
    // A second route says that it is the account that has asked too often.
    assert_eq!(a.get("/more/").await.unwrap_err().attempts(), 1);
    assert_eq!(a.get("/elsewhere/").await.unwrap_err().attempts(), 0);
    b.get("/more/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_503_with_a_time_pauses_every_account() {
    let server = Server::script([wait(503, 30), ok()]);
    let client = server.builder().timeout(10 * SECOND).build().unwrap();
    client.with_token("a").post("/x/", &1).await.unwrap_err();
    let error = client.with_token("b").get("/x/").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 0));
    let server = Server::script([status(503), ok()]);
    server.client().post("/x/", &1).await.unwrap_err();
    server.client().get("/x/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_no_retries_is_told_at_once_each_time() {
    let server = Server::script([wait(429, 30)]);
    let client = server.builder().max_retries(0).build().unwrap();
    for count in 1..4 {
        let error = client.get("/x/").await.unwrap_err();
        assert_eq!((error.attempts(), server.count()), (1, count));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_an_hour_is_asked_once_a_minute() {
    let server = Server::script([wait(429, 3600), wait(429, 3540), ok()]);
    let client = server.client();
    client.get("/x/").await.unwrap_err();
    sleep(10 * SECOND).await;
    let hasty = client.with_timeout(SECOND);
    let error = hasty.get("/x/").await.unwrap_err();
    assert_eq!(
        (error.attempts(), error.retry_after()),
        (0, Some(3590 * SECOND))
    );
    sleep(51 * SECOND).await;
    assert_eq!(hasty.get("/x/").await.unwrap_err().attempts(), 1);
    assert_eq!(hasty.get("/x/").await.unwrap_err().attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_gets_no_answer_holds_nobody_up() {
    let server = Server::new(|seen, index| match (index, seen.target.as_str()) {
        (0, _) => wait(429, 5),
        (_, "/x/?hang=1") => Reply::Hang,
        _ => ok(),
    });
    let client = server.client();
    let hung = tokio::spawn(client.get("/x/?hang=1").send());
    sleep(SECOND).await;
    let started = Instant::now();
    let failed = gets(&client, (0..3).map(|_| "/x/".to_owned())).await;
    assert!(failed.is_empty());
    assert_eq!(
        started.elapsed(),
        5 * SECOND,
        "4 s of the pause, and one more"
    );
    hung.abort();
}

#[tokio::test(start_paused = true)]
async fn a_second_pause_begins_anew() {
    // Of those that go first after the pause, the second meets another one.
    let server = Server::new(|_, index| match index {
        0 => wait(429, 5),
        2 => wait(429, 7),
        _ => ok(),
    });
    let client = server.builder().max_connections(1).build().unwrap();
    let started = Instant::now();
    let failed = gets(&client, (0..20).map(|_| "/x/".to_owned())).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!((started.elapsed(), server.count()), (12 * SECOND, 22));
    // It is forgotten, and costs nothing more.
    client.get("/x/").await.unwrap();
    assert_eq!(server.count(), 23);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_in_the_pause_is_missed_by_nobody() {
    let server = Server::script([wait(429, 5), ok()]);
    let client = server.client();
    client.with_timeout(SECOND).get("/x/").await.unwrap_err();
    let waiting: Vec<_> = (0..5)
        .map(|_| tokio::spawn(client.get("/x/").send()))
        .collect();
    sleep(SECOND).await;
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    client.get("/x/").await.unwrap();
    assert_eq!(server.count(), 2);
}
