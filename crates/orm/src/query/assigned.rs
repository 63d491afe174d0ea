//! The values that a write sets, by wire name.

use std::collections::BTreeSet;

use django_api_orm_core::{Assignment, Error, ModelMeta, Result};
use serde_json::{Map, Value};

/// Values for fields of a row. A field that holds an object may be set as a whole or in parts.
#[derive(Debug, Clone, Default)]
pub struct Assigned {
    values: Map<String, Value>,
    in_parts: BTreeSet<String>,
}

impl From<Map<String, Value>> for Assigned {
    fn from(values: Map<String, Value>) -> Self {
        Self {
            values,
            in_parts: BTreeSet::new(),
        }
    }
}

impl Assigned {
    /// Collects assignments to a model's fields.
    ///
    /// # Errors
    /// `InvalidRequest` for a value without a JSON form, for a read-only field, and for one that is set as a whole and in
    /// part.
    pub(crate) fn new<M>(
        assignments: impl IntoIterator<Item = Assignment<M>>,
        model: &ModelMeta,
    ) -> Result<Self> {
        let mut assigned = Self::default();
        for assignment in assignments {
            let (path, value) = assignment.into_pair()?;
            assigned.set(&path, value)?;
        }
        match assigned.values.keys().find(|name| model.is_read_only(name)) {
            Some(name) => Err(Error::invalid_request(format!(
                "`{}.{name}` is read-only and cannot be set",
                model.name()
            ))),
            None => Ok(assigned),
        }
    }

    /// Sets the value at a path: `address__city` is the part `city` of the object `address`.
    ///
    /// # Errors
    /// `InvalidRequest` for a field that is set as a whole and in part.
    pub fn set(&mut self, path: &str, value: Value) -> Result<()> {
        if let Some((root, _)) = path.split_once("__") {
            self.in_parts.insert(root.to_owned());
        }
        insert(&mut self.values, path, value)
    }

    /// The values as the body of a new row.
    pub(crate) fn into_values(self) -> Map<String, Value> {
        self.values
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.values.keys()
    }

    /// The fields that have to be sent to a row which has these values now. Objects are sent whole, because a server may
    /// put what it is sent in place of what it has.
    pub(crate) fn changes(&self, current: &Map<String, Value>) -> Map<String, Value> {
        let mut changes = Map::new();
        for (name, value) in &self.values {
            let now = current.get(name);
            let next = match now {
                Some(now) if self.in_parts.contains(name) => merged(now, value),
                _ => value.clone(),
            };
            if now != Some(&next) {
                changes.insert(name.clone(), next);
            }
        }
        changes
    }
}

fn insert(into: &mut Map<String, Value>, path: &str, value: Value) -> Result<()> {
    let mistake =
        |name: &str| Error::invalid_request(format!("`{name}` is set as a whole and in part"));
    match path.split_once("__") {
        None if into.get(path).is_some_and(Value::is_object) && !value.is_object() => {
            Err(mistake(path))
        }
        None => {
            into.insert(path.to_owned(), value);
            Ok(())
        }
        Some((head, rest)) => match into
            .entry(head)
            .or_insert_with(|| Value::Object(Map::new()))
        {
            Value::Object(inner) => insert(inner, rest, value),
            _ => Err(mistake(head)),
        },
    }
}

/// The object with the parts of another put into it.
fn merged(now: &Value, parts: &Value) -> Value {
    match (now, parts) {
        (Value::Object(now), Value::Object(parts)) => {
            let mut all = now.clone();
            for (name, part) in parts {
                let part = now
                    .get(name)
                    .map_or_else(|| part.clone(), |now| merged(now, part));
                all.insert(name.clone(), part);
            }
            Value::Object(all)
        }
        _ => parts.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_part_is_sent_with_what_surrounds_it() {
        let mut assigned = Assigned::default();
        assigned.set("address__city", json!("Cairo")).unwrap();
        let row = object(json!({"id": 1, "address": {"city": "Bonn", "zip": "1"}}));
        assert_eq!(
            assigned.changes(&row),
            object(json!({"address": {"city": "Cairo", "zip": "1"}}))
        );
        assert!(
            assigned
                .changes(&object(json!({"address": {"city": "Cairo", "zip": "1"}})))
                .is_empty()
        );
        assert_eq!(
            assigned.changes(&object(json!({"address": null}))),
            object(json!({"address": {"city": "Cairo"}}))
        );
    }

    #[test]
    fn a_whole_takes_the_place_of_what_was_there() {
        let assigned = Assigned::from(object(json!({"settings": {"a": 1}, "name": "x"})));
        let row = object(json!({"settings": {"a": 1, "b": 2}, "name": "x"}));
        assert_eq!(
            assigned.changes(&row),
            object(json!({"settings": {"a": 1}}))
        );
    }

    #[test]
    fn whole_and_part_is_a_mistake() {
        let mut assigned = Assigned::default();
        assigned.set("address", json!(null)).unwrap();
        assert!(assigned.set("address__city", json!("x")).is_err());
    }
}
