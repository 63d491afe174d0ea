//! What is sent again: every method against every kind of failure.

use std::time::Duration;

use django_api_orm::ErrorKind;
use django_api_orm::client::{Call, Error, ServiceClient};
use django_api_orm::path::ApiPath;
use http::Method;
use tokio::time::Instant;

use crate::server::{Accept, Reply, Server, ok, response, status, truncated, with_headers};

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];
const ALWAYS: [usize; 7] = [4; 7];
const NEVER: [usize; 7] = [1; 7];
/// Requests that the server sees when the failure is ambiguous.
const IF_SAFE: [usize; 7] = [4, 4, 4, 4, 4, 1, 1];

async fn call(client: &ServiceClient, method: &str) -> Result<(), Error> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let call = Call::new(method, ApiPath::parse("/x/").unwrap()).json_bytes("{}");
    client.send(call).await.map(|_| ())
}

/// How often each method is seen by a server that always fails in the same way.
async fn requests_seen(reply: &Reply) -> [usize; 7] {
    let mut counts = [0; 7];
    for (count, method) in counts.iter_mut().zip(METHODS) {
        let server = Server::script([reply.clone()]);
        let error = call(&server.client(), method).await.unwrap_err();
        *count = server.count();
        assert_eq!(error.attempts() as usize, *count, "{method}: {error:?}");
        assert!(!(error.is_retryable() && error.is_outcome_unknown()));
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn refused_requests_are_resent_whatever_the_method() {
    for code in [425, 429] {
        assert_eq!(requests_seen(&status(code)).await, ALWAYS, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_resent_only_if_that_is_harmless() {
    for code in [408, 500, 502, 503, 504, 520, 522, 524, 598, 599] {
        assert_eq!(requests_seen(&status(code)).await, IF_SAFE, "{code}");
    }
    assert_eq!(
        requests_seen(&Reply::Close).await,
        IF_SAFE,
        "closed after reading"
    );
    assert_eq!(
        requests_seen(&Reply::Last(b"HTT".to_vec())).await,
        IF_SAFE,
        "half a status line"
    );
    assert_eq!(
        requests_seen(&Reply::Last(b"garbage\r\n\r\n".to_vec())).await,
        IF_SAFE,
        "not HTTP"
    );
    // A HEAD request has no body that could be cut off.
    for (method, expected) in METHODS
        .into_iter()
        .zip(IF_SAFE)
        .filter(|(method, _)| *method != "HEAD")
    {
        let server = Server::script([truncated(200)]);
        call(&server.client(), method).await.unwrap_err();
        assert_eq!(server.count(), expected, "{method}, cut off");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_not_resent() {
    for code in [
        400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 501, 505,
    ] {
        assert_eq!(requests_seen(&status(code)).await, NEVER, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_resent_whatever_the_method() {
    for accept in [Accept::Refuse, Accept::Hang] {
        for method in METHODS {
            let script = [accept, accept, accept, Accept::Serve];
            let server = Server::with_accept(script, |_, _| ok());
            let client = server.client();
            call(&client, method).await.unwrap();
            assert_eq!(server.count(), 1, "{method}");
            assert_eq!(server.connections(), 4, "{method}");
            assert_eq!(
                (client.stats().requests, client.stats().retries),
                (1, 3),
                "{method}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_told_apart() {
    for (accept, is_timeout) in [(Accept::Refuse, false), (Accept::Hang, true)] {
        let server = Server::with_accept([accept], |_, _| ok());
        let error = call(&server.client(), "POST").await.unwrap_err();
        assert_eq!(
            (error.is_connect(), error.is_timeout()),
            (!is_timeout, is_timeout),
            "{error:?}"
        );
        assert!(
            error.is_retryable() && !error.is_outcome_unknown(),
            "{error:?}"
        );
        assert_eq!((server.connections(), error.attempts()), (4, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_says_so() {
    for (reply, kind) in [
        (Reply::Close, ErrorKind::OutcomeUnknown),
        (Reply::Hang, ErrorKind::OutcomeUnknown),
        (truncated(201), ErrorKind::OutcomeUnknown),
        (status(503), ErrorKind::Server),
    ] {
        for method in ["POST", "PATCH"] {
            let server = Server::script([reply.clone()]);
            let error = call(&server.client(), method).await.unwrap_err();
            assert!(
                error.is_outcome_unknown() && !error.is_retryable(),
                "{reply:?}: {error:?}"
            );
            assert_eq!(error.kind(), kind, "{reply:?}: {error:?}");
            assert_eq!(
                error.is_timeout(),
                matches!(reply, Reply::Hang),
                "{error:?}"
            );
            assert!(
                error.to_string().starts_with(&format!("{method} /x/: ")),
                "{error}"
            );
        }
        let server = Server::script([reply.clone()]);
        let error = call(&server.client(), "GET").await.unwrap_err();
        assert!(
            !error.is_outcome_unknown() && error.is_retryable(),
            "{reply:?}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_later_attempt_need_not_tell_of_the_first() {
    let later = [401, 403, 408, 425, 429, 500, 503].map(status);
    for reply in later.into_iter().chain([truncated(201), Reply::Close]) {
        for method in ["PUT", "DELETE"] {
            let server = Server::script([Reply::Close, reply.clone()]);
            let error = call(&server.client(), method).await.unwrap_err();
            assert!(error.is_outcome_unknown(), "{method}, {reply:?}: {error:?}");
        }
    }
    // The server has looked at the same request, and refuses it.
    let server = Server::script([Reply::Close, status(400)]);
    let error = call(&server.client(), "PUT").await.unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_read_is_no_failure_of_the_write() {
    let body = vec![b' '; 1000];
    let garbled = with_headers(201, &[("Content-Encoding", "gzip")]);
    for reply in [Reply::Bytes(response(201, &[], body)), garbled] {
        let server = Server::script([reply]);
        let client = server.builder().max_response_size(100).build().unwrap();
        let error = call(&client, "POST").await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error:?}");
        assert!(!call(&client, "GET").await.unwrap_err().is_outcome_unknown());
        assert_eq!(server.count(), 2, "a write was sent again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_closed_at_once_never_costs_a_second_write() {
    for method in METHODS {
        let server = Server::with_accept([Accept::CloseAtOnce, Accept::Serve], |_, _| ok());
        match call(&server.client(), method).await {
            Ok(()) => assert_eq!(server.count(), 1),
            Err(error) => {
                assert!(
                    matches!(method, "POST" | "PATCH") && error.is_outcome_unknown(),
                    "{error:?}"
                );
                assert_eq!(server.count(), 0);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pooled_connection_that_was_closed_is_replaced_also_for_a_write() {
    let server = Server::new(|_, _| Reply::Last(response(201, &[], "{}")));
    let client = server.client();
    for _ in 0..5 {
        client.post("/x/", &1).await.unwrap();
        // The close arrives while the connection is idle.
        while server.open() > 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((server.count(), server.connections()), (5, 5));
    assert_eq!(client.stats().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_declared_repetition_is_resent_with_the_same_key() {
    let server = Server::script([status(503), Reply::Close, truncated(201), status(201)]);
    let response = server
        .client()
        .post("/x/", &1)
        .idempotency_key("key-1")
        .await
        .unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (201, 4));
    for seen in server.seen() {
        assert_eq!(
            (seen.header("idempotency-key"), seen.body.as_slice()),
            (Some("key-1"), b"1".as_slice())
        );
    }
    let server = Server::script([status(504), status(200)]);
    server
        .client()
        .patch("/x/", &1)
        .header("If-Match", "\"a\"")
        .await
        .unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_fails_after_an_unknown_attempt_is_unknown_too() {
    let patch = |server: &Server| server.client().patch("/x/", &1).header("If-Match", "\"a\"");
    let server = Server::script([status(412)]);
    assert!(!patch(&server).await.unwrap_err().is_outcome_unknown());
    let server = Server::script([Reply::Close, status(412)]);
    let error = patch(&server).await.unwrap_err();
    assert!(
        error.is_outcome_unknown(),
        "the first attempt may have changed the row"
    );
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    for (headers, seconds) in [
        ([("Retry-After", "7"), ("X", "")], 7.0),
        ([("Retry-After-Ms", "1250"), ("Retry-After", "9")], 1.25),
        (
            [
                ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
                ("Retry-After", "Tue, 15 Nov 1994 08:12:36 GMT"),
            ],
            5.0,
        ),
    ] {
        for code in [429, 503] {
            let server = Server::script([with_headers(code, &headers), ok()]);
            let started = Instant::now();
            server.client().get("/x/").await.unwrap();
            let waited = started.elapsed().as_secs_f64();
            assert!(
                (waited - seconds).abs() < 0.1,
                "{headers:?}: waited {waited}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_fails_at_once_and_tells() {
    for (wait, timeout) in [(61, 3600), (30, 20), (u64::MAX, 60)] {
        let wait = wait.to_string();
        let server = Server::script([with_headers(429, &[("Retry-After", &wait)]), ok()]);
        let client = server
            .builder()
            .timeout(Duration::from_secs(timeout))
            .build()
            .unwrap();
        let started = Instant::now();
        let error = client.post("/x/", &1).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_millis(100));
        assert!(error.is_throttled() && error.is_retryable());
        assert!(
            error
                .retry_after()
                .is_some_and(|wait| wait >= Duration::from_secs(30))
        );
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn waits_grow_and_are_random() {
    let mut waits = Vec::new();
    for _ in 0..20 {
        let server = Server::script([status(500), ok()]);
        let started = Instant::now();
        server.client().get("/x/").await.unwrap();
        waits.push(started.elapsed());
    }
    assert!(
        waits.iter().all(|wait| *wait <= Duration::from_millis(210)),
        "{waits:?}"
    );
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 5, "no jitter: {waits:?}");
    let server = Server::script([status(500), ok()]);
    let client = server
        .builder()
        .retry_delay(Duration::ZERO)
        .build()
        .unwrap();
    let started = Instant::now();
    client.get("/x/").await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_retries_is_configurable() {
    for retries in [0, 1, 5] {
        let server = Server::script([status(502)]);
        let client = server.builder().max_retries(retries).build().unwrap();
        let error = client.get("/x/").await.unwrap_err();
        assert_eq!(server.count(), retries as usize + 1);
        assert_eq!(error.attempts(), retries + 1);
        assert_eq!(client.stats().retries, u64::from(retries));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_fed() {
    let server = Server::script([status(503)]);
    let client = server.client();
    for _ in 0..4000 {
        client.get("/x/").await.unwrap_err();
    }
    assert_eq!(server.count(), 4035, "at most 1 % more requests");
    let error = client.get("/x/").await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("too many requests to this server are failing"),
        "{error}"
    );
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
}

#[tokio::test(start_paused = true)]
async fn the_budget_comes_back_with_success() {
    let server = Server::new(|_, index| {
        if index < 4000 || index % 2 == 0 {
            status(503)
        } else {
            ok()
        }
    });
    let client = server.builder().max_retries(1).build().unwrap();
    while server.count() < 4000 {
        client.get("/x/").await.unwrap_err();
    }
    // Now every first attempt fails and a retry would succeed; without tokens there is none.
    client.get("/x/").await.unwrap_err();
    client.get("/x/").await.unwrap();
    let without = server.count();
    for _ in 0..14 {
        client.get("/x/").await.ok();
    }
    assert!(server.count() > without);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_still_under_way_is_waited_for() {
    let key = |server: &Server, header: &str| -> Vec<Option<String>> {
        let seen = server.seen();
        seen.iter()
            .map(|seen| seen.header(header).map(str::to_owned))
            .collect()
    };
    let server = Server::script([Reply::Close, status(409), status(409), status(201)]);
    let client = server
        .builder()
        .idempotency_header("X-Key")
        .build()
        .unwrap();
    call(&client, "POST").await.unwrap();
    let keys = key(&server, "x-key");
    assert!(keys.len() == 4 && keys[0].is_some(), "{keys:?}");
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");

    // Where nothing was lost, a 409 is a conflict.
    let server = Server::script([status(409)]);
    let client = server
        .builder()
        .idempotency_header("X-Key")
        .build()
        .unwrap();
    let error = call(&client, "POST").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(server.count() == 1 && !error.is_outcome_unknown());

    // Where it never ends, nobody knows.
    let server = Server::script([Reply::Close, status(409)]);
    let client = server
        .builder()
        .idempotency_header("X-Key")
        .build()
        .unwrap();
    let error = call(&client, "POST").await.unwrap_err();
    assert!(
        server.count() == 4 && error.is_outcome_unknown(),
        "{error:?}"
    );

    // A key of the caller's own, in the declared header; reads have none.
    let server = Server::script([status(503), ok()]);
    let client = server
        .builder()
        .idempotency_header("X-Key")
        .build()
        .unwrap();
    let body = serde_json::json!({});
    client
        .post("/x/", &body)
        .idempotency_key("mine")
        .await
        .unwrap();
    client.get("/x/").await.unwrap();
    let mine = Some("mine".to_owned());
    assert_eq!(key(&server, "x-key"), [mine.clone(), mine, None]);
}
