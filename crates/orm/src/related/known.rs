//! Related rows that an instance has read.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde_json::Value;

use super::page::Place;
use crate::instance::Instance;

/// The related rows that are known, by relation, and where those of rows that were read with this one are. Takes a few words of an
/// instance that has none.
#[derive(Default)]
pub(crate) struct Known {
    kept: OnceLock<Arc<Mutex<Relations>>>,
    place: Option<Place>,
}

type Relations = HashMap<String, Rows>;

#[derive(Clone)]
struct Rows {
    /// What pointed at them: with another value, other rows are meant.
    keys: Value,
    rows: Arc<dyn Any + Send + Sync>,
    /// They are those that a queryset has, which may leave some out.
    chosen: bool,
    prefetched: bool,
}

/// The related rows of one row.
pub(crate) struct Found<N> {
    pub(crate) rows: Vec<Arc<Instance<N>>>,
    /// They are those that a queryset has, which may leave some out.
    pub(crate) chosen: bool,
    /// They came with the rows that they are related to.
    pub(crate) prefetched: bool,
}

impl Known {
    /// Those of a row that was read with others.
    pub(crate) fn at(place: Option<Place>) -> Self {
        Self {
            kept: OnceLock::new(),
            place,
        }
    }

    /// The same rows, which are still kept here when the instance is elsewhere.
    pub(crate) fn share(&self) -> Self {
        Self {
            kept: OnceLock::from(Arc::clone(self.kept.get_or_init(Arc::default))),
            place: self.place.clone(),
        }
    }

    /// Where the row stands among those that were read with it, if there were some.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    pub(crate) fn get<N: 'static>(&self, relation: &str, keys: &Value) -> Option<Found<N>>
    where
        Instance<N>: Send + Sync,
    {
        let known = self
            .kept
            .get()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = known.get(relation).filter(|found| found.keys == *keys)?;
        Some(Found {
            rows: found.rows.downcast_ref().cloned()?,
            chosen: found.chosen,
            prefetched: found.prefetched,
        })
    }

    /// Lets the relation be asked for again, at its nested routes, too.
    pub(crate) fn forget(&self, relation: &str) {
        if let Some(known) = self.kept.get() {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|kept, _| kept.split('@').next() != Some(relation));
        }
        if let Some(place) = &self.place {
            place.forget(relation);
        }
    }

    pub(crate) fn keep<N: 'static>(&self, relation: &str, keys: Value, found: Found<N>)
    where
        Instance<N>: Send + Sync,
    {
        let rows = Rows {
            keys,
            rows: Arc::new(found.rows),
            chosen: found.chosen,
            prefetched: found.prefetched,
        };
        let known = self.kept.get_or_init(Arc::default);
        known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(relation.to_owned(), rows);
    }
}

/// A copy that goes its own way.
impl Clone for Known {
    fn clone(&self) -> Self {
        let kept = self.kept.get().map(|known| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(Mutex::new(known.clone()))
        });
        Self {
            kept: kept.map_or_else(OnceLock::new, OnceLock::from),
            place: self.place.clone(),
        }
    }
}
