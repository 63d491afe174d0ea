//! Whether the answer to a write shows the row that was written, and where.

use http::HeaderMap;
use serde_json::{Value, value::RawValue};

use super::{Fields, Write, fields, same_key};
use crate::{
    denial::{says_failure, says_not_done},
    page::Page,
    row::{Row, key_text},
    unsaved::differs,
};

impl Write<'_> {
    /// The row in an answer: the answer itself, also where it says nothing, or what it holds with the key that was written
    /// to (`{"data": {"id": 1}}`, `[{"id": 1}]`). `None` for an answer that speaks of something else, or of a failure: it shows neither a
    /// key nor a field nor anything that was sent, so it does not say that the row was written.
    #[must_use]
    pub fn row_in(&self, answer: &Row) -> Option<Row> {
        if self.is_denied_by(answer) {
            return None;
        }
        let parts: Vec<Box<RawValue>> = match fields(answer.bytes()) {
            Some(said) if self.is_row(&said) => return Some(answer.clone()),
            Some(said) => said.into_values().collect(),
            None => match serde_json::from_slice(answer.bytes()) {
                Ok(list) => list,
                Err(_) => return Some(answer.clone()),
            },
        };
        if parts.is_empty() {
            return self.key.is_some().then(|| answer.clone());
        }
        let mut parts = (parts.iter().map(|part| part.get().to_owned()))
            .filter(|part| part.starts_with('{'))
            .map(Row::new)
            .filter(|part| self.has_key(part));
        // Two parts with that key may be of two kinds.
        let part = parts.next();
        part.filter(|_| parts.next().is_none())
    }

    /// Whether an answer shows the row as it was sent, and not something else that has a key: the job that will write it, or its
    /// place in a queue. Something of what was sent is there, and nothing of it in another form than it may have.
    #[must_use]
    pub fn shows_sent(&self, answer: &Row) -> bool {
        self.sent_in(answer) == Some(true)
    }

    /// Whether an answer shows what was sent, as far as it shows it; `None` where it shows nothing of that.
    #[must_use]
    pub fn sent_in(&self, answer: &Row) -> Option<bool> {
        let shown = self.each_sent_in(answer)?;
        (!shown.is_empty()).then(|| shown.into_iter().all(|is_it| is_it))
    }

    /// Whether an answer shows each of the fields that were sent, as they were sent.
    #[must_use]
    pub fn shows_each_sent(&self, answer: &Row) -> bool {
        let shown = self.each_sent_in(answer).unwrap_or_default();
        shown.len() == self.sent.len() && shown.into_iter().all(|is_it| is_it)
    }

    /// Whether an answer shows one of the fields that were sent, as it was sent.
    #[must_use]
    pub fn shows_some_sent(&self, answer: &Row) -> bool {
        self.each_sent_in(answer)
            .is_some_and(|shown| shown.contains(&true))
    }

    /// Of the fields that were sent, and that an answer shows, whether it shows what was sent.
    fn each_sent_in(&self, answer: &Row) -> Option<Vec<bool>> {
        let said = fields(answer.bytes())?;
        let known = self.model.known_fields();
        let shown = self.sent.iter().filter_map(|(name, sent)| {
            let field = self.model.sent_field(name);
            let name = field.map_or(name.as_str(), |field| {
                field.name_in(|name| said.contains_key(name))
            });
            let shown = serde_json::from_str::<Value>(said.get(name)?.get()).ok()?;
            Some(!differs(&known, name, sent, &shown))
        });
        Some(shown.collect())
    }

    /// Whether an answer says that the write failed: an object without the row's key that says of a failure, or shows messages in the
    /// place of what was sent; no row of a list, no number of rows, `false`, or a text that is no word of success.
    #[must_use]
    pub fn is_denied_by(&self, answer: &Row) -> bool {
        let Some(said) = fields(answer.bytes()) else {
            return match serde_json::from_slice(answer.bytes()) {
                Ok(Value::Bool(done)) => !done,
                Ok(Value::Number(rows)) => rows.as_i64() == Some(0),
                Ok(Value::Array(rows)) => rows.is_empty(),
                Ok(Value::String(text)) => {
                    !is_word_of_success(&text) && self.key.is_none_or(|key| !same_key(key, &text))
                }
                _ => false,
            };
        };
        let key = [self.model.primary_key(), self.model.lookup_field()]
            .into_iter()
            .find_map(|name| said.get(name));
        match key {
            Some(key) if key.get() == "null" => true,
            Some(_) => false,
            None => {
                let own = |name: &&str| !self.model.reads(name) && !self.sent.contains_key(*name);
                let others = said.keys().map(String::as_str).filter(own);
                let others: Vec<_> = others
                    .filter_map(|name| Some((name, said.get(name)?.get())))
                    .collect();
                // A row may have such a field, and not show its key.
                let is_row = !self.sent.is_empty() && self.shows_each_sent(answer);
                says_not_done(others.iter().copied())
                    || self.shows_messages(&said)
                    || !is_row && says_failure(others, false)
            }
        }
    }

    /// Whether an answer lists rows, in an envelope or not, of which one has another key than was written to: the list was answered in place of
    /// the row.
    #[must_use]
    pub fn lists_others(&self, answer: &Row) -> bool {
        let lookup = self.model.lookup_field();
        let names = [lookup, self.model.primary_key()];
        let is_row = fields(answer.bytes())
            .is_some_and(|said| names.iter().any(|name| said.contains_key(*name)));
        let Some(key) = self.key.filter(|_| !is_row) else {
            return false;
        };
        let is_other = |row: &Row| {
            let shown = row.key(lookup).as_ref().and_then(key_text);
            shown.is_some_and(|shown| !same_key(key, &shown))
        };
        Page::parse(answer.bytes(), &HeaderMap::new())
            .is_ok_and(|page| page.rows().iter().any(is_other))
    }

    /// Whether lists of texts stand in the place of something else that was sent, as messages do.
    fn shows_messages(&self, said: &Fields) -> bool {
        self.sent.iter().any(|(name, sent)| {
            let shown = said
                .get(name)
                .map(|shown| serde_json::from_str(shown.get()));
            let Some(Ok(Value::Array(messages))) = shown else {
                return false;
            };
            // A text may be shown as the list of its parts.
            let is_part = |message: &Value| {
                let part = message.as_str().unwrap_or_default();
                sent.as_str().is_some_and(|sent| sent.contains(part))
            };
            !sent.is_array()
                && !messages.is_empty()
                && messages.iter().all(Value::is_string)
                && !messages.iter().all(is_part)
        })
    }

    fn is_row(&self, said: &Fields) -> bool {
        let has = |name: &str| said.contains_key(name);
        self.model.is_shown_by(has) || self.sent.keys().any(|name| has(name))
    }

    /// Whether the object has the key that was written to.
    fn has_key(&self, part: &Row) -> bool {
        let shown = part.key(self.model.lookup_field());
        (self.key.zip(shown.as_ref().and_then(key_text)))
            .is_some_and(|(key, shown)| same_key(key, &shown))
    }
}

/// Whether a text says that something was done, and not that it was not.
fn is_word_of_success(text: &str) -> bool {
    const DONE: [&str; 16] = [
        "affected",
        "modified",
        "complete",
        "completed",
        "ok",
        "success",
        "successful",
        "successfully",
        "done",
        "saved",
        "updated",
        "changed",
        "created",
        "deleted",
        "removed",
        "accepted",
    ];
    const NOT: [&str; 11] = [
        "not",
        "no",
        "never",
        "nothing",
        "cannot",
        "t",
        "fail",
        "failed",
        "failure",
        "error",
        "unsuccessful",
    ];
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|letter: char| !letter.is_alphanumeric())
        .collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    text.is_empty() || has(&DONE) && !has(&NOT)
}
