//! `next` that cannot be trusted: only its query is used, and only if it leads on.

use django_api_orm::{ErrorKind, Pagination};
use django_api_orm_testserver::{Quirk, Reply};
use serde_json::json;

use crate::{
    scripted::{number, rows, server},
    site::{Row, Site, all, cursor, ids, limit_offset, page_number},
};

#[tokio::test]
async fn only_the_query_of_next_is_used() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        for quirk in [
            Quirk::LinkOrigin("https://evil.example".to_owned()),
            Quirk::LinkOrigin("http://127.0.0.1:1".to_owned()),
            Quirk::LinkOrigin("ftp://internal:99999".to_owned()),
            Quirk::RelativeLinks,
        ] {
            let site = Site::new(paginator.clone(), [quirk]).await;
            assert_eq!(ids(site.rows().all()).await.unwrap(), all());
            assert_eq!(site.requests(), 7);
        }
    }
    // Another path, and what looks like one.
    for link in [
        "/other/path/",
        "//evil.example/",
        "https://user:secret@evil.example/api/v1/rows/",
        "../../x",
        "",
    ] {
        let site = server(move |call| {
            let offset = number(call, "offset").unwrap_or(0);
            let next = (offset < 100)
                .then(|| format!("{link}?limit=50&offset={}#frag?offset=7", offset + 50));
            Reply::ok(&json!({"count": 130, "next": next, "results": rows(offset, offset + 50)}))
        })
        .await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all(), "{link}");
        assert!(
            site.targets()
                .iter()
                .all(|target| target.starts_with("/api/v1/rows/"))
        );
    }
}

#[tokio::test]
async fn our_filters_win_over_those_in_next() {
    let site = server(|call| {
        if call.parameter("kind") != Some("row") || call.parameter("tag") != Some("a b") {
            return Reply::ok(&json!({"count": 130, "next": null, "results": []}));
        }
        let offset = number(call, "offset").unwrap_or(0);
        let next = (offset < 100).then(|| format!("?kind=other&tag=&offset={}&limit=50", offset + 50));
        Reply::ok(&json!({"count": 130, "next": next, "previous": null, "results": rows(offset, offset + 50)}))
    })
    .await;
    let query = site
        .rows()
        .filter(Row::F.kind.eq("row"))
        .parameter("tag", "a b");
    assert_eq!(ids(query).await.unwrap(), all());
}

#[tokio::test]
async fn next_to_itself_ends_where_the_count_ends() {
    for paginator in [limit_offset(), page_number()] {
        let site = Site::new(paginator.clone(), [Quirk::NextToItself]).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all(), "by the count");
        assert_eq!(site.warnings(), []);
        let site = Site::new(paginator, [Quirk::NextToItself, Quirk::NoCount]).await;
        let error = ids(site.rows().all()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Drift,
            "nothing tells where the other rows are: {error}"
        );
        assert!(site.requests() < 4);
    }
    let site = Site::new(cursor(), [Quirk::NextToItself]).await;
    assert_eq!(
        ids(site.rows().all()).await.unwrap_err().kind(),
        ErrorKind::Drift
    );
    assert!(site.requests() < 4);
}

#[tokio::test]
async fn a_cycle_of_links_is_left() {
    // 1 -> 2 -> 1, by cursor: the rest is out of reach.
    let site = server(|call| {
        let start = number(call, "cursor").unwrap_or(0);
        let next = if start == 0 { 20 } else { 0 };
        Reply::ok(&json!({"next": format!("?cursor={next}"), "results": rows(start, start + 20)}))
    })
    .await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    assert_eq!(site.requests(), 3);

    // The same with a parameter that changes every time, so that no link is the same.
    let site = server(|call| {
        let start = number(call, "cursor").unwrap_or(0);
        let time = number(call, "t").unwrap_or(0) + 1;
        let next = if start == 20 { 40 } else { 20 };
        Reply::ok(&json!({"next": format!("?cursor={next}&t={time}"), "results": rows(start, start + 20)}))
    })
    .await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    assert_eq!(site.requests(), 4);

    // By page number the count leads on.
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let next = if page == 1 { 2 } else { 1 };
        Reply::ok(&json!({"count": 130, "next": format!("?page={next}"), "results": rows(page * 20 - 20, page * 20)}))
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(site.requests(), 7);
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn links_that_count_by_rows_asked_for_lose_none() {
    // Asked for 1000 it gives 50, and links to 1000.
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        let limit = number(call, "limit").unwrap_or(20);
        let next = (offset + limit.min(50) < 130).then(|| format!("?limit={limit}&offset={}", offset + limit));
        let previous = (offset > 0).then_some("?");
        Reply::ok(&json!({"count": 130, "next": next, "previous": previous, "results": rows(offset, offset + limit.min(50))}))
    })
    .await;
    assert_eq!(ids(site.rows().all().page_size(1000)).await.unwrap(), all());
    assert_eq!(site.requests(), 3);
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn servers_that_cap_silently_are_read_whole() {
    for quirks in [vec![], vec![Quirk::PageCap(30)]] {
        let size = if quirks.is_empty() { 50 } else { 30 };
        let site = Site::new(limit_offset(), quirks).await;
        assert_eq!(ids(site.rows().all().page_size(1000)).await.unwrap(), all());
        assert_eq!(site.requests(), 130_usize.div_ceil(size));
        assert_eq!(
            ids(site.rows().all().limit(100)).await.unwrap(),
            all()[..100]
        );
        assert_eq!(site.requests(), 100_usize.div_ceil(size));
    }
    let paginator = page_number()
        .page_size_parameter("page_size")
        .max_page_size(50);
    let site = Site::new(paginator, []).await;
    let declared = site.declared(
        Pagination::page_number()
            .with_size_parameter("page_size")
            .with_page_size(1000),
    );
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(site.requests(), 3);
}

#[tokio::test]
async fn empty_pages_in_the_middle_are_passed() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        for hidden in [21..=60, 15..=24, 1..=20, 111..=130, 1..=130, 7..=7] {
            let site = Site::new(paginator.clone(), [Quirk::HideRows(hidden.clone())]).await;
            let expected: Vec<i64> = all()
                .into_iter()
                .filter(|id| !hidden.contains(id))
                .collect();
            assert_eq!(
                ids(site.rows().all()).await.unwrap(),
                expected,
                "{hidden:?} {paginator:?}"
            );
            assert_eq!(site.warnings(), [], "{hidden:?} {paginator:?}");
        }
    }
}

#[tokio::test]
async fn a_server_without_next_is_read_by_its_count() {
    for paginator in [limit_offset(), page_number()] {
        let site = Site::new(paginator, [Quirk::NoNext]).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all());
        assert_eq!(
            ids(site.rows().all().range(30..70)).await.unwrap(),
            all()[30..70]
        );
        assert_eq!(site.warnings(), []);
    }
    // A count, no link, and no way to the other pages that could be guessed.
    let site = server(|_| Reply::ok(&json!({"count": 130, "results": rows(0, 20)}))).await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("declare"), "{error}");
}

#[tokio::test]
async fn a_cursor_that_has_expired_is_an_error() {
    let site = Site::new(cursor(), []).await;
    let mut rows = site.rows().all().read_ahead(1).stream();
    for _ in 0..20 {
        rows.try_next().await.unwrap();
    }
    site.server.fail_next(
        http::StatusCode::NOT_FOUND,
        &[],
        r#"{"detail": "Invalid cursor"}"#,
    );
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::NotFound,
        "a short list would be wrong"
    );
}
