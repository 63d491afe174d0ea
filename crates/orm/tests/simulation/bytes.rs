//! A connection that ends at each byte of a request and of its answer, in each way, fresh or used before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use django_api_orm::client::{Error, ServiceClient};
use http::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::network::{End, Fate, connection};
use crate::program::{LIMIT, settings};
use crate::runtime;
use crate::server::{Reply, Server, response};
use crate::world::World;

/// What became of a write whose first connection ended so.
struct Outcome {
    result: Result<(), Error>,
    times: usize,
}

/// Sends a request over a connection that has carried `before` others, and ends as told; later ones do not end.
fn lose(method: &Method, before: usize, up: Fate, down: Fate) -> Outcome {
    runtime().block_on(async {
        let world = Arc::new(World::fair());
        let server = Server::new(|_, _| Reply::Bytes(response(200, &[], r#"{"ok": true}"#)));
        let (serving, opened) = (server.clone(), Arc::new(AtomicUsize::new(0)));
        let builder = ServiceClient::builder("http://api.test").connector(move |_| {
            let is_first = opened.fetch_add(1, Ordering::SeqCst) == 0;
            let (up, down) = if is_first { (up, down) } else { (None, None) };
            let (wire, far) = connection(Arc::clone(&world), up, down);
            let serving = serving.clone();
            tokio::spawn(async move { serving.serve(far, 0).await });
            async { Ok(wire) }
        });
        let client = settings(builder, false).build().unwrap();
        for _ in 0..before {
            client.get("/x/").await.unwrap();
        }
        let start = Instant::now();
        let result = client
            .request(method.clone(), "/write/")
            .json(&json!({"a": 1}))
            .await;
        assert!(start.elapsed() <= LIMIT + std::time::Duration::from_millis(2));
        let lines = server.lines();
        Outcome {
            result: result.map(drop),
            times: lines
                .iter()
                .filter(|line| line.ends_with(" /write/"))
                .count(),
        }
    })
}

/// Every place and way of ending, up and down, for a request behind `before` others.
fn endings(before: usize) -> impl Iterator<Item = (Fate, Fate)> {
    // A request has fewer bytes than this, and so has an answer.
    let most = 220 * (before + 1);
    (0..most).flat_map(|bytes| {
        End::ALL.into_iter().flat_map(move |end| {
            let fate = Some((bytes, end));
            [(fate, None), (None, fate)]
        })
    })
}

#[test]
fn a_write_that_is_lost_at_any_byte_is_done_once_or_unknown() {
    let mut told = [0; 2];
    for before in [0, 1] {
        for (up, down) in endings(before) {
            let Outcome { result, times } = lose(&Method::POST, before, up, down);
            match result {
                Ok(()) => assert_eq!(times, 1, "up {up:?}, down {down:?}"),
                Err(error) => {
                    assert!(
                        error.is_outcome_unknown(),
                        "up {up:?}, down {down:?}: {error}"
                    );
                    assert!(times <= 1, "up {up:?}, down {down:?}: {times} times");
                    told[times] += 1;
                }
            }
        }
    }
    // Both kinds of unknown were met: carried out, and not.
    assert!(told.iter().all(|count| *count > 100), "{told:?}");
}

#[test]
fn what_may_be_repeated_is_lost_at_no_byte() {
    for method in [Method::GET, Method::PUT] {
        for (up, down) in endings(1) {
            let Outcome { result, times } = lose(&method, 1, up, down);
            result.unwrap();
            assert!(
                (1..=2).contains(&times),
                "{method}, up {up:?}, down {down:?}: {times}"
            );
        }
    }
}
