//! The rows of a plan, batch after batch: a strategy is settled, carried out, and made anew where the rows contradict it.

use django_api_orm_core::{
    Error, Result,
    plan::Plan,
    row::Row,
    strategy::{Aim, Strategy},
};

use super::{
    collection::Collection,
    parts::PartsWalk,
    probing::Probing,
    reading::{Reading, Step},
    refused_lists::LeftOut,
};

/// A walk over the rows of a plan.
#[derive(Debug)]
pub struct Walk {
    /// The plan as it was asked for, where it has keys by now in the place of filters that cross a relation.
    asked: Option<Box<Plan>>,
    plan: Plan,
    aim: Aim,
    probing: Probing,
    /// The rows are wanted all at once.
    collects: bool,
    left_out: Option<Box<LeftOut>>,
    /// Rows were handed out.
    has_begun: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    Reading(Box<Reading>),
    Parts(Box<(PartsWalk, Strategy)>),
    Done,
}

impl Walk {
    /// A walk over the rows of the plan.
    pub fn new(collection: Collection, plan: Plan) -> Self {
        Self::after(Probing::new(collection), plan)
    }

    /// The same, with what probes of the plan have shown already.
    pub(crate) fn after(probing: Probing, plan: Plan) -> Self {
        Self {
            asked: None,
            plan,
            aim: Aim::Rows,
            probing,
            collects: false,
            left_out: None,
            has_begun: false,
            state: State::Start,
        }
    }

    /// The same, for what was asked for in these words.
    pub(super) fn asked_as(mut self, asked: &Plan) -> Self {
        self.asked = Some(Box::new(asked.clone()));
        self
    }

    /// A walk for writes: every part of the filter is evaluated on every row, and nothing is left to the server's word. A
    /// server that is trusted is trusted for writes too.
    pub fn for_writes(mut self) -> Self {
        if !self.probing.collection.policy.trusts_server() {
            self.aim = Aim::Write;
        }
        self
    }

    /// A walk after which a row is created if none has come.
    pub(crate) fn before_creating(mut self) -> Self {
        self.probing.create_if_empty();
        self
    }

    /// A walk that asks for no page before its rows are wanted.
    #[must_use]
    pub fn one_by_one(mut self) -> Self {
        self.probing.collection.policy.read_ahead = 1;
        self
    }

    /// Whether every row has been handed out, so far as that is known without another request.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether pages are under way that nobody waits for yet: they come as long as the runtime is driven.
    pub fn reads_ahead(&self) -> bool {
        matches!(&self.state, State::Reading(reading) if reading.reads_ahead())
    }

    /// The next rows, never an empty batch; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        loop {
            let error = match self.advance().await {
                Ok(rows) => {
                    self.has_begun = true;
                    if let Some(mut left_out) = self.left_out.take() {
                        left_out.learn(&self.probing.collection)?;
                    }
                    return Ok(rows);
                }
                Err(error) if self.has_begun => return Err(error),
                Err(error) => error,
            };
            let asked = self.asked.as_deref().unwrap_or(&self.plan);
            let left_out = self.left_out.get_or_insert_default();
            (self.probing).leave_out(left_out, error, (asked, &self.plan, self.aim))?;
            self.state = State::Start;
        }
    }

    async fn advance(&mut self) -> Result<Option<Vec<Row>>> {
        loop {
            let mut reading = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(None),
                State::Start => {
                    self.state = self.start().await?;
                    continue;
                }
                State::Parts(mut walk) => {
                    let (parts, strategy) = &mut *walk;
                    match parts.step(strategy).await? {
                        Step::Rows(rows) => {
                            self.state = State::Parts(walk);
                            if !rows.is_empty() {
                                return Ok(Some(rows));
                            }
                        }
                        Step::Last(rows) => return Ok((!rows.is_empty()).then_some(rows)),
                        Step::StartAnew => {
                            self.probing.forbid_parts();
                            self.state = State::Start;
                        }
                    }
                    continue;
                }
                State::Reading(reading) => reading,
            };
            match reading.step(&mut self.probing).await? {
                Step::Rows(rows) => {
                    self.state = State::Reading(reading);
                    if !rows.is_empty() {
                        return Ok(Some(rows));
                    }
                }
                Step::Last(rows) => return Ok((!rows.is_empty()).then_some(rows)),
                Step::StartAnew if reading.has_handed_out() => {
                    return Err(Error::unsupported(
                        "the server turned out to ignore a filter, or to show a field in another form than it filters by, after \
                         rows had been handed out; run the query again",
                    ));
                }
                Step::StartAnew => self.state = State::Start,
            }
        }
    }

    /// Every row from here on.
    pub async fn collect(mut self) -> Result<Vec<Row>> {
        self.collects = true;
        let Some(mut rows) = self.next().await? else {
            return Ok(Vec::new());
        };
        while let Some(batch) = self.next().await? {
            rows.extend(batch);
        }
        Ok(rows)
    }

    async fn start(&mut self) -> Result<State> {
        if self.probing.collection.crosses(&self.plan) {
            let joined = Box::pin(self.probing.collection.joined(&self.plan)).await?;
            let asked = std::mem::replace(&mut self.plan, joined);
            self.asked.get_or_insert_with(|| Box::new(asked));
        }
        let strategy: Strategy = self.probing.settle(&self.plan, self.aim).await?;
        if strategy.is_empty {
            return Ok(State::Done);
        }
        if let Some(parts) = strategy.parts.clone() {
            let collection = &self.probing.collection;
            let at_once = collection.policy.read_ahead;
            let parts = PartsWalk::new(collection, parts, self.aim, at_once);
            return Ok(State::Parts(Box::new((parts, strategy))));
        }
        let reading = Reading::new(strategy, &self.probing, self.collects)?;
        Ok(State::Reading(Box::new(reading)))
    }
}
