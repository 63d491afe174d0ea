//! What a write was to do of which it is not known whether it was done.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Error;
use crate::{row::Row, version::Version};

/// A write that may have been carried out, as it was sent: what is needed to look whether it was.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LostWrite {
    /// The collection that was written to.
    pub endpoint: String,
    /// What was to be done there.
    pub write: Lost,
}

/// What was to be done.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Lost {
    /// A row was to be created, with this body. `by` are the values that it is looked up by, where the write began with a look.
    Create {
        /// What was sent.
        sent: Map<String, Value>,
        /// Paths of fields, with the values that identify the row.
        by: Vec<(String, Value)>,
    },
    /// Fields of the row at this key were to be changed.
    Save {
        /// The key in the row's URL.
        key: String,
        /// What was sent.
        sent: Map<String, Value>,
        /// The row as it was read.
        row: Option<RowText>,
    },
    /// The row at this key was to be deleted.
    Delete {
        /// The key in the row's URL.
        key: String,
    },
}

/// A row that can be written down.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RowText {
    text: String,
    version: Option<String>,
}

impl From<&Row> for RowText {
    fn from(row: &Row) -> Self {
        Self {
            text: String::from_utf8_lossy(row.bytes()).into_owned(),
            version: row.version().map(Version::to_text),
        }
    }
}

impl From<&RowText> for Row {
    fn from(row: &RowText) -> Self {
        let version = row.version.as_deref().and_then(Version::from_text);
        Self::new(row.text.clone()).with_version(version)
    }
}

impl fmt::Debug for LostWrite {
    /// Not the values: they may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LostWrite")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[doc(hidden)]
impl Error {
    /// Keeps what the write was, if its outcome is unknown.
    #[must_use]
    pub fn with_lost_write(mut self, write: impl FnOnce() -> LostWrite) -> Self {
        if self.is_outcome_unknown() && self.0.lost.is_none() {
            self.0.lost = Some(write());
        }
        self
    }

    /// Says what the row is looked up by that was to be created.
    #[must_use]
    pub fn with_natural_key(mut self, key: impl FnOnce() -> Vec<(String, Value)>) -> Self {
        if let Some(LostWrite {
            write: Lost::Create { by, .. },
            ..
        }) = &mut self.0.lost
        {
            *by = key();
        }
        self
    }

    /// The write, where its outcome is unknown.
    #[must_use]
    pub fn lost_write(&self) -> Option<&LostWrite> {
        self.0.lost.as_ref()
    }
}
