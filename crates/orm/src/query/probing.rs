//! Carries out the probes of a query and keeps what they show: for the query in its findings, for all others in what the
//! client knows of the endpoint.
//!
//! What rows prove by themselves costs nothing. Where they prove nothing (only some of them are seen, one looks wrong, none came
//! at all), the server is probed: see [`Question`].

mod bare_names;
mod collation;
mod emptiness;
mod filters;
mod forms;
mod orders;
mod texts;

use django_api_orm_core::{
    Result,
    page::Page,
    paginator::Pairs,
    plan::Plan,
    row::Row,
    strategy::{Aim, Findings, Probe, Question, Strategy},
};

use super::{collection::Collection, pages::Pages, shown::Shown};

/// The pages without rows that a probe looks behind.
const HIDDEN_PAGES: usize = 10;

/// The probes of one query.
#[derive(Debug)]
pub(crate) struct Probing {
    pub(crate) collection: Collection,
    findings: Findings,
    /// What was asked already: probes share their questions.
    answers: Vec<(Pairs, Answer)>,
    /// Whether a field has more than one text in the rows of these parameters, as far as all of them were read for that.
    others: Vec<((Pairs, String), Option<bool>)>,
    /// The keys by which both directions begin with the same row: the server ignores them, or they are the same in all rows.
    same_ends: Vec<String>,
    /// Rows with nulls would be lost in the order that the query asks for, so that it is asked for no order.
    loses_nulls: bool,
}

/// A page of one row or of a few, where the server lets itself be asked for that.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    rows: Vec<Row>,
    count: Option<u64>,
    /// The greatest count, where the same was asked more than once.
    most: Option<u64>,
    /// How many rows were asked for.
    asked: u64,
    /// No row follows, as the page says, or as it is shorter than it was asked to be.
    ends: bool,
    /// No row came, though the page says that there are some: the server hides those that it would have sent.
    hides_rows: bool,
}

impl Answer {
    /// How many rows there are; a count of fewer rows than came is none.
    pub(crate) fn count(&self) -> Option<u64> {
        self.count
    }

    /// Whether the server has no row for what was asked.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.hides_rows
    }

    /// Whether these are all rows that there are, as the server counts them.
    fn is_whole(&self) -> bool {
        let rows = self.rows.len() as u64;
        rows > 0 && self.count == Some(rows)
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
            others: Vec::new(),
            same_ends: Vec::new(),
            loses_nulls: false,
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

    /// The field at the path, as rows show it.
    fn shown(&self, path: &str) -> Result<Shown> {
        Ok(Shown::new(path, &self.collection.known_fields()?))
    }

    /// Has the plan read in one walk, in the server's own order if it has none.
    pub(crate) fn forbid_parts(&mut self) {
        self.findings.forbid_parts();
    }

    /// What the probes have shown.
    pub(super) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Goes on without lists of values by this parameter.
    pub(super) fn go_on_without(&mut self, parameter: String) {
        self.findings.refuse_lists(parameter);
    }

    /// Takes nothing but proof for a sign that there are no rows: one is created then.
    pub(crate) fn create_if_empty(&mut self) {
        self.findings.create_if_empty();
    }

    /// The keys by which both directions begin with the same row.
    pub(crate) fn same_ends(&self) -> &[String] {
        &self.same_ends
    }

    /// Whether a row is created if none comes.
    pub(crate) fn creates(&self) -> bool {
        self.findings.creates()
    }

    /// Keeps that the server cannot be relied on: its rows have shown it.
    pub(crate) fn contradict(&mut self, question: Question) {
        self.findings.keep(question, false);
    }

    /// Keeps the first row of what was asked, if there was one, which a probe need not ask for again.
    pub(crate) fn has_seen(&mut self, pairs: &Pairs, first: Option<&Row>) {
        let Some(first) = first else {
            return;
        };
        let answer = Answer {
            rows: vec![first.clone()],
            count: None,
            most: None,
            asked: 1,
            ends: false,
            hides_rows: false,
        };
        self.answers.push((pairs.clone(), answer));
    }

    /// Runs a probe that is a part of the strategy; gives whether the server can be relied on.
    pub(crate) async fn run(&mut self, strategy: &Strategy, probe: &Probe) -> Result<bool> {
        let reliable = match &probe.question {
            Question::Searches => self.searches(probe).await?,
            Question::Sorts(order) => self.sorts(probe, strategy, order).await?,
            Question::SortsTogether(order) => self.sorts_together(probe, order).await?,
            Question::Filters(guard) => self.filters(probe, strategy, guard).await?,
            Question::LooksAt(guard) => self.looks_at(probe, strategy, guard).await?,
            Question::Knows(guard) => self.knows(probe, strategy, guard).await?,
            Question::KnowsOrdering => self.knows_ordering(probe, strategy).await?,
            Question::KeepsNulls(order) => {
                let keeps = self.keeps_nulls(probe, order).await?;
                self.loses_nulls |= !keeps;
                keeps
            }
        };
        self.findings.keep(probe.question.clone(), reliable);
        Ok(reliable)
    }

    /// A page of one row, asked for once.
    pub(crate) async fn ask(&mut self, pairs: &Pairs) -> Result<Answer> {
        self.ask_for(pairs, 1).await
    }

    /// The same, once more.
    async fn ask_again(&mut self, pairs: &Pairs) -> Result<Answer> {
        let before = self.ask(pairs).await?.most;
        self.answers.retain(|(asked, _)| asked != pairs);
        let mut answer = self.ask(pairs).await?;
        answer.most = answer.most.max(before);
        if let Some((_, latest)) = self.answers.last_mut() {
            latest.most = answer.most;
        }
        Ok(answer)
    }

    /// Whether the one was asked for after the other.
    fn is_newer(&self, one: &Pairs, other: &Pairs) -> bool {
        let place = |pairs: &Pairs| self.answers.iter().position(|(asked, _)| asked == pairs);
        place(one) > place(other)
    }

    /// So many rows, even where the same was asked for fewer of them.
    async fn ask_for_all_of(&mut self, pairs: &Pairs, rows: u64) -> Result<Answer> {
        self.forget_fewer(pairs, rows);
        self.ask_for(pairs, rows).await
    }

    /// Forgets an answer with fewer rows, if there are more.
    fn forget_fewer(&mut self, pairs: &Pairs, rows: u64) {
        self.answers.retain(|(asked, answer)| {
            let is_short = answer.asked < rows && (answer.rows.len() as u64) < rows;
            asked != pairs || !is_short || answer.ends
        });
    }

    /// The first rows, behind those that the server hides: a request more for each page without any, up to a number of them.
    async fn ask_for_shown(&mut self, pairs: &Pairs, rows: u64) -> Result<Answer> {
        let mut answer = self.ask_for(pairs, rows).await?;
        if !answer.hides_rows || !answer.rows.is_empty() {
            return Ok(answer);
        }
        let mut pages = Pages::new(self.collection.clone(), pairs.clone(), 0, None).one_by_one();
        for _ in 0..HIDDEN_PAGES {
            let Some(batch) = pages.next().await? else {
                break;
            };
            answer.rows = batch.rows;
            if !answer.rows.is_empty() {
                break;
            }
        }
        self.answers.retain(|(asked, _)| asked != pairs);
        self.answers.push((pairs.clone(), answer.clone()));
        Ok(answer)
    }

    /// A page of so many rows. The same parameters are asked once, whatever the number.
    async fn ask_for(&mut self, pairs: &Pairs, rows: u64) -> Result<Answer> {
        if let Some((_, answer)) = self.answers.iter().find(|(asked, _)| asked == pairs) {
            return Ok(answer.clone());
        }
        let (page, size) = self.page_of(pairs, rows).await?;
        let came = page.rows().len() as u64;
        let count = page.count().filter(|count| *count >= came);
        let says_more = page.more().or(page.next().map(|_| true));
        let names_none = (page.names_next() && page.next().is_none()).then_some(false);
        let answer = Answer {
            rows: page.rows().to_vec(),
            count,
            most: count,
            asked: rows,
            ends: count.is_none_or(|count| count <= came)
                && match says_more.or(names_none) {
                    Some(more) => !more,
                    None => size.is_some_and(|size| came < size),
                },
            hides_rows: came == 0 && count.map_or(says_more == Some(true), |count| count > 0),
        };
        self.collection
            .learn(|known| known.is_drf |= page.is_drf())?;
        if !answer.rows.is_empty() {
            self.has_answered(pairs)?;
        }
        self.answers.push((pairs.clone(), answer.clone()));
        Ok(answer)
    }

    /// So many rows: a page of the server's own size, where it refuses this one, takes it for a filter, or has none. Gives the size, too,
    /// where one was asked for.
    async fn page_of(&self, pairs: &Pairs, rows: u64) -> Result<(Page, Option<u64>)> {
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
            let page = collection.page(pairs).await;
            return Ok((
                page.map_err(|error| collection.with_cure(error, pairs))?,
                None,
            ));
        };
        let mut asked = pairs.clone();
        asked.push((size.to_owned(), rows.to_string()));
        let refusal = match collection.page(&asked).await {
            Err(error) if error.is_refusal() && !error.blames(pairs) => error,
            Ok(page) if declared.is_none() => return self.unless_emptied(pairs, page, rows).await,
            page => return Ok((page?, Some(rows))),
        };
        match collection.page(pairs).await {
            Ok(page) => {
                collection.learn(|known| known.learn_refused_size(rows))?;
                Ok((page, None))
            }
            Err(error) if error.is_refusal() => Err(collection.with_cure(refusal, pairs)),
            Err(error) => Err(error),
        }
    }

    /// The page of this size, or the one without a size where that may have left no row.
    async fn unless_emptied(
        &self,
        pairs: &Pairs,
        page: Page,
        rows: u64,
    ) -> Result<(Page, Option<u64>)> {
        let collection = &self.collection;
        let may_be_emptied = collection.learn(|known| {
            known.learn_sizes_from(&page, true);
            known.may_be_emptied(&page)
        })?;
        if !may_be_emptied {
            return Ok((page, Some(rows)));
        }
        let page = collection.page(pairs).await?;
        if !page.rows().is_empty() {
            collection.learn(|known| known.learn_sizes(false))?;
        }
        Ok((page, None))
    }

    async fn searches(&mut self, probe: &Probe) -> Result<bool> {
        let searches = self.ask(&probe.with).await?.is_empty();
        // Where no row is there to be found, nothing was shown.
        if !searches || !self.ask(&probe.without).await?.is_empty() {
            self.collection
                .learn(|known| known.searches = Some(searches))?;
        }
        Ok(searches)
    }
}
