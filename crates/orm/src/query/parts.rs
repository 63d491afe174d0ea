//! The rows of a plan that is asked for in parts, because a list of values is too long for one query string.

use django_api_orm_core::{
    Error, ErrorKind, Result,
    knowledge::Knowledge,
    lookup::Lookup,
    plan::{Plan, Range},
    row::{Identities, KeyReader, Row},
    strategy::{Aim, Parts, Sorting, Strategy},
};
use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde_json::Value;

use super::{collection::Collection, reading::Step, sort, walk::Walk};

/// Reads the parts of a plan, several at the same time.
///
/// The first one is read alone: what it shows of the server need not be found out by each of the others. If the server turns out to
/// ignore the list, the others are read as one, because each of them would be a walk over everything.
#[derive(Debug)]
pub(super) struct PartsWalk {
    collection: Collection,
    parts: Parts,
    aim: Aim,
    at_once: usize,
    is_first: bool,
    /// The list of the part that was read last.
    latest: Option<Lookup>,
    /// Two values may be one for the server, such as `a` and `A`: then their row comes with both.
    seen: Identities,
    keyless: bool,
    has_handed_out: bool,
}

impl PartsWalk {
    /// The rows of the plan that are one of the values.
    pub(super) fn new(collection: &Collection, parts: Parts, aim: Aim, at_once: usize) -> Self {
        Self {
            collection: collection.clone(),
            parts,
            aim,
            at_once: at_once.max(1),
            is_first: true,
            latest: None,
            seen: Identities::default(),
            keyless: false,
            has_handed_out: false,
        }
    }

    /// The parts that have not been read, as one plan with their values.
    pub(super) fn take_rest(&mut self) -> (Plan, Vec<Value>) {
        let values = self.parts.take_rest();
        (self.parts.plan(values.clone()), values)
    }

    /// The rows of the next parts, possibly none; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        let mut plans = Vec::new();
        if self.is_ignored()? {
            let (rest, values) = self.take_rest();
            plans.extend((!values.is_empty()).then_some(rest));
        } else {
            let at_once = if self.is_first { 1 } else { self.at_once };
            let parts = std::iter::from_fn(|| self.parts.take());
            let values: Vec<Vec<Value>> = parts.take(at_once).collect();
            self.latest = values
                .last()
                .map(|values| self.parts.lookup(values.clone()));
            plans.extend(values.into_iter().map(|values| self.parts.plan(values)));
        }
        if plans.is_empty() {
            return Ok(None);
        }
        self.is_first = false;
        let walks = plans
            .into_iter()
            .map(|plan| rows_of(self.collection.clone(), plan, self.aim));
        let batches: Vec<Vec<Row>> = stream::iter(walks)
            .buffered(self.at_once)
            .try_collect()
            .await?;
        Ok(Some(self.unseen(batches.into_iter().flatten())))
    }

    /// Those of the rows that have not come before, as far as their keys tell.
    pub(super) fn unseen(&mut self, rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
        let key = KeyReader::new(self.collection.model().primary_key());
        let mut is_new = |row: &Row| {
            let identity = key.identity(row);
            self.keyless |= !identity.has_key();
            !identity.has_key() || self.seen.insert(identity)
        };
        rows.into_iter().filter(|row| is_new(row)).collect()
    }

    /// Whether the list is evaluated client-side. A server that is trusted is asked for each part, whatever it has shown.
    fn is_ignored(&self) -> Result<bool> {
        if self.collection.policy.trusts_server() {
            return Ok(false);
        }
        let parameter = self.parts.parameter();
        let declared = self.collection.model().filters();
        let is_undeclared = declared.is_some_and(|filters| !filters.contains(&parameter));
        let is_known = |known: &Knowledge| known.honours(&parameter) == Some(false);
        Ok(is_undeclared || self.collection.know(is_known)? || self.is_latest_ignored()?)
    }

    /// Whether the server has turned out to ignore the list of the part that was read last. Nothing says that it takes another one.
    pub(super) fn is_latest_ignored(&self) -> Result<bool> {
        match &self.latest {
            Some(latest) => self.collection.know(|known| known.ignores(latest)),
            None => Ok(false),
        }
    }

    /// The next rows of the strategy, which is in these parts; all of them where they have to be sorted or cut.
    pub(super) async fn step(&mut self, strategy: &Strategy) -> Result<Step> {
        let is_whole = strategy.sorting != Sorting::Client && strategy.range == Range::ALL;
        let mut held = Vec::new();
        while let Some(rows) = self.next().await? {
            // Nothing tells whether such a row has come before.
            if self.keyless && self.has_handed_out {
                return Err(Error::unsupported(
                    "some rows have no key, so rows that were asked for in parts cannot be told apart; ask for fewer values",
                ));
            }
            if self.keyless {
                return Ok(Step::StartAnew);
            }
            if is_whole {
                self.has_handed_out |= !rows.is_empty();
                return Ok(Step::Rows(rows));
            }
            held.extend(rows);
        }
        if strategy.sorting == Sorting::Client {
            held = match sort::rows(&self.collection, strategy, held, &[]).await {
                // The server may be able to.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Step::StartAnew);
                }
                sorted => sorted?,
            };
        }
        let Range { offset, limit } = strategy.range;
        let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let rows = held.into_iter().skip(bounded(offset));
        Ok(Step::Last(
            rows.take(limit.map_or(usize::MAX, bounded)).collect(),
        ))
    }

    /// The rows that are one of the values.
    pub(super) fn among(
        collection: &Collection,
        plan: &Plan,
        is_one_of: Lookup,
        at_once: usize,
    ) -> Self {
        let parts = Parts::new(plan.clone(), is_one_of);
        Self::new(collection, parts, Aim::Rows, at_once)
    }
}

/// A walk that may be in parts itself is behind a pointer.
fn rows_of(collection: Collection, plan: Plan, aim: Aim) -> BoxFuture<'static, Result<Vec<Row>>> {
    let walk = Walk::new(collection, plan);
    Box::pin(match aim {
        Aim::Write => walk.for_writes().collect(),
        Aim::Rows | Aim::Count | Aim::Keyset => walk.collect(),
    })
}
