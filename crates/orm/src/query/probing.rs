//! Carries out the probes of a query and keeps what they show: for the query in its findings, for all others in what the
//! client knows of the endpoint.
//!
//! A row that violates a filter proves that the filter is ignored. That none of the rows at hand violates it proves nothing
//! where only some rows are seen, so there the server is probed: see [`Question`].

use std::cmp::Ordering;

use django_api_orm_core::{
    NullOrder, OnIgnored, Q, Result,
    evaluate::{Evaluator, RowOrder},
    lookup::{Lookup, Op},
    page::Page,
    paginator::Pairs,
    plan::{Order, Plan},
    row::Row,
    strategy::{Aim, Findings, Probe, Question, Strategy},
};
use serde_json::Value;

use super::{
    check::{Checked, Picked, RowCheck},
    collection::Collection,
    ignored,
    order_watch::{OrderWatch, Seen},
};

/// The probes of one query.
#[derive(Debug)]
pub(crate) struct Probing {
    pub(crate) collection: Collection,
    findings: Findings,
    /// What was asked already: probes share their questions.
    answers: Vec<(Pairs, Answer)>,
}

/// The rows that a probe asks for where their order is in question: two of them would be in order by chance too often.
const ROWS_IN_ORDER: u64 = 5;

/// A page of one row or of a few, where the server lets itself be asked for that.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    rows: Vec<Row>,
    count: Option<u64>,
}

impl Answer {
    /// How many rows there are; a count of fewer rows than came is none.
    pub(crate) fn count(&self) -> Option<u64> {
        self.count
    }

    fn first(&self) -> Option<&Row> {
        self.rows.first()
    }
}

impl Probing {
    pub(crate) fn new(collection: Collection) -> Self {
        let nonsense = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self {
            collection,
            findings: Findings::new(nonsense),
            answers: Vec::new(),
        }
    }

    /// The strategy of a plan, once its probes have run. Each of them may change it.
    pub(crate) async fn settle(&mut self, plan: &Plan, aim: Aim) -> Result<Strategy> {
        loop {
            let strategy = self.collection.strategy(plan, aim, &self.findings)?;
            match strategy.probes.first() {
                Some(probe) => _ = self.run(&strategy, probe).await?,
                None => return Ok(strategy),
            }
        }
    }

    /// Has the plan read in one walk, in the server's own order if it has none.
    pub(crate) fn forbid_parts(&mut self) {
        self.findings.forbid_parts();
    }

    /// Keeps that the server cannot be relied on: its rows have shown it.
    pub(crate) fn contradict(&mut self, question: Question) {
        self.findings.keep(question, false);
    }

    /// Keeps the first row of what was asked, which a probe need not ask for again.
    pub(crate) fn has_seen(&mut self, pairs: &Pairs, first: Option<&Row>) {
        let answer = Answer {
            rows: first.cloned().into_iter().collect(),
            count: None,
        };
        self.answers.push((pairs.clone(), answer));
    }

    /// Runs a probe that is a part of the strategy; gives whether the server can be relied on.
    pub(crate) async fn run(&mut self, strategy: &Strategy, probe: &Probe) -> Result<bool> {
        let reliable = match &probe.question {
            Question::Searches => self.searches(probe).await?,
            Question::Sorts(order) => self.sorts(probe, order).await?,
            Question::Filters(guard) => self.filters(probe, strategy, guard).await?,
            Question::LooksAt(guard) => self.looks_at(probe, strategy, guard).await?,
            Question::KeepsNulls(order) => self.keeps_nulls(probe, order).await?,
        };
        self.findings.keep(probe.question.clone(), reliable);
        Ok(reliable)
    }

    /// A page of one row, asked for once.
    pub(crate) async fn ask(&mut self, pairs: &Pairs) -> Result<Answer> {
        self.ask_for(pairs, 1).await
    }

    /// A page of so many rows. The same parameters are asked once, whatever the number.
    async fn ask_for(&mut self, pairs: &Pairs, rows: u64) -> Result<Answer> {
        if let Some((_, answer)) = self.answers.iter().find(|(asked, _)| asked == pairs) {
            return Ok(answer.clone());
        }
        let page = self.page_of(pairs, rows).await?;
        let rows = page.rows().len() as u64;
        let answer = Answer {
            rows: page.rows().to_vec(),
            count: page.count().filter(|count| *count >= rows),
        };
        self.answers.push((pairs.clone(), answer.clone()));
        Ok(answer)
    }

    /// So many rows: a page of the server's own size, where it refuses this one, takes it for a filter, or has none.
    async fn page_of(&self, pairs: &Pairs, rows: u64) -> Result<Page> {
        let collection = &self.collection;
        let declared = collection.model().pagination();
        let known = collection.knowledge()?;
        let size = match declared {
            Some(declared) => declared.size_parameter(),
            None => known.takes_sizes().then_some("limit"),
        };
        let rows = [known.size_cap, known.largest_size()]
            .into_iter()
            .flatten()
            .fold(rows, u64::min);
        let Some(size) = size.filter(|_| rows > 0) else {
            return collection.page(pairs).await;
        };
        let mut asked = pairs.clone();
        asked.push((size.to_owned(), rows.to_string()));
        let refusal = match collection.page(&asked).await {
            Err(error) if error.is_refusal() && !error.blames(pairs) => error,
            Ok(page) if declared.is_none() => return self.unless_emptied(pairs, page).await,
            page => return page,
        };
        match collection.page(pairs).await {
            Ok(page) => {
                collection.learn(|known| known.learn_refused_size(rows))?;
                Ok(page)
            }
            Err(error) if error.is_refusal() => Err(refusal),
            Err(error) => Err(error),
        }
    }

    /// The page, or the one without a size where that may have left no row.
    async fn unless_emptied(&self, pairs: &Pairs, page: Page) -> Result<Page> {
        let collection = &self.collection;
        let may_be_emptied = collection.learn(|known| {
            known.learn_sizes_from(&page, true);
            known.may_be_emptied(&page)
        })?;
        if !may_be_emptied {
            return Ok(page);
        }
        let page = collection.page(pairs).await?;
        if !page.rows().is_empty() {
            collection.learn(|known| known.learn_sizes(false))?;
        }
        Ok(page)
    }

    async fn searches(&mut self, probe: &Probe) -> Result<bool> {
        let searches = self.ask(&probe.with).await?.rows.is_empty();
        // Where no row is there to be found, nothing was shown.
        if !searches || !self.ask(&probe.without).await?.rows.is_empty() {
            self.collection
                .learn(|known| known.searches = Some(searches))?;
        }
        Ok(searches)
    }

    async fn sorts(&mut self, probe: &Probe, order: &Order) -> Result<bool> {
        let first = self.ask_for(&probe.with, ROWS_IN_ORDER).await?;
        if first.rows.is_empty() || first.count == Some(1) {
            return Ok(true);
        }
        if self.contradicts(order, &first)? {
            return Ok(false);
        }
        let last = self.ask_for(&probe.without, ROWS_IN_ORDER).await?;
        // If not: it is ignored, or every row has the same value. Sorting by the client is right in both cases.
        let sorts =
            !self.contradicts(&order.opposite(), &last)? && self.are_ends(order, &first, &last)?;
        if sorts {
            self.collection
                .learn(|known| known.learn_ordering(&order.path, true))?;
        }
        Ok(sorts)
    }

    /// Whether rows of the answer stand in an order that no database makes. Keeps it where they do.
    fn contradicts(&self, order: &Order, answer: &Answer) -> Result<bool> {
        let order = std::slice::from_ref(order);
        let fields = self.collection.model().known_fields();
        let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
        let mut watch = OrderWatch::new(order, &fields);
        let picked: Vec<Picked> = (answer.rows.iter())
            .map(|row| row.pick(&roots))
            .collect::<Result<_>>()?;
        let contradicts = picked
            .iter()
            .any(|row| watch.take(row) == Seen::Contradicted);
        if contradicts {
            ignored::ordering(&self.collection, order, &picked)?;
        }
        Ok(contradicts)
    }

    /// Whether these can be the first rows of both directions: they differ, and are not in the wrong order.
    fn are_ends(&self, order: &Order, first: &Answer, last: &Answer) -> Result<bool> {
        let (Some(first), Some(last)) = (first.first(), last.first()) else {
            return Ok(false);
        };
        let model = self.collection.model();
        if first.is_same(last, model.primary_key()) {
            return Ok(false);
        }
        let fields = model.known_fields().unknown_collation();
        let orders = [NullOrder::Smallest, NullOrder::Largest]
            .map(|nulls| RowOrder::new(std::slice::from_ref(order), nulls, &fields));
        let roots = orders.first().map(RowOrder::roots).unwrap_or_default();
        let (first, last) = (first.pick(&roots)?, last.pick(&roots)?);
        // Where the rows do not tell, the difference has to do.
        Ok(orders
            .iter()
            .any(|order| order.compare(&first, &last).is_none_or(Ordering::is_lt)))
    }

    async fn filters(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let with = self.ask(&probe.with).await?;
        let Some(count) = with.count else {
            return Ok(false);
        };
        let Some(row) = with.first() else {
            return Ok(count == 0);
        };
        let mut check = RowCheck::new(strategy, self.collection.model())?;
        let row = check.pick(row)?;
        if !self.satisfies(strategy, &mut check, &row).await? {
            return Ok(false);
        }
        // What no row shows only the server can judge.
        if !check.can_evaluate(&guard.parameter(), &row) {
            return Ok(true);
        }
        let filters = self
            .ask(&probe.without)
            .await?
            .count
            .is_some_and(|without| without > count);
        if filters {
            self.collection
                .learn(|known| known.learn_parameter(&guard.parameter(), true))?;
        }
        Ok(filters)
    }

    /// Whether the first row of an answer speaks against none of the guards, so that its count can be that of the plan.
    pub(crate) async fn is_plausible(
        &mut self,
        strategy: &Strategy,
        answer: &Answer,
    ) -> Result<bool> {
        let Some(row) = answer.first() else {
            return Ok(answer.count == Some(0));
        };
        let mut check = RowCheck::new(strategy, self.collection.model())?;
        let row = check.pick(row)?;
        self.satisfies(strategy, &mut check, &row).await
    }

    /// Whether a row speaks against none of the guards. Keeps it where it does.
    async fn satisfies(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
    ) -> Result<bool> {
        match check.check(row)? {
            Checked::Violates(parameters) => {
                ignored::filters(&self.collection, &parameters)?;
                Ok(false)
            }
            Checked::Unproven(parameters) => self.unseen(strategy, check, row, &parameters).await,
            _ => Ok(true),
        }
    }

    /// Whether the row belongs to the answer. Filters that the server turns out to ignore are evaluated by `check` from then
    /// on.
    pub(crate) async fn check(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
    ) -> Result<Checked> {
        loop {
            match check.check(row)? {
                Checked::Violates(parameters) => {
                    ignored::filters(&self.collection, &parameters)?;
                    for parameter in &parameters {
                        check.ignore(parameter);
                    }
                    return Ok(Checked::Excluded);
                }
                Checked::Unproven(parameters) => {
                    self.unseen(strategy, check, row, &parameters).await?;
                }
                checked => return Ok(checked),
            }
        }
    }

    /// Finds out whether the server looks at filters that the rows at hand do not show; `check` then believes it, or leaves
    /// rows out. Gives whether it looks at all of them.
    ///
    /// A filter that the model declares is believed.
    async fn unseen(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
        parameters: &[String],
    ) -> Result<bool> {
        let mut all = true;
        for parameter in parameters {
            let mut guards = strategy.guards.iter();
            let Some(guard) = guards.find(|guard| guard.parameter() == *parameter) else {
                continue;
            };
            let collection = &self.collection;
            if collection.model().filters().is_some()
                || collection.knowledge()?.honours(parameter) == Some(true)
                || self.is_looked_at(strategy, guard).await?
            {
                check.believe(parameter);
                continue;
            }
            check.ignore(parameter);
            if self.collection.policy.on_ignored != OnIgnored::Error {
                // What the client cannot finish either is an error, and nothing to warn of.
                check.check(row)?;
            }
            ignored::filters(&self.collection, std::slice::from_ref(parameter))?;
            all = false;
        }
        Ok(all)
    }

    async fn is_looked_at(&mut self, strategy: &Strategy, guard: &Lookup) -> Result<bool> {
        let parameter = guard.parameter();
        let mut sent = strategy.pairs.iter();
        let Some((_, text)) = sent.find(|(name, _)| *name == parameter) else {
            return Ok(false);
        };
        let probe = Probe::looks_at(guard, text, &strategy.extra, &self.findings);
        // One probe needs another at most: boxed, as the compiler cannot see that.
        Box::pin(self.run(strategy, &probe)).await
    }

    /// Costs one request; up to three where the first does not tell.
    async fn looks_at(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let looks = match self.ask(&probe.with).await {
            Ok(others) if others.rows.is_empty() => true,
            Ok(others) => self.tells_apart(probe, strategy, &others).await?,
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        if looks {
            self.collection
                .learn(|known| known.learn_parameter(&guard.parameter(), true))?;
        }
        Ok(looks)
    }

    /// Whether the server finds other rows for another value, or leaves any out.
    async fn tells_apart(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        others: &Answer,
    ) -> Result<bool> {
        let found = self.ask(&probe.without).await?;
        if let (Some(others), Some(found)) = (others.count, found.count) {
            if others != found {
                return Ok(true);
            }
            let whole = self.ask(&strategy.extra).await?.count;
            return Ok(whole.is_some_and(|whole| found < whole));
        }
        // Without counts, other rows come first.
        Ok(!self.collection.same_row(others.first(), found.first()))
    }

    async fn keeps_nulls(&mut self, probe: &Probe, order: &[Order]) -> Result<bool> {
        let first = self.ask(&probe.with).await?;
        let last = self.ask(&probe.without).await?;
        let (first, last) = (first.first(), last.first());
        // The same row at both ends: the server does not sort, or has one row.
        if self.collection.same_row(first, last) {
            return Ok(true);
        }
        let fields = self.collection.model().known_fields();
        for order in order {
            let lookup = Lookup::new(order.path.clone(), Op::IsNull, Value::Bool(true));
            let is_null = Evaluator::compile_for(&Q::Lookup(lookup), &fields)?;
            for row in [first, last].into_iter().flatten() {
                if is_null.evaluate(&row.pick(is_null.roots())?).is_true() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
