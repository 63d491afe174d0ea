//! The matrix: every paginator, with filter backends and without, gives the same answers to the same queries.
//!
//! Each cell runs all queries of [`plans`], and each query is asked in some of the ways: as a list, a stream, a count, and so on.
//! Where the server has no filter backend, these are the answers behind ignored filters and orders.

mod plans;
mod warm;

use std::{collections::BTreeSet, fmt::Debug};

use django_api_orm::{Error, ErrorKind, OnIgnored, WarningKind};

use self::plans::Plan;
use super::super::prelude::*;
use crate::{Case, Outcome, fixture, models::*};

/// The ways to ask.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Fetch,
    Stream,
    Count,
    Exists,
    First,
    Last,
    Get,
    InBulk,
    ValuesList,
}

const WAYS: [Asked; 9] = [
    Asked::Fetch,
    Asked::Stream,
    Asked::Count,
    Asked::Exists,
    Asked::First,
    Asked::Last,
    Asked::Get,
    Asked::InBulk,
    Asked::ValuesList,
];

/// How many of them a query is asked in on the test server. The real site answers each query once.
const WAYS_FOR_ONE: usize = 4;

/// Whether the server of the endpoint filters and sorts.
fn honours(endpoint: &str) -> bool {
    endpoint.ends_with("-on")
}

/// The items behind an endpoint, by a client that knows nothing of it yet.
fn by_a_new_client(site: &Site, endpoint: &str) -> Result<Manager<Item>, django_api_orm::Error> {
    // Certificates have no part in this, and reading them takes a while.
    let client = site.builder().platform_roots(false).build()?;
    Ok(client.objects().at(&format!("/api/v1/items/{endpoint}/")))
}

/// One query, asked in one way.
#[case]
async fn ask(query: &QuerySet<Item>, plan: &Plan, way: Asked, expected: &[i64]) -> Outcome {
    match way {
        Asked::Fetch => {
            let rows = query.fetch().await?;
            same(&*ids(&rows), expected)
        }
        Asked::Stream => {
            let mut stream = query.stream();
            let mut found = Vec::new();
            while let Some(row) = stream.try_next().await? {
                found.push(row.id());
            }
            same(&*found, expected)
        }
        Asked::Count => {
            let count = query.count().await?;
            same(&count, &(expected.len() as u64))
        }
        Asked::Exists => {
            let exists = query.exists().await?;
            same(&exists, &!expected.is_empty())
        }
        Asked::First => {
            let first = query.first().await?;
            same(&first.map(|row| row.id()), &expected.first().copied())
        }
        Asked::Last => {
            let last = query.last().await?;
            same(&last.map(|row| row.id()), &expected.last().copied())
        }
        // A slice takes no further filter, as in Django.
        Asked::Get | Asked::InBulk if plan.is_sliced() => Ok(()),
        Asked::Get => {
            for key in [1, 33, 130] {
                let found = match query.get(Item::F.id.eq(key)).await {
                    Ok(row) => Some(row.id()),
                    Err(error) if error.is_does_not_exist() => None,
                    Err(error) => return Err(error.into()),
                };
                same(&found, &expected.contains(&key).then_some(key))?;
            }
            Ok(())
        }
        Asked::InBulk => {
            let keys = [2, 33, 130, 4000, 61];
            let rows = query.in_bulk(keys).await?;
            let found: BTreeSet<i64> = rows.keys().copied().collect();
            let wanted = keys.into_iter().filter(|key| expected.contains(key));
            same(&found, &wanted.collect())
        }
        Asked::ValuesList => {
            let pairs = query.values_list((Item::F.id, Item::F.rank)).await?;
            let items = fixture::items();
            let wanted = expected
                .iter()
                .map(|id| (*id, items[*id as usize - 1].rank));
            same(&pairs, &wanted.collect())
        }
    }
}

/// As `assert_eq!`, but it lets the other queries run.
fn same<T: PartialEq + Debug + ?Sized>(found: &T, expected: &T) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found:?}, expected {expected:?}").into())
    }
}

#[case]
async fn answers(site: Site, endpoint: &'static str) -> Outcome {
    let items = fixture::items();
    let known = site.items(endpoint);
    let mut wrong = Vec::new();
    for (number, plan) in plans::all().iter().enumerate() {
        let expected = plan.expected(&items, honours(endpoint));
        let unknown = by_a_new_client(&site, endpoint)?;
        if site.is_django() {
            // Another way behind each endpoint, and a client that knows the endpoint for every third query.
            let way = WAYS[(number + column(endpoint)) % WAYS.len()];
            let manager = if (number + number / WAYS.len()).is_multiple_of(3) {
                &known
            } else {
                &unknown
            };
            let query = (plan.query)(manager);
            wrong.extend(wrongly(plan, way, ask(&query, plan, way, &expected).await));
            continue;
        }
        // What a client learns from one answer it uses for the next, so every way comes first for some of the queries. Not
        // every way for each of them: that would take minutes.
        for turn in 0..WAYS_FOR_ONE {
            let way = WAYS[(number + 2 * turn) % WAYS.len()];
            let query = (plan.query)(&unknown);
            wrong.extend(wrongly(plan, way, ask(&query, plan, way, &expected).await));
        }
        let query = (plan.query)(&known);
        let way = WAYS[number % 3];
        wrong.extend(wrongly(plan, way, ask(&query, plan, way, &expected).await));
    }
    none_of(&wrong)
}

fn none_of(wrong: &[String]) -> Outcome {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

fn wrongly(plan: &Plan, way: Asked, outcome: Outcome) -> Option<String> {
    outcome
        .err()
        .map(|error| format!("{} as {way:?}: {error}", plan.name))
}

/// `explain()` tells what a list costs, once the client has seen a page and what the server ignores.
#[case]
async fn costs(site: Site, endpoint: &'static str) -> Outcome {
    let items = fixture::items();
    let mut wrong = Vec::new();
    let (mut told, mut fetched) = (0, 0);
    for (number, plan) in plans::all().iter().enumerate() {
        // What a call costs is the client's doing. Django is asked each query behind one of the endpoints.
        if site.is_django() && number % ENDPOINTS.len() != column(endpoint) {
            continue;
        }
        let client = site.builder().platform_roots(false).build()?;
        let manager: Manager<Item> = client.objects().at(&format!("/api/v1/items/{endpoint}/"));
        manager.all().fetch().await?;
        let query = (plan.query)(&manager);
        for time in 0..3 {
            let before = query.explain()?;
            let filtered = before.pushed().iter().any(|(name, _)| name != "ordering");
            let rows = if filtered {
                plan.rows_on_the_server(&items)
            } else {
                items.len()
            };
            let requests = client.stats().requests;
            query.fetch().await?;
            fetched += 1;
            let requests = client.stats().requests - requests;
            if query.explain()?.pushed() != before.pushed() {
                // The server did not do as asked, and that is known now.
                continue;
            }
            let Some(expected) = before.requests(rows as u64) else {
                continue;
            };
            told += 1;
            if expected != requests {
                wrong.push(format!(
                    "{}, time {time}: {expected} requests for {rows} rows expected, {requests} made\n{before}",
                    plan.name
                ));
            }
        }
    }
    // Behind an endpoint Django is asked a few queries, which may be those that cannot be told.
    assert!(
        2 * told > fetched || site.is_django() && told > 0,
        "told {told} times of {fetched}"
    );
    none_of(&wrong)
}

/// An ignored filter or order is told of once, or raised.
#[case]
async fn notices(site: Site, endpoint: &'static str) -> Outcome {
    let items = site.items(endpoint);
    let toys = fixture::ids_of(&fixture::items(), |item| item.flag && item.kind == "toy");
    let query = items.filter(Item::F.kind.eq("toy") & Item::F.flag.eq(true));
    let sorted = items.order_by([Item::F.rank.desc(), Item::F.id.asc()]);
    for _ in 0..2 {
        let rows = query.fetch().await?;
        assert_eq!(ids(&rows), toys);
        let count = query.count().await?;
        assert_eq!(count as usize, toys.len());
        let others = items.filter(Item::F.kind.eq("tool")).count().await?;
        assert_eq!(others, 26);
        let first = sorted.first().await?;
        assert_eq!(first.and_then(|item| item.rank), Some(16));
        sorted.fetch().await?;
    }
    let mut warnings = site.warnings();
    warnings.sort_by_key(|(kind, subject)| (format!("{kind:?}"), subject.clone()));
    let expected = [
        (WarningKind::FilterIgnored, "flag".to_owned()),
        (WarningKind::FilterIgnored, "kind".to_owned()),
        (WarningKind::OrderingIgnored, "rank".to_owned()),
    ];
    assert_eq!(
        warnings,
        if honours(endpoint) {
            Vec::new()
        } else {
            expected.to_vec()
        }
    );
    let strict = by_a_new_client(&site, endpoint)?.on_ignored(OnIgnored::Error);
    let query = strict.filter(Item::F.kind.eq("tool"));
    let results = [
        query.fetch().await.map(|rows| rows.len()),
        query.count().await.map(|count| count as usize),
        query.get(Item::F.id.eq(5)).await.map(|_| 26),
        query.first().await.map(|first| first.map_or(0, |_| 26)),
    ];
    for result in results {
        match result {
            Ok(count) => assert!(honours(endpoint) && count == 26, "{count}"),
            Err(error) => assert!(
                !honours(endpoint) && error.kind() == ErrorKind::Ignored,
                "{error}"
            ),
        }
    }
    Ok(())
}

/// Writes behind a filter touch the rows that satisfy it, and no others.
#[case]
async fn writes(site: Site, endpoint: &'static str) -> Outcome {
    let items = site.items(endpoint);
    let mut expected = fixture::items();
    let query = items.filter(Item::F.kind.eq("toy") & Item::F.flag.eq(true));
    let matching = expected
        .iter()
        .filter(|item| item.flag && item.kind == "toy")
        .count() as u64;
    assert!((2..26).contains(&matching));

    let refused = query
        .expecting(matching + 1)
        .update([Item::F.rank.set(77)])
        .await;
    assert_eq!(
        Error::from(refused.unwrap_err()).kind(),
        ErrorKind::CountMismatch
    );
    let refused = query.expecting(matching - 1).delete().await;
    assert_eq!(
        Error::from(refused.unwrap_err()).kind(),
        ErrorKind::CountMismatch
    );
    let rows = items.all().fetch().await?;
    assert!(
        rows.iter().map(|row| &**row).eq(&expected),
        "nothing is changed"
    );

    let changed = query
        .expecting(matching)
        .update([Item::F.rank.set(77)])
        .await?;
    assert_eq!(changed, matching);
    for item in &mut expected {
        if item.flag && item.kind == "toy" {
            item.rank = Some(77);
        }
    }
    let rows = items.all().fetch().await?;
    assert!(rows.iter().map(|row| &**row).eq(&expected), "update");

    let unknown = by_a_new_client(&site, endpoint)?;
    let (row, created) = unknown
        .update_or_create(Item::F.name.eq("zebra 32"), [Item::F.rank.set(78)])
        .await?;
    assert_eq!((row.id(), created), (32, false));
    expected[31].rank = Some(78);
    let (row, created) = items
        .update_or_create(
            Item::F.name.eq("quite new"),
            [Item::F.rank.set(79), Item::F.kind.set("toy")],
        )
        .await?;
    assert!(created);
    expected.push(Item::clone(&row));
    let rows = items.all().fetch().await?;
    assert!(
        rows.iter().map(|row| &**row).eq(&expected),
        "update_or_create"
    );

    let deleted = items
        .exclude(Item::F.rank.lt(77))
        .filter(Item::F.rank.isnull(false))
        .expecting(matching + 2)
        .delete()
        .await?;
    assert_eq!(deleted, matching + 2);
    expected.retain(|item| item.rank.is_none_or(|rank| rank < 77));
    let rows = items.all().fetch().await?;
    assert!(rows.iter().map(|row| &**row).eq(&expected), "delete");
    Ok(())
}

/// The number of an endpoint.
fn column(endpoint: &str) -> usize {
    (ENDPOINTS.iter().position(|each| *each == endpoint)).expect("an endpoint of the matrix")
}

macro_rules! cells {
    ($($endpoint:literal)*) => {
        const ENDPOINTS: &[&str] = &[$($endpoint),*];

        pub(crate) fn all() -> Vec<Case> {
            vec![$(
                Case {
                    file: module_path!(),
                    name: concat!("answers::", $endpoint),
                    writes: false,
                    run: |server| run(server, |site| answers(site, $endpoint)),
                },
                Case {
                    file: module_path!(),
                    name: concat!("costs::", $endpoint),
                    writes: false,
                    run: |server| run(server, |site| costs(site, $endpoint)),
                },
                Case {
                    file: module_path!(),
                    name: concat!("warm::", $endpoint),
                    writes: false,
                    run: |server| run(server, |site| warm::warm(site, $endpoint)),
                },
                Case {
                    file: module_path!(),
                    name: concat!("notices::", $endpoint),
                    writes: false,
                    run: |server| run(server, |site| notices(site, $endpoint)),
                },
                Case {
                    file: module_path!(),
                    name: concat!("writes::", $endpoint),
                    writes: true,
                    run: |server| run(server, |site| writes(site, $endpoint)),
                },
            )*]
        }
    };
}

cells! {
    "limitoffset-on"
    "pagenumber-on"
    "cursor-on"
    "plain-on"
    "limitoffset-off"
    "pagenumber-off"
    "cursor-off"
    "plain-off"
}
