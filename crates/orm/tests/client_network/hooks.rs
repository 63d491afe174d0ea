//! What hooks see, when, what they may change, and that they can do no harm.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use django_api_orm::ErrorKind;
use django_api_orm::client::{Error, ServiceClient, ServiceClientBuilder};
use django_api_orm::engine::{Event, Hooks, Notes, Told};
use tokio::time::Instant;

use crate::server::{Reply, Server, ok, status, with_headers};

type Log = Arc<Mutex<Vec<String>>>;

/// Hooks that note what they see, whole.
fn noting(builder: ServiceClientBuilder) -> (ServiceClientBuilder, Log) {
    let log = Log::default();
    let [first, second, third] = [(); 3].map(|()| Arc::clone(&log));
    let builder = builder
        .on_request(move |event| {
            let line = format!("request {} {}", event.attempt(), event.url());
            first.lock().unwrap().push(line);
            first.lock().unwrap().push(format!("  {event:?}"));
            Ok(())
        })
        .on_response(move |event| {
            let line = format!("response {} {}", event.attempt(), event.status().as_u16());
            second.lock().unwrap().push(line);
            second.lock().unwrap().push(format!("  {event:?}"));
        })
        .on_retry(move |event| {
            let line = format!("retry {} {}", event.attempt(), event.kind().code());
            third.lock().unwrap().push(line);
            third.lock().unwrap().push(format!("  {event:?}"));
        });
    (builder, log)
}

fn lines(log: &Log) -> Vec<String> {
    let log = log.lock().unwrap();
    let lines = log.iter().filter(|line| !line.starts_with(' '));
    lines.cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn hooks_see_each_request_answer_and_retry_in_order() {
    let server = Server::script([
        Reply::Close,
        with_headers(429, &[("Retry-After", "2")]),
        with_headers(307, &[("Location", "/y/?a=b")]),
        ok(),
    ]);
    let (builder, log) = noting(server.builder());
    builder.build().unwrap().get("/x/?q=word").await.unwrap();
    assert_eq!(
        lines(&log),
        [
            "request 1 http://api.test/x/?q=REDACTED",
            "retry 1 connect",
            "request 2 http://api.test/x/?q=REDACTED",
            "response 2 429",
            "retry 2 throttled",
            "request 3 http://api.test/x/?q=REDACTED",
            "response 3 307",
            "request 4 http://api.test/y/?a=REDACTED",
            "response 4 200",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn hooks_add_headers_but_no_credentials() {
    let server = Server::script([status(503), ok()]);
    let refused: Arc<Mutex<Vec<Error>>> = Arc::default();
    let notes = Arc::clone(&refused);
    let client = server
        .builder()
        .auth_header("X-Who", "hush")
        .on_request(move |event| {
            let number = event.attempt().to_string();
            event.add_header("traceparent", &format!("00-{number}"))?;
            for name in [
                "authorization",
                "Cookie",
                "X-Api-Key",
                "host",
                "x-who",
                "content-length",
            ] {
                notes
                    .lock()
                    .unwrap()
                    .push(event.add_header(name, "other").unwrap_err());
            }
            Ok(())
        })
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("traceparent").unwrap())
        .collect();
    assert_eq!(sent, ["00-1", "00-2"]);
    for seen in &seen {
        assert_eq!(seen.header("x-who"), Some("hush"));
        assert!(seen.header("authorization").is_none() && seen.header("cookie").is_none());
    }
    let refused = refused.lock().unwrap();
    assert_eq!(refused.len(), 12);
    assert!(
        refused
            .iter()
            .all(|error| error.kind() == ErrorKind::InvalidRequest)
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_hook_stops_the_request_before_it_is_sent() {
    let server = Server::script([ok()]);
    let refuse = |_: &mut _| Err(Error::new(ErrorKind::InvalidRequest, "not on Sundays"));
    let client = server.builder().on_request(refuse).build().unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert_eq!((error.attempts(), server.count()), (0, 0));
    assert!(!error.is_outcome_unknown());
    let shown = error.to_string();
    assert!(
        shown.starts_with(
            "a hook stopped the request, so it was not sent: POST /x/: not on Sundays"
        ),
        "{shown}"
    );

    // What may have been done before stays unknown.
    let server = Server::script([Reply::Close, ok()]);
    let second = |event: &mut django_api_orm::client::RequestEvent| match event.attempt() {
        1 => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidRequest, "enough")),
    };
    let client = server.builder().on_request(second).build().unwrap();
    let error = client.put("/x/", &1).await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && server.count() == 1,
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_hook_sees_a_secret_or_a_body() {
    const SECRET: &str = "hunter2";
    let link = format!("<http://api.test/x/?token={SECRET}>; rel=\"next\"");
    let server = Server::new(move |_, index| {
        let headers = [
            ("Set-Cookie", "sessionid=hunter2"),
            ("Link", link.as_str()),
            ("X-Auth-Token", SECRET),
            ("X-Request-ID", "r-1"),
        ];
        let code = if index % 2 == 0 { 503 } else { 200 };
        Reply::Bytes(crate::server::response(
            code,
            &headers,
            format!("{{\"a\": \"{SECRET}\"}}"),
        ))
    });
    for builder in [
        server.builder().auth_token(SECRET),
        server.builder().basic("user", SECRET),
        server.builder().auth_header("X-Own", SECRET),
        server
            .builder()
            .header("X-Other", SECRET)
            .header("Cookie", SECRET),
    ] {
        let (builder, log) = noting(builder);
        let client = builder.build().unwrap();
        let path = format!("/x/?token={SECRET}&q={SECRET}");
        client.get(&path).header("X-More", SECRET).await.unwrap();
        client.put(&path, &SECRET).await.unwrap();
        let log = log.lock().unwrap().join("\n");
        assert!(
            log.contains("retry 1 server") && log.contains("r-1"),
            "{log}"
        );
        assert!(!log.contains(SECRET), "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_use_the_client_itself() {
    let server = Server::script([ok()]);
    let itself: Arc<OnceLock<ServiceClient>> = Arc::default();
    let inner = Arc::clone(&itself);
    let client = server
        .builder()
        .max_connections(1)
        .on_response(move |event| {
            if event.url().ends_with("/x/") {
                let client = inner.get().unwrap().clone();
                tokio::spawn(async move { client.get("/inner/").await });
            }
        })
        .build()
        .unwrap();
    itself.set(client.clone()).unwrap();
    let started = Instant::now();
    client.get("/x/").await.unwrap();
    client.get("/y/").await.unwrap();
    while server.count() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn clients_for_other_accounts_keep_the_hooks() {
    let server = Server::script([ok()]);
    let (builder, log) = noting(server.builder());
    let client = builder.build().unwrap();
    client.with_token("a").get("/x/").await.unwrap();
    client
        .with_timeout(Duration::from_secs(1))
        .get("/x/")
        .await
        .unwrap();
    client
        .with_header("x-a", "b")
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    assert_eq!(lines(&log).len(), 6);
}

/// A front door that keeps a log.
struct Noting {
    notes: Notes,
    log: Log,
}

impl Hooks for Noting {
    fn tell(&self, _: Event) -> Told {
        // Whoever waited for this would wait for ever.
        Box::pin(std::future::pending())
    }

    fn wants_requests(&self) -> bool {
        false
    }

    fn wants_responses(&self) -> bool {
        false
    }

    fn wants_retries(&self) -> bool {
        false
    }

    fn notes(&self) -> Notes {
        self.notes
    }

    fn note(&self, event: Event) {
        let line = match &event {
            Event::Request(_) => "request".to_owned(),
            Event::Response(event) => format!("response {} {}", event.attempt(), event.status()),
            Event::Failure(event) => {
                let elapsed = event.elapsed().as_secs();
                let kind = event.kind().code();
                format!("failure {} {kind} after {elapsed} s", event.attempt())
            }
            Event::Retry(event) => format!("retry {} {}", event.attempt(), event.kind().code()),
        };
        assert!(!format!("{event:?}").contains("word"), "{event:?}");
        self.log.lock().unwrap().push(line);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_noted_waits_for_nobody_and_tells_of_requests_without_an_answer() {
    for (notes, expected) in [
        (Notes::Nothing, &[][..]),
        (Notes::Retries, &["retry 1 connect", "retry 2 timeout"][..]),
        (
            Notes::Everything,
            &[
                "failure 1 connect after 0 s",
                "retry 1 connect",
                "failure 2 timeout after 30 s",
                "retry 2 timeout",
                "response 3 200 OK",
            ][..],
        ),
    ] {
        let server = Server::script([Reply::Close, Reply::Hang, ok()]);
        let log = Log::default();
        let hooks = Noting {
            notes,
            log: Arc::clone(&log),
        };
        let client = server
            .builder()
            .build()
            .unwrap()
            .with_hooks(Arc::new(hooks));
        client.get("/x/?q=word").await.unwrap();
        assert_eq!(lines(&log), expected);
    }
}
