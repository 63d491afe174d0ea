//! The shapes of products, as their documentation has them, and shapes of one's own.

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
use django_api_orm_testserver::{Resource, Shape, TestServer};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// So many numbered rows.
async fn server(shape: Shape, rows: i64) -> TestServer {
    let rows = (1..=rows).map(|n| json!({"id": n, "name": format!("row {n}"), "rank": n % 7}));
    let rows = rows.collect::<Vec<Value>>();
    TestServer::builder()
        .resource(Resource::from_json("things", rows))
        .shape(shape)
        .start()
        .await
        .unwrap()
}

async fn get(server: &TestServer, target: &str) -> Response {
    send(server.base_url(), &Method::GET, target, &[], "")
        .await
        .unwrap()
}

async fn write(server: &TestServer, method: Method, target: &str, body: &Value) -> Response {
    let json = [("content-type", "application/json")];
    send(server.base_url(), &method, target, &json, &body.to_string())
        .await
        .unwrap()
}

fn ids(rows: &Value) -> Vec<i64> {
    let rows = rows.as_array().expect("rows");
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn described(description: Value) -> Shape {
    Shape::from_json(description).unwrap()
}

#[tokio::test]
async fn wagtail() {
    let server = server(Shape::wagtail(), 50).await;
    let page = get(&server, "/api/v2/things/?offset=40").await.json();
    assert_eq!(page["meta"], json!({"total_count": 50}));
    assert_eq!(ids(&page["items"]), (41..=50).collect::<Vec<_>>());
    assert_eq!(page.as_object().unwrap().len(), 2, "no links");
    for refused in ["limit=21", "colour=red", "rank__gte=3", "order=colour"] {
        let answer = get(&server, &format!("/api/v2/things/?{refused}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{refused}");
    }
    let page = get(&server, "/api/v2/things/?order=-id&rank=3&limit=2").await;
    assert_eq!(ids(&page.json()["items"]), [45, 38]);
    let answer = write(&server, Method::POST, "/api/v2/things/", &json!({})).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn label_studio() {
    let server = server(Shape::label_studio(), 5).await;
    let page = get(&server, "/api/things?page=2&page_size=3&colour=red").await;
    assert_eq!(page.json()["total"], 5);
    assert_eq!(ids(&page.json()["tasks"]), [4, 5]);
}

#[tokio::test]
async fn kinto() {
    let server = server(Shape::kinto(), 10).await;
    let path = "/v1/buckets/default/collections/things/records";
    let page = get(&server, &format!("{path}?_limit=4&_sort=-id&min_rank=1")).await;
    assert_eq!(ids(&page.json()["data"]), [10, 9, 8, 6]);
    assert_eq!(page.headers["total-records"], "9");
    let next = page.headers["next-page"].to_str().unwrap().to_owned();
    let next = next.strip_prefix(server.base_url()).unwrap().to_owned();
    let page = get(&server, &next).await;
    assert_eq!(ids(&page.json()["data"]), [5, 4, 3, 2]);
    let nothing = get(&server, &format!("{path}?colour=red")).await;
    assert_eq!(ids(&nothing.json()["data"]), [0_i64; 0]);
    let body = json!({"data": {"name": "new", "rank": 1}});
    let created = write(&server, Method::POST, path, &body).await.json();
    assert_eq!(
        created,
        json!({"data": {"id": 11, "name": "new", "rank": 1}})
    );
    let one = get(&server, &format!("{path}/11")).await.json();
    assert_eq!(one, created);
}

#[tokio::test]
async fn json_server() {
    let server = server(Shape::json_server(), 25).await;
    assert_eq!(
        get(&server, "/things")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        25
    );
    let page = get(&server, "/things?_page=2").await.json();
    assert_eq!(ids(&page["data"]), (11..=20).collect::<Vec<_>>());
    assert_eq!((&page["next"], &page["items"]), (&json!(3), &json!(25)));
    let page = get(&server, "/things?rank:gte=6&_sort=-id").await.json();
    assert_eq!(ids(&page), [20, 13, 6]);
    for nothing in ["colour=red", "rank__gte=1", "limit=3"] {
        let page = get(&server, &format!("/things?{nothing}")).await.json();
        assert_eq!(page, json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn datasette() {
    let server = server(Shape::datasette(), 10).await;
    let page = get(&server, "/data/things.json?_size=4&rank__gte=1")
        .await
        .json();
    assert_eq!(ids(&page["rows"]), [1, 2, 3, 4]);
    assert_eq!(page["count"], 9);
    let token = page["next"].as_str().unwrap();
    let page = get(
        &server,
        &format!("/data/things.json?_size=4&rank__gte=1&_next={token}"),
    )
    .await;
    assert_eq!(ids(&page.json()["rows"]), [5, 6, 8, 9]);
    let page = get(&server, "/data/things.json?colour=red").await.json();
    assert_eq!(ids(&page["rows"]), [0_i64; 0]);
    let row = get(&server, "/data/things.json/1").await;
    assert_eq!(row.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn fastapi_pagination() {
    let server = server(Shape::fastapi_pagination(), 120).await;
    let page = get(&server, "/things?page=3&colour=red").await.json();
    assert_eq!(ids(&page["items"]), (101..=120).collect::<Vec<_>>());
    for (name, value) in [("total", 120), ("page", 3), ("size", 50), ("pages", 3)] {
        assert_eq!(page[name], value, "{name}");
    }
    let refused = get(&server, "/things?size=101").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn django_ninja() {
    let server = server(Shape::django_ninja(), 10).await;
    let page = get(&server, "/api/things?limit=3&offset=8&rank=1&ordering=-id").await;
    let rows =
        json!([{"id": 9, "name": "row 9", "rank": 2}, {"id": 10, "name": "row 10", "rank": 3}]);
    assert_eq!(page.json(), json!({"count": 10, "items": rows}));
}

#[tokio::test]
async fn netbox() {
    let server = server(Shape::netbox(), 60).await;
    let page = get(&server, "/api/dcim/things/").await.json();
    assert_eq!(ids(&page["results"]).len(), 50);
    let next = format!("{}/api/dcim/things/?limit=50&offset=50", server.base_url());
    assert_eq!((&page["count"], &page["next"]), (&json!(60), &json!(next)));
    let page = get(&server, "/api/dcim/things/?id=3&id=5&id=7&name__ic=ROW").await;
    assert_eq!(ids(&page.json()["results"]), [3, 5, 7]);
}

#[tokio::test]
async fn sentry() {
    let server = server(Shape::sentry(), 3).await;
    let page = get(&server, "/api/0/things/?per_page=2").await;
    assert_eq!(ids(&page.json()), [1, 2]);
    let link = page.headers["link"].to_str().unwrap().to_owned();
    assert!(link.ends_with(r#"rel="next"; results="true""#), "{link}");
    let page = get(&server, "/api/0/things/?per_page=2&cursor=0:2:0").await;
    assert_eq!(ids(&page.json()), [3]);
    let link = page.headers["link"].to_str().unwrap().to_owned();
    assert!(link.contains(r#"rel="next"; results="false""#), "{link}");
    let page = get(&server, "/api/0/things/?cursor=0:4:0").await;
    assert_eq!(page.json(), json!([]));
    assert!(page.headers.contains_key("link"), "and so on, for ever");
}

#[test]
fn every_product_has_a_name() {
    let names: Vec<_> = Shape::names().collect();
    assert_eq!(names.len(), 9);
    for name in names {
        assert!(Shape::named(name).is_ok(), "{name}");
    }
    let error = Shape::named("wagtial").unwrap_err().to_string();
    assert!(error.contains("wagtail"), "{error}");
}

#[tokio::test]
async fn what_a_description_does_not_name_is_drfs() {
    let server = server(described(json!({})), 3).await;
    let page = get(&server, "/api/v1/things/?limit=2").await.json();
    let next = format!("{}/api/v1/things/?limit=2&offset=2", server.base_url());
    assert_eq!((&page["count"], &page["next"]), (&json!(3), &json!(next)));
    assert_eq!(ids(&page["results"]), [1, 2]);
    let bare = json!({"rows": "results", "count": null, "next": null, "previous": null, "size": 2});
    let bare = self::server(described(bare), 3).await;
    let page = get(&bare, "/api/v1/things/").await.json();
    assert_eq!(page.as_object().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn pages_can_tell_of_each_other_in_many_ways() {
    let description = json!({
        "pages": "page_number", "size": 2, "size_parameter": "per_page",
        "rows": "data", "count": "meta.total", "page_count": "count", "next": null, "previous": null,
        "more": "has_more", "next_number": "next_page", "count_header": "X-Total", "next_header": "X-Next",
        "link_header": true,
    });
    let server = server(described(description), 3).await;
    let page = get(&server, "/api/v1/things/").await;
    let rows =
        json!([{"id": 1, "name": "row 1", "rank": 1}, {"id": 2, "name": "row 2", "rank": 2}]);
    let expected =
        json!({"meta": {"total": 3}, "count": 2, "has_more": true, "next_page": 2, "data": rows});
    assert_eq!(page.json(), expected);
    let next = format!("{}/api/v1/things/?page=2", server.base_url());
    assert_eq!(page.headers["x-total"], "3");
    assert_eq!(page.headers["x-next"], next.as_str());
    assert_eq!(
        page.headers["link"],
        format!("<{next}>; rel=\"next\"").as_str()
    );
    let last = get(&server, "/api/v1/things/?page=2").await;
    assert!(!last.headers.contains_key("x-next"));
    assert_eq!(
        (&last.json()["has_more"], &last.json()["next_page"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn rows_can_be_shown_in_another_form_than_they_are_filtered_by() {
    let description = json!({"shows": {
        "status": {"label": {"A": "Active"}},
        "kind": {"value_and_label": {"x": "Extra"}},
        "name": {"shortened": 3},
        "owner": {"label": {"7": "Ann"}},
        "weight": {"rounded": 1},
        "price": {"rounded": 2},
    }});
    let rows = json!([
        {"id": 1, "status": "A", "kind": "x", "name": "Ann Bell", "owner": 7, "weight": 1.25, "price": "6.6667"},
    ]);
    let server = TestServer::builder()
        .resource(Resource::from_json("things", rows))
        .shape(described(description))
        .start()
        .await
        .unwrap();
    let page = get(
        &server,
        "/api/v1/things/?status=A&name=Ann+Bell&kind=x&owner=7&weight=1.25",
    )
    .await
    .json();
    let shown = json!({
        "id": 1, "status": "Active", "kind": {"value": "x", "label": "Extra"}, "name": "Ann", "owner": "Ann", "weight": 1.3, "price": "6.67",
    });
    assert_eq!(page["results"], json!([shown]));
    let page = get(&server, "/api/v1/things/?status=Active").await.json();
    assert_eq!(page["count"], 0);
}

#[tokio::test]
async fn rows_can_have_urls_by_another_field_or_none() {
    let by_name = server(
        described(json!({"details": {"by": "name"}, "path": "/x/{name}"})),
        2,
    )
    .await;
    assert_eq!(get(&by_name, "/x/things/row%202").await.json()["id"], 2);
    assert_eq!(
        get(&by_name, "/x/things/2").await.status,
        StatusCode::NOT_FOUND
    );
    let none = server(described(json!({"details": "absent"})), 2).await;
    assert_eq!(
        get(&none, "/api/v1/things/2/").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn writes_can_be_answered_in_many_ways() {
    let target = "/api/v1/things/1/";
    let change = json!({"name": "new", "rank": 5});
    let stored = json!({"id": 1, "name": "new", "rank": 5});
    for (description, status, body) in [
        (json!({"answers": "row"}), 200, stored.to_string()),
        (
            json!({"answers": {"part": ["id"]}}),
            200,
            r#"{"id":1}"#.to_owned(),
        ),
        (json!({"answers": "nothing"}), 204, String::new()),
        (
            json!({"row_in": "data"}),
            200,
            json!({"data": stored}).to_string(),
        ),
    ] {
        let server = server(described(description.clone()), 1).await;
        let answer = write(&server, Method::PATCH, target, &change).await;
        assert_eq!(answer.status.as_u16(), status, "{description}");
        assert_eq!(String::from_utf8_lossy(&answer.body), body, "{description}");
        let rows = get(&server, "/api/v1/things/").await.json()["results"].clone();
        assert_eq!(rows, json!([stored]), "{description}");
    }
    let dropping = server(described(json!({"drops": ["rank"]})), 1).await;
    let answer = write(&dropping, Method::PATCH, target, &change)
        .await
        .json();
    assert_eq!(answer, json!({"id": 1, "name": "new", "rank": 1}));
}

#[tokio::test]
async fn a_sign_in_page_is_no_write() {
    let server = server(described(json!({"answers": "sign_in_page"})), 1).await;
    for (method, target) in [
        (Method::POST, "/api/v1/things/"),
        (Method::PATCH, "/api/v1/things/1/"),
        (Method::DELETE, "/api/v1/things/1/"),
    ] {
        let answer = write(&server, method, target, &json!({"name": "new"})).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .contains("html")
        );
    }
    let rows = get(&server, "/api/v1/things/").await.json()["results"].clone();
    assert_eq!(rows, json!([{"id": 1, "name": "row 1", "rank": 1}]));
}

#[test]
fn a_misspelt_description_is_refused() {
    for (description, word) in [
        (json!({"pagse": "token"}), "pagse"),
        (json!({"pages": "tokens"}), "tokens"),
        (json!({"unknown": "refused"}), "equality"),
    ] {
        let error = Shape::from_json(description).unwrap_err();
        let text = format!(
            "{error} {:?}",
            std::error::Error::source(&error).map(ToString::to_string)
        );
        assert!(text.contains(word), "{text}");
    }
}
