//! Walking by primary key: every row once while rows come and go, resumable, and right on servers that do not sort.

#![allow(clippy::unwrap_used)]

use django_api_orm::{ErrorKind, Rows, prelude::*};
use django_api_orm_testserver::{Field, Paginator, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/items/limitoffset-on/")]
struct Item {
    id: i64,
    name: String,
    kind: String,
    flag: bool,
}

const NONE: Option<i64> = None;

async fn reference() -> (TestServer, ServiceClient) {
    let server = TestServer::reference().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .auth_token("test-token")
        .build()
        .unwrap();
    (server, client)
}

async fn ids(rows: &mut Rows<Item>) -> Vec<i64> {
    let mut ids = Vec::new();
    while let Some(item) = rows.try_next().await.unwrap() {
        ids.push(item.id);
    }
    ids
}

#[tokio::test]
async fn every_row_once_on_every_paginator() {
    let (_server, client) = reference().await;
    for paginator in ["limitoffset", "pagenumber", "cursor", "plain"] {
        for filters in ["on", "off"] {
            let items = client
                .objects::<Item>()
                .at(&format!("/api/v1/items/{paginator}-{filters}/"));
            let all: Vec<i64> = (1..=130).collect();
            assert_eq!(
                ids(&mut items.all().keyset(NONE)).await,
                all,
                "{paginator}-{filters}"
            );
            let flagged = items.filter(Item::F.flag.eq(true));
            let expected = flagged.values_list(Item::F.id).await.unwrap();
            assert_eq!(
                ids(&mut flagged.keyset(NONE)).await,
                expected,
                "{paginator}-{filters}"
            );
        }
    }
}

#[tokio::test]
async fn resumes_behind_a_key() {
    let (_server, client) = reference().await;
    let items = client.objects::<Item>();
    assert_eq!(ids(&mut items.all().keyset(Some(128))).await, [129, 130]);
    assert_eq!(ids(&mut items.all().keyset(Some(130))).await, [0_i64; 0]);
}

#[tokio::test]
async fn rows_that_go_meanwhile_shift_nothing() {
    let (_server, client) = reference().await;
    let items = client.objects::<Item>();
    let mut rows = items.all().keyset(NONE);
    let mut seen = Vec::new();
    while let Some(mut item) = rows.try_next().await.unwrap() {
        seen.push(item.id);
        // By position, each deleted row would make the walk leave one out.
        item.delete().await.unwrap();
    }
    assert_eq!(seen, (1..=130).collect::<Vec<i64>>());
    assert_eq!(items.count().await.unwrap(), 0);
}

#[tokio::test]
async fn one_request_a_page_once_the_order_is_proven() {
    let (_server, client) = reference().await;
    let items = client.objects::<Item>();
    assert_eq!(ids(&mut items.all().keyset(NONE)).await.len(), 130);
    let before = client.stats().requests;
    assert_eq!(ids(&mut items.all().keyset(NONE)).await.len(), 130);
    assert_eq!(client.stats().requests - before, 7, "20 rows a page");
}

#[tokio::test]
async fn an_order_or_a_slice_is_a_mistake() {
    let (_server, client) = reference().await;
    let items = client.objects::<Item>();
    for query in [items.order_by(["name"]), items.all().limit(3)] {
        let error = query.keyset(NONE).try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert_eq!(client.stats().requests, 0);
}

/// "Greater than" is "no less than" to some servers: then each step begins with the row before it.
#[tokio::test]
async fn the_row_that_a_step_begins_behind_does_not_come_again() {
    let rows: Vec<Value> = (1..=7)
        .map(|id| json!({"id": id, "name": format!("n{id}"), "kind": "a", "flag": id % 2 == 0}))
        .collect();
    let items = Resource::new("items")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("kind", 5),
            Field::boolean("flag"),
        ])
        .filter_as("id__gt", "id", "gte")
        .ordering(["id"])
        .paginator(Paginator::limit_offset().default_limit(2))
        .rows(json!(rows));
    let server = TestServer::builder().resource(items).start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .on_warning(|_| {})
        .build()
        .unwrap();
    let items = client.objects::<Item>().at("/api/v1/items/");
    assert_eq!(
        ids(&mut items.all().keyset(NONE)).await,
        [1, 2, 3, 4, 5, 6, 7]
    );
    let some = items.filter(Item::F.flag.eq(true) | Item::F.name.eq("n1"));
    assert_eq!(ids(&mut some.keyset(NONE)).await, [1, 2, 4, 6]);
    assert!(server.requests().len() < 40);
}
