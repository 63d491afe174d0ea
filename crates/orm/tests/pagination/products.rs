//! The shapes of products, read to the end, sliced and counted.

use django_api_orm::{ErrorKind, prelude::*};
use django_api_orm_testserver::{Resource, Shape, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/things/")]
struct Thing {
    id: Option<i64>,
    name: String,
}

const ROWS: i64 = 130;

async fn start(shape: Shape) -> (TestServer, ServiceClient) {
    let rows = (1..=ROWS).map(|n| json!({"id": n, "name": format!("thing {n}")}));
    let rows: Vec<Value> = rows.collect();
    let things = Resource::from_json("things", rows);
    let server = TestServer::builder().resource(things).shape(shape);
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    (server, client)
}

#[tokio::test]
async fn every_row_of_a_product_is_found() {
    for (name, path) in [
        ("wagtail", "/api/v2/things/"),
        ("kinto", "/v1/buckets/default/collections/things/records"),
        ("json_server", "/things"),
        ("datasette", "/data/things.json"),
        ("fastapi_pagination", "/things"),
        ("django_ninja", "/api/things"),
        ("netbox", "/api/dcim/things/"),
        ("sentry", "/api/0/things/"),
    ] {
        let (server, client) = start(Shape::named(name).unwrap()).await;
        let things = client.objects::<Thing>().at(path);
        let rows = things
            .all()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let ids: Vec<i64> = rows.iter().filter_map(|row| row.id).collect();
        assert_eq!(ids, (1..=ROWS).collect::<Vec<_>>(), "{name}");
        assert!(
            server.requests().len() < 12,
            "{name}: {}",
            server.requests().len()
        );
    }
}

#[tokio::test]
async fn rows_may_come_under_a_name_of_their_own() {
    let (_server, client) = start(Shape::label_studio()).await;
    let tasks = client.objects::<Thing>().at("/api/things");
    let ids: Vec<_> = (tasks.all().await.unwrap().iter())
        .filter_map(|task| task.id)
        .collect();
    assert_eq!(ids, (1..=ROWS).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_without_end_are_left() {
    let shape = json!({"pages": "token", "size": 20, "rows": null, "link_results": true});
    let (server, client) = start(Shape::from_json(shape).unwrap()).await;
    let things = client.objects::<Thing>().at("/api/v1/things/");
    assert_eq!(things.count().await.unwrap(), 130);
    server.clear_requests();
    assert_eq!(things.all().await.unwrap().len(), 130);
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn more_without_a_way_to_it_is_an_error() {
    let shape = json!({
        "pages": "token", "size": 20, "count": null, "next": null, "previous": null, "more": "has_more",
    });
    let (_server, client) = start(Shape::from_json(shape).unwrap()).await;
    let things = client.objects::<Thing>().at("/api/v1/things/");
    let error = things.all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("more rows follow"), "{error}");
}

#[tokio::test]
async fn a_declared_paginator_that_falls_short_of_the_count_is_an_error() {
    let shape = json!({
        "pages": "token", "size": 20, "rows": "items", "count": "total", "next": null, "previous": null,
        "next_token": "next_page_token",
    });
    let (_server, client) = start(Shape::from_json(shape).unwrap()).await;
    let things = client.objects::<Thing>().at("/api/v1/things/");
    let things = things.with_pagination(django_api_orm::Pagination::cursor());
    let error = things.all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(
        error.to_string().contains("counts 130 rows, sent 20"),
        "{error}"
    );
}

#[tokio::test]
async fn a_limit_that_is_taken_for_a_filter_leaves_no_row_out() {
    for (name, path) in [
        ("kinto", "/v1/buckets/default/collections/things/records"),
        ("json_server", "/things"),
        ("datasette", "/data/things.json"),
    ] {
        let (server, client) = start(Shape::named(name).unwrap()).await;
        let things = client.objects::<Thing>().at(path);
        assert_eq!(things.count().await.unwrap(), 130, "{name}");
        let requests = server.requests().len();
        assert!(things.exists().await.unwrap(), "{name}");
        assert_eq!(server.requests().len(), requests + 1, "{name}");
        assert_eq!(things.last().await.unwrap().unwrap().id, Some(130));
        let (_server, client) = start(Shape::named(name).unwrap()).await;
        let things = client.objects::<Thing>().at(path);
        let first = things.first().await.unwrap();
        assert_eq!(first.and_then(|first| first.id), Some(1), "{name}");
        let some = things.all().limit(30).await.unwrap();
        assert_eq!(some.len(), 30, "{name}");
        let (_server, client) = start(Shape::named(name).unwrap()).await;
        let things = client.objects::<Thing>().at(path);
        let some = things.all().offset(60).limit(3).await.unwrap();
        let ids: Vec<_> = some.iter().filter_map(|thing| thing.id).collect();
        assert_eq!(ids, [61, 62, 63], "{name}");
    }
}
