//! Writes of one row: which row is meant, what is sent, and what the row is once the server has answered.
//!
//! In JSON alone and without I/O, so that every front door decides alike: it gives names, values and their JSON, and is told
//! what to send and what to keep.

mod answer;
mod conflict;
mod diff;
mod held;

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use crate::{
    error::{Error, ErrorKind, Result},
    model::{FieldMeta, ModelMeta},
    row::{Row, key_text},
    unsaved::{differs, is_another, is_another_key, is_key, is_same, may_be_label, still_shows},
    value::wide_integer,
    version::Version,
};

pub use conflict::{differing, show_the_same};
pub use diff::Diff;
pub use held::{Held, no_key};

/// The fields of a JSON object, each as the text that it came in: nothing is rounded on its way from one row to another.
pub type Fields = BTreeMap<String, Box<RawValue>>;

/// The fields of what is a JSON object.
#[must_use]
pub fn fields(json: &[u8]) -> Option<Fields> {
    serde_json::from_slice(json).ok()
}

fn fields_of(row: &Row) -> Option<Fields> {
    fields(row.bytes())
}

/// The fields of an object.
///
/// # Errors
/// `InvalidRequest` for what has no JSON form.
pub fn to_fields<'a>(object: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Result<Fields> {
    object
        .into_iter()
        .map(|(name, value)| {
            Ok((
                name.clone(),
                serde_json::value::to_raw_value(value).map_err(no_json)?,
            ))
        })
        .collect()
}

/// The value of a JSON text.
///
/// # Errors
/// `InvalidRequest` for integers of more than 64 bits, which would be rounded.
pub fn exact(name: &str, text: &RawValue) -> Result<Value> {
    if let Some(integer) = wide_integer(text.get().as_bytes()) {
        return Err(Error::invalid_request(format!(
            "`{name}` holds the integer {integer}, which needs more than 64 bits and would be rounded"
        )));
    }
    serde_json::from_str(text.get()).map_err(no_json)
}

fn no_json(error: serde_json::Error) -> Error {
    Error::invalid_request("the row cannot be written as JSON").with_source(error)
}

fn encode(row: &Fields) -> Result<Row> {
    serde_json::to_vec(row).map(Row::new).map_err(no_json)
}

/// Whether both are the same value. Integers that would be rounded are compared by their digits.
fn same(one: &RawValue, other: &RawValue) -> bool {
    let [one, other] = [one.get(), other.get()];
    let value = |text: &str| match wide_integer(text.as_bytes()) {
        None => serde_json::from_str::<Value>(text).ok(),
        Some(_) => None,
    };
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

fn key_in(row: &Row, name: &str) -> Option<String> {
    row.key(name).as_ref().and_then(key_text)
}

/// Whether both are the same key. Keys such as UUIDs may be written in either case.
fn same_key(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A row after a write.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What the answer showed; never `Other`.
    pub written: Written,
    /// The row to go on with: the answer itself, or what was known and sent with what the answer says.
    pub row: Row,
    /// The names, in bodies, of what was sent and is taken for written without being shown.
    pub assumed: Vec<String>,
    /// The names, in bodies, of what was sent and certainly not kept: the answer shows the values of before, or other related rows.
    pub unsaved: Vec<String>,
    /// The names, in bodies, of codes that were sent and of which the row shows the words of before: they may be theirs.
    pub unmoved: Vec<String>,
    /// The names, in bodies, of texts that have changed to other words than were sent: `"Active"` for `"act"`.
    pub reworded: Vec<String>,
    /// Whether the answer shows a row: every field of the model but what is `assumed`, and more than its keys.
    pub shows_rest: bool,
    /// Whether the write has created the row.
    pub is_new: bool,
}

impl Kept {
    /// A row as the server shows it.
    #[must_use]
    pub fn shown(row: Row) -> Self {
        Self {
            written: Written::Row,
            row,
            assumed: Vec::new(),
            unsaved: Vec::new(),
            unmoved: Vec::new(),
            reworded: Vec::new(),
            shows_rest: true,
            is_new: false,
        }
    }

    /// Whether a row that the server shows may be this one: no value of it certainly differs.
    ///
    /// # Errors
    /// `Decode` for what is not a row.
    pub fn may_be(&self, model: &ModelMeta, row: &Row) -> Result<bool> {
        let known = model.known_fields();
        let shown = row.fields()?;
        let differs = |(name, value): (&String, &Value)| {
            shown
                .get(name)
                .is_some_and(|shown| differs(&known, name, value, shown))
        };
        Ok(!self.row.fields()?.iter().any(differs))
    }

    /// What the row shows of a field, by its name in bodies.
    #[must_use]
    pub fn shown_of(&self, model: &ModelMeta, sent_as: &str) -> Option<Value> {
        let row = fields_of(&self.row)?;
        let field = model.sent_field(sent_as);
        let name = field.map_or(sent_as, |field| {
            field.name_in(|name| row.contains_key(name))
        });
        serde_json::from_str(row.get(name)?.get()).ok()
    }

    /// The error of a write that was carried out without keeping every value.
    #[must_use]
    pub fn unsaved_error(&self, model: &ModelMeta) -> Option<Error> {
        if self.unsaved.is_empty() {
            return None;
        }
        let names: Vec<_> = (self.unsaved.iter())
            .map(|name| format!("`{name}`"))
            .collect();
        let (model, key) = (model.name(), model.primary_key());
        let (done, shown) = match self.is_new {
            false => (
                format!("the server answered the write of a `{model}` with success, but"),
                "the value of before, or another row than was sent",
            ),
            true => {
                let shown = key_in(&self.row, key);
                let shown = shown.as_deref().unwrap_or("not known");
                (
                    format!("a `{model}` was created ({key}: {shown}), but the server"),
                    "another key or row than was sent, or none",
                )
            }
        };
        let message = format!(
            "{done} did not keep {}: the row shows {shown}. \
             The field may be read-only there: declare it so, or set `on_unsaved` to warn or ignore",
            names.join(", ")
        );
        Some(Error::new(ErrorKind::Unsaved, message).with_row(self.row.clone()))
    }
}

/// What an answer to a write shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The whole row, as it is now.
    Row,
    /// A part of the row, or what is said beside it: `{"id": 1, "state": "queued"}`.
    Part,
    /// No row: no body, or one that is not a JSON object.
    Nothing,
    /// Another row, with this key.
    Other(String),
}

impl Written {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Part => "part",
            Self::Nothing => "nothing",
            Self::Other(_) => "other",
        }
    }
}

/// What an answer shows in the place of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Before,
    OtherRow,
    OtherWords,
    /// The words of before, which may be those of a code that was sent.
    SameWords,
}

/// Whether both are texts, and the one that is shown has no digit: a number, a date or a key is no word for another.
fn are_words(sent: &Value, shown: &Value) -> bool {
    let is_word =
        |text: &str| !text.is_empty() && !text.contains(|letter: char| letter.is_ascii_digit());
    sent.is_string() && shown.as_str().is_some_and(is_word)
}

/// Whether keys were sent for a new row, and it shows none.
fn lacks_keys(sent: &Value, shown: &Value) -> bool {
    match (sent, shown) {
        (Value::Array(sent), Value::Array(shown)) => {
            shown.is_empty() && !sent.is_empty() && sent.iter().all(is_key)
        }
        (sent, Value::Null) => is_key(sent),
        _ => false,
    }
}

/// A write, and the row that it was for.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The model of the row.
    pub model: &'a ModelMeta,
    /// The row as the server last showed it, if it ever has.
    pub row: Option<&'a Row>,
    /// The key in the URL that was written to; `None` for the collection's, where a row is created.
    pub key: Option<&'a str>,
    /// The body.
    pub sent: &'a Map<String, Value>,
}

impl Write<'_> {
    /// What the answer is.
    #[must_use]
    pub fn answered(&self, answer: &Row) -> Written {
        let Some(said) = fields_of(answer) else {
            return Written::Nothing;
        };
        let before = self.row.and_then(fields_of);
        if let Some(other) = self.other(|name| key_in(answer, name)) {
            return Written::Other(other);
        }
        let shown = |name: &str| match self.model.read_field(name) {
            Some(field) => field.read_names().any(|name| said.contains_key(name)),
            None => said.contains_key(name),
        };
        let key = self.model.primary_key();
        let whole = (self.model.read_field(key).is_none() || said.contains_key(key))
            && (before.iter().flat_map(Fields::keys)).all(|name| shown(name))
            && self.left_out(&said).next().is_none();
        if whole { Written::Row } else { Written::Part }
    }

    /// The key of the row that an answer shows, where that is another one than was meant. `said` gives the keys in it by
    /// the names of their fields.
    ///
    /// The primary key decides, where both rows have one, because a server may make another slug of a new title; else the
    /// key in the URL. A key that was itself sent may have changed to what was sent.
    pub fn other(&self, said: impl Fn(&str) -> Option<String>) -> Option<String> {
        let key = self.key?;
        let primary = self.model.primary_key();
        let before = self.row.and_then(|row| key_in(row, primary));
        let (name, was, now) = match before.zip(said(primary)) {
            Some((was, now)) => (primary, was, now),
            None => {
                let name = self.model.lookup_field();
                (name, key.to_owned(), said(name)?)
            }
        };
        let sent = self.sent.get(self.model.sent_as(name)).and_then(key_text);
        let expected = same_key(&was, &now) || sent.is_some_and(|sent| same_key(&sent, &now));
        (!expected).then_some(now)
    }

    /// The names, in bodies, of what was sent and could be shown by the answer, but is not.
    fn left_out(&self, said: &Fields) -> impl Iterator<Item = &str> {
        self.sent.keys().map(String::as_str).filter(|name| {
            self.model.sent_field(name).map_or_else(
                || !said.contains_key(*name),
                |field| {
                    !field.is_write_only()
                        && !field.read_names().any(|name| said.contains_key(name))
                },
            )
        })
    }

    /// The names, in bodies, of what was sent and is certainly not what the answer shows; and whether that is what the row showed
    /// before, another related row, or other words. Of a row that is created, only its own key and the rows that it points at tell.
    fn differing(&self, answer: &Row) -> Vec<(&str, Shown)> {
        let Some(said) = fields_of(answer) else {
            return Vec::new();
        };
        let before = self.row.and_then(fields_of);
        let known = self.model.known_fields();
        let of = |name: &str, sent: &Value| {
            let field = self.model.sent_field(name);
            if field.is_some_and(FieldMeta::is_write_only) {
                return None;
            }
            let name = |row: &Fields| {
                field
                    .map_or(name, |field| field.name_in(|name| row.contains_key(name)))
                    .to_owned()
            };
            let value =
                |row: &Fields| serde_json::from_str::<Value>(row.get(&name(row))?.get()).ok();
            let (was, now, name) = (before.as_ref().map(value), value(&said)?, name(&said));
            let is_other = match &was {
                Some(was) => was.as_ref().is_some_and(|was| still_shows(sent, was, &now)),
                None if self.key.is_none() => {
                    let is_own =
                        field.map_or(&*name, FieldMeta::read_as) == self.model.primary_key();
                    is_own && is_another_key(sent, &now) || lacks_keys(sent, &now)
                }
                None => false,
            };
            if is_other || is_another(sent, &now) {
                return Some(Shown::OtherRow);
            }
            let was = was??;
            let is_unmoved = is_same(&known, &name, &was, &now);
            match differs(&known, &name, sent, &now) {
                true if is_unmoved => Some(Shown::Before),
                true => are_words(sent, &now).then_some(Shown::OtherWords),
                false => (is_unmoved && may_be_label(sent, &now)).then_some(Shown::SameWords),
            }
        };
        (self.sent.iter())
            .filter_map(|(name, sent)| Some((name.as_str(), of(name, sent)?)))
            .collect()
    }

    /// The names, in bodies, of what was sent and is certainly not kept in the row that an answer shows.
    #[must_use]
    pub fn unsaved_in(&self, answer: &Row) -> Vec<String> {
        let differing = self.differing(answer).into_iter();
        let unsaved =
            differing.filter(|(_, shown)| matches!(shown, Shown::Before | Shown::OtherRow));
        unsaved.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether the answer shows a row but for what was sent: every field of the model, and more than its keys.
    fn shows_rest(&self, said: &Fields) -> bool {
        let left_out: Vec<&str> = self.left_out(said).collect();
        let is_shown = |field: &FieldMeta| field.read_names().any(|name| said.contains_key(name));
        let keys = [self.model.primary_key(), self.model.lookup_field()];
        let fields = self.model.fields();
        let everything = fields.iter().all(|field| {
            field.is_write_only() || is_shown(field) || left_out.contains(&field.sent_as())
        });
        let is_value = |field: &&FieldMeta| !keys.contains(&field.read_as());
        everything && fields.iter().filter(is_value).any(is_shown)
    }

    /// The row to go on with.
    ///
    /// # Errors
    /// `Decode` where the answer shows another row: the write may have been carried out, and the row is not known any more.
    pub fn kept(&self, answer: &Row) -> Result<Kept> {
        let written = self.answered(answer);
        let unsaved = self.unsaved_in(answer);
        let differing = self.differing(answer);
        let names_of = |kind: Shown| {
            let names = differing.iter().filter(|(_, shown)| *shown == kind);
            names.map(|(name, _)| (*name).to_owned()).collect()
        };
        let reworded = names_of(Shown::OtherWords);
        let unmoved = names_of(Shown::SameWords);
        match &written {
            Written::Row => Ok(Kept {
                unsaved,
                unmoved,
                reworded,
                is_new: self.key.is_none(),
                ..Kept::shown(answer.clone())
            }),
            Written::Part | Written::Nothing => {
                let said = fields_of(answer).unwrap_or_default();
                Ok(Kept {
                    row: self.merged(answer)?,
                    assumed: self.left_out(&said).map(str::to_owned).collect(),
                    unsaved,
                    unmoved,
                    reworded,
                    shows_rest: self.shows_rest(&said),
                    is_new: self.key.is_none(),
                    written,
                })
            }
            Written::Other(other) => Err(Error::decode(format!(
                "`{}` {} was written, and the server answered with another row, {other}; the write may have been carried out: \
                 read the row again before you write it again",
                self.model.name(),
                self.key.unwrap_or_default()
            ))
            .with_outcome_unknown(true)),
        }
    }

    /// The row as it must be by now: as it was, with what was sent, and with what the answer says.
    fn merged(&self, answer: &Row) -> Result<Row> {
        let mut row = self.believed()?;
        for (name, value) in fields_of(answer).unwrap_or_default() {
            // Under one name only, so that no earlier value is read in place of this one.
            for other in self
                .model
                .read_field(&name)
                .iter()
                .flat_map(|field| field.read_names())
            {
                row.remove(other);
            }
            row.insert(name, value);
        }
        encode(&row)
    }

    /// The row to keep where what the answer says does not fit the model: no more of it than the row's keys.
    ///
    /// # Errors
    /// `InvalidRequest` for what has no JSON form.
    pub fn merged_keys(&self, answer: &Row) -> Result<Row> {
        let mut row = self.believed()?;
        let keys = [self.model.primary_key(), self.model.lookup_field()];
        let said = fields_of(answer).unwrap_or_default();
        row.extend(
            said.into_iter()
                .filter(|(name, _)| keys.contains(&name.as_str())),
        );
        let version = Version::Unknown {
            is_named_when_read: false,
        };
        Ok(encode(&row)?.with_version(Some(version)))
    }

    fn believed(&self) -> Result<Fields> {
        let mut row = self.row.and_then(fields_of).unwrap_or_default();
        let sent = to_fields(self.sent)?;
        put(self.model, &mut row, sent);
        Ok(row)
    }
}

/// Puts the value of the field with this name in bodies into a row, under the names that it has there.
pub fn put(model: &ModelMeta, row: &mut Fields, sent: Fields) {
    for (name, value) in sent {
        let name = match model.sent_field(&name) {
            Some(field) if field.is_write_only() => continue,
            Some(field) => field.name_in(|name| row.contains_key(name)).to_owned(),
            None => name,
        };
        row.insert(name, value);
    }
}

/// A row with other values for some fields, by the names that are sent.
///
/// # Errors
/// `Decode` for what is not a row.
pub fn with(model: &ModelMeta, row: &Row, sent: Fields) -> Result<Row> {
    let mut row = fields_of(row).ok_or_else(|| Error::decode("a row is not a JSON object"))?;
    put(model, &mut row, sent);
    encode(&row)
}

#[cfg(test)]
mod tests;
