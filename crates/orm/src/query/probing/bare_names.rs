//! Whether the bare name of a field filters by what the field shows: it may be a filter by another field, by parts of texts, or by
//! greater numbers.
use django_api_orm_core::{
    Error, Q, Result,
    evaluate::{Evaluator, is_no_label},
    lookup::Lookup,
    paginator::Pairs,
    row::Row,
    strategy::{Findings, Probe, Strategy, Telling},
};
use serde_json::Value;

use super::{Answer, Probing, emptiness::picked, forms::is_sendable};

/// The rows that are asked for where one is looked for among them.
const MANY_ROWS: u64 = 100;

impl Probing {
    /// Whether the bare name of a field, for which rows have come, is a filter by equality, as far as that shows: a server that finds parts of
    /// texts has rows for a shorter one, one that finds greater or lesser numbers for the least or the greatest. Costs a request, two for what
    /// is no text.
    pub(super) async fn filters_by_value(
        &mut self,
        probe: &Probe,
        guard: &Lookup,
    ) -> Result<Option<bool>> {
        if let Some(part) = guard.shorter() {
            let found = self.found_instead(probe, &part).await?;
            let Some(found) = found.filter(|found| !found.is_empty()) else {
                return Ok(Some(true));
            };
            let field = self.shown(&guard.path)?;
            let Some(place) = field.position_of_other(&found.rows, &part.value)? else {
                return Ok(None);
            };
            // A text that is no choice may be dropped.
            let shown = found.rows.get(place).map(|row| field.of(row)).transpose()?;
            let part = part.value.as_str().unwrap_or_default().to_lowercase();
            let is_wider = shown.is_some_and(|shown| contains(&shown, &part));
            return Ok(is_wider.then_some(false));
        }
        let mut comes_for = Vec::new();
        for end in guard.ends() {
            let found = self.found_instead(probe, &end).await?;
            comes_for.push(found.is_some_and(|found| !found.is_empty()));
        }
        Ok(match comes_for[..] {
            [false, false] => Some(true),
            [false, true] | [true, false] => Some(false),
            // None of them, or one that is dropped.
            _ => None,
        })
    }

    /// What comes for another value of a filter, beside the others; nothing where it is refused.
    async fn found_instead(&mut self, probe: &Probe, other: &Lookup) -> Result<Option<Answer>> {
        let parameter = other.parameter();
        let others = probe.with.iter().filter(|(name, _)| *name != parameter);
        let others: Pairs = others.cloned().collect();
        let Some(Telling { pairs, .. }) = Telling::alone(other, &others) else {
            return Ok(None);
        };
        match self.ask(&pairs).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_refusal() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the bare name of a field is a filter by more than equality, or by another field: rows that come show another number, date or
    /// the like than was asked for. It is one where rows come for the least or the greatest value, or other rows for the value that is
    /// shown; it is none where the same rows come for that, which is another form then. `false` where no row comes for it, so that either
    /// may be. Costs up to three requests where rows show such a value.
    pub(super) async fn takes_what_is_shown(
        &mut self,
        strategy: &Strategy,
        guard: &Lookup,
        rows: &[Row],
    ) -> Result<Option<bool>> {
        let is_related = self.collection.model().is_of_related_key(guard);
        if !guard.is_bare() || guard.asks_for_text() && !is_related {
            return Ok(None);
        }
        let fields = self.collection.known_fields()?;
        let mut own = None;
        for row in rows {
            let row = row.pick(&Telling::roots(guard, &fields))?;
            own = Telling::equal(guard, &strategy.extra, &fields, &row, is_related)
                .filter(|own| own.lookup.is_alike(guard));
            if own.is_some() {
                break;
            }
        }
        let Some(own) = own else {
            return Ok(None);
        };
        for end in guard.ends() {
            let Some(end) = Telling::alone(&end, &strategy.extra) else {
                continue;
            };
            match self.ask(&end.pairs).await {
                Ok(found) if !found.rows.is_empty() => return Ok(Some(true)),
                Err(error) if !error.is_refusal() => return Err(error),
                _ => {}
            }
        }
        let found = match self.ask(&own.pairs).await {
            Ok(found) => found.rows,
            Err(error) if error.is_refusal() => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_same = self.collection.same_row(found.first(), rows.first());
        Ok(match guard.asks_for_text() {
            // A text may be a label.
            true => (!is_same && self.any_satisfies(&own.lookup, &found)?).then_some(true),
            false if found.is_empty() => Some(false),
            false => (!is_same).then_some(true),
        })
    }

    /// Whether the bare name of a field may be a filter by parts: all rows that come show a longer text with the one that was asked for, as
    /// labels may, and rows come for another part of it, which would be no code, though none comes for what no row has. Costs up to two
    /// requests where rows show such a text.
    pub(super) async fn finds_parts(
        &mut self,
        strategy: &Strategy,
        guard: &Lookup,
        rows: &[Row],
    ) -> Result<bool> {
        let Some(asked) = guard
            .value
            .as_str()
            .filter(|_| guard.parameter() == guard.path)
        else {
            return Ok(false);
        };
        let field = self.shown(&guard.path)?;
        let texts = field.texts(rows)?;
        let asked = asked.trim().to_lowercase();
        if !texts
            .iter()
            .all(|text| text.to_lowercase().contains(&asked))
        {
            return Ok(false);
        }
        // What begins with a text begins with a part at its start, too.
        let longest = texts.iter().max_by_key(|text| text.len());
        let [start, _] = parts_of(&asked);
        let of_shown = longest.into_iter().flat_map(|text| parts_of(text));
        let mut parts = std::iter::once(start).chain(of_shown);
        let is_other = |part: &&str| is_sendable(part) && part.to_lowercase() != asked;
        let Some(part) = parts.find(is_other) else {
            return Ok(false);
        };
        let none = self.findings.asking_for_none(&strategy.extra, &guard.path);
        let pairs = Findings::asking_for(&strategy.extra, &guard.path, part);
        let found = match self.ask(&none).await {
            Ok(found) if found.is_empty() => self.ask_for_all_of(&pairs, MANY_ROWS).await,
            Ok(_) => return Ok(false),
            refused => refused,
        };
        let found = match found {
            Ok(found) => found.rows,
            Err(error) if error.is_refusal() => return Ok(false),
            Err(error) => return Err(error),
        };
        // What comes for the whole comes for a part: other codes have other rows.
        let mut found = found.iter();
        Ok(found.any(|row| self.collection.same_row(Some(row), rows.first())))
    }

    pub(super) fn shows_another(&self, guard: &Lookup) -> Error {
        let parameter = guard.parameter();
        Error::unsupported(format!(
            "the server finds rows by `{parameter}` that show another value of the same kind than was asked for, and not by that value: it \
             may filter by something else, or show the field in another unit; rename the field of `{}`, or filter by another one",
            self.collection.model().name()
        ))
    }

    /// The same for equality, which a server may take for that of spellings: `7` is not `7.00` then. Where it does, this value is
    /// evaluated client-side, and the next one is looked at anew. The name of a field may be a filter by another one, of a related row
    /// or, where a row is created if none comes, of any.
    pub(super) async fn finds_equal(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
        mut rows: Vec<Row>,
    ) -> Result<bool> {
        if guard.value.is_boolean() {
            return self.finds_flag(strategy, guard, &rows).await;
        }
        let extra = &strategy.extra;
        let fields = self.collection.known_fields()?;
        let is_bare = guard.is_bare();
        let reads_values = is_bare && self.collection.know(|known| known.is_drf)?;
        let is_related = self.collection.model().is_of_related_key(guard);
        let is_exact = self.is_exact(guard);
        'rows: for is_last in [false, true] {
            for row in picked(guard, &fields, &rows)? {
                let Some(own) = Telling::equal(guard, extra, &fields, &row, is_related) else {
                    continue;
                };
                // A label, or the like: it is no value that is asked for by this name.
                let is_other = own.lookup.has_places() || !own.lookup.is_alike(guard);
                if is_bare && is_exact && is_other {
                    continue;
                }
                let respelt = match reads_values {
                    true => None,
                    false => Telling::respelt(guard, extra, &fields, &row).flatten(),
                };
                let is_found = match &respelt {
                    Some(respelt) => self.finds(respelt).await?,
                    None => is_bare && !is_related && !self.creates(),
                };
                let knows = is_found || respelt.is_none() && self.finds_equal_row(&own).await?;
                if knows {
                    let parameter = guard.parameter();
                    self.collection.learn(|known| {
                        if respelt.is_some() || reads_values {
                            known.learn_compares_values(&parameter);
                        }
                        if is_related {
                            known.learn_answered(&parameter);
                        }
                    })?;
                    return Ok(true);
                }
                // A text may be a label of a related row, and no row is found by that.
                if is_bare && guard.asks_for_text() && is_exact {
                    break 'rows;
                }
                // What is no label finds its row, where the server knows the name.
                let is_value = own.lookup.value.as_str().is_none_or(is_no_label);
                return match respelt.is_some() {
                    true if self.finds(&own).await? => Ok(false),
                    false if is_value => {
                        self.is_unknown(guard)?;
                        Ok(false)
                    }
                    _ => Err(self.finds_no_row(guard)),
                };
            }
            if !is_last {
                rows = self.ask_for_all_of(&probe.without, MANY_ROWS).await?.rows;
            }
        }
        if is_related && !self.creates() {
            // Nothing tells: it is not asked again.
            self.collection
                .learn(|known| known.learn_answered(&guard.parameter()))?;
        }
        Ok(is_bare && is_exact)
    }

    /// Whether a row comes for the flag that it shows; else the server spells it otherwise, or does not know the name.
    async fn finds_flag(
        &mut self,
        strategy: &Strategy,
        guard: &Lookup,
        rows: &[Row],
    ) -> Result<bool> {
        for row in rows {
            let row = row.pick(&[guard.root()])?;
            let Some(flag @ Value::Bool(_)) = row.get(guard.root()).filter(|_| guard.is_bare())
            else {
                continue;
            };
            let own = Lookup {
                value: flag.clone(),
                ..guard.clone()
            };
            let Some(own) = Telling::alone(&own, &strategy.extra) else {
                continue;
            };
            let is_found = self.finds(&own).await?;
            match is_found {
                true => self
                    .collection
                    .learn(|known| known.learn_answered(&guard.parameter()))?,
                false => self.is_unknown(guard)?,
            }
            return Ok(is_found);
        }
        Ok(true)
    }

    /// Whether the name is believed to be that of the field: Django's forms read values, so that none is left out by its spelling.
    pub(super) fn is_read_as_value(&self, guard: &Lookup) -> Result<bool> {
        let is_in_question = self.collection.model().is_of_related_key(guard)
            || self.creates() && self.is_exact(guard);
        Ok(guard.is_bare() && !is_in_question && self.collection.know(|known| known.is_drf)?)
    }

    /// Whether a row shows the value as it is asked for: what has decimal places, or is a time, may be shown with fewer digits, and not be
    /// found by these.
    fn is_exact(&self, guard: &Lookup) -> bool {
        !guard.has_spellings(self.collection.model()) && !guard.has_places()
    }

    /// Whether a row comes that may have the value.
    async fn finds_equal_row(&mut self, own: &Telling) -> Result<bool> {
        let rows = match self.ask(&own.pairs).await {
            Ok(answer) if answer.hides_rows => return Ok(true),
            Ok(answer) => answer.rows,
            // A number that is no choice, though a row has it, is one of another field.
            Err(error) if error.is_refusal() => {
                let is_number = own.lookup.is_bare() && !own.lookup.asks_for_text();
                return match is_number && self.creates() {
                    true => Err(self.finds_no_row(&own.lookup)),
                    false => Ok(true),
                };
            }
            Err(error) => return Err(error),
        };
        let fields = self.collection.known_fields()?;
        let evaluator = Evaluator::compile_for(&Q::Lookup(own.lookup.clone()), &fields)?;
        let mut rows = rows.iter();
        rows.try_fold(false, |found, row| {
            Ok(found || !evaluator.evaluate(&row.pick(evaluator.roots())?).is_false())
        })
    }

    pub(super) fn finds_no_row(&self, guard: &Lookup) -> Error {
        Error::unsupported(format!(
            "no row came for `{}`, and nothing shows whether the server knows that filter: it finds no row by a value that a row shows, \
             and plain equality does not tell; declare the filters of `{}`",
            guard.parameter(),
            self.collection.model().name()
        ))
    }
}

/// Whether it is a text with this one in it, in whatever case.
fn contains(shown: &Value, part: &str) -> bool {
    shown
        .as_str()
        .is_some_and(|shown| shown.to_lowercase().contains(part))
}

/// A text without its last letter, and without its first one.
fn parts_of(text: &str) -> [&str; 2] {
    let (mut behind, mut before) = (text.chars(), text.chars());
    behind.next();
    before.next_back();
    [before.as_str(), behind.as_str()].map(str::trim)
}
