//! Equal values that are assigned, and names inside objects that are sent.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, FixedOffset};
use django_api_orm::{ErrorKind, Instance, prelude::*};
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
    assert!(!Instance::is_changed(&one).unwrap());
    one.save().await.unwrap();
    assert!(site.writes().is_empty());
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
