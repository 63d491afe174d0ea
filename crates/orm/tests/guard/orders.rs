//! Ignored orderings, whole and key by key.

use std::cmp::Ordering;

use django_api_orm::{ErrorKind, OnIgnored, QuerySet, WarningKind, prelude::*};
use django_api_orm_testserver::{Field, Form, Paginator, Quirk, Reply, Resource, TestServer, View};
use http::Method;
use serde_json::{Value, json};

use super::site::{Thing, deaf_to, ids, q, resource, served, site, thing, where_, with_rows};

/// The keys in this order.
fn sorted_by<K: Ord>(key: impl Fn(&Thing) -> K) -> Vec<i64> {
    let mut keys = where_(|_| true);
    keys.sort_by_key(|id| key(&thing(*id)));
    keys
}

#[tokio::test]
async fn an_ignored_ordering_is_sorted_here() {
    let site = deaf_to(["ordering"]).await;
    let by_rank = site.things().order_by(["rank", "-id"]);
    let expected = sorted_by(|thing| (thing.rank, -thing.id.unwrap()));
    assert_eq!(ids(by_rank.clone()).await.unwrap(), expected);
    assert_eq!(ids(by_rank.clone()).await.unwrap(), expected);
    let subjects: Vec<_> = site.warnings();
    assert_eq!(
        subjects,
        [(WarningKind::OrderingIgnored, "rank".to_owned())],
        "once"
    );
    assert_eq!(
        ids(by_rank.range(100..110)).await.unwrap(),
        expected[100..110]
    );
}

#[tokio::test]
async fn no_page_is_read_twice_to_sort_it_client_side() {
    let rows: Vec<_> = (1..=330)
        .map(|id| {
            let name = ["Bob", "ann"][id % 2];
            json!({"id": id, "name": name, "kind": "a", "rank": 330 - id})
        })
        .collect();
    // Databases do not agree whether `Bob` comes before `ann`, so there a doubt has to be settled by two more requests.
    for (order, probes) in [(["rank", "-id"], 0), (["name", "id"], 2)] {
        let deaf = Quirk::ignore_parameters(["ordering"]);
        let site = site(with_rows(&json!(rows)).quirk(deaf)).await;
        let query = site.things().order_by(order);
        let told = |query: &QuerySet<Thing>| query.explain().unwrap().requests(330);
        assert_eq!(told(&query), None, "the size of a page is not known");
        for probes in [probes, 0] {
            let (rows, requests) = site.cost(ids(query.clone())).await;
            assert_eq!((rows.unwrap().len(), requests), (330, 4 + probes));
            assert_eq!(told(&query), Some(4), "{order:?}");
        }
        let explained = query.explain().unwrap();
        assert_eq!(explained.pushed(), [], "it is not asked again");
        assert!(
            explained.to_string().contains("sorted client-side"),
            "{explained}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_has_handed_out_nothing_sorts_client_side_too() {
    let site = deaf_to(["ordering"]).await;
    let mut rows = site.things().order_by(["rank", "-id"]).stream();
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        found.extend(row.id);
    }
    assert_eq!(
        found,
        sorted_by(|thing| (thing.rank, -thing.id.unwrap())),
        "the first page shows it"
    );
    assert_eq!(site.client.stats().requests, 4);
}

#[tokio::test]
async fn a_stream_that_has_handed_out_rows_ends_with_an_error() {
    // The first page is in order by chance.
    let rows: Vec<_> = (1..=330)
        .map(|id| json!({"id": id, "name": "", "kind": "a", "rank": if id < 150 { 1 } else { 0 }}))
        .collect();
    let resource = with_rows(&json!(rows)).quirk(Quirk::ignore_parameters(["ordering"]));
    let site = site(resource).await;
    let mut rows = site.things().order_by(["rank"]).stream();
    let mut found = 0;
    let error = loop {
        match rows.try_next().await {
            Ok(Some(_)) => found += 1,
            Ok(None) => panic!("{found} rows in the wrong order"),
            Err(error) => break error,
        }
    };
    assert_eq!((found, error.kind()), (100, ErrorKind::Unsupported));
    let (collected, requests) = site.cost(ids(site.things().order_by(["rank"]))).await;
    assert_eq!(collected.unwrap()[0], 150);
    assert_eq!(requests, 4);
}

#[tokio::test]
async fn an_ignored_ordering_is_noticed_in_a_slice_and_at_both_ends() {
    let expected = sorted_by(|thing| (thing.rank, -thing.id.unwrap()));
    let by_rank = async || deaf_to(["ordering"]).await;
    let site = by_rank().await;
    let slice = site.things().order_by(["rank", "-id"]).range(200..205);
    assert_eq!(ids(slice).await.unwrap(), expected[200..205]);
    let site = by_rank().await;
    let first = site
        .things()
        .order_by(["rank", "-id"])
        .first()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.id, expected.first().copied());
    let site = by_rank().await;
    let last = site
        .things()
        .order_by(["rank", "-id"])
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, expected.last().copied());
    let site = by_rank().await;
    let last = site
        .things()
        .filter(q("kind", "b"))
        .order_by(["-id"])
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, Some(2));
}

#[tokio::test]
async fn an_ignored_ordering_can_be_an_error_or_trusted() {
    for slice in [false, true] {
        let site = deaf_to(["ordering"]).await;
        let by_rank = site.things().order_by(["rank", "-id"]);
        let by_rank = if slice { by_rank.limit(10) } else { by_rank };
        let error = ids(by_rank.on_ignored(OnIgnored::Error)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
        let trusted = ids(by_rank.on_ignored(OnIgnored::Trust)).await.unwrap();
        assert_eq!(
            trusted[..10],
            where_(|_| true)[..10],
            "the server's own order"
        );
        assert_eq!(site.warnings(), []);
    }
}

fn ordering_by(fields: &[&str]) -> Resource {
    resource().ordering(fields.iter().copied())
}

#[tokio::test]
async fn one_dropped_key_of_two_is_noticed() {
    let by_kind_and_rank = sorted_by(|thing| (thing.kind.clone(), -thing.rank, thing.id));
    let order = ["kind", "-rank", "id"];
    for known in [["kind", "id"], ["rank", "id"], ["kind", "rank"]] {
        let dropped = order
            .map(|key| key.trim_start_matches('-'))
            .into_iter()
            .find(|key| !known.contains(key));
        let site = site(ordering_by(&known)).await;
        let found = ids(site.things().order_by(order)).await.unwrap();
        assert_eq!(found, by_kind_and_rank, "{dropped:?} is dropped");
        let site = self::site(ordering_by(&known)).await;
        let slice = ids(site.things().order_by(order).range(150..155))
            .await
            .unwrap();
        assert_eq!(slice, by_kind_and_rank[150..155], "{dropped:?} is dropped");
    }
}

#[tokio::test]
async fn the_dropped_key_is_the_one_warned_of() {
    let site = site(ordering_by(&["kind", "id"])).await;
    ids(site.things().order_by(["kind", "-rank", "id"]))
        .await
        .unwrap();
    assert_eq!(
        site.warnings(),
        [(WarningKind::OrderingIgnored, "rank".to_owned())]
    );
}

/// A server that takes `-rank` for something else sends the rows in its own order; both ends differ all the same.
#[tokio::test]
async fn rows_in_the_wrong_order_overrule_ends_that_differ() {
    let ranks = [7, 14, 21, 3, 8];
    let rows: Vec<_> = (ranks.iter().zip(1..))
        .map(|(rank, id)| json!({"id": id, "name": "x", "kind": "a", "rank": rank}))
        .collect();
    let without_descending = || with_rows(&json!(rows)).quirk(Quirk::NoDescending);
    let site = site(without_descending()).await;
    let down = site.things().order_by(["-rank"]);
    assert_eq!(
        down.first().await.unwrap().map(|thing| thing.rank),
        Some(21)
    );
    let site = self::site(without_descending()).await;
    let down = site.things().order_by(["-rank"]);
    for (range, expected) in [(0..3, [3, 2, 5]), (2..5, [5, 1, 4])] {
        assert_eq!(ids(down.range(range)).await.unwrap(), expected);
    }
    let site = self::site(without_descending()).await;
    let down = site.things().order_by(["-rank"]);
    assert_eq!(ids(down.clone()).await.unwrap(), [3, 2, 5, 1, 4]);
    assert_eq!(ids(down.limit(3)).await.unwrap(), [3, 2, 5]);
    assert_eq!(
        site.warnings(),
        [(WarningKind::OrderingIgnored, "rank".to_owned())]
    );
    let site = self::site(without_descending()).await;
    let strict = site.things().order_by(["-rank"]);
    let strict = strict.on_ignored(OnIgnored::Error);
    let error = strict.first().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
}

#[tokio::test]
async fn a_null_among_other_values_is_an_order_of_no_database() {
    let rows = json!([
        {"name": "a", "rank": 3}, {"name": "b", "rank": null}, {"name": "c", "rank": 3}, {"name": "d", "rank": 1}
    ]);
    let table = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::integer("rank").null(),
        ])
        .paginator(Paginator::limit_offset())
        .rows(rows)
        .quirk(Quirk::NoDescending)
        .ordering(["id", "rank"]);
    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Ranked {
        id: Option<i64>,
        rank: Option<i64>,
    }
    let site = site(table).await;
    let ranked = site.client.objects::<Ranked>();
    let rows = ranked.order_by(["-rank"]).await.unwrap();
    let ids: Vec<_> = rows.iter().filter_map(|row| row.id).collect();
    assert_eq!(ids, [1, 3, 4, 2]);
}

/// The ends of both directions show one text, which the server turns all the same: it was cut off.
#[tokio::test]
async fn ends_that_look_equal_are_not_when_their_texts_are_cut_off() {
    let rows = json!([
        {"id": 1, "name": "ann b", "kind": "a", "rank": 1}, {"id": 2, "name": "ann", "kind": "a", "rank": 1}
    ]);
    let cut = Quirk::Show("name".to_owned(), Form::Shortened(2));
    let site = site(with_rows(&rows).quirk(cut)).await;
    let by_name = site.things().order_by(["name", "id"]);
    for _ in 0..2 {
        let first = by_name.first().await.unwrap();
        assert_eq!(first.and_then(|thing| thing.id), Some(2));
        let last = by_name.last().await.unwrap();
        assert_eq!(last.and_then(|thing| thing.id), Some(1));
        assert_eq!(ids(by_name.clone()).await.unwrap(), [2, 1]);
    }
    assert_eq!(site.warnings(), []);
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    status: String,
    featured: bool,
}

/// Codes in another order than their labels, and a second key that the server does not sort by.
#[tokio::test]
async fn nothing_is_sorted_by_labels_behind_which_a_key_is_ignored() {
    let rows: Vec<Value> = [
        ("x", true),
        ("x", false),
        ("x", true),
        ("x", false),
        ("x", true),
        ("pub", true),
        ("arch", true),
    ]
    .into_iter()
    .zip(1..)
    .map(|((status, featured), id)| json!({"id": id, "status": status, "featured": featured}))
    .collect();
    let labels = [
        ("x", "Deleted for good"),
        ("pub", "Published"),
        ("arch", "Archived"),
    ];
    let labels = labels.map(|(code, label)| (code.to_owned(), label.to_owned()));
    let posts = Resource::new("posts")
        .fields([
            Field::integer("id").primary_key(),
            Field::choice("status", ["x", "pub", "arch"]),
            Field::boolean("featured"),
        ])
        .paginator(Paginator::page_number(15))
        .filter("status", ["exact"])
        .ordering(["id", "status"])
        .rows(json!(rows))
        .quirk(Quirk::Show("status".to_owned(), Form::Label(labels.into())));
    for order in [["-status", "featured"], ["status", "featured"]] {
        for range in [None, Some(1..4), Some(0..2)] {
            let server = TestServer::builder().resource(posts.clone());
            let server = server.start().await.unwrap();
            let client = ServiceClient::new(server.base_url()).unwrap();
            let sorted = client.objects::<Post>().order_by(order);
            let found = match range.clone() {
                Some(range) => sorted.range(range).fetch().await,
                None => sorted.fetch().await,
            };
            let error = found.expect_err(&format!("{order:?} {range:?}"));
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/ranks/")]
struct Ranked {
    id: Option<i64>,
    rank: Option<i64>,
}

/// A few rows in the order of their keys are in that order by chance, with nulls at the end.
#[tokio::test]
async fn nulls_at_the_other_end_do_not_show_that_the_server_sorts() {
    let rows = json!([{"id": 1, "rank": 1}, {"id": 2, "rank": 2}, {"id": 3, "rank": null}]);
    let ranks = Resource::new("ranks")
        .fields([
            Field::integer("id").primary_key(),
            Field::integer("rank").null(),
        ])
        .paginator(Paginator::limit_offset())
        .ordering(["id"])
        .rows(rows);
    let server = TestServer::builder().resource(ranks).start().await.unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    let ranks = client.objects::<Ranked>();
    for (order, expected) in [("rank", [3, 1, 2]), ("-rank", [2, 1, 3])] {
        let found = ranks.order_by([order, "id"]).fetch().await.unwrap();
        let ids: Vec<i64> = found.iter().filter_map(|row| row.id).collect();
        assert_eq!(ids, expected, "{order}");
    }
}

/// What a server makes of several keys that it sorts by one by one.
#[derive(Debug, Clone, Copy)]
enum Together {
    All,
    First,
    Last,
    OneDirection,
    None,
}

impl Together {
    fn of(self, keys: &[String]) -> Vec<String> {
        let bare = |key: &String| key.trim_start_matches('-').to_owned();
        match (self, keys) {
            (_, [] | [_]) | (Self::All, _) => keys.to_vec(),
            (Self::First, _) => keys[..1].to_vec(),
            (Self::Last, _) => keys[keys.len() - 1..].to_vec(),
            (Self::OneDirection, _) => keys.iter().map(bare).collect(),
            (Self::None, _) => Vec::new(),
        }
    }
}

/// Each key is sorted by alone, which says nothing of both.
#[tokio::test]
async fn keys_that_a_server_sorts_by_are_not_sorted_by_together() {
    let rows: Vec<Value> = (1..=12)
        .map(|id: usize| {
            let rank = [3, 3, 1, 1, 2, 2][id % 6];
            json!({"id": id, "name": "a", "kind": "a", "rank": rank})
        })
        .collect();
    for together in [
        Together::All,
        Together::First,
        Together::Last,
        Together::OneDirection,
        Together::None,
    ] {
        for keys in [["rank", "-id"], ["-rank", "-id"], ["-rank", "id"]] {
            let of_server = rows.clone();
            let list = View::new("/api/v1/things/", [Method::GET], move |call| {
                let asked = call.parameter("ordering").unwrap_or_default();
                let keys: Vec<String> = (asked.split(',').filter(|key| !key.is_empty()))
                    .map(str::to_owned)
                    .collect();
                let mut rows = of_server.clone();
                rows.sort_by(|one, other| {
                    let by = |key: &String| {
                        let name = key.trim_start_matches('-');
                        let order = one[name].as_i64().cmp(&other[name].as_i64());
                        if key.starts_with('-') {
                            order.reverse()
                        } else {
                            order
                        }
                    };
                    let orders = together.of(&keys).into_iter().map(|key| by(&key));
                    orders.fold(Ordering::Equal, Ordering::then)
                });
                let number = |name: &str| call.parameter(name).and_then(|text| text.parse().ok());
                let (offset, size) = (number("offset").unwrap_or(0), number("limit").unwrap_or(5));
                let page: Vec<_> = rows.into_iter().skip(offset).take(size.min(5)).collect();
                Ok(Reply::ok(&json!({"total": 12, "items": page})))
            });
            let (_server, client) = served(list).await;
            let things = client.objects::<Thing>();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| {
                let value = |key: &str| {
                    let value = row[key.trim_start_matches('-')].as_i64().unwrap();
                    if key.starts_with('-') { -value } else { value }
                };
                (value(keys[0]), value(keys[1]))
            });
            let expected: Vec<Option<i64>> =
                expected.iter().map(|row| row["id"].as_i64()).collect();
            let context = format!("{together:?}, {keys:?}");
            for _ in 0..2 {
                let sorted = things.all().order_by(keys);
                let first = sorted.first().await.unwrap().unwrap();
                assert_eq!(first.id, expected[0], "{context}");
                let some = sorted.offset(2).limit(3).await.unwrap();
                let some: Vec<_> = some.iter().map(|row| row.id).collect();
                assert_eq!(some, expected[2..5], "{context}");
                let last = sorted.last().await.unwrap().unwrap();
                assert_eq!(last.id, expected[11], "{context}");
            }
        }
    }
}
