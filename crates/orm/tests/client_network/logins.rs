//! Logins: who gets the password, how often, and what becomes of the calls that wait.

mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use django_api_orm::client::{JwtAuth, Login, OAuth2ClientCredentials, ServiceClient, SessionAuth};
use futures_util::future::join_all;

use crate::server::{Reply, Seen, Server, ok, response, status, with_headers};

const SECRET: &str = "s3cr3t-value";

fn json(status: u16, body: &str) -> Reply {
    Reply::Bytes(response(
        status,
        &[("Content-Type", "application/json")],
        body,
    ))
}

fn says(seen: &Seen) -> String {
    String::from_utf8_lossy(&seen.body).into_owned()
}

/// A site that gives pairs of tokens: each `access` counts up, and only the latest is accepted.
struct Pairs {
    latest: AtomicUsize,
    /// The access token that is accepted: this one or a later one.
    accepted: AtomicUsize,
    written: AtomicUsize,
}

impl Pairs {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            latest: AtomicUsize::new(0),
            accepted: AtomicUsize::new(1),
            written: AtomicUsize::new(0),
        })
    }

    fn give(&self) -> Reply {
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        json(
            200,
            &format!(r#"{{"access": "a{number}", "refresh": "r{number}"}}"#),
        )
    }

    fn answer(&self, seen: &Seen) -> Reply {
        match seen.target.as_str() {
            "/api/token/" => self.give(),
            "/api/token/refresh/" => {
                let latest = self.latest.load(Ordering::SeqCst);
                match says(seen) == format!(r#"{{"refresh":"r{latest}"}}"#) {
                    true => self.give(),
                    false => json(401, r#"{"detail": "Token is blacklisted"}"#),
                }
            }
            _ => {
                let given = seen.header("authorization").unwrap_or_default();
                let number: usize = given.trim_start_matches("Bearer a").parse().unwrap_or(0);
                if number < self.accepted.load(Ordering::SeqCst) {
                    return json(401, r#"{"code": "token_not_valid"}"#);
                }
                if seen.method == "POST" {
                    self.written.fetch_add(1, Ordering::SeqCst);
                }
                ok()
            }
        }
    }

    fn server(self: &Arc<Self>) -> Server {
        let pairs = Arc::clone(self);
        Server::new(move |seen, _| pairs.answer(seen))
    }
}

fn jwt() -> JwtAuth {
    JwtAuth::new("/api/token/", "ann", SECRET)
}

fn count(server: &Server, line: &str) -> usize {
    server.lines().iter().filter(|known| *known == line).count()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_that_meet_a_401_make_one_refresh_and_repeat_no_write() {
    let pairs = Pairs::new();
    let server = pairs.server();
    let client = server
        .builder()
        .login(jwt())
        .max_connections(50)
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(
        says(&server.seen()[0]),
        format!(r#"{{"password":"{SECRET}","username":"ann"}}"#)
    );
    pairs.accepted.store(2, Ordering::SeqCst);
    let clones: Vec<_> = (0..1000).map(|_| client.clone()).collect();
    let answers = join_all(
        clones
            .iter()
            .map(|client| async { client.post("/x/", &1).await }),
    )
    .await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(pairs.written.load(Ordering::SeqCst), 1000);
    assert_eq!(count(&server, "POST /api/token/"), 1);
    assert_eq!(count(&server, "POST /api/token/refresh/"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_used_once_and_where_it_is_refused_the_client_logs_in_again() {
    let pairs = Pairs::new();
    let server = pairs.server();
    let client = server.builder().login(jwt()).build().unwrap();
    for number in 1..=3 {
        pairs.accepted.store(number, Ordering::SeqCst);
        client.get("/x/").await.unwrap();
    }
    // Somebody else has used the chain.
    pairs.latest.store(9, Ordering::SeqCst);
    pairs.accepted.store(10, Ordering::SeqCst);
    client.get("/x/").await.unwrap();
    let refreshes: Vec<_> = server
        .seen()
        .iter()
        .filter(|seen| seen.target == "/api/token/refresh/")
        .map(says)
        .collect();
    assert_eq!(
        refreshes,
        ["r1", "r2", "r3"].map(|token| format!(r#"{{"refresh":"{token}"}}"#))
    );
    assert_eq!(count(&server, "POST /api/token/"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_token_that_is_refused_too_is_followed_by_a_login() {
    let pairs = Pairs::new();
    let server = pairs.server();
    let client = server.builder().login(jwt()).build().unwrap();
    client.get("/x/").await.unwrap();
    // As after a change of the password, for which a refresh gives tokens that are no good.
    pairs.accepted.store(3, Ordering::SeqCst);
    let answers = join_all((0..100).map(|_| async { client.post("/x/", &1).await })).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(pairs.written.load(Ordering::SeqCst), 100);
    assert_eq!(count(&server, "POST /api/token/"), 2);
    assert_eq!(count(&server, "POST /api/token/refresh/"), 1);
    // One that no login helps is the caller's to know.
    pairs.accepted.store(1000, Ordering::SeqCst);
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_authentication() && error.attempts() == 3,
        "{error:?}"
    );
}

/// One call has been refused what was refreshed, and waits for a refresh that another has begun, which is no good either.
#[tokio::test(start_paused = true)]
async fn a_login_follows_where_another_call_refreshes_meanwhile() {
    let late = |seconds, reply| match reply {
        Reply::Bytes(bytes) => Reply::Slowly(Duration::from_secs(seconds), vec![bytes]),
        other => other,
    };
    let pairs = Pairs::new();
    let server = Server::new({
        let pairs = Arc::clone(&pairs);
        move |seen, _| {
            let refreshed = seen.header("authorization") == Some("Bearer a2");
            match seen.target.as_str() {
                "/api/token/refresh/" if pairs.latest.load(Ordering::SeqCst) == 2 => {
                    late(5, pairs.answer(seen))
                }
                "/one/" if refreshed => late(2, pairs.answer(seen)),
                _ => pairs.answer(seen),
            }
        }
    });
    let client = server.builder().login(jwt()).build().unwrap();
    client.get("/x/").await.unwrap();
    pairs.accepted.store(4, Ordering::SeqCst);
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.post("/other/", &1).await
    };
    let (one, other) = tokio::join!(client.post("/one/", &1), other);
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(pairs.written.load(Ordering::SeqCst), 2);
    assert_eq!(count(&server, "POST /api/token/refresh/"), 2);
    assert_eq!(count(&server, "POST /api/token/"), 2);
}

#[test]
fn a_login_on_a_runtime_that_is_not_driven_any_more_holds_nobody_up() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let of_server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let arrived = Arc::new(tokio::sync::Notify::new());
    let server = Server::new({
        let arrived = Arc::clone(&arrived);
        move |seen, index| match seen.target.as_str() {
            "/api/token/" if index == 0 => {
                arrived.notify_one();
                // When its runtime goes on, it would be time to log in again.
                with_headers(429, &[("Retry-After-Ms", "1")])
            }
            "/api/token/" => json(200, r#"{"access": "a", "refresh": "r"}"#),
            _ => ok(),
        }
    });
    let base_url = of_server.block_on(server.listen());
    let client = ServiceClient::builder(&base_url)
        .login(jwt())
        .timeout(Duration::from_secs(40))
        .build()
        .unwrap();
    let (left, driven) = (runtime(), runtime());
    left.block_on(async {
        tokio::select! {
            answer = client.get("/x/") => panic!("{answer:?}"),
            () = arrived.notified() => {}
        }
    });
    let begun = std::time::Instant::now();
    driven.block_on(async { client.get("/x/").await }).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(count(&server, "POST /api/token/"), 2);
    // The login that was given up does not go on.
    left.block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
    assert_eq!(count(&server, "POST /api/token/"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_whose_answer_is_lost_is_not_repeated() {
    // The login after the lost refresh fails, too: the next call logs in, and uses no refresh token that may be spent.
    let server = Server::new(|seen, index| match seen.target.as_str() {
        "/api/token/" if index == 3 => status(503),
        "/api/token/" => json(200, r#"{"access": "a", "refresh": "r"}"#),
        "/api/token/refresh/" => Reply::Close,
        _ if index < 5 => status(401),
        _ => ok(),
    });
    let client = server
        .builder()
        .login(jwt())
        .max_retries(0)
        .build()
        .unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(error.is_server() && !error.is_outcome_unknown(), "{error}");
    client.post("/x/", &1).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "POST /api/token/",
            "POST /x/",
            "POST /api/token/refresh/",
            "POST /api/token/",
            "POST /x/",
            "POST /api/token/",
            "POST /x/"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_answer_is_lost_is_repeated() {
    let server = Server::new(|seen, index| match seen.target.as_str() {
        "/api/token/" if index == 0 => Reply::Close,
        "/api/token/" => json(200, r#"{"access": "a"}"#),
        _ => ok(),
    });
    let client = server.builder().login(jwt()).build().unwrap();
    client.post("/x/", &1).await.unwrap();
    assert_eq!(
        server.lines(),
        ["POST /api/token/", "POST /api/token/", "POST /x/"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_before_its_end_by_the_clock_of_the_server() {
    let server = Server::new(|seen, _| match seen.target.as_str() {
        "/x/" => ok(),
        _ => {
            let token = URL_SAFE_NO_PAD.encode(r#"{"exp": 4102444800, "iat": 4102444500}"#);
            json(
                200,
                &format!(r#"{{"access": "e30.{token}.x", "refresh": "r"}}"#),
            )
        }
    });
    let client = server.builder().login(jwt()).build().unwrap();
    for (wait, refreshes) in [(0, 0), (269, 0), (2, 1), (100, 1), (100_000, 2)] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        assert_eq!(client.get("/x/").await.unwrap().attempts(), 1);
        assert_eq!(
            count(&server, "POST /api/token/refresh/"),
            refreshes,
            "after {wait} s"
        );
    }
    assert_eq!(count(&server, "POST /api/token/"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_fails_no_other_and_waiting_counts_in_the_time_of_a_call() {
    let server = Server::new(|seen, _| match seen.target.as_str() {
        "/x/" => ok(),
        _ => {
            let pair = r#"{"access": "a", "refresh": "r"}"#;
            Reply::Slowly(Duration::from_secs(3), vec![response(200, &[], pair)])
        }
    });
    let client = server.builder().login(jwt()).build().unwrap();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.get("/x/").await }
    });
    let (hasty, patient) = (client.with_timeout(Duration::from_secs(1)), client.clone());
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.abort();
    let (late, patient) = tokio::join!(hasty.get("/x/").send(), patient.get("/x/").send());
    let late = late.unwrap_err();
    assert!(late.is_timeout() && !late.is_outcome_unknown(), "{late}");
    assert!(
        late.to_string().contains("while waiting for credentials"),
        "{late}"
    );
    patient.unwrap();
    assert_eq!(server.lines(), ["POST /api/token/", "GET /x/"]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_the_login_and_not_the_call() {
    let page = "<html><title>Log in</title></html>";
    let html = || Reply::Bytes(response(200, &[("Content-Type", "text/html")], page));
    let refused = r#"{"detail": "No active account found with the given credentials"}"#;
    let elsewhere = [("Location", "https://evil.test/api/token/")];
    for (reply, kind, said) in [
        (
            json(401, refused),
            "authentication",
            "No active account found",
        ),
        (
            json(400, r#"{"email": ["This field is required."]}"#),
            "authentication",
            "email",
        ),
        (json(404, "{}"), "configuration", "404"),
        (html(), "decode", "login page"),
        (
            json(200, r#"{"token": "S3CRET"}"#),
            "decode",
            "holds no token `access`",
        ),
        (json(503, "{}"), "server", "503"),
        (
            Reply::Bytes(response(307, &elsewhere, "")),
            "configuration",
            "no other origin",
        ),
        (
            Reply::Bytes(response(302, &[("Location", "/elsewhere/")], "")),
            "configuration",
            "302",
        ),
    ] {
        let server = Server::script([reply]);
        let client = server
            .builder()
            .login(jwt())
            .max_retries(0)
            .build()
            .unwrap();
        let error = client.post("/rows/", &1).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert_eq!(error.kind().code(), kind, "{shown}");
        assert!(
            shown.contains("logging in failed: ") && shown.contains(said),
            "{shown}"
        );
        assert_eq!(
            (error.status(), error.is_outcome_unknown()),
            (None, false),
            "{shown}"
        );
        assert!(
            !shown.contains(SECRET) && !shown.contains("S3CRET"),
            "{shown}"
        );
        let origins = server.asked_for();
        assert!(
            origins.iter().all(|origin| origin == "http://api.test"),
            "{origins:?}"
        );
        assert!(server.lines().iter().all(|line| line == "POST /api/token/"));
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_share_the_error_of_a_login() {
    let server =
        Server::new(|_, _| Reply::Slowly(Duration::from_secs(1), vec![response(401, &[], "{}")]));
    let client = server.builder().login(jwt()).build().unwrap();
    let all = join_all((0..20).map(|_| async { client.get("/x/").await.unwrap_err() })).await;
    assert!(all.iter().all(django_api_orm::Error::is_authentication));
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_application_s_secret_goes_to_the_token_url_and_the_token_to_the_api() {
    let server = Server::new(|seen, _| match seen.target.as_str() {
        "/o/token/" => json(
            200,
            r#"{"access_token": "t", "token_type": "bearer", "expires_in": 60}"#,
        ),
        _ => ok(),
    });
    let builder = || {
        server
            .builder_for("http://api.test/v1")
            .header("X-API-Key", SECRET)
            .header("Cookie", "a=b")
    };
    let login = OAuth2ClientCredentials::new("http://login.test/o/token/", "i d", "s:&é")
        .scope("read write");
    let client = builder().login(login).build().unwrap();
    client.get("/x/").await.unwrap();
    let inside =
        OAuth2ClientCredentials::new("http://api.test/o/token/", "id", "se&cret").in_body();
    let client = builder().login(inside).build().unwrap();
    client.get("/x/").await.unwrap();
    let seen = server.seen();
    assert_eq!(
        server.asked_for(),
        ["http://login.test", "http://api.test", "http://api.test"]
    );
    let basic = format!("Basic {}", STANDARD.encode("i+d:s%3A%26%C3%A9"));
    assert_eq!(seen[0].header("authorization"), Some(basic.as_str()));
    assert_eq!(
        says(&seen[0]),
        "grant_type=client_credentials&scope=read+write"
    );
    assert_eq!(
        (seen[0].header("x-api-key"), seen[0].header("cookie")),
        (None, None)
    );
    assert!(seen[0].header("user-agent").is_some());
    assert_eq!(seen[1].target, "/v1/x/");
    assert_eq!(seen[1].header("authorization"), Some("Bearer t"));
    let body = "grant_type=client_credentials&client_id=id&client_secret=se%26cret";
    assert_eq!(
        (says(&seen[2]).as_str(), seen[2].header("authorization")),
        (body, None)
    );
    assert_eq!(seen[2].header("x-api-key"), Some(SECRET));
    tokio::time::advance(Duration::from_secs(55)).await;
    client.get("/x/").await.unwrap();
    assert_eq!(count(&server, "POST /o/token/"), 3);
}

#[tokio::test(start_paused = true)]
async fn errors_of_a_token_endpoint_have_types() {
    for (code, kind) in [
        ("invalid_client", "authentication"),
        ("unauthorized_client", "authentication"),
        ("invalid_scope", "configuration"),
        ("unsupported_grant_type", "configuration"),
        ("something_else", "authentication"),
    ] {
        let body = format!(r#"{{"error": "{code}", "error_description": "Why"}}"#);
        let server = Server::script([json(400, &body)]);
        let login = OAuth2ClientCredentials::new("/o/token/", "id", SECRET);
        let error = server
            .client()
            .with_login(login)
            .unwrap()
            .get("/x/")
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert_eq!(error.kind().code(), kind, "{shown}");
        assert!(
            shown.contains("obtaining a token") && shown.contains("Why"),
            "{shown}"
        );
        assert_eq!(shown.contains(code), code != "something_else", "{shown}");
    }
}

#[tokio::test]
async fn the_server_of_a_login_is_reached_over_the_same_proxy() {
    let proxy = Server::new(|seen, _| match seen.method.as_str() {
        "POST" => json(200, r#"{"access_token": "t"}"#),
        _ => ok(),
    });
    let address = proxy.listen().await.replace("http://", "http://user:pw@");
    let login = OAuth2ClientCredentials::new("http://login.test/o/token/", "id", SECRET);
    let client = ServiceClient::builder("http://api.test")
        .proxy(address)
        .login(login);
    let client = client.build().unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(
        proxy.lines(),
        ["POST http://login.test/o/token/", "GET http://api.test/x/"]
    );
    for seen in proxy.seen() {
        assert_eq!(
            seen.header("proxy-authorization"),
            Some("Basic dXNlcjpwdw==")
        );
    }
    assert_eq!(client.stats().requests, 2);
    assert_eq!(proxy.open(), 2);
    client.close().await;
    let closed = async {
        while proxy.open() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(2), closed).await;
    assert!(closed.is_ok(), "the connections to both servers are closed");
}

#[tokio::test]
async fn unusable_logins_are_refused_and_nothing_shows_a_secret() {
    let logins: [(&str, Login, &str); 9] = [
        (
            "http://api.test",
            JwtAuth::new("/t/", "", SECRET).into(),
            "user name of the login is empty",
        ),
        (
            "http://api.test",
            JwtAuth::new("/t/", "ann", " ").into(),
            "password of the login is empty",
        ),
        (
            "http://api.test",
            JwtAuth::new("/t/../x", "ann", SECRET).into(),
            "token URL",
        ),
        (
            "http://api.test",
            JwtAuth::new("//evil.test/t/", "ann", SECRET).into(),
            "token URL",
        ),
        (
            "http://api.test",
            JwtAuth::new("http://u:p@api.test/", "ann", SECRET).into(),
            "contains credentials",
        ),
        (
            "http://api.test",
            JwtAuth::new("/t/#x", "ann", SECRET).into(),
            "fragment",
        ),
        (
            "https://api.test",
            JwtAuth::new("http://x.test/t/", "ann", SECRET).into(),
            "write https://",
        ),
        (
            "http://api.test",
            SessionAuth::new("http://x.test/l/", "ann", SECRET).into(),
            "another origin",
        ),
        (
            "http://api.test",
            OAuth2ClientCredentials::new("/t/", "id", "").into(),
            "client secret",
        ),
    ];
    for (base, login, said) in logins {
        assert!(!format!("{login:?}").contains(SECRET));
        let builder = ServiceClient::builder(base).verify_ssl(false).login(login);
        assert!(!format!("{builder:?}").contains(SECRET));
        let error = builder.build().unwrap_err();
        assert!(
            error.is_configuration() && error.to_string().contains(said),
            "{error}"
        );
    }
    let client = ServiceClient::builder("http://api.test")
        .login(jwt())
        .build()
        .unwrap();
    assert_eq!(
        format!("{client:?}"),
        "ServiceClient { base_url: http://api.test, auth: JWT login, .. }"
    );
}
