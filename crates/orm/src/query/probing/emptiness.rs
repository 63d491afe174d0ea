//! Whether nothing came because no row satisfies the query, or because the server does not know a parameter of it.

use std::collections::HashSet;

use django_api_orm_core::{
    Error, Q, Result,
    evaluate::{Column, ColumnType, Evaluator, Fields, is_no_label},
    lookup::{Lookup, Op},
    paginator::Pairs,
    row::Row,
    strategy::{Probe, Strategy, Telling},
};
use http::StatusCode;

use super::{
    super::{check::Picked, ignored},
    HIDDEN_PAGES, Probing,
    texts::{Form, Unfiltered},
};

/// The rows that are looked at where a value of one is needed: the first one may have none.
const SOME_ROWS: u64 = 5;

impl Probing {
    /// Whether an empty answer to the strategy can be believed. If not, the next strategy is another one.
    pub(crate) async fn believes_emptiness(&mut self, strategy: &Strategy) -> Result<bool> {
        let mut believes = !self.may_cut_fractions(strategy).await?;
        for probe in &strategy.probes_if_empty {
            let findings = &self.findings;
            // The empty answer may be the first one of the endpoint.
            if !probe.asks_of_related(self.collection.model())
                && (self.collection).know(|known| findings.believes_emptiness(known))?
            {
                continue;
            }
            believes &= self.run(strategy, probe).await?;
        }
        Ok(believes)
    }

    /// Whether a fraction was asked of a field that holds whole numbers, as the first rows show. Costs a request, once for each client,
    /// endpoint and field.
    async fn may_cut_fractions(&mut self, strategy: &Strategy) -> Result<bool> {
        let known = self.collection.knowledge()?;
        let model = self.collection.model();
        let mut guards = strategy.guards.iter();
        if !guards.any(|guard| known.may_cut_fraction_of(guard, model)) {
            return Ok(false);
        }
        let some = self.ask_for_shown(&strategy.extra, SOME_ROWS).await?;
        self.cuts_fractions(strategy, &some.rows)
    }

    /// Whether these rows show that a fraction was asked of a field that holds whole numbers: the server may have cut it off.
    pub(super) fn cuts_fractions(&self, strategy: &Strategy, rows: &[Row]) -> Result<bool> {
        let mut cuts = false;
        let known = self.collection.knowledge()?;
        let model = self.collection.model();
        let guards = strategy.guards.iter();
        for guard in guards.filter(|guard| known.may_cut_fraction_of(guard, model)) {
            let path = guard.path.as_str();
            let fields = self.collection.known_fields()?;
            let field = self.shown(path)?;
            let Some(mut column) = Column::of_lookup(guard, &fields) else {
                continue;
            };
            let mut of = None;
            for row in rows {
                if !field.of(row)?.is_null() {
                    let shown = column.take(&row.pick(field.roots())?);
                    of = shown.or(of).or(Some(ColumnType::Other));
                }
            }
            if let Some(of) = of {
                self.collection.learn(|known| known.learn_type(path, of))?;
            }
            cuts |= of == Some(ColumnType::Whole);
        }
        Ok(cuts)
    }

    /// Keeps that rows have come to these parameters.
    pub(crate) fn has_answered(&self, pairs: &Pairs) -> Result<()> {
        self.collection.learn(|known| {
            for (name, _) in pairs {
                if known.may_be_unknown(name) {
                    known.learn_answered(name);
                }
            }
        })
    }

    /// Some rows without what is in question; none if there are none.
    ///
    /// # Errors
    /// `Unsupported` where the server hides all rows of the first pages.
    async fn some_rows(&mut self, probe: &Probe) -> Result<Vec<Row>> {
        let some = self.ask_for_shown(&probe.without, SOME_ROWS).await?;
        if some.rows.is_empty() && some.hides_rows {
            return Err(Error::unsupported(format!(
                "no row came, and nothing shows whether the server knows what it was asked for: the first {HIDDEN_PAGES} pages of `{}`                  hide all their rows; declare its filters",
                self.collection.model().name()
            )));
        }
        Ok(some.rows)
    }

    pub(super) async fn knows(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let extra = &strategy.extra;
        let is_equality = guard.op == Op::Exact && guard.transform.is_none();
        if self.is_read_as_value(guard)? {
            return Ok(true);
        }
        let of_every_row = Telling::of_every_row(guard, extra);
        if let Some(telling) = &of_every_row
            && self.finds(telling).await?
        {
            return Ok(true);
        }
        let rows = match self.some_rows(probe).await {
            // A list may need its filter; the bare name of a field is believed then, as nothing else tells.
            Err(error) if guard.is_bare() && is_client_error(&error) => {
                self.collection
                    .learn(|known| known.learn_answered(&guard.parameter()))?;
                return Ok(true);
            }
            rows => rows?,
        };
        if rows.is_empty() {
            if guard.is_bare() && !self.creates() {
                self.collection
                    .learn(|known| known.learn_answered(&guard.parameter()))?;
            }
            return Ok(true);
        }
        let Some(telling) = of_every_row else {
            return match is_equality {
                true => self.finds_equal(probe, strategy, guard, rows).await,
                false => self.finds_own(strategy, guard, &rows).await,
            };
        };
        // One of both answers to `isnull` holds for every row. Other filters may have left nothing with the one that was asked for.
        if let (Op::IsNull, Some(alone)) = (guard.op, Telling::alone(guard, extra)) {
            if self.finds(&alone).await? {
                return Ok(true);
            }
            self.is_unknown(guard)?;
        } else if self.any_satisfies(&telling.lookup, &rows)? {
            self.is_unknown(guard)?;
        }
        Ok(false)
    }

    /// Whether a row is found by the filter with a value of its own. Where it is found by plain equality only, the server does
    /// not know the filter.
    async fn finds_own(
        &mut self,
        strategy: &Strategy,
        guard: &Lookup,
        rows: &[Row],
    ) -> Result<bool> {
        let extra = &strategy.extra;
        let fields = self.collection.known_fields()?;
        for row in picked(guard, &fields, rows)? {
            let Some(telling) = Telling::of_row(guard, extra, &fields, &row) else {
                continue;
            };
            if self.finds(&telling).await? {
                return Ok(true);
            }
            let plain = Lookup {
                op: Op::Exact,
                ..guard.clone()
            };
            let plain = Telling::of_row(&plain, extra, &fields, &row);
            if let Some(plain) = plain.filter(|_| guard.op != Op::Exact)
                && !self.ask(&plain.pairs).await?.is_empty()
                && self.is_filtered_by(strategy, &plain.lookup, rows).await?
            {
                self.is_unknown(guard)?;
                return Ok(false);
            }
            return Err(self.finds_no_row(guard));
        }
        Ok(false)
    }

    /// Whether the rows that come for a value of one of these are due to it: a text may be a label, which the server drops.
    async fn is_filtered_by(
        &mut self,
        strategy: &Strategy,
        plain: &Lookup,
        rows: &[Row],
    ) -> Result<bool> {
        let text = plain.value.as_str().filter(|text| !is_no_label(text));
        let Some(text) = text else {
            return Ok(true);
        };
        let texts = HashSet::from([text.to_owned()]);
        let first = Unfiltered::with_first(&strategy.extra, rows);
        let form = self.shows_texts(strategy, &plain.path, &texts, &first, None);
        Ok(form.await? == Form::AsFiltered)
    }

    /// Whether rows come. A value that is refused is looked at.
    pub(super) async fn finds(&mut self, telling: &Telling) -> Result<bool> {
        match self.ask(&telling.pairs).await {
            Ok(answer) => Ok(!answer.is_empty()),
            Err(error) if error.is_refusal() => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) fn any_satisfies(&self, lookup: &Lookup, rows: &[Row]) -> Result<bool> {
        let fields = self.collection.known_fields()?;
        let evaluator = Evaluator::compile_for(&Q::Lookup(lookup.clone()), &fields)?;
        for row in rows {
            if evaluator.evaluate(&row.pick(evaluator.roots())?).is_true() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps that the server has no such filter: it left out a row that satisfies it.
    pub(super) fn is_unknown(&self, guard: &Lookup) -> Result<()> {
        ignored::filter(
            &self.collection,
            &guard.parameter(),
            "it left out a row that satisfies it",
        )
    }

    pub(super) async fn knows_ordering(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
    ) -> Result<bool> {
        let knows = !self.ask(&probe.with).await?.is_empty();
        if knows || self.some_rows(probe).await?.is_empty() {
            return Ok(true);
        }
        for order in &strategy.order {
            ignored::ordering(&self.collection, order)?;
        }
        Ok(false)
    }
}

fn is_client_error(error: &Error) -> bool {
    error
        .status()
        .is_some_and(|status| status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS)
}

/// What the filter looks at in each of the rows.
pub(super) fn picked(guard: &Lookup, fields: &Fields, rows: &[Row]) -> Result<Vec<Picked>> {
    let roots = Telling::roots(guard, fields);
    rows.iter().map(|row| row.pick(&roots)).collect()
}
