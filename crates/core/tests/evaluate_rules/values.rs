//! Nulls, numbers, booleans, UUIDs and text.

use django_api_orm_core::evaluate::Fields;
use serde_json::{Value, json};

use crate::{F, T, U, check, check_field, is, q};

#[test]
fn null_and_absence() {
    check_field(
        Value::Null,
        vec![
            ("", json!(1), F),
            ("", json!(""), F),
            ("gt", json!(1), F),
            ("lt", json!(1), F),
            ("range", json!([1, 2]), F),
            ("in", json!([1, null]), F),
            ("icontains", json!(""), F),
            ("regex", json!(".*"), F),
            ("year", json!(2024), F),
            ("", Value::Null, T),
            ("iexact", Value::Null, T),
            ("isnull", json!(true), T),
            ("isnull", json!(false), F),
            ("id", json!(1), F),
            ("name__isnull", json!(true), T),
        ],
    );
    check_field(
        json!(1),
        vec![
            ("", Value::Null, F),
            ("isnull", json!(true), F),
            ("isnull", json!(false), T),
            ("in", json!([null, 1]), T),
            ("in", json!([null]), F),
            ("in", json!([]), F),
            ("name", json!("x"), U),
            ("name__isnull", json!(true), U),
        ],
    );
    check(&json!({}), "f", &json!(1), U);
    check(&json!({}), "f__isnull", &json!(true), U);
    check(&json!({}), "f__in", &json!([]), F);
    check(&json!({"address": {}}), "address__state", &json!("IL"), U);
    check_field(
        json!(""),
        vec![
            ("", json!(""), T),
            ("isnull", json!(true), F),
            ("gt", json!("a"), F),
        ],
    );
}

#[test]
fn numbers() {
    check_field(
        json!(1),
        vec![
            ("", json!(1.0), T),
            ("", json!("1"), T),
            ("", json!("1.00"), T),
            ("", json!("01"), T),
            ("", json!("1e0"), T),
            ("", json!(true), T),
            ("", json!(false), F),
            ("", json!("one"), U),
            ("", json!(""), U),
            ("", json!([1]), U),
            ("", json!({"id": 1}), U),
            ("gt", json!("0.99"), T),
            ("gt", json!("x"), U),
            ("in", json!([2, 1]), T),
            ("in", json!([2, 3]), F),
            ("in", json!([2, "x"]), U),
            ("in", json!([1, "x"]), T),
            ("range", json!([1, 1]), T),
            ("range", json!([2, 3]), F),
            ("range", json!(["x", 0]), F),
            ("range", json!(["x", 3]), U),
        ],
    );
    check_field(
        json!(0.25),
        vec![
            ("", json!("0.25"), T),
            ("", json!("0.250"), T),
            ("lt", json!("0.2500001"), T),
        ],
    );
    check_field(
        json!(u64::MAX),
        vec![
            ("", json!(i64::MAX), F),
            ("gt", json!(u64::MAX - 1), T),
            ("in", json!([u64::MAX]), T),
        ],
    );
    check_field(
        json!(i64::MIN),
        vec![
            ("", json!("-9223372036854775808"), T),
            ("lt", json!("-9223372036854775807"), T),
        ],
    );
    check_field(
        json!("12.50"),
        vec![
            ("", json!(12.5), T),
            ("", json!("12.5"), U),
            ("", json!("12.500"), U),
            ("", json!("1.25e1"), U),
            ("", json!("12.51"), F),
            ("", json!("x"), F),
            ("gt", json!(9), T),
            ("gt", json!("9"), T),
            ("lt", json!("9.5"), F),
            ("lt", json!("x"), T),
            ("gt", json!("inf"), U),
            ("in", json!(["12.5", "x"]), U),
        ],
    );
    check_field(
        json!("7"),
        vec![
            ("", json!(7), T),
            ("", json!("7"), T),
            ("", json!("07"), F),
            ("", json!("7.0"), U),
            ("", json!(true), U),
            ("", json!("7e0"), U),
            ("", json!("8e0"), F),
            ("lt", json!("8"), T),
            ("lt", json!("10"), U),
            ("lt", json!(10), T),
        ],
    );
    check_field(
        json!("007"),
        vec![
            ("", json!(7), U),
            ("", json!(8), F),
            ("", json!("7"), F),
            ("gt", json!(3), U),
        ],
    );
    check_field(
        json!("abc"),
        vec![
            ("", json!(7), U),
            ("gt", json!(7), U),
            ("gt", json!("7"), T),
        ],
    );
}

#[test]
fn booleans() {
    check_field(
        json!(true),
        vec![
            ("", json!(true), T),
            ("", json!(false), F),
            ("", json!("true"), T),
            ("", json!("False"), F),
            ("", json!(1), T),
            ("", json!(0), F),
            ("", json!("1"), T),
            ("", json!(2), U),
            ("", json!("yes"), U),
            ("gt", json!(false), T),
            ("icontains", json!("tr"), U),
        ],
    );
    check_field(
        json!("true"),
        vec![
            ("", json!(true), T),
            ("", json!("true"), T),
            ("", json!("True"), F),
        ],
    );
    check_field(json!("yes"), vec![("", json!(true), U)]);
}

#[test]
fn uuids() {
    let hyphenated = "a2e8c9f0-0000-4000-8000-00000000000a";
    check_field(
        json!(hyphenated),
        vec![
            ("", json!("A2E8C9F0-0000-4000-8000-00000000000A"), T),
            ("", json!("a2e8c9f00000400080000000 0000000a"), F),
            ("", json!("a2e8c9f000004000800000000000000a"), T),
            ("in", json!(["x", "A2E8C9F000004000800000000000000A"]), T),
            ("gt", json!("A2E8C9F000004000800000000000000A"), F),
            ("", json!("b2e8c9f0-0000-4000-8000-00000000000a"), F),
        ],
    );
    check_field(
        json!("a2e8c9f000004000800000000000000a"),
        vec![("", json!(hyphenated), T)],
    );
    check_field(
        json!("http://h/teams/a2e8c9f0-0000-4000-8000-00000000000a/"),
        vec![("", json!(hyphenated), T)],
    );
}

#[test]
fn text() {
    check_field(
        json!("Anna Ärmel"),
        vec![
            ("", json!("Anna Ärmel"), T),
            ("", json!("anna ärmel"), F),
            ("iexact", json!("ANNA ÄRMEL"), T),
            ("contains", json!("na Ä"), T),
            ("contains", json!("NA"), F),
            ("icontains", json!("NA ä"), T),
            ("startswith", json!("Ann"), T),
            ("istartswith", json!("aNN"), T),
            ("endswith", json!("mel"), T),
            ("iendswith", json!("äRMEL"), T),
            ("regex", json!("^A.*l$"), T),
            ("regex", json!("^a"), F),
            ("iregex", json!("^a"), T),
            ("gt", json!("Anna"), T),
            ("lt", json!("a"), T),
            ("contains", json!("%"), F),
        ],
    );
    check_field(
        json!(1234),
        vec![
            ("contains", json!("23"), T),
            ("startswith", json!(12), T),
            ("regex", json!("4$"), T),
        ],
    );
    check_field(json!(0.5), vec![("startswith", json!("0."), T)]);
    check_field(json!(5.0), vec![("contains", json!("5"), U)]);
    check_field(
        json!("straße"),
        vec![
            ("iexact", json!("STRASSE"), U),
            ("iexact", json!("STRAẞE"), U),
            ("iexact", json!("STRAßE"), T),
        ],
    );
    check_field(json!("İstanbul"), vec![("istartswith", json!("is"), F)]);
    check_field(json!({"a": 1}), vec![("icontains", json!("a"), U)]);
}

#[test]
fn declared_kinds() {
    let row = json!({"version": "1.10", "zip": "00501", "at": "2024-01-01T00:00:00Z", "home": "http://h/3"});
    let text = Fields::default()
        .text("version")
        .text("zip")
        .text("at")
        .text("home");
    let decimal = Fields::default()
        .decimal("version")
        .decimal("zip")
        .decimal("at");
    for (name, operand, as_text, as_decimal, undeclared) in [
        ("version", json!("1.1"), F, T, U),
        ("version", json!(1.1), F, T, T),
        ("version__gt", json!("1.9"), F, F, F),
        ("zip", json!(501), F, T, U),
        ("zip", json!("501"), F, T, F),
        ("zip__lt", json!("10001"), T, T, T),
        ("zip__lt", json!(10_001), T, T, U),
        ("at", json!("2024-01-01T01:00:00+01:00"), F, U, T),
        ("at__startswith", json!("2024"), T, U, U),
        ("home", json!("3"), F, T, T),
    ] {
        let q = q(name, operand);
        assert_eq!(is(&q, &text, &row), as_text, "{q} as text");
        assert_eq!(is(&q, &decimal, &row), as_decimal, "{q} as a decimal");
        assert_eq!(is(&q, &Fields::default(), &row), undeclared, "{q}");
    }
}

#[test]
fn an_unknown_collation() {
    let row = json!({"name": "Ann", "id": 1});
    let fields = Fields::default().unknown_collation();
    for (name, operand, checked, decided) in [
        ("name", json!("Ann"), T, T),
        ("name", json!("ann"), U, F),
        ("name", json!("bob"), F, F),
        ("name__in", json!(["ann", "bob"]), U, F),
        ("name__contains", json!("nn"), T, T),
        ("name__contains", json!("NN"), U, F),
        ("name__startswith", json!("b"), F, F),
        ("name__gt", json!("abc"), U, F),
        ("name__lt", json!("abc"), U, T),
        ("name__lt", json!("bob"), T, T),
        ("id", json!(2), F, F),
    ] {
        let q = q(name, operand);
        assert_eq!(
            is(&q, &fields, &row),
            checked,
            "{q} of an unknown collation"
        );
        assert_eq!(is(&q, &Fields::default(), &row), decided, "{q}");
    }
}
