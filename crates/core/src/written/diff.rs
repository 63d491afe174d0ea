//! What has changed of a row since the server showed it.

use serde_json::value::RawValue;

use super::{Fields, exact, same};
use crate::{
    model::{Equality, FieldMeta, ModelMeta},
    unsaved::{have_same_elements, is_same},
};

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
        let made_anew =
            again.is_some_and(|again| again.contains_key(name) && self.differ(name, again, before));
        !model.is_read_only(name) && !made_anew && self.differ(name, now, before)
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
                true => self.differ(name, self.now, then),
                false => self.has_changed(name),
            },
        );
        names
    }

    /// Whether two rows have other values in a field, or only one of them has it.
    fn differ(&self, name: &str, one: &Fields, other: &Fields) -> bool {
        match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => !self.are_equal(name, one, other),
            (one, other) => one.is_some() || other.is_some(),
        }
    }

    fn are_equal(&self, name: &str, one: &RawValue, other: &RawValue) -> bool {
        if same(one, other) {
            return true;
        }
        let field = self.model.sent_field(name);
        let equality = field.map_or(Equality::Json, FieldMeta::equality);
        let value = |text: &RawValue| exact(name, text).ok();
        let (Some(field), Some(one), Some(other)) = (field, value(one), value(other)) else {
            return false;
        };
        match equality {
            Equality::Json | Equality::Text => false,
            Equality::Value => is_same(&self.model.known_fields(), field.read_as(), &one, &other),
            Equality::Unordered => have_same_elements(&one, &other),
        }
    }
}
