//! Where positions and counts of the server are taken, and what becomes of what it ignores.

use super::*;
use crate::{error::ErrorKind, evaluate::Fields};

#[test]
fn a_slice_is_jumped_to_where_the_server_may_count_or_filters_nothing() {
    let slice = Plan::all().slice(10, Some(20));
    let filtered = Plan::all().filter(q("rank")).slice(10, Some(20));
    for (style, jumps_filtered) in [
        (Style::LimitOffset, true),
        (Style::PageNumber, true),
        (Style::Cursor, false),
        (Style::Link, false),
    ] {
        let case = Case::paged(style);
        assert!(case.of(&slice).jumps, "{style:?}");
        assert_eq!(case.of(&filtered).jumps, jumps_filtered, "{style:?}");
        assert!(
            !case.of(&Plan::all()).jumps,
            "nothing lies before the first row"
        );
        let count = case.tried(&Plan::all(), Aim::Count).unwrap();
        assert_eq!(
            (count.takes_count, count.jumps),
            (jumps_filtered, false),
            "{style:?}"
        );
    }
}

#[test]
fn an_order_whose_nulls_a_cursor_loses_is_made_by_the_client() {
    let mut case = Case::paged(Style::Cursor);
    let plan = with("rank", json!(7)).order_by(vec![Order::parse("-name"), Order::parse("id")]);
    let probe = case.of(&plan).probe_before_second_page.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        probe.with,
        [pair("rank", "7"), pair("ordering", "-name,id")]
    );
    assert_eq!(
        probe.without,
        [pair("rank", "7"), pair("ordering", "name,-id")]
    );
    case.findings.keep(probe.question, false);
    let strategy = case.of(&plan);
    assert_eq!(strategy.pairs, [pair("rank", "7")]);
    assert_eq!(
        (strategy.sorting, strategy.order_is_asked),
        (Sorting::Client, false)
    );
}

#[test]
fn what_the_server_ignores_is_made_up_for_refused_or_taken_as_the_policy_says() {
    let filtered = with("rank", json!(7));
    let sorted = Plan::all().order_by(vec![Order::parse("name")]);
    let mut case = Case::new();
    for (filter, ordering) in [
        (Some(true), Some(true)),
        (None, None),
        (Some(false), Some(false)),
    ] {
        if let Some((filter, ordering)) = filter.zip(ordering) {
            case.known = Knowledge::default();
            case.known.learn_parameter("rank", filter);
            case.known.learn_ordering("name", ordering);
        }
        let ignored = filter == Some(false);
        for plan in [&filtered, &sorted] {
            case.policy.on_ignored = OnIgnored::Local;
            let local = case.of(plan);
            assert_eq!(local.pairs.is_empty(), ignored, "{plan:?}");
            assert_eq!(
                local.leaves_rows_out() || local.sorting == Sorting::Client,
                ignored
            );
            case.policy.on_ignored = OnIgnored::Trust;
            assert_eq!(case.of(plan).pairs.len(), 1);
            case.policy.on_ignored = OnIgnored::Error;
            let strategy = case.tried(plan, Aim::Rows);
            assert_eq!(strategy.is_err(), ignored, "{plan:?}");
            if let Err(error) = strategy {
                assert_eq!(error.kind(), ErrorKind::Ignored);
            }
        }
    }
}

#[test]
fn a_filter_that_nothing_shows_to_be_known_is_not_sent_again() {
    let plan = with("age__gte", json!(7));
    let knows = |name: &str| Question::Knows(Lookup::parse(name, json!(7)));
    let mut case = Case::new();
    case.findings.keep(knows("age__gte"), true);
    case.findings.keep(Question::Searches, false);
    assert_eq!(case.of(&plan).pairs.len(), 1);
    case.policy.on_ignored = OnIgnored::Error;
    assert!(case.tried(&plan, Aim::Rows).is_ok());

    case.findings.keep(knows("age__gte"), false);
    let error = case.tried(&plan, Aim::Rows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`age__gte`"), "{error}");
    case.policy.on_ignored = OnIgnored::Local;
    let local = case.of(&plan);
    assert!(local.pairs.is_empty() && local.leaves_rows_out());
}

#[test]
fn findings_hold_for_one_query() {
    let mut findings = Findings::new("nonsense".to_owned());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let base = vec![pair("team", "3")];
    assert_eq!(
        Findings::asking_for(&base, "name", "Ann"),
        [pair("team", "3"), pair("name", "Ann")]
    );
    assert_eq!(
        findings.asking_for_none(&base, "name"),
        [pair("team", "3"), pair("name", "nonsense")]
    );

    let mut known = Knowledge::default();
    assert!(!findings.believes_emptiness(&known));
    known.is_drf = true;
    assert!(findings.believes_emptiness(&known) && !findings.creates());
    findings.create_if_empty();
    assert!(!findings.believes_emptiness(&known) && findings.creates());

    assert!(findings.allows_parts());
    findings.forbid_parts();
    assert!(!findings.allows_parts());
}

#[test]
fn a_filter_tells_by_a_value_that_a_row_satisfies() {
    let extra = vec![("team".to_owned(), "3".to_owned())];
    let sent = |telling: Option<Telling>| {
        let telling = telling?;
        let [first, (name, value)] = telling.pairs.as_slice() else {
            panic!("{telling:?}");
        };
        assert_eq!((first, name), (&extra[0], &telling.lookup.parameter()));
        Some(value.clone())
    };
    let age = Lookup::parse("age__gte", json!(7));
    let row = json!({"id": 1, "age": 40});
    let of_row = |lookup: &Lookup| {
        Telling::of_row(lookup, &extra, &Fields::new("id"), row.as_object().unwrap())
    };
    assert_eq!(sent(Telling::alone(&age, &extra)), Some("7".to_owned()));
    assert_eq!(
        sent(Telling::of_every_row(&age, &extra)),
        Some("-2000000000".to_owned())
    );
    assert_eq!(sent(of_row(&age)), Some("40".to_owned()));
    assert_eq!(Telling::roots(&age, &Fields::new("id")), ["age"]);

    let name = Lookup::parse("name__icontains", json!("a"));
    assert_eq!(Telling::of_every_row(&name, &extra), None);
    assert_eq!(of_row(&name), None, "the row has none");
}
