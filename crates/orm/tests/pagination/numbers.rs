//! Numbers of pages: counted from zero, and told without a link.

use std::sync::Mutex;

use django_api_orm::ErrorKind;
use django_api_orm_testserver::Reply;
use serde_json::{Value, json};

use crate::{
    scripted::{number, rows, server},
    site::{all, ids},
};

/// What an answer with pages of 25 rows says of the others.
fn envelope(says: &str, page: u64, rows: Vec<Value>) -> Value {
    let mut envelope = json!({"results": rows});
    let (fields, pages) = (envelope.as_object_mut().unwrap(), 6);
    let told = match says {
        "count" => json!({"count": 130}),
        "has_more" => json!({"has_more": page + 1 < pages}),
        "page" => json!({"page": page, "total_pages": pages}),
        "meta" => json!({"meta": {"current_page": page, "last_page": pages}}),
        "pages" => json!({"pages": pages}),
        _ => unreachable!(),
    };
    fields.extend(told.as_object().unwrap().clone());
    envelope
}

/// `page=1` is the second page: `page=2` brings rows as well, and those of the second one are never seen.
#[tokio::test]
async fn pages_may_be_counted_from_zero() {
    for says in ["count", "has_more"] {
        for first in [0, 1] {
            let site = server(move |call| {
                let page = number(call, "page").unwrap_or(first) - first;
                Reply::ok(&envelope(says, page, rows(page * 25, page * 25 + 25)))
            })
            .await;
            for _ in 0..2 {
                let read = ids(site.rows().all()).await.unwrap();
                assert_eq!(read, all(), "{says}, from {first}");
            }
            let some = ids(site.rows().all().range(60..63)).await.unwrap();
            assert_eq!(some, [61, 62, 63], "{says}, from {first}");
            assert_eq!(site.warnings().len(), 0);
        }
    }
}

/// More pages are told of, and asked for by a name that nobody knows: an error, not the first one alone.
#[tokio::test]
async fn one_page_of_several_is_not_everything() {
    for says in ["page", "meta", "pages"] {
        let site = server(move |call| {
            let page = number(call, "p").unwrap_or(1);
            Reply::ok(&envelope(says, page, rows((page - 1) * 25, page * 25)))
        })
        .await;
        for _ in 0..2 {
            let error = ids(site.rows().all()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{says}: {error}");
            let error = site.rows().count().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{says}: {error}");
        }
    }
}

#[tokio::test]
async fn the_number_of_the_last_page_ends_the_walk() {
    for says in ["page", "meta"] {
        let site = server(move |call| {
            let page = number(call, "page").unwrap_or(1);
            Reply::ok(&envelope(says, page, rows((page - 1) * 25, page * 25)))
        })
        .await;
        for _ in 0..2 {
            assert_eq!(ids(site.rows().all()).await.unwrap(), all(), "{says}");
        }
    }
}

/// A row that is added at the top moves the last one of the first page to the second: `page=1` is no second page for that.
#[tokio::test]
async fn a_first_page_that_moved_is_no_second_one() {
    let asked = Mutex::new(0);
    let site = server(move |call| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let newest = if *asked < 3 { 130 } else { 131 };
        let page = number(call, "page").unwrap_or(1);
        let ids = (1..=newest).rev().skip((page as usize - 1) * 25).take(25);
        let rows: Vec<Value> = ids.map(|id| json!({"id": id, "kind": "row"})).collect();
        Reply::ok(&json!({"count": newest, "results": rows}))
    })
    .await;
    // The first walk has seen that rows moved, the next ones have not.
    let first = ids(site.rows().all()).await;
    let every: Vec<i64> = (1..=131).rev().collect();
    assert_ne!(first.ok(), Some(every.clone()));
    for _ in 0..2 {
        assert_eq!(ids(site.rows().all()).await.unwrap(), every);
    }
}
