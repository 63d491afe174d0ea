//! `explain()` tells the requests that a query takes, whatever the server honours, at the first use and at later ones.
//!
//! Where it gives a number, that number of requests is made. It is asked to say nothing of a server that does not do as it
//! was asked, before anything has shown that: where the query was sent otherwise afterwards, or its probes showed nothing, the
//! number of that one use is not compared, but the next one is.

use chrono::FixedOffset;
use django_api_orm::{ErrorKind, QuerySet, ServiceClient, Warning};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    QUERIES, check,
    plans::{Query, query_in},
    rows::{Letters, Row, things},
    served::{Endpoint, Pages, asked, endpoint, manager, serve},
};

/// Each query is asked so many times of one client.
const TIMES: usize = 3;

/// Filters that mostly leave out some rows, and not all of them.
const LOOKUPS: [(&str, i64); 5] = [
    ("id__gt", 2),
    ("id__lte", 30),
    ("rank__gte", -1),
    ("rank__lt", 3),
    ("score__gte", -1),
];

#[derive(Debug, Clone)]
struct Case {
    /// Filters beside those of the query: so many that their probes have a request in common.
    lookups: Vec<(&'static str, i64)>,
    query: Query,
    words: Option<&'static str>,
    endpoint: usize,
    page_size: Option<u64>,
    /// Every row is read before the query is asked.
    is_known: bool,
}

fn cases(endpoints: usize) -> impl Strategy<Value = Vec<Case>> {
    let utc = FixedOffset::east_opt(0).unwrap();
    let words = select(vec!["ann", "nn", "nobody"]);
    let lookups = prop_oneof![
        Just(Vec::new()),
        prop::sample::subsequence(LOOKUPS.to_vec(), 1..4),
    ];
    let case = (
        lookups,
        query_in(Letters::SameEverywhere, utc),
        prop::option::weighted(0.1, words),
        0..endpoints,
        prop::option::weighted(0.3, 1_u64..8),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(lookups, query, words, endpoint, page_size, is_known)| Case {
                lookups,
                query,
                words,
                endpoint,
                page_size,
                is_known,
            },
        );
    prop::collection::vec(case, 1..2 * QUERIES)
}

/// How often a number was told, and held to.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    told: usize,
    compared: usize,
    compared_at_first: usize,
}

/// How many rows the server has for these parameters, as the same endpoint without a paginator shows.
async fn rows_for(client: &ServiceClient, endpoint: usize, pairs: &[(String, String)]) -> u64 {
    let request = client.get(&format!("/api/v1/things-{}/", endpoint + 1));
    let answer = request.query(pairs.iter().cloned()).await.unwrap();
    let rows: Vec<Value> = answer.json().unwrap();
    rows.len() as u64
}

async fn compare(
    client: &ServiceClient,
    bystander: &ServiceClient,
    case: &Case,
    tally: &mut Tally,
) -> Result<(), TestCaseError> {
    // Beside each endpoint stands the same one without a paginator.
    let endpoint = 2 * case.endpoint;
    let manager = manager(client, endpoint, case.page_size);
    if case.is_known {
        manager.all().fetch().await.unwrap();
    }
    let all = match case.words {
        Some(words) => manager.search(words),
        None => manager.all(),
    };
    let narrowed = case
        .lookups
        .iter()
        .fold(all, |rows, (name, value)| rows.lookup(name, *value));
    let searched: QuerySet<Row> = asked(narrowed, &case.query);
    for time in 0..TIMES {
        let Ok(before) = searched.explain() else {
            // The server is known not to search.
            return Ok(());
        };
        let rows = rows_for(bystander, endpoint, before.pushed()).await;
        let requests = client.stats().requests;
        match searched.fetch().await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Ignored && case.words.is_some() => {
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        let requests = client.stats().requests - requests;
        let after = searched
            .explain()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        tally.asked += 1;
        let Some(told) = before.requests(rows) else {
            continue;
        };
        tally.told += 1;
        // An endpoint without rows shows nothing of what it does with parameters.
        let has_rows = rows > 0 || rows_for(bystander, endpoint, &[]).await > 0;
        let did_as_asked = has_rows && after.pushed() == before.pushed() && after.probes() == 0;
        if !did_as_asked {
            continue;
        }
        tally.compared += 1;
        tally.compared_at_first += usize::from(time == 0);
        // Few rows are there, so what a filter leaves out may just have been added.
        let most = told + u64::from(before.probes() > 0 && !before.checked().is_empty());
        prop_assert!(
            (told..=most).contains(&requests),
            "time {}, {} rows; {} told, {} made; {}",
            time,
            rows,
            told,
            requests,
            before
        );
    }
    Ok(())
}

fn run(queries: u32, pages: impl Strategy<Value = Pages>) {
    let runtime = Runtime::new().unwrap();
    let endpoints = prop::collection::vec(pages.prop_flat_map(endpoint), 1..4);
    let strategy = endpoints.prop_flat_map(|endpoints| {
        let cases = cases(endpoints.len());
        (things(Letters::SameEverywhere, 40), Just(endpoints), cases)
    });
    let tally = std::cell::RefCell::new(Tally::default());
    check(queries, strategy, |(things, endpoints, cases)| {
        let mut tally = tally.borrow_mut();
        let endpoints: Vec<Endpoint> = endpoints
            .into_iter()
            .flat_map(|mut paged| {
                // A default over the server's own maximum makes the first page larger than the others.
                paged.most = paged.most.max(paged.size);
                let whole = Endpoint {
                    pages: Pages::Plain,
                    ..paged.clone()
                };
                [paged, whole]
            })
            .collect();
        runtime.block_on(async {
            let server = serve(&things, &endpoints).await;
            let client = || {
                let builder = ServiceClient::builder(server.base_url());
                builder.on_warning(|_: &Warning| {}).build().unwrap()
            };
            let bystander = client();
            for case in &cases {
                let endpoint = endpoints.get(2 * case.endpoint).unwrap();
                let context =
                    |error| TestCaseError::fail(format!("{error}\n{case:?}\non {endpoint:?}"));
                // What one query learns must not help the others.
                let client = client();
                compare(&client, &bystander, case, &mut tally)
                    .await
                    .map_err(context)?;
            }
            Ok(())
        })
    });
    let tally = tally.into_inner();
    println!("{tally:?}");
    assert!(2 * tally.told > tally.asked, "{tally:?}");
    assert!(2 * tally.compared > tally.told, "{tally:?}");
    // Of an endpoint that has shown nothing yet, no number is told of an empty answer.
    assert!(6 * tally.compared_at_first > tally.compared, "{tally:?}");
}

#[test]
fn limit_and_offset() {
    run(500, Just(Pages::LimitOffset));
}

#[test]
fn page_number() {
    run(
        500,
        any::<bool>().prop_map(|settable| Pages::PageNumber { settable }),
    );
}

#[test]
fn cursor() {
    run(500, Just(Pages::Cursor));
}

#[test]
fn no_paginator() {
    run(500, Just(Pages::Plain));
}
