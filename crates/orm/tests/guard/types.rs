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
fn cutting() -> View {
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
                number("rank").is_none_or(|asked| rank == asked)
                    && cut("rank__gte").is_none_or(|low| rank >= low)
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
}

#[tokio::test]
async fn a_fraction_is_not_cut_off_where_numbers_are_whole() {
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
            let (_server, client) = served(cutting()).await;
            let things = || client.objects::<Thing>().filter(q(name, asked));
            assert_eq!(ids(things()).await.unwrap(), expected, "{name} {asked}");
            assert_eq!(things().count().await.unwrap(), expected.len() as u64);
            let (_server, client) = served(cutting()).await;
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

/// A server that has this filter by decimals without a scale, which come as texts.
fn decimals(values: &'static [&'static str]) -> View {
    View::new("/api/v1/things/", [Method::GET], move |call| {
        let number = |name: &str| {
            call.parameter(name)
                .and_then(|text| text.parse::<f64>().ok())
        };
        let rows: Vec<Value> = (1..)
            .zip(values)
            .filter(|(_, value)| {
                let value: f64 = value.parse().unwrap();
                number("name__lt").is_none_or(|high| value < high)
                    && number("name").is_none_or(|asked| value == asked)
            })
            .map(|(id, value)| json!({"id": id, "name": value, "kind": "a", "rank": 1}))
            .collect();
        Ok(Reply::ok(
            &json!({"count": rows.len(), "next": null, "previous": null, "results": rows}),
        ))
    })
}

#[tokio::test]
async fn a_decimal_in_two_spellings_is_no_text() {
    let (_server, client) = served(decimals(&["9.5", "10", "10.0", "100"])).await;
    let either = q("name__lt", "10") | q("rank", 99);
    let found = ids(client.objects().filter(either)).await.unwrap();
    assert_eq!(found, [1]);
}

#[tokio::test]
async fn few_values_are_asked_for_before_a_field_is_taken_for_exact() {
    const VALUES: [&str; 9] = [
        "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.0", "9.0",
    ];
    let (server, client) = served(decimals(&VALUES)).await;
    let others = client
        .objects()
        .exclude(q("name__in", json!([1, 2, 3, 4, 5, 6, 7, 8])));
    assert_eq!(ids(others).await.unwrap(), [9]);
    assert_eq!(server.requests().len(), 1 + 5);
}

/// Words that come on a later page end no stream of what was judged rightly, and nothing is read twice.
#[tokio::test]
async fn what_type_a_field_is_of_may_show_late() {
    let numbers = (1..=230).map(|number| (1_000 + number).to_string());
    let names = numbers.chain((1..=100).map(|number| format!("thing {number:03}")));
    let rows: Vec<Value> = names.map(|name| json!({"name": name})).collect();
    for query in ["order", "filter"] {
        let site = site(with_rows(&json!(rows))).await;
        let things = || match query {
            "order" => site.things().all().order_by(["name"]),
            _ => site.things().exclude(q("name", "1005")),
        };
        let mut stream = things().stream();
        let mut came = 0;
        while let Some(row) = stream.next().await {
            row.unwrap();
            came += 1;
        }
        assert_eq!(came, if query == "order" { 330 } else { 329 });
        let pages = site.cost(ids(things())).await.1;
        assert_eq!(pages, 4, "{query}");
    }
}

#[tokio::test]
async fn a_whole_number_is_asked_for_in_place_of_a_fraction() {
    let (server, client) = served(cutting()).await;
    // Whether 2 and 3 were rounded is asked, too.
    for requests in [4, 5] {
        let best = client.objects().filter(q("rank__gte", 2.5));
        assert_eq!(ids(best).await.unwrap(), [7, 8]);
        assert_eq!(server.requests().len(), requests);
    }
    let last = server.requests().pop().unwrap();
    assert!(last.target().contains("rank__gte=2"), "{}", last.target());
}
