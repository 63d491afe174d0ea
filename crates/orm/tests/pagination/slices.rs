//! Slices: the right rows, and no request that is not needed.

use django_api_orm::{Manager, Pagination};
use django_api_orm_testserver::Quirk;

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
        // A filter that is evaluated here: nobody knows which page has enough, so none is read before its turn.
        let fizz = site.rows().exclude(Row::F.kind.eq("other"));
        assert_eq!(fizz.first().await.unwrap().unwrap().id, Some(3));
        assert_eq!(site.requests(), 1);
        assert_eq!(ids(fizz.limit(10)).await.unwrap().len(), 10);
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
