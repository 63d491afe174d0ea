//! What the server's objects have and a model does not declare: it is sent along, because servers read an object whole.
//!
//! The front door tells what the model declares by encoding the server's row again: what is lost on that way is undeclared.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    model::ModelMeta,
    row::Row,
    written::{Fields, fields},
};

/// The fields of a row as they are sent, objects with what the server's have and the model does not declare. `now` is the row
/// as it would be sent, `before` the server's row, read by the model and encoded again.
///
/// # Errors
/// `InvalidRequest` for what has no JSON form.
pub fn with_undeclared(
    model: &ModelMeta,
    row: &Row,
    now: Fields,
    before: &Fields,
) -> Result<Fields> {
    if !now.values().any(|value| is_nested(value)) {
        return Ok(now);
    }
    let row = fields(row.bytes()).unwrap_or_default();
    let whole = |(name, value): (String, Box<RawValue>)| {
        let shown = match model.sent_field(&name) {
            Some(field) => field.name_in(|name| row.contains_key(name)),
            None => &name,
        };
        let value = match (row.get(shown), before.get(&name)) {
            (Some(was), Some(before)) => whole(model, &value, was, before)?,
            _ => value,
        };
        Ok((name, value))
    };
    now.into_iter().map(whole).collect()
}

fn is_nested(value: &RawValue) -> bool {
    value.get().starts_with(['{', '['])
}

/// A value as it is sent: `now` with what `was` has and the model, which read that as `before`, does not declare.
fn whole(
    model: &ModelMeta,
    now: &RawValue,
    was: &RawValue,
    before: &RawValue,
) -> Result<Box<RawValue>> {
    if let (Some(now), Some(was), Some(before)) = (object(now), object(was), object(before)) {
        if !is_one_type(&now, &before) {
            return encode(&now);
        }
        return encode(&object_with(model, now, &was, &before)?);
    }
    if let (Some(now), Some(was), Some(before)) = (list(now), list(was), list(before)) {
        // Only a key tells which of the server's objects is meant: they may have moved.
        let known: BTreeMap<String, (&Box<RawValue>, &Box<RawValue>)> = was
            .iter()
            .zip(&before)
            .filter_map(|(was, before)| Some((key(was)?, (was, before))))
            .collect();
        let items = now
            .iter()
            .map(|item| match key(item).and_then(|key| known.get(&key)) {
                Some((was, before)) => whole(model, item, was, before),
                None => Ok(item.clone()),
            })
            .collect::<Result<Vec<_>>>()?;
        return encode(&items);
    }
    Ok(now.to_owned())
}

fn object_with(
    model: &ModelMeta,
    mut now: Fields,
    was: &Fields,
    before: &Fields,
) -> Result<Fields> {
    for (read_as, was) in was {
        let name = model.nested_name(read_as, |sent_as| before.contains_key(sent_as));
        match (now.get(name), before.get(name)) {
            (Some(value), Some(before)) => {
                let value = whole(model, value, was, before)?;
                now.insert(name.to_owned(), value);
            }
            // Declared, and taken away; or added by that name since.
            (None, Some(_)) | (Some(_), None) => {}
            (None, None) => {
                now.insert(name.to_owned(), was.clone());
            }
        }
    }
    Ok(now)
}

/// Whether both may be objects of one type: neither has given fields up for others.
fn is_one_type(now: &Fields, before: &Fields) -> bool {
    let covers = |one: &Fields, other: &Fields| other.keys().all(|name| one.contains_key(name));
    covers(now, before) || covers(before, now)
}

fn object(value: &RawValue) -> Option<Fields> {
    serde_json::from_str(value.get()).ok()
}

fn list(value: &RawValue) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(value.get()).ok()
}

/// What tells the objects of a list apart.
fn key(item: &RawValue) -> Option<String> {
    let key = object(item)?.remove("id")?;
    let text = key.get();
    text.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
        .then(|| text.to_owned())
}

fn encode(value: &impl serde::Serialize) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value)
        .map_err(|error| Error::invalid_request("the row has no JSON form").with_source(error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{model::FieldMeta, written::to_fields};

    fn sent(now: &Value, was: &Value, before: &Value) -> Value {
        let model = ModelMeta::new("Thing", "/things/")
            .with_fields(vec![FieldMeta::new("shown").with_sent_as("sent")])
            .with_nested_names([("zip", "zip_code")]);
        let of = |value: &Value| {
            to_fields(&json!({"sent": value}).as_object().cloned().unwrap()).unwrap()
        };
        let row = Row::new(json!({"shown": was}).to_string());
        let fields = with_undeclared(&model, &row, of(now), &of(before)).unwrap();
        serde_json::from_str(fields["sent"].get()).unwrap()
    }

    #[test]
    fn what_is_not_declared_stays() {
        for (now, was, before, whole) in [
            (
                json!({"x": 2}),
                json!({"x": 1, "y": {"z": 1}}),
                json!({"x": 1}),
                json!({"x": 2, "y": {"z": 1}}),
            ),
            (
                json!({"in": {"x": 2}}),
                json!({"in": {"x": 1, "y": 1}, "z": 1}),
                json!({"in": {"x": 1}}),
                json!({"in": {"x": 2, "y": 1}, "z": 1}),
            ),
            // Declared, and taken away.
            (
                json!({"x": 1}),
                json!({"x": 1, "y": 1}),
                json!({"x": 1, "y": 1}),
                json!({"x": 1}),
            ),
            // Of another type.
            (
                json!({"kind": "circle", "radius": 1}),
                json!({"kind": "square", "side": 2, "colour": "red"}),
                json!({"kind": "square", "side": 2}),
                json!({"kind": "circle", "radius": 1}),
            ),
            // Read by one name and sent by another.
            (
                json!({"zip_code": "2", "x": 1}),
                json!({"zip": "1", "x": 1, "y": 1}),
                json!({"zip_code": "1", "x": 1}),
                json!({"zip_code": "2", "x": 1, "y": 1}),
            ),
            (json!({"x": 1}), json!(5), json!(5), json!({"x": 1})),
            (
                json!(null),
                json!({"x": 1, "y": 1}),
                json!({"x": 1}),
                json!(null),
            ),
        ] {
            assert_eq!(sent(&now, &was, &before), whole, "{now} {was}");
        }
    }

    #[test]
    fn objects_of_a_list_are_told_apart_by_their_keys() {
        let was = json!([{"id": 1, "x": 1, "of": "1"}, {"id": 2, "x": 2, "of": "2"}]);
        let before = json!([{"id": 1, "x": 1}, {"id": 2, "x": 2}]);
        let now = json!([{"id": 2, "x": 2}, {"id": 1, "x": 5}, {"id": null, "x": 3}]);
        assert_eq!(
            sent(&now, &was, &before),
            json!([{"id": 2, "x": 2, "of": "2"}, {"id": 1, "x": 5, "of": "1"}, {"id": null, "x": 3}])
        );
    }

    #[test]
    fn no_digit_is_lost() {
        let model = ModelMeta::new("Thing", "/things/").with_fields(vec![FieldMeta::new("o")]);
        let of = |text: &str| fields(text.as_bytes()).unwrap();
        let row = Row::new(r#"{"o": {"x": 1, "n": 123456789012345678901}}"#.to_owned());
        let now = of(r#"{"o": {"x": 2}}"#);
        let whole = with_undeclared(&model, &row, now, &of(r#"{"o": {"x": 1}}"#)).unwrap();
        assert!(whole["o"].get().contains("123456789012345678901"));
    }
}
