//! SQLite as the judge: the rows in a table, and Django's SQL for a query.

use chrono::{DateTime, FixedOffset};
use proptest::{prelude::*, test_runner::TestCaseError};
use rusqlite::{
    Connection, functions::FunctionFlags, params, params_from_iter, types::Value as Sql,
};

use super::{
    lookups::Condition,
    plans::{Query, Step, Tree},
    rows::Thing,
};

pub(crate) struct Database(Connection);

/// A row of an answer: its key, and how many different places in the order come before it.
pub(crate) type Placed = (i64, i64);

impl Database {
    /// The rows, as a server whose clock is in that zone stores them.
    pub(crate) fn of(things: &[Thing], zone: FixedOffset) -> Self {
        let database = Connection::open_in_memory().unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        database
            .create_scalar_function("fold", 1, flags, |context| {
                Ok(context
                    .get::<Option<String>>(0)?
                    .map(|text| text.to_uppercase()))
            })
            .unwrap();
        database
            .execute_batch(
                "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, nick TEXT, rank INTEGER, price INTEGER, score REAL, \
                 flag INTEGER, seen_at INTEGER, seen_text TEXT, day TEXT, address INTEGER, city TEXT, zip INTEGER)",
            )
            .unwrap();
        let mut insert = database
            .prepare("INSERT INTO thing VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .unwrap();
        for thing in things {
            let clock = thing.seen_at.map(|micros| {
                let at = DateTime::from_timestamp_micros(micros)
                    .unwrap()
                    .with_timezone(&zone);
                at.format("%Y-%m-%d %H:%M:%S").to_string()
            });
            insert
                .execute(params![
                    thing.id,
                    thing.name,
                    thing.nick,
                    thing.rank,
                    // In units of a ten thousandth: exact, as PostgreSQL's numeric is.
                    thing.price.map(|hundredths| hundredths * 100),
                    thing.score,
                    thing.flag,
                    thing.seen_at,
                    clock,
                    thing.day.map(|day| day.to_string()),
                    thing.address.as_ref().map(|_| 1),
                    thing
                        .address
                        .as_ref()
                        .and_then(|address| address.city.clone()),
                    thing.address.as_ref().and_then(|address| address.zip),
                ])
                .unwrap();
        }
        drop(insert);
        Self(database)
    }

    /// The rows of the query before its slices are cut. Nulls stand first or last as told; without an order, the keys grow.
    pub(crate) fn answer(&self, query: &Query, nulls_first: bool) -> Vec<Placed> {
        let mut statement = Statement::default();
        let mut conditions = Vec::new();
        for step in &query.steps {
            conditions.extend(match step {
                Step::Filter(tree) => statement.condition(tree, false),
                Step::Exclude(tree) => statement.negation(tree, false),
            });
        }
        let condition = if conditions.is_empty() {
            "1".to_owned()
        } else {
            conditions.join(" AND ")
        };
        let mut order: Vec<String> = query
            .order
            .iter()
            .map(|(path, descending)| {
                let descending = *descending != query.reverse;
                let nulls = if nulls_first != descending {
                    "FIRST"
                } else {
                    "LAST"
                };
                let direction = if descending { "DESC" } else { "ASC" };
                format!(
                    "{} {direction} NULLS {nulls}",
                    path.trim_start_matches("address__")
                )
            })
            .collect();
        if order.is_empty() {
            order.push(format!("id {}", if query.reverse { "DESC" } else { "ASC" }));
        }
        let order = order.join(", ");
        let sql = format!(
            "SELECT id, DENSE_RANK() OVER (ORDER BY {order}) AS place FROM thing WHERE {condition} ORDER BY place"
        );
        let mut prepared = self
            .0
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{error}: {sql}"));
        let rows = prepared
            .query_map(params_from_iter(statement.0), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

/// Whether the keys are those of the answer, in an order that it allows.
pub(crate) fn judge(
    query: &Query,
    expected: &[Placed],
    found: &[i64],
) -> Result<(), TestCaseError> {
    let mut wanted: Vec<i64> = expected.iter().map(|(key, _)| *key).collect();
    if query.is_total() {
        prop_assert_eq!(&wanted[..], found, "{:?}", query);
        return Ok(());
    }
    let place = |key: &i64| {
        expected
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, place)| *place)
    };
    let places: Vec<Option<i64>> = found.iter().map(place).collect();
    prop_assert!(
        query.order.is_empty() || places.is_sorted(),
        "{:?} stand at {:?} for {:?}",
        found,
        places,
        query
    );
    let mut found = found.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    prop_assert_eq!(wanted, found, "{:?}", query);
    Ok(())
}

/// The parameters of a statement so far.
#[derive(Default)]
struct Statement(Vec<Sql>);

impl Statement {
    /// Django's SQL for a part of a tree; nothing for an empty one. `negated`: an odd number of negations is around it.
    fn condition(&mut self, tree: &Tree, negated: bool) -> Option<String> {
        match tree {
            Tree::One(condition) => Some(self.comparison(condition, negated)),
            Tree::And(parts) => self.joined(parts, " AND ", negated),
            Tree::Or(parts) => self.joined(parts, " OR ", negated),
            Tree::Not(part) => self.negation(part, negated),
        }
    }

    fn negation(&mut self, tree: &Tree, negated: bool) -> Option<String> {
        Some(format!("NOT ({})", self.condition(tree, !negated)?))
    }

    fn joined(&mut self, parts: &[Tree], word: &str, negated: bool) -> Option<String> {
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|part| self.condition(part, negated))
            .collect();
        (!parts.is_empty()).then(|| format!("({})", parts.join(word)))
    }

    /// Inside a negation Django adds that the column is not null, lest the negation of unknown is unknown.
    fn comparison(&mut self, condition: &Condition, negated: bool) -> String {
        let sql = self.numbered(&condition.sql);
        self.0.extend(condition.operands.iter().cloned());
        if negated && !condition.is_null {
            format!("({sql} AND {} IS NOT NULL)", condition.column)
        } else {
            sql
        }
    }

    fn numbered(&self, sql: &str) -> String {
        let (mut numbered, mut next) = (String::new(), self.0.len());
        let mut pieces = sql.split('?');
        numbered.extend(pieces.next());
        for piece in pieces {
            let (number, rest) = match piece.strip_prefix('1') {
                Some(rest) => (self.0.len() + 1, rest),
                None => {
                    next += 1;
                    (next, piece)
                }
            };
            numbered.push_str(&format!("?{number}{rest}"));
        }
        numbered
    }
}
