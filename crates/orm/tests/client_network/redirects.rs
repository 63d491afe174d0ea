//! Redirects: followed on the same origin with the same method, and nowhere else.

use django_api_orm::ErrorKind;

use crate::server::{Reply, Server, ok, status, with_headers};

fn to(status: u16, location: &str) -> Reply {
    with_headers(status, &[("Location", location)])
}

#[tokio::test(start_paused = true)]
async fn a_read_follows_on_the_same_origin_with_its_credentials() {
    let server = Server::script([
        to(301, "/b/?x=1"),
        to(302, "http://api.test/c/"),
        to(307, "d/"),
        ok(),
    ]);
    let client = server.builder().auth_token("t0ken").build().unwrap();
    client.get("/a/").await.unwrap();
    assert_eq!(
        server.lines(),
        ["GET /a/", "GET /b/?x=1", "GET /c/", "GET /c/d/"]
    );
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == Some("Token t0ken"))
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_never_leave_the_origin_also_not_on_the_second_hop() {
    for foreign in [
        "http://evil.test/",
        "//evil.test/",
        "https://api.test/",
        "http://api.test:81/",
        "http://api.test@evil.test/",
        "http://user:pw@api.test/",
    ] {
        for script in [
            vec![to(302, foreign)],
            vec![to(302, "/b/"), to(308, foreign)],
        ] {
            let hops = script.len();
            let server = Server::script(script.into_iter().chain([ok()]));
            let client = server.builder().auth_token("t0ken").build().unwrap();
            let error = client.get("/a/").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{foreign}: {error:?}");
            assert_eq!(server.count(), hops, "{foreign}");
            assert!(
                server
                    .asked_for()
                    .iter()
                    .all(|origin| origin == "http://api.test"),
                "{foreign}"
            );
            assert!(!format!("{error} {error:?}").contains("t0ken"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_keeps_its_method_and_body_or_stops() {
    for code in [307, 308] {
        let server = Server::script([to(code, "/a/"), status(201)]);
        server.client().post("/a", &7).await.unwrap();
        assert_eq!(server.lines(), ["POST /a", "POST /a/"]);
        assert_eq!(server.seen()[1].body, b"7");
    }
    for code in [301, 302] {
        for method in ["POST", "PATCH", "PUT", "DELETE"] {
            let server = Server::script([to(code, "/a/"), ok()]);
            let method = http::Method::from_bytes(method.as_bytes()).unwrap();
            let error = server.client().request(method, "/a").await.unwrap_err();
            assert_eq!(server.count(), 1);
            assert_eq!(error.status().map(|status| status.as_u16()), Some(code));
            assert!(
                error.to_string().contains("the trailing slash is missing"),
                "{error}"
            );
            assert!(!error.is_outcome_unknown());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_to_the_result_of_a_write_leaves_its_outcome_open() {
    for (code, location) in [
        (303, "/result/"),
        (303, "/a"),
        (302, "/a/7/"),
        (302, "http://elsewhere.test/a"),
    ] {
        for method in ["POST", "PATCH", "PUT", "DELETE"] {
            for follows in [true, false] {
                let server = Server::script([to(code, location)]);
                let client = server.builder().follow_redirects(follows).build().unwrap();
                let method = http::Method::from_bytes(method.as_bytes()).unwrap();
                let error = client.request(method, "/a/").await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Redirect);
                assert!(error.is_outcome_unknown(), "{code} {location}: {error:?}");
                assert!(
                    error.to_string().contains("may have been carried out"),
                    "{error}"
                );
                assert_eq!(server.count(), 1);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_ends() {
    let server = Server::script([to(302, "/a/")]);
    let error = server.client().get("/a/").await.unwrap_err();
    assert!(error.to_string().contains("more than 5 times"), "{error}");
    assert_eq!(server.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn following_can_be_switched_off() {
    let server = Server::script([to(302, "/b/"), ok()]);
    let client = server.builder().follow_redirects(false).build().unwrap();
    let error = client.get("/a/").await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Redirect, 1));
}

#[tokio::test(start_paused = true)]
async fn broken_redirects_are_errors() {
    for reply in [
        with_headers(302, &[]),
        to(302, "http://"),
        to(300, "/b/"),
        to(302, "\u{1}"),
    ] {
        let server = Server::script([reply]);
        server.client().get("/a/").await.unwrap_err();
    }
    let server = Server::script([Reply::Bytes(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec())]);
    let response = server
        .client()
        .get("/a/")
        .header("If-None-Match", "\"x\"")
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 304);
}
