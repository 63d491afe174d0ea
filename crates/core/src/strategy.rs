//! How a plan is carried out, as a value: what is asked, which probes come first, what is checked, what is left to the client.
//!
//! A strategy is made from the plan and from what is known of the endpoint, and from nothing else. The walk carries it out and
//! [`Explain`](crate::Explain) prints it, so neither can do what the other does not say. Probes teach: once one has run, the
//! strategy is made anew from what is known then, until it has no probes left.

mod cost;
mod doubts;
mod keys;
mod parts;
mod probe;
mod values;

pub use parts::{LARGEST_PART, Parts, chunks_of_keys};
pub use probe::{Findings, Probe, Question, Telling, spelt};

use std::borrow::Cow;

use crate::{
    dialect::{Compiled, Dialect},
    error::{Error, Result},
    filter::Q,
    knowledge::Knowledge,
    lookup::{Lookup, Op},
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
    /// What has to be seen where nothing comes: the server may not know a parameter, and take it for equality with a field
    /// that no row has.
    pub probes_if_empty: Vec<Probe>,
    /// The query parameters, pagination left out.
    pub pairs: Pairs,
    /// Those of them that are sent as they stand.
    pub extra: Pairs,
    /// What the server was asked and every row is checked against.
    pub guards: Vec<Lookup>,
    /// What only the client can evaluate.
    pub residual: Q,
    /// Fields that one condition names more than once: where rows show a list of one, it is about one element.
    pub may_be_lists: Vec<String>,
    /// The order of the rows.
    pub order: Vec<Order>,
    /// Whether the server is asked for it.
    pub order_is_asked: bool,
    /// Keys of the order of which it is not known whether the rows show them as the server sorts by them, and both directions of each:
    /// that is probed where rows seem to stand in a wrong order by their texts, or are sorted client-side as another key is ignored.
    pub doubted_keys: Vec<Probe>,
    /// Who makes it.
    pub sorting: Sorting,
    /// Pages may be asked for by a size that nobody has declared. Not where a row is created if none comes, and the server may
    /// take the size for a filter.
    pub may_ask_sizes: bool,
    /// The slice.
    pub range: Range,
    /// There are no more rows than these, and more than a page of the server's own may have: they are asked for by their keys.
    pub at_most: Option<u64>,
    /// The server is asked to leave out the rows before the slice; else they are counted client-side.
    pub jumps: bool,
    /// The number of rows is taken from the server's count; else they are read and counted.
    pub takes_count: bool,
    /// Why parts are left to the client, a sentence each.
    pub notes: Vec<String>,
    /// Guards on what is not a field of the model, or is shown in another form: whether the server honours them is probed once
    /// there are rows.
    pub unseen: Vec<Lookup>,
    /// The parts that are carried out in place of the plan, because a list of values is too long for one query string. What is
    /// asked, probed and checked is then told of the first one.
    pub parts: Option<Parts>,
    parts_are_by_key: bool,
    /// Guards that the server is seen to honour, on fields that the rows show in another form: nothing is checked.
    pub shown_otherwise: Vec<Lookup>,
    /// Parts of the residual on texts of which it is not known whether the rows show them as the server filters by them: that
    /// is probed where the rows raise a doubt.
    pub doubted_forms: Vec<Lookup>,
    /// Guards of which the same is to be found out, if the server turns out to ignore them.
    pub doubted_if_ignored: Vec<Lookup>,
    /// Guards on parts of texts, which a row may satisfy by a label though the server ignores them: whether it honours them is probed
    /// once such rows have come, unless they are from Django REST Framework and nothing is written.
    pub doubted_parts: Vec<Lookup>,
    /// Parts of the residual on texts for which the server may have a filter, and of which it is not known how it compares them: it is
    /// asked where a row depends on that.
    pub doubted_collations: Vec<Lookup>,
    /// Parts of the residual with so many digits that rows which show fewer may have been rounded: that is probed where a row
    /// could turn out otherwise.
    pub doubted_digits: Vec<Lookup>,
    /// Parts of the residual that ask for an integer, which may be a decimal where rows show texts: the same is probed there.
    pub doubted_integers: Vec<Lookup>,
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
            probes_if_empty: Vec::new(),
            pairs: compiled.pairs,
            extra: compiled.extra,
            guards: if trusts { Vec::new() } else { compiled.guards },
            residual: compiled.residual,
            may_be_lists: Vec::new(),
            order: compiled.order,
            order_is_asked: compiled.order_pushed,
            doubted_keys: Vec::new(),
            sorting: Sorting::AsTheyCome,
            may_ask_sizes: !given.findings.creates() || !given.known.sizes_are_unproven(),
            range: plan.range(),
            at_most: None,
            jumps: false,
            takes_count: false,
            notes: compiled.notes,
            unseen: Vec::new(),
            parts: None,
            parts_are_by_key: false,
            shown_otherwise: Vec::new(),
            doubted_forms: Vec::new(),
            doubted_if_ignored: Vec::new(),
            doubted_parts: Vec::new(),
            doubted_collations: Vec::new(),
            doubted_digits: Vec::new(),
            doubted_integers: Vec::new(),
            cost: Cost::default(),
        };
        strategy.ask_of_one_element(plan, given);
        if !strategy.is_empty {
            strategy.probe_search(plan, given)?;
            strategy.decide_sorting(asked, given);
            strategy.decide_positions(given);
            strategy.doubt_emptiness(given);
            strategy.doubt_forms(given);
        }
        if strategy.residual == Q::All && aim == Aim::Rows {
            strategy.at_most = keys::at_most(&strategy.guards, strategy.range, given);
        }
        strategy.unseen = strategy.unseen_guards(given);
        strategy.shown_otherwise = strategy.guards_shown_otherwise(given);
        strategy.cost = Cost::new(&strategy, given);
        Ok(strategy)
    }

    /// What one condition says of a list is meant of one element, which a server need not see: it is evaluated client-side, too.
    fn ask_of_one_element(&mut self, plan: &Plan, given: &Given<'_>) {
        if self.trusts {
            return;
        }
        for (field, said) in plan.together() {
            let is_list =
                given.known.shows_list(field) || given.model.relates_to_many(field) == Some(true);
            match is_list {
                // Inside of an OR, be it of one part, it is one element.
                true => {
                    let residual = std::mem::take(&mut self.residual);
                    self.residual = residual.and(Q::Or(vec![said.clone()]));
                    self.notes.push(format!(
                        "{field}: evaluated client-side, too, as several conditions of one filter are meant of the same element"
                    ));
                }
                false => self.may_be_lists.push(field.clone()),
            }
        }
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
        if must_be_shown {
            self.sort_together(given);
        }
        self.keep_nulls(given);
    }

    /// A server may sort by each key alone, and not by several. Django REST Framework sorts by all of them.
    fn sort_together(&mut self, given: &Given<'_>) {
        if self.order.len() < 2 || given.known.is_drf || self.sorting.needs_every_row() {
            return;
        }
        let probe = Probe::sorts_together(&self.order, &self.extra, given);
        let shown = given.findings.of(&probe.question);
        match shown.or(given.known.orders_by(&spelt(&self.order))) {
            Some(true) => {}
            Some(false) => {
                self.sorting = Sorting::Client;
                self.notes.push(
                    "ordering: sorted client-side, because the server does not sort by several keys"
                        .to_owned(),
                );
            }
            None => self.probes.push(probe),
        }
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

    /// The lists of values that the server is asked for, and that were not asked for: equalities that are joined by OR, the keys of
    /// related rows.
    pub fn lists_of_its_own<'s>(
        &'s self,
        asked: &'s Plan,
        model: &'s ModelMeta,
    ) -> impl Iterator<Item = &'s Lookup> {
        self.guards.iter().filter(move |guard| {
            let mut is_asked = false;
            asked.condition().for_each_lookup(&mut |lookup| {
                let path = match lookup.path.as_str() {
                    "pk" => model.primary_key(),
                    path => path,
                };
                is_asked |= lookup.op == Op::In && path == guard.path;
            });
            guard.op == Op::In && !is_asked
        })
    }

    /// Whether the client leaves out rows that the server sends.
    #[must_use]
    pub fn leaves_rows_out(&self) -> bool {
        self.residual != Q::All || self.aim == Aim::Write
    }
}

/// The plan with whole numbers in place of fractions that servers cut off: they find no row too few, and the fraction is left to the client.
fn with_whole_numbers<'p>(plan: &'p Plan, known: &Knowledge) -> Cow<'p, Plan> {
    let cuts = |part: &Q| matches!(part, Q::Lookup(lookup) if known.cuts_fraction_of(lookup));
    if !plan.condition().conjuncts().iter().any(cuts) {
        return Cow::Borrowed(plan);
    }
    let parts = plan.condition().conjuncts().iter();
    let condition = parts.fold(Q::All, |all, part| match part {
        Q::Lookup(lookup) if cuts(part) => {
            // A query string has no OR, be it of one part.
            let here = Q::Or(vec![part.clone()]);
            let there = values::whole(lookup).map_or(Q::All, Q::Lookup);
            all.and(there).and(here)
        }
        part => all.and(part.clone()),
    });
    Cow::Owned(plan.clone().on(condition))
}

/// Divides the plan between the server and the client, as the policy says.
fn compile(plan: &Plan, given: &Given<'_>) -> Result<Compiled> {
    let plan = &*match given.policy.trusts_server() {
        true => Cow::Borrowed(plan),
        false => with_whole_numbers(plan, given.known),
    };
    let Given {
        dialect,
        model,
        known,
        policy,
        ..
    } = given;
    if policy.on_ignored == OnIgnored::Local {
        let known = known_in_query(given);
        return dialect.compile(plan, model, &known);
    }
    let known_lists = with_refused_lists(Knowledge::clone(known).trusting(), given);
    let compiled = dialect.compile(plan, model, &known_lists)?;
    if policy.on_ignored == OnIgnored::Error {
        let mut guards = compiled.guards.iter();
        let ignored = guards
            .find(|guard| known.ignores(guard))
            .map(Lookup::parameter)
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
        if let Some(unknown) = given.findings.unknown().next() {
            return Err(Error::unsupported(format!(
                "nothing shows that the server knows the filter `{}` of `{}`: no row came for it, and no row that was seen has a \
                 value to ask for; declare the filters of the model",
                unknown.parameter(),
                model.name()
            )));
        }
    }
    Ok(compiled)
}

/// What is known, and what this query has seen: nothing shows that the server knows some filters, so they are not sent again.
fn known_in_query<'a>(given: &Given<'a>) -> Cow<'a, Knowledge> {
    let mut known = Cow::Borrowed(given.known);
    for guard in given.findings.unknown() {
        known.to_mut().learn_parameter(&guard.parameter(), false);
    }
    match given.findings.refused_lists() {
        [] => known,
        _ => Cow::Owned(with_refused_lists(known.into_owned(), given)),
    }
}

fn with_refused_lists(mut known: Knowledge, given: &Given<'_>) -> Knowledge {
    for parameter in given.findings.refused_lists() {
        known.refuse_lists(parameter);
    }
    known
}

/// The paginator, as far as it is known.
fn style(given: &Given<'_>) -> Option<Style> {
    given.known.style_of(given.model)
}

#[cfg(test)]
mod tests;
