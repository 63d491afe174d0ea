//! Whether the rows show a text as the server filters by it, or in another form: a label, or cut off. And whether they show every
//! digit.

use std::{cmp::Reverse, collections::HashSet};

use django_api_orm_core::{
    Error, Q, Result,
    evaluate::{Evaluator, is_no_label, lacks_digits},
    lookup::{Lookup, Op},
    paginator::Pairs,
    row::{Row, key_text},
    strategy::{Findings, Strategy, Telling},
};
use http::StatusCode;
use serde_json::Value;

use super::{
    super::{check::RowCheck, pages::Pages},
    Answer, Probing,
    texts::{Form, Unfiltered},
};

/// What Django REST Framework calls the fields whose values are texts of any kind.
const TEXTS: [&str; 5] = ["string", "regex", "slug", "email", "url"];

impl Probing {
    /// Whether what has to be evaluated client-side can be, as far as the first page that shows texts of it raises no doubt: a part of it
    /// that holds for no row, or that is about parts of texts. A field of which that is not true is kept as shown in another form.
    /// `doubted` are the parts of which no page has shown a text; those that this one shows are taken out. `is_first`: it is the first page.
    pub(crate) async fn shows_residual(
        &mut self,
        strategy: &Strategy,
        doubted: &mut Vec<Lookup>,
        page: &[Row],
        is_first: bool,
    ) -> Result<bool> {
        let first = Unfiltered::beside(strategy, page, is_first);
        let mut shows = true;
        for lookup in std::mem::take(doubted) {
            if self.shown(&lookup.path)?.texts(page)?.is_empty() {
                doubted.push(lookup);
                continue;
            }
            shows &= self.shows_lookup(strategy, &lookup, page, &first).await?;
        }
        Ok(shows)
    }

    /// Whether a filter that the server ignores can be evaluated on the rows of a page.
    pub(super) async fn shows_ignored(
        &mut self,
        strategy: &Strategy,
        guard: &Lookup,
        page: &[Row],
    ) -> Result<bool> {
        if !strategy.doubted_if_ignored.contains(guard) {
            return Ok(true);
        }
        let first = Unfiltered::new(&strategy.extra);
        self.shows_lookup(strategy, guard, page, &first).await
    }

    /// The filters that the server has turned out to ignore on a page without a text of theirs: whether they can be evaluated, the
    /// first page that shows one has to tell.
    pub(crate) fn unseen_texts(
        &self,
        strategy: &Strategy,
        check: &RowCheck,
        page: &[Row],
    ) -> Result<Vec<Lookup>> {
        let mut unseen = Vec::new();
        for guard in &strategy.doubted_if_ignored {
            let parameter = guard.parameter();
            if check.ignored_parameters().any(|name| name == parameter)
                && self.shown(&guard.path)?.texts(page)?.is_empty()
            {
                unseen.push(guard.clone());
            }
        }
        Ok(unseen)
    }

    async fn shows_lookup(
        &mut self,
        strategy: &Strategy,
        lookup: &Lookup,
        page: &[Row],
        first: &Unfiltered,
    ) -> Result<bool> {
        let fields = self.collection.known_fields()?;
        let evaluator = Evaluator::compile_for(&Q::Lookup(lookup.clone()), &fields)?;
        let mut holds = false;
        for row in page {
            holds |= evaluator.evaluate(&row.pick(evaluator.roots())?).is_true();
        }
        let field = self.shown(&lookup.path)?;
        let texts = field.texts(page)?;
        let may_be_labels = !texts.iter().all(|text| is_no_label(text));
        // A text that is named may be the label of some rows, and one that has a part may be any label, or have been cut off.
        let may_mislead = match lookup.names_values() {
            true => {
                let is_cut = || look_cut(&texts) && names_longest(lookup, &texts);
                may_be_labels && (!field.repeated(page)?.is_empty() || is_cut())
            }
            false => may_be_labels || look_cut(&texts),
        };
        if holds && !may_mislead {
            return Ok(true);
        }
        let form = self.shows_texts(strategy, &lookup.path, &texts, first, Some(lookup));
        match form.await? {
            Form::AsFiltered | Form::Unknown => Ok(true),
            Form::Otherwise => Ok(false),
            Form::Unclear if texts.iter().all(|text| is_no_label(text)) => Ok(true),
            Form::Unclear => {
                let believes = |known: &_| self.findings.believes_emptiness(known);
                if self.collection.know(believes)?
                    || self.is_described_as_text(&lookup.path).await?
                {
                    return Ok(true);
                }
                Err(self.may_be_labels(lookup))
            }
        }
    }

    /// Whether Django REST Framework describes the field as a text that it takes, of which rows show what was taken, and no label.
    pub(super) async fn is_described_as_text(&self, path: &str) -> Result<bool> {
        if !self.collection.know(|known| known.is_drf)? {
            return Ok(false);
        }
        let described: Value = match self.collection.description().await {
            Ok(response) => serde_json::from_slice(response.bytes()).unwrap_or_default(),
            Err(error)
                if error.status().is_some_and(|status| {
                    status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED
                }) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let fields = described.pointer("/actions/POST");
        let mut names = path.split("__");
        let first = names.next().and_then(|name| fields?.get(name));
        // Whether a related row as a whole is taken does not matter.
        let Some(field) = names.fold(first, |row, name| row?.get("children")?.get(name)) else {
            return Ok(false);
        };
        let kind = field.get("type").and_then(Value::as_str);
        let is_text = kind.is_some_and(|kind| TEXTS.contains(&kind));
        Ok(is_text && field.get("read_only") == Some(&Value::Bool(false)))
    }

    /// All rows show one text, and nothing tells whether it is that of the lookup in another form.
    fn may_be_labels(&self, lookup: &Lookup) -> Error {
        Error::unsupported(format!(
            "nothing shows whether the server filters by `{}`: it sends the same rows whatever it is asked for, and these all show one \
             text, which may be a label of the value; declare the filters of `{}`",
            lookup.path,
            self.collection.model().name()
        ))
    }

    /// Whether the rows of a page show all the digits that decide what is evaluated client-side: of parts of the residual, and of filters
    /// that the server has turned out to ignore.
    pub(crate) async fn shows_digits(
        &mut self,
        strategy: &Strategy,
        ignored: &[Lookup],
        page: &[Row],
    ) -> Result<bool> {
        let doubted = strategy.doubted_digits.iter();
        let doubted = doubted.chain(&strategy.doubted_integers).chain(ignored);
        for lookup in doubted {
            let fields = self.collection.known_fields()?;
            let roots = Telling::roots(lookup, &fields);
            let mut rounded = Vec::new();
            for row in page {
                if lacks_digits(lookup, &fields, &row.pick(&roots)?) {
                    rounded.push(row.clone());
                }
            }
            let mut shown: Vec<String> = self
                .shown(&lookup.path)?
                .as_text(&rounded)?
                .into_iter()
                .filter(|text| is_sendable(text))
                .collect();
            // A value may be exact where another one is not.
            shown.sort_by_key(|text| (Reverse(text.len()), text.clone()));
            for shown in shown {
                let known = self.collection.knowledge()?;
                let shows = match known.shows_as_filtered(&lookup.path) {
                    Some(known) => known,
                    None if known.shows_exactly(
                        &lookup.path,
                        &shown,
                        self.keys_of(&self.shown(&lookup.path)?.showing(&rounded, &shown)?),
                    ) =>
                    {
                        true
                    }
                    None => {
                        self.finds_all_showing(strategy, &lookup.path, &shown, page)
                            .await?
                    }
                };
                if !shows {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What tells the rows apart; an empty text of one without a key.
    fn keys_of<'r>(&self, rows: &'r [&Row]) -> impl Iterator<Item = String> + use<'r> {
        let primary = self.collection.model().primary_key().to_owned();
        rows.iter().map(move |row| {
            let key = row.key(&primary);
            key.as_ref().and_then(key_text).unwrap_or_default()
        })
    }

    /// Whether the server finds the rows of a page that show this number or time by it, or ignores or refuses it. Costs one request, and
    /// those of [`leaves_out_shown`](Self::leaves_out_shown).
    async fn finds_all_showing(
        &mut self,
        strategy: &Strategy,
        path: &str,
        shown: &str,
        page: &[Row],
    ) -> Result<bool> {
        let showing = self.shown(path)?.showing(page, shown)?;
        let pairs = Findings::asking_for(&strategy.extra, path, shown);
        let shows = match self.ask_for_all_of(&pairs, showing.len() as u64).await {
            Ok(answer) if answer.is_empty() => false,
            Ok(_) => {
                let leaves_out = self.leaves_out_shown(path, shown, &strategy.extra, page);
                !leaves_out.await?
            }
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        // Other rows may show it for another reason.
        let keys = self.keys_of(&showing).filter(|key| !key.is_empty());
        let keys: Vec<String> = keys.collect();
        self.collection.learn(|known| match shows {
            false => known.learn_form(path, false),
            true => known.learn_exact(path, shown, keys.into_iter()),
        })?;
        Ok(shows)
    }

    /// Whether a row at hand shows this, and is not found by it, which was asked for already: it is not in a whole answer, nor found with its
    /// key, and it still shows that. Costs two requests where it seems so, and where several are not on its first page one for each page
    /// of the answer, up to the last of them.
    pub(super) async fn leaves_out_shown(
        &mut self,
        path: &str,
        shown: &str,
        base: &Pairs,
        at_hand: &[Row],
    ) -> Result<bool> {
        let pairs = Findings::asking_for(base, path, shown);
        let field = self.shown(path)?;
        let found = self.ask(&pairs).await?;
        let collection = self.collection.clone();
        let is_in = |answer: &Answer, row: &Row| {
            let mut rows = answer.rows.iter();
            rows.any(|other| collection.same_row(Some(other), Some(row)))
        };
        let mut missing = field.showing(at_hand, shown)?;
        missing.retain(|row| !is_in(&found, row));
        let is_whole = found.ends || missing.len() > 1 && self.find(&pairs, &mut missing).await?;
        let Some(missing) = missing.first() else {
            return Ok(false);
        };
        let primary = collection.model().primary_key();
        let Some(key) = missing.key(primary).as_ref().and_then(key_text) else {
            return Ok(false);
        };
        let alone = Findings::asking_for(&pairs, primary, &key);
        match self.ask(&alone).await {
            Ok(answer) if is_in(&answer, missing) => return Ok(false),
            Err(error) if !error.is_refusal() => return Err(error),
            _ => {}
        }
        // The row may have changed meanwhile. Where there is no filter by the key, the whole answer has to do.
        let alone = Findings::asking_for(base, primary, &key);
        match self.ask(&alone).await {
            Ok(answer) if answer.is_empty() => Ok(false),
            Ok(answer) if is_in(&answer, missing) => {
                let rows = field.showing(&answer.rows, shown)?;
                Ok(rows
                    .iter()
                    .any(|row| self.collection.same_row(Some(row), Some(missing))))
            }
            Err(error) if !error.is_refusal() => Err(error),
            _ => Ok(is_whole),
        }
    }

    /// Reads the pages of an answer until all of the rows have come, which are taken out. Gives whether no page is left.
    async fn find(&self, pairs: &Pairs, missing: &mut Vec<&Row>) -> Result<bool> {
        let mut pages = Pages::new(self.collection.clone(), pairs.clone(), 0, None).one_by_one();
        let mut scanned = 0;
        while let Some(batch) = pages.next().await? {
            missing.retain(|row| {
                let mut rows = batch.rows.iter();
                !rows.any(|other| self.collection.same_row(Some(other), Some(row)))
            });
            scanned += batch.rows.len() as u64;
            if batch.last {
                return Ok(true);
            }
            if missing.is_empty() || scanned >= self.collection.policy.max_scan {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The longest text that reaches the server as it is: the one that was cut off, if any was.
pub(super) fn longest(texts: &HashSet<String>) -> Option<&str> {
    let sendable = texts.iter().filter(|text| is_sendable(text));
    sendable
        .max_by_key(|text| (text.chars().count(), *text))
        .map(String::as_str)
}

/// Whether several different texts have the length of the longest one, as if they had been cut off there.
fn look_cut(texts: &HashSet<String>) -> bool {
    let lengths = || texts.iter().map(|text| text.chars().count());
    let longest = lengths().max();
    longest > Some(1) && lengths().filter(|length| Some(*length) == longest).count() > 1
}

/// Whether the lookup names a text that is as long as the longest one, where others are shorter: all texts of one length are codes.
fn names_longest(lookup: &Lookup, texts: &HashSet<String>) -> bool {
    let length = |text: &str| text.chars().count();
    let lengths: HashSet<usize> = texts.iter().map(|text| length(text)).collect();
    let longest = lengths.iter().max().copied();
    let mut named = lookup.texts().filter_map(Value::as_str);
    lengths.len() > 1 && named.any(|text| Some(length(text)) == longest)
}

/// Whether the text reaches the server as it is.
pub(super) fn is_sendable(text: &str) -> bool {
    Lookup::new("", Op::Exact, text.into()).is_sendable()
}
