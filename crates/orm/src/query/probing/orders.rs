//! Whether the server sorts, and whether its cursor keeps the rows with nulls.

use std::cmp::Ordering;

use django_api_orm_core::{
    Error, NullOrder, Q, Result,
    evaluate::{Evaluator, RowOrder, is_no_label},
    lookup::{Lookup, Op},
    paginator::Pairs,
    plan::Order,
    row::Row,
    strategy::{Probe, Strategy},
};
use serde_json::Value;

use super::{
    super::{
        check::Picked,
        ignored,
        order_watch::{OrderWatch, Seen, WrongByTexts},
    },
    Answer, Probing,
    forms::texts,
    texts::{Form, Unfiltered},
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
        let first = self.ask_for_shown(&probe.with, ROWS_IN_ORDER).await?;
        if first.rows.is_empty() || first.count == Some(1) {
            return Ok(true);
        }
        if self
            .contradicts(strategy, order, (&probe.with, &probe.without), &first)
            .await?
        {
            return Ok(false);
        }
        let last = self.ask_for_shown(&probe.without, ROWS_IN_ORDER).await?;
        // If not: it is ignored, or every row has the same value. Sorting by the client is right in both cases.
        let turned = order.opposite();
        let sorts = !self
            .contradicts(strategy, &turned, (&probe.without, &probe.with), &last)
            .await?
            && self
                .are_ends(strategy, probe, order, [&first, &last])
                .await?;
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
        pairs: (&Pairs, &Pairs),
        answer: &Answer,
    ) -> Result<bool> {
        let path = order.path.as_str();
        let key = order;
        let order = std::slice::from_ref(key);
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
                let first = Unfiltered::with_first(pairs.0, &answer.rows);
                let form = self.shows_texts(strategy, path, &texts, &first, None);
                match form.await? {
                    Form::AsFiltered => true,
                    Form::Otherwise => false,
                    Form::Unknown | Form::Unclear if texts.iter().all(|text| is_no_label(text)) => {
                        true
                    }
                    Form::Unknown | Form::Unclear => {
                        !self.sorts_otherwise(key, pairs, ROWS_IN_ORDER).await?
                    }
                }
            }
            false => seen.contains(&Seen::Contradicted),
        };
        if contradicts {
            ignored::contradicted_ordering(&self.collection, order, &fields, &picked)?;
        }
        Ok(contradicts)
    }

    /// What it means that rows of a page stand in a wrong order by their texts. `wrong` is the place of the first key that two of them
    /// differ by. `is_first`: it is the first page.
    ///
    /// # Errors
    /// `Unsupported` where nothing tells.
    pub(crate) async fn wrong_by_texts(
        &mut self,
        strategy: &Strategy,
        wrong: usize,
        page: &[Row],
        is_first: bool,
    ) -> Result<WrongByTexts> {
        let first = match is_first {
            true => Unfiltered::with_first(&strategy.pairs, page),
            false => Unfiltered::new(&strategy.extra),
        };
        for (place, order) in strategy.order.iter().enumerate().take(wrong + 1) {
            let mut doubted = strategy.doubted_keys.iter();
            let Some(probe) = doubted.find(|probe| probe.is_of(order)) else {
                continue;
            };
            let texts = texts(page, &order.path)?;
            let form = self.shows_texts(strategy, &order.path, &texts, &first, None);
            match form.await? {
                Form::AsFiltered => {}
                Form::Otherwise => return Ok(WrongByTexts::Otherwise),
                Form::Unknown | Form::Unclear if texts.iter().all(|text| is_no_label(text)) => {}
                Form::Unknown | Form::Unclear => {
                    if is_first && strategy.pairs == probe.with {
                        self.has_seen(&probe.with, page.first());
                    }
                    let rows = page.len() as u64;
                    let pairs = (&probe.with, &probe.without);
                    if place < wrong {
                        self.are_equal(order, pairs, rows).await?;
                    } else if self.sorts_otherwise(order, pairs, rows).await? {
                        return Ok(WrongByTexts::Sorted);
                    }
                }
            }
        }
        Ok(WrongByTexts::NotSorted)
    }

    /// Whether the server sorts by something else than the texts that the rows show, which stand in a wrong order. Nothing tells whether it
    /// filters by what they show. `pairs` ask for the order, and for the opposite one: there the rows have to come otherwise, and to
    /// stand in a wrong order, too, or at the wrong end.
    ///
    /// Costs two requests, and a third one to see that the server has an order at all.
    ///
    /// # Errors
    /// `Unsupported` where the rows do not tell; and where they come in another order each time.
    async fn sorts_otherwise(
        &mut self,
        order: &Order,
        pairs: (&Pairs, &Pairs),
        rows: u64,
    ) -> Result<bool> {
        let first = self.ask_for(pairs.0, ROWS_IN_ORDER).await?;
        let last = self.ask_for(pairs.1, rows.max(ROWS_IN_ORDER)).await?;
        if self.collection.same_row(first.first(), last.first()) {
            return Ok(false);
        }
        let ends = [last.first(), first.first()];
        let turned = order.opposite();
        if self.is_wrong(&turned, &last.rows)?
            || self.is_wrong(&turned, ends.into_iter().flatten())?
        {
            return match self.repeats(pairs.1, rows, &last, &order.path).await? {
                true => Ok(true),
                false => Err(unclear(order)),
            };
        }
        // All rows, in the order of their texts.
        match last.is_whole() || self.is_described_as_text(&order.path).await? {
            true => Ok(false),
            false => Err(unclear(order)),
        }
    }

    /// Sees to it that equal texts of rows mean equal values, where the rows stand in a wrong order by a later key: the server does not sort by
    /// that one, if these texts are not cut off, and no labels by which it sorts otherwise.
    ///
    /// # Errors
    /// `Unsupported` where the server sorts by the field, and nothing tells.
    async fn are_equal(&mut self, order: &Order, pairs: (&Pairs, &Pairs), rows: u64) -> Result<()> {
        let first = self.ask_for(pairs.0, ROWS_IN_ORDER).await?;
        let last = self.ask_for(pairs.1, rows.max(ROWS_IN_ORDER)).await?;
        let is_ignored = self.collection.same_row(first.first(), last.first());
        match is_ignored || self.is_described_as_text(&order.path).await? {
            true => Ok(()),
            false => Err(unclear(order)),
        }
    }

    /// Whether rows stand in a wrong order by the texts that they show.
    fn is_wrong<'a>(&self, order: &Order, rows: impl IntoIterator<Item = &'a Row>) -> Result<bool> {
        let order = std::slice::from_ref(order);
        let fields = self.collection.known_fields()?;
        let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
        let mut watch = OrderWatch::new(order, &fields);
        for row in rows {
            if watch.take(&row.pick(&roots)?) == Seen::DoubtfulByTexts {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the same rows come once more, as far as the field shows it: a server without an order of its own may send any.
    async fn repeats(
        &mut self,
        pairs: &Pairs,
        rows: u64,
        before: &Answer,
        path: &str,
    ) -> Result<bool> {
        self.answers.retain(|(asked, _)| asked != pairs);
        let again = self.ask_for(pairs, rows.max(ROWS_IN_ORDER)).await?;
        let shown = |answer: &Answer| -> Result<Vec<Option<Value>>> {
            answer.rows.iter().map(|row| row.field(path)).collect()
        };
        Ok(shown(before)? == shown(&again)?)
    }

    /// Whether these can be the first rows of both directions: they differ, and are not in the wrong order.
    async fn are_ends(
        &mut self,
        strategy: &Strategy,
        probe: &Probe,
        order: &Order,
        [first, last]: [&Answer; 2],
    ) -> Result<bool> {
        let (Some(lowest), Some(highest)) = (first.first(), last.first()) else {
            return Ok(false);
        };
        if self.collection.same_row(Some(lowest), Some(highest)) {
            return Ok(false);
        }
        let texts = texts(&[lowest.clone(), highest.clone()], &order.path)?;
        let fields = self.collection.known_fields()?.unknown_collation();
        let orders = [NullOrder::Smallest, NullOrder::Largest]
            .map(|nulls| RowOrder::new(std::slice::from_ref(order), nulls, &fields));
        let roots = orders.first().map(RowOrder::roots).unwrap_or_default();
        let (lowest, highest) = (lowest.pick(&roots)?, highest.pick(&roots)?);
        // Where the rows do not tell, the difference has to do.
        let mut orders = orders.iter();
        if orders.any(|order| order.compare(&lowest, &highest).is_none_or(Ordering::is_lt)) {
            return Ok(true);
        }
        // Nor do labels tell, nor texts that are cut off, so that different ones look equal.
        let ends = Unfiltered::new(&strategy.extra);
        let form = self.shows_texts(strategy, &order.path, &texts, &ends, None);
        match form.await? {
            Form::AsFiltered => Ok(false),
            Form::Otherwise => Ok(true),
            Form::Unknown | Form::Unclear if texts.iter().all(|text| is_no_label(text)) => {
                Ok(false)
            }
            Form::Unknown | Form::Unclear if self.is_described_as_text(&order.path).await? => {
                Ok(false)
            }
            Form::Unknown | Form::Unclear => {
                let repeats = self.repeats(&probe.without, ROWS_IN_ORDER, last, &order.path);
                match repeats.await? {
                    true => Ok(true),
                    false => Err(unclear(order)),
                }
            }
        }
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

/// Rows stand in an order that is not that of the texts which they show, and nothing tells whether the server sorts by something else.
fn unclear(order: &Order) -> Error {
    Error::unsupported(format!(
        "nothing shows whether the server sorts by `{}`: the rows do not stand in the order of the texts that they show, and it does not \
         filter by these, so they may be labels; order by another field, or trust the server",
        order.path
    ))
}
