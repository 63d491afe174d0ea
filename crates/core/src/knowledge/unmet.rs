//! What new rows do not satisfy of the filters that they were created for.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Map, Value};

use crate::filter::Q;

/// How many are kept: the latest ones.
const KEPT: usize = 256;

/// The latest parts of filters, with what was sent for the fields that they are about: another value may satisfy them. Behind a
/// pointer, as each query takes a copy of what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Unmet(Arc<VecDeque<(Q, Map<String, Value>)>>);

impl Unmet {
    pub(super) fn has(&self, part: &Q, sent: &Map<String, Value>) -> bool {
        (self.0.iter()).any(|(known, values)| known == part && values == sent)
    }

    pub(super) fn keep(&mut self, part: &Q, sent: Map<String, Value>) {
        if self.has(part, &sent) {
            return;
        }
        let parts = Arc::make_mut(&mut self.0);
        parts.push_back((part.clone(), sent));
        if parts.len() > KEPT {
            parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lookup::Lookup;

    #[test]
    fn the_latest_parts_are_kept() {
        let part = |number: usize| Q::Lookup(Lookup::parse("n__gte", json!(number)));
        let sent = |n: usize| Map::from_iter([("n".to_owned(), json!(n))]);
        let mut unmet = Unmet::default();
        for number in 0..=KEPT {
            unmet.keep(&part(number), sent(1));
            unmet.keep(&part(number), sent(1));
        }
        assert!(!unmet.has(&part(0), &sent(1)) && unmet.has(&part(1), &sent(1)));
        assert!(!unmet.has(&part(1), &sent(2)), "another value");
    }
}
