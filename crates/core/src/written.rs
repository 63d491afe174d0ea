//! Writes of one row: which row is meant, what is sent, and what the row is once the server has answered.
//!
//! In JSON alone and without I/O, so that every front door decides alike: it gives names, values and their JSON, and is told
//! what to send and what to keep.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use crate::{
    error::{Error, ErrorKind, Result},
    model::{FieldMeta, ModelMeta},
    row::{Row, key_text},
    unsaved::{differs, is_same},
    value::wide_integer,
};

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

/// A row in the hands of a program.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Its model.
    pub model: &'a ModelMeta,
    /// The row as the server last showed it, if it ever has.
    pub row: Option<&'a Row>,
    /// What its fields say now of the key in its URL.
    pub key: Option<&'a Value>,
    /// What its fields say now of the primary key; `None` where the model has no such field.
    pub primary_key: Option<&'a Value>,
    /// Whether the program has deleted it.
    pub deleted: bool,
}

impl Held<'_> {
    /// The key in the row's URL: the server's, whatever the fields say now.
    ///
    /// # Errors
    /// `InvalidRequest` for a row that was deleted, or has no key yet, or no key any more.
    pub fn key(&self) -> Result<String> {
        let name = self.model.name();
        if self.is_copy() {
            return Err(Error::invalid_request(format!(
                "the `{}` of this `{name}` has been set to null, so it is a new row: save it first",
                self.model.primary_key()
            )));
        }
        if self.deleted {
            return Err(Error::invalid_request(format!(
                "this `{name}` has been deleted"
            )));
        }
        self.known_key().ok_or_else(|| {
            let key = self.model.lookup_field();
            match self.row {
                None => {
                    Error::invalid_request(format!("this `{name}` has no `{key}`: save it first"))
                }
                Some(_) => no_key(self.model),
            }
        })
    }

    fn known_key(&self) -> Option<String> {
        (self
            .row
            .and_then(|row| key_in(row, self.model.lookup_field())))
        .or_else(|| self.key.and_then(key_text))
    }

    /// Whether saving the row creates it: the server has never shown it, and the program has not said which one it is. A
    /// key that was not `given`, but made by a default, is that of a new row. So is a copy.
    #[must_use]
    pub fn is_new(&self, given: bool) -> bool {
        self.is_copy()
            || self.row.is_none() && !self.deleted && (!given || self.known_key().is_none())
    }

    /// Whether it is a copy of a row that the server has shown: its primary key was there, and has been set to null.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.primary_key.is_some_and(Value::is_null)
            && (self.row).is_some_and(|row| key_in(row, self.model.primary_key()).is_some())
    }
}

/// The error of a row whose URL cannot be made.
#[must_use]
pub fn no_key(model: &ModelMeta) -> Error {
    Error::decode(format!(
        "a row of `{}` has no `{}`, so its URL is not known: declare the field that is the primary key, or that rows are \
         looked up by",
        model.name(),
        model.lookup_field()
    ))
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
    /// The names, in bodies, of what was sent and certainly not kept: the answer shows the values of before.
    pub unsaved: Vec<String>,
    /// Whether the answer shows a row: every field of the model but what is `assumed`, and more than its keys.
    pub shows_rest: bool,
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
            shows_rest: true,
        }
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
        let message = format!(
            "the server answered the write of a `{}` with success, but did not keep {}: the row shows the value of before. \
             The field may be read-only there: declare it so, or set `on_unsaved` to warn or ignore",
            model.name(),
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

    /// The names, in bodies, of what was sent and certainly not kept: the answer shows the values of before.
    fn unsaved(&self, answer: &Row) -> Vec<String> {
        let Some((before, said)) = self.row.and_then(fields_of).zip(fields_of(answer)) else {
            return Vec::new();
        };
        let known = self.model.known_fields();
        let is_unsaved = |name: &str, sent: &Value| {
            let field = self.model.sent_field(name);
            if field.is_some_and(FieldMeta::is_write_only) {
                return false;
            }
            let in_row = |row: &Fields| {
                field
                    .map_or(name, |field| field.name_in(|name| row.contains_key(name)))
                    .to_owned()
            };
            let (was, name) = (before.get(&in_row(&before)), in_row(&said));
            let Some((was, now)) = was.zip(said.get(&name)) else {
                return false;
            };
            let value = |text: &RawValue| serde_json::from_str::<Value>(text.get()).ok();
            let Some((was, now)) = value(was).zip(value(now)) else {
                return false;
            };
            is_same(&known, &name, &was, &now) && differs(&known, &name, sent, &now)
        };
        (self.sent.iter())
            .filter(|(name, sent)| is_unsaved(name, sent))
            .map(|(name, _)| name.clone())
            .collect()
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
        match &written {
            Written::Row => Ok(Kept {
                unsaved: self.unsaved(answer),
                ..Kept::shown(answer.clone())
            }),
            Written::Part | Written::Nothing => {
                let said = fields_of(answer).unwrap_or_default();
                Ok(Kept {
                    row: self.merged(answer)?,
                    assumed: self.left_out(&said).map(str::to_owned).collect(),
                    unsaved: self.unsaved(answer),
                    shows_rest: self.shows_rest(&said),
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
        encode(&row)
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

/// What a row is in the hands of a program and what it was when the server showed it, both as they would be sent.
#[derive(Debug, Clone, Copy)]
pub struct Diff<'a> {
    /// The model of the row.
    pub model: &'a ModelMeta,
    /// The row as it is now.
    pub now: &'a Fields,
    /// The server's row, decoded and encoded again, so that another spelling of a date does not count as a change.
    pub before: &'a Fields,
    /// Of the fields that neither the server nor the program has given: what another decoding makes of them. Where that
    /// differs, a default is made anew each time.
    pub again: Option<&'a Fields>,
}

impl<'a> Diff<'a> {
    /// The names of the fields that have changed, as they are sent. One that is gone has become null.
    #[must_use]
    pub fn changed(&self) -> Vec<&'a str> {
        let Self { now, before, .. } = self;
        let gone = before.keys().filter(|name| !now.contains_key(*name));
        now.keys()
            .chain(gone)
            .map(String::as_str)
            .filter(|name| self.has_changed(name))
            .collect()
    }

    fn has_changed(&self, name: &str) -> bool {
        let Self {
            model,
            now,
            before,
            again,
        } = self;
        let made_anew = again.is_some_and(|again| {
            again.contains_key(name) && !alike(again.get(name), before.get(name))
        });
        !model.is_read_only(name) && !made_anew && !alike(now.get(name), before.get(name))
    }

    /// The names of the fields that are still to be saved after a write of `sent`, which was made of the row as it was
    /// `then`: not sent, or changed while the write was under way.
    #[must_use]
    pub fn pending(&self, then: &'a Fields, sent: &[impl AsRef<str>]) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = self.now.keys().map(String::as_str).collect();
        names.extend(then.keys().map(String::as_str));
        names.extend(self.before.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names.retain(
            |name| match sent.iter().any(|sent| sent.as_ref() == *name) {
                true => !alike(self.now.get(*name), then.get(*name)),
                false => self.has_changed(name),
            },
        );
        names
    }
}

/// Whether both are missing, or both there and the same.
#[allow(clippy::borrowed_box, reason = "what a map of fields gives for a name")]
fn alike(one: Option<&Box<RawValue>>, other: Option<&Box<RawValue>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldMeta;

    fn model() -> ModelMeta {
        let fields = ["id", "name", "kept"].map(FieldMeta::new);
        ModelMeta::new("Thing", "/things/").with_fields(
            fields
                .into_iter()
                .chain([
                    FieldMeta::new("author")
                        .with_also_read_as(["writer"])
                        .with_sent_as("author_id"),
                    FieldMeta::new("made").read_only(),
                    FieldMeta::new("password").write_only(),
                ])
                .collect(),
        )
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn parsed(row: &Row) -> Value {
        serde_json::from_slice(row.bytes()).unwrap()
    }

    fn row(text: &str) -> Row {
        Row::new(text.to_owned())
    }

    fn one() -> Row {
        row(r#"{"id": 1, "name": "one", "kept": "k", "author": 7}"#)
    }

    /// What is kept of an answer to a PATCH of `sent`; or, in its place, the error.
    fn kept(sent: &Value, answer: &Value) -> Result<(Written, Value, Vec<String>)> {
        let write = Write {
            model: &model(),
            row: Some(&one()),
            key: Some("1"),
            sent: &object(sent),
        };
        let kept = write.kept(&row(&answer.to_string()))?;
        Ok((kept.written, parsed(&kept.row), kept.assumed))
    }

    #[test]
    fn the_whole_row_is_taken_as_it_is() {
        let answer = json!({"id": 1, "name": "new", "kept": "k", "author": 7, "made": "now"});
        for sent in [
            json!({"name": "other"}),
            json!({"name": "new", "password": "p"}),
        ] {
            let (written, row, assumed) = kept(&sent, &answer).unwrap();
            assert_eq!((written, row), (Written::Row, answer.clone()), "{sent}");
            assert!(assumed.is_empty());
        }
    }

    #[test]
    fn a_part_is_put_into_what_is_known() {
        let sent = json!({"name": "new", "author_id": 8, "password": "p"});
        for (answer, written, left_out) in [
            (
                json!({"id": 1, "name": "New"}),
                Written::Part,
                vec!["author_id"],
            ),
            (
                json!({"id": 1, "state": "queued"}),
                Written::Part,
                vec!["author_id", "name"],
            ),
            (
                json!({"writer": 9, "state": "done"}),
                Written::Part,
                vec!["name"],
            ),
            (json!(null), Written::Nothing, vec!["author_id", "name"]),
            (json!([1]), Written::Nothing, vec!["author_id", "name"]),
        ] {
            let found = kept(&sent, &answer).unwrap();
            let mut row = object(&json!({"id": 1, "name": "new", "kept": "k", "author": 8}));
            row.extend(object(&answer));
            if answer.get("writer").is_some() {
                row.remove("author");
            }
            assert_eq!(
                (found.0, found.1),
                (written, Value::Object(row)),
                "{answer}"
            );
            assert_eq!(found.2, left_out, "{answer}");
        }
    }

    #[test]
    fn what_was_sent_and_is_not_shown_is_not_lost() {
        let sent = json!({"note": "n"});
        let answer = json!({"id": 1, "name": "one", "kept": "k", "author": 7});
        let (written, row, assumed) = kept(&sent, &answer).unwrap();
        assert_eq!((written, &row["note"]), (Written::Part, &json!("n")));
        assert_eq!(assumed, ["note"]);
    }

    #[test]
    fn another_row_is_never_taken() {
        for (sent, answer, fits) in [
            (json!({"name": "n"}), json!({"id": 2, "name": "n"}), false),
            (json!({"id": 3}), json!({"id": 2}), false),
            (json!({"id": 2}), json!({"id": 2}), true),
            (json!({"id": 2}), json!({"id": 1}), true),
            (json!({"name": "n"}), json!({"id": "1"}), true),
            (json!({"name": "n"}), json!({"id": null}), true),
        ] {
            assert_eq!(kept(&sent, &answer).is_ok(), fits, "{sent} {answer}");
        }
        let error = kept(&json!({"name": "n"}), &json!({"id": 2})).unwrap_err();
        assert!(
            error.is_decode() && error.message().contains("may have been carried out"),
            "{error}"
        );
    }

    #[test]
    fn a_slug_may_change_while_the_primary_key_stays() {
        let model = model().with_lookup_field("name");
        let answered = |before: &Row, sent: Value, answer: Value| {
            let sent = object(&sent);
            let write = Write {
                model: &model,
                row: Some(before),
                key: Some("one"),
                sent: &sent,
            };
            matches!(write.answered(&row(&answer.to_string())), Written::Other(_))
        };
        assert!(!answered(
            &one(),
            json!({"kept": "x"}),
            json!({"id": 1, "name": "x"})
        ));
        assert!(answered(
            &one(),
            json!({"kept": "x"}),
            json!({"id": 2, "name": "one"})
        ));
        let without = &row(r#"{"name": "one"}"#);
        assert!(answered(
            without,
            json!({"kept": "x"}),
            json!({"id": 2, "name": "x"})
        ));
        assert!(!answered(
            without,
            json!({"kept": "x"}),
            json!({"id": 2, "name": "ONE"})
        ));
        assert!(!answered(
            without,
            json!({"name": "two"}),
            json!({"name": "two"})
        ));
    }

    #[test]
    fn a_new_row_gets_what_the_server_gives_it() {
        let model = model();
        let sent = object(&json!({"id": 77, "name": "n", "author_id": 1}));
        let write = Write {
            model: &model,
            row: None,
            key: None,
            sent: &sent,
        };
        let answered = |answer: Value| write.answered(&row(&answer.to_string()));
        assert_eq!(
            answered(json!({"id": 5, "name": "n", "author": 1})),
            Written::Row
        );
        assert_eq!(answered(json!({"id": 5, "name": "n"})), Written::Part);
        assert_eq!(answered(json!({"name": "n", "author": 1})), Written::Part);
        let keys = write
            .merged_keys(&row(r#"{"id": 5, "name": "X"}"#))
            .unwrap();
        assert_eq!(parsed(&keys), json!({"id": 5, "name": "n", "author": 1}));
    }

    #[test]
    fn a_row_is_new_until_the_server_has_shown_it_or_the_program_named_it() {
        let model = model();
        let key = json!(7);
        let held = Held {
            model: &model,
            row: None,
            key: Some(&key),
            primary_key: Some(&key),
            deleted: false,
        };
        assert!(held.is_new(false) && !held.is_new(true));
        assert_eq!(held.key().unwrap(), "7");
        let without = Held { key: None, ..held };
        assert!(without.is_new(true) && without.key().is_err());
        let empty = json!("");
        assert!(
            Held {
                key: Some(&empty),
                ..held
            }
            .is_new(true)
        );
        let shown = Held {
            row: Some(&one()),
            ..held
        };
        assert!(!shown.is_new(false));
        assert_eq!(
            shown.key().unwrap(),
            "1",
            "the server's, whatever the fields say"
        );
        let deleted = Held {
            deleted: true,
            ..shown
        };
        assert!(!deleted.is_new(false) && deleted.key().is_err());
        let copy = Held {
            primary_key: Some(&Value::Null),
            ..deleted
        };
        assert!(copy.is_new(false) && copy.is_new(true) && copy.is_copy());
        let error = copy.key().unwrap_err();
        assert!(error.message().contains("is a new row"), "{error}");
        let keyless = row(r#"{"name": "one"}"#);
        let never = Held {
            row: Some(&keyless),
            ..copy
        };
        assert!(
            !never.is_copy(),
            "it had no key that could have been taken away"
        );
    }

    fn diff(now: &Value, before: &Value, again: Option<&Value>) -> Vec<String> {
        let of = |value: &Value| to_fields(&object(value)).unwrap();
        Diff {
            model: &model(),
            now: &of(now),
            before: &of(before),
            again: again.map(of).as_ref(),
        }
        .changed()
        .into_iter()
        .map(str::to_owned)
        .collect()
    }

    #[test]
    fn changes_are_what_differs() {
        let before = json!({"id": 1, "name": "a", "kept": {"x": 1, "y": 2}, "made": 1, "token": 1});
        let now = json!({"id": 1, "name": "b", "kept": {"y": 2, "x": 1}, "made": 2, "token": 2});
        assert_eq!(diff(&now, &before, None), ["name", "token"]);
        assert_eq!(diff(&now, &before, Some(&json!({"token": 3}))), ["name"]);
        assert_eq!(
            diff(&now, &before, Some(&json!({"token": 1}))),
            ["name", "token"]
        );
        assert_eq!(
            diff(
                &json!({"id": 1}),
                &json!({"id": 1, "name": "a", "made": 1}),
                None
            ),
            ["name"]
        );
    }

    #[test]
    fn integers_of_any_size_are_compared_exactly() {
        let of = |text: &str| fields(text.as_bytes()).unwrap();
        let before = of(r#"{"n": 123456789012345678901, "m": [1,  2]}"#);
        let now = of(r#"{"n": 123456789012345678902, "m": [1,2]}"#);
        let model = model();
        let diff = Diff {
            model: &model,
            now: &now,
            before: &before,
            again: None,
        };
        assert_eq!(diff.changed(), ["n"]);
    }

    #[test]
    fn what_changes_during_a_write_is_still_to_be_saved() {
        let of = |value: Value| to_fields(&object(&value)).unwrap();
        let model = model();
        let before = of(json!({"name": "a", "kept": "a", "made": 1}));
        let then = of(json!({"name": "b", "kept": "b", "made": 1}));
        let pending = |now: Value, sent: &[&str]| {
            let now = of(now);
            let diff = Diff {
                model: &model,
                now: &now,
                before: &before,
                again: None,
            };
            diff.pending(&then, sent).join(" ")
        };
        assert_eq!(
            pending(
                json!({"name": "b", "kept": "b", "made": 1}),
                &["name", "kept"]
            ),
            ""
        );
        assert_eq!(
            pending(json!({"name": "b", "kept": "b", "made": 2}), &["name"]),
            "kept"
        );
        assert_eq!(
            pending(json!({"name": "a", "kept": "a", "made": 1}), &["name"]),
            "name"
        );
        assert_eq!(
            pending(
                json!({"name": "c", "kept": "b", "made": 1}),
                &["name", "kept"]
            ),
            "name"
        );
    }
}
