//! How a plan is carried out, as a value: what is asked, which probes come first, what is checked, what is left to the client.
//!
//! A strategy is made from the plan and from what is known of the endpoint, and from nothing else. The walk carries it out and
//! [`Explain`](crate::Explain) prints it, so neither can do what the other does not say. Probes teach: once one has run, the
//! strategy is made anew from what is known then, until it has no probes left.

mod cost;
mod parts;
mod probe;

pub use parts::Parts;
pub use probe::{Findings, Probe, Question};

use crate::{
    dialect::{Compiled, Dialect},
    error::{Error, Result},
    filter::Q,
    knowledge::Knowledge,
    lookup::Lookup,
    model::ModelMeta,
    page::Style,
    paginator::Pairs,
    plan::{Order, Plan, Range},
    policy::{OnIgnored, Policy},
};
use cost::Cost;

/// What the plan is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Its rows.
    Rows,
    /// Its rows, to be written: every part of the filter must be seen to hold on each, nothing is left to the server's word.
    Write,
    /// How many rows it has.
    Count,
    /// Its rows a page at a time, each page being asked for by the last key of the one before.
    Keyset,
}

/// What a strategy depends on beside the plan.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// How the server spells a query.
    pub dialect: &'a Dialect,
    /// The model.
    pub model: &'a ModelMeta,
    /// What the endpoint has shown to all queries so far.
    pub known: &'a Knowledge,
    /// What the probes of this query have shown.
    pub findings: &'a Findings,
    /// What happens when the server ignores something, and how pages are read.
    pub policy: &'a Policy,
}

/// Who puts the rows in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorting {
    /// Nobody: they come as the server has them.
    AsTheyCome,
    /// The server; unless it is trusted, the rows are watched for a pair in the wrong order.
    Server {
        /// Whether they are watched.
        watched: bool,
    },
    /// The client, once every page has been read.
    Client,
    /// The client: the server's own order backwards, once every page has been read.
    Backwards,
}

impl Sorting {
    /// Whether rows can only be handed out after the last page.
    #[must_use]
    pub fn needs_every_row(self) -> bool {
        matches!(self, Self::Client | Self::Backwards)
    }
}

/// How a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    /// What it is for.
    pub aim: Aim,
    /// No row can satisfy the plan: nothing is sent.
    pub is_empty: bool,
    /// The server is taken at its word: no probes, no guards.
    pub trusts: bool,
    /// What has to be seen before the first page, in this order. What follows says how it goes on if all of them show that the
    /// server does as asked.
    pub probes: Vec<Probe>,
    /// What has to be seen if the paginator is a cursor, and its first page is not the last one.
    pub probe_before_second_page: Option<Probe>,
    /// What has to be seen where the rows raise a doubt whether the server sorts.
    pub probes_on_doubt: Vec<Probe>,
    /// The query parameters, pagination left out.
    pub pairs: Pairs,
    /// Those of them that are sent as they stand.
    pub extra: Pairs,
    /// What the server was asked and every row is checked against.
    pub guards: Vec<Lookup>,
    /// What only the client can evaluate.
    pub residual: Q,
    /// The order of the rows.
    pub order: Vec<Order>,
    /// Whether the server is asked for it.
    pub order_is_asked: bool,
    /// Who makes it.
    pub sorting: Sorting,
    /// The slice.
    pub range: Range,
    /// The server is asked to leave out the rows before the slice; else they are counted client-side.
    pub jumps: bool,
    /// The number of rows is taken from the server's count; else they are read and counted.
    pub takes_count: bool,
    /// Why parts are left to the client, a sentence each.
    pub notes: Vec<String>,
    /// Guards on what is not a field of the model: whether the server honours them is probed once there are rows.
    pub unseen: Vec<Lookup>,
    /// The parts that are carried out in place of the plan, because a list of values is too long for one query string. What is
    /// asked, probed and checked is then told of the first one.
    pub parts: Option<Parts>,
    parts_are_by_key: bool,
    cost: Cost,
}

impl Strategy {
    /// Decides how a plan is carried out.
    ///
    /// # Errors
    /// `InvalidRequest` for a mistake in the plan; `Ignored` where the server is known to ignore what the client cannot do in
    /// its place, or the policy says so.
    pub fn new(plan: &Plan, aim: Aim, given: &Given<'_>) -> Result<Self> {
        plan.check()?;
        let whole;
        let asked = if aim == Aim::Count {
            whole = plan.clone().unsliced().unordered();
            &whole
        } else {
            plan
        };
        let compiled = compile(asked, given)?;
        if let Some(too_long) = &compiled.too_long
            && let Some(strategy) = parts::in_parts(plan, aim, given, too_long)?
        {
            return Ok(strategy);
        }
        let trusts = given.policy.trusts_server();
        let mut strategy = Self {
            aim,
            is_empty: compiled.empty || plan.range().limit == Some(0),
            trusts,
            probes: Vec::new(),
            probe_before_second_page: None,
            probes_on_doubt: Vec::new(),
            pairs: compiled.pairs,
            extra: compiled.extra,
            guards: if trusts { Vec::new() } else { compiled.guards },
            residual: compiled.residual,
            order: compiled.order,
            order_is_asked: compiled.order_pushed,
            sorting: Sorting::AsTheyCome,
            range: plan.range(),
            jumps: false,
            takes_count: false,
            notes: compiled.notes,
            unseen: Vec::new(),
            parts: None,
            parts_are_by_key: false,
            cost: Cost::default(),
        };
        if !strategy.is_empty {
            strategy.probe_search(plan, given)?;
            strategy.decide_sorting(asked, given);
            strategy.decide_positions(given);
        }
        strategy.unseen = strategy.unseen_guards(given);
        strategy.cost = Cost::new(&strategy, given);
        Ok(strategy)
    }

    /// A search cannot be done by the client, so it is used only where a probe shows that the server does it.
    fn probe_search(&mut self, plan: &Plan, given: &Given<'_>) -> Result<()> {
        if self.trusts
            || plan
                .search_words()
                .is_none_or(|words| words.trim().is_empty())
        {
            return Ok(());
        }
        let probe = Probe::searches(&self.extra, given);
        match given.known.searches.or(given.findings.of(&probe.question)) {
            Some(true) => {}
            Some(false) => {
                return Err(Error::ignored(format!(
                    "the server does not search `{}`: it answers with rows for words that none can contain, and the client cannot search \
                     in its place",
                    given.model.name()
                )));
            }
            None => self.probes.push(probe),
        }
        Ok(())
    }

    /// Who sorts. A slice shows too few rows to see whether the server does, so there it is probed first.
    fn decide_sorting(&mut self, plan: &Plan, given: &Given<'_>) {
        if self.order.is_empty() {
            if plan.is_reversed() {
                self.sorting = Sorting::Backwards;
            }
            return;
        }
        if !self.order_is_asked {
            self.sorting = Sorting::Client;
            return;
        }
        self.sorting = Sorting::Server {
            watched: !self.trusts,
        };
        if self.trusts {
            return;
        }
        let must_be_shown = self.range != Range::ALL || self.aim == Aim::Keyset;
        for order in &self.order {
            let probe = Probe::sorts(order, &self.extra, given);
            match given.findings.of(&probe.question) {
                Some(false) => {
                    self.sorting = Sorting::Client;
                    self.notes.push(format!(
                        "ordering: sorted client-side, because the server's answers do not show that it sorts by `{}`",
                        order.path
                    ));
                    break;
                }
                None if given.known.orders_by(&order.path).is_some() => {}
                None if must_be_shown => self.probes.push(probe),
                None => self.probes_on_doubt.push(probe),
                Some(true) => {}
            }
        }
        self.keep_nulls(given);
    }

    /// Django REST Framework's cursor says where the next page begins by the value of the first key, which null has none of:
    /// going up it fails there, going down it leaves the nulls out. An order by the primary key has no nulls.
    fn keep_nulls(&mut self, given: &Given<'_>) {
        let by_key = self
            .order
            .first()
            .is_none_or(|order| order.path == given.model.primary_key());
        // Which paginator it is may show only when there is a first page.
        if by_key || style(given).is_some_and(|style| style != Style::Cursor) {
            return;
        }
        let probe = Probe::keeps_nulls(&self.order, &self.pairs, given);
        match given.findings.of(&probe.question) {
            Some(true) => {}
            Some(false) => {
                let ordering = given.dialect.ordering_parameter();
                self.pairs.retain(|(name, _)| name != ordering);
                self.order_is_asked = false;
                self.sorting = Sorting::Client;
                self.notes.push(
                    "ordering: sorted client-side, because the server's cursor would leave out rows with nulls"
                        .to_owned(),
                );
            }
            None => self.probe_before_second_page = Some(probe),
        }
    }

    /// Whether positions and counts of the server are those of the plan: it leaves out every row that the plan does.
    fn decide_positions(&mut self, given: &Given<'_>) {
        if self.leaves_rows_out() || self.sorting.needs_every_row() {
            return;
        }
        let counts = self.aim == Aim::Count;
        let may_count = given.known.counts.unwrap_or(!matches!(
            style(given),
            Some(Style::Cursor | Style::Link | Style::None)
        ));
        // Without a count nothing can be shown, and where there is none there mostly is no position to jump to either.
        let can_be_shown = may_count || !counts && self.guards.is_empty();
        if !can_be_shown || !counts && self.range.offset == 0 {
            return;
        }
        let mut probes = Vec::new();
        for guard in &self.guards {
            let probe = Probe::filters(guard, &self.pairs);
            match given.findings.of(&probe.question) {
                Some(false) => return,
                None if given.known.honours(&guard.parameter()) != Some(true) => probes.push(probe),
                _ => {}
            }
        }
        self.probes.extend(probes);
        self.takes_count = counts;
        self.jumps = !counts;
    }

    /// Whether the client leaves out rows that the server sends.
    #[must_use]
    pub fn leaves_rows_out(&self) -> bool {
        self.residual != Q::All || self.aim == Aim::Write
    }

    /// What is probed only when there are rows: a misspelt name is silently ignored, and no row shows it.
    fn unseen_guards(&self, given: &Given<'_>) -> Vec<Lookup> {
        let fields = given.model.fields();
        let is_unseen = |guard: &&Lookup| {
            !fields.is_empty()
                && !fields.iter().any(|field| field.read_as() == guard.root())
                && given.model.filters().is_none()
                && given.known.honours(&guard.parameter()) != Some(true)
        };
        self.guards.iter().filter(is_unseen).cloned().collect()
    }
}

/// Divides the plan between the server and the client, as the policy says.
fn compile(plan: &Plan, given: &Given<'_>) -> Result<Compiled> {
    let Given {
        dialect,
        model,
        known,
        policy,
        ..
    } = given;
    if policy.on_ignored == OnIgnored::Local {
        return dialect.compile(plan, model, known);
    }
    let compiled = dialect.compile(plan, model, &Knowledge::clone(known).trusting())?;
    if policy.on_ignored == OnIgnored::Error {
        let mut filters = compiled.guards.iter().map(Lookup::parameter);
        let ignored = filters
            .find(|name| known.honours(name) == Some(false))
            .or_else(|| {
                let mut order = compiled.order.iter();
                order
                    .find(|order| known.orders_by(&order.path) == Some(false))
                    .map(|order| format!("ordering={}", order.path))
            });
        if let Some(ignored) = ignored {
            return Err(Error::ignored(format!(
                "the server ignores `{ignored}` of `{}`",
                model.name()
            )));
        }
    }
    Ok(compiled)
}

/// The paginator, as far as it is known.
fn style(given: &Given<'_>) -> Option<Style> {
    given.known.style_of(given.model)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let policy = Policy {
            on_ignored,
            ..Policy::default()
        };
        let given = Given {
            dialect: &Dialect::default(),
            model: &ModelMeta::new("User", "/users/"),
            known,
            findings,
            policy: &policy,
        };
        Strategy::new(plan, aim, &given).unwrap()
    }

    fn q(name: &str) -> Q {
        Q::Lookup(Lookup::parse(name, json!(7)))
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
        assert_eq!(questions(&known).len(), 5);
        known.searches = Some(true);
        known.learn_ordering("name", true);
        known.learn_parameter("rank", true);
        assert_eq!(
            questions(&known),
            [
                Question::Sorts(Order::parse("-id")),
                Question::Filters(Lookup::parse("age__gte", json!(7))),
            ]
        );
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
}
