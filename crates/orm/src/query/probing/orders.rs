//! Whether the server sorts, and whether its cursor keeps the rows with nulls.

use std::cmp::Ordering;

use django_api_orm_core::{
    NullOrder, Q, Result,
    evaluate::{Evaluator, RowOrder},
    lookup::{Lookup, Op},
    paginator::Pairs,
    plan::Order,
    strategy::{Probe, Strategy},
};
use serde_json::Value;

use super::{
    super::{
        check::Picked,
        ignored,
        order_watch::{OrderWatch, Seen},
    },
    Answer, Probing,
    forms::texts,
    texts::Unfiltered,
};

/// The rows that a probe asks for where their order is in question: two of them would be in order by chance too often.
const ROWS_IN_ORDER: u64 = 5;

impl Probing {
    pub(super) async fn sorts(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        order: &Order,
    ) -> Result<bool> {
        let first = self.ask_for(&probe.with, ROWS_IN_ORDER).await?;
        if first.rows.is_empty() || first.count == Some(1) {
            return Ok(true);
        }
        if self
            .contradicts(strategy, order, &probe.with, &first)
            .await?
        {
            return Ok(false);
        }
        let last = self.ask_for(&probe.without, ROWS_IN_ORDER).await?;
        // If not: it is ignored, or every row has the same value. Sorting by the client is right in both cases.
        let turned = order.opposite();
        let sorts = !self
            .contradicts(strategy, &turned, &probe.without, &last)
            .await?
            && self.are_ends(strategy, order, &first, &last).await?;
        if sorts {
            self.collection
                .learn(|known| known.learn_ordering(&order.path, true))?;
        }
        Ok(sorts)
    }

    /// Whether rows of the answer stand in an order that no database makes. Keeps it where they do.
    async fn contradicts(
        &mut self,
        strategy: &Strategy,
        order: &Order,
        pairs: &Pairs,
        answer: &Answer,
    ) -> Result<bool> {
        let path = order.path.as_str();
        let order = std::slice::from_ref(order);
        let fields = self.collection.known_fields()?;
        let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
        let mut watch = OrderWatch::new(order, &fields);
        let picked: Vec<Picked> = (answer.rows.iter())
            .map(|row| row.pick(&roots))
            .collect::<Result<_>>()?;
        let seen: Vec<Seen> = picked.iter().map(|row| watch.take(row)).collect();
        let contradicts = match seen.contains(&Seen::DoubtfulByTexts) {
            // Labels have another order than what they stand for.
            true => {
                let texts = texts(&answer.rows, path)?;
                let first = Unfiltered::with_first(pairs, &answer.rows);
                self.shows_texts(strategy, path, &texts, &first, None)
                    .await?
            }
            false => seen.contains(&Seen::Contradicted),
        };
        if contradicts {
            ignored::contradicted_ordering(&self.collection, order, &fields, &picked)?;
        }
        Ok(contradicts)
    }

    /// Whether these can be the first rows of both directions: they differ, and are not in the wrong order.
    async fn are_ends(
        &mut self,
        strategy: &Strategy,
        order: &Order,
        first: &Answer,
        last: &Answer,
    ) -> Result<bool> {
        let (Some(first), Some(last)) = (first.first(), last.first()) else {
            return Ok(false);
        };
        if self.collection.same_row(Some(first), Some(last)) {
            return Ok(false);
        }
        let fields = self.collection.known_fields()?.unknown_collation();
        let orders = [NullOrder::Smallest, NullOrder::Largest]
            .map(|nulls| RowOrder::new(std::slice::from_ref(order), nulls, &fields));
        let roots = orders.first().map(RowOrder::roots).unwrap_or_default();
        let (lowest, highest) = (first.pick(&roots)?, last.pick(&roots)?);
        // Where the rows do not tell, the difference has to do.
        let mut orders = orders.iter();
        if orders.any(|order| order.compare(&lowest, &highest).is_none_or(Ordering::is_lt)) {
            return Ok(true);
        }
        // Nor do labels tell.
        let texts = texts(&[first.clone(), last.clone()], &order.path)?;
        let ends = Unfiltered::new(&strategy.extra);
        Ok(texts.len() > 1
            && !self
                .shows_texts(strategy, &order.path, &texts, &ends, None)
                .await?)
    }

    pub(super) async fn keeps_nulls(&mut self, probe: &Probe, order: &[Order]) -> Result<bool> {
        let first = self.ask(&probe.with).await?;
        let last = self.ask(&probe.without).await?;
        let (first, last) = (first.first(), last.first());
        // The same row at both ends: the server does not sort, or has one row.
        if self.collection.same_row(first, last) {
            return Ok(true);
        }
        let fields = self.collection.known_fields()?;
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
