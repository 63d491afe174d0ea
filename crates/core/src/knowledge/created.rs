//! The rows that were created because none was found: a list may not show them.

use std::{collections::VecDeque, sync::Arc};

use crate::filter::Q;

/// How many are kept: the latest ones.
const KEPT: usize = 256;

/// The latest rows, by what they were looked up by. Behind a pointer, as each query takes a copy of what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Created(Arc<VecDeque<Row>>);

/// A row by who has created it, what for, and its key.
type Row = (u64, Q, String);

impl Created {
    pub(super) fn of(&self, account: u64, lookups: &Q) -> Option<&str> {
        let mut rows = self.0.iter();
        rows.find(|(by, known, _)| *by == account && known == lookups)
            .map(|(_, _, key)| key.as_str())
    }

    /// Forgets the row with the key.
    pub(super) fn forget(&mut self, key: &str) {
        if self.0.iter().any(|(_, _, known)| known == key) {
            Arc::make_mut(&mut self.0).retain(|(_, _, known)| known != key);
        }
    }

    /// Keeps the key of a row; without one, that the row is gone.
    pub(super) fn keep(&mut self, account: u64, lookups: &Q, key: Option<String>) {
        let rows = Arc::make_mut(&mut self.0);
        rows.retain(|(by, known, _)| *by != account || known != lookups);
        rows.extend(key.map(|key| (account, lookups.clone(), key)));
        if rows.len() > KEPT {
            rows.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lookup::Lookup;

    #[test]
    fn the_latest_rows_are_kept() {
        let by = |number: usize| Q::Lookup(Lookup::parse("name", json!(number)));
        let mut created = Created::default();
        for number in 0..=KEPT {
            created.keep(1, &by(number), Some(number.to_string()));
        }
        assert_eq!(created.of(1, &by(0)), None);
        assert_eq!(created.of(1, &by(1)), Some("1"));
        assert_eq!(created.of(2, &by(1)), None, "another account");
        created.keep(1, &by(1), Some("7".to_owned()));
        assert_eq!(created.of(1, &by(1)), Some("7"));
        created.forget("7");
        assert_eq!(created.of(1, &by(1)), None);
        created.keep(1, &by(1), Some("8".to_owned()));
        created.keep(1, &by(1), None);
        assert_eq!(created.of(1, &by(1)), None);
    }
}
