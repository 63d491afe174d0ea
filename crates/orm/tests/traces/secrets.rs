//! What a program hands over or a server says in confidence is in nothing that is shown: spans, events, hooks, errors, `Debug`.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use django_api_orm::client::{
    Credential, Error, JwtAuth, OAuth2ClientCredentials, ServiceClient, ServiceClientBuilder,
    SessionAuth,
};

use crate::server::{Reply, Seen, Server, response};
use crate::{Recorder, User};

/// A part of everything that is secret.
const SECRET: &str = "s3cr3t";

/// A site that logs people in, and answers everything else with one status after the other.
fn answer(seen: &Seen, number: usize) -> Reply {
    let cookie = |name: &str| format!("{name}={SECRET}-{name}; Path=/");
    let (session, csrf) = (cookie("sessionid"), cookie("csrftoken"));
    let link = format!("<http://api.test/users/?page={SECRET}>; rel=next");
    let headers = [
        ("Set-Cookie", session.as_str()),
        ("Set-Cookie", csrf.as_str()),
        ("Link", &link),
        ("ETag", "\"1\""),
        ("X-Auth-Token", SECRET),
        ("Content-Type", "application/json"),
    ];
    let reply = |status: u16, body: String| Reply::Bytes(response(status, &headers, body));
    match seen.target.as_str() {
        "/token/" => reply(
            200,
            format!(
                r#"{{"access": "{SECRET}-a", "refresh": "{SECRET}-r", "access_token": "{SECRET}-o", "token_type": "Bearer"}}"#
            ),
        ),
        "/login/" => reply(if seen.method == "GET" { 200 } else { 302 }, String::new()),
        _ => match number % 5 {
            0 => reply(503, SECRET.to_owned()),
            // What a server says about a field is said to the program, and a part of the error.
            1 => reply(400, r#"{"name": ["This is not valid."]}"#.to_owned()),
            2 => Reply::Close,
            3 => reply(200, format!(r#"{{"id": 1, "name": "{SECRET}", "#)),
            _ => reply(200, format!(r#"{{"id": 1, "name": "{SECRET}"}}"#)),
        },
    }
}

/// A client for each kind of credential.
fn builders(server: &Server) -> Vec<ServiceClientBuilder> {
    let new = || server.builder_for("http://api.test");
    let own = format!("{SECRET}-own");
    vec![
        new().auth_token(SECRET),
        new().bearer(SECRET),
        new().basic("ann", SECRET),
        new().auth_header("X-API-Key", SECRET),
        new().header("Authorization", &own),
        new().header("Cookie", format!("sessionid={SECRET}")),
        new().token_provider(|| async { Ok(Credential::bearer(SECRET)) }),
        new().login(JwtAuth::new("/token/", "ann", SECRET)),
        new().login(SessionAuth::new("/login/", "ann", SECRET)),
        new().login(SessionAuth::new("/login/", "ann", SECRET).json()),
        new().login(OAuth2ClientCredentials::new("/token/", "id", SECRET)),
        new().login(OAuth2ClientCredentials::new("/token/", "id", SECRET).in_body()),
    ]
}

fn note(shown: &mut String, error: &Error) {
    *shown += &format!("{error} {error:?} ");
    let mut source = error.source();
    while let Some(cause) = source {
        *shown += &format!("{cause} {cause:?} ");
        source = cause.source();
    }
}

/// Calls of every kind, with secrets in everything that a call takes.
async fn calls(client: &ServiceClient, shown: &mut String) {
    let users = client.objects::<User>();
    let new = serde_json::json!({"name": SECRET});
    for _ in 0..3 {
        let by_hand = client.get("/users/").query([("token", SECRET)]);
        *shown += &format!("{by_hand:?} ");
        let failed = [
            by_hand.header("X-More", SECRET).await.err(),
            client.put("/users/1/", &SECRET).await.err(),
            users.filter(User::F.name.eq(SECRET)).count().await.err(),
            users.search(SECRET).await.err(),
            users.create(&new).await.err(),
        ];
        for error in failed.iter().flatten() {
            note(shown, error);
        }
        match users.get(User::F.id.eq(1)).await {
            Err(error) => note(shown, &error),
            Ok(mut user) => {
                user.name = format!("{SECRET} again");
                if let Err(error) = user.save().await {
                    note(shown, &error);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_shown_holds_a_secret_of_any_kind() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let server = Server::new(answer);
    let mut all = String::new();
    for builder in builders(&server) {
        let mut shown = format!("{builder:?} ");
        let hooks: Arc<Mutex<String>> = Arc::default();
        let [first, second, third] = [(); 3].map(|()| Arc::clone(&hooks));
        let client = builder
            .idempotency_header("Idempotency-Key")
            .header("X-Own", SECRET)
            .on_request(move |event| {
                *first.lock().unwrap() += &format!("{event:?} {:?} ", event.headers());
                Ok(())
            })
            .on_response(move |event| {
                *second.lock().unwrap() += &format!("{event:?} {:?} ", event.headers());
            })
            .on_retry(move |event| *third.lock().unwrap() += &format!("{event:?} "))
            .build()
            .unwrap();
        shown += &format!("{client:?} ");
        calls(&client, &mut shown).await;
        shown += &hooks.lock().unwrap();
        assert!(
            shown.contains("RetryEvent") && shown.contains("400"),
            "{shown}"
        );
        all += &shown;
    }
    all += &format!("{:?}", recorder.spans.lock().unwrap());
    all += &format!("{:?}", recorder.events.lock().unwrap());
    let place = all.find(SECRET).unwrap_or(0);
    let around = all.get(place.saturating_sub(300)..(place + 100).min(all.len()));
    assert!(!all.contains(SECRET), "{around:?}");
    // Secrets were sent, and so were keys, which nobody is shown either.
    let seen = server.seen();
    assert!(
        seen.iter()
            .any(|seen| String::from_utf8_lossy(&seen.body).contains(SECRET))
    );
    let keys: Vec<_> = seen
        .iter()
        .filter_map(|seen| seen.header("idempotency-key"))
        .collect();
    assert!(keys.len() > 12);
    for key in keys {
        assert!(!all.contains(key.trim_matches('"')), "{key}");
    }
}
