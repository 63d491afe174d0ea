//! A list of values that is too long for one query string.

use super::*;

fn numbers(values: std::ops::Range<u64>) -> Vec<Value> {
    values.map(Value::from).collect()
}

fn parts_of(values: Vec<Value>) -> Parts {
    let list = Lookup::parse("id__in", Value::Array(values));
    Parts::new(Plan::all().filter(q("rank")), list)
}

#[test]
fn every_value_is_in_one_part_in_the_order_of_the_list() {
    let twice = [numbers(0..250), numbers(0..9)].concat();
    let mut parts = parts_of(twice);
    assert_eq!((parts.count(), parts.parameter()), (3, "id__in".to_owned()));
    assert_eq!(parts.take(), Some(numbers(0..100)));
    assert_eq!(parts.take(), Some(numbers(100..200)));
    assert_eq!(parts.count(), 1);
    assert_eq!(parts.clone().take_rest(), numbers(200..250));
    assert_eq!(parts.take(), Some(numbers(200..250)));
    assert_eq!((parts.take(), parts.count()), (None, 0));
    assert_eq!(parts.take_rest(), Vec::<Value>::new());
}

#[test]
fn long_values_fill_a_part_sooner() {
    let text = |length: usize| Value::from("x".repeat(length));
    // With their quotes 20 take the 2,000 bytes.
    let texts = |length| {
        (0..30)
            .map(|index| Value::from(format!("{index:0length$}")))
            .collect()
    };
    let first = |values: Vec<Value>| parts_of(values).take().map(|part| part.len());
    assert_eq!(first(texts(98)), Some(20));
    assert_eq!(first(texts(99)), Some(19));
    assert_eq!(
        first(vec![text(5000), text(1)]),
        Some(1),
        "alone it is sent all the same"
    );
}

#[test]
fn a_part_asks_for_its_values_and_for_all_else() {
    let parts = parts_of(numbers(0..250));
    let list = Lookup::parse("id__in", json!([1, 2]));
    assert_eq!(parts.lookup(numbers(1..3)), list);
    let plan = Plan::all().filter(q("rank")).filter(Q::Lookup(list));
    assert_eq!(parts.plan(numbers(1..3)), plan);
}

#[test]
fn so_many_keys_take_so_many_requests() {
    let chunks = [0, 1, 100, 101, 250].map(chunks_of_keys);
    assert_eq!(chunks, [0, 1, 1, 2, 3]);
}

#[test]
fn a_list_is_divided_where_its_parts_together_are_the_rows() {
    let case = Case::new();
    let list = |name: &str| with(name, Value::Array(numbers(1000..2000)));
    let by_name = || vec![Order::parse("name")];
    for (plan, aims) in [
        (list("id__in"), [true, true, true, false]),
        (list("pk__in"), [true, true, true, false]),
        (list("author__in"), [true, true, true, false]),
        (list("author__year__in"), [true, true, true, false]),
        // Where a row stands among all of the server's, the parts do not tell.
        (list("id__in").limit(5), [false, false, false, false]),
        (list("id__in").reverse(), [false, false, true, false]),
        (
            list("author__in").order_by(by_name()),
            [false, false, true, false],
        ),
        (
            list("id__in").order_by(by_name()),
            [true, true, true, false],
        ),
        (
            list("id__in").order_by(by_name()).limit(5),
            [true, true, false, false],
        ),
    ] {
        let divided = [Aim::Rows, Aim::Write, Aim::Count, Aim::Keyset].map(|aim| {
            let strategy = case.tried(&plan, aim).unwrap();
            assert_eq!(strategy.aim, aim);
            strategy.parts.is_some_and(|parts| parts.count() == 10)
        });
        assert_eq!(divided, aims, "{plan:?}");
    }
}

#[test]
fn a_strategy_in_parts_is_that_of_the_first_part_in_the_order_of_the_plan() {
    let mut case = Case::new();
    let list = with("id__in", Value::Array(numbers(1000..2000)));
    let sorted = list.clone().order_by(vec![Order::parse("name")]).limit(5);
    let strategy = case.of(&sorted);
    assert_eq!(strategy.sorting, Sorting::Client);
    assert_eq!(
        (&strategy.order, strategy.range),
        (&sorted.order().to_vec(), sorted.range())
    );
    assert_eq!(case.of(&list).sorting, Sorting::AsTheyCome);
    // There are no more rows than keys; what is written is checked row by row.
    let at_most = |aim| case.tried(&list, aim).unwrap().at_most;
    assert_eq!(
        [Aim::Rows, Aim::Count, Aim::Write].map(at_most),
        [Some(100), Some(100), None]
    );
    assert!(!case.tried(&list, Aim::Count).unwrap().takes_count);
    case.findings.forbid_parts();
    assert_eq!(case.of(&list).parts, None);
}

#[test]
fn a_single_value_does_not_get_shorter() {
    let long = with("name__in", json!(["x".repeat(10_000)]));
    let strategy = Case::new().of(&long);
    assert_eq!(strategy.parts, None);
    assert!(strategy.leaves_rows_out(), "the client evaluates it");
}
