//! Which of two rows comes first.

use std::cmp::Ordering::{Equal, Greater, Less};

use django_api_orm_core::{
    NullOrder,
    evaluate::{Fields, RowOrder, compare_rows, order_roots},
    plan::Order,
};
use serde_json::{Map, Value, json};

fn row(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[test]
fn rows_are_compared_key_by_key_until_two_values_differ() {
    let order = [Order::parse("-rank"), Order::parse("name")];
    let of = |rank: Value, name: &str| row(&json!({"id": 1, "rank": rank, "name": name}));
    for (a, b, smallest, largest) in [
        (
            of(json!(1), "a"),
            of(json!(2), "a"),
            Some(Greater),
            Some(Greater),
        ),
        (
            of(json!(2), "b"),
            of(json!(2), "a"),
            Some(Greater),
            Some(Greater),
        ),
        (
            of(json!(2), "a"),
            of(json!(2), "a"),
            Some(Equal),
            Some(Equal),
        ),
        (
            of(json!(null), "a"),
            of(json!(null), "b"),
            Some(Less),
            Some(Less),
        ),
        (
            of(json!(null), "a"),
            of(json!(2), "a"),
            Some(Greater),
            Some(Less),
        ),
        (
            of(json!(2), "a"),
            of(json!(null), "a"),
            Some(Less),
            Some(Greater),
        ),
        (of(json!(2), "a"), of(json!([2]), "a"), None, None),
        (of(json!(2), "a"), row(&json!({"rank": 2})), None, None),
        (
            of(json!(1), "a"),
            row(&json!({"rank": 2})),
            Some(Greater),
            Some(Greater),
        ),
    ] {
        for (nulls, expected) in [
            (NullOrder::Smallest, smallest),
            (NullOrder::Largest, largest),
        ] {
            let ready = RowOrder::new(&order, nulls, &Fields::default());
            assert_eq!(ready.compare(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(
                ready.compare_keys(&ready.key(&a), &ready.key(&b)),
                expected,
                "{a:?} {b:?}"
            );
            assert_eq!(compare_rows(&order, nulls, &a, &b), expected, "{a:?} {b:?}");
            let back = expected.map(std::cmp::Ordering::reverse);
            assert_eq!(ready.compare(&b, &a), back, "{b:?} {a:?}");
        }
    }
}

#[test]
fn flags_days_and_related_rows_have_an_order() {
    for (key, a, b, expected) in [
        ("on", json!({"on": false}), json!({"on": true}), Some(Less)),
        ("on", json!({"on": true}), json!({"on": true}), Some(Equal)),
        (
            "at__date",
            json!({"at": "2024-05-01T10:00:00Z"}),
            json!({"at": "2024-05-02T09:00:00Z"}),
            Some(Less),
        ),
        (
            "at__date",
            json!({"at": "2024-05-01T10:00:00Z"}),
            json!({"at": "2024-05-01T09:00:00Z"}),
            Some(Equal),
        ),
        (
            "author",
            json!({"author": {"id": 1}}),
            json!({"author": {"id": 2}}),
            Some(Less),
        ),
        (
            "author",
            json!({"author": {"name": "a"}}),
            json!({"author": {"name": "b"}}),
            None,
        ),
        ("on", json!({"on": true}), json!({"on": 1}), None),
    ] {
        let compared = compare_rows(
            &[Order::parse(key)],
            NullOrder::Smallest,
            &row(&a),
            &row(&b),
        );
        assert_eq!(compared, expected, "{a} {b} by {key}");
    }
}

#[test]
fn texts_are_compared_as_what_both_of_them_are() {
    for (a, b, expected) in [
        ("9.50", "10.00", Some(Less)),
        ("9", "10.00", Some(Less)),
        ("9", "10", None),
        ("8", "9", Some(Less)),
        ("9.50", "Ann", None),
        (
            "2024-05-01T10:00:00Z",
            "2024-05-01T11:00:00+02:00",
            Some(Greater),
        ),
        (
            "3F2504E0-4F89-41D3-9A0C-0305E82C3302",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            Some(Greater),
        ),
        // Keys of one collection, and else texts.
        ("http://h/users/8/", "http://h/users/9/", Some(Less)),
        ("http://h/users/9/", "http://h/users/10/", None),
        ("http://h/users/9/", "http://h/teams/10/", Some(Greater)),
    ] {
        let of = |text: &str| row(&json!({"x": text}));
        let order = [Order::parse("x")];
        let compared = compare_rows(&order, NullOrder::Smallest, &of(a), &of(b));
        assert_eq!(compared, expected, "{a} {b}");
    }
}

#[test]
fn a_field_in_another_form_has_no_order() {
    let fields = Fields::default().shown_otherwise("state");
    let order = RowOrder::new(&[Order::parse("state")], NullOrder::Smallest, &fields);
    let (open, shut) = (
        row(&json!({"state": "Open"})),
        row(&json!({"state": "Shut"})),
    );
    assert_eq!(order.compare(&open, &shut), None);
    assert_eq!(
        order.compare_keys(&order.key(&open), &order.key(&shut)),
        None
    );
}

#[test]
fn a_key_is_complete_where_the_row_has_all_that_is_compared() {
    let order = [
        Order::parse("author__name"),
        Order::parse("-id"),
        Order::parse("id"),
    ];
    let ready = RowOrder::new(&order, NullOrder::Smallest, &Fields::default());
    for (shown, complete) in [
        (json!({"id": 1, "author": {"name": "Ann"}}), true),
        (json!({"id": 1, "author": {"name": null}}), true),
        (json!({"id": [1, 2], "author": {"name": "Ann"}}), false),
        (json!({"author": {"name": "Ann"}}), false),
        (json!({"id": 1}), false),
    ] {
        assert_eq!(ready.key(&row(&shown)).is_complete(), complete, "{shown}");
    }
    assert!(
        ready.roots().contains(&"author".to_owned()) && ready.roots().contains(&"id".to_owned())
    );
    assert_eq!(ready.roots(), order_roots(&order));
    assert_eq!(
        order_roots(&[
            Order::parse("rank"),
            Order::parse("-age"),
            Order::parse("rank")
        ]),
        ["age", "rank"]
    );
}

#[test]
fn days_and_amounts_as_people_write_them_have_the_order_in_which_text_and_meaning_agree() {
    let order = [Order::parse("f")];
    for (a, b, expected) in [
        ("03.01.2024", "04.01.2025", Some(Less)),
        ("03.01.2024", "01.01.2025", None),
        ("Jan 3, 2024", "3 Feb 2023", None),
        ("5.50 EUR", "12.00 EUR", None),
        ("5.50 EUR", "6.00 EUR", Some(Less)),
        ("5.50 EUR", "5.50 EUR", Some(Equal)),
        ("Task 9", "Task 12", Some(Greater)),
        ("1.9.3", "1.10.3", Some(Greater)),
        ("free", "5.50 EUR", Some(Greater)),
    ] {
        let [a, b] = [a, b].map(|text| row(&json!({"f": text})));
        let compared = compare_rows(&order, NullOrder::Smallest, &a, &b);
        assert_eq!(compared, expected, "{a:?} {b:?}");
    }
}
