//! Querysets on the test server: every paginator, and filters and orderings that are honoured, ignored, or some of each.

use chrono::FixedOffset;
use django_api_orm::{
    Error, ErrorKind, Filter, Instance, Manager, OnDrift, Policy, Q, QuerySet, ServiceClient,
    Warning,
};
use django_api_orm_testserver::{Field, Paginator, Resource, TestServer};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    QUERIES, check,
    database::{Database, judge},
    plans::{ORDERED, Query, Step, query_in},
    rows::{Letters, Row, Thing, things},
};

const TEXT: &[&str] = &[
    "exact",
    "iexact",
    "contains",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iendswith",
    "regex",
    "in",
    "gt",
    "gte",
    "lt",
    "lte",
    "range",
    "isnull",
];
const NUMBER: &[&str] = &["exact", "in", "gt", "gte", "lt", "lte", "range", "isnull"];

/// The filters of a server that honours everything.
fn filters() -> Vec<(&'static str, &'static str)> {
    let parts = [
        "year",
        "year__gt",
        "year__in",
        "month",
        "month__lte",
        "day",
        "hour",
        "date",
    ];
    let of_day = ["year", "month__gt", "day", "day__range"];
    let mut filters: Vec<(&str, &str)> = Vec::new();
    for path in ["name", "nick", "address__city"] {
        filters.extend(TEXT.iter().map(|lookup| (path, *lookup)));
    }
    for path in [
        "id",
        "rank",
        "price",
        "score",
        "seen_at",
        "day",
        "address__zip",
    ] {
        filters.extend(NUMBER.iter().map(|lookup| (path, *lookup)));
    }
    filters.extend(parts.map(|part| ("seen_at", part)));
    filters.extend(of_day.map(|part| ("day", part)));
    filters.extend([("flag", "exact"), ("flag", "isnull"), ("address", "isnull")]);
    filters
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Pages {
    LimitOffset,
    PageNumber { settable: bool },
    Cursor,
    Plain,
}

/// Which filters and orderings an endpoint honours.
#[derive(Debug, Clone)]
pub(super) enum Honours {
    All,
    Nothing,
    /// Those whose bit is set; each list is taken round.
    Some(u64),
}

#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) pages: Pages,
    pub(super) size: u64,
    pub(super) most: u64,
    pub(super) honours: Honours,
}

impl Endpoint {
    fn resource(&self, name: &str) -> Resource {
        let resource = Resource::new(name).table("things");
        let paginator = match self.pages {
            Pages::LimitOffset => Some(
                Paginator::limit_offset()
                    .default_limit(self.size)
                    .max_limit(self.most),
            ),
            Pages::PageNumber { settable: false } => Some(Paginator::page_number(self.size)),
            Pages::PageNumber { settable: true } => {
                let sized = Paginator::page_number(self.size).page_size_parameter("page_size");
                Some(sized.max_page_size(self.most))
            }
            Pages::Cursor => Some(Paginator::cursor(self.size, ["id"])),
            Pages::Plain => None,
        };
        let resource = match paginator {
            Some(paginator) => resource.paginator(paginator),
            None => resource,
        };
        // DRF cannot page by a cursor over nulls.
        let ordered: &[&str] = match self.pages {
            Pages::Cursor => &["id", "name"],
            _ => &ORDERED,
        };
        match self.honours {
            Honours::Nothing => resource.no_filter_backends(),
            Honours::All => {
                let filters = filters().into_iter().map(|(path, lookup)| (path, [lookup]));
                resource
                    .filters(filters)
                    .ordering(ordered.iter().copied())
                    .search(["name"])
            }
            Honours::Some(mask) => {
                let is_set = |index: usize| {
                    mask.rotate_right(u32::try_from(index % 64).unwrap_or(0)) & 1 == 1
                };
                let filters = filters()
                    .into_iter()
                    .enumerate()
                    .filter(|(index, _)| is_set(*index));
                let ordered = ordered
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| is_set(index + 7));
                resource
                    .filters(filters.map(|(_, (path, lookup))| (path, [lookup])))
                    .ordering(ordered.map(|(_, path)| *path))
            }
        }
    }
}

pub(super) fn endpoint(pages: Pages) -> impl Strategy<Value = Endpoint> {
    let honours = prop_oneof![
        1 => Just(Honours::All),
        1 => Just(Honours::Nothing),
        2 => any::<u64>().prop_map(Honours::Some),
    ];
    (2_u64..12, 2_u64..20, honours).prop_map(move |(size, most, honours)| Endpoint {
        pages,
        size,
        most,
        honours,
    })
}

pub(super) async fn serve(things: &[Thing], endpoints: &[Endpoint]) -> TestServer {
    let utc = FixedOffset::east_opt(0).unwrap();
    let rows: Vec<Value> = things
        .iter()
        .map(|thing| Value::Object(thing.wire(utc)))
        .collect();
    let table = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::long_text("name").blank(),
            Field::long_text("nick").blank().null(),
            Field::integer("rank").null(),
            Field::decimal("price", 10, 2).null(),
            Field::float("score").null(),
            Field::boolean("flag").null(),
            Field::datetime("seen_at").null(),
            Field::date("day").null(),
            Field::nested(
                "address",
                [
                    Field::long_text("city").null(),
                    Field::integer("zip").null(),
                ],
            )
            .null(),
        ])
        .rows(rows);
    let server = TestServer::builder().workers(1).resource(table);
    let served = endpoints
        .iter()
        .enumerate()
        .fold(server, |server, (number, endpoint)| {
            server.resource(endpoint.resource(&format!("things-{number}")))
        });
    served.start().await.unwrap()
}

/// What is asked of a queryset.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Question {
    List,
    Stream,
    Count,
    Exists,
    First,
    Last,
    One,
    InBulk,
    Keyset,
}

const QUESTIONS: [Question; 9] = [
    Question::List,
    Question::Stream,
    Question::Count,
    Question::Exists,
    Question::First,
    Question::Last,
    Question::One,
    Question::InBulk,
    Question::Keyset,
];

#[derive(Debug, Clone)]
struct Case {
    query: Query,
    endpoint: usize,
    page_size: Option<u64>,
    questions: Vec<Question>,
}

fn cases(endpoints: usize) -> impl Strategy<Value = Vec<Case>> {
    let utc = FixedOffset::east_opt(0).unwrap();
    let query = query_in(Letters::SameEverywhere, utc);
    let questions = prop::collection::vec(select(QUESTIONS.to_vec()), 0..3);
    let case = (
        query,
        0..endpoints,
        prop::option::weighted(0.3, 1_u64..8),
        questions,
        any::<bool>(),
    )
        .prop_map(|(query, endpoint, page_size, mut questions, list_first)| {
            questions.insert(if list_first { 0 } else { questions.len() }, Question::List);
            Case {
                query,
                endpoint,
                page_size,
                questions,
            }
        });
    prop::collection::vec(case, 1..2 * QUERIES)
}

fn queryset(client: &ServiceClient, case: &Case) -> QuerySet<Row> {
    let manager = manager(client, case.endpoint, case.page_size);
    asked(manager.all(), &case.query)
}

/// The rows behind an endpoint.
pub(super) fn manager(
    client: &ServiceClient,
    endpoint: usize,
    page_size: Option<u64>,
) -> Manager<Row> {
    let mut policy = Policy::default();
    // Nobody writes meanwhile: whatever looks like it is a mistake in the walk.
    policy.on_drift = OnDrift::Error;
    policy.page_size = page_size;
    let manager = client.objects::<Row>();
    manager
        .at(&format!("/api/v1/things-{endpoint}/"))
        .with_policy(policy)
}

pub(super) fn asked(all: QuerySet<Row>, query: &Query) -> QuerySet<Row> {
    let filter = |q: Q| Filter::<Row>::from_q(q);
    let mut queryset = query.steps.iter().fold(all, |queryset, step| match step {
        Step::Filter(tree) => queryset.filter(filter(tree.q())),
        Step::Exclude(tree) => queryset.exclude(filter(tree.q())),
    });
    if !query.order.is_empty() {
        queryset = queryset.order_by(query.orders().iter().map(String::as_str));
    }
    if query.reverse {
        queryset = queryset.reverse();
    }
    query
        .slices
        .iter()
        .fold(queryset, |queryset, (start, stop)| match stop {
            Some(stop) => queryset.range(*start..*stop),
            None => queryset.range(*start..),
        })
}

/// The rows of a list, where nothing tells whether the server has ignored an order.
///
/// Servers put nulls first or last, and words in the order of their collation. An answer that some database gives to the
/// order is taken as it came. A slice is another matter: there the order is proven before.
fn listed(
    database: &Database,
    endpoint: &Endpoint,
    query: &Query,
    found: &[i64],
) -> Result<(), TestCaseError> {
    let expected = query.sliced(&database.answer(query, true));
    let honours_all = matches!(endpoint.honours, Honours::All);
    let cursor = matches!(endpoint.pages, Pages::Cursor);
    if honours_all && !cursor || query.is_sliced() {
        return judge(query, &expected, found);
    }
    let mut loose = query.clone();
    if query
        .order
        .iter()
        .any(|(path, _)| ["name", "nick", "address__city"].contains(path))
    {
        loose.order.clear();
    }
    judge(&loose, &expected, found).or_else(|_| judge(query, &database.answer(query, false), found))
}

fn keys(rows: &[Instance<Row>]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

async fn answers(
    client: &ServiceClient,
    database: &Database,
    endpoint: &Endpoint,
    case: &Case,
) -> Result<(), TestCaseError> {
    let queryset = queryset(client, case);
    let query = &case.query;
    let whole = database.answer(query, true);
    let expected = query.sliced(&whole);
    for question in &case.questions {
        let failed = |error: Error| {
            TestCaseError::fail(format!("{question:?}: {error} ({:?})", error.kind()))
        };
        match question {
            Question::List => listed(
                database,
                endpoint,
                query,
                &keys(&queryset.fetch().await.map_err(failed)?),
            )?,
            Question::Stream => {
                let mut rows = queryset.stream();
                let mut found = Vec::new();
                loop {
                    match rows.try_next().await {
                        Ok(Some(row)) => found.push(row.id),
                        Ok(None) => break,
                        // Rows that were handed out cannot be taken back: an honest error.
                        Err(error)
                            if error.kind() == ErrorKind::Unsupported && !found.is_empty() =>
                        {
                            return Ok(());
                        }
                        Err(error) => return Err(failed(error)),
                    }
                }
                listed(database, endpoint, query, &found)?;
            }
            Question::Count => {
                let count = queryset.count().await.map_err(failed)?;
                prop_assert_eq!(count, expected.len() as u64, "{:?}", question);
            }
            Question::Exists => {
                let exists = queryset.exists().await.map_err(failed)?;
                prop_assert_eq!(exists, !expected.is_empty(), "{:?}", question);
            }
            Question::First => {
                let first = queryset.first().await.map_err(failed)?.map(|row| row.id);
                let place = expected.first().map(|(_, place)| *place);
                end(query, &expected, first, place)?;
            }
            Question::Last => {
                let last = queryset.last().await.map_err(failed)?.map(|row| row.id);
                let place = expected.last().map(|(_, place)| *place);
                end(query, &expected, last, place)?;
            }
            Question::One => match (queryset.one().await, expected.as_slice()) {
                (Ok(row), [(key, _)]) => prop_assert_eq!(row.id, *key),
                (Err(error), []) => prop_assert!(error.is_does_not_exist(), "{error}"),
                (Err(error), [_, _, ..]) => {
                    prop_assert!(error.is_multiple_objects_returned(), "{error}");
                }
                (Ok(row), _) => prop_assert!(false, "{} of {}", row.id, expected.len()),
                (Err(error), _) => return Err(failed(error)),
            },
            Question::Keyset => {
                let query = query.without_order();
                let case = Case {
                    query: query.clone(),
                    ..case.clone()
                };
                let mut rows = self::queryset(client, &case).keyset(None::<i64>);
                let mut found = Vec::new();
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    found.push(row.id);
                }
                let expected = database.answer(&query, true);
                let keys: Vec<i64> = expected.iter().map(|(key, _)| *key).collect();
                prop_assert_eq!(found, keys);
            }
            Question::InBulk if query.is_sliced() => {}
            Question::InBulk => {
                let wanted: Vec<i64> = (1..60).step_by(3).collect();
                let found = queryset.in_bulk(wanted.clone()).await.map_err(failed)?;
                let mut found: Vec<i64> = found.into_keys().collect();
                found.sort_unstable();
                let mut keys: Vec<i64> = expected.iter().map(|(key, _)| *key).collect();
                keys.sort_unstable();
                keys.retain(|key| wanted.contains(key));
                prop_assert_eq!(found, keys, "{:?}", question);
            }
        }
    }
    Ok(())
}

/// The row at one end of the answer: any of those that the order puts there.
fn end(
    query: &Query,
    expected: &[(i64, i64)],
    found: Option<i64>,
    place: Option<i64>,
) -> Result<(), TestCaseError> {
    let stands_at = expected
        .iter()
        .find(|(key, _)| Some(*key) == found)
        .map(|(_, place)| *place);
    prop_assert_eq!(found.is_some(), !expected.is_empty());
    prop_assert!(
        found.is_none() || stands_at.is_some(),
        "{:?} is not in {:?}",
        found,
        expected
    );
    prop_assert!(
        query.order.is_empty() || stands_at == place,
        "{:?} in {:?}",
        found,
        expected
    );
    Ok(())
}

fn run(queries: u32, pages: impl Strategy<Value = Pages>) {
    let runtime = Runtime::new().unwrap();
    let endpoints = prop::collection::vec(pages.prop_flat_map(endpoint), 1..6);
    let strategy = endpoints.prop_flat_map(|endpoints| {
        let cases = cases(endpoints.len());
        (things(Letters::SameEverywhere, 40), Just(endpoints), cases)
    });
    check(queries, strategy, |(things, endpoints, cases)| {
        let database = Database::of(&things, FixedOffset::east_opt(0).unwrap());
        runtime.block_on(async {
            let server = serve(&things, &endpoints).await;
            let builder = ServiceClient::builder(server.base_url()).on_warning(|_: &Warning| {});
            let client = builder
                .build()
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            for case in &cases {
                let endpoint = endpoints.get(case.endpoint).unwrap();
                let context =
                    |error| TestCaseError::fail(format!("{error}\n{case:?}\non {endpoint:?}"));
                answers(&client, &database, endpoint, case)
                    .await
                    .map_err(context)?;
            }
            Ok(())
        })
    });
}

#[test]
fn limit_and_offset() {
    run(2_500, Just(Pages::LimitOffset));
}

#[test]
fn page_number() {
    run(
        2_500,
        any::<bool>().prop_map(|settable| Pages::PageNumber { settable }),
    );
}

#[test]
fn cursor() {
    run(2_500, Just(Pages::Cursor));
}

#[test]
fn no_paginator() {
    run(2_500, Just(Pages::Plain));
}
