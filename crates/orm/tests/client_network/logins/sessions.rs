//! Sessions: the cookies and the CSRF token of a login, and what ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use django_api_orm::client::SessionAuth;
use futures_util::future::join_all;

use super::{SECRET, count, json, says};
use crate::server::{Reply, Seen, Server, ok, response};

/// A site with sessions: `s1`, `s2`, …, of which the latest is good, and a CSRF token that each login changes.
fn site(logins: Arc<AtomicUsize>, ended: Arc<AtomicUsize>) -> Server {
    Server::new(move |seen, _| {
        let cookies = seen.header("cookie").unwrap_or_default().to_owned();
        let now = logins.load(Ordering::SeqCst);
        let set = |status: u16, cookies: &[&str]| {
            let headers: Vec<_> = cookies
                .iter()
                .map(|cookie| ("Set-Cookie", *cookie))
                .collect();
            Reply::Bytes(response(status, &headers, "{}"))
        };
        match (seen.method.as_str(), seen.target.as_str()) {
            ("GET", "/login/") => set(200, &["csrftoken=c0; Path=/"]),
            ("POST", "/login/") => {
                assert_eq!(cookies, "csrftoken=c0");
                assert_eq!(
                    says(seen),
                    format!("username=ann&password={SECRET}&csrfmiddlewaretoken=c0")
                );
                let number = logins.fetch_add(1, Ordering::SeqCst) + 1;
                let session = format!("sessionid=s{number}; HttpOnly; Path=/; Max-Age=1209600");
                let csrf = format!("csrftoken=c{number}; Path=/");
                let headers = [
                    ("Location", "/"),
                    ("Set-Cookie", &session),
                    ("Set-Cookie", &csrf),
                ];
                Reply::Bytes(response(302, &headers, ""))
            }
            _ if ended.load(Ordering::SeqCst) >= now => {
                let gone =
                    r#"sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"#;
                let headers = [("Set-Cookie", gone), ("Content-Type", "application/json")];
                Reply::Bytes(response(
                    403,
                    &headers,
                    r#"{"detail": "Anmeldedaten fehlen."}"#,
                ))
            }
            (method, _) => {
                assert!(cookies.contains(&format!("sessionid=s{now}")), "{cookies}");
                if method != "GET" {
                    let token = format!("c{now}");
                    assert_eq!(seen.header("x-csrftoken"), Some(token.as_str()));
                    assert_eq!(seen.header("referer"), Some("http://api.test/"));
                }
                ok()
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_is_begun_again_once_and_no_write_is_repeated() {
    let (logins, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = site(Arc::clone(&logins), Arc::clone(&ended));
    let login = SessionAuth::new("/login/", "ann", SECRET);
    let client = server
        .builder()
        .login(login)
        .max_connections(20)
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    ended.store(1, Ordering::SeqCst);
    let answers = join_all((0..300).map(|_| async { client.post("/x/", &1).await })).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(logins.load(Ordering::SeqCst), 2);
    let done = server.seen().into_iter().filter(|seen| {
        seen.target == "/x/" && seen.header("cookie").unwrap_or_default().contains("s2")
    });
    assert_eq!(done.count(), 300);
}

#[tokio::test(start_paused = true)]
async fn cookies_are_kept_as_they_say() {
    let server = Server::new(|seen, index| match seen.target.as_str() {
        "/login/" => Reply::Bytes(response(
            200,
            &[
                ("Set-Cookie", "sid=1; Path=/"),
                ("Set-Cookie", "deep=1; Path=/deep/"),
                ("Set-Cookie", "foreign=1; Domain=evil.test; Path=/"),
                ("Set-Cookie", "old=1; Path=/; Max-Age=0"),
                ("Set-Cookie", "safe=1; Path=/; Secure"),
                ("Set-Cookie", "xsrf=t1; Path=/"),
            ],
            "{}",
        )),
        _ if index == 1 => Reply::Bytes(response(200, &[("Set-Cookie", "xsrf=t2; Path=/")], "{}")),
        _ => ok(),
    });
    let login = SessionAuth::new("/login/", "ann", SECRET)
        .json()
        .username_field("email")
        .session_cookie("sid")
        .csrf_cookie("xsrf")
        .csrf_header("X-Xsrf");
    let client = server
        .builder()
        .header("Cookie", "own=1")
        .login(login)
        .build()
        .unwrap();
    client.post("/x/", &1).await.unwrap();
    client.post("/deep/x/", &1).await.unwrap();
    client.get("/x/").await.unwrap();
    let seen = server.seen();
    assert_eq!(
        says(&seen[0]),
        format!(r#"{{"email":"ann","password":"{SECRET}"}}"#)
    );
    let sorted = |seen: &Seen| {
        let mut cookies: Vec<_> = seen.header("cookie").unwrap().split("; ").collect();
        cookies.sort_unstable();
        cookies.join("; ")
    };
    assert_eq!(sorted(&seen[1]), "own=1; sid=1; xsrf=t1");
    assert_eq!(seen[1].header("x-xsrf"), Some("t1"));
    assert_eq!(sorted(&seen[2]), "deep=1; own=1; sid=1; xsrf=t2");
    assert_eq!(seen[2].header("x-xsrf"), Some("t2"));
    assert_eq!(
        (seen[3].header("x-xsrf"), seen[3].header("referer")),
        (None, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_login_that_begins_no_session_is_an_error() {
    let form = "<html><title>Log in</title><form></form></html>";
    let page = |cookie: &str| Reply::Bytes(response(200, &[("Set-Cookie", cookie)], form));
    let csrf = "csrftoken=c; Path=/";
    for (replies, kind, said) in [
        (
            vec![page("a=b")],
            "configuration",
            "reading the login page failed",
        ),
        (
            vec![page(csrf), page(csrf)],
            "authentication",
            "check user and password",
        ),
        (
            vec![page(csrf), json(403, "{}")],
            "authentication",
            "logging in failed",
        ),
        (
            vec![page(csrf), json(302, "")],
            "authentication",
            "set no cookie `sessionid`",
        ),
        (
            vec![json(404, "")],
            "configuration",
            "reading the login page failed",
        ),
    ] {
        let server = Server::script(replies);
        let login = SessionAuth::new("/login/", "ann", SECRET);
        let client = server.builder().login(login).build().unwrap();
        let error = client.get("/rows/").await.unwrap_err();
        assert_eq!(error.kind().code(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(server.lines().iter().all(|line| line.ends_with("/login/")));
    }
    let login = SessionAuth::new("/login/", "ann", SECRET).json();
    let server = Server::script([page("a=b")]);
    let client = server.builder().login(login).build().unwrap();
    let error = client.get("/rows/").await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("HTML"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_way_to_the_login_page_ends_a_session_and_another_403_does_not() {
    let server = Server::new(|seen, index| match seen.target.as_str() {
        "/login/" => Reply::Bytes(response(
            200,
            &[("Set-Cookie", "sessionid=s; Path=/")],
            "{}",
        )),
        "/gone/" if index == 1 => {
            Reply::Bytes(response(302, &[("Location", "/login/?next=/gone/")], ""))
        }
        // As Django's own logout: it was done.
        "/logout/" => Reply::Bytes(response(302, &[("Location", "/login/")], "")),
        "/forbidden/" => json(403, r#"{"detail": "Not for you."}"#),
        _ => ok(),
    });
    let login = SessionAuth::new("/login/", "ann", SECRET).json();
    let client = server.builder().login(login).build().unwrap();
    assert_eq!(client.post("/gone/", &1).await.unwrap().attempts(), 2);
    let error = client.post("/forbidden/", &1).await.unwrap_err();
    assert!(error.is_permission() && error.attempts() == 1, "{error}");
    assert!(client.post("/logout/", &1).await.is_err());
    assert_eq!(count(&server, "POST /logout/"), 1);
    assert_eq!(count(&server, "POST /login/"), 2);
}
