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
}

impl Known {
    /// The same rows, which are still kept here when the instance is elsewhere.
    pub(crate) fn share(&self) -> Self {
        let shared = OnceLock::new();
        let _ = shared.set(Arc::clone(self.0.get_or_init(Arc::default)));
        Self(shared)
    }

    pub(crate) fn get<N: 'static>(
        &self,
        relation: &str,
        keys: &Value,
    ) -> Option<Vec<Arc<Instance<N>>>>
    where
        Instance<N>: Send + Sync,
    {
        let known = self.0.get()?.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(relation).filter(|found| found.keys == *keys)?;
        found.rows.downcast_ref().cloned()
    }

    pub(crate) fn keep<N: 'static>(&self, relation: &str, keys: Value, rows: Vec<Arc<Instance<N>>>)
    where
        Instance<N>: Send + Sync,
    {
        let rows = Arc::new(rows);
        let known = self.0.get_or_init(Arc::default);
        known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(relation.to_owned(), Rows { keys, rows });
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
