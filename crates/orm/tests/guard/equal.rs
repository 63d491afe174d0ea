//! Equal values that are assigned, and names inside objects that are sent.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, FixedOffset};
use django_api_orm::{ErrorKind, Filter, Instance, Manager, prelude::*};
use django_api_orm_testserver::{Field, Resource, Shape, TestServer};
use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::site::{Site, site, with_rows};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
struct Valued {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    price: Decimal,
    at: Option<DateTime<FixedOffset>>,
    #[serde(default)]
    tags: HashSet<String>,
    #[serde(default)]
    list: Vec<i64>,
    home: Option<Home>,
    #[serde(default)]
    others: Vec<Home>,
    open: Option<Open>,
    #[serde(default)]
    sizes: Option<BTreeSet<i64>>,
    #[serde(default, serialize_with = "as_words")]
    written: Option<Home>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Home {
    city: String,
    #[serde(default)]
    near: Vec<Home>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(nested, allow_extra)]
struct Open {
    city: String,
}

fn as_words<S: serde::Serializer>(home: &Option<Home>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(home.iter().map(|home| ("town", &home.city)))
}

fn row() -> Value {
    json!({
        "id": 1, "name": "2024-01-02T10:00:00+00:00", "price": "1.50", "at": "2024-01-02T10:00:00+00:00",
        "tags": ["a", "b", "c", "d", "e"], "list": [1, 2], "home": {"city": "Bonn", "near": []}, "others": [], "open": null,
    })
}

async fn start() -> (Site, Instance<Valued>) {
    let site = site(with_rows(&json!([{"name": "one"}]))).await;
    let json = [("content-type", "application/json")];
    site.server
        .fail_next(StatusCode::OK, &json, row().to_string());
    let one = site.client.objects::<Valued>().get(Valued::F.id.eq(1));
    let one = one.await.unwrap();
    (site, one)
}

#[tokio::test]
async fn an_equal_value_is_no_change() {
    let (site, mut one) = start().await;
    one.price = "1.5".parse().unwrap();
    one.at = Some(DateTime::parse_from_rfc3339("2024-01-02T12:00:00+02:00").unwrap());
    one.tags = ["e", "d", "c", "b", "a"].map(str::to_owned).into();
    one.list = [1, 2].to_vec();
    assert!(!Instance::is_changed(&one).unwrap());
    one.save().await.unwrap();
    assert!(site.writes().is_empty());
}

/// A number of JSON has no places.
#[tokio::test]
async fn places_behind_a_number_are_no_change() {
    let site = site(with_rows(&json!([{"name": "one"}]))).await;
    for (shown, equal, other) in [
        (json!(1.5), "1.50", "1.51"),
        (json!("1.5"), "1.500", "-1.5"),
        (json!(2), "2.00", "2.01"),
    ] {
        let mut row = row();
        row["price"] = shown.clone();
        let json = [("content-type", "application/json")];
        site.server
            .fail_next(StatusCode::OK, &json, row.to_string());
        let one = site.client.objects::<Valued>().get(Valued::F.id.eq(1));
        let mut one = one.await.unwrap();
        one.price = equal.parse().unwrap();
        assert!(!Instance::is_changed(&one).unwrap(), "{shown} {equal}");
        one.price = other.parse().unwrap();
        assert!(Instance::is_changed(&one).unwrap(), "{shown} {other}");
    }
}

#[tokio::test]
async fn another_value_is_a_change() {
    type Change = fn(&mut Valued);
    let changes: [(&str, Change); 6] = [
        ("price", |one| one.price = "1.51".parse().unwrap()),
        ("at", |one| {
            one.at = Some(DateTime::parse_from_rfc3339("2024-01-02T10:00:00+01:00").unwrap());
        }),
        ("at", |one| one.at = None),
        ("tags", |one| _ = one.tags.remove("a")),
        // The order of a list, and the letters of a text, are values.
        ("list", |one| one.list.reverse()),
        ("name", |one| {
            one.name = "2024-01-02T11:00:00+01:00".to_owned();
        }),
    ];
    for (name, change) in changes {
        let (site, mut one) = start().await;
        change(&mut one);
        assert!(Instance::is_changed(&one).unwrap(), "{name}");
        let _ = one.save().await;
        let sent = site.server.requests().pop().unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let names: Vec<_> = sent.as_object().unwrap().keys().collect();
        assert_eq!(names, [name]);
    }
}

#[tokio::test]
async fn names_inside_objects_that_are_no_fields_are_refused_before_a_request() {
    let (site, one) = start().await;
    let things = Instance::manager(&one);
    let before = site.server.requests().len();
    for wrong in [
        json!({"name": "n", "home": {"ctiy": "Bonn"}}),
        json!({"name": "n", "others": [{"city": "Bonn"}, {"ctiy": "Bonn"}]}),
        json!({"name": "n", "home": {"city": "Bonn", "near": [{"ctiy": "Bonn"}]}}),
    ] {
        let refused = [
            things.create(&wrong).await.map(|_| ()).unwrap_err(),
            things
                .bulk_create([&wrong])
                .await
                .map(|_| ())
                .unwrap_err()
                .into(),
        ];
        for error in refused {
            let shown = error.to_string();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{shown}");
            assert!(
                shown.contains("`Valued`: `Home` has no field `ctiy`: did you mean `city`?"),
                "{shown}"
            );
        }
    }
    assert_eq!(site.server.requests().len(), before);
    let fitting = json!({
        "name": "n", "open": {"ctiy": "x"}, "home": {"city": "x", "near": [{"city": "y"}]}, "written": {"town": "x"},
    });
    // This server takes no such fields, but was asked.
    let _ = things.create(&fitting).await;
    assert_eq!(site.writes(), ["POST /api/v1/things/"]);
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/goods/")]
struct Priced {
    id: Option<i64>,
    price: Decimal,
    at: String,
    owner: String,
}

/// Prices that are shown with one place, times without seconds, and owners by their names.
async fn priced() -> (TestServer, Manager<Priced>) {
    let fields = [
        Field::integer("id").primary_key(),
        Field::decimal("price", 9, 2),
        Field::text("at", 30),
        Field::text("owner", 30),
    ];
    let rows = json!([{"id": 1, "price": "1.04", "at": "2024-05-01T10:04:30Z", "owner": "o7"}]);
    let goods = Resource::new("goods").fields(fields).filter_on_everything();
    let goods = goods.rows(rows.clone());
    let shape = json!({"shows": {"price": {"rounded": 1}, "at": {"shortened": 16}, "owner": {"label": {"o7": "ann"}}}});
    let server = TestServer::builder().resource(goods);
    let server = server.shape(Shape::from_json(shape).unwrap());
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    let goods = client.objects();
    (server, goods)
}

#[tokio::test]
async fn an_equal_value_is_written_where_the_row_may_have_another_one() {
    let bodies = |server: &TestServer| {
        let requests = server.requests();
        let writes = requests
            .iter()
            .filter(|request| request.method() == "PATCH");
        let bodies = writes.map(|request| serde_json::from_slice::<Value>(request.body()).unwrap());
        bodies.collect::<Vec<_>>()
    };
    let price = |text: &str| [Priced::F.price.set(text.parse::<Decimal>().unwrap())];
    let (server, goods) = priced().await;
    let one = || goods.filter(Priced::F.id.eq(1));
    assert_eq!(one().update(price("1.0")).await.unwrap(), 1);
    assert_eq!(bodies(&server), [] as [Value; 0], "it may be all there is");
    assert_eq!(one().update(price("1.00")).await.unwrap(), 1);
    assert_eq!(bodies(&server), [json!({"price": "1.00"})]);
    let found = goods.update_or_create(Priced::F.id.eq(1), price("1.00"));
    assert!(!found.await.unwrap().1);
    assert_eq!(bodies(&server).len(), 2);
    let at = [Priced::F.at.set("2024-05-01T10:04:00Z")];
    assert_eq!(one().update(at).await.unwrap(), 1);
    assert_eq!(bodies(&server)[2], json!({"at": "2024-05-01T10:04:00Z"}));
}

#[tokio::test]
async fn what_is_shown_in_another_form_is_always_written() {
    let (server, goods) = priced().await;
    let writes = || {
        let requests = server.requests();
        requests
            .iter()
            .filter(|request| request.method() == "PATCH")
            .count()
    };
    let owner = || [Priced::F.owner.set("ann")];
    let one = || goods.filter(Priced::F.id.eq(1));
    assert_eq!(one().update(owner()).await.unwrap(), 1);
    assert_eq!(writes(), 0, "nothing tells that it is a name");
    let of_ann = goods.filter(Filter::<Priced>::lookup("owner", "o7"));
    assert_eq!(of_ann.await.unwrap().len(), 1);
    let _ = one().update(owner()).await;
    assert_eq!(writes(), 1);
}
