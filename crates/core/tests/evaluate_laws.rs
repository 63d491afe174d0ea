//! Laws that hold for every row and every filter.
use std::cmp::Ordering;

use django_api_orm_core::{
    NullOrder,
    evaluate::{Evaluator, Fields, RowOrder, Verdict, compare_rows, order_roots},
    filter::Q,
    lookup::{Lookup, Op, Transform},
    plan::Order,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Texts that look like something, and what looks almost like it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-ZéßıσςÄ]{0,4}",
        "-?[0-9]{1,3}",
        "-?[0-9]{1,2}\\.[0-9]{1,2}",
        "0[0-9]",
        "[0-9]e[0-9]",
        "[0-9]{30}(\\.[0-9]{2})?",
        "202[34]-0[1-3]-0[1-3]",
        "202[34]-01-01[T ]1[0-2]:00(:00)?(\\.[0-9]{1,9})?(Z|[+-]0[0-3]:00)?",
        "1[0-2]:[0-5]0(:00)?",
        "(http://[ab])?/(users/)?[0-9]{1,2}/?",
        "[ab]2e8c9f0-0000-4000-8000-00000000000[aA]",
        "[ab]2e8c9f000004000800000000000000[aA]",
        any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-20_i32..20).prop_map(|halves| json!(f64::from(halves) / 2.0)),
        any::<f64>().prop_map(|float| json!(float)),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b", "id", "pk", "a_id", "date", "year", "0", "", "é",
    ])
}

fn json_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..3).prop_map(|fields| json!(fields)),
        ]
    })
}

fn row() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(key(), json_value(), 0..5).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    })
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(key(), 1..3).prop_map(|parts| parts.join("__"))
}

const OPS: [Op; 17] = [
    Op::Exact,
    Op::IExact,
    Op::Contains,
    Op::IContains,
    Op::StartsWith,
    Op::IStartsWith,
    Op::EndsWith,
    Op::IEndsWith,
    Op::Regex,
    Op::IRegex,
    Op::In,
    Op::Gt,
    Op::Gte,
    Op::Lt,
    Op::Lte,
    Op::Range,
    Op::IsNull,
];

fn lookup() -> impl Strategy<Value = Lookup> {
    let transform = prop::option::weighted(
        0.2,
        prop::sample::select(vec![Transform::Year, Transform::Date, Transform::Hour]),
    );
    let operand = |op| match op {
        Op::In => prop::collection::vec(json_value(), 0..3)
            .prop_map(Value::from)
            .boxed(),
        Op::Range => prop::collection::vec(scalar(), 2..=2)
            .prop_map(Value::from)
            .boxed(),
        Op::IsNull => any::<bool>().prop_map(Value::from).boxed(),
        _ => json_value().boxed(),
    };
    (path(), transform, prop::sample::select(OPS.to_vec()))
        .prop_flat_map(move |(path, transform, op)| {
            (Just(path), Just(transform), Just(op), operand(op))
        })
        .prop_map(|(path, transform, op, value)| Lookup {
            path,
            transform,
            op,
            value,
        })
}

fn q() -> impl Strategy<Value = Q> {
    lookup()
        .prop_map(Q::Lookup)
        .prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Q::And),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Q::Or),
                inner.prop_map(|part| Q::Not(Box::new(part))),
            ]
        })
}

fn verdict(q: &Q, row: &Map<String, Value>) -> Option<Verdict> {
    Evaluator::compile(q)
        .ok()
        .map(|evaluator| evaluator.evaluate(row))
}

/// The same verdict; why it is not known may differ.
fn same(left: &Verdict, right: &Verdict) -> bool {
    left.is_true() == right.is_true() && left.is_false() == right.is_false()
}

fn on(path: &str, op: Op, value: Value) -> Q {
    Q::Lookup(Lookup::new(path, op, value))
}

fn field(value: &Value) -> Map<String, Value> {
    std::iter::once(("f".to_owned(), value.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_and_no_filter_does_harm(q in q(), row in row()) {
        if let Ok(evaluator) = Evaluator::compile(&q) {
            let verdict = evaluator.evaluate(&row);
            // The roots are all that it looks at.
            let mut picked = row.clone();
            picked.retain(|key, _| evaluator.roots().contains(key));
            prop_assert_eq!(evaluator.evaluate(&picked), verdict);
        }
    }

    #[test]
    fn negation_swaps_true_and_false(q in q(), row in row()) {
        if let Some(verdict) = verdict(&Q::Not(Box::new(q.clone())), &row) {
            let negated = self::verdict(&Q::Not(Box::new(Q::Not(Box::new(q)))), &row).unwrap();
            prop_assert!(same(&verdict.negate(), &negated));
        }
    }

    #[test]
    fn de_morgan(left in lookup(), right in lookup(), row in row()) {
        let (left, right) = (Q::Lookup(left), Q::Lookup(right));
        let not = |q: Q| Q::Not(Box::new(q));
        let Some(neither) = verdict(&not(Q::Or(vec![left.clone(), right.clone()])), &row) else { return Ok(()) };
        let both_not = verdict(&Q::And(vec![not(left.clone()), not(right.clone())]), &row).unwrap();
        prop_assert!(same(&neither, &both_not));
        let not_both = verdict(&not(Q::And(vec![left.clone(), right.clone()])), &row).unwrap();
        let either_not = verdict(&Q::Or(vec![not(left), not(right)]), &row).unwrap();
        prop_assert!(same(&not_both, &either_not));
    }

    #[test]
    fn joins_follow_kleene(left in lookup(), right in lookup(), row in row()) {
        let (left, right) = (Q::Lookup(left), Q::Lookup(right));
        let (Some(a), Some(b)) = (verdict(&left, &row), verdict(&right, &row)) else { return Ok(()) };
        let both = verdict(&Q::And(vec![left.clone(), right.clone()]), &row).unwrap();
        prop_assert!(same(&both, &a.clone().and(b.clone())));
        prop_assert!(same(&both, &verdict(&Q::And(vec![right.clone(), left.clone()]), &row).unwrap()));
        let either = verdict(&Q::Or(vec![left, right]), &row).unwrap();
        prop_assert!(same(&either, &a.clone().or(b.clone())));
        prop_assert!(same(&a.clone().and(b.clone()).negate(), &a.negate().or(b.negate())));
    }

    #[test]
    fn a_number_of_a_row_is_the_number_that_was_written(float in any::<f64>().prop_filter("JSON has no others", |float| float.is_finite())) {
        let text = format!("{{\"f\": {float:e}}}");
        let row = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(verdict(&on("f", Op::Exact, json!(float)), &row), Some(Verdict::True), "{}", text);
    }

    #[test]
    fn in_is_an_or_of_equalities(value in json_value(), operands in prop::collection::vec(json_value(), 0..4)) {
        let row = field(&value);
        let any = Q::Or(operands.iter().filter(|operand| !operand.is_null()).map(|operand| on("f", Op::Exact, operand.clone())).collect());
        let is_in = verdict(&on("f", Op::In, Value::Array(operands)), &row).unwrap();
        prop_assert!(same(&is_in, &verdict(&any, &row).unwrap()));
    }

    #[test]
    fn a_range_is_two_comparisons(value in scalar(), low in scalar(), high in scalar()) {
        let row = field(&value);
        let Some(within) = verdict(&on("f", Op::Range, json!([low, high])), &row) else { return Ok(()) };
        let both = Q::And(vec![on("f", Op::Gte, low), on("f", Op::Lte, high)]);
        prop_assert!(same(&within, &verdict(&both, &row).unwrap()));
    }

    #[test]
    fn comparisons_agree_with_each_other(value in scalar(), operand in scalar()) {
        let row = field(&value);
        let Some(gt) = verdict(&on("f", Op::Gt, operand.clone()), &row) else { return Ok(()) };
        let lookup = |op| verdict(&on("f", op, operand.clone()), &row).unwrap();
        if value.is_null() {
            prop_assert!([Op::Gt, Op::Gte, Op::Lt, Op::Lte].into_iter().all(|op| lookup(op).is_false()));
        } else {
            prop_assert!(same(&gt, &lookup(Op::Lte).negate()));
            prop_assert!(same(&lookup(Op::Lt), &lookup(Op::Gte).negate()));
            prop_assert!(!(gt.is_true() && lookup(Op::Exact).is_true()));
        }
    }

    #[test]
    fn a_value_equals_itself(value in json_value()) {
        let row = field(&value);
        prop_assert!(verdict(&on("f", Op::Exact, value), &row).unwrap().is_true());
    }

    #[test]
    fn the_order_of_rows_is_an_order(a in scalar(), b in scalar(), c in scalar(), largest in any::<bool>()) {
        let nulls = if largest { NullOrder::Largest } else { NullOrder::Smallest };
        for spelling in ["f", "-f"] {
            let order = RowOrder::new(&[Order::parse(spelling)], nulls, &Fields::default());
            let compare = |left: &Value, right: &Value| order.compare(&field(left), &field(right));
            let (row_a, row_b) = (field(&a), field(&b));
            prop_assert_eq!(order.compare_keys(&order.key(&row_a), &order.key(&row_b)), compare(&a, &b));
            prop_assert_eq!(compare(&a, &a), Some(Ordering::Equal));
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).map(Ordering::reverse));
            if let (Some(ab), Some(bc), Some(ac)) = (compare(&a, &b), compare(&b, &c), compare(&a, &c)) {
                if ab == bc || bc == Ordering::Equal {
                    prop_assert_eq!(ac, ab);
                } else if ab == Ordering::Equal {
                    prop_assert_eq!(ac, bc);
                }
            }
        }
    }

    #[test]
    fn a_column_of_texts_that_look_alike_is_in_order(mut column in prop::collection::vec(prop_oneof!["[0-9]{1,2}\\.[0-9]", "[a-z0-9]{1,2}", "-?[0-9]{1,2}"], 3..8)) {
        let order = [Order::parse("f")];
        let rows: Vec<_> = column.drain(..).map(|text| field(&text.into())).collect();
        for a in &rows { for b in &rows { for c in &rows {
            let compare = |left, right| compare_rows(&order, NullOrder::Smallest, left, right);
            if let (Some(Ordering::Less), Some(Ordering::Less), Some(ac)) = (compare(a, b), compare(b, c), compare(a, c)) {
                prop_assert_eq!(ac, Ordering::Less);
            }
        }}}
    }
}

#[test]
fn rows_in_order() {
    let row = |value: Value| value.as_object().cloned().unwrap();
    let compare = |order: &str, nulls, a: Value, b: Value| {
        let order: Vec<Order> = order.split(',').map(Order::parse).collect();
        compare_rows(&order, nulls, &row(a), &row(b))
    };
    let (small, large) = (NullOrder::Smallest, NullOrder::Largest);
    assert_eq!(
        compare("r", small, json!({"r": null}), json!({"r": 1})),
        Some(Ordering::Less)
    );
    assert_eq!(
        compare("r", large, json!({"r": null}), json!({"r": 1})),
        Some(Ordering::Greater)
    );
    assert_eq!(
        compare("-r", small, json!({"r": null}), json!({"r": 1})),
        Some(Ordering::Greater)
    );
    assert_eq!(
        compare(
            "r,-id",
            small,
            json!({"r": 1, "id": 2}),
            json!({"r": 1.0, "id": 1})
        ),
        Some(Ordering::Less)
    );
    assert_eq!(
        compare("p", small, json!({"p": "9.50"}), json!({"p": "10.00"})),
        Some(Ordering::Less)
    );
    assert_eq!(
        compare("p", small, json!({"p": "9"}), json!({"p": "10"})),
        None
    );
    assert_eq!(
        compare("p", small, json!({"p": "9.50"}), json!({"p": "x"})),
        None
    );
    assert_eq!(
        compare(
            "a__s",
            small,
            json!({"a": {"s": "B"}}),
            json!({"a": {"s": "a"}})
        ),
        Some(Ordering::Less)
    );
    assert_eq!(
        compare(
            "u",
            small,
            json!({"u": "http://h/u/9/"}),
            json!({"u": "http://h/u/10/"})
        ),
        None
    );
    assert_eq!(
        compare("pk", small, json!({"id": 1}), json!({"id": 2})),
        Some(Ordering::Less)
    );
    assert_eq!(
        compare(
            "u__pk",
            small,
            json!({"u": "/u/9/"}),
            json!({"u": {"id": 10}})
        ),
        None
    );
    assert_eq!(compare("r", small, json!({}), json!({"r": 1})), None);
    assert_eq!(
        compare(
            "at",
            small,
            json!({"at": "2024-01-01T01:00:00+02:00"}),
            json!({"at": "2024-01-01T00:00:00Z"})
        ),
        Some(Ordering::Less)
    );
    assert_eq!(
        order_roots(&[Order::parse("-a__b"), Order::parse("pk")]),
        ["a", "id", "pk"]
    );
}
