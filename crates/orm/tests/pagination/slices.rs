//! Slices: the right rows, and no request that is not needed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use django_api_orm::{Manager, Pagination};
use django_api_orm_testserver::{Quirk, Reply};
use http::StatusCode;
use serde_json::json;

use crate::scripted::{number, rows, server};
use crate::site::{Row, Site, all, cursor, ids, limit_offset, page_number};

const RANGES: [std::ops::Range<u64>; 12] = [
    0..1,
    0..20,
    0..21,
    5..15,
    19..21,
    20..40,
    33..91,
    100..130,
    120..300,
    129..130,
    130..131,
    1000..1001,
];

async fn every_slice(site: &Site, rows: &Manager<Row>) {
    for range in RANGES {
        let expected = &all()[130.min(range.start as usize)..130.min(range.end as usize)];
        assert_eq!(
            ids(rows.all().range(range.clone())).await.unwrap(),
            expected,
            "{range:?}"
        );
        assert_eq!(
            ids(rows.all().offset(range.start)).await.unwrap(),
            &all()[130.min(range.start as usize)..]
        );
    }
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn slices_are_right_whatever_is_known() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        // Learnt on the way, and unknown at first for each of them.
        let site = Site::new(paginator.clone(), []).await;
        every_slice(&site, &site.rows()).await;
        for range in RANGES {
            let site = Site::new(paginator.clone(), []).await;
            let expected = &all()[130.min(range.start as usize)..130.min(range.end as usize)];
            assert_eq!(
                ids(site.rows().all().range(range.clone())).await.unwrap(),
                expected,
                "{range:?} {paginator:?}"
            );
            assert_eq!(site.warnings(), []);
        }
    }
    let site = Site::new(limit_offset(), []).await;
    every_slice(
        &site,
        &site.declared(Pagination::limit_offset().with_page_size(7)),
    )
    .await;
    let site = Site::new(page_number(), []).await;
    every_slice(&site, &site.declared(Pagination::page_number())).await;
    let site = Site::new(
        page_number()
            .page_size_parameter("page_size")
            .max_page_size(30),
        [],
    )
    .await;
    for size in [1, 7, 30, 1000] {
        every_slice(
            &site,
            &site.declared(
                Pagination::page_number()
                    .with_size_parameter("page_size")
                    .with_page_size(size),
            ),
        )
        .await;
    }
    every_slice(
        &site,
        &site.declared(Pagination::page_number().with_size_parameter("page_size")),
    )
    .await;
}

#[tokio::test]
async fn slices_over_hidden_rows_are_right() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        for hidden in [21..=60, 15..=24, 1..=1] {
            let site = Site::new(paginator.clone(), [Quirk::HideRows(hidden.clone())]).await;
            let shown: Vec<i64> = all()
                .into_iter()
                .filter(|id| !hidden.contains(id))
                .collect();
            // From the first row on; where the server hides rows after paging, an offset means something else to it.
            for limit in [1, 19, 20, 21, 80] {
                assert_eq!(
                    ids(site.rows().all().limit(limit)).await.unwrap(),
                    &shown[..limit as usize],
                    "{hidden:?} {paginator:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_needed_is_not_asked_for() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator.clone(), []).await;
        assert_eq!(site.rows().first().await.unwrap().unwrap().id, Some(1));
        assert_eq!(site.requests(), 1);
        assert_eq!(ids(site.rows().all().limit(10)).await.unwrap().len(), 10);
        assert_eq!(site.requests(), 1);
        assert!(site.rows().exists().await.unwrap());
        assert_eq!(site.requests(), 1);
        assert_eq!(ids(site.rows().all().limit(45)).await.unwrap().len(), 45);
        let pages = if format!("{paginator:?}").contains("LimitOffset") {
            1
        } else {
            3
        };
        assert_eq!(site.requests(), pages, "{paginator:?}");
        // A filter that is evaluated client-side: nobody knows which page has enough, so none is read before its turn. The kinds come
        // several times, as labels do: one request shows that they are none.
        let fizz = site.rows().exclude(Row::F.kind.eq("other"));
        assert_eq!(fizz.first().await.unwrap().unwrap().id, Some(3));
        assert_eq!(site.requests(), 2);
        assert_eq!(ids(fizz.limit(10)).await.unwrap().len(), 10);
        assert_eq!(site.requests(), 2);
    }
}

#[tokio::test]
async fn a_slice_that_is_still_in_use_asks_for_nothing_more() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator, []).await;
        let mut stream = site.rows().all().limit(10).stream();
        stream.try_next().await.unwrap().unwrap();
        // Whatever was to be read ahead would be sent before this one is answered.
        site.client.get("/api/v1/rows/1/").await.unwrap();
        assert_eq!(site.requests(), 2);
    }
}

#[tokio::test]
async fn a_slice_in_the_middle_is_one_jump() {
    let site = Site::new(limit_offset(), []).await;
    assert_eq!(
        ids(site.rows().all().range(40..60)).await.unwrap(),
        all()[40..60]
    );
    assert_eq!(site.targets(), ["/api/v1/rows/?limit=20&offset=40"]);
    assert_eq!(
        ids(site.rows().all().range(10..125)).await.unwrap(),
        all()[10..125]
    );
    assert_eq!(site.targets().len(), 3);

    let site = Site::new(page_number(), []).await;
    assert_eq!(
        ids(site.rows().all().range(40..60)).await.unwrap(),
        all()[40..60]
    );
    assert_eq!(site.requests(), 2, "one to learn how the server pages");
    assert_eq!(
        ids(site.rows().all().range(50..70)).await.unwrap(),
        all()[50..70]
    );
    assert_eq!(
        site.targets(),
        ["/api/v1/rows/?page=3", "/api/v1/rows/?page=4"]
    );
}

#[tokio::test]
async fn explain_says_what_it_costs() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator.clone(), []).await;
        let all = site.rows().all();
        ids(all.clone()).await.unwrap();
        site.server.clear_requests();
        for query in [
            all.clone(),
            all.limit(10),
            all.limit(70),
            all.range(30..45),
            all.offset(95),
            all.range(129..200),
            all.range(130..),
        ] {
            // What the server makes of a limit is known when it was seen once.
            ids(query.clone()).await.unwrap();
            site.server.clear_requests();
            let explained = query.explain().unwrap();
            ids(query).await.unwrap();
            assert_eq!(
                explained.requests(130),
                Some(site.requests() as u64),
                "{paginator:?} {explained}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_size_that_was_learnt_and_has_changed_is_noticed() {
    for now in [7, 15, 19, 21, 50, 65, 130, 500] {
        let size = Arc::new(AtomicU64::new(20));
        let kept = Arc::clone(&size);
        let site = server(move |call| {
            let (page, size) = (
                number(call, "page").unwrap_or(1),
                kept.load(Ordering::SeqCst),
            );
            if (page - 1) * size >= 130 {
                return Reply::detail(StatusCode::NOT_FOUND, "Invalid page.");
            }
            let next = (page * size < 130).then(|| format!("?page={}", page + 1));
            let previous = (page > 1).then_some("?");
            let rows = rows((page - 1) * size, page * size);
            Reply::ok(&json!({"count": 130, "next": next, "previous": previous, "results": rows}))
        })
        .await;
        ids(site.rows().all()).await.unwrap();
        for range in [20..30, 25..60, 100..110, 120..200, 0..10, 200..210] {
            size.store(now, Ordering::SeqCst);
            let expected = &all()[130.min(range.start as usize)..130.min(range.end as usize)];
            assert_eq!(
                ids(site.rows().all().range(range.clone())).await.unwrap(),
                expected,
                "{range:?} by {now}"
            );
            size.store(20, Ordering::SeqCst);
            ids(site.rows().all()).await.unwrap();
        }
        assert_eq!(site.warnings(), []);
    }
}
