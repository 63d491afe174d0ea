//! The departures from DRF, one by one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

#[path = "support/client.rs"]
mod client;

use client::{Response, send};
use django_api_orm_testserver::{Envelope, Paginator, Quirk, Resource, TestServer};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// Twenty-five numbered rows in pages of ten.
async fn server(paginator: Paginator, quirk: Quirk) -> TestServer {
    let rows = (1..=25).map(|n| json!({"id": n, "name": format!("row {n}")}));
    let rows = rows.collect::<Vec<Value>>();
    let resource = Resource::from_json("rows", rows)
        .paginator(paginator)
        .quirk(quirk);
    TestServer::builder()
        .resource(resource)
        .start()
        .await
        .unwrap()
}

async fn get(server: &TestServer, query: &str) -> Response {
    let target = format!("/api/v1/rows/{query}");
    send(server.base_url(), &Method::GET, &target, &[], "")
        .await
        .unwrap()
}

fn ids(body: &Value) -> Vec<i64> {
    let rows = body["results"]
        .as_array()
        .or(body["data"].as_array())
        .or(body.as_array());
    rows.expect("rows")
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

/// The rows of every page, following `next` as it stands.
async fn walk(server: &TestServer) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut query = String::new();
    loop {
        let body = get(server, &query).await.json();
        pages.push(ids(&body));
        let Some(next) = body["next"].as_str() else {
            return pages;
        };
        let (_, parameters) = next.split_once('?').expect("a query");
        query = format!("?{parameters}");
    }
}

fn limit_offset() -> Paginator {
    Paginator::limit_offset().default_limit(10)
}

fn paginators() -> [Paginator; 3] {
    [
        limit_offset(),
        Paginator::page_number(10),
        Paginator::cursor(10, ["id"]),
    ]
}

#[tokio::test]
async fn ignored_parameters_change_nothing_but_are_echoed() {
    let quirk = Quirk::ignore_parameters(["offset", "name", "ordering"]);
    let server = server(limit_offset(), quirk).await;
    let body = get(&server, "?offset=20&name=x&ordering=-id").await.json();
    assert_eq!(ids(&body), (1..=10).collect::<Vec<_>>());
    assert_eq!(body["previous"], Value::Null);
    assert!(body["next"].as_str().unwrap().contains("name=x"));
}

#[tokio::test]
async fn counts_may_lie_or_be_missing() {
    let lying = server(limit_offset(), Quirk::CountOffBy(-3)).await;
    assert_eq!(get(&lying, "").await.json()["count"], 22);
    let silent = server(limit_offset(), Quirk::NoCount).await;
    assert!(get(&silent, "").await.json().get("count").is_none());
}

#[tokio::test]
async fn links_may_name_another_origin_or_none() {
    let foreign = Quirk::LinkOrigin("https://internal.example:8443".to_owned());
    for paginator in paginators() {
        let server = server(paginator, foreign.clone()).await;
        let next = get(&server, "").await.json()["next"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            next.starts_with("https://internal.example:8443/api/v1/rows/?"),
            "{next}"
        );
    }
    let server = server(limit_offset(), Quirk::RelativeLinks).await;
    assert_eq!(
        get(&server, "").await.json()["next"],
        "/api/v1/rows/?limit=10&offset=10"
    );
}

#[tokio::test]
async fn next_may_point_to_itself_or_be_missing() {
    let looping = server(limit_offset(), Quirk::NextToItself).await;
    let next = get(&looping, "?limit=5").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(next, format!("{}/api/v1/rows/?limit=5", looping.base_url()));
    let ending = server(limit_offset(), Quirk::NoNext).await;
    assert_eq!(get(&ending, "").await.json()["next"], Value::Null);
}

#[tokio::test]
async fn a_capped_page_is_shorter_than_its_link_says() {
    for paginator in paginators() {
        let server = server(paginator, Quirk::PageCap(4)).await;
        let pages = walk(&server).await;
        assert_eq!(
            pages.iter().map(Vec::len).collect::<Vec<_>>(),
            [4, 4, 4, 4, 4, 4, 1]
        );
        assert_eq!(pages.concat(), (1..=25).collect::<Vec<_>>());
    }
    let server = server(limit_offset(), Quirk::PageCap(4)).await;
    let next = get(&server, "?limit=20").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(next.ends_with("?limit=20&offset=4"), "{next}");
}

#[tokio::test]
async fn hidden_rows_leave_an_empty_page_in_the_middle() {
    for paginator in paginators() {
        let server = server(paginator, Quirk::HideRows(11..=20)).await;
        let pages = walk(&server).await;
        assert_eq!(pages[1], Vec::<i64>::new());
        assert_eq!(pages.concat(), (1..=10).chain(21..=25).collect::<Vec<_>>());
        let body = get(&server, "").await.json();
        assert_eq!(body.get("count").unwrap_or(&json!(15)), 15);
    }
}

#[tokio::test]
async fn rows_come_twice_when_pages_overlap() {
    for paginator in [limit_offset(), Paginator::page_number(10)] {
        let server = server(paginator, Quirk::Overlap).await;
        let pages = walk(&server).await;
        assert_eq!((pages[0].last(), pages[1].first()), (Some(&10), Some(&10)));
    }
}

#[tokio::test]
async fn fields_may_be_missing_and_updates_silent() {
    let partial = server(limit_offset(), Quirk::omit_fields(["name"])).await;
    assert_eq!(get(&partial, "1/").await.json(), json!({"id": 1}));
    let silent = server(limit_offset(), Quirk::SilentUpdates).await;
    let (target, json) = ("/api/v1/rows/1/", [("content-type", "application/json")]);
    let body = json!({"name": "new"}).to_string();
    let answer = send(silent.base_url(), &Method::PATCH, target, &json, &body)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    assert_eq!(get(&silent, "1/").await.json()["name"], "new");
}

#[tokio::test]
async fn envelopes_have_other_shapes() {
    let envelope = Envelope::rows_in("data")
        .count_in("meta.total")
        .links_in("links.next", "links.prev");
    let nested = server(limit_offset(), Quirk::Envelope(envelope)).await;
    let body = get(&nested, "").await.json();
    assert_eq!(ids(&body).len(), 10);
    assert_eq!(body["meta"]["total"], 25);
    assert!(
        body["links"]["next"]
            .as_str()
            .unwrap()
            .ends_with("offset=10")
    );
    assert_eq!(body["links"]["prev"], Value::Null);

    let envelope = Envelope::link_header().count_header("x-total-count");
    let linked = server(Paginator::page_number(10), Quirk::Envelope(envelope)).await;
    let page = get(&linked, "?page=2").await;
    assert_eq!(ids(&page.json()), (11..=20).collect::<Vec<_>>());
    assert_eq!(page.headers["x-total-count"], "25");
    let url = format!("{}/api/v1/rows/", linked.base_url());
    let expected = format!("<{url}?page=3>; rel=\"next\", <{url}>; rel=\"prev\"");
    assert_eq!(page.headers["link"].to_str().unwrap(), expected);
}
