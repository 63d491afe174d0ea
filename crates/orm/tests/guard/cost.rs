//! What common queries cost in requests, on a server that honours them: what the documentation of the methods says.

use super::site::{Thing, deaf_to, ids, q, resource, site, where_};

/// Whatever a call needs lies in one box: its future is moved many times before it is polled.
#[tokio::test]
async fn a_call_is_a_pointer() {
    let site = site(resource()).await;
    let things = site.things();
    let pointer = size_of::<usize>();
    assert_eq!(size_of_val(&things.get(q("id", 7))), pointer);
    assert_eq!(size_of_val(&things.first()), pointer);
    assert_eq!(size_of_val(&things.count()), pointer);
    assert_eq!(size_of_val(&things.all().fetch()), pointer);
    let new = serde_json::json!({"name": "new"});
    assert_eq!(size_of_val(&things.create(&new)), pointer);
}

#[tokio::test]
async fn lists_cost_their_pages() {
    let site = site(resource()).await;
    let things = site.things();
    let (rows, requests) = site.cost(ids(things.all())).await;
    assert_eq!((rows.unwrap().len(), requests), (330, 4));
    let (rows, requests) = site.cost(ids(things.all().limit(100))).await;
    assert_eq!((rows.unwrap().len(), requests), (100, 1));
    let (rows, requests) = site.cost(ids(things.filter(q("kind", "b")))).await;
    assert_eq!((rows.unwrap().len(), requests), (110, 2));
    let (rows, requests) = site
        .cost(ids(things
            .filter(q("rank__in", [1, 2]))
            .order_by(["-rank", "id"])))
        .await;
    assert_eq!((rows.unwrap().len(), requests), (66, 1));
    let (rows, requests) = site.cost(ids(things.all().range(150..160))).await;
    assert_eq!((rows.unwrap().len(), requests), (10, 1));
    let (rows, requests) = site
        .cost(ids(things.filter(q("id__in", serde_json::json!([])))))
        .await;
    assert_eq!((rows.unwrap().len(), requests), (0, 0));
    let (rows, requests) = site.cost(ids(things.all().limit(0))).await;
    assert_eq!((rows.unwrap().len(), requests), (0, 0));
}

#[tokio::test]
async fn what_is_less_than_a_list_costs_one_request() {
    let site = site(resource()).await;
    let things = site.things();
    let (count, requests) = site.cost(things.count()).await;
    assert_eq!((count.unwrap(), requests), (330, 1));
    let (exists, requests) = site.cost(things.exists()).await;
    assert_eq!((exists.unwrap(), requests), (true, 1));
    let (first, requests) = site.cost(things.first()).await;
    assert_eq!((first.unwrap().unwrap().id, requests), (Some(1), 1));
    let (last, requests) = site.cost(things.last()).await;
    assert_eq!((last.unwrap().unwrap().id, requests), (Some(330), 2));
    for filter in [
        q("id", 7),
        q("name", "thing 007"),
        q("id__in", serde_json::json!([7])),
    ] {
        let (one, requests) = site.cost(things.get(filter)).await;
        assert_eq!((one.unwrap().id, requests), (Some(7), 1));
    }
    let seven = things.get(q("id", 7)).await.unwrap();
    let of_a_kind = things.filter(q("kind", "a"));
    for (contains, target) in [
        (things.all().contains(&seven), "/api/v1/things/7/"),
        (
            of_a_kind.contains(&seven),
            "/api/v1/things/?kind=a&id=7&limit=1",
        ),
    ] {
        let (contains, requests) = site.cost(contains).await;
        assert_eq!((contains.unwrap(), requests), (true, 1));
        assert_eq!(site.server.requests().pop().unwrap().target(), target);
    }
    let (many, requests) = site.cost(things.all().in_bulk(1..=250_i64)).await;
    assert_eq!((many.unwrap().len(), requests), (250, 3));
}

#[tokio::test]
async fn a_row_is_contained_whatever_the_server_filters_by() {
    let site = deaf_to(["id"]).await;
    let things = site.things();
    let seven = things.get(q("name", "thing 007")).await.unwrap();
    let (contains, requests) = site.cost(things.contains(&seven)).await;
    assert_eq!((contains.unwrap(), requests), (true, 1));
    let among_others = things.filter(q("kind", "b")).contains(&seven).await;
    assert!(!among_others.unwrap());
}

#[tokio::test]
async fn a_proof_is_paid_once() {
    let site = site(resource()).await;
    let things = site.things();
    // A page of one row with the filter, one without it: the counts differ, so it is honoured.
    for (kind, expected) in [("b", 2), ("c", 1), ("a", 1)] {
        let (count, requests) = site.cost(things.filter(q("kind", kind)).count()).await;
        assert_eq!((count.unwrap(), requests), (110, expected));
    }
    let kind_c = things.filter(q("kind", "c"));
    let (last, requests) = site.cost(kind_c.last()).await;
    assert_eq!((last.unwrap().unwrap().id, requests), (Some(330), 2));
    let (slice, requests) = site.cost(ids(kind_c.range(50..60))).await;
    assert_eq!((slice.unwrap().len(), requests), (10, 1));
    // Two requests show that the server sorts by it.
    let ordered = kind_c.order_by(["-rank"]);
    for expected in [3, 1] {
        let (first, requests) = site.cost(ordered.first()).await;
        assert_eq!((first.unwrap().unwrap().rank, requests), (9, expected));
    }
    let (last, requests) = site.cost(ordered.last()).await;
    assert_eq!((last.unwrap().unwrap().rank, requests), (0, 1));
}

#[tokio::test]
async fn probes_ask_once_for_what_several_of_them_need() {
    // A page of one row with all three filters, and one without each of them. Where one leaves out so few rows that they may just
    // have been added, the first page once more.
    for (above, first) in [(99, 1 + 3), (9, 1 + 3 + 1)] {
        let site = site(resource()).await;
        let filtered = q("kind", "b") & q("rank__gte", 3) & q("id__gt", above);
        let filtered = site.things().filter(filtered);
        let there = where_(|thing| thing.kind == "b" && thing.rank >= 3 && thing.id > Some(above));
        for expected in [first, 1] {
            let (count, requests) = site.cost(filtered.count()).await;
            assert_eq!((count.unwrap(), requests), (there.len() as u64, expected));
        }
    }
    let site = self::site(resource()).await;
    ids(site.things().all()).await.unwrap();
    let slice = site
        .things()
        .filter(q("kind", "b") & q("rank__gte", 3))
        .range(50..60);
    for expected in [1 + 2 + 1, 1] {
        let explained = slice.explain().unwrap();
        assert_eq!(explained.requests(77), Some(expected), "{explained}");
        let (rows, requests) = site.cost(ids(slice.clone())).await;
        assert_eq!((rows.unwrap().len(), requests), (10, expected));
    }
}

#[tokio::test]
async fn writes_cost_what_they_say() {
    let site = deaf_to([]).await;
    let things = site.things();
    let rank = |rank: i64| [Thing::F.rank.set(rank)];
    let name = |name: &str| q("name", name);
    let (found, requests) = site
        .cost(things.get_or_create(name("thing 009"), rank(1)))
        .await;
    assert_eq!((found.unwrap().1, requests), (false, 1));
    let (made, requests) = site.cost(things.get_or_create(name("new"), rank(1))).await;
    assert_eq!((made.unwrap().1, requests), (true, 2));
    let (found, requests) = site
        .cost(things.update_or_create(name("new"), rank(1)))
        .await;
    assert_eq!((found.unwrap().1, requests), (false, 1), "it has that rank");
    let (found, requests) = site
        .cost(things.update_or_create(name("new"), rank(2)))
        .await;
    assert_eq!((found.unwrap().1, requests), (false, 2));
    let (changed, requests) = site.cost(things.filter(name("new")).update(rank(2))).await;
    assert_eq!((changed.unwrap(), requests), (1, 1));
    let (changed, requests) = site.cost(things.filter(name("new")).update(rank(3))).await;
    assert_eq!((changed.unwrap(), requests), (1, 2));
    let (deleted, requests) = site.cost(things.filter(name("new")).delete()).await;
    assert_eq!((deleted.unwrap(), requests), (1, 2));
}
