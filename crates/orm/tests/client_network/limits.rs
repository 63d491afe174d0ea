//! Connections: how many there are, how they are reused, and how they are closed.

use std::time::Duration;

use futures_util::future::join_all;

use crate::server::{Accept, Reply, Server, ok, response};

/// Answers after a while, so that requests overlap.
fn slow() -> Reply {
    Reply::Slowly(Duration::from_millis(50), vec![response(200, &[], "{}")])
}

#[tokio::test(start_paused = true)]
async fn sequential_requests_share_a_connection() {
    let server = Server::script([ok()]);
    let client = server.client();
    for _ in 0..20 {
        client.get("/x/").await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    let stats = client.stats();
    assert_eq!(
        (stats.requests, stats.retries, stats.connections),
        (20, 0, 1)
    );
    assert_eq!(stats.bytes_received, 20 * r#"{"ok": true}"#.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_connections_than_allowed() {
    for limit in [1, 3] {
        let server = Server::new(|_, _| slow());
        let client = server.builder().max_connections(limit).build().unwrap();
        for _ in 0..3 {
            for result in join_all((0..40).map(|_| async { client.get("/x/").await })).await {
                result.unwrap();
            }
            assert!(server.open() <= limit, "{} are open", server.open());
        }
        assert_eq!(server.most_answering(), limit);
        assert_eq!(server.connections(), limit, "none was opened in vain");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_slow_to_open_count_too() {
    // A request that finds an idle connection leaves behind the one that it had begun to open.
    let accept = (0..40).map(|n| Accept::After(Duration::from_millis(10 + n * 70)));
    let server = Server::with_accept(accept, |_, _| slow());
    let client = server.builder().max_connections(3).build().unwrap();
    for _ in 0..5 {
        for result in join_all((0..20).map(|_| client.get("/x/").send())).await {
            result.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(server.open() <= 3, "{} are open", server.open());
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_again_after_a_failure() {
    let server = Server::with_accept(
        [
            Accept::Refuse,
            Accept::Hang,
            Accept::CloseAtOnce,
            Accept::Serve,
        ],
        |_, index| if index < 4 { Reply::Close } else { ok() },
    );
    let client = server
        .builder()
        .max_connections(1)
        .max_retries(0)
        .build()
        .unwrap();
    for _ in 0..7 {
        client.get("/x/").await.unwrap_err();
    }
    for _ in 0..3 {
        client.get("/x/").await.unwrap();
    }
    let calls =
        (0..5).map(|_| tokio::time::timeout(Duration::from_nanos(1), client.get("/x/").send()));
    join_all(calls).await;
    client.get("/x/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_ends_with_the_call() {
    let server = Server::script([Reply::Hang]);
    let client = server.builder().max_connections(1).build().unwrap();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.get("/x/").await }
    });
    while server.count() == 0 {
        tokio::task::yield_now().await;
    }
    let error = client
        .post("/y/", &1)
        .timeout(Duration::from_secs(2))
        .await
        .unwrap_err();
    assert!(
        error.is_timeout() && !error.is_outcome_unknown(),
        "{error:?}"
    );
    assert_eq!((server.count(), error.attempts()), (1, 0));
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_limited_in_number_and_time() {
    let server = Server::new(|_, _| slow());
    let client = server
        .builder()
        .max_keepalive_connections(2)
        .keepalive_timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    join_all((0..10).map(|_| client.get("/x/").send())).await;
    assert_eq!(server.connections(), 10);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.open(), 2);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn as_many_connections_are_kept_as_may_be_open() {
    let server = Server::new(|_, _| slow());
    let client = server.builder().max_connections(40).build().unwrap();
    for _ in 0..3 {
        join_all((0..100).map(|_| client.get("/x/").send())).await;
        assert_eq!((server.open(), server.connections()), (40, 40));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_drops_connections_and_later_calls_open_new_ones() {
    let server = Server::new(|_, _| slow());
    let client = server.client();
    let other = client.with_token("t");
    join_all((0..5).map(|_| client.get("/x/").send())).await;
    assert_eq!(server.open(), 5);
    client.close().await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.open(), 0);
    other.get("/x/").await.unwrap();
    assert_eq!((server.open(), server.connections()), (1, 6));
    client.close().await;
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn closing_leaves_requests_under_way_alone() {
    let server =
        Server::new(|_, _| Reply::Slowly(Duration::from_secs(9), vec![response(200, &[], "1")]));
    let client = server.client();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.get("/x/").await }
    });
    while server.count() == 0 {
        tokio::task::yield_now().await;
    }
    client.close().await;
    assert_eq!(call.await.unwrap().unwrap().json::<i32>().unwrap(), 1);
}

#[test]
fn zero_connections_are_refused() {
    let error = Server::script([ok()])
        .builder()
        .max_connections(0)
        .build()
        .unwrap_err();
    assert!(error.is_configuration());
}
