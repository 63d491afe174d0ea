//! Related rows that an instance has read.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde_json::Value;

use crate::instance::Instance;

/// The related rows that are known, by relation. Takes two words of an instance that has none.
#[derive(Default)]
pub(crate) struct Known(OnceLock<Arc<Mutex<Relations>>>);

type Relations = HashMap<String, Rows>;

#[derive(Clone)]
struct Rows {
    /// What pointed at them: with another value, other rows are meant.
    keys: Value,
    rows: Arc<dyn Any + Send + Sync>,
    /// They are those that a queryset has, which may leave some out.
    chosen: bool,
}

/// The related rows of one row.
pub(crate) struct Found<N> {
    pub(crate) rows: Vec<Arc<Instance<N>>>,
    /// They are those that a queryset has, which may leave some out.
    pub(crate) chosen: bool,
}

impl Known {
    /// The same rows, which are still kept here when the instance is elsewhere.
    pub(crate) fn share(&self) -> Self {
        let shared = OnceLock::new();
        let _ = shared.set(Arc::clone(self.0.get_or_init(Arc::default)));
        Self(shared)
    }

    pub(crate) fn get<N: 'static>(&self, relation: &str, keys: &Value) -> Option<Found<N>>
    where
        Instance<N>: Send + Sync,
    {
        let known = self.0.get()?.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(relation).filter(|found| found.keys == *keys)?;
        Some(Found {
            rows: found.rows.downcast_ref().cloned()?,
            chosen: found.chosen,
        })
    }

    pub(crate) fn keep<N: 'static>(&self, relation: &str, keys: Value, found: Found<N>)
    where
        Instance<N>: Send + Sync,
    {
        let (rows, chosen) = (Arc::new(found.rows), found.chosen);
        let known = self.0.get_or_init(Arc::default);
        known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(relation.to_owned(), Rows { keys, rows, chosen });
    }
}

/// A copy that goes its own way.
impl Clone for Known {
    fn clone(&self) -> Self {
        let known = self.0.get().map(|known| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(Mutex::new(known.clone()))
        });
        Self(known.map_or_else(OnceLock::new, OnceLock::from))
    }
}
