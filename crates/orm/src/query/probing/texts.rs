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
    strategy::{Findings, Strategy, Telling},
};
use serde_json::{Value, json};

use super::{
    super::pages::Pages,
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

    /// What a page of the strategy is held against: itself, if it is the first one.
    pub(super) fn beside(strategy: &Strategy, page: &[Row], is_first: bool) -> Self {
        match is_first {
            true => Self::with_first(&strategy.pairs, page),
            false => Self::new(&strategy.extra),
        }
    }

    /// What is asked for, and the first rows of it.
    pub(super) fn with_first(pairs: &Pairs, first: &[Row]) -> Self {
        Self {
            pairs: pairs.clone(),
            first: first.iter().take(ROWS_LOOKED_AT).cloned().collect(),
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
    /// Every row shows the same text, and comes whatever is asked for: the text may be what the query asks for, in another form.
    Unclear,
}

/// What became of a text of the query, which no row at hand shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The server filters by it.
    Honoured,
    /// It leaves out no row, or is refused.
    Ignored,
    /// No row shows it in another form, as far as the server has any for it.
    Harmless,
    /// Nothing tells: all rows may have it, in another form.
    Unclear,
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
/// The rows that are looked at, of those at hand.
const ROWS_LOOKED_AT: usize = 50;
/// The rows that are asked for where none are at hand.
const SOME_ROWS: u64 = 5;

impl Probing {
    /// How the rows show the texts of a field, as far as it can be asked. `asked` is the lookup
    /// that has to be evaluated on them, if it is one.
    ///
    /// Costs one request where the server finds a text that the rows show, and two where a row that shows it seems to be left out. Else up to three, or one more where the rows without the
    /// filter are not at hand, and two for each text of the lookup; where the rows at hand all show one text, also two for the counts
    /// and those up to the first row that shows another one, with the text and without it. For a part of a text one by its own filter in
    /// place of those for its texts, and one more where the text was refused.
    pub(super) async fn shows_texts(
        &mut self,
        strategy: &Strategy,
        path: &str,
        texts: &HashSet<String>,
        unfiltered: &Unfiltered,
        asked: Option<&Lookup>,
    ) -> Result<Form> {
        let named = asked.and_then(|asked| named_among(asked, texts));
        let Some(shown) = named.or_else(|| longest(texts)) else {
            return Ok(Form::AsFiltered);
        };
        let known = self.collection.knowledge()?;
        match known.shows_as_filtered(path) {
            Some(true) => return Ok(Form::AsFiltered),
            Some(false) => return Ok(Form::Otherwise),
            None => {}
        }
        let is_in_vain = known.ignores_what_is_shown(path);
        if is_in_vain && asked.is_none() {
            return Ok(Form::Unknown);
        }
        let is_free = unfiltered.pairs.iter().all(|(name, _)| name != path);
        let (base, mut first) = match is_free {
            true => (unfiltered.pairs.clone(), unfiltered.first.clone()),
            false => (strategy.extra.clone(), Vec::new()),
        };
        if first.is_empty() {
            first = self.ask_for_shown(&base, SOME_ROWS).await?.rows;
        }
        let mut made = match is_in_vain {
            true if known.refuses_what_is_shown(path) => Made::Refused,
            true => Made::Ignored,
            false => self.made_of_shown(path, shown, &base, &first).await?,
        };
        if let Some(asked) = asked.filter(|asked| is_by_part(asked))
            && !matches!(made, Made::Honoured | Made::FindsNone)
            && self.finds_no_part(strategy, asked, shown).await?
        {
            made = Made::FindsNone;
        }
        let form = match made {
            Made::Honoured => Form::AsFiltered,
            Made::FindsNone => Form::Otherwise,
            Made::Ignored | Made::Refused | Made::Unclear => {
                let mut choice = match asked {
                    Some(asked) if asked.names_values() => {
                        let shown = (texts, made);
                        self.is_choice(strategy, asked, shown, &base, &first)
                            .await?
                    }
                    _ => Choice::Ignored,
                };
                let names_itself = |asked: &Lookup| matches!(asked.op, Op::Exact | Op::In);
                if made == Made::Refused
                    && asked.is_some_and(|asked| !names_itself(asked))
                    && matches!(choice, Choice::Ignored | Choice::Harmless)
                    && self.refuses_values(strategy).await?
                {
                    choice = Choice::Honoured;
                }
                match choice {
                    Choice::Honoured => Form::Otherwise,
                    Choice::Ignored | Choice::Harmless => {
                        if let Some(part) = asked.filter(|asked| !asked.names_values()) {
                            let is_refused = made == Made::Refused;
                            self.collection.learn(|known| {
                                known.learn_ignored_text(&part.parameter(), is_refused);
                            })?;
                        }
                        return Ok(Form::Unknown);
                    }
                    Choice::Unclear => return Ok(Form::Unclear),
                }
            }
        };
        self.collection
            .learn(|known| known.learn_form(path, form == Form::AsFiltered))?;
        Ok(form)
    }

    /// Whether the server finds no row where it is asked for the text that rows show as a part, as the lookup does. That it finds one does
    /// not tell: a text that was cut off is a part of the whole one.
    async fn finds_no_part(
        &mut self,
        strategy: &Strategy,
        asked: &Lookup,
        shown: &str,
    ) -> Result<bool> {
        let parameter = asked.parameter();
        if self.collection.know(|known| known.honours(&parameter))? == Some(false) {
            return Ok(false);
        }
        let part = Findings::asking_for(&strategy.extra, &parameter, shown);
        match self.ask(&part).await {
            Ok(found) => Ok(found.is_empty()),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a refusal is about the value, and not the parameter: the server takes one that it cannot know.
    async fn refuses_values(&mut self, strategy: &Strategy) -> Result<bool> {
        let unknown = self.findings.asking_unknown(&strategy.extra);
        match self.ask(&unknown).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn made_of_shown(
        &mut self,
        path: &str,
        shown: &str,
        base: &Pairs,
        first: &[Row],
    ) -> Result<Made> {
        let field = self.shown(path)?;
        let other = field.position_of_other(first, &shown.into())?;
        let lookup = Lookup::new(path, Op::Exact, shown.into());
        let pairs = Findings::asking_for(base, path, shown);
        let showing = field.showing(first, shown)?.len() as u64;
        let rows = rows_beyond(other).max(showing);
        let found = match self.ask_for_all_of(&pairs, rows).await {
            Err(error) if error.is_refusal() => {
                self.collection.learn(|known| {
                    known.learn_refused_value(&lookup);
                    known.learn_ignored_text(path, true);
                })?;
                return Ok(Made::Refused);
            }
            found => found?,
        };
        if found.is_empty() {
            return Ok(Made::FindsNone);
        }
        if field
            .position_of_other(&found.rows, &lookup.value)?
            .is_some()
        {
            self.collection.learn(|known| {
                known.learn_ignored_value(&lookup);
                known.learn_ignored_text(path, false);
            })?;
            return Ok(Made::Ignored);
        }
        // Rows show it that are not found by it: it was cut off, or rounded.
        if self.leaves_out_shown(path, shown, base, first).await? {
            return Ok(Made::FindsNone);
        }
        // The row with another text would have come.
        let is_left_out = other.is_some_and(|other| found.rows.len() > other || found.ends);
        if is_left_out
            || is_fewer(&found, first)
                && self.counts_fewer(&pairs, &found, base).await? != Some(false)
        {
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

    /// Whether a text of the lookup is one that the server filters by, and that no row shows: one that is honoured decides, then one
    /// of which nothing tells. `texts` are those that rows show, and what became of one of them.
    async fn is_choice(
        &mut self,
        strategy: &Strategy,
        asked: &Lookup,
        (texts, made): (&HashSet<String>, Made),
        base: &Pairs,
        first: &[Row],
    ) -> Result<Choice> {
        let mut of_all = Choice::Ignored;
        let is_shown = |value: &Value| value.as_str().is_some_and(|text| texts.contains(text));
        for value in asked.texts().filter(|value| !is_shown(value)) {
            let lookup = Lookup::new(&asked.path, Op::Exact, value.clone());
            if !value.as_str().is_some_and(is_sendable)
                || self
                    .collection
                    .know(|known| known.takes_no_text_of(&lookup))?
            {
                continue;
            }
            // A server may have a filter by lists only.
            let alone = Lookup::new(&asked.path, Op::In, json!([value]));
            let mut is_ignored = true;
            for by in [&lookup, &alone] {
                let is_free = |pairs: &Pairs| pairs.iter().all(|(name, _)| *name != by.parameter());
                let base = if is_free(base) { base } else { &strategy.extra };
                let choice = self.choice(strategy, by, value, made, base, first).await?;
                is_ignored &= choice == Choice::Ignored;
                match choice {
                    Choice::Honoured => return Ok(choice),
                    Choice::Unclear => of_all = choice,
                    Choice::Ignored | Choice::Harmless => {}
                }
            }
            if is_ignored {
                self.collection
                    .learn(|known| known.learn_told_value(&lookup))?;
            }
        }
        Ok(of_all)
    }

    /// What becomes of a value that no row at hand shows.
    async fn choice(
        &mut self,
        strategy: &Strategy,
        by: &Lookup,
        value: &Value,
        made: Made,
        base: &Pairs,
        first: &[Row],
    ) -> Result<Choice> {
        let path = by.path.as_str();
        let Some(telling) = Telling::alone(by, base) else {
            return Ok(Choice::Harmless);
        };
        let field = self.shown(path)?;
        let other = field.position_of_another(first)?;
        let found = match self
            .ask_for_all_of(&telling.pairs, rows_beyond(other))
            .await
        {
            Err(error) if error.is_refusal() => {
                self.collection
                    .learn(|known| known.learn_refused_value(by))?;
                return Ok(Choice::Ignored);
            }
            found => found?,
        };
        if found.is_empty() {
            // Rows show another text, which it does not find.
            return Ok(match made {
                Made::Ignored | Made::Refused if by.op == Op::Exact => Choice::Honoured,
                _ => Choice::Harmless,
            });
        }
        if field.is_in(&found.rows, value)? {
            return Ok(Choice::Harmless);
        }
        // A list may be ignored where the bare name is not.
        let is_choice = if made == Made::Refused && by.op == Op::Exact {
            Some(true)
        } else if other.is_some() {
            let others = self.leaves_out_others(path, &telling.pairs, &found, base, first, other);
            Some(others.await?)
        } else if *base != strategy.extra {
            // All rows that the other filters leave show one text: that of the value, perhaps.
            let first = self.ask_for_shown(&strategy.extra, SOME_ROWS).await?.rows;
            let choice = self.choice(strategy, by, value, made, &strategy.extra, &first);
            return Box::pin(choice).await;
        } else {
            self.leaves_out_behind(path, &telling.pairs, &found, base)
                .await?
        };
        match is_choice {
            Some(true) => {
                let parameter = by.parameter();
                self.collection.learn(|known| {
                    known.learn_parameter(&parameter, true);
                    known.learn_dropped_value(&parameter);
                })?;
                Ok(Choice::Honoured)
            }
            Some(false) => {
                self.collection
                    .learn(|known| known.learn_ignored_value(by))?;
                Ok(Choice::Ignored)
            }
            None => Ok(Choice::Unclear),
        }
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
        let is_one = self
            .shown(path)?
            .position_of_another(&found.rows)?
            .is_none();
        let is_seen = other.is_some_and(|other| found.rows.len() > other);
        if !is_one {
            return Ok(false);
        }
        if !is_seen && !is_fewer(found, first) {
            // Other rows would have come, if the page is not short for another reason.
            let is_short = (found.rows.len() as u64) < found.asked;
            return Ok(is_short && self.has_another(pairs, path).await? == Some(false));
        }
        Ok(self.counts_fewer(pairs, found, base).await?.unwrap_or(true))
    }

    /// The same, where the first rows without the filter show one text, too: then the counts tell, or the first row that shows
    /// another one. Nothing, if there is none: all rows may have the value.
    async fn leaves_out_behind(
        &mut self,
        path: &str,
        pairs: &Pairs,
        found: &Answer,
        base: &Pairs,
    ) -> Result<Option<bool>> {
        if self
            .shown(path)?
            .position_of_another(&found.rows)?
            .is_some()
        {
            return Ok(Some(false));
        }
        if self.counts_fewer(pairs, found, base).await? == Some(true) {
            return Ok(Some(true));
        }
        if self.has_another_unfiltered(base, path).await? != Some(true) {
            return Ok(None);
        }
        Ok(self.has_another(pairs, path).await?.map(|other| !other))
    }

    /// Whether the rows that come without what is in question show more than one text, looked at once for all texts of the query.
    async fn has_another_unfiltered(&mut self, base: &Pairs, path: &str) -> Result<Option<bool>> {
        let mut known = self.others.iter();
        if let Some((_, other)) = known.find(|((asked, field), _)| asked == base && field == path) {
            return Ok(*other);
        }
        let other = self.has_another(base, path).await?;
        self.others.push(((base.clone(), path.to_owned()), other));
        Ok(other)
    }

    /// Whether the server counts fewer rows with the filter, seen twice where the numbers are close; nothing where it does not count.
    async fn counts_fewer(
        &mut self,
        pairs: &Pairs,
        found: &Answer,
        base: &Pairs,
    ) -> Result<Option<bool>> {
        self.answers.retain(|(asked, _)| asked != base);
        let without = self.ask(base).await?;
        let (Some(count), Some(without)) = (found.count, without.count) else {
            return Ok(None);
        };
        if count >= without || are_far_apart(count, without) {
            return Ok(Some(count < without));
        }
        let again = self.ask_again(pairs).await?.count;
        Ok(again.map(|again| again < without))
    }

    /// Whether the rows show more than one text; nothing where `max_scan` rows do not. Costs a request for each page, up to the
    /// first row with another one, unless all are at hand.
    async fn has_another(&self, pairs: &Pairs, path: &str) -> Result<Option<bool>> {
        let field = self.shown(path)?;
        let mut answers = self.answers.iter();
        if let Some((_, whole)) =
            answers.find(|(asked, answer)| asked == pairs && answer.is_whole())
        {
            return Ok(Some(field.position_of_another(&whole.rows)?.is_some()));
        }
        let mut pages = Pages::new(self.collection.clone(), pairs.clone(), 0, None).one_by_one();
        let mut text = None;
        let mut scanned = 0;
        while let Some(batch) = pages.next().await? {
            text = match text {
                None => field.first(&batch.rows)?,
                text => text,
            };
            if let Some(text) = &text
                && field.position_of_other(&batch.rows, text)?.is_some()
            {
                return Ok(Some(true));
            }
            if batch.last {
                break;
            }
            scanned += batch.rows.len() as u64;
            if scanned >= self.collection.policy.max_scan {
                return Ok(None);
            }
        }
        Ok(Some(false))
    }
}

/// Whether it asks for a part of a text that the text itself has, too.
fn is_by_part(lookup: &Lookup) -> bool {
    let is_part = matches!(
        lookup.op,
        Op::Contains
            | Op::IContains
            | Op::StartsWith
            | Op::IStartsWith
            | Op::EndsWith
            | Op::IEndsWith
    );
    is_part && lookup.transform.is_none()
}

/// A text that the lookup names and that the rows show.
fn named_among<'t>(asked: &Lookup, texts: &'t HashSet<String>) -> Option<&'t str> {
    let named = asked.texts().filter(|_| asked.names_values());
    let mut shown = named.filter_map(|value| texts.get(value.as_str()?));
    shown.find(|text| is_sendable(text)).map(String::as_str)
}

/// Whether the server counts, or has, fewer rows than are at hand without the filter.
fn is_fewer(found: &Answer, first: &[Row]) -> bool {
    let has_fewer = found.ends && found.rows.len() < first.len();
    has_fewer || found.count.is_some_and(|count| count < first.len() as u64)
}

/// How many rows have to come so that one of them is another one, if the filter is ignored.
fn rows_beyond(other: Option<usize>) -> u64 {
    other.map_or(1, |other| (other + 1 + MORE_ROWS) as u64)
}
