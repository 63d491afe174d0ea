//! Every row of the tables in the documentation of `evaluate`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dates;
mod operands;
mod order;
mod paths;
mod proof;
mod values;

use django_api_orm_core::{
    evaluate::{Evaluator, Fields, Verdict},
    filter::Q,
    lookup::Lookup,
};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    True,
    False,
    Unknown,
}
use Is::{False as F, True as T, Unknown as U};

fn q(name: &str, operand: Value) -> Q {
    Q::Lookup(Lookup::parse(name, operand))
}

fn is(q: &Q, fields: &Fields, row: &Value) -> Is {
    match Evaluator::compile_for(q, fields)
        .unwrap()
        .evaluate(row.as_object().unwrap())
    {
        Verdict::True => T,
        Verdict::False => F,
        Verdict::Unknown(_) => U,
    }
}

/// Tests a lookup, and that its negation says the opposite.
fn check(row: &Value, name: &str, operand: &Value, expected: Is) {
    let q = q(name, operand.clone());
    assert_eq!(is(&q, &Fields::default(), row), expected, "{row} {q}");
    let opposite = match expected {
        T => F,
        F => T,
        U => U,
    };
    assert_eq!(
        is(&q.negate(), &Fields::default(), row),
        opposite,
        "{row} not {name}={operand}"
    );
}

/// Tests lookups on the field `f`, which has the value `value`.
fn check_field(value: Value, cases: Vec<(&str, Value, Is)>) {
    let row = json!({ "f": value });
    for (lookup, operand, expected) in cases {
        let name = if lookup.is_empty() {
            "f".to_owned()
        } else {
            format!("f__{lookup}")
        };
        check(&row, &name, &operand, expected);
    }
}
