//! A row in the hands of a program: which URL it has, and whether saving it creates one.

use serde_json::Value;

use super::key_in;
use crate::{
    error::{Error, Result},
    model::ModelMeta,
    row::{Row, key_text},
};

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
