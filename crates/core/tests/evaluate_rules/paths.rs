//! Nested objects, related rows and lists.

use django_api_orm_core::{
    evaluate::{Evaluator, Fields, Verdict},
    filter::Q,
};
use serde_json::{Map, json};

use crate::{F, T, U, check, check_field, is, q};

#[test]
fn related_rows() {
    check_field(
        json!("http://h/api/users/3/"),
        vec![
            ("", json!(3), T),
            ("", json!("3"), T),
            ("", json!(4), F),
            ("", json!("ann"), F),
            ("", json!("/api/users/3/"), T),
            ("", json!("http://h/api/users/4/"), F),
            ("", json!("https://h/api/users/3/"), U),
            ("in", json!([1, 3]), T),
            ("gt", json!(2), T),
            ("gt", json!("10"), F),
            ("id", json!(3), T),
            ("pk", json!("3"), T),
            ("id__in", json!([4]), F),
            ("name", json!("x"), U),
        ],
    );
    check_field(
        json!("http://h/api/users/ann/"),
        vec![("", json!("ann"), T), ("", json!(3), U)],
    );
    check_field(
        json!("/files/a.txt"),
        vec![
            ("", json!("a.txt"), U),
            ("", json!("b.txt"), F),
            ("", json!(3), U),
        ],
    );
    check_field(
        json!(3),
        vec![
            ("", json!("http://h/api/users/3/"), T),
            ("id", json!(3), T),
            ("pk__gt", json!(3), F),
        ],
    );
    check_field(
        json!("ann"),
        vec![
            ("", json!("/api/users/ann/"), T),
            ("", json!("/api/users/bob/"), F),
        ],
    );
    check_field(
        json!({"id": 3, "name": "Ann", "team": {"pk": 9}}),
        vec![
            ("", json!(3), T),
            ("in", json!([1, 2]), F),
            ("", json!("/users/3/"), T),
            ("id", json!(3), T),
            ("pk", json!(3), T),
            ("name", json!("Ann"), T),
            ("team", json!(9), T),
            ("team__id", json!(9), T),
            ("isnull", json!(false), T),
            ("", json!({"team": {"pk": 9.0}, "name": "Ann", "id": 3}), T),
            ("", json!({"id": 3}), F),
            ("", json!([3]), U),
        ],
    );
    check_field(json!({"name": "Ann"}), vec![("", json!(3), U)]);
    for row in [
        json!({"author": 3}),
        json!({"author": "http://h/u/3/"}),
        json!({"author": {"id": 3}}),
        json!({"author_id": 3}),
    ] {
        for name in ["author_id", "author__id", "author__pk"] {
            check(&row, name, &json!(3), T);
            check(&row, name, &json!(4), F);
        }
    }
    check(&json!({"author": null}), "author_id", &json!(3), F);
}

#[test]
fn the_primary_key_by_its_alias() {
    let is = |row| is(&q("pk", json!("a")), &Fields::new("slug"), &row);
    assert_eq!(is(json!({"slug": "a", "pk": "b"})), T);
    assert_eq!(is(json!({"pk": "a"})), T);
    assert_eq!(is(json!({"id": "a"})), U);
}

#[test]
fn lists() {
    check_field(
        json!(["red", "green", null]),
        vec![
            ("", json!("red"), T),
            ("", json!("blue"), F),
            ("in", json!(["x", "green"]), T),
            ("icontains", json!("RE"), T),
            ("contains", json!("red"), T),
            ("contains", json!("re"), U),
            ("contains", json!("x"), F),
            ("contains", json!(["green"]), T),
            ("contains", json!(["green", "x"]), F),
            ("", json!(["red", "green", null]), T),
            ("", json!(["red"]), F),
            ("isnull", json!(true), F),
            ("0", json!("red"), T),
            ("9", json!("red"), U),
        ],
    );
    check_field(
        json!([{"id": 1, "name": "a"}, {"id": 2, "name": null}]),
        vec![
            ("", json!(2), T),
            ("", json!(3), F),
            ("name", json!("a"), T),
            ("name", json!("b"), F),
            ("name__isnull", json!(true), T),
            ("id__gt", json!(1), T),
            ("contains", json!([{"id": 2}]), T),
            ("contains", json!({"id": 3}), F),
        ],
    );
    check_field(
        json!([]),
        vec![
            ("", json!(1), F),
            ("", json!([]), T),
            ("isnull", json!(true), U),
            ("name", json!("a"), F),
            ("name__isnull", json!(true), T),
        ],
    );
    check_field(json!([1, "x"]), vec![("", json!(2), U), ("", json!(1), T)]);
    check_field(
        json!({"a": [1, 2], "b": 3}),
        vec![
            ("contains", json!({"a": [2]}), T),
            ("contains", json!({"c": 1}), F),
        ],
    );
}

/// A key of a JSON field is compared as a whole; of related rows one is enough. An object with a key of its own is taken for a related row, and
/// its lists for relations; one without may be either.
#[test]
fn lists_inside_json() {
    check_field(
        json!({"a": [1, 2], "b": [], "c": [[1]], "d": [{"e": 1}], "f": {"g": [1]}, "h": 1, "i": [{"id": 1}]}),
        vec![
            ("a__in", json!([1, "one"]), U),
            ("a", json!(1), U),
            ("a", json!(3), F),
            ("a__in", json!([3, 4]), F),
            ("a", json!("one"), U),
            ("a", json!("[1,2]"), U),
            ("a", json!(false), F),
            ("a", json!([1, 2]), T),
            ("a", json!([1]), F),
            ("a__in", json!([[1, 2], 3]), T),
            ("a__contains", json!([2]), T),
            ("a__gt", json!(0), U),
            ("a__icontains", json!("1"), U),
            ("a__0", json!(1), T),
            ("a__isnull", json!(false), T),
            ("b__isnull", json!(true), U),
            ("b", json!(1), F),
            ("c", json!([1]), F),
            ("c__0", json!([1]), T),
            ("d__e", json!(1), U),
            ("f__g", json!(1), U),
            ("f__g", json!(2), F),
            ("i", json!(1), U),
            ("i", json!(2), F),
            ("h__in", json!([1, "one"]), T),
        ],
    );
    check_field(
        json!({"id": 7, "tags": [1, 2], "posts": [{"id": 1}]}),
        vec![
            ("tags", json!(1), T),
            ("tags__in", json!([3]), F),
            ("posts__id", json!(1), T),
        ],
    );
}

#[test]
fn two_lookups_of_one_relation() {
    let both = || q("tags__a", json!(1)).and(q("tags__b", json!(2)));
    let either = both().or(q("id", json!(9)));
    let apart = json!({"id": 1, "tags": [{"a": 1, "b": 0}, {"a": 0, "b": 2}]});
    let fields = Fields::default();
    // As query parameters, and under a negation, each lookup looks for an element of its own.
    assert_eq!(is(&both(), &fields, &apart), T);
    assert_eq!(is(&both().negate(), &fields, &apart), F);
    assert_eq!(is(&either, &fields, &apart), F);
    let inside = json!({"id": 1, "tags": [{"a": [1, 2], "b": 2}, {"a": 3, "b": 0}]});
    assert_eq!(is(&either, &fields, &inside), U, "a list in an element");
    assert_eq!(
        is(
            &either,
            &fields,
            &json!({"id": 1, "tags": [{"a": 1, "b": 2}]})
        ),
        T
    );
    assert_eq!(
        is(
            &either,
            &fields,
            &json!({"id": 1, "tags": [{"a": 1, "b": 0}, {"a": 1, "b": 0}]})
        ),
        F
    );
    assert_eq!(
        is(
            &q("id__gt", json!(0))
                .and(q("id__lt", json!(2)))
                .or(q("id", json!(9))),
            &fields,
            &apart
        ),
        T
    );
}

#[test]
fn roots_and_reasons() {
    let q = q("address__state", json!("IL"))
        .and(q("author_id", json!(3)).or(q("pk", json!(1))))
        .and(q("__v", json!(1)));
    let evaluator = Evaluator::compile_with(&q, "slug").unwrap();
    assert_eq!(
        evaluator.roots(),
        ["__v", "address", "author", "author_id", "pk", "slug"]
    );
    let Verdict::Unknown(reason) = evaluator.evaluate(&Map::new()) else {
        panic!("a row without fields tells nothing")
    };
    assert!(reason.is_absent());
    assert_eq!(reason.lookup(), "address__state");
    assert!(reason.to_string().contains("`address__state`"));
    assert_eq!(
        Evaluator::compile(&Q::All).unwrap().evaluate(&Map::new()),
        Verdict::True
    );
}
