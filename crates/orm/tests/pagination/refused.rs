//! Servers that refuse a size above their cap, or every parameter that they do not know: what was chosen for them is left out.

use django_api_orm::{ErrorKind, Pagination, QuerySet};
use django_api_orm_testserver::{Call, Reply};
use http::StatusCode;
use serde_json::json;

use crate::{
    scripted::{number, rows, server},
    site::{Row, Site, all, ids},
};

/// Pages of 20 rows and no more, by limit and offset; a larger limit is refused.
async fn capped(refusal: fn() -> Reply) -> Site {
    server(move |call| {
        let limit = number(call, "limit").unwrap_or(20);
        if limit > 20 {
            return refusal();
        }
        let offset = number(call, "offset").unwrap_or(0);
        let end = offset + limit;
        let link = |to: u64| format!("/rows?limit={limit}&offset={to}");
        Reply::ok(&json!({
            "count": 130,
            "next": (end < 130).then(|| link(end)),
            "previous": (offset > 0).then(|| link(offset.saturating_sub(limit))),
            "results": rows(offset, end),
        }))
    })
    .await
}

fn wagtail() -> Reply {
    Reply::json(
        StatusCode::BAD_REQUEST,
        &json!({"message": "limit cannot be higher than 20"}),
    )
}

fn fastapi() -> Reply {
    Reply::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({"detail": [{
            "type": "less_than_equal", "loc": ["query", "limit"], "msg": "Input should be less than or equal to 20"
        }]}),
    )
}

async fn holds(query: QuerySet<Row>, start: usize, end: usize) {
    assert_eq!(ids(query).await.unwrap(), all()[start..end]);
}

#[tokio::test]
async fn a_refused_size_is_left_out_and_remembered() {
    for refusal in [wagtail, fastapi] {
        let site = capped(refusal).await;
        holds(site.rows().all().range(0..30), 0, 30).await;
        assert_eq!(
            site.targets(),
            [
                "/api/v1/rows/?limit=30",
                "/api/v1/rows/",
                "/api/v1/rows/?offset=20"
            ],
            "asked once more, and then by the pages that came"
        );
        holds(site.rows().all().range(0..30), 0, 30).await;
        assert_eq!(site.requests(), 2, "what is refused is not asked for again");
        holds(site.rows().all().range(100..130), 100, 130).await;
        holds(site.rows().all().page_size(500), 0, 130).await;
        holds(site.rows().all().range(100..101), 100, 101).await;
        let last = site.rows().all().last().await.unwrap().unwrap();
        assert_eq!(last.id, Some(130));
        let refused: Vec<String> = site.targets();
        assert!(
            refused.iter().all(|target| !target.contains("limit=500")),
            "{refused:?}"
        );
        assert_eq!(site.rows().count().await.unwrap(), 130);
        assert_eq!(site.warnings(), []);
    }
}

#[tokio::test]
async fn a_refused_size_is_left_out_wherever_a_query_begins() {
    for start in [0, 10, 40, 100] {
        let site = capped(wagtail).await;
        let end = (start + 61).min(130);
        holds(
            site.rows().all().range(start..end),
            start as usize,
            end as usize,
        )
        .await;
        let site = capped(fastapi).await;
        holds(
            site.rows().all().range(start..).page_size(500),
            start as usize,
            130,
        )
        .await;
        let site = capped(fastapi).await;
        let declared = site.declared(Pagination::limit_offset().with_page_size(61));
        holds(
            declared.all().range(start..end),
            start as usize,
            end as usize,
        )
        .await;
        assert_eq!(site.warnings(), []);
    }
}

#[tokio::test]
async fn an_explanation_counts_the_pages_that_come() {
    let site = capped(wagtail).await;
    holds(site.rows().all().range(0..30), 0, 30).await;
    site.targets();
    let query = site.rows().all().range(0..60);
    let requests = query.explain().unwrap().requests(130);
    holds(query, 0, 60).await;
    assert_eq!(requests, Some(site.requests() as u64));
}

/// Pages of 20 rows by number; every other parameter is refused.
async fn strict() -> Site {
    server(|call| {
        if knows_more(call, &["page"]) {
            return Reply::detail(StatusCode::BAD_REQUEST, "unknown query parameter");
        }
        let page = number(call, "page").unwrap_or(1);
        let next = (page < 7).then(|| format!("/rows?page={}", page + 1));
        Reply::ok(&json!({"count": 130, "next": next, "results": rows(page * 20 - 20, page * 20)}))
    })
    .await
}

fn knows_more(call: &Call<'_>, known: &[&str]) -> bool {
    ["limit", "offset", "page", "kind"]
        .iter()
        .any(|name| !known.contains(name) && call.parameter(name).is_some())
}

#[tokio::test]
async fn a_server_that_refuses_what_it_does_not_know_is_read_by_its_own_pages() {
    for range in [0..130, 0..5, 10..30, 40..60, 125..130] {
        let site = strict().await;
        let expected = (range.start as usize, range.end as usize);
        holds(site.rows().all().range(range), expected.0, expected.1).await;
    }
    let site = strict().await;
    assert_eq!(site.rows().count().await.unwrap(), 130);
    assert!(site.rows().all().exists().await.unwrap());
    let first = site.rows().all().first().await.unwrap().unwrap();
    let last = site.rows().all().last().await.unwrap().unwrap();
    assert_eq!((first.id, last.id), (Some(1), Some(130)));
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn what_the_query_itself_asks_for_stays_refused() {
    // The message names the filter: nothing else is tried.
    let site = server(|_| {
        let errors = json!({"kind": ["Select a valid choice."]});
        Reply::json(StatusCode::BAD_REQUEST, &errors)
    })
    .await;
    let query = site.rows().lookup("kind", "abc");
    let error = ids(query.limit(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    assert_eq!(error.field_errors().get("kind"), ["Select a valid choice."]);
    assert!(query.count().await.unwrap_err().is_validation());
    assert_eq!(site.requests(), 2);

    // It names nothing: the size is left out once, and then the first refusal stands, with what may help.
    let site = server(|_| Reply::detail(StatusCode::BAD_REQUEST, "malformed query")).await;
    let query = site.rows().lookup("kind", "abc");
    let error = ids(query.limit(5)).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(error.detail(), Some("malformed query"));
    assert!(
        error.to_string().contains("declare those that it has"),
        "{error}"
    );
    assert_eq!(site.requests(), 2);
}

/// Whatever is asked first: rows, a count, a part of them in an order, the first of them.
#[tokio::test]
async fn the_refusal_of_a_filter_or_an_order_names_the_declaration_that_helps() {
    let site = server(|call| {
        let asked = ["id__gte", "ordering"].map(|name| call.parameter(name));
        match asked.iter().flatten().next() {
            Some(_) => Reply::detail(StatusCode::BAD_REQUEST, "unknown query parameter"),
            None => Reply::ok(&json!({"count": 2, "next": null, "results": rows(0, 2)})),
        }
    })
    .await;
    let filtered = site.rows().lookup("id__gte", 2);
    let ordered = site.rows().order_by(["-id"]);
    let declare = "declare those that it has, and the others are evaluated client-side";
    let rename = "if it has another name for `ordering`, set `ordering_parameter`";
    for (query, says) in [(filtered, declare), (ordered, rename)] {
        let refused = [
            ids(query.clone()).await.map(drop),
            ids(query.range(0..1)).await.map(drop),
            query.first().await.map(drop),
            query.last().await.map(drop),
        ];
        for error in refused {
            let error = error.unwrap_err();
            assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
            let shown = error.to_string();
            assert!(shown.contains(says), "{shown}");
            assert_eq!(shown.matches("refuses the query").count(), 1, "{shown}");
        }
    }
    let count = site.rows().lookup("id__gte", 2).count().await.unwrap_err();
    assert!(count.to_string().contains(declare), "{count}");
}
