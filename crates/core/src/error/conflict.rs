//! Both versions of a row that somebody else has changed since it was read.

use std::fmt;

use super::Error;
use crate::row::Row;

/// What a write has met that was made of a row which has changed on the server meanwhile. Nothing was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Conflict {
    read: Option<Row>,
    current: Row,
    fields: Vec<String>,
}

impl Conflict {
    /// The row as it was read, without what was to be written.
    #[must_use]
    pub fn read(&self) -> Option<&Row> {
        self.read.as_ref()
    }

    /// The row as the server shows it now.
    #[must_use]
    pub fn current(&self) -> &Row {
        &self.current
    }

    /// The fields that were to be written and have changed on the server too, by their names in bodies.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}

impl fmt::Debug for Conflict {
    /// Not the rows: what they hold may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conflict")
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

#[doc(hidden)]
impl Error {
    /// Keeps both versions of the row, and says which fields both sides have changed.
    #[must_use]
    pub fn with_conflict(mut self, read: Option<Row>, current: Row, fields: Vec<String>) -> Self {
        self.0.conflict = Some(Conflict {
            read,
            current,
            fields,
        });
        self
    }
}

impl Error {
    /// Both versions of the row, where a write was refused because somebody else has changed it since it was read.
    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        self.0.conflict.as_ref()
    }
}
