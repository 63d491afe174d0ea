//! Databases that compare texts in different ways: what is evaluated client-side is what their filters would have left.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use django_api_orm::{ErrorKind, Manager, QuerySet, ServiceClient};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::{Thing, q, served, site, with_rows};

/// What a database makes of texts before it compares them, and which of two comes first.
#[derive(Debug, Clone, Copy)]
struct Database {
    name: &'static str,
    /// For `exact`, `contains` and so on, and for those that ignore case.
    folds: [fn(&str) -> String; 2],
    order: fn(&str, &str) -> Ordering,
}

const SQLITE: Database = Database {
    name: "SQLite",
    folds: [
        |text| text.to_ascii_lowercase(),
        |text| text.to_ascii_lowercase(),
    ],
    order: |one, other| one.cmp(other),
};
const POSTGRES: Database = Database {
    name: "PostgreSQL",
    folds: [str::to_owned, str::to_lowercase],
    order: |one, other| plain(one).cmp(&plain(other)).then(other.cmp(one)),
};
const MYSQL: Database = Database {
    name: "MySQL",
    folds: [basic, basic],
    order: |one, other| basic(one).cmp(&basic(other)),
};
const OLD_MYSQL: Database = Database {
    name: "an old MySQL",
    folds: [plain, plain],
    order: |one, other| plain(one).cmp(&plain(other)),
};
const DOCUMENTED: Database = Database {
    name: "Django's documentation",
    folds: [str::to_owned, str::to_lowercase],
    order: |one, other| one.cmp(other),
};

fn plain(text: &str) -> String {
    let letters = text.to_lowercase();
    letters
        .replace('ä', "a")
        .replace('é', "e")
        .replace('ó', "o")
        .replace('ź', "z")
}

fn basic(text: &str) -> String {
    plain(text).replace('ø', "o").replace('ł', "l")
}

/// A server over a database that has these filters beside `id`.
#[derive(Debug, Clone)]
struct Site {
    database: Database,
    filters: &'static [&'static str],
    filters_by_key: bool,
    unknown: Unknown,
    page: usize,
    rows: Arc<Mutex<Vec<Value>>>,
}

/// What becomes of a filter that the server has not.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unknown {
    Ignored,
    Refused,
    LeavesNothing,
}

const ALL: &[&str] = &[
    "name",
    "name__in",
    "name__iexact",
    "name__contains",
    "name__icontains",
    "name__startswith",
    "name__lt",
    "name__gte",
    "name__range",
];
const NAMES: [&str; 12] = [
    "ann", "Ann", "ANNA", "Änn", "änn", "Bob", "émile", "Emile", "zoo", "zøo", "Łódź", "lodź",
];

impl Site {
    fn of(database: Database, filters: &'static [&'static str]) -> Self {
        let row = |(place, name): (usize, &str)| json!({"id": place + 1, "name": name, "kind": "a", "rank": place});
        Self {
            database,
            filters,
            filters_by_key: true,
            unknown: Unknown::Ignored,
            page: 50,
            rows: Arc::new(Mutex::new(NAMES.into_iter().enumerate().map(row).collect())),
        }
    }

    async fn start(&self) -> (TestServer, ServiceClient) {
        let site = self.clone();
        let list = View::new("/api/v1/things/", [Method::GET], move |call| {
            let rows = site.rows.lock().unwrap();
            let has_unknown = ALL
                .iter()
                .any(|name| !site.filters.contains(name) && call.parameter(name).is_some());
            if has_unknown && site.unknown == Unknown::Refused {
                return Ok(Reply::json(
                    StatusCode::BAD_REQUEST,
                    &json!({"detail": "unknown parameter"}),
                ));
            }
            let number = |name: &str| call.parameter(name).and_then(|text| text.parse().ok());
            let id = number("id").filter(|_| site.filters_by_key);
            let found: Vec<&Value> = (rows.iter())
                .filter(|_| !has_unknown || site.unknown == Unknown::Ignored)
                .filter(|row| id.is_none_or(|id: usize| row["id"] == id))
                .filter(|row| {
                    let name = row["name"].as_str().unwrap();
                    (site.filters.iter()).all(|filter| {
                        let asked = call.parameter(filter);
                        asked.is_none_or(|asked| site.database.holds(filter, name, asked))
                    })
                })
                .collect();
            let size = number("limit").unwrap_or(site.page).min(site.page);
            let offset = number("offset").unwrap_or(0);
            let (count, end) = (found.len(), offset + size);
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for name in site.filters.iter().chain(&["id", "limit"]) {
                query.extend_pairs(call.parameter(name).map(|asked| (*name, asked)));
            }
            query.append_pair("offset", &end.to_string());
            let next = (end < count).then(|| format!("/api/v1/things/?{}", query.finish()));
            let page: Vec<_> = found.into_iter().skip(offset).take(size).collect();
            Ok(Reply::ok(
                &json!({"count": count, "next": next, "previous": null, "results": page}),
            ))
        });
        served(list).await
    }
}

impl Database {
    fn holds(self, filter: &str, text: &str, asked: &str) -> bool {
        let lookup = filter
            .split_once("__")
            .map_or("exact", |(_, lookup)| lookup);
        let ignores_case = ["iexact", "icontains"].contains(&lookup);
        // SQLite has no LIKE in an equality.
        let fold = match (lookup, self.name) {
            ("exact" | "in", "SQLite") => str::to_owned,
            _ => self.folds[usize::from(ignores_case)],
        };
        let (row, operand) = (fold(text), fold(asked));
        match lookup {
            "exact" | "iexact" => row == operand,
            "in" => asked.split(',').any(|asked| row == fold(asked)),
            "contains" | "icontains" => row.contains(&operand),
            "startswith" => row.starts_with(&operand),
            "lt" => (self.order)(text, asked).is_lt(),
            "gte" => (self.order)(text, asked).is_ge(),
            "range" => {
                let (low, high) = asked.split_once(',').unwrap();
                (self.order)(text, low).is_ge() && (self.order)(text, high).is_le()
            }
            _ => unreachable!(),
        }
    }
}

async fn ids(things: QuerySet<Thing>) -> django_api_orm::Result<BTreeSet<i64>> {
    let things = things.await?;
    Ok(things.iter().filter_map(|thing| thing.id).collect())
}

/// What the database holds of a filter by one parameter.
fn expected(database: Database, filter: &str, asked: &str) -> BTreeSet<i64> {
    let names = (1..).zip(NAMES);
    names
        .filter(|(_, name)| database.holds(filter, name, asked))
        .map(|(id, _)| id)
        .collect()
}

fn lookups() -> Vec<(&'static str, Value)> {
    vec![
        ("name", json!("ann")),
        ("name", json!("änn")),
        ("name__in", json!(["ann", "emile"])),
        ("name", json!("zoo")),
        ("name__iexact", json!("ann")),
        ("name__iexact", json!("lodź")),
        ("name__contains", json!("zo")),
        ("name__contains", json!("nn")),
        ("name__contains", json!("än")),
        ("name__icontains", json!("än")),
        ("name__icontains", json!("em")),
        ("name__startswith", json!("e")),
        ("name__lt", json!("b")),
        ("name__gte", json!("Bob")),
        ("name__range", json!(["B", "d"])),
    ]
}

fn as_sent(value: &Value) -> String {
    match value {
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(","),
        value => value.as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn exclude_has_the_rows_that_filter_has_not() {
    let all: BTreeSet<i64> = (1..=NAMES.len() as i64).collect();
    for database in [SQLITE, POSTGRES, MYSQL, OLD_MYSQL, DOCUMENTED] {
        for (name, value) in lookups() {
            let (server, client) = Site::of(database, ALL).start().await;
            let things: Manager<Thing> = client.objects();
            let case = format!("{name}={value} on {}", database.name);
            let found = expected(database, name, &as_sent(&value));
            let others: BTreeSet<i64> = all.difference(&found).copied().collect();
            let either = |name: &str| q(name, value.clone()) | q("rank", 99);
            for _ in 0..2 {
                match (
                    ids(things.exclude(q(name, value.clone()))).await,
                    ids(things.filter(either(name))).await,
                ) {
                    (Ok(excluded), Ok(filtered)) => {
                        assert_eq!((&excluded, &filtered), (&others, &found), "{case}");
                    }
                    // Dictionaries differ.
                    (Err(error), _) | (_, Err(error)) => {
                        let orders = ["name__lt", "name__gte", "name__range"].contains(&name);
                        assert_eq!(error.kind(), ErrorKind::Unsupported, "{case}: {error}");
                        assert!(
                            orders
                                && database.name != SQLITE.name
                                && database.name != DOCUMENTED.name,
                            "{case}: {error}"
                        );
                    }
                }
                assert_eq!(
                    ids(things.filter(q(name, value.clone()))).await.unwrap(),
                    found,
                    "{case}"
                );
            }
            // It was found out once.
            let before = server.requests().len();
            if ids(things.exclude(q(name, value.clone()))).await.is_ok() {
                assert_eq!(server.requests().len(), before + 1, "{case}");
            }
        }
    }
}

/// Nobody can see what a database would do that has no filter.
#[tokio::test]
async fn without_a_filter_texts_are_compared_as_documented() {
    let all: BTreeSet<i64> = (1..=NAMES.len() as i64).collect();
    for unknown in [Unknown::Ignored, Unknown::Refused, Unknown::LeavesNothing] {
        // What is sent by the bare name of the field shows whether rows show what is filtered by.
        let lookups = lookups().into_iter().filter(|(name, _)| *name != "name");
        for (name, value) in lookups {
            let site = Site {
                unknown,
                ..Site::of(MYSQL, &["name"])
            };
            let (server, client) = site.start().await;
            let things: Manager<Thing> = client.objects();
            let case = format!("{name}={value}, {unknown:?}");
            let found = expected(DOCUMENTED, name, &as_sent(&value));
            let others: BTreeSet<i64> = all.difference(&found).copied().collect();
            for time in 0..2 {
                let before = server.requests().len();
                let excluded = ids(things.exclude(q(name, value.clone()))).await.unwrap();
                assert_eq!(excluded, others, "{case}");
                assert!(time == 0 || server.requests().len() == before + 1, "{case}");
            }
        }
    }
}

/// More rows are found than come in a page, and there may be no filter by the key.
#[tokio::test]
async fn a_row_on_a_later_page_is_asked_for_by_itself() {
    for database in [SQLITE, POSTGRES, MYSQL] {
        for filters_by_key in [true, false] {
            for (name, value) in lookups() {
                let site = Site {
                    filters_by_key,
                    page: 2,
                    ..Site::of(database, ALL)
                };
                let (_server, client) = site.start().await;
                let case = format!("{name}={value} on {}, {filters_by_key}", database.name);
                let found = expected(database, name, &as_sent(&value));
                let either = q(name, value.clone()) | q("rank", 99);
                match ids(client.objects().filter(either)).await {
                    Ok(rows) => assert_eq!(rows, found, "{case}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unsupported, "{case}: {error}");
                        assert!(
                            database.name != SQLITE.name || !filters_by_key,
                            "{case}: {error}"
                        );
                    }
                }
            }
        }
    }
}

/// Rows are written to as they are listed.
#[tokio::test]
async fn what_is_found_in_another_case_is_written_to() {
    let rows = json!([{"name": "Ann"}, {"name": "ann"}, {"name": "Bob"}]);
    for (excluded, deleted, left) in [(false, 2, [3].as_slice()), (true, 1, &[1, 2])] {
        let site = site(with_rows(&rows)).await;
        let nn = q("name__contains", "ann");
        let things = match excluded {
            true => site.things().exclude(nn),
            false => site.things().filter(nn),
        };
        assert_eq!(things.delete().await.unwrap(), deleted);
        let others = ids(site.things().all()).await.unwrap();
        assert_eq!(others, left.iter().copied().collect());
    }
}

/// Letters behind `z` have no bound there.
#[tokio::test]
async fn a_range_of_letters_of_another_alphabet_is_no_proof_of_code_points() {
    let names = ["Анна", "анна", "Борис", "борис", "вера", "Вера", "яна"];
    let site = with_names(POSTGRES, &names, 50);
    let (_server, client) = site.start().await;
    let excluded = client
        .objects()
        .exclude(q("name__range", json!(["Б", "Г"])));
    match ids(excluded).await {
        Ok(found) => assert_eq!(found, BTreeSet::from([1, 2, 7])),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
    }
}

#[tokio::test]
async fn what_another_query_has_found_out_meanwhile_is_taken_over() {
    let site = with_names(SQLITE, &["bob", "zoo", "bill", "ben", "ANNA", "Ann"], 2);
    let (_server, client) = site.start().await;
    let things: Manager<Thing> = client.objects();
    let others = || things.exclude(q("name__contains", "nn"));
    let mut stream = others().stream();
    let mut found = vec![stream.next().await.unwrap().unwrap().id];
    assert_eq!(ids(others()).await.unwrap(), BTreeSet::from([1, 2, 3, 4]));
    while let Some(row) = stream.next().await {
        found.push(row.unwrap().id);
    }
    assert_eq!(found, [Some(1), Some(2), Some(3), Some(4)]);
}

fn with_names(database: Database, names: &[&str], page: usize) -> Site {
    let row = |(place, name): (usize, &&str)| json!({"id": place + 1, "name": name, "kind": "a", "rank": place});
    Site {
        page,
        rows: Arc::new(Mutex::new(names.iter().enumerate().map(row).collect())),
        ..Site::of(database, ALL)
    }
}
