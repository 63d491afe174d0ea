//! Where a collection ends: first pages that name no link, or a count that is none, and answers without an end.

use django_api_orm::{ErrorKind, Manager, Pagination, QuerySet, ServiceClient};
use django_api_orm_testserver::{Call, Reply, Shape, TestServer};
use http::header::LINK;
use serde_json::{Value, json};

use crate::{
    scripted::{number, rows, server},
    site::{Row, Site, ids, resource},
};

/// What the first page of a server that sends 50 of 250 rows says of the others.
fn shapes() -> Vec<Value> {
    let mut shapes = vec![
        json!({"rows": null, "pages": "page_number", "next_header": "X-Pagination-Next", "count_header": "X-Pagination-Count"}),
        json!({"rows": null, "pages": "page_number", "count_header": "X-Pagination-Count"}),
        json!({"rows": null, "pages": "token", "next_header": "Next-Page"}),
        json!({"rows": null}),
        json!({"rows": null, "pages": "page_number"}),
        json!({}),
        json!({"pages": "page_number"}),
        json!({"page_count": "count"}),
        json!({"page_count": "count", "count": "total_count"}),
        json!({"page_count": "count", "count": "total_count", "more": "next_page_results"}),
    ];
    let flags = [
        "has_more",
        "hasMore",
        "has_next",
        "hasNext",
        "has_next_page",
        "hasNextPage",
        "more",
        "meta.has_more",
    ];
    shapes.extend(flags.map(|flag| json!({"more": flag})));
    shapes
}

/// The shape without what DRF's pages say.
fn silent(mut shape: Value) -> Shape {
    let described = shape.as_object_mut().unwrap();
    for name in ["count", "next", "previous"] {
        described.entry(name).or_insert(Value::Null);
    }
    described.insert("size".to_owned(), json!(50));
    Shape::from_json(shape).unwrap()
}

async fn start(shape: Value) -> TestServer {
    let server = TestServer::builder().resource(resource(250));
    server.shape(silent(shape)).start().await.unwrap()
}

/// The rows, by a client that knows nothing of them.
fn unknown(server: &TestServer) -> Manager<Row> {
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    client.objects()
}

/// Every question to a client of its own, and to one that knows the endpoint.
async fn everything_holds(server: &TestServer, rows: impl Fn() -> Manager<Row>, context: &str) {
    let known = rows();
    for _ in 0..2 {
        for ask in [rows(), known.clone()] {
            assert_eq!(ask.count().await.unwrap(), 250, "{context}");
        }
        for ask in [rows(), known.clone()] {
            assert_eq!(
                ids(ask.all()).await.unwrap(),
                (1..=250).collect::<Vec<_>>(),
                "{context}"
            );
        }
        for ask in [rows(), known.clone()] {
            assert_eq!(
                ids(ask.all().range(60..63)).await.unwrap(),
                [61, 62, 63],
                "{context}"
            );
        }
        for ask in [rows(), known.clone()] {
            let last = ask.last().await.unwrap().and_then(|row| row.id);
            assert_eq!(last, Some(250), "{context}");
            assert!(ask.exists().await.unwrap(), "{context}");
        }
    }
    assert!(
        server.requests().len() < 150,
        "{context}: {}",
        server.requests().len()
    );
}

#[tokio::test]
async fn a_collection_is_read_to_its_end() {
    for shape in shapes() {
        let server = start(shape.clone()).await;
        everything_holds(&server, || unknown(&server), &shape.to_string()).await;
    }
}

/// A total and a token: the name of the parameter that takes it cannot be guessed.
#[tokio::test]
async fn a_token_is_followed_as_it_is_declared_and_no_further() {
    let shape = json!({
        "rows": "items", "count": "total", "pages": "token", "next_token": "next_page", "position_parameter": "next_page",
    });
    let server = start(shape).await;
    let as_cursor = unknown(&server).with_pagination(Pagination::cursor());
    for rows in [unknown(&server), as_cursor] {
        let queries: [QuerySet<Row>; 2] = [rows.all(), rows.all().range(60..63)];
        for query in queries {
            let error = ids(query).await.unwrap_err();
            assert!(
                error.to_string().contains("counts 250 rows, sent 50"),
                "{error}"
            );
        }
        assert_eq!(rows.count().await.unwrap(), 250);
    }
    let by_its_name = || Pagination::cursor().with_position_parameter("next_page");
    let declared = || unknown(&server).with_pagination(by_its_name());
    everything_holds(&server, declared, "declared").await;
}

/// Three pages of twenty rows, and the `Link` header of each; the last one names a page after it, too.
fn linked(call: &Call<'_>, says_so: bool) -> Reply {
    let page = number(call, "cursor").unwrap_or(0);
    let results = page != 2 || !says_so;
    let link = format!(
        r#"<http://h/?cursor={}>; rel="next"; results="{results}""#,
        page + 1
    );
    let end = if page < 3 { page * 20 + 20 } else { 0 };
    Reply::ok(&rows((page * 20).min(end), end)).header(LINK, &link)
}

#[tokio::test]
async fn a_link_header_is_followed_as_long_as_it_says_that_rows_follow() {
    let site = server(|call| linked(call, true)).await;
    assert_eq!(
        ids(site.rows().all()).await.unwrap(),
        (1..=60).collect::<Vec<_>>()
    );
    assert_eq!(site.requests(), 3);
    let site = server(|call| linked(call, false)).await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    assert!(
        error.to_string().contains("100 pages without rows"),
        "{error}"
    );
    assert_eq!(site.requests(), 3 + 100);
}

/// After the rows each page is empty, and links to a new one.
#[tokio::test]
async fn empty_pages_that_link_to_new_ones_without_end_are_an_error() {
    let site = server(|call| {
        let page = number(call, "cursor").unwrap_or(0);
        let end = if page < 3 { page * 20 + 20 } else { 0 };
        let next = format!("http://h/?cursor={}", page + 1);
        Reply::ok(&json!({"next": next, "results": rows((page * 20).min(end), end)}))
    })
    .await;
    for error in [
        ids(site.rows().all()).await.map(|_| ()).unwrap_err(),
        site.rows().count().await.map(|_| ()).unwrap_err(),
    ] {
        let shown = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Drift, "{shown}");
        assert!(shown.contains("100 pages without rows"), "{shown}");
    }
    let first = site.rows().first().await.unwrap().unwrap();
    assert_eq!(first.id, Some(1));
}

#[tokio::test]
async fn an_empty_page_is_not_the_end_where_another_one_follows() {
    let site: Site = server(|call| {
        let page = number(call, "cursor").unwrap_or(0);
        let next = (page < 9).then(|| format!("http://h/?cursor={}", page + 1));
        let shown = if [0, 9].contains(&page) {
            rows(page, page + 1)
        } else {
            Vec::new()
        };
        Reply::ok(&json!({"next": next, "results": shown}))
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), [1, 10]);
}

#[tokio::test]
async fn counts_that_disagree_are_an_error() {
    let site =
        server(|_| Reply::ok(&json!({"count": 60, "total": 250, "results": rows(0, 20)}))).await;
    for error in [
        ids(site.rows().all()).await.map(|_| ()).unwrap_err(),
        site.rows().count().await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let shown = error.to_string();
        assert!(shown.contains("60") && shown.contains("250"), "{shown}");
    }
}
