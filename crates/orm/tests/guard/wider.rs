//! Bare names of fields by which the server finds more than what is equal: a filter by parts, by no less than, by another number.

use django_api_orm::{ErrorKind, Manager, QuerySet, Result};
use django_api_orm_testserver::{Field, Paginator, Resource};
use serde_json::{Value, json};

use super::site::{Site, Thing, q, site};

/// Things with these names and ranks, filtered by name and rank in this way.
async fn things(rows: &[(&str, i64)], name: &str, rank: (&str, &str)) -> Site {
    let rows: Vec<Value> = (rows.iter())
        .map(|(name, rank)| json!({"name": name, "rank": rank}))
        .collect();
    let things = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("kind", 5).default("a"),
            Field::integer("rank").default(0),
        ])
        .paginator(Paginator::limit_offset().max_limit(5))
        .filter_as("name", "name", name)
        .filter_as("rank", rank.0, rank.1)
        .ordering(["rank", "id"])
        .rows(json!(rows));
    site(things).await
}

async fn ids(rows: QuerySet<Thing>) -> Result<Vec<i64>> {
    let rows = rows.await?;
    Ok(rows.iter().filter_map(|row| row.id).collect())
}

const RANKS: [(&str, i64); 12] = [
    ("a", 1),
    ("b", 2),
    ("c", 3),
    ("d", 4),
    ("e", 5),
    ("f", 6),
    ("g", 7),
    ("h", 8),
    ("i", 9),
    ("j", 10),
    ("k", 11),
    ("l", 12),
];

/// Some rows come, and show other values: these are not all rows that there are.
#[tokio::test]
async fn the_rows_of_another_filter_are_not_all_rows() {
    for lookup in ["gt", "gte", "lte"] {
        for rank in [3, 7, 10] {
            let site = things(&RANKS, "exact", ("rank", lookup)).await;
            let some = site.things().filter(q("rank", rank));
            for _ in 0..2 {
                assert_eq!(ids(some.clone()).await.unwrap(), [rank], "{lookup} {rank}");
                assert_eq!(some.first().await.unwrap().unwrap().id, Some(rank));
            }
            let site = things(&RANKS, "exact", ("rank", lookup)).await;
            let some = site.things().filter(q("rank", rank));
            assert!(some.exists().await.unwrap());
            assert_eq!(some.update([Thing::F.name.set("new")]).await.unwrap(), 1);
            assert_eq!(site.writes().len(), 1, "{lookup} {rank}");
        }
    }
}

/// One value that is not what was asked for is no form of it.
#[tokio::test]
async fn another_number_is_no_form_of_what_was_asked_for() {
    let rows = [("a", 1), ("b", 2), ("c", 7)];
    let site = things(&rows, "exact", ("rank", "gte")).await;
    let things = site.things();
    assert_eq!(ids(things.filter(q("rank", 5))).await.unwrap(), [0; 0]);
    let site = self::things(&rows, "exact", ("rank", "gte")).await;
    let error = site.things().get(q("rank", 5)).await.unwrap_err();
    assert!(error.is_does_not_exist());
    let site = self::things(&rows, "exact", ("rank", "gte")).await;
    for is_new in [true, false] {
        let (thing, created) = site
            .things()
            .get_or_create(
                q("rank", 5),
                [Thing::F.name.set("x"), Thing::F.kind.set("a")],
            )
            .await
            .unwrap();
        assert_eq!((thing.rank, created), (5, is_new));
    }
}

/// Found neither by what was asked for nor by what is shown for it: another field, or another unit. The server is believed about what it
/// sends; but no row is made or taken for it.
#[tokio::test]
async fn a_number_that_is_found_by_another_one_is_no_row_to_be_created() {
    let rows = [("1", 100), ("2", 200), ("3", 300)];
    let site = things(&rows, "exact", ("name", "exact")).await;
    let found = ids(site.things().filter(q("rank", 3))).await.unwrap();
    assert_eq!(found, [3]);
    let site = things(&rows, "exact", ("name", "exact")).await;
    let new = [Thing::F.name.set("x"), Thing::F.kind.set("a")];
    let error = site.things().get_or_create(q("rank", 3), new).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(
        error.to_string().contains("another value of the same kind"),
        "{error}"
    );
    assert!(site.writes().is_empty());
}

const NAMES: [(&str, i64); 8] = [
    ("Ann", 1),
    ("Anna", 5),
    ("Annabel", 9),
    ("Bob", 2),
    ("Bobby", 3),
    ("Cy", 4),
    ("red fox", 6),
    ("red fox", 7),
];

#[tokio::test]
async fn rows_with_a_longer_text_are_not_counted() {
    for lookup in ["icontains", "istartswith", "contains"] {
        for (name, expected) in [
            ("Ann", 1),
            ("Bob", 1),
            ("Cy", 1),
            ("red fox", 2),
            ("nn", 0),
            ("red fo", 0),
        ] {
            let site = things(&NAMES, lookup, ("rank", "exact")).await;
            let some = site.things().filter(q("name", name));
            for _ in 0..2 {
                assert_eq!(some.count().await.unwrap(), expected, "{lookup} {name}");
            }
            let site = things(&NAMES, lookup, ("rank", "exact")).await;
            let some = site.things().filter(q("name", name));
            let second = ids(some.order_by(["id"]).offset(1).limit(2)).await.unwrap();
            assert_eq!(
                second.len() as u64,
                expected.saturating_sub(1),
                "{lookup} {name}"
            );
        }
    }
    for (rank, expected) in [(7, 1), (11, 1), (13, 0)] {
        let site = things(&RANKS, "exact", ("rank", "gte")).await;
        let count = site.things().filter(q("rank", rank)).count().await.unwrap();
        assert_eq!(count, expected, "{rank}");
    }
}

/// Where one row is all that is seen, too.
#[tokio::test]
async fn a_first_row_with_a_longer_text_is_not_the_one() {
    async fn fresh(lookup: &str) -> (Site, Manager<Thing>) {
        let site = things(&NAMES, lookup, ("rank", "exact")).await;
        let things = site.things();
        (site, things)
    }
    for lookup in ["icontains", "istartswith"] {
        let (_site, things) = fresh(lookup).await;
        let latest = things
            .filter(q("name", "Ann"))
            .latest("rank")
            .await
            .unwrap();
        assert_eq!(latest.name, "Ann", "{lookup}");
        let (_site, things) = fresh(lookup).await;
        let highest = things.filter(q("name", "red")).order_by(["-rank"]);
        assert!(highest.first().await.unwrap().is_none(), "{lookup}");
        let (_site, things) = fresh(lookup).await;
        let both = things.filter(q("name", "Ann") & q("rank", 5));
        assert_eq!(ids(both).await.unwrap(), [0; 0], "{lookup}");
        let (site, things) = fresh(lookup).await;
        let found = things
            .get_or_create(q("name", "Ann") & q("rank", 5), [Thing::F.kind.set("a")])
            .await;
        assert_eq!(
            found.unwrap_err().kind(),
            ErrorKind::Unsupported,
            "{lookup}"
        );
        assert!(site.writes().is_empty());
    }
}
