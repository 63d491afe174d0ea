//! The values that a write sets, by the names that are sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value, value::RawValue};

use crate::{
    error::{Error, Result},
    evaluate::{Fields, is_written_finer, leaves_zone_open},
    filter::Q,
    model::{Equality, FieldMeta, ModelMeta},
    plan::Assignment,
    row::Row,
    unsaved::{have_same_elements, is_same},
    value::wide_integer,
    written::fields,
};

/// Values for fields of a row. A field that holds an object may be set as a whole or in parts, `address__city`, not both.
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
    pub fn new<M>(
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

    /// The values that a new row must have to satisfy the equalities of a filter; other lookups say nothing about a value, nor does one across
    /// a relation: that is a value of another row.
    ///
    /// # Errors
    /// `InvalidRequest` for a field that is compared as a whole and in part.
    pub fn equalities(q: &Q, model: &ModelMeta) -> Result<Self> {
        let mut values = Self::default();
        let equalities = q.equalities().into_iter();
        for lookup in equalities.filter(|lookup| !model.is_across_relation(lookup)) {
            let root = match lookup.root() {
                "pk" => model.primary_key(),
                root => root,
            };
            let below = &lookup.path[lookup.root().len()..];
            let path = format!("{}{below}", model.sent_as(root));
            values.set(&path, lookup.value.clone())?;
        }
        Ok(values)
    }

    /// Sets the value at a path: `address__city` is the part `city` of the object `address`.
    ///
    /// # Errors
    /// `InvalidRequest` for a field that is set as a whole and in part.
    pub fn set(&mut self, path: &str, value: Value) -> Result<()> {
        let root = match path.split_once("__") {
            Some((root, _)) => root,
            None => path,
        };
        let in_part = root != path;
        if self.values.contains_key(root) && in_part != self.in_parts.contains(root) {
            return Err(twice(root));
        }
        if in_part {
            self.in_parts.insert(root.to_owned());
        }
        insert(&mut self.values, path, value)
    }

    /// The values as the body of a new row.
    #[must_use]
    pub fn into_values(self) -> Map<String, Value> {
        self.values
    }

    /// The body of a new row: these values, with what `new` says in their place. Of an object that is set in parts, the parts
    /// that `new` leaves out stay.
    #[must_use]
    pub fn completed_by(mut self, new: &Map<String, Value>) -> Map<String, Value> {
        for (name, value) in new {
            let value = match self.values.get(name) {
                Some(parts) if self.in_parts.contains(name) => {
                    merged(name, parts, value).unwrap_or_else(|_| value.clone())
                }
                _ => value.clone(),
            };
            self.values.insert(name.clone(), value);
        }
        self.values
    }

    /// What has to be sent to a row for it to have the values; one that it has in another spelling is no change, unless the field is
    /// declared as text, if the row shows every digit of it, and shows it as filters take it: `fields` tell where it does not. Objects are sent whole, because a server may put
    /// what it is sent in place of what it has.
    ///
    /// # Errors
    /// `Decode` for what is not a row; `InvalidRequest` for a part of what is not an object in the row.
    pub fn changes(
        &self,
        model: &ModelMeta,
        row: &Row,
        known: &Fields,
    ) -> Result<Map<String, Value>> {
        let row = fields(row.bytes()).ok_or_else(|| Error::decode("a row is not a JSON object"))?;
        let mut changes = Map::new();
        for (name, value) in &self.values {
            let field = model.sent_field(name);
            let shown = match field {
                Some(field) => field.name_in(|name| row.contains_key(name)),
                None => name,
            };
            let text = row.get(shown);
            let now = text.and_then(|text| serde_json::from_str::<Value>(text.get()).ok());
            let next = match &now {
                Some(now) if self.in_parts.contains(name) => {
                    if let Some(integer) = text.and_then(|text| wide_integer(text.get().as_bytes()))
                    {
                        return Err(Error::invalid_request(format!(
                            "`{name}` holds the integer {integer}, which needs more than 64 bits and would be rounded: set \
                             the whole object"
                        )));
                    }
                    merged(name, now, value)?
                }
                _ => value.clone(),
            };
            let is_equal = |now: Value| match field.map(FieldMeta::equality) {
                Some(Equality::Text) => next == now,
                Some(Equality::Unordered) if have_same_elements(&next, &now) => true,
                _ => is_same(known, shown, &next, &now),
            };
            let may_differ = text.is_some_and(|text| is_unseen(known, field, name, &next, text));
            if may_differ || !now.is_some_and(is_equal) {
                changes.insert(name.clone(), next);
            }
        }
        Ok(changes)
    }

    /// The names of the values that the row may not have although it seems to, see [`changes`](Self::changes).
    ///
    /// # Errors
    /// `Decode` for what is not a row.
    pub fn unseen(&self, model: &ModelMeta, row: &Row, known: &Fields) -> Result<Vec<&str>> {
        let row = fields(row.bytes()).ok_or_else(|| Error::decode("a row is not a JSON object"))?;
        let unseen = self.values.iter().filter(|(name, value)| {
            let field = model.sent_field(name);
            let shown = match field {
                Some(field) => field.name_in(|name| row.contains_key(name)),
                None => name,
            };
            let text = row.get(shown);
            text.is_some_and(|text| is_unseen(known, field, name, value, text))
        });
        Ok(unseen.map(|(name, _)| name.as_str()).collect())
    }
}

/// Whether a value that the row seems to have may be another one there: the row shows the field in another form, or fewer digits than
/// the value is written with, or the one is an instant and the other leaves its zone to the server. `name` is that in bodies.
fn is_unseen(
    known: &Fields,
    field: Option<&FieldMeta>,
    name: &str,
    value: &Value,
    shown: &RawValue,
) -> bool {
    let read_as = field.map_or(name, FieldMeta::read_as);
    let leaves_zone_open =
        || serde_json::from_str(shown.get()).is_ok_and(|shown| leaves_zone_open(value, &shown));
    !known.shows(read_as, value) || is_written_finer(value, shown.get()) || leaves_zone_open()
}

fn twice(name: &str) -> Error {
    Error::invalid_request(format!("`{name}` is set both as a whole and in part"))
}

fn insert(into: &mut Map<String, Value>, path: &str, value: Value) -> Result<()> {
    match path.split_once("__") {
        None if into.get(path).is_some_and(Value::is_object) && !value.is_object() => {
            Err(twice(path))
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
            _ => Err(twice(head)),
        },
    }
}

/// The object at `path` with parts put into it. In place of a null they make an object.
fn merged(path: &str, now: &Value, parts: &Value) -> Result<Value> {
    match (now, parts) {
        (Value::Object(now), Value::Object(parts)) => {
            let mut all = now.clone();
            for (name, part) in parts {
                let part = match now.get(name) {
                    Some(now) if part.is_object() => merged(&format!("{path}__{name}"), now, part)?,
                    _ => part.clone(),
                };
                all.insert(name.clone(), part);
            }
            Ok(Value::Object(all))
        }
        (Value::Null, _) => Ok(parts.clone()),
        _ => Err(Error::invalid_request(format!(
            "`{path}` is not an object in the row, so no part of it can be set"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lookup::Lookup;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn model() -> ModelMeta {
        ModelMeta::new("User", "/users/").with_fields(vec![
            FieldMeta::new("id"),
            FieldMeta::new("author").with_sent_as("author_id"),
        ])
    }

    fn changes(assigned: &Assigned, row: Value) -> Result<Map<String, Value>> {
        assigned.changes(&model(), &Row::new(row.to_string()), &Fields::default())
    }

    #[test]
    fn a_part_is_sent_with_what_surrounds_it() {
        let mut assigned = Assigned::default();
        assigned.set("address__city", json!("Cairo")).unwrap();
        let row = json!({"id": 1, "address": {"city": "Bonn", "zip": "1"}});
        assert_eq!(
            changes(&assigned, row).unwrap(),
            object(json!({"address": {"city": "Cairo", "zip": "1"}}))
        );
        let same = json!({"address": {"city": "Cairo", "zip": "1"}});
        assert!(changes(&assigned, same).unwrap().is_empty());
        assert_eq!(
            changes(&assigned, json!({"address": null})).unwrap(),
            object(json!({"address": {"city": "Cairo"}}))
        );
        for no_object in [json!("Bonn"), json!([1]), json!({"n": 1_u64})] {
            let error = changes(&assigned, json!({"address": no_object}));
            assert_eq!(error.is_err(), !no_object.is_object(), "{no_object}");
        }
        let wide = r#"{"address": {"city": "Bonn", "n": 123456789012345678901}}"#;
        let refused = assigned.changes(&model(), &Row::new(wide), &Fields::default());
        assert!(refused.is_err());
    }

    #[test]
    fn an_equal_value_in_another_spelling_is_no_change() {
        let assigned = Assigned::from(object(json!({"at": "2024-01-02T10:00:00Z", "n": 1})));
        let row = json!({"at": "2024-01-02T11:00:00+01:00", "n": 1.0});
        assert!(changes(&assigned, row).unwrap().is_empty());
        let row = json!({"at": "2024-01-02T11:00:01+01:00", "n": "1"});
        assert_eq!(changes(&assigned, row).unwrap().len(), 2);
        let sets = ModelMeta::new("User", "/users/").with_fields(vec![
            FieldMeta::new("set").unordered(),
            FieldMeta::new("list"),
        ]);
        let assigned = Assigned::from(object(json!({"set": [1, 2], "list": [1, 2]})));
        let row = Row::new(json!({"set": [2, 1], "list": [2, 1]}).to_string());
        let changes = assigned.changes(&sets, &row, &Fields::default()).unwrap();
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["list"]);
    }

    #[test]
    fn an_equal_value_is_a_change_where_the_row_may_have_another_one() {
        let fields = Fields::default().decimal("x");
        let is_sent = |value: Value, shown: &str| {
            let assigned = Assigned::from(object(json!({"x": value})));
            let row = Row::new(format!(r#"{{"x": {shown}}}"#));
            !assigned
                .changes(&model(), &row, &fields)
                .unwrap()
                .is_empty()
        };
        for (value, shown) in [
            (json!("1.00"), r#""1.0""#),
            (json!("1.0"), r#""1""#),
            (json!("150e-2"), r#""1.5""#),
        ] {
            assert!(is_sent(value.clone(), shown), "{value} {shown}");
        }
        for (value, shown) in [
            (json!("1.5"), r#""1.50""#),
            (json!("1.50"), r#""1.50""#),
            (json!("1.50"), "1.50"),
            (json!("1.50"), "1.5"),
            (json!("1.500"), r#""1.50""#),
            (json!("1E+2"), r#""100.0""#),
            (json!(1.5), r#""1.5""#),
            (json!(2), "2.0"),
            (json!(2.0), "2"),
            (json!(2.0), r#""2""#),
        ] {
            assert!(!is_sent(value.clone(), shown), "{value} {shown}");
        }
        let fields = Fields::default();
        let is_sent = |value: &str, shown: &str| {
            let assigned = Assigned::from(object(json!({"x": value})));
            let row = Row::new(json!({"x": shown}).to_string());
            !assigned
                .changes(&model(), &row, &fields)
                .unwrap()
                .is_empty()
        };
        for (value, shown) in [
            ("2024-01-02T10:00:00Z", "2024-01-02T10:00Z"),
            ("2024-01-02T10:00", "2024-01-02"),
            ("10:00:00", "10:00"),
            ("1 02:00:00", "1 02:00"),
            ("PT60S", "00:01"),
            ("2024-01-02", "2024-01-02T00:00:00Z"),
            ("2024-01-02T10:00:00", "2024-01-02T10:00:00Z"),
            ("2024-01-02T10:00:00Z", "2024-01-02T10:00:00"),
        ] {
            assert!(is_sent(value, shown), "{value} {shown}");
        }
        for (value, shown) in [
            ("2024-01-02T10:00:00Z", "2024-01-02T11:00:00.000000+01:00"),
            ("2024-01-02T10:00:00.000Z", "2024-01-02T10:00:00Z"),
            ("PT26H0.000S", "1 02:00:00"),
            ("2024-01-02T00:00:00", "2024-01-02T00:00:00"),
            ("10:00", "10:00:00"),
            ("P1DT2H", "1 02:00:00"),
            ("P1DT2H", "PT93600S"),
            ("PT93600S", "P1DT2H"),
            ("PT0.5S", "00:00:00.500000"),
            ("1.00 kg", "1.00 kg"),
        ] {
            assert!(!is_sent(value, shown), "{value} {shown}");
        }
    }

    #[test]
    fn a_text_in_another_spelling_is_a_change() {
        let text = FieldMeta::typed::<Option<String>>("at");
        let model = ModelMeta::new("User", "/users/").with_fields(vec![text]);
        let count = |value: &str| {
            let assigned = Assigned::from(object(json!({"at": value})));
            let row = Row::new(r#"{"at": "2024-01-02T10:00:00Z"}"#);
            let changes = assigned.changes(&model, &row, &Fields::default());
            changes.unwrap().len()
        };
        assert_eq!(count("2024-01-02T11:00:00+01:00"), 1);
        assert_eq!(count("2024-01-02T10:00:00Z"), 0);
    }

    #[test]
    fn what_is_shown_in_another_form_is_a_change() {
        let row = Row::new(r#"{"author": 7, "address": {"city": "Bonn", "zip": "1"}}"#);
        let names = |path: &str, value: Value| {
            let mut assigned = Assigned::default();
            assigned.set(path, value).unwrap();
            let fields = ["author", "address__city", "author__name"]
                .into_iter()
                .fold(Fields::default(), Fields::shown_otherwise);
            let changes = assigned.changes(&model(), &row, &fields).unwrap();
            changes.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names("author_id", json!(7)), ["author_id"]);
        assert_eq!(names("address__city", json!("Bonn")), ["address"]);
        let whole = json!({"city": "Bonn", "zip": "1"});
        assert_eq!(names("address", whole), ["address"]);
        // The name of another row is not what is set.
        let names_only = Fields::default().shown_otherwise("author__name");
        let assigned = Assigned::from(object(json!({"author_id": 7})));
        let changes = assigned.changes(&model(), &row, &names_only).unwrap();
        assert!(changes.is_empty());
    }

    #[test]
    fn a_whole_takes_the_place_of_what_was_there() {
        let assigned = Assigned::from(object(json!({"settings": {"a": 1}, "name": "x"})));
        let row = json!({"settings": {"a": 1, "b": 2}, "name": "x"});
        assert_eq!(
            changes(&assigned, row).unwrap(),
            object(json!({"settings": {"a": 1}}))
        );
    }

    #[test]
    fn whole_and_part_is_a_mistake() {
        for whole in [json!(null), json!({"zip": "1"})] {
            let mut assigned = Assigned::default();
            assigned.set("address", whole.clone()).unwrap();
            assert!(assigned.set("address__city", json!("x")).is_err());
            let mut assigned = Assigned::default();
            assigned.set("address__city", json!("x")).unwrap();
            assert!(assigned.set("address", whole).is_err());
        }
    }

    #[test]
    fn a_new_row_has_what_a_filter_says_by_the_names_that_are_sent() {
        let lookup = |name: &str, value: Value| Q::Lookup(Lookup::parse(name, value));
        let q = lookup("pk", json!(3))
            .and(lookup("author", json!(7)))
            .and(lookup("address__city__exact", json!("Bonn")))
            .and(lookup("age__gte", json!(18)))
            .and(lookup("a", json!(1)).or(lookup("b", json!(2))));
        assert_eq!(
            Assigned::equalities(&q, &model()).unwrap().into_values(),
            object(json!({"id": 3, "author_id": 7, "address": {"city": "Bonn"}}))
        );
        let new = object(json!({"address": {"zip": "1"}, "name": "n"}));
        assert_eq!(
            Assigned::equalities(&q, &model())
                .unwrap()
                .completed_by(&new),
            object(
                json!({"id": 3, "author_id": 7, "address": {"city": "Bonn", "zip": "1"}, "name": "n"})
            )
        );
        assert!(
            changes(
                &Assigned::from(object(json!({"author_id": 7}))),
                json!({"id": 1, "author": 7})
            )
            .unwrap()
            .is_empty()
        );
    }
}
