//! Whether the rows show a text as the server filters by it, or in another form: a label, or cut off.

use std::collections::HashSet;

use django_api_orm_core::{
    Q, Result,
    evaluate::{Evaluator, lacks_digits},
    lookup::{Lookup, Op},
    row::Row,
    strategy::{Probe, Strategy, Telling},
};
use serde_json::Value;

use super::Probing;

impl Probing {
    /// Whether what has to be evaluated client-side can be, as far as the first page of a query raises no doubt: a part of it
    /// that holds for no row, or that is about parts of texts which look cut off. A field of which that is not true is kept as shown in another form.
    pub(crate) async fn shows_residual(
        &mut self,
        strategy: &Strategy,
        page: &[Row],
    ) -> Result<bool> {
        let mut shows = true;
        for lookup in &strategy.doubted_forms {
            let evaluator = Evaluator::compile_for(
                &Q::Lookup(lookup.clone()),
                &self.collection.known_fields()?,
            )?;
            let mut holds = false;
            for row in page {
                holds |= evaluator.evaluate(&row.pick(evaluator.roots())?).is_true();
            }
            let texts = texts(page, &lookup.path)?;
            let is_whole = matches!(lookup.op, Op::Exact | Op::In);
            if holds && (is_whole || !look_cut(&texts)) {
                continue;
            }
            let operand = match &lookup.value {
                Value::Array(values) => values.first(),
                value => Some(value),
            };
            let operand = operand.and_then(Value::as_str);
            shows &= self.shows(strategy, &lookup.path, &texts, operand).await?;
        }
        Ok(shows)
    }

    /// Whether the rows of a page show all the digits that decide what is evaluated client-side: of parts of the residual, and of filters
    /// that the server has turned out to ignore.
    pub(crate) async fn shows_digits(
        &mut self,
        strategy: &Strategy,
        ignored: &[Lookup],
        page: &[Row],
    ) -> Result<bool> {
        for lookup in strategy.doubted_digits.iter().chain(ignored) {
            let fields = self.collection.known_fields()?;
            let roots = Telling::roots(lookup, &fields);
            let mut rounded = Vec::new();
            for row in page {
                if lacks_digits(lookup, &fields, &row.pick(&roots)?) {
                    rounded.push(row.clone());
                }
            }
            let shown = as_text(&rounded, &lookup.path)?;
            if !self.shows(strategy, &lookup.path, &shown, None).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether rows that stand in a wrong order after equal texts show the whole texts.
    pub(crate) async fn shows_order(&mut self, strategy: &Strategy, page: &[Row]) -> Result<bool> {
        for path in &strategy.doubted_keys {
            let texts = texts(page, path)?;
            if !self.shows(strategy, path, &texts, None).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn shows(
        &mut self,
        strategy: &Strategy,
        path: &str,
        texts: &HashSet<String>,
        other: Option<&str>,
    ) -> Result<bool> {
        // The longest text is the one that was cut off, if any was.
        let sendable = texts.iter().filter(|text| is_sendable(text));
        let Some(shown) = sendable.max_by_key(|text| (text.chars().count(), *text)) else {
            return Ok(true);
        };
        if let Some(known) = self.collection.knowledge()?.shows_as_filtered(path) {
            return Ok(known);
        }
        let other = other.filter(|other| is_sendable(other)).unwrap_or(shown);
        let probe = Probe::shows_as_filtered(path, shown, other, &strategy.extra);
        // Boxed, as the compiler cannot see that one probe needs another at most.
        Box::pin(self.run(strategy, &probe)).await
    }

    /// Costs one request; two where the server refuses the text.
    pub(super) async fn shows_as_filtered(&mut self, probe: &Probe, path: &str) -> Result<bool> {
        let shows = match self.ask(&probe.with).await {
            Ok(answer) => !answer.is_empty(),
            // A server that refuses the parameter, and not this value of it, shows nothing.
            Err(error) if error.is_refusal() && probe.with != probe.without => {
                match self.ask(&probe.without).await {
                    Ok(_) => false,
                    Err(error) if error.is_refusal() => true,
                    Err(error) => return Err(error),
                }
            }
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        self.collection
            .learn(|known| known.learn_form(path, shows))?;
        Ok(shows)
    }
}

/// The different texts of a field.
pub(super) fn texts(rows: &[Row], path: &str) -> Result<HashSet<String>> {
    let mut texts = HashSet::new();
    for row in rows {
        if let Some(Value::String(text)) = row.field(path)? {
            texts.insert(text);
        }
    }
    Ok(texts)
}

/// The different texts and numbers of a field, as a query string has them.
fn as_text(rows: &[Row], path: &str) -> Result<HashSet<String>> {
    let mut shown = texts(rows, path)?;
    for row in rows {
        if let Some(Value::Number(number)) = row.field(path)? {
            shown.insert(number.to_string());
        }
    }
    Ok(shown)
}

/// Whether several different texts have the length of the longest one, as if they had been cut off there.
fn look_cut(texts: &HashSet<String>) -> bool {
    let lengths = || texts.iter().map(|text| text.chars().count());
    let longest = lengths().max();
    longest > Some(1) && lengths().filter(|length| Some(*length) == longest).count() > 1
}

/// Whether the text reaches the server as it is.
fn is_sendable(text: &str) -> bool {
    Lookup::new("", Op::Exact, text.into()).is_sendable()
}
