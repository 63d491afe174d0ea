//! A list of values that is too long for one query string is asked for in parts, and the rows are those of the whole list.

use django_api_orm::{OnIgnored, WarningKind};
use serde_json::{Value, json};

use super::site::{Thing, deaf_to, ids, q, resource, site, where_};

fn keys(to: i64) -> Value {
    json!((1..=to).collect::<Vec<i64>>())
}

/// Of these 400 only half name a thing.
fn names() -> Value {
    json!(
        (1..=400)
            .map(|id| format!("thing {:03}", 2 * id))
            .collect::<Vec<_>>()
    )
}

#[tokio::test]
async fn keys_are_asked_for_a_hundred_at_a_time() {
    let site = site(resource()).await;
    let few = site.things().filter(q("id__in", keys(1_000)));
    let (rows, requests) = site.cost(ids(few.clone())).await;
    assert_eq!((rows.unwrap(), requests), (where_(|_| true), 10));
    ids(site.things().all()).await.unwrap();
    let explained = few.explain().unwrap();
    assert_eq!(explained.requests(330), Some(10), "{explained}");
    assert_eq!(
        explained.local(),
        ["id__in: too many values for one query string, so asked for in 10 parts"]
    );
    let (count, requests) = site.cost(few.filter(q("kind", "a")).count()).await;
    assert_eq!((count.unwrap(), requests), (110, 10));
    let twice = json!(
        [
            keys(700).as_array().unwrap().as_slice(),
            &[json!(3), json!(3)]
        ]
        .concat()
    );
    let rows = ids(site.things().filter(q("id__in", twice))).await.unwrap();
    assert_eq!(rows, where_(|_| true));
}

#[tokio::test]
async fn an_order_and_a_slice_are_those_of_all_parts() {
    let site = site(resource()).await;
    let some = site
        .things()
        .filter(q("id__in", keys(1_000)) & q("kind", "b"));
    let mut expected = where_(|thing| thing.kind == "b");
    expected.sort_by_key(|id| (-(9 - id % 10), *id));
    let ordered = some.order_by(["-rank", "id"]);
    assert_eq!(ids(ordered.clone()).await.unwrap(), expected);
    assert_eq!(
        ids(ordered.range(95..105)).await.unwrap(),
        expected[95..105]
    );
    assert_eq!(
        ordered.last().await.unwrap().unwrap().id,
        expected.last().copied()
    );
    assert_eq!(some.first().await.unwrap().unwrap().id, Some(2));
    assert_eq!(some.last().await.unwrap().unwrap().id, Some(329));
    assert!(some.exists().await.unwrap());
}

#[tokio::test]
async fn any_field_can_be_asked_for_in_parts() {
    let site = site(resource()).await;
    let even = where_(|thing| thing.id.unwrap() % 2 == 0);
    let some = site.things().filter(q("name__in", names()));
    let (rows, requests) = site.cost(ids(some.clone())).await;
    assert_eq!((rows.unwrap(), requests), (even.clone(), 4));
    // Where a row stands among the others does not show in parts.
    let (rows, requests) = site.cost(ids(some.order_by(["-id"]))).await;
    assert_eq!(
        (rows.unwrap(), requests),
        (even.into_iter().rev().collect(), 4)
    );
}

#[tokio::test]
async fn a_list_that_is_ignored_is_read_in_one_walk() {
    let site = deaf_to(["id__in"]).await;
    let some = site
        .things()
        .filter(q("id__in", json!((200..=1_000).collect::<Vec<_>>())));
    // One to see that the same rows come without it.
    for expected in [9, 4] {
        let (rows, requests) = site.cost(ids(some.clone())).await;
        assert_eq!(
            (rows.unwrap(), requests),
            (where_(|thing| thing.id >= Some(200)), expected)
        );
    }
    assert_eq!(
        site.warnings(),
        [(WarningKind::FilterIgnored, "id__in".to_owned())]
    );
}

#[tokio::test]
async fn writes_touch_the_rows_of_every_part() {
    let site = site(resource()).await;
    let some = site
        .things()
        .filter(q("id__in", keys(1_000)) & q("rank", 4));
    let changed = some.update([Thing::F.rank.set(40)]).await.unwrap();
    assert_eq!(changed, 33);
    assert_eq!(ids(some).await.unwrap(), Vec::<i64>::new());
    let changed = site
        .things()
        .filter(q("id__in", keys(1_000)) & q("rank", 40));
    assert_eq!(changed.delete().await.unwrap(), 33);
    assert_eq!(site.things().count().await.unwrap(), 297);
}

#[tokio::test]
async fn a_row_that_comes_with_two_parts_is_one_row() {
    let site = site(resource()).await;
    let mut ranks = keys(1_000);
    let spelt = (1..=1_000).map(|rank| json!(rank.to_string()));
    ranks.as_array_mut().unwrap().extend(spelt);
    let some = site.things().filter(q("rank__in", ranks));
    let mut rows = ids(some.clone()).await.unwrap();
    rows.sort_unstable();
    let expected = where_(|thing| thing.rank != 0);
    assert_eq!(rows, expected);
    assert_eq!(some.count().await.unwrap(), expected.len() as u64);
}

#[tokio::test]
async fn a_value_that_is_too_long_by_itself_is_evaluated_client_side() {
    let site = site(resource()).await;
    let long = "x".repeat(3_001);
    for values in [json!([long]), json!([long, "thing 007"])] {
        let some = site.things().filter(q("name__in", values.clone()));
        let expected = where_(|thing| values.as_array().unwrap().contains(&json!(thing.name)));
        assert_eq!(ids(some.clone()).await.unwrap(), expected);
        assert_eq!(some.count().await.unwrap(), expected.len() as u64);
        some.explain().unwrap();
    }
}

#[tokio::test]
async fn a_trusted_server_is_asked_for_each_part_whatever_it_has_shown() {
    let site = deaf_to(["id__in"]).await;
    let some = site.things().filter(q("id__in", keys(1_000)));
    ids(some.clone()).await.unwrap();
    let trusting = some.on_ignored(OnIgnored::Trust);
    assert_eq!(ids(trusting).await.unwrap(), where_(|_| true));
}
