//! `count` that lies: the rows are right all the same, and the lie is reported.

use django_api_orm::{ErrorKind, OnDrift, WarningKind};
use django_api_orm_testserver::{Envelope, Quirk, Reply};
use serde_json::{Value, json};

use crate::{
    scripted::{number, rows, server},
    site::{Site, all, ids, ids_with_drift, limit_offset, page_number},
};

#[tokio::test]
async fn a_count_that_is_wrong_is_reported() {
    for paginator in [limit_offset(), page_number()] {
        for error in [-100, -20, -1, 1, 7, 20, 1000, i64::MAX] {
            let site = Site::new(paginator.clone(), [Quirk::CountOffBy(error)]).await;
            ids_with_drift(&site, &site.rows().all(), &all()).await;
            let most = 3 * (7 + 4);
            let requests = site.requests();
            assert!(requests <= most, "{error}: {requests}");
        }
    }
}

#[tokio::test]
async fn a_count_that_is_no_number_is_none() {
    for count in [
        json!(-1),
        json!("many"),
        json!(null),
        json!(1.5),
        json!([]),
        json!({"a": 1}),
    ] {
        let site = server(move |call| page(call, count.clone())).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all());
        assert_eq!(site.requests(), 3);
        assert_eq!(site.warnings(), []);
    }
    let site = server(|call| page(call, json!("130"))).await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn a_count_of_nothing_beside_rows_is_reported() {
    let site = server(|call| page(call, json!(0))).await;
    ids_with_drift(&site, &site.rows().all(), &all()).await;
    let site = server(|_| Reply::ok(&json!({"count": 5, "next": null, "results": []}))).await;
    ids_with_drift(&site, &site.rows().all(), &[]).await;
}

#[tokio::test]
async fn rows_are_counted_one_by_one_where_the_server_does_not() {
    for quirk in [Quirk::NoCount, Quirk::CountOffBy(-130)] {
        let site = Site::new(limit_offset(), [quirk]).await;
        assert_eq!(site.rows().count().await.unwrap(), 130);
    }
    // A plain list may say it in a header.
    let envelope = Envelope::link_header().count_header("X-Total-Count");
    let site = Site::new(page_number(), [Quirk::Envelope(envelope)]).await;
    assert_eq!(site.rows().count().await.unwrap(), 130);
    site.rows().first().await.unwrap();
    site.server.clear_requests();
    assert_eq!(site.rows().count().await.unwrap(), 130);
    assert_eq!(site.requests(), 1);
}

#[tokio::test]
async fn a_count_that_changes_is_reported() {
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        page(call, json!(130 - offset.min(1)))
    })
    .await;
    assert_eq!(
        ids(site.rows().all().on_drift(OnDrift::Warn))
            .await
            .unwrap(),
        all()
    );
    assert_eq!(site.warnings()[0], WarningKind::Drift);
}

fn page(call: &django_api_orm_testserver::Call<'_>, count: Value) -> Reply {
    let offset = number(call, "offset").unwrap_or(0);
    let next = (offset < 100).then(|| format!("?limit=50&offset={}", offset + 50));
    Reply::ok(
        &json!({"count": count, "next": next, "previous": null, "results": rows(offset, offset + 50)}),
    )
}

/// A count of fewer rows than there are: the answer for the last of them shows others behind it.
#[tokio::test]
async fn the_last_row_is_that_behind_which_none_follows() {
    for paginator in [limit_offset(), page_number()] {
        for error in [-100, -20, -1, 1, 20] {
            let site = Site::new(paginator.clone(), [Quirk::CountOffBy(error)]).await;
            let last = site.rows().last().await.unwrap().unwrap();
            assert_eq!(last.id, Some(130), "{error}");
            assert!(site.warnings().contains(&WarningKind::Drift), "{error}");
            let error = site.rows().all().on_drift(OnDrift::Error).last().await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Drift);
        }
        let site = Site::new(paginator, []).await;
        assert_eq!(site.rows().last().await.unwrap().unwrap().id, Some(130));
        assert_eq!(site.warnings(), []);
    }
}
