//! A list of values that the client has made by itself, and that the server refuses: of equalities that are joined by OR, of the keys of
//! rows. The query goes on without it, and nobody hears of a parameter that he has not asked for.
//!
//! What cannot be asked as a list is evaluated client-side, and rows are asked for one key after the other. Where that is refused, too,
//! the first refusal stands.

use std::pin::pin;

use super::{collection::Collection, parts::PartsWalk, probing::Probing, walk::Walk};
use django_api_orm_core::{
    Error, Q, Result,
    lookup::{Lookup, Op},
    plan::Plan,
    row::Row,
    strategy::Aim,
};
use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};

/// What a query goes on without.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    lists: Vec<Lookup>,
    refusal: Option<Error>,
}

impl Probing {
    /// Goes on without the lists that are to blame for the error. `asked` is the plan as it was asked for, `plan` what became of it.
    ///
    /// # Errors
    /// The first refusal, where there is nothing to leave out.
    pub(super) fn leave_out(
        &mut self,
        left_out: &mut LeftOut,
        error: Error,
        (asked, plan, aim): (&Plan, &Plan, Aim),
    ) -> Result<()> {
        if !error.is_refusal() {
            return Err(error);
        }
        let collection = self.collection.clone();
        let strategy = collection.strategy(plan, aim, self.findings())?;
        let model = collection.model();
        let lists: Vec<Lookup> = (strategy.lists_of_its_own(asked, model))
            .filter(|list| collection.may_be_about(&error, list))
            .cloned()
            .collect();
        if lists.is_empty() {
            return Err(left_out.refusal.take().unwrap_or(error));
        }
        for list in lists {
            self.go_on_without(list.parameter());
            left_out.lists.push(list);
        }
        left_out.refusal.get_or_insert(error);
        Ok(())
    }
}

impl LeftOut {
    /// Keeps what was left out, once the server has answered.
    pub(super) fn learn(&mut self, collection: &Collection) -> Result<()> {
        for list in std::mem::take(&mut self.lists) {
            collection.learn(|known| known.learn_refused_list(&list))?;
        }
        Ok(())
    }
}

impl Collection {
    /// Whether a refusal may be about this list: it names it, or no parameter at all.
    fn may_be_about(&self, error: &Error, list: &Lookup) -> bool {
        let pair = (list.parameter(), String::new());
        let mut pairs = self.dialect.sent(pair.clone(), self.model());
        pairs.push(pair);
        let mut named = error.field_errors().iter().peekable();
        named.peek().is_none()
            || named.any(|(field, _)| {
                let name = field.rsplit('.').next().unwrap_or(field);
                pairs.iter().any(|(known, _)| known == name)
            })
    }

    /// The rows that have one of the values, asked for by each of them alone, each row once. `refusal` is what the server has said of the
    /// list.
    ///
    /// # Errors
    /// The refusal, where the first value is refused alone, too.
    pub(super) async fn rows_by_each(
        &self,
        plan: &Plan,
        is_one_of: Lookup,
        concurrency: usize,
        refusal: Option<Error>,
    ) -> Result<Vec<Row>> {
        let mut seen = PartsWalk::among(self, plan, is_one_of.clone(), concurrency);
        let (_, values) = seen.take_rest();
        let has_urls = plan.condition() == &Q::All && is_one_of.path == self.model().lookup_field();
        let rows = match has_urls {
            true => self.rows_one_by_one(&values, concurrency).await?,
            false => None,
        };
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let mut plans = values.into_iter().map(|value| {
                    let one = Lookup::new(is_one_of.path.clone(), Op::Exact, value);
                    plan.clone().filter(Q::Lookup(one))
                });
                // The first one alone, so that what it shows of the server is found out once.
                let first = match plans.next() {
                    Some(first) => self.rows_of_plan(first).await,
                    None => Ok(Vec::new()),
                };
                let mut rows = match (first, refusal) {
                    (Err(error), Some(refusal)) if error.is_refusal() => return Err(refusal),
                    (found, _) => found?,
                };
                let others: Vec<_> = plans.map(|plan| self.rows_of_plan(plan)).collect();
                let mut others = pin!(stream::iter(others).buffered(concurrency.max(1)));
                while let Some(more) = others.try_next().await? {
                    rows.extend(more);
                }
                rows
            }
        };
        self.learn(|known| known.learn_refused_list(&is_one_of))?;
        Ok(seen.unseen(rows))
    }

    fn rows_of_plan(&self, plan: Plan) -> BoxFuture<'static, Result<Vec<Row>>> {
        Box::pin(Walk::new(self.clone(), plan).collect())
    }
}
