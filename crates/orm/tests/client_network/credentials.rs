//! Credentials: they go to one origin, belong to one client, are fetched once, and are shown to nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use django_api_orm::client::{Call, Credential, Error, ServiceClient};
use django_api_orm::path::ApiPath;
use futures_util::future::join_all;

use crate::server::{Reply, Server, ok, response, status};

const SECRET: &str = "s3cr3t-value";

#[tokio::test(start_paused = true)]
async fn each_kind_is_sent_as_servers_expect_it() {
    let server = Server::script([ok()]);
    let build = |builder: django_api_orm::client::ServiceClientBuilder| builder.build().unwrap();
    for client in [
        build(server.builder().auth_token("t")),
        build(server.builder().bearer("t")),
        build(server.builder().basic("Aladdin", "open sesame")),
        build(server.builder().auth_header("X-API-Key", "k")),
        build(
            server
                .builder()
                .token_provider(|| async { Ok(Credential::bearer("p")) }),
        ),
        server.client(),
    ] {
        client.get("/x/").await.unwrap();
    }
    let own = build(server.builder().auth_token("t")).get("/x/");
    own.header("Authorization", "Mine").await.unwrap();
    let seen: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| {
            let header = seen
                .header("authorization")
                .or_else(|| seen.header("x-api-key"));
            header.unwrap_or("none").to_owned()
        })
        .collect();
    let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(
        seen,
        [
            "Token t", "Bearer t", basic, "k", "Bearer p", "none", "Mine"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn clients_share_connections_but_not_credentials() {
    let server = Server::script([ok()]);
    let service = server
        .builder()
        .auth_token("service")
        .header("X-Tenant", "a")
        .build()
        .unwrap();
    let ann = service.with_token("ann");
    let bob = service
        .with_bearer("bob")
        .with_header("X-Tenant", "b")
        .unwrap();
    let nobody = service.without_credentials();
    for client in [&service, &ann, &bob, &nobody, &service] {
        client.get("/x/").await.unwrap();
    }
    let seen: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| {
            let header = |name| seen.header(name).unwrap_or("-").to_owned();
            (header("authorization"), header("x-tenant"))
        })
        .collect();
    let expected = [
        ("Token service", "a"),
        ("Token ann", "a"),
        ("Bearer bob", "b"),
        ("-", "a"),
        ("Token service", "a"),
    ];
    assert_eq!(
        seen,
        expected.map(|(auth, tenant)| (auth.to_owned(), tenant.to_owned()))
    );
    assert_eq!(server.connections(), 1);
    assert!(ann.shares_connections_with(&bob));
    assert_eq!(ann.stats(), service.stats());
}

#[tokio::test(start_paused = true)]
async fn the_last_word_about_an_account_holds() {
    let server = Server::script([ok()]);
    let service = server.builder().auth_token("service").build().unwrap();
    let ann = service.with_header("Authorization", "Bearer ann").unwrap();
    let by_header = server
        .builder()
        .header("Authorization", "Bearer service")
        .build()
        .unwrap();
    for client in [
        &ann,
        &ann.with_token("bob"),
        &ann.without_credentials(),
        &by_header,
        &by_header.with_token("ann"),
        &by_header.with_credential(Credential::header("X-API-Key", "k")),
        &by_header.without_credentials(),
    ] {
        client.get("/x/").await.unwrap();
    }
    let shown: Vec<_> = (server.seen().iter())
        .map(|seen| seen.header("authorization").unwrap_or("-").to_owned())
        .collect();
    assert_eq!(
        shown,
        [
            "Bearer ann",
            "Token bob",
            "-",
            "Bearer service",
            "Token ann",
            "-",
            "-"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_never_see_each_others_credentials() {
    let server = Server::new(|seen, _| {
        let auth = seen.header("authorization").unwrap_or_default();
        Reply::Bytes(response(200, &[], format!("{auth:?}")))
    });
    let client = server.client();
    let calls = (0..200).map(|n| {
        let client = client.with_token(format!("user-{n}"));
        async move {
            (
                n,
                client
                    .get("/whoami/")
                    .await
                    .unwrap()
                    .json::<String>()
                    .unwrap(),
            )
        }
    });
    for (n, auth) in join_all(calls).await {
        assert_eq!(auth, format!("Token user-{n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_shows_a_secret() {
    let server = Server::script([
        Reply::Close,
        Reply::Bytes(response(400, &[], r#"{"a": ["b"]}"#)),
    ]);
    let builder = server
        .builder()
        .auth_token(SECRET)
        .header("X-API-Key", SECRET)
        .client_certificate(SECRET)
        .proxy(format!("http://user:{SECRET}@proxy.test"));
    let mut shown = format!("{builder:?}");
    let client = server
        .builder()
        .auth_token(SECRET)
        .header("X-API-Key", SECRET)
        .build()
        .unwrap();
    let other = client.with_header("X-Other", SECRET).unwrap();
    let call = Call::post(ApiPath::parse("/x/").unwrap())
        .query("token", "unrelated")
        .header("X-Secret", SECRET)
        .unwrap();
    shown += &format!(
        "{client:?} {other:?} {call:?} {:?}",
        Credential::bearer(SECRET)
    );
    shown += &format!("{:?}", client.get("/x/").header("X-Secret", SECRET));
    for _ in 0..2 {
        let path = format!("/x/?token={SECRET}");
        let error = client.post(&path, &SECRET).await.unwrap_err();
        shown += &format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &format!("{cause} {cause:?}");
            source = cause.source();
        }
    }
    let bad = format!("{SECRET}\n");
    let path = format!("http://user:{SECRET}@api.test/x/");
    for error in [
        server.builder().auth_token(&bad).build().unwrap_err(),
        server
            .builder()
            .header("X-API-Key", &bad)
            .build()
            .unwrap_err(),
        client.with_header("X-API-Key", &bad).unwrap_err(),
        client.with_token(&bad).get("/x/").await.unwrap_err(),
        client.get(&path).await.unwrap_err(),
        ServiceClient::new(&path).unwrap_err(),
        ServiceClient::new(&format!("ftp://user:{SECRET}@x")).unwrap_err(),
        server
            .builder_for("https://api.test")
            .client_certificate(SECRET)
            .build()
            .unwrap_err(),
        server
            .builder()
            .proxy(format!("ftp://user:{SECRET}@x"))
            .build()
            .unwrap_err(),
    ] {
        shown += &format!("{error} {error:?}");
    }
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("400"), "the test has seen errors: {shown}");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_url_is_refused_before_anything_is_sent() {
    let server = Server::script([ok()]);
    let client = server
        .builder_for("http://api.test/prefix")
        .auth_token("t")
        .build()
        .unwrap();
    for bad in [
        "http://evil.test/prefix/x/",
        "https://api.test/prefix/x/",
        "http://api.test:81/prefix/x/",
        "http://api.test@evil.test/prefix/x/",
        "http://user@api.test/prefix/x/",
        "//evil.test/prefix/x/",
        "http://api.test/other/",
        "http://api.test/prefixed/",
        "http://api.test/prefix/../other/",
        "/../other/",
        "/%2e%2e/other/",
        "/x\r\nX: y/",
        "ftp://api.test/prefix/",
        "",
    ] {
        let error = client.get(bad).await.map(|_| ()).unwrap_err();
        assert_eq!(
            error.kind(),
            django_api_orm::ErrorKind::InvalidRequest,
            "{bad}: {error:?}"
        );
    }
    assert_eq!(server.connections(), 0);
    for (good, target) in [
        ("/x/", "/prefix/x/"),
        ("x/?a=1&b=%20", "/prefix/x/?a=1&b=%20"),
        (
            "http://api.test/prefix/x/?next=http://evil.test/",
            "/prefix/x/?next=http://evil.test/",
        ),
        ("http://API.test:80/prefix/x/#top", "/prefix/x/"),
    ] {
        client.get(good).await.unwrap();
        assert_eq!(server.seen().last().unwrap().target, target);
    }
    client
        .get("/x/?a=1")
        .query([("b", "c d&e")])
        .query([("n", 5)])
        .await
        .unwrap();
    assert_eq!(
        server.seen().last().unwrap().target,
        "/prefix/x/?a=1&b=c%20d%26e&n=5"
    );
    assert!(
        server
            .asked_for()
            .iter()
            .all(|origin| origin == "http://api.test")
    );
}

#[tokio::test(start_paused = true)]
async fn headers_that_frame_a_message_cannot_be_set() {
    let client = Server::script([ok()]).client();
    for name in [
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "TE",
        "Upgrade",
    ] {
        let error = client.get("/x/").header(name, "1").await.unwrap_err();
        assert_eq!(
            error.kind(),
            django_api_orm::ErrorKind::InvalidRequest,
            "{name}"
        );
        assert!(client.with_header(name, "1").is_err());
        assert!(
            ServiceClient::builder("http://api.test")
                .header(name, "1")
                .build()
                .is_err()
        );
    }
}

/// A provider that counts its calls and hands out `t1`, `t2`, …
fn counting() -> (
    Arc<AtomicUsize>,
    impl Fn() -> futures_util::future::BoxFuture<'static, Result<Credential, Error>>,
) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let provider =
        move || -> futures_util::future::BoxFuture<'static, Result<Credential, Error>> {
            let counter = Arc::clone(&counter);
            Box::pin(async move {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(Credential::bearer(format!("t{number}")))
            })
        };
    (calls, provider)
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_fetch_and_one_refresh() {
    let (calls, provider) = counting();
    let accepted = Arc::new(AtomicUsize::new(1));
    let server = Server::new({
        let accepted = Arc::clone(&accepted);
        move |seen, _| {
            let wanted = format!("Bearer t{}", accepted.load(Ordering::SeqCst));
            if seen.header("authorization") == Some(&wanted) {
                ok()
            } else {
                status(401)
            }
        }
    });
    let client = server.builder().token_provider(provider).build().unwrap();
    let all = || join_all((0..50).map(|_| async { client.post("/x/", &1).await.unwrap() }));
    all().await;
    assert_eq!((calls.load(Ordering::SeqCst), server.count()), (1, 50));
    accepted.store(2, Ordering::SeqCst);
    let responses = all().await;
    assert_eq!(calls.load(Ordering::SeqCst), 2, "fifty 401s, one new token");
    assert_eq!(server.count(), 150);
    assert!(responses.iter().all(|response| response.attempts() == 2));
    assert_eq!(client.stats().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_once_per_call() {
    let (calls, provider) = counting();
    let server = Server::script([status(401)]);
    let client = server.builder().token_provider(provider).build().unwrap();
    let error = client.get("/x/").await.unwrap_err();
    assert!(error.is_authentication());
    assert_eq!((server.count(), calls.load(Ordering::SeqCst)), (2, 2));
    let server = Server::script([status(401)]);
    server
        .builder()
        .auth_token("t")
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap_err();
    assert_eq!(server.count(), 1, "a fixed token is not tried twice");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_or_hangs_fails_the_call_and_not_the_next() {
    let calls = Arc::new(AtomicUsize::new(0));
    let server = Server::script([ok()]);
    let provider = move || {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Err(Error::configuration("no key")),
                1 => std::future::pending().await,
                _ => Ok(Credential::token("t")),
            }
        }
    };
    let client = server.builder().token_provider(provider).build().unwrap();
    let error = client.get("/x/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token provider failed: GET /x/: no key"
    );
    assert!(client.get("/x/").await.unwrap_err().is_timeout());
    assert_eq!(server.count(), 0);
    client.get("/x/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_fetch_share_its_error() {
    let (calls, _) = counting();
    let counted = Arc::clone(&calls);
    let server = Server::script([ok()]);
    let provider = move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match number {
                0 => Err(Error::configuration("no key")),
                _ => Ok(Credential::token("t")),
            }
        }
    };
    let client = server.builder().token_provider(provider).build().unwrap();
    let all = join_all((0..20).map(|_| async { client.get("/x/").await.unwrap_err() })).await;
    assert!(all.iter().all(Error::is_configuration));
    assert!(all[19].to_string().ends_with("no key"));
    assert_eq!((calls.load(Ordering::SeqCst), server.count()), (1, 0));
    client.get("/x/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_before_it_expires() {
    let (calls, provider) = counting();
    let server = Server::script([ok()]);
    let client = server
        .builder()
        .token_provider(move || {
            let fetched = provider();
            async move { Ok(fetched.await?.expires_in(Duration::from_secs(300))) }
        })
        .build()
        .unwrap();
    for (wait, fetched) in [(0, 1), (269, 1), (2, 2), (100, 2), (100_000, 3)] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        assert_eq!(client.get("/x/").await.unwrap().attempts(), 1);
        assert_eq!(calls.load(Ordering::SeqCst), fetched, "after {wait} s");
    }
}

#[test]
fn a_base_url_is_checked_when_the_client_is_built() {
    for (written, normal) in [
        ("https://API.example.com", "https://api.example.com"),
        ("https://api.example.com:443/", "https://api.example.com"),
        ("http://localhost:8000/api/", "http://localhost:8000/api"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        (
            " http://bücher.example/ä ",
            "http://xn--bcher-kva.example/%C3%A4",
        ),
    ] {
        let client = ServiceClient::builder(written)
            .verify_ssl(false)
            .build()
            .unwrap();
        assert_eq!(client.base_url(), normal);
    }
    for (bad, why) in [
        ("", "`base_url` is empty"),
        ("api.example.com", "does not begin with http:// or https://"),
        ("localhost:8000", "does not begin with http:// or https://"),
        ("ftp://api.example.com", "is not an http or https URL"),
        ("file:///etc/passwd", "is not an http or https URL"),
        ("http://", "has no host"),
        ("http://user@api.example.com", "contains credentials"),
        ("http://api.example.com/?a=1", "has a query or a fragment"),
        ("http://api.example.com/#a", "has a query or a fragment"),
        ("http://api.example.com/%2e%2e%2f", "the path of `base_url`"),
        ("http://api.example.com/a//b", "the path of `base_url`"),
    ] {
        let error = ServiceClient::new(bad).unwrap_err();
        let shown = error.to_string();
        assert!(
            error.is_configuration() && shown.contains(why),
            "{bad}: {shown}"
        );
        assert!(shown.contains("`base_url`"), "{shown}");
    }
}

#[tokio::test]
async fn an_empty_token_is_refused_and_not_sent() {
    let server = Server::script([ok()]);
    for empty in ["", "  "] {
        for builder in [
            server.builder().auth_token(empty),
            server.builder().bearer(empty),
            server.builder().auth_header("X-API-Key", empty),
        ] {
            let error = builder.build().unwrap_err();
            assert!(
                error.is_configuration() && error.to_string().contains("the token is empty"),
                "{error}"
            );
        }
    }
    let error = server.client().with_token("").get("/x/").await.unwrap_err();
    assert!(error.is_configuration(), "{error:?}");
    assert_eq!(server.count(), 0);
}
