//! The core alone: the evaluator and the order on rows as a server sends them.

use std::cmp::Ordering;

use chrono::FixedOffset;
use django_api_orm::{ApiModel, NullOrder, Q, dialect::Dialect, engine::Knowledge};
use django_api_orm_core::evaluate::{Evaluator, Fields, RowOrder, Verdict};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::{Map, Value};

use super::{
    QUERIES, check,
    database::{Database, Placed, judge},
    plans::{Query, query_in},
    rows::{Letters, Row, Thing, things},
};

type Object = Map<String, Value>;

/// The rows for which the condition holds.
fn belonging<'r>(
    condition: &Q,
    fields: &Fields,
    rows: &'r [Object],
) -> Result<Vec<&'r Object>, TestCaseError> {
    let evaluator = Evaluator::compile_for(condition, fields)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut belonging = Vec::new();
    for row in rows {
        match evaluator.evaluate(row) {
            Verdict::True => belonging.push(row),
            Verdict::False => {}
            Verdict::Unknown(reason) => {
                return Err(TestCaseError::fail(format!(
                    "undecided: {reason} on {row:?}"
                )));
            }
        }
    }
    Ok(belonging)
}

fn evaluated(
    query: &Query,
    fields: &Fields,
    nulls: NullOrder,
    rows: &[Object],
) -> Result<Vec<i64>, TestCaseError> {
    let plan = query.plan();
    let mut rows = belonging(plan.condition(), fields, rows)?;
    let order = RowOrder::new(plan.order(), nulls, fields);
    let incomparable = rows.iter().any(|left| {
        rows.iter()
            .any(|right| order.compare(left, right).is_none())
    });
    prop_assert!(!incomparable, "rows without an order by {:?}", plan.order());
    rows.sort_by(|left, right| order.compare(left, right).unwrap_or(Ordering::Equal));
    if plan.is_reversed() {
        rows.reverse();
    }
    Ok(keys(&rows))
}

fn keys(rows: &[&Object]) -> Vec<i64> {
    rows.iter()
        .filter_map(|row| row.get("id")?.as_i64())
        .collect()
}

/// What the dialect pushes and what it keeps are together what was asked for.
fn divided(query: &Query, fields: &Fields, rows: &[Object]) -> Result<Vec<i64>, TestCaseError> {
    let compiled = Dialect::default()
        .compile(&query.plan(), Row::meta(), &Knowledge::default())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    if compiled.empty {
        return Ok(Vec::new());
    }
    Ok(keys(&belonging(&compiled.condition(), fields, rows)?))
}

fn agree(
    things: &[Thing],
    zone: FixedOffset,
    queries: &[(Query, bool)],
) -> Result<(), TestCaseError> {
    let database = Database::of(things, zone);
    let rows: Vec<Object> = things.iter().map(|thing| thing.wire(zone)).collect();
    let fields = Row::meta().known_fields();
    for (query, nulls_first) in queries {
        let expected = database.answer(query, *nulls_first);
        let nulls = if *nulls_first {
            NullOrder::Smallest
        } else {
            NullOrder::Largest
        };
        let found = evaluated(query, &fields, nulls, &rows)?;
        judge(query, &expected, &found)?;
        if query.is_total() || query.order.is_empty() {
            let keys: Vec<i64> = expected.iter().map(|(key, _)| *key).collect();
            prop_assert_eq!(
                query.sliced(&keys),
                slice_of_plan(query, &found),
                "{:?}",
                query
            );
        }
        let unordered = query.without_order();
        let expected = database.answer(&unordered, true);
        judge(&unordered, &expected, &divided(query, &fields, &rows)?)?;
        never_wrong_without_kinds(query, &expected, &rows)?;
    }
    Ok(())
}

/// Where nothing is known of the fields, more is undecided; but what is decided is right.
fn never_wrong_without_kinds(
    query: &Query,
    expected: &[Placed],
    rows: &[Object],
) -> Result<(), TestCaseError> {
    let evaluator = Evaluator::compile(query.plan().condition())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    for row in rows {
        let belongs = expected
            .iter()
            .any(|(key, _)| row.get("id") == Some(&Value::from(*key)));
        match evaluator.evaluate(row) {
            Verdict::True => prop_assert!(belongs, "{:?} has {:?}", query, row),
            Verdict::False => prop_assert!(!belongs, "{:?} lacks {:?}", query, row),
            Verdict::Unknown(_) => {}
        }
    }
    Ok(())
}

/// The slice as the plan composes it.
fn slice_of_plan(query: &Query, keys: &[i64]) -> Vec<i64> {
    let plan = query
        .slices
        .iter()
        .fold(query.plan(), |plan, (start, stop)| {
            plan.slice(*start, *stop)
        });
    let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let take = plan.range().limit.map_or(usize::MAX, bounded);
    keys.iter()
        .copied()
        .skip(bounded(plan.range().offset))
        .take(take)
        .collect()
}

#[test]
fn the_core_answers_as_sqlite_does() {
    let zones = select(vec![0, 2 * 3600, -19_800])
        .prop_map(|seconds| FixedOffset::east_opt(seconds).unwrap());
    let strategy = zones.prop_flat_map(|zone| {
        let queries = prop::collection::vec(
            (query_in(Letters::All, zone), any::<bool>()),
            1..2 * QUERIES,
        );
        (Just(zone), things(Letters::All, 24), queries)
    });
    check(10_000, strategy, |(zone, things, queries)| {
        agree(&things, zone, &queries)
    });
}
