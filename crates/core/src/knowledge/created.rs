//! The rows that were created because none was found: a list may not show them.

use std::{collections::VecDeque, sync::Arc};

use crate::filter::Q;

/// How many are kept: the latest ones.
const KEPT: usize = 256;

/// The latest rows, by what they were looked up by. Behind a pointer, as each query takes a copy of what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Created(Arc<VecDeque<(Q, String)>>);

impl Created {
    pub(super) fn of(&self, lookups: &Q) -> Option<&str> {
        let mut rows = self.0.iter();
        rows.find(|(known, _)| known == lookups)
            .map(|(_, key)| key.as_str())
    }

    /// Keeps the key of a row; without one, that the row is gone.
    pub(super) fn keep(&mut self, lookups: &Q, key: Option<String>) {
        let rows = Arc::make_mut(&mut self.0);
        rows.retain(|(known, _)| known != lookups);
        rows.extend(key.map(|key| (lookups.clone(), key)));
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
            created.keep(&by(number), Some(number.to_string()));
        }
        assert_eq!(created.of(&by(0)), None);
        assert_eq!(created.of(&by(1)), Some("1"));
        created.keep(&by(1), Some("7".to_owned()));
        assert_eq!(created.of(&by(1)), Some("7"));
        created.keep(&by(1), None);
        assert_eq!(created.of(&by(1)), None);
    }
}
