//! What rows show of a server that was to sort out or to sort: digits, labels and other forms decide nothing.

use django_api_orm_core::evaluate::{
    Evaluator, Fields, Verdict, asks_digits, disproves, is_no_label, lacks_digits, settles,
};
use django_api_orm_core::lookup::{Lookup, Op};
use serde_json::{Map, Value, json};

use crate::{F, Is, T, U, is, q};

fn rows(shown: &[Value]) -> Vec<Map<String, Value>> {
    let row = |shown: &Value| [("x".to_owned(), shown.clone())].into_iter().collect();
    shown.iter().map(row).collect()
}

#[test]
fn digits_that_a_row_does_not_show_decide_nothing() {
    let checked = Fields::default().unknown_collation();
    for (shown, name, operand, verdict, lacks) in [
        (json!("6.67"), "x", json!(6.67), T, true),
        (json!("6.67"), "x", json!(6.6667), U, true),
        (json!("6.67"), "x", json!(6.66), F, false),
        (json!("6.67"), "x", json!(6.6801), F, false),
        (json!(7), "x", json!(6.5), U, true),
        (json!("6.67"), "x__in", json!([6.6667, 1]), U, true),
        (json!("6.67"), "x__in", json!([1, 6.6801]), F, false),
        (json!("6.67"), "x__gt", json!(6.6667), T, true),
        (json!("6.67"), "x__lt", json!(6.6667), U, true),
        (json!("6.67"), "x__gt", json!(6.67), U, true),
        (json!("6.67"), "x__gt", json!(6.68), F, false),
        (json!("6.67"), "x__range", json!([1, 6.6667]), U, true),
        (json!("6.67"), "x__range", json!([6.6701, 9]), U, true),
        (json!("6.67"), "x__range", json!([7, 9]), F, false),
        (json!("6.67"), "x__contains", json!("7.6"), F, false),
        // A minute, a second, a tenth of one, a day.
        (
            json!("2024-05-01T10:04Z"),
            "x",
            json!("2024-05-01T10:04:30Z"),
            U,
            true,
        ),
        (
            json!("2024-05-01T10:04Z"),
            "x",
            json!("2024-05-01T10:05:00Z"),
            F,
            false,
        ),
        (
            json!("2024-05-01T10:04"),
            "x__gt",
            json!("2024-05-01T10:04:30"),
            U,
            true,
        ),
        (
            json!("2024-05-01T10:04"),
            "x__gt",
            json!("2024-05-01T10:05:00"),
            F,
            false,
        ),
        (json!("10:04:30"), "x", json!("10:04:30.5"), U, true),
        (json!("10:04:30"), "x", json!("10:04:31"), F, false),
        (json!("10:04:30"), "x__gt", json!("10:04:30"), U, true),
        (json!("10:04:30.5"), "x", json!("10:04:30.55"), U, true),
        (json!("10:04:30.5"), "x", json!("10:04:30.6"), F, false),
        (json!("2024-05-01"), "x__gt", json!("2024-05-01"), U, false),
        (json!("2024-05-01"), "x__gt", json!("2024-05-02"), F, false),
        (
            json!("2024-05-01"),
            "x__gt",
            json!("2024-05-01T10:00:00"),
            U,
            false,
        ),
        (
            json!("2024-05-01"),
            "x__gt",
            json!("2024-05-03T10:00:00"),
            F,
            false,
        ),
        (
            json!("2024-05-01T00:00:00"),
            "x__gt",
            json!("2024-05-01"),
            U,
            true,
        ),
        (
            json!("2024-05-01T00:00:00"),
            "x__gt",
            json!("2024-05-02"),
            F,
            false,
        ),
        (
            json!("2024-05-01T00:00:00Z"),
            "x__gt",
            json!("2024-05-01"),
            U,
            true,
        ),
        (
            json!("2024-05-01T00:00:00Z"),
            "x__gt",
            json!("2024-05-02"),
            F,
            false,
        ),
        (
            json!("2024-05-01T10:04:00Z"),
            "x__gt",
            json!("2024-05-01T10:04:00"),
            U,
            true,
        ),
        (
            json!("2024-05-01T10:04:00Z"),
            "x__gt",
            json!("2024-05-01T10:05:00"),
            F,
            false,
        ),
        (json!("P1DT2H"), "x__gt", json!("P1DT2H"), F, false),
    ] {
        let lookup = Lookup::parse(name, operand.clone());
        let row = json!({"x": shown});
        let filter = q(name, operand);
        assert_eq!(is(&filter, &checked, &row), verdict, "{row} {filter}");
        let decided = is(&filter, &Fields::default(), &row);
        assert_eq!(
            decided,
            if verdict == U { F } else { verdict },
            "{row} {filter}"
        );
        let row = row.as_object().unwrap();
        assert_eq!(
            lacks_digits(&lookup, &checked, row),
            lacks,
            "{row:?} {filter}"
        );
        if let Verdict::Unknown(reason) = Evaluator::compile_for(&filter, &checked)
            .unwrap()
            .evaluate(row)
        {
            assert!(reason.is_at_boundary(), "{row:?} {filter}");
        }
    }
    // One element of a list is enough.
    let dear = Lookup::parse("x__price__gt", json!(6.6667));
    for prices in [["6.67", "1.00"], ["1.00", "6.67"]] {
        let row = json!({"x": prices.map(|price| json!({"id": 1, "price": price}))});
        assert!(
            lacks_digits(&dear, &checked, row.as_object().unwrap()),
            "{row}"
        );
    }
    let text = Evaluator::compile_for(&q("x__gt", json!(5)), &checked).unwrap();
    let Verdict::Unknown(reason) = text.evaluate(json!({"x": "five"}).as_object().unwrap()) else {
        panic!("a text has no place among numbers");
    };
    assert!(!reason.is_at_boundary() && !reason.is_absent());
}

#[test]
fn rows_prove_that_a_server_did_not_filter_where_no_form_explains_them() {
    for (key, name, operand, shown, proves) in [
        ("id", "x", json!("A"), json!(["Active"]), false),
        ("id", "x", json!("A"), json!(["Active", " active "]), false),
        ("id", "x", json!("A"), json!(["Active", "Done"]), true),
        ("id", "x", json!("A"), json!(["Active", null]), true),
        (
            "id",
            "x",
            json!("A"),
            json!([["Active"], "Done", "New"]),
            false,
        ),
        (
            "id",
            "x__in",
            json!(["A", "D"]),
            json!(["Active", "Done"]),
            false,
        ),
        (
            "id",
            "x",
            json!(["A", "D"]),
            json!(["Active", "Done"]),
            true,
        ),
        (
            "id",
            "x__in",
            json!(["A", "D"]),
            json!(["Active", "Done", "New"]),
            true,
        ),
        // What is the same value is one, whatever is shown beside the key of a related row.
        ("id", "x", json!(5), json!([7, 7.0]), false),
        ("id", "x", json!(5), json!([7, 8]), true),
        ("id", "x", json!("A"), json!([7, "7"]), true),
        ("id", "x", json!("A"), json!([true, true]), false),
        ("id", "x", json!("A"), json!([true, false]), true),
        ("id", "x", json!("A"), json!([{"a": 1}, {"a": 1}]), false),
        ("id", "x", json!("A"), json!([{"a": 1}, {"a": 2}]), true),
        (
            "id",
            "x",
            json!("A"),
            json!([{"a": [1]}, {"a": [1.0]}]),
            false,
        ),
        (
            "id",
            "x",
            json!("A"),
            json!([{"a": [1]}, {"a": [1, 2]}]),
            true,
        ),
        (
            "id",
            "x",
            json!("A"),
            json!([{"a": 1}, {"a": 1, "b": 2}]),
            true,
        ),
        (
            "id",
            "x",
            json!("A"),
            json!([{"a": 1, "b": 2}, {"a": 1}]),
            true,
        ),
        (
            "id",
            "x",
            json!("A"),
            json!([{"id": "k", "a": 1}, {"id": "k", "a": 2}]),
            false,
        ),
        (
            "id",
            "x",
            json!("A"),
            json!([{"id": "k"}, {"id": "l"}]),
            true,
        ),
        // Flags have no other form, and neither do numbers of the primary key.
        ("id", "x", json!(true), json!([false]), true),
        ("id", "x", json!(true), json!([true]), false),
        ("id", "x", json!(5), json!([7]), false),
        ("x", "x", json!(5), json!([7]), true),
        ("x", "pk", json!(5), json!([7]), true),
        ("x", "x", json!(5), json!([5]), false),
        ("x", "x__in", json!([5, 6]), json!([6]), false),
        ("x", "x__in", json!([5, 6]), json!([7]), true),
        ("x", "x", json!("a-slug"), json!([7]), false),
        (
            "id",
            "x__year",
            json!(2024),
            json!(["2022-01-01", "2023-01-01"]),
            false,
        ),
        ("id", "x__isnull", json!(true), json!([null, null]), false),
        ("id", "x__isnull", json!(true), json!([1, 2]), false),
        ("id", "x__isnull", json!(true), json!([1, null, 2]), true),
        ("id", "x", json!(null), json!([null, 1]), true),
        // By more than the last place that is shown, or a day.
        ("id", "x__gte", json!(10.46), json!([10.4]), false),
        ("id", "x__gte", json!(10.46), json!([11, 7]), true),
        ("id", "x__gte", json!(10.46), json!([11, null]), false),
        ("id", "x__range", json!([1, 5]), json!([9]), true),
        (
            "id",
            "x__gte",
            json!("2024-05-10"),
            json!(["2024-05-09"]),
            false,
        ),
        (
            "id",
            "x__gte",
            json!("2024-05-10"),
            json!(["2024-05-08"]),
            true,
        ),
        (
            "id",
            "x__gte",
            json!("2024-05-10"),
            json!(["2024-05-12"]),
            false,
        ),
        (
            "id",
            "x__range",
            json!(["2024-05-10", "2024-05-12"]),
            json!(["2024-05-13"]),
            false,
        ),
        ("id", "x__gte", json!("b"), json!(["a"]), false),
        ("id", "x__icontains", json!("ann"), json!(["bob"]), false),
    ] {
        let lookup = Lookup::parse(name, operand);
        let rows = rows(shown.as_array().unwrap());
        assert_eq!(
            disproves(&lookup, &Fields::new(key), &rows),
            proves,
            "{lookup} {shown}"
        );
    }
}

#[test]
fn a_path_through_a_part_shows_the_part() {
    let day = Lookup::new("x__date", Op::Exact, json!("2024-05-01"));
    for (shown, proves) in [
        (["2024-05-02T10:00:00Z", "2024-05-02T11:00:00Z"], false),
        (["2024-05-02T10:00:00Z", "2024-05-03T10:00:00Z"], true),
    ] {
        let rows = rows(&shown.map(Value::from));
        assert_eq!(
            disproves(&day, &Fields::new("id"), &rows),
            proves,
            "{shown:?}"
        );
    }
}

#[test]
fn a_filter_is_settled_by_rows_that_show_a_value_of_the_kind_that_was_asked_for() {
    for (name, operand, shown, settled) in [
        ("x", json!("Alpha"), json!(["Alpha", "Beta"]), false),
        ("x", json!("z"), json!(["Alpha", "Beta"]), false),
        ("x", json!(7), json!(["Alpha", "Beta"]), false),
        ("x", json!(7), json!(["Alpha", 2]), true),
        ("x", json!(7), json!([true]), false),
        ("x", json!(true), json!([false]), true),
        ("x", json!("2024-05-01"), json!(["2024-05-02"]), true),
        ("x", json!("2024-05-01"), json!(["10:00"]), false),
        ("x__in", json!(["z", 7]), json!([2]), true),
        ("x__in", json!(["z", true]), json!([false]), true),
        ("x", json!(7), json!([null, [7]]), false),
        ("x__icontains", json!("z"), json!([]), true),
        ("x__year", json!(2024), json!([]), true),
    ] {
        let lookup = Lookup::parse(name, operand);
        let rows = rows(shown.as_array().unwrap());
        assert_eq!(
            settles(&lookup, &Fields::new("id"), &rows),
            settled,
            "{lookup} {shown}"
        );
    }
}

#[test]
fn a_text_of_as_many_digits_as_were_asked_for_lacks_none() {
    let undeclared = Evaluator::compile(&q("x", json!("1.1"))).unwrap();
    let Verdict::Unknown(reason) = undeclared.evaluate(json!({"x": "1.10"}).as_object().unwrap())
    else {
        panic!("it may be a version or a decimal");
    };
    assert!(!reason.is_at_boundary());
}

#[test]
fn a_number_is_no_other_text_in_any_collation() {
    let zip = Fields::default().text("zip").unknown_collation();
    for (shown, expected) in [("501", T), ("00501", F), ("5-01", F), ("a-1", F)] {
        let row = json!({"zip": shown});
        assert_eq!(is(&q("zip", json!(501)), &zip, &row), expected, "{shown}");
    }
}

#[test]
fn texts_that_one_case_tells_apart_may_be_one() {
    let names = Fields::default().unknown_collation();
    for (operand, expected) in [("straße", T), ("STRASSE", U), ("Straße", U), ("strand", F)] {
        let row = json!({"name": "straße"});
        assert_eq!(
            is(&q("name", json!(operand)), &names, &row),
            expected,
            "{operand}"
        );
    }
}

#[test]
fn a_text_is_compared_with_an_operand_as_what_it_is() {
    for (shown, name, operand, expected) in [
        ("9.50", "x__lt", "010", T),
        ("9.50", "x__lt", "9.5", F),
        ("http://h/users/3/", "x__lt", "Ann", U),
        ("Ann", "x__lt", "http://h/users/3/", U),
        ("7", "x__lt", "http://h/users/3/", U),
        ("http://h/users/3/", "x__lt", "10", T),
    ] {
        let filter = q(name, json!(operand));
        let row = json!({"x": shown});
        assert_eq!(
            is(&filter, &Fields::default(), &row),
            expected,
            "{row} {filter}"
        );
    }
}

#[test]
fn a_verdict_is_one_of_three() {
    let evaluator = Evaluator::compile(&q("x", json!(1))).unwrap();
    let told = |row: &Value| {
        let verdict = evaluator.evaluate(row.as_object().unwrap());
        [verdict.is_true(), verdict.is_false(), verdict.is_unknown()]
    };
    assert_eq!(told(&json!({"x": 1})), [true, false, false]);
    assert_eq!(told(&json!({"x": 2})), [false, true, false]);
    assert_eq!(told(&json!({})), [false, false, true]);
}

#[test]
fn a_list_in_json_may_be_the_text_of_itself() {
    let row = json!({"extra": {"a": ["x", "y"]}});
    for (operand, expected) in [("[\"x\"]", U), ("z", F), ("x", U)] {
        let filter = q("extra__a", json!(operand));
        assert_eq!(is(&filter, &Fields::default(), &row), expected, "{operand}");
    }
}

#[test]
fn digits_are_asked_for_by_fractions_and_by_times() {
    for (name, operand, asks) in [
        ("x", json!(9.99), true),
        ("x__gt", json!("9.99"), true),
        ("x", json!(7), false),
        ("x", json!("10:04:30"), true),
        ("x", json!("2024-05-01T10:04:30"), true),
        ("x", json!("2024-05-01T10:04:30Z"), true),
        ("x", json!("2024-05-01"), false),
        ("x", json!("Ann"), false),
        ("x__in", json!([7, 9.99]), true),
        ("x__in", json!([7, 8]), false),
        ("x__hour", json!(9.5), false),
    ] {
        let lookup = Lookup::parse(name, operand);
        assert_eq!(asks_digits(&lookup), asks, "{lookup}");
    }
}

#[test]
fn a_number_a_moment_a_uuid_and_a_link_are_no_labels() {
    for text in [
        "7",
        "2024-05-01",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "http://h/3/",
    ] {
        assert!(is_no_label(text), "{text}");
    }
    for text in ["Active", "", "high"] {
        assert!(!is_no_label(text), "{text}");
    }
}

#[test]
fn what_is_known_of_fields_is_kept_beside_what_is_added() {
    let row = json!({
        "id": 1, "name": "Ann", "price": "1.10", "state": "Open", "author": {"price": "1.10", "state": "Open"},
    });
    let check = |fields: &Fields, cases: [(&str, Value, Is); 4]| {
        for (name, operand, expected) in cases {
            assert_eq!(is(&q(name, operand), fields, &row), expected, "{name}");
        }
    };
    let fields = || {
        Fields::default()
            .unknown_collation()
            .decimal("price")
            .shown_otherwise("state")
    };
    let own = [
        ("name", json!("ann"), U),
        ("price", json!("1.1"), T),
        ("state", json!("Open"), U),
        ("id", json!(1), T),
    ];
    check(&fields(), own.clone());
    check(&fields().with_related("author", &fields()), own);
    check(
        &fields().with_related("author", &fields()),
        [
            ("author__price", json!("1.1"), T),
            ("author__state", json!("Open"), U),
            ("author__price", json!("2"), F),
            ("name", json!("Bob"), F),
        ],
    );
    check(
        &fields().without_kinds(),
        [
            ("name", json!("ann"), U),
            ("price", json!("1.1"), U),
            ("state", json!("Open"), U),
            ("id", json!(1), T),
        ],
    );
    let dated = json!({"at": "2024-05-01T10:00:00Z"});
    let text = Fields::default().text("at");
    assert_eq!(
        is(&q("at__year", json!(2024)), &text, &dated),
        T,
        "a part is no text"
    );
    assert_eq!(is(&q("at__date", json!("2024-05-01")), &text, &dated), T);
    // The key of an object that has the name of a part.
    let nested = json!({"at": {"year": "2024.0"}});
    assert_eq!(
        is(&q("at__year", json!(2024)), &text, &nested),
        T,
        "the text of `at` is another one"
    );
}

#[test]
fn only_lookups_of_one_list_may_ask_for_one_element() {
    let row = json!({"id": 1, "tags": [1, 2], "marks": [1]});
    let among = |parts: &[(&str, i64)]| {
        let both = parts.iter().map(|(name, value)| q(name, json!(value)));
        let both = both.reduce(django_api_orm_core::filter::Q::and).unwrap();
        is(&both.or(q("id", json!(9))), &Fields::default(), &row)
    };
    assert_eq!(among(&[("id__gt", 0), ("tags", 1), ("tags", 2)]), F);
    assert_eq!(among(&[("tags", 1), ("id__gt", 0), ("tags", 2)]), F);
    assert_eq!(among(&[("tags", 1), ("tags__lt", 2)]), T);
    assert_eq!(among(&[("id__gt", 0), ("tags", 1)]), T);
    assert_eq!(among(&[("marks", 1), ("marks__gt", 0)]), T, "it has one");
    assert_eq!(among(&[("tags", 1), ("marks", 1)]), T);
}
