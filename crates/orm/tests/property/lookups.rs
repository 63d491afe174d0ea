//! Random lookups, each with its operand as Django's users write it and as SQLite is asked.
//!
//! The SQL is written here by hand, after what Django's compiler writes for PostgreSQL; nothing of it comes from the crate.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike};
use proptest::{prelude::*, sample::select};
use rusqlite::types::Value as Sql;
use serde_json::{Value, json};

use super::rows::{self, Letters, decimal, written};

/// A lookup and the SQL that Django makes of it.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// The lookup in Django's spelling: `rank__gte`.
    pub(crate) name: String,
    pub(crate) value: Value,
    /// The column whose null decides inside a negation.
    pub(crate) column: &'static str,
    /// The comparison. `?` stands for the next of `operands`, `?1` for the first one wherever it is.
    pub(crate) sql: String,
    pub(crate) operands: Vec<Sql>,
    /// Whether the comparison is `isnull`, to which Django adds nothing inside a negation.
    pub(crate) is_null: bool,
}

/// An operand in both forms.
type Operand = (Value, Sql);

/// Comparisons: the lookup and SQL's operator.
const COMPARISONS: &[(&str, &str)] = &[
    ("", "="),
    ("__gt", ">"),
    ("__gte", ">="),
    ("__lt", "<"),
    ("__lte", "<="),
];

const EQUALITY: &[(&str, &str)] = &[("", "=")];

/// Equality and order, `in` and `range`.
fn compared(
    path: &'static str,
    column: &'static str,
    expression: String,
    operand: BoxedStrategy<Operand>,
) -> BoxedStrategy<Condition> {
    compared_by(COMPARISONS, path, column, expression, operand)
}

fn compared_by(
    comparisons: &[(&'static str, &'static str)],
    path: &'static str,
    column: &'static str,
    expression: String,
    operand: BoxedStrategy<Operand>,
) -> BoxedStrategy<Condition> {
    let has_order = comparisons.len() > 1;
    let build = move |suffix: &str, value: Value, sql: String, operands: Vec<Sql>| Condition {
        name: format!("{path}{suffix}"),
        value,
        column,
        sql,
        operands,
        is_null: false,
    };
    let (single, list, pair) = (expression.clone(), expression.clone(), expression);
    let (build_list, build_pair) = (build, build);
    let comparison = (select(comparisons.to_vec()), operand.clone()).prop_map(
        move |((suffix, operator), (value, sql))| {
            build(suffix, value, format!("{single} {operator} ?"), vec![sql])
        },
    );
    let member = prop::collection::vec(prop::option::weighted(0.9, operand.clone()), 0..4)
        .prop_map(move |members| {
            // Django drops the nulls of a list; an empty list is in nothing.
            let values = members.iter().map(|member| {
                member
                    .as_ref()
                    .map_or(Value::Null, |(value, _)| value.clone())
            });
            let value = Value::Array(values.collect());
            let operands: Vec<Sql> = members.into_iter().flatten().map(|(_, sql)| sql).collect();
            let sql = match operands.len() {
                0 => "0".to_owned(),
                len => format!("{list} IN ({})", vec!["?"; len].join(", ")),
            };
            build_list("__in", value, sql, operands)
        });
    let range = (operand.clone(), operand).prop_map(move |((low, low_sql), (high, high_sql))| {
        build_pair(
            "__range",
            json!([low, high]),
            format!("{pair} BETWEEN ? AND ?"),
            vec![low_sql, high_sql],
        )
    });
    prop_oneof![4 => comparison, 1 => member, u32::from(has_order) => range].boxed()
}

/// `isnull`, and `exact` with a null, which is the same.
fn nullness(path: &'static str, column: &'static str) -> BoxedStrategy<Condition> {
    let by_name = any::<bool>().prop_map(|is_null| ("__isnull", Value::Bool(is_null), is_null));
    prop_oneof![3 => by_name, 1 => Just(("", Value::Null, true))]
        .prop_map(move |(suffix, value, is_null)| Condition {
            name: format!("{path}{suffix}"),
            value,
            column,
            sql: format!("{column} IS {}NULL", if is_null { "" } else { "NOT " }),
            operands: Vec::new(),
            is_null: true,
        })
        .boxed()
}

/// The text lookups with their SQL on a column `{}`; `?1` stands for the operand each time.
const IN_THIS_CASE: [(&str, &str); 3] = [
    ("__contains", "instr({}, ?1) > 0"),
    ("__startswith", "substr({}, 1, length(?1)) = ?1"),
    (
        "__endswith",
        "(length({}) >= length(?1) AND substr({}, length({}) - length(?1) + 1) = ?1)",
    ),
];
const IN_ANY_CASE: [(&str, &str); 4] = [
    ("__iexact", "fold({}) = fold(?1)"),
    ("__icontains", "instr(fold({}), fold(?1)) > 0"),
    (
        "__istartswith",
        "substr(fold({}), 1, length(fold(?1))) = fold(?1)",
    ),
    (
        "__iendswith",
        "(length(fold({})) >= length(fold(?1)) \
         AND substr(fold({}), length(fold({})) - length(fold(?1)) + 1) = fold(?1))",
    ),
];

/// Patterns for which SQLite needs no engine of regular expressions.
const PATTERNS: [(&str, &str); 6] = [
    ("^ann", "substr({}, 1, 3) = 'ann'"),
    ("nn$", "substr({}, -2) = 'nn'"),
    ("b.b", "{} GLOB '*b' || char(63) || 'b*'"),
    ("[0-9]", "{} GLOB '*[0-9]*'"),
    ("^[^a]", "{} GLOB '[^a]*'"),
    (
        "жук|日本",
        "(instr({}, 'жук') > 0 OR instr({}, '日本') > 0)",
    ),
];

fn textual(
    path: &'static str,
    column: &'static str,
    operand: BoxedStrategy<String>,
    letters: Letters,
    minds_case: bool,
) -> BoxedStrategy<Condition> {
    let mut lookups = IN_ANY_CASE.to_vec();
    if minds_case {
        lookups.extend(IN_THIS_CASE);
    }
    let build = move |suffix: &str, value: &str, template: &str, operands| Condition {
        name: format!("{path}{suffix}"),
        value: Value::from(value),
        column,
        sql: template.replace("{}", column),
        operands,
        is_null: false,
    };
    let part = (operand, any::<(u8, u8)>()).prop_map(|(text, (from, len))| {
        let all: Vec<char> = text.chars().collect();
        let from = usize::from(from) % (all.len() + 1);
        let part = all.into_iter().skip(from).take(1 + usize::from(len) % 5);
        (part.collect::<String>(), len % 2 == 0)
    });
    let compared =
        (select(lookups), part).prop_map(move |((suffix, template), (mut text, upper))| {
            if suffix.starts_with("__i") {
                text = match (letters, upper) {
                    (Letters::All, true) => text.to_uppercase(),
                    (Letters::All, false) => text.to_lowercase(),
                    (Letters::SameEverywhere, true) => text.to_ascii_uppercase(),
                    (Letters::SameEverywhere, false) => text.to_ascii_lowercase(),
                };
            }
            build(suffix, &text, template, vec![Sql::Text(text.clone())])
        });
    let pattern = select(PATTERNS.to_vec())
        .prop_map(move |(pattern, template)| build("__regex", pattern, template, Vec::new()));
    prop_oneof![5 => compared, 1 => pattern].boxed()
}

fn text(strategy: BoxedStrategy<String>) -> BoxedStrategy<Operand> {
    strategy
        .prop_map(|text| (Value::from(text.as_str()), Sql::Text(text)))
        .boxed()
}

/// Integers, as numbers and as text.
fn integer(strategy: BoxedStrategy<i64>) -> BoxedStrategy<Operand> {
    (strategy, prop::bool::weighted(0.2))
        .prop_map(|(number, spelled)| {
            let value = if spelled {
                Value::from(number.to_string())
            } else {
                Value::from(number)
            };
            (value, Sql::Integer(number))
        })
        .boxed()
}

/// Decimals in the spellings that people use; SQLite has them in units of a ten thousandth.
fn price() -> BoxedStrategy<Operand> {
    (rows::price(), 0_u8..5)
        .prop_map(|(hundredths, form)| {
            let text = decimal(hundredths);
            let units = hundredths * 100;
            match form {
                0 => (Value::from(text), Sql::Integer(units)),
                1 => (Value::from(format!("{text}00")), Sql::Integer(units)),
                2 if hundredths % 100 == 0 => (Value::from(hundredths / 100), Sql::Integer(units)),
                3 if hundredths % 25 == 0 => (
                    json!(f64::from(i32::try_from(hundredths / 25).unwrap()) / 4.0),
                    Sql::Integer(units),
                ),
                // Between two values that a column with two places can hold.
                _ if hundredths >= 0 => (Value::from(format!("{text}05")), Sql::Integer(units + 5)),
                _ => (Value::from(text), Sql::Integer(units)),
            }
        })
        .boxed()
}

/// Instants in several offsets, and without one: then on the clock of the server.
fn instant(zone: FixedOffset) -> BoxedStrategy<Operand> {
    let offsets = select(vec![Some(0), Some(2 * 3600), Some(-19_800), None]);
    (rows::instant(), offsets)
        .prop_map(move |(micros, offset)| {
            let text = match offset {
                Some(seconds) => written(micros, FixedOffset::east_opt(seconds).unwrap()),
                None => {
                    let at = DateTime::from_timestamp_micros(micros)
                        .unwrap()
                        .with_timezone(&zone)
                        .naive_local();
                    at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
                }
            };
            (Value::from(text), Sql::Integer(micros))
        })
        .boxed()
}

fn day() -> BoxedStrategy<Operand> {
    let of = |day: NaiveDate| (Value::from(day.to_string()), Sql::Text(day.to_string()));
    rows::day().prop_map(of).boxed()
}

/// The parts of an instant on the clock of the server, and their SQL on the text of it.
fn parts_of_instant(zone: FixedOffset) -> BoxedStrategy<Condition> {
    let number = |take: fn(DateTime<FixedOffset>) -> u32| {
        let of = move |micros| {
            take(
                DateTime::from_timestamp_micros(micros)
                    .unwrap()
                    .with_timezone(&zone),
            )
        };
        rows::instant()
            .prop_map(move |micros| (Value::from(of(micros)), Sql::Integer(of(micros).into())))
            .boxed()
    };
    let part = |format: &str| format!("CAST(strftime('{format}', seen_text) AS INTEGER)");
    prop_oneof![
        compared(
            "seen_at__year",
            "seen_at",
            part("%Y"),
            number(|at| at.year().unsigned_abs())
        ),
        compared(
            "seen_at__month",
            "seen_at",
            part("%m"),
            number(|at| at.month())
        ),
        compared("seen_at__day", "seen_at", part("%d"), number(|at| at.day())),
        compared(
            "seen_at__hour",
            "seen_at",
            part("%H"),
            number(|at| at.hour())
        ),
        compared(
            "seen_at__week_day",
            "seen_at",
            "strftime('%w', seen_text) + 1".to_owned(),
            number(|at| { at.weekday().num_days_from_sunday() + 1 })
        ),
        compared(
            "seen_at__date",
            "seen_at",
            "strftime('%Y-%m-%d', seen_text)".to_owned(),
            day()
        ),
    ]
    .boxed()
}

fn parts_of_day() -> BoxedStrategy<Condition> {
    let number = |take: fn(&NaiveDate) -> u32| {
        rows::day()
            .prop_map(move |day| (Value::from(take(&day)), Sql::Integer(take(&day).into())))
            .boxed()
    };
    let part = |format: &str| format!("CAST(strftime('{format}', day) AS INTEGER)");
    prop_oneof![
        compared(
            "day__year",
            "day",
            part("%Y"),
            number(|day| day.year().unsigned_abs())
        ),
        compared("day__month", "day", part("%m"), number(Datelike::month)),
        compared("day__day", "day", part("%d"), number(Datelike::day)),
    ]
    .boxed()
}

fn flag() -> BoxedStrategy<Condition> {
    any::<bool>()
        .prop_map(|flag| Condition {
            name: "flag".to_owned(),
            value: Value::Bool(flag),
            column: "flag",
            sql: "flag = ?".to_owned(),
            operands: vec![Sql::Integer(flag.into())],
            is_null: false,
        })
        .boxed()
}

/// A lookup on any field, on a server whose clock is in that zone.
pub(crate) fn condition_in(letters: Letters, zone: FixedOffset) -> BoxedStrategy<Condition> {
    // Which text comes first is a matter of the database's collation.
    let comparisons = match letters {
        Letters::All => COMPARISONS,
        Letters::SameEverywhere => EQUALITY,
    };
    let words = |path: &'static str, column: &'static str, operand| {
        compared_by(comparisons, path, column, column.to_owned(), text(operand))
    };
    let plain = |path: &'static str, operand| compared(path, path, path.to_owned(), operand);
    let key = select(vec!["id", "pk"])
        .prop_flat_map(|path| compared(path, "id", "id".to_owned(), integer((1_i64..60).boxed())));
    let score = rows::score()
        .prop_map(|score| (json!(score), Sql::Real(score)))
        .boxed();
    prop_oneof![
        2 => key,
        2 => words("name", "name", rows::name(letters)),
        3 => textual("name", "name", rows::name(letters), letters, letters == Letters::All),
        1 => words("nick", "nick", rows::nick()),
        2 => textual("nick", "nick", rows::nick(), letters, true),
        4 => plain("rank", integer(rows::rank())),
        2 => plain("price", price()),
        1 => plain("score", score),
        2 => flag(),
        2 => plain("seen_at", instant(zone)),
        2 => parts_of_instant(zone),
        1 => plain("day", day()),
        1 => parts_of_day(),
        1 => words("address__city", "city", rows::nick()),
        1 => textual("address__city", "city", rows::nick(), letters, true),
        2 => compared("address__zip", "zip", "zip".to_owned(), integer((1_i64..4).boxed())),
        4 => select(vec![
            ("name", "name"), ("nick", "nick"), ("rank", "rank"), ("price", "price"), ("score", "score"),
            ("flag", "flag"), ("seen_at", "seen_at"), ("day", "day"), ("address", "address"),
            ("address__city", "city"), ("address__zip", "zip"),
        ]).prop_flat_map(|(path, column)| nullness(path, column)),
    ]
    .boxed()
}
