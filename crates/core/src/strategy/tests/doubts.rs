//! What a strategy takes on no word.

use super::*;

/// The parameters that are asked about where nothing comes.
fn doubted_if_empty(case: &Case, plan: &Plan) -> Vec<Question> {
    let probes = case.of(plan).probes_if_empty.into_iter();
    probes.map(|probe| probe.question).collect()
}

#[test]
fn nothing_is_no_answer_to_a_parameter_that_may_be_taken_for_a_field() {
    let plan = Plan::all()
        .filter(q("rank").and(q("age__gte")).and(q("born__year")))
        .order_by(vec![Order::parse("name")]);
    let known = |name: &str| Question::Knows(Lookup::parse(name, json!(7)));
    let filters = [known("age__gte"), known("born__year")];
    let with_ordering: Vec<Question> = filters
        .iter()
        .cloned()
        .chain([Question::KnowsOrdering])
        .collect();

    let mut case = Case::new();
    assert_eq!(
        doubted_if_empty(&case, &plan),
        with_ordering,
        "equality is equality"
    );
    case.findings.keep(known("age__gte"), true);
    case.known.learn_answered("ordering");
    assert_eq!(doubted_if_empty(&case, &plan), [known("born__year")]);

    let mut case = Case::new();
    case.model = case.model.with_filters(["rank", "age__gte", "born__year"]);
    assert_eq!(
        doubted_if_empty(&case, &plan),
        [Question::KnowsOrdering],
        "they are declared"
    );

    let mut case = Case::new();
    case.policy.on_ignored = OnIgnored::Trust;
    assert_eq!(doubted_if_empty(&case, &plan), []);

    let mut case = Case::new();
    case.known.is_drf = true;
    assert_eq!(doubted_if_empty(&case, &plan), []);
    case.findings.create_if_empty();
    let with_rank: Vec<Question> = std::iter::once(known("rank"))
        .chain(with_ordering)
        .collect();
    assert_eq!(
        doubted_if_empty(&case, &plan),
        with_rank,
        "a row would be doubled, whatever the name filters by"
    );
}

#[test]
fn nothing_is_no_answer_to_the_key_of_a_related_row() {
    let plan = Plan::all().filter(q("owner").and(q("age")).and(q("owner__age")));
    let mut case = Case::new();
    case.model = (case.model).with_related_fields(vec![crate::model::RelatedField {
        field: "owner".to_owned(),
        is_many: false,
        is_by_key: true,
    }]);
    case.known.is_drf = true;
    let owner = Question::Knows(Lookup::parse("owner", json!(7)));
    assert_eq!(doubted_if_empty(&case, &plan), [owner]);
    case.known.learn_answered("owner");
    assert_eq!(doubted_if_empty(&case, &plan), [], "rows have come to it");
}

fn parameters(lookups: &[Lookup]) -> Vec<String> {
    lookups.iter().map(Lookup::parameter).collect()
}

/// Parts that the client evaluates, of which it is not known whether the rows show them as the server filters by them.
fn doubted_forms(case: &Case, part: &Lookup) -> Vec<String> {
    // A query string has no OR.
    let either = Q::Lookup(part.clone()).or(q("rank").and(Q::Lookup(part.clone())));
    parameters(&case.of(&Plan::all().filter(either)).doubted_forms)
}

#[test]
fn a_text_that_is_evaluated_client_side_is_doubted_until_something_tells() {
    let name = Lookup::parse("name", json!("Ann"));
    let like = Lookup::parse("name__icontains", json!("Ann"));
    let of = |case: &Case| [&name, &like].map(|part| doubted_forms(case, part).len());
    let mut case = Case::new();
    assert_eq!(of(&case), [1, 1], "once, however often it is asked for");
    case.known.is_drf = true;
    assert_eq!(of(&case), [1, 1], "nothing was asked yet");
    case.policy.on_ignored = OnIgnored::Trust;
    assert_eq!(of(&case), [0, 0]);

    for other in [
        Lookup::parse("age", json!(7)),
        Lookup::parse("born", json!("2024-05-01")),
        Lookup::parse("name__year", json!("Ann")),
    ] {
        assert!(doubted_forms(&Case::new(), &other).is_empty(), "{other}");
    }

    let mut form = Case::new();
    form.known.learn_form("name", true);
    let mut ignored = Case::new();
    ignored.known.learn_parameter("name", false);
    let mut undeclared = Case::new();
    undeclared.model = undeclared.model.with_filters(["age"]);
    for case in [form, ignored, undeclared] {
        assert_eq!(of(&case), [0, 0]);
    }
    let mut shown = Case::new();
    shown.known.learn_ignored_text("name", false);
    assert_eq!(of(&shown), [1, 1], "a part may be asked for by itself");
    shown.known.learn_ignored_text("name__icontains", false);
    assert_eq!(of(&shown), [1, 0]);
}

#[test]
fn a_value_that_is_ignored_tells_of_the_filter_only_where_no_choices_are_dropped() {
    let name = Lookup::parse("name", json!("Ann"));
    let mut case = Case::new();
    case.known.learn_ignored_value(&name);
    assert_eq!(doubted_forms(&case, &name), ["name"], "it may be no choice");
    case.known.is_drf = true;
    assert!(doubted_forms(&case, &name).is_empty());
    let exactly = Lookup::parse("name__iexact", json!("Ann"));
    case.known.learn_ignored_value(&exactly);
    assert_eq!(
        doubted_forms(&case, &exactly),
        ["name__iexact"],
        "it may know the bare name"
    );
}

#[test]
fn a_guard_on_a_text_is_doubted_once_it_is_ignored() {
    let mut case = Case::new();
    let plan = with("name", json!("Ann")).filter(q("age"));
    let doubted = |case: &Case| case.of(&plan).doubted_if_ignored;
    assert_eq!(doubted(&case), [Lookup::parse("name", json!("Ann"))]);
    case.known.is_drf = true;
    assert_eq!(doubted(&case), [], "an unknown one, then");
}

#[test]
fn a_guard_on_a_part_of_a_text_is_doubted_until_the_server_is_seen_to_honour_it() {
    let doubted = |case: &Case, name: &str, value: Value| {
        parameters(&case.of(&with(name, value)).doubted_parts)
    };
    let of = |case: &Case| doubted(case, "name__icontains", json!("an"));
    let mut case = Case::new();
    assert_eq!(of(&case), ["name__icontains"]);
    assert!(doubted(&case, "name", json!("Ann")).is_empty(), "by values");
    assert!(doubted(&case, "age__gte", json!(7)).is_empty(), "no text");
    case.known.learn_parameter("name__icontains", true);
    assert!(of(&case).is_empty());
    let mut shown = Case::new();
    shown.known.learn_form("name", true);
    let mut declared = Case::new();
    declared.model = declared.model.with_filters(["name__icontains"]);
    let mut trusted = Case::new();
    trusted.policy.on_ignored = OnIgnored::Trust;
    for case in [shown, declared, trusted] {
        assert!(of(&case).is_empty());
    }
}

#[test]
fn digits_are_doubted_where_the_field_can_be_asked_for() {
    let price = Lookup::parse("price", json!("9.99"));
    let digits = |case: &Case| {
        let either = Q::Lookup(price.clone()).or(q("rank"));
        parameters(&case.of(&Plan::all().filter(either)).doubted_digits)
    };
    let mut case = Case::new();
    assert_eq!(digits(&case), ["price"], "9.99 and not 7");
    case.known.learn_form("price", true);
    assert!(digits(&case).is_empty());
}

#[test]
fn keys_of_an_order_that_is_asked_for_are_doubted_until_their_form_is_known() {
    let plan = Plan::all().order_by(vec![Order::parse("name"), Order::parse("age")]);
    let keys = |case: &Case| -> Vec<Question> {
        let probes = case.of(&plan).doubted_keys.into_iter();
        probes.map(|probe| probe.question).collect()
    };
    let sorts = |key: &str| Question::Sorts(Order::parse(key));
    let mut case = Case::new();
    assert_eq!(keys(&case), [sorts("name"), sorts("age")]);
    case.known.learn_form("name", true);
    assert_eq!(keys(&case), [sorts("age")]);
    case.known.learn_ordering("age", false);
    assert_eq!(keys(&case), [], "the client sorts");
}

#[test]
fn a_guard_that_no_row_shows_is_looked_into() {
    let guards = |case: &Case, name: &str| {
        let strategy = case.of(&with(name, json!(7)));
        [
            parameters(&strategy.unseen),
            parameters(&strategy.shown_otherwise),
        ]
    };
    let none: [Vec<String>; 2] = [vec![], vec![]];
    let unseen = |name: &str| [vec![name.to_owned()], vec![]];
    let mut case = Case::new();
    assert_eq!(guards(&case, "wing"), none, "no field is declared");
    case.model = model(&["id", "name"]);
    assert_eq!(guards(&case, "name"), none);
    assert_eq!(guards(&case, "wing"), unseen("wing"));
    case.known.learn_parameter("wing", true);
    assert_eq!(guards(&case, "wing"), none);
    case.known.learn_dropped_value("wing");
    assert_eq!(
        guards(&case, "wing"),
        unseen("wing"),
        "for some values only"
    );

    case.known.learn_form("name", false);
    assert_eq!(guards(&case, "name"), unseen("name"));
    case.known.learn_parameter("name", true);
    assert_eq!(guards(&case, "name"), [vec![], vec!["name".to_owned()]]);
    case.known.learn_form("wing", true);
    case.model = case.model.with_filters(["wing", "name"]);
    assert_eq!(guards(&case, "wing"), none, "it is declared");
}
