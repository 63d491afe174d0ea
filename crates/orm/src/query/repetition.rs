//! Notices a key that comes twice in one walk, in memory that does not grow with the rows that are handed out.

use std::collections::VecDeque;

use django_api_orm_core::row::{Identities, Identity};

/// The keys that a stream remembers: rows that move under a walk come again a page or two later.
const WINDOW: usize = 65_536;

/// The keys of a walk: all of them while its rows are held, else the latest.
#[derive(Debug, Default)]
pub(super) struct SeenKeys {
    keys: Identities,
    /// In the order in which they came, where the oldest will be forgotten.
    latest: Option<VecDeque<Identity>>,
}

impl SeenKeys {
    /// For rows that are handed out as they come.
    pub(super) fn latest() -> Self {
        Self {
            keys: Identities::default(),
            latest: Some(VecDeque::new()),
        }
    }

    /// Takes a key in; gives whether it is new, as far as is remembered.
    pub(super) fn insert(&mut self, key: Identity) -> bool {
        let is_new = self.keys.insert(key);
        if let Some(latest) = self.latest.as_mut().filter(|_| is_new) {
            if latest.len() == WINDOW
                && let Some(oldest) = latest.pop_front()
            {
                self.keys.remove(&oldest);
            }
            latest.push_back(key);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(number: usize) -> Identity {
        Identity::of_key(&json!(number))
    }

    #[test]
    fn a_walk_whose_rows_are_held_remembers_every_key() {
        let mut seen = SeenKeys::default();
        assert!((0..=WINDOW).all(|number| seen.insert(key(number))));
        assert!(!seen.insert(key(0)));
    }

    #[test]
    fn a_stream_remembers_the_latest_keys_only() {
        let mut seen = SeenKeys::latest();
        assert!((0..=WINDOW).all(|number| seen.insert(key(number))));
        assert!(!seen.insert(key(1)));
        assert!(seen.insert(key(0)), "the oldest is forgotten");
        assert_eq!(seen.keys.len(), WINDOW);
        assert_eq!(seen.latest.map(|latest| latest.len()), Some(WINDOW));
    }
}
