//! What is pushed, and what is not.

use serde_json::json;

use super::*;
use crate::model::FieldMeta;

fn q(name: &str, value: Value) -> Q {
    Q::Lookup(Lookup::parse(name, value))
}

fn compile(plan: &Plan) -> Compiled {
    Dialect::default()
        .compile(
            plan,
            &ModelMeta::new("User", "/users/"),
            &Knowledge::default(),
        )
        .unwrap()
}

fn query(plan: &Plan) -> String {
    compile(plan)
        .pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

#[test]
fn pushes_what_a_query_string_can_say() {
    let plan = Plan::all()
        .filter(q("age__gte", json!(18)).and(q("active", json!(true))))
        .filter(q("id__in", json!([1, 2, 3])).and(q("name__icontains", json!("ann"))))
        .filter(q("team", Value::Null).and(q("id__range", json!([1, 9]))))
        .order_by(vec![Order::parse("name"), Order::parse("-id")])
        .search("two words")
        .parameter("expand", "team");
    assert_eq!(
        query(&plan),
        "age__gte=18&active=true&id__in=1,2,3&name__icontains=ann&team__isnull=true&id__range=1,9&search=two words&\
         ordering=name,-id&expand=team"
    );
    assert_eq!(compile(&plan).residual, Q::All);
    assert_eq!(compile(&plan).guards.len(), 6);
}

#[test]
fn pk_goes_by_its_name() {
    let plan = Plan::all()
        .filter(q("pk__in", json!([1, 2])).and(q("pk__lt", json!(9))))
        .order_by(vec![Order::parse("-pk")]);
    assert_eq!(query(&plan), "id__in=1,2&id__lt=9&ordering=-id");
    let declared = ModelMeta::new("User", "/users/").with_filters(["pk__in"]);
    let compiled = Dialect::default()
        .compile(&plan, &declared, &Knowledge::default())
        .unwrap();
    assert_eq!(compiled.pairs[0], ("pk__in".to_owned(), "1,2".to_owned()));
}

#[test]
fn refuses_parameters_that_turn_pages() {
    let declared = ModelMeta::new("User", "/users/").with_pagination(
        crate::Pagination::page_number()
            .with_position_parameter("p")
            .with_size_parameter("per_page"),
    );
    let compile = |model: &ModelMeta, name: &str| {
        let plan = Plan::all().parameter(name, "3");
        Dialect::default().compile(&plan, model, &Knowledge::default())
    };
    for name in ["limit", "offset", "page", "cursor", "p", "per_page"] {
        let error = compile(&declared, name).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidRequest);
        assert!(error.message().contains("slice the query"), "{error}");
    }
    let plain = ModelMeta::new("User", "/users/");
    assert!(compile(&plain, "p").is_ok() && compile(&plain, "per_page").is_ok());
    let lookup = Plan::all().filter(q("p", json!(3)));
    let compiled = Dialect::default()
        .compile(&lookup, &declared, &Knowledge::default())
        .unwrap();
    assert_eq!((compiled.pairs.len(), compiled.notes.len()), (0, 1));
}

#[test]
fn keeps_what_it_cannot() {
    for part in [
        q("a", json!(1)).or(q("b", json!(2))),
        q("a", json!(1)).negate(),
        q("a", json!("")),
        q("a", json!(" x")),
        q("a", json!("x\0")),
        q("a__in", json!(["x,y", "z"])),
        q("a", json!([1])),
        q("a", json!({"b": 1})),
        q("limit", json!(3)),
        q("ordering", json!("x")),
        q("a__gt", json!(1)).and(q("b", json!(1))).negate(),
    ] {
        let compiled = compile(&Plan::all().filter(part.clone()));
        assert_eq!(
            (compiled.pairs.len(), &compiled.residual),
            (0, &part),
            "{part}"
        );
        assert_eq!(compiled.notes.len(), 1);
    }
}

#[test]
fn a_second_value_of_a_parameter_is_evaluated_here() {
    let plan = Plan::all()
        .filter(q("a", json!(1)))
        .filter(q("a", json!(2)))
        .filter(q("a", json!(1)));
    assert_eq!(query(&plan), "a=1");
    assert_eq!(compile(&plan).residual, q("a", json!(2)));
    let plan = Plan::all().filter(q("a", json!(1))).parameter("a", "3");
    assert_eq!(
        (query(&plan), compile(&plan).residual),
        ("a=3".to_owned(), q("a", json!(1)))
    );
}

#[test]
fn equalities_joined_by_or_are_one_in() {
    let plan = Plan::all().filter(
        q("a", json!(1))
            .or(q("a", json!(2)))
            .or(q("a__in", json!([3]))),
    );
    assert_eq!(query(&plan), "a__in=1,2,3");
    let mixed = q("a", json!(1)).or(q("a", Value::Null));
    assert_eq!(compile(&Plan::all().filter(mixed.clone())).residual, mixed);
}

#[test]
fn negations_move_inwards() {
    let plan = Plan::all().exclude(q("a", json!(1)).or(q("b__isnull", json!(true))));
    assert_eq!(query(&plan), "b__isnull=false");
    assert_eq!(compile(&plan).residual, q("a", json!(1)).negate());
}

#[test]
fn an_empty_in_asks_nothing() {
    assert!(compile(&Plan::all().filter(q("id__in", json!([])))).empty);
    assert!(compile(&Plan::all().filter(q("id__in", json!([null])))).empty);
    assert!(!compile(&Plan::all().exclude(q("id__in", json!([])))).empty);
}

#[test]
fn declared_filters_are_the_only_ones_pushed_and_misspellings_are_refused() {
    let model = ModelMeta::new("User", "/users/")
        .with_fields(vec![
            FieldMeta::new("id"),
            FieldMeta::new("name"),
            FieldMeta::new("age"),
        ])
        .with_filters(["name", "age__gte"]);
    let compile = |part: Q| {
        Dialect::default().compile(&Plan::all().filter(part), &model, &Knowledge::default())
    };
    let compiled = compile(q("name", json!("x")).and(q("age__lt", json!(3)))).unwrap();
    assert_eq!(
        (compiled.pairs.len(), compiled.residual),
        (1, q("age__lt", json!(3)))
    );
    let error = compile(q("nmae", json!("x"))).unwrap_err();
    assert!(error.to_string().contains("did you mean `name`"), "{error}");
    let error = compile(q("age__gtee", json!(3))).unwrap_err();
    assert!(
        error.to_string().contains("did you mean `age__gte`"),
        "{error}"
    );
}

#[test]
fn what_was_seen_to_be_ignored_is_not_pushed_again() {
    let mut known = Knowledge::default();
    known.learn_parameter("age", false);
    known.learn_ordering("name", false);
    let plan = Plan::all()
        .filter(q("age", json!(3)))
        .order_by(vec![Order::parse("name")]);
    let compiled = Dialect::default()
        .compile(&plan, &ModelMeta::new("U", "/u/"), &known)
        .unwrap();
    assert!(compiled.pairs.is_empty() && !compiled.order_pushed);
    assert_eq!(compiled.residual, q("age", json!(3)));
}

#[test]
fn a_refusal_is_told_with_the_declaration_that_helps() {
    let dialect = Dialect::default().with_ordering_parameter("sort");
    let cure = |names: &[&str]| {
        let pairs: Vec<_> = (names.iter())
            .map(|name| ((*name).to_owned(), "1".to_owned()))
            .collect();
        dialect.cure_of_refusal(&pairs)
    };
    assert_eq!(cure(&[]), None);
    let filters = "declare those that it has";
    let order = "another name for `sort`, set `ordering_parameter`";
    let search = "another name for `search`, set `search_parameter`";
    for (sent, says) in [
        (&["age"][..], &[filters][..]),
        (&["sort"], &[order]),
        (&["search"], &[search]),
        (&["age", "sort", "search"], &[filters, order, search]),
    ] {
        let told = cure(sent).unwrap();
        for part in [filters, order, search] {
            assert_eq!(told.contains(part), says.contains(&part), "{told}");
        }
    }
}
