//! Fields whose type single values do not show: texts that look like numbers, and whole numbers that are asked for a fraction.

use django_api_orm::Filter;
use django_api_orm_testserver::{Quirk, Reply, Resource, View};
use http::Method;
use serde_json::{Value, json};

use super::site::{Site, Thing, ids, q, served, site, with_rows};

const TEXTS: [&str; 7] = ["1", "1.0", "01", "10", "9", "Ann", "1.00"];

async fn texts(deaf: &str) -> Site {
    let rows: Vec<Value> = TEXTS.iter().map(|name| json!({"name": name})).collect();
    let things: Resource = with_rows(&json!(rows)).quirk(Quirk::ignore_parameters([deaf]));
    site(things).await
}

/// The keys of those for which this holds.
fn where_(holds: impl Fn(&str) -> bool) -> Vec<i64> {
    let texts = (1..).zip(TEXTS);
    texts
        .filter(|(_, text)| holds(text))
        .map(|(id, _)| id)
        .collect()
}

#[tokio::test]
async fn texts_among_which_are_words_are_compared_as_texts() {
    // Whether the server has the filter or not.
    for deaf in ["x", "name", "name__gt", "name__lte"] {
        let either = |filter: Filter<Thing>| filter | q("rank", 99);
        let site = texts(deaf).await;
        let things = site.things();
        let found = ids(things.exclude(q("name__gt", "01"))).await.unwrap();
        assert_eq!(found, where_(|text| text <= "01"), "{deaf}");
        let found = ids(things.filter(q("name__lte", "1"))).await.unwrap();
        assert_eq!(found, where_(|text| text <= "1"), "{deaf}");
        let found = ids(things.filter(either(q("name__lte", "1"))))
            .await
            .unwrap();
        assert_eq!(found, where_(|text| text <= "1"), "{deaf}");
        let found = ids(things.exclude(q("name", "1"))).await.unwrap();
        assert_eq!(found, where_(|text| text != "1"), "{deaf}");
        let found = ids(things.filter(q("name", "1"))).await.unwrap();
        assert_eq!(found, [1], "{deaf}");
    }
}

#[tokio::test]
async fn an_order_of_texts_that_look_like_numbers_is_that_of_texts() {
    for deaf in ["x", "ordering"] {
        let site = texts(deaf).await;
        let mut expected: Vec<(&str, i64)> = TEXTS.into_iter().zip(1..).collect();
        expected.sort_unstable();
        let expected: Vec<i64> = expected.into_iter().map(|(_, id)| id).collect();
        let sorted = site.things().all().order_by(["name", "rank"]);
        assert_eq!(ids(sorted).await.unwrap(), expected, "{deaf}");
        assert!(deaf == "ordering" || site.warnings().is_empty());
    }
}

/// A server that cuts the fraction off what it is asked for, as Django does of integers.
#[tokio::test]
async fn a_fraction_is_not_cut_off_where_numbers_are_whole() {
    let list = || {
        View::new("/api/v1/things/", [Method::GET], |call| {
            let number = |name: &str| {
                call.parameter(name)
                    .and_then(|text| text.parse::<f64>().ok())
            };
            let cut = |name: &str| number(name).map(f64::trunc);
            let rows: Vec<Value> = (1..=8)
                .map(|id| json!({"id": id, "name": "a", "kind": "a", "rank": id - 4}))
                .filter(|row| {
                    let rank = row["rank"].as_f64().unwrap();
                    cut("rank__gte").is_none_or(|low| rank >= low)
                        && cut("rank__gt").is_none_or(|low| rank > low)
                        && cut("rank__lte").is_none_or(|high| rank <= high)
                        && cut("rank__lt").is_none_or(|high| rank < high)
                })
                .collect();
            let size = number("limit").map_or(50, |size| size as usize);
            let page: Vec<_> = rows.iter().take(size).collect();
            let next = (size < rows.len()).then_some("/api/v1/things/?offset=1");
            Ok(Reply::ok(
                &json!({"count": rows.len(), "next": next, "previous": null, "results": page}),
            ))
        })
    };
    for asked in [-5.5, -3.5, -1.5, -0.5, 0.5, 1.5, 3.5, 4.5] {
        for (name, holds) in [
            (
                "rank__gte",
                (|rank, asked| rank >= asked) as fn(f64, f64) -> bool,
            ),
            ("rank__gt", |rank, asked| rank > asked),
            ("rank__lte", |rank, asked| rank <= asked),
            ("rank__lt", |rank, asked| rank < asked),
        ] {
            let expected: Vec<i64> = (1..=8).filter(|id| holds((id - 4) as f64, asked)).collect();
            let (_server, client) = served(list()).await;
            let things = || client.objects::<Thing>().filter(q(name, asked));
            assert_eq!(ids(things()).await.unwrap(), expected, "{name} {asked}");
            assert_eq!(things().count().await.unwrap(), expected.len() as u64);
            let (_server, client) = served(list()).await;
            let things = || client.objects::<Thing>().filter(q(name, asked));
            assert_eq!(
                things().count().await.unwrap(),
                expected.len() as u64,
                "{name} {asked}"
            );
            let first = ids(things().limit(1)).await.unwrap();
            assert_eq!(first.first(), expected.first(), "{name} {asked}");
        }
    }
}
