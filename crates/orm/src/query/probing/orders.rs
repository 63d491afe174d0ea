//! Whether the server sorts, and whether its cursor keeps the rows with nulls.

use std::{cmp::Ordering, collections::HashSet};

use django_api_orm_core::{
    Error, NullOrder, Q, Result,
    evaluate::{Evaluator, FieldPlace, RowOrder, is_no_label},
    lookup::{Lookup, Op},
    paginator::Pairs,
    plan::Order,
    row::Row,
    strategy::{Probe, Strategy, spelt},
};
use serde_json::Value;

use super::{
    super::{
        check::Picked,
        ignored,
        order_watch::{OrderWatch, Seen, WrongByTexts},
    },
    Answer, Probing,
    texts::{Form, Unfiltered},
};

/// The rows that a probe asks for where their order is in question: two of them would be in order by chance too often.
const ROWS_IN_ORDER: u64 = 5;
/// The rows that are asked for where the order of their texts is compared with that of the client.
const SORTED_ROWS: u64 = 100;
/// So many different texts do not stand in their own order by chance.
const MANY_TEXTS: usize = 8;

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
        if self.contradict_each_other(order, &first.rows, &last.rows)? {
            return Ok(false);
        }
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

    /// Whether a row of one end of an order stands before the first one, or behind the last one, as the other end shows that. Keeps it where it does.
    fn contradict_each_other(&self, key: &Order, first: &[Row], last: &[Row]) -> Result<bool> {
        let order = std::slice::from_ref(key);
        let pairs = [(first.first(), last.last()), (first.last(), last.first())];
        for pair in pairs
            .map(|(one, other)| one.zip(other))
            .into_iter()
            .flatten()
        {
            let pair = [pair.0.clone(), pair.1.clone()];
            if self.is_contradicted(order, &pair)? {
                ignored::ordering(&self.collection, key)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the server sorts by several keys, each of which it sorts by alone: the last one is turned round, and rows that are equal by the
    /// others tell. Costs two requests, once for each client, endpoint and order; where no rows are equal, the last key plays no part.
    pub(super) async fn sorts_together(&mut self, probe: &Probe, order: &[Order]) -> Result<bool> {
        let rows = self.ask_for_shown(&probe.with, ROWS_IN_ORDER).await?.rows;
        let mut turned_order = order.to_vec();
        if let Some(last) = turned_order.last_mut() {
            *last = last.opposite();
        }
        let mut sorts = !self.is_contradicted(order, &rows)?;
        if sorts {
            let turned = self
                .ask_for_shown(&probe.without, ROWS_IN_ORDER)
                .await?
                .rows;
            let mut pairs = rows.iter().zip(&turned);
            let is_same = rows.len() == turned.len()
                && pairs.all(|(one, other)| self.collection.same_row(Some(one), Some(other)));
            let is_ignored = is_same && self.differ_by_last(order, &rows)?;
            sorts = !is_ignored && !self.is_contradicted(&turned_order, &turned)?;
        }
        self.collection
            .learn(|known| known.learn_ordering(&spelt(order), sorts))?;
        Ok(sorts)
    }

    /// Whether rows stand in an order that no database makes.
    fn is_contradicted(&self, order: &[Order], rows: &[Row]) -> Result<bool> {
        let fields = self.collection.known_fields()?;
        let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
        let mut watch = OrderWatch::new(order, &fields);
        for row in rows {
            if watch.take(&row.pick(&roots)?) == Seen::Contradicted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether two rows, one after the other, are equal by all keys but the last one.
    fn differ_by_last(&self, order: &[Order], rows: &[Row]) -> Result<bool> {
        let fields = self.collection.known_fields()?;
        let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
        let places: Vec<FieldPlace> = (order.iter())
            .map(|order| FieldPlace::new(&order.path, &fields))
            .collect();
        let picked: Vec<Picked> = (rows.iter())
            .map(|row| row.pick(&roots))
            .collect::<Result<_>>()?;
        let Some((last, others)) = places.split_last() else {
            return Ok(false);
        };
        Ok(picked.windows(2).any(|pair| match pair {
            [one, other] => {
                let are_equal = |place: &FieldPlace| place.value(one) == place.value(other);
                others.iter().all(are_equal) && !are_equal(last)
            }
            _ => false,
        }))
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
                let texts = self.shown(path)?.texts(&answer.rows)?;
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
            ignored::contradicted_ordering(&self.collection, order, &fields, &picked, &[])?;
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
        let first = Unfiltered::beside(strategy, page, is_first);
        for (place, order) in strategy.order.iter().enumerate().take(wrong + 1) {
            let mut doubted = strategy.doubted_keys.iter();
            let Some(probe) = doubted.find(|probe| probe.is_of(order)) else {
                continue;
            };
            let field = self.shown(&order.path)?;
            let mut texts = field.texts(page)?;
            // Of numbers and times those which seem to be equal may have been rounded.
            if place < wrong && texts.iter().all(|text| is_no_label(text)) {
                texts = field.repeated(page)?;
            }
            let form = self.shows_texts(strategy, &order.path, &texts, &first, None);
            match form.await? {
                Form::AsFiltered => {}
                Form::Otherwise => return Ok(WrongByTexts::Otherwise),
                Form::Unknown | Form::Unclear if texts.iter().all(|text| is_no_label(text)) => {}
                // Whether equal texts are equal values, sorting by them has to find out.
                Form::Unknown | Form::Unclear if place < wrong => {}
                Form::Unknown | Form::Unclear => {
                    if is_first && strategy.pairs == probe.with {
                        self.has_seen(&probe.with, page.first());
                    }
                    let rows = page.len() as u64;
                    let pairs = (&probe.with, &probe.without);
                    if self.sorts_otherwise(order, pairs, rows).await? {
                        let sorts = self.sorts_before(strategy, wrong).await?;
                        self.collection
                            .learn(|known| known.learn_form(&order.path, false))?;
                        return Ok(match sorts {
                            true => WrongByTexts::Sorted,
                            false => WrongByTexts::Otherwise,
                        });
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
    /// Costs two requests, one for the description of the endpoint, and two to see that the server has an order at all.
    ///
    /// # Errors
    /// `Unsupported` where the rows do not tell; and where they come in another order each time.
    async fn sorts_otherwise(
        &mut self,
        order: &Order,
        pairs: (&Pairs, &Pairs),
        rows: u64,
    ) -> Result<bool> {
        let first = self.ask_for_shown(pairs.0, ROWS_IN_ORDER).await?;
        let rows = rows.max(ROWS_IN_ORDER);
        self.forget_fewer(pairs.1, rows);
        let last = self.ask_for_shown(pairs.1, rows).await?;
        let (Some(begins), Some(ends)) = (first.first(), last.first()) else {
            return Err(unclear(order));
        };
        if self.collection.same_row(Some(begins), Some(ends)) {
            ignored::ordering(&self.collection, order)?;
            return Ok(false);
        }
        if self.is_described_as_text(&order.path).await? {
            return Ok(false);
        }
        let turned = order.opposite();
        if self.is_wrong(&turned, &last.rows)? || self.is_wrong(&turned, [ends, begins])? {
            return match self.repeats(pairs, rows, &last, &order.path).await? {
                true => Ok(true),
                false => Err(unclear(order)),
            };
        }
        // All rows, in the order of their texts.
        match last.is_whole() {
            true => Ok(false),
            false => Err(unclear(order)),
        }
    }

    /// Whether the server sorts by each key before this place.
    async fn sorts_before(&mut self, strategy: &Strategy, place: usize) -> Result<bool> {
        for order in strategy.order.iter().take(place) {
            let sorts = match self.collection.know(|known| known.orders_by(&order.path))? {
                Some(sorts) => sorts,
                None => {
                    let mut probes = strategy.probes_on_doubt.iter();
                    match probes.find(|probe| probe.is_of(order)) {
                        Some(probe) => self.sorts(probe, strategy, order).await?,
                        None => false,
                    }
                }
            };
            if !sorts {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sees to it that rows, as they came, can be sorted by the texts that they show: they stand in the order of these already, or they are
    /// what the server filters or sorts by, and no labels, nor cut off. Where the server was seen to ignore the ordering, there is nothing
    /// else to sort by; nor is there where all rows have the same value.
    ///
    /// Costs as [`shows_texts`](Self::shows_texts), and where that tells nothing the description of the endpoint and two requests for
    /// the ordering.
    ///
    /// # Errors
    /// `Unsupported` where they are not, or where nothing tells.
    pub(crate) async fn may_sort(&mut self, strategy: &Strategy, rows: &[Row]) -> Result<()> {
        let is_asked = strategy.order_is_asked;
        if strategy.trusts {
            return Ok(());
        }
        let mut open = Vec::new();
        for (place, order) in strategy.order.iter().enumerate() {
            let sorts = self.collection.know(|known| known.orders_by(&order.path))?;
            // Where the server is not asked for the order, it may still sort by one of the keys.
            let is_ignored = match is_asked || self.loses_nulls {
                true => sorts == Some(false),
                false => sorts != Some(true),
            };
            if self.same_ends.contains(&order.path) || is_ignored {
                continue;
            }
            let texts = self.shown(&order.path)?.texts(rows)?;
            if !texts.iter().all(|text| is_no_label(text)) {
                open.push((place, order, texts));
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        let fields = self.collection.known_fields()?;
        let roots = RowOrder::new(&strategy.order, NullOrder::default(), &fields).roots();
        let picked: Vec<Picked> = (rows.iter())
            .map(|row| row.pick(&roots))
            .collect::<Result<_>>()?;
        let is_wrong = |seen| matches!(seen, Seen::Contradicted | Seen::DoubtfulByTexts);
        let wrong = ignored::first_wrong_key(&strategy.order, &fields, &picked, is_wrong);
        if is_asked && wrong.is_none() {
            return Ok(());
        }
        for (place, order, texts) in open {
            let is_in_order = is_asked && wrong.is_some_and(|wrong| place < wrong);
            let may_be_cut = may_hide_differences(&picked, &FieldPlace::new(&order.path, &fields));
            if is_in_order && !may_be_cut {
                continue;
            }
            let first = Unfiltered::new(&strategy.extra);
            let form = self.shows_texts(strategy, &order.path, &texts, &first, None);
            match form.await? {
                Form::AsFiltered => {}
                Form::Otherwise => return Err(unclear(order)),
                Form::Unknown | Form::Unclear => {
                    let can = self.can_sort_by(strategy, order, &texts, may_be_cut);
                    if !can.await? {
                        return Err(unclear(order));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether rows can be sorted by these texts of a field: Django REST Framework describes it as a text; or the server ignores the
    /// ordering by it, as both directions begin with the same row; or it sorts by it as the texts do, as far as a page of its own shows
    /// all of them, or many, and none may be cut off.
    async fn can_sort_by(
        &mut self,
        strategy: &Strategy,
        order: &Order,
        at_hand: &HashSet<String>,
        may_be_cut: bool,
    ) -> Result<bool> {
        if self.is_described_as_text(&order.path).await? {
            return Ok(true);
        }
        let mut doubted = strategy.doubted_keys.iter();
        let Some(probe) = doubted.find(|probe| probe.is_of(order)) else {
            return Ok(false);
        };
        self.forget_fewer(&probe.with, SORTED_ROWS);
        let first = self.ask_for_shown(&probe.with, SORTED_ROWS).await?;
        let last = self.ask_for_shown(&probe.without, 1).await?;
        if first.first().is_some() && self.collection.same_row(first.first(), last.first()) {
            if first.count != Some(1) {
                self.collection
                    .learn(|known| known.learn_ordering(&order.path, false))?;
            }
            return Ok(true);
        }
        let sorted = self.shown(&order.path)?.texts(&first.rows)?;
        let are_enough = sorted.len() >= MANY_TEXTS || at_hand.is_subset(&sorted);
        Ok(are_enough && !may_be_cut && !self.is_wrong(order, &first.rows)?)
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

    /// Whether both directions begin with different rows once more, and the same rows come for the opposite one, as far as the field shows it:
    /// a row may just have been added, and a server without an order of its own may send any.
    async fn repeats(
        &mut self,
        pairs: (&Pairs, &Pairs),
        rows: u64,
        before: &Answer,
        path: &str,
    ) -> Result<bool> {
        (self.answers).retain(|(asked, _)| asked != pairs.0 && asked != pairs.1);
        let again = self.ask_for_shown(pairs.1, rows).await?;
        let first = self.ask_for_shown(pairs.0, ROWS_IN_ORDER).await?;
        let both = before.rows.len().min(again.rows.len());
        let field = self.shown(path)?;
        let shown = |answer: &Answer| -> Result<Vec<Value>> {
            let rows = answer.rows.iter().take(both);
            rows.map(|row| field.of(row)).collect()
        };
        let differ = !self.collection.same_row(first.first(), again.first());
        Ok(differ && shown(before)? == shown(&again)?)
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
            self.same_ends.push(order.path.clone());
            return Ok(false);
        }
        let field = self.shown(&order.path)?;
        let texts = field.texts(&[lowest.clone(), highest.clone()])?;
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
                let pairs = (&probe.with, &probe.without);
                let repeats = self.repeats(pairs, ROWS_IN_ORDER, last, &order.path);
                match repeats.await? {
                    true => Ok(true),
                    false => Err(unclear(order)),
                }
            }
        }
    }

    pub(super) async fn keeps_nulls(&mut self, probe: &Probe, order: &[Order]) -> Result<bool> {
        let first = self.ask_for_shown(&probe.with, 1).await?;
        let last = self.ask_for_shown(&probe.without, 1).await?;
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

/// Whether rows show a text more than once that may be cut off: none is longer.
fn may_hide_differences(rows: &[Picked], place: &FieldPlace) -> bool {
    let shown = || (rows.iter()).filter_map(|row| place.value(row).and_then(Value::as_str));
    let length = |text: &str| text.chars().count();
    let longest = shown().map(length).max().unwrap_or_default();
    let mut seen = HashSet::new();
    let mut longest = shown().filter(|text| length(text) == longest);
    longest.any(|text| !seen.insert(text))
}

/// Rows stand in an order that is not that of the texts which they show, and nothing tells whether the server sorts by something else.
fn unclear(order: &Order) -> Error {
    Error::unsupported(format!(
        "nothing shows whether the server sorts by `{}`: the rows do not stand in the order of the texts that they show, and it does not \
         filter by these, so they may be labels; order by another field, or trust the server",
        order.path
    ))
}
