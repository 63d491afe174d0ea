//! Lists of values that the client makes by itself, and that the server refuses: nobody hears of a parameter that he has not asked for.

use django_api_orm::{ErrorKind, Filter, QuerySet};
use django_api_orm_testserver::{Field, Paginator, Quirk, Resource, Unknown};
use http::StatusCode;
use serde_json::{Value, json};

use super::site::{Site, Thing, q, site, thing, where_};

/// Things that are filtered by equality, and by nothing else: a parameter that the server does not know is refused.
async fn start() -> Site {
    let rows: Vec<Value> = (1..=330).map(|id| json!(thing(id))).collect();
    let fields = [
        Field::integer("id").primary_key(),
        Field::text("name", 50),
        Field::text("kind", 5),
        Field::integer("rank"),
    ];
    let names = ["id", "name", "kind", "rank"];
    let things = Resource::new("things")
        .fields(fields)
        .paginator(Paginator::limit_offset().max_limit(100))
        .filters(names.map(|name| (name, ["exact"])))
        .quirk(Quirk::Unknown(Unknown::Refused(StatusCode::BAD_REQUEST)))
        .rows(json!(rows));
    site(things).await
}

fn either(one: i64, other: i64) -> Filter<Thing> {
    q("rank", one) | q("rank", other)
}

fn asked_for_lists(site: &Site) -> usize {
    let requests = site.server.requests().into_iter();
    requests
        .filter(|request| request.query().contains("__in"))
        .count()
}

async fn ids(query: QuerySet<Thing>) -> Vec<i64> {
    let rows = query.await.unwrap();
    rows.iter().filter_map(|row| row.id).collect()
}

#[tokio::test]
async fn an_or_is_evaluated_where_its_list_is_refused() {
    let site = start().await;
    let things = site.things();
    let right = where_(|thing| [1, 2].contains(&thing.rank));
    let (found, first) = site.cost(ids(things.filter(either(1, 2)))).await;
    assert_eq!(found, right);
    let (found, again) = site.cost(ids(things.filter(either(1, 2)))).await;
    assert_eq!((found, first), (right, again + 1), "it is remembered");
    let lists = asked_for_lists(&site);
    // Of another list a second refusal tells that the server takes none.
    things.filter(either(3, 4)).await.unwrap();
    assert_eq!(asked_for_lists(&site), lists + 1);
    things.filter(either(5, 6)).await.unwrap();
    assert_eq!(asked_for_lists(&site), lists + 1);
    assert!(site.warnings().is_empty(), "{:?}", site.warnings());
}

#[tokio::test]
async fn every_answer_goes_on_without_it() {
    let right = where_(|thing| [1, 2].contains(&thing.rank));
    let site = start().await;
    let count = site.things().filter(either(1, 2)).count().await.unwrap();
    assert_eq!(count, right.len() as u64);
    let site = start().await;
    let first = site.things().filter(either(1, 2)).first().await.unwrap();
    assert_eq!(first.unwrap().id, right.first().copied());
    let site = start().await;
    let last = site.things().filter(either(1, 2)).last().await.unwrap();
    assert_eq!(last.unwrap().id, right.last().copied());
    let site = start().await;
    assert!(site.things().filter(either(1, 2)).exists().await.unwrap());
    let site = start().await;
    let some = site.things().filter(either(1, 2)).offset(3).limit(4);
    assert_eq!(ids(some).await, right[3..7]);
    let site = start().await;
    let kind = |kind: &str| q("kind", kind);
    let query = site.things().filter(either(1, 2) & (kind("a") | kind("b")));
    let right = where_(|thing| [1, 2].contains(&thing.rank) && thing.kind != "c");
    assert_eq!(ids(query).await, right);
    let site = start().await;
    let some = site.things().filter(q("id", 7) | q("id", 9));
    assert_eq!(some.update([Thing::F.name.set("new")]).await.unwrap(), 2);
}

#[tokio::test]
async fn rows_by_keys_are_asked_for_one_by_one() {
    let site = start().await;
    let found = site.things().in_bulk([3, 5, 999]).await.unwrap();
    let mut keys: Vec<i64> = found.keys().copied().collect();
    keys.sort_unstable();
    assert_eq!(keys, [3, 5]);
}

#[tokio::test]
async fn what_is_asked_for_is_refused_all_the_same() {
    let site = start().await;
    let asked = site.things().filter(Thing::F.rank.in_([1, 2]));
    let error = asked.fetch().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST), "{error}");
    // Another part is to blame.
    let unknown = Filter::lookup("rank__gte", 1);
    let error = site.things().filter(either(1, 2) & unknown).fetch().await;
    let error = error.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST), "{error}");
    assert_ne!(error.kind(), ErrorKind::Unsupported);
    let lists = asked_for_lists(&site);
    site.things().filter(either(1, 2)).await.unwrap();
    assert_eq!(
        asked_for_lists(&site),
        lists + 1,
        "nothing was learnt of the list"
    );
}
