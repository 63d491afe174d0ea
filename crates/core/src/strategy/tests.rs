use serde_json::{Value, json};

use super::*;
use crate::model::FieldMeta;

mod cost;
mod doubts;
mod parts;
mod positions;

/// Everything that a strategy depends on beside the plan.
struct Case {
    model: ModelMeta,
    known: Knowledge,
    findings: Findings,
    policy: Policy,
}

impl Case {
    fn new() -> Self {
        Self {
            model: ModelMeta::new("User", "/users/"),
            known: Knowledge::default(),
            findings: Findings::new("nonsense".to_owned()),
            policy: Policy::default(),
        }
    }

    /// An endpoint whose paginator has shown itself, with 25 rows a page.
    fn paged(style: Style) -> Self {
        let mut case = Self::new();
        case.known.style = Some(style);
        case.known.page_size = Some(25);
        case
    }

    fn tried(&self, plan: &Plan, aim: Aim) -> Result<Strategy> {
        let given = Given {
            dialect: &Dialect::default(),
            model: &self.model,
            known: &self.known,
            findings: &self.findings,
            policy: &self.policy,
        };
        Strategy::new(plan, aim, &given)
    }

    fn of(&self, plan: &Plan) -> Strategy {
        self.tried(plan, Aim::Rows).unwrap()
    }
}

fn strategy(plan: &Plan, aim: Aim, known: &Knowledge, on_ignored: OnIgnored) -> Strategy {
    strategy_after(plan, aim, known, on_ignored, &Findings::default())
}

fn strategy_after(
    plan: &Plan,
    aim: Aim,
    known: &Knowledge,
    on_ignored: OnIgnored,
    findings: &Findings,
) -> Strategy {
    let mut case = Case::new();
    case.known = known.clone();
    case.findings = findings.clone();
    case.policy.on_ignored = on_ignored;
    case.tried(plan, aim).unwrap()
}

fn q(name: &str) -> Q {
    Q::Lookup(Lookup::parse(name, json!(7)))
}

/// A plan of the rows with this value.
fn with(name: &str, value: Value) -> Plan {
    Plan::all().filter(Q::Lookup(Lookup::parse(name, value)))
}

fn model(fields: &[&str]) -> ModelMeta {
    let fields = fields.iter().map(|name| FieldMeta::new(*name)).collect();
    ModelMeta::new("User", "/users/").with_fields(fields)
}

/// A plan that everything has to be shown of.
fn doubtful() -> Plan {
    Plan::all()
        .filter(q("age__gte").and(q("rank")))
        .search("words")
        .order_by(vec![Order::parse("name"), Order::parse("-id")])
        .slice(10, Some(20))
}

#[test]
fn trust_is_a_strategy_without_probes_and_guards() {
    let known = Knowledge::default();
    for aim in [Aim::Rows, Aim::Count, Aim::Keyset] {
        let checked = strategy(&doubtful(), aim, &known, OnIgnored::Local);
        assert!(!checked.probes.is_empty() && checked.guards.len() == 2);
        let trusting = strategy(&doubtful(), aim, &known, OnIgnored::Trust);
        assert_eq!((trusting.probes.len(), trusting.guards.len()), (0, 0));
        assert_eq!(trusting.probes_on_doubt, []);
        assert_eq!(trusting.probe_before_second_page, None);
        assert_ne!(trusting.sorting, Sorting::Server { watched: true });
        assert_eq!(
            (trusting.pairs, trusting.jumps, trusting.takes_count),
            (checked.pairs, checked.jumps, checked.takes_count),
            "the same is asked"
        );
    }
}

#[test]
fn what_is_known_needs_no_probe() {
    let questions = |known: &Knowledge| -> Vec<Question> {
        let strategy = strategy(&doubtful(), Aim::Rows, known, OnIgnored::Local);
        assert!(strategy.jumps);
        let probes = strategy.probes.into_iter();
        probes.map(|probe| probe.question).collect()
    };
    let mut known = Knowledge::default();
    assert_eq!(questions(&known).len(), 6);
    known.searches = Some(true);
    known.learn_ordering("name", true);
    known.learn_parameter("rank", true);
    assert_eq!(
        questions(&known),
        [
            Question::Sorts(Order::parse("-id")),
            Question::SortsTogether(vec![Order::parse("name"), Order::parse("-id")]),
            Question::Filters(Lookup::parse("age__gte", json!(7))),
        ]
    );
    known.is_drf = true;
    assert_eq!(questions(&known).len(), 2, "it sorts by all keys");
    known.is_drf = false;
    known.learn_ordering("name,-id", true);
    known.learn_ordering("id", true);
    known.learn_parameter("age__gte", true);
    assert_eq!(questions(&known), []);
}

#[test]
fn what_a_probe_does_not_show_is_left_to_the_client() {
    let known = Knowledge::default();
    let after = |question: Question| {
        let mut findings = Findings::default();
        findings.keep(question, false);
        strategy_after(&doubtful(), Aim::Rows, &known, OnIgnored::Local, &findings)
    };
    let unsorted = after(Question::Sorts(Order::parse("name")));
    assert_eq!(unsorted.sorting, Sorting::Client);
    assert!(!unsorted.jumps && unsorted.order_is_asked);
    assert_eq!(unsorted.notes.len(), 1);
    let unfiltered = after(Question::Filters(Lookup::parse("rank", json!(7))));
    assert!(!unfiltered.jumps);
    assert_eq!(unfiltered.sorting, Sorting::Server { watched: true });
}

#[test]
fn nothing_is_asked_for_what_no_row_can_satisfy() {
    let nothing = Plan::all().filter(Q::Lookup(Lookup::parse("id__in", json!([]))));
    for plan in [nothing, doubtful().limit(0)] {
        let strategy = strategy(&plan, Aim::Rows, &Knowledge::default(), OnIgnored::Local);
        assert!(strategy.is_empty && strategy.probes.is_empty());
        assert_eq!(strategy.requests(0), Some(0));
    }
}

#[test]
fn a_write_is_read_from_the_first_row_and_checked_in_every_part() {
    let plan = Plan::all().filter(q("rank")).slice(10, Some(20));
    let strategy = strategy(&plan, Aim::Write, &Knowledge::default(), OnIgnored::Local);
    assert!(strategy.leaves_rows_out() && !strategy.jumps);
    assert_eq!((strategy.probes.len(), strategy.guards.len()), (0, 1));
}
