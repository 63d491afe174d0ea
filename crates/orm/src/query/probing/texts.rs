//! What the server makes of texts: of one that the rows show, and of those that a query asks for.
//!
//! A server may show labels and drop what is no choice. Then a label finds rows as well: all of them. So a text that the rows show
//! proves something only if it finds the rows that show it, and no others. Where it was dropped or refused, the server may ignore
//! the field altogether; then the texts of the query are asked for, of which one may be a choice.

use std::collections::HashSet;

use django_api_orm_core::{
    Result,
    lookup::{Lookup, Op},
    paginator::Pairs,
    row::Row,
    strategy::{Findings, Strategy},
};
use serde_json::Value;

use super::{
    Answer, Probing,
    filters::are_far_apart,
    forms::{is_sendable, longest},
};

/// The rows that come without what is in question.
pub(super) struct Unfiltered {
    pairs: Pairs,
    /// The first of them, where they have come already.
    first: Vec<Row>,
}

impl Unfiltered {
    /// What is asked for, where the rows of that are not at hand.
    pub(super) fn new(pairs: &Pairs) -> Self {
        Self::with_first(pairs, &[])
    }

    /// What is asked for, and the first rows of it.
    pub(super) fn with_first(pairs: &Pairs, first: &[Row]) -> Self {
        Self {
            pairs: pairs.clone(),
            first: first.to_vec(),
        }
    }
}

/// How the rows show the texts of a field, as far as the server can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the server filters by them; or nobody can ask.
    AsFiltered,
    /// In another form.
    Otherwise,
    /// The server ignores or refuses what they show, and what the query asks for as well.
    Unknown,
}

/// What became of a text that the rows show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It finds the rows that show it.
    Honoured,
    /// No row is found by it.
    FindsNone,
    /// It leaves out no row, or others than those that show it.
    Ignored,
    /// The server refuses it.
    Refused,
    /// All rows that come show it, and so would they without it.
    Unclear,
}

/// The rows that are asked for where their texts are compared with those of other rows, beyond the first that differ.
const MORE_ROWS: usize = 2;
/// The rows that are asked for where none are at hand.
const SOME_ROWS: u64 = 5;

impl Probing {
    /// How the rows show the texts of a field, as far as it can be asked. `asked` is the lookup
    /// that has to be evaluated on them, if it is one.
    ///
    /// Costs one request where the server finds a text that the rows show; three and one for each text of the lookup at most, or one
    /// more where the rows without the filter are not at hand.
    pub(super) async fn shows_texts(
        &mut self,
        strategy: &Strategy,
        path: &str,
        texts: &HashSet<String>,
        unfiltered: &Unfiltered,
        asked: Option<&Lookup>,
    ) -> Result<Form> {
        let Some(shown) = longest(texts) else {
            return Ok(Form::AsFiltered);
        };
        let known = self.collection.knowledge()?;
        match known.shows_as_filtered(path) {
            Some(true) => return Ok(Form::AsFiltered),
            Some(false) => return Ok(Form::Otherwise),
            None => {}
        }
        let is_free = unfiltered.pairs.iter().all(|(name, _)| name != path);
        let (base, mut first) = match is_free {
            true => (unfiltered.pairs.clone(), unfiltered.first.clone()),
            false => (strategy.extra.clone(), Vec::new()),
        };
        if first.is_empty() {
            first = self.ask_for(&base, SOME_ROWS).await?.rows;
        }
        let made = match known.ignores_what_is_shown(path) {
            true => Made::Ignored,
            false => self.made_of_shown(path, shown, &base, &first).await?,
        };
        let form = match made {
            Made::Honoured => Form::AsFiltered,
            Made::FindsNone => Form::Otherwise,
            Made::Ignored | Made::Refused | Made::Unclear => {
                let asked = asked.filter(|asked| asked.names_values() || made == Made::Refused);
                match asked {
                    Some(asked) if self.is_choice(path, asked, made, &base, &first).await? => {
                        Form::Otherwise
                    }
                    _ => return Ok(Form::Unknown),
                }
            }
        };
        self.collection
            .learn(|known| known.learn_form(path, form == Form::AsFiltered))?;
        Ok(form)
    }

    async fn made_of_shown(
        &mut self,
        path: &str,
        shown: &str,
        base: &Pairs,
        first: &[Row],
    ) -> Result<Made> {
        let other = position_of_other(first, path, &shown.into())?;
        let lookup = Lookup::new(path, Op::Exact, shown.into());
        let pairs = Findings::asking_for(base, path, shown);
        let found = match self.ask_for(&pairs, rows_beyond(other)).await {
            Err(error) if error.is_refusal() => {
                self.collection.learn(|known| {
                    known.learn_refused_value(&lookup);
                    known.learn_ignored_text(path);
                })?;
                return Ok(Made::Refused);
            }
            found => found?,
        };
        if found.is_empty() {
            return Ok(Made::FindsNone);
        }
        if position_of_other(&found.rows, path, &lookup.value)?.is_some() {
            self.collection.learn(|known| {
                known.learn_ignored_value(&lookup);
                known.learn_ignored_text(path);
            })?;
            return Ok(Made::Ignored);
        }
        if other.is_some_and(|other| found.rows.len() > other) || is_fewer(&found, first) {
            return Ok(Made::Honoured);
        }
        // They may all be there is. Who drops this text drops one that no row has.
        let none = self.findings.asking_for_none(base, path);
        match self.ask(&none).await {
            Ok(none) if !none.is_empty() => Ok(Made::Unclear),
            Err(error) if !error.is_refusal() => Err(error),
            _ => Ok(Made::Honoured),
        }
    }

    /// Whether a text of the lookup is one that the server filters by, and that no row shows.
    async fn is_choice(
        &mut self,
        path: &str,
        asked: &Lookup,
        made: Made,
        base: &Pairs,
        first: &[Row],
    ) -> Result<bool> {
        for value in asked.texts() {
            let lookup = Lookup::new(path, Op::Exact, value.clone());
            let Some(text) = value.as_str().filter(|text| is_sendable(text)) else {
                continue;
            };
            if self
                .collection
                .know(|known| known.takes_no_text_of(&lookup))?
            {
                continue;
            }
            let pairs = Findings::asking_for(base, path, text);
            let other = first_text(first, path)?
                .map(|text| position_of_other(first, path, &text))
                .transpose()?
                .flatten();
            let found = match self.ask_for(&pairs, rows_beyond(other)).await {
                Err(error) if error.is_refusal() => {
                    self.collection
                        .learn(|known| known.learn_refused_value(&lookup))?;
                    continue;
                }
                found => found?,
            };
            if found.is_empty() {
                // Rows show another text, which it does not find.
                if made != Made::Unclear {
                    return Ok(true);
                }
                continue;
            }
            if shows_any(&found.rows, path, value)? {
                continue;
            }
            if made == Made::Refused
                || self
                    .leaves_out_others(path, &pairs, &found, base, first, other)
                    .await?
            {
                self.collection.learn(|known| {
                    known.learn_parameter(path, true);
                    known.learn_dropped_value(path);
                })?;
                return Ok(true);
            }
            self.collection
                .learn(|known| known.learn_ignored_value(&lookup))?;
        }
        Ok(false)
    }

    /// Whether rows that show one text come, where others come without it. What seems so may be due to a row that was just added,
    /// so it is looked at twice.
    async fn leaves_out_others(
        &mut self,
        path: &str,
        pairs: &Pairs,
        found: &Answer,
        base: &Pairs,
        first: &[Row],
        other: Option<usize>,
    ) -> Result<bool> {
        let Some(text) = first_text(&found.rows, path)? else {
            return Ok(false);
        };
        if position_of_other(&found.rows, path, &text)?.is_some() {
            return Ok(false);
        }
        let is_uniform = other.is_none();
        if !is_uniform && !is_fewer(found, first) && found.rows.len() <= other.unwrap_or_default() {
            return Ok(false);
        }
        self.answers.retain(|(asked, _)| asked != base);
        let without = self.ask(base).await?;
        match (found.count, without.count) {
            (Some(count), Some(without)) if are_far_apart(count, without) => Ok(true),
            (Some(count), Some(without)) if count < without => {
                let again = self.ask_again(pairs).await?.count;
                Ok(again.is_some_and(|again| again < without))
            }
            (Some(_), Some(_)) => Ok(false),
            _ => Ok(!is_uniform),
        }
    }
}

/// Whether the server counts fewer rows than are at hand without the filter.
fn is_fewer(found: &Answer, first: &[Row]) -> bool {
    found.count.is_some_and(|count| count < first.len() as u64)
}

/// How many rows have to come so that one of them is another one, if the filter is ignored.
fn rows_beyond(other: Option<usize>) -> u64 {
    other.map_or(1, |other| (other + 1 + MORE_ROWS) as u64)
}

/// The place of the first row that shows another value than this text.
fn position_of_other(rows: &[Row], path: &str, text: &Value) -> Result<Option<usize>> {
    for (place, row) in rows.iter().enumerate() {
        if !is_shown(row, path, text)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn shows_any(rows: &[Row], path: &str, text: &Value) -> Result<bool> {
    for row in rows {
        if is_shown(row, path, text)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the row shows the text, as some database compares it.
fn is_shown(row: &Row, path: &str, text: &Value) -> Result<bool> {
    let shown = row.field(path)?.unwrap_or_default();
    let folded = |value: &Value| value.as_str().map(|text| text.trim().to_lowercase());
    Ok(shown == *text || folded(text).is_some_and(|text| folded(&shown) == Some(text)))
}

/// What the first row shows.
fn first_text(rows: &[Row], path: &str) -> Result<Option<Value>> {
    match rows.first() {
        Some(row) => Ok(Some(row.field(path)?.unwrap_or_default())),
        None => Ok(None),
    }
}
