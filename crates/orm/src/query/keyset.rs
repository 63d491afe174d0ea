//! A walk by primary key: stable while rows come and go, and resumable.

use django_api_orm_core::{
    Error, Q, Result,
    lookup::{Lookup, Op},
    plan::{Order, Plan, Range},
    row::Row,
    strategy::{Aim, Sorting},
};
use serde_json::Value;

use super::{collection::Collection, probing::Probing, walk::Walk};

/// Asks for the rows after the last key, again and again, instead of counting positions.
#[derive(Debug)]
pub struct KeysetWalk {
    collection: Collection,
    plan: Plan,
    after: Option<Value>,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    ByKey,
    /// The server does not sort or filter by key: one walk over everything.
    Whole(Box<Walk>),
    Done,
}

impl KeysetWalk {
    /// A walk over the rows of the plan behind `after`, or over all of them.
    pub fn new(mut collection: Collection, plan: Plan, after: Option<Value>) -> Self {
        // Only the first page of each step is wanted.
        collection.policy.read_ahead = 1;
        Self {
            collection,
            plan,
            after,
            state: State::Start,
        }
    }

    /// The next rows, never an empty batch; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(None),
                State::Start => self.state = self.start().await?,
                State::Whole(mut walk) => {
                    let rows = walk.next().await?;
                    if rows.is_some() {
                        self.state = State::Whole(walk);
                    }
                    return Ok(rows);
                }
                State::ByKey => {
                    let mut walk = Walk::new(self.collection.clone(), self.step());
                    let Some(rows) = self.behind(&mut walk).await? else {
                        return Ok(None);
                    };
                    self.after = rows.last().map(|row| self.key(row)).transpose()?;
                    if !walk.is_done() {
                        // A server that turned out to ignore keys would send everything again at each step.
                        self.state = if self.asks_for_what_follows()? {
                            State::ByKey
                        } else {
                            State::Whole(Box::new(walk))
                        };
                    }
                    return Ok(Some(rows));
                }
            }
        }
    }

    /// The next rows, without the one that they are to follow: a server may take "greater than" for "no less than".
    async fn behind(&self, walk: &mut Walk) -> Result<Option<Vec<Row>>> {
        while let Some(mut rows) = walk.next().await? {
            if self.after.is_some() {
                let primary = self.collection.model().primary_key();
                rows.retain(|row| row.key(primary) != self.after);
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    async fn start(&self) -> Result<State> {
        if self.plan.range() != Range::ALL
            || !self.plan.order().is_empty()
            || self.plan.is_reversed()
        {
            return Err(Error::invalid_request(
                "a keyset walk goes in the order of the primary key, so its queryset can have no order and no slice",
            ));
        }
        let step = self.step();
        let mut probing = Probing::new(self.collection.clone());
        if self.asks_for_what_follows()? {
            let strategy = probing.settle(&step, Aim::Keyset).await?;
            if matches!(strategy.sorting, Sorting::Server { .. }) {
                return Ok(State::ByKey);
            }
        }
        Ok(State::Whole(Box::new(Walk::after(probing, step))))
    }

    /// Whether the server can be asked for the rows after a key, as far as is known.
    fn asks_for_what_follows(&self) -> Result<bool> {
        let key = self.collection.model().primary_key();
        let after = Lookup::new(key, Op::Gt, Value::Null).parameter();
        Ok(self.collection.policy.trusts_server()
            || self.collection.knowledge()?.honours(&after) != Some(false))
    }

    fn step(&self) -> Plan {
        let key = self.collection.model().primary_key();
        let plan = self.plan.clone();
        let plan = match &self.after {
            Some(after) => plan.filter(Q::Lookup(Lookup::new(key, Op::Gt, after.clone()))),
            None => plan,
        };
        plan.order_by(vec![Order::parse(key)])
    }

    fn key(&self, row: &Row) -> Result<Value> {
        let name = self.collection.model().primary_key();
        row.key(name).ok_or_else(|| {
            Error::decode(format!(
                "a row of `{}` has no `{name}`, which a keyset walk needs",
                self.collection.model().name()
            ))
        })
    }
}
