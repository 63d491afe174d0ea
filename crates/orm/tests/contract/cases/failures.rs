//! What a server may answer instead of rows: refusals, throttling, failures.

use std::time::Duration;

use django_api_orm::ErrorKind;
use serde_json::{Value, json};

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn a_wrong_token(site: Site) -> Outcome {
    let stranger = site.client().with_token("nobody");
    let users = stranger.objects::<User>();
    let errors = [
        users.get(User::F.id.eq(1)).await.unwrap_err(),
        users.all().fetch().await.unwrap_err(),
        users
            .create(&json!({"name": "Ann", "email": "ann@example.com"}))
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(
            error.is_authentication() && !error.is_retryable(),
            "{error}"
        );
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
        assert_eq!(error.detail(), Some("Invalid token."));
        assert!(
            !format!("{error} {error:?}").contains("nobody"),
            "no secret: {error:?}"
        );
    }
    assert_eq!(site.cost(), 3, "not sent again");
    Ok(())
}

#[case]
async fn no_token(site: Site) -> Outcome {
    let nobody = ServiceClient::new(site.base_url())?;
    let error = nobody.objects::<User>().count().await.unwrap_err();
    assert!(error.is_authentication(), "{error}");
    assert_eq!(
        error.detail(),
        Some("Authentication credentials were not provided.")
    );
    Ok(())
}

#[case]
async fn throttling_is_waited_for(site: Site) -> Outcome {
    let client = site.client().with_token("user-token-1");
    let first = client.get("/api/v1/throttled/").await?;
    assert_eq!(first.attempts(), 1);
    let second = client.get("/api/v1/throttled/").await?;
    assert!(second.attempts() >= 2, "refused once at least");
    assert_eq!(second.json::<Value>()?, json!({"ok": true}));
    let third = client.post("/api/v1/throttled/", &json!({})).await?;
    assert!(
        third.attempts() >= 2,
        "a refused POST has not been carried out, and is sent again"
    );
    Ok(())
}

#[case]
async fn throttling_is_an_error_when_nothing_is_resent(site: Site) -> Outcome {
    let client = site
        .builder()
        .auth_token("user-token-2")
        .max_retries(0)
        .build()?;
    client.get("/api/v1/throttled/").await?;
    let error = client.get("/api/v1/throttled/").await.unwrap_err();
    assert!(error.is_throttled() && error.is_retryable(), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(429));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(
        error.detail(),
        Some("Request was throttled. Expected available in 1 second.")
    );
    Ok(())
}

#[case]
async fn a_failure_with_an_html_page(site: Site) -> Outcome {
    let client = site
        .builder()
        .retry_delay(Duration::from_millis(1))
        .max_retries(2)
        .build()?;
    let error = client.get("/api/v1/broken/").await.unwrap_err();
    assert!(error.is_server(), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    assert!(!error.to_string().contains('<'), "no markup: {error}");
    assert_eq!(error.attempts(), 3, "a read is sent again");
    let error = client
        .objects::<User>()
        .at("/api/v1/broken/")
        .all()
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_server(), "{error}");
    Ok(())
}

#[case]
async fn a_write_that_may_have_happened_is_not_sent_again(site: Site) -> Outcome {
    let client = site
        .builder()
        .retry_delay(Duration::from_millis(1))
        .build()?;
    let before = client.stats().requests;
    let error = client
        .post("/api/v1/broken/", &json!({}))
        .await
        .unwrap_err();
    assert!(
        error.is_outcome_unknown() && !error.is_retryable(),
        "{error}"
    );
    let error = client
        .patch("/api/v1/broken/", &json!({}))
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(client.stats().requests - before, 2);
    Ok(())
}

#[case]
async fn a_cursor_over_nulls_loses_no_row(site: Site) -> Outcome {
    // Django REST Framework's cursor cannot go on after a null: it fails going up and leaves the nulls out going down.
    let items = site.items("cursor-on");
    for order in [
        [Item::F.rank.asc(), Item::F.id.asc()],
        [Item::F.rank.desc(), Item::F.id.asc()],
    ] {
        let mut ids = ids(&items.order_by(order).fetch().await?);
        ids.sort_unstable();
        assert_eq!(ids, fixture::ids_of(&fixture::items(), |_| true));
    }
    Ok(())
}

#[case]
async fn a_404_with_an_html_page(site: Site) -> Outcome {
    let error = site.client().get("/api/v1/nowhere/").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(!error.to_string().contains('<'), "no markup: {error}");
    Ok(())
}

#[case]
async fn a_method_that_is_not_allowed(site: Site) -> Outcome {
    let error = site
        .client()
        .post("/api/v1/whoami/", &json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(405));
    assert_eq!(error.detail(), Some("Method \"POST\" not allowed."));
    Ok(())
}

#[case]
async fn a_server_that_is_not_there(_site: Site) -> Outcome {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let client = ServiceClient::builder(&format!("http://127.0.0.1:{port}"))
        .retry_delay(Duration::from_millis(1))
        .build()?;
    let error = client.objects::<User>().count().await.unwrap_err();
    assert!(error.is_connect() && error.is_retryable(), "{error}");
    assert_eq!(error.status(), None);
    let error = client
        .objects::<User>()
        .create(&json!({}))
        .await
        .unwrap_err();
    assert!(error.is_connect() && !error.is_outcome_unknown(), "{error}");
    Ok(())
}

cases! {
    reads: [
        a_wrong_token,
        no_token,
        a_failure_with_an_html_page,
        a_write_that_may_have_happened_is_not_sent_again,
        a_cursor_over_nulls_loses_no_row,
        a_404_with_an_html_page,
        a_method_that_is_not_allowed,
        a_server_that_is_not_there,
    ],
    writes: [throttling_is_waited_for, throttling_is_an_error_when_nothing_is_resent],
}
