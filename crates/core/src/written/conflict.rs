//! What others have made of a row between the moment when it was read and that of a write.

use serde_json::{Value, value::RawValue};

use super::{Fields, Write, exact, fields_of, same};
use crate::{
    evaluate,
    model::{FieldMeta, ModelMeta},
    row::Row,
    unsaved::is_same,
};

impl Write<'_> {
    /// The names, in bodies, of what is to be written and what the server shows otherwise by now than when the row was read: both
    /// sides have changed it. That both may have made it the same does not count, because each may have counted one up.
    #[must_use]
    pub fn changed_meanwhile(&self, current: &Row) -> Vec<String> {
        self.changed(current, true)
    }

    /// The same, but for fields that only one of both rows shows: the answers to a write and to a read may be different parts of
    /// the row.
    #[must_use]
    pub fn shown_otherwise(&self, current: &Row) -> Vec<String> {
        self.changed(current, false)
    }

    fn changed(&self, current: &Row, counts_unshown: bool) -> Vec<String> {
        let Some((before, current)) = self.row.and_then(fields_of).zip(fields_of(current)) else {
            return Vec::new();
        };
        let known = self.model.known_fields();
        let has_changed = |sent_as: &str| {
            let field = self.model.sent_field(sent_as);
            if field.is_some_and(FieldMeta::is_write_only) {
                return false;
            }
            let name = |row: &Fields| {
                field
                    .map_or(sent_as, |field| {
                        field.name_in(|name| row.contains_key(name))
                    })
                    .to_owned()
            };
            let (was, now) = (name(&before), name(&current));
            match (before.get(&was), current.get(&now)) {
                (Some(before), Some(current)) => !are_same(&known, &now, before, current),
                (before, current) => counts_unshown && (before.is_some() || current.is_some()),
            }
        };
        let names = self.sent.keys().filter(|name| has_changed(name));
        names.cloned().collect()
    }
}

/// The names of what both rows show, and show otherwise; but for read-only fields, which the server changes by itself.
#[must_use]
pub fn differing(model: &ModelMeta, one: &Row, other: &Row) -> Vec<String> {
    let Some((one, other)) = fields_of(one).zip(fields_of(other)) else {
        return Vec::new();
    };
    let known = model.known_fields();
    let is_server_s = |name: &str| model.read_field(name).is_some_and(FieldMeta::is_read_only);
    let shown = one.iter().filter_map(|(name, one)| {
        let other = other.get(name).filter(|_| !is_server_s(name))?;
        (!are_same(&known, name, one, other)).then(|| name.clone())
    });
    shown.collect()
}

/// Whether both are the same value of the field, which may be spelt in two ways.
fn are_same(known: &evaluate::Fields, name: &str, one: &RawValue, other: &RawValue) -> bool {
    let value = |text: &RawValue| exact(name, text).ok();
    let values: Option<(Value, Value)> = value(one).zip(value(other));
    same(one, other) || values.is_some_and(|(one, other)| is_same(known, name, &one, &other))
}

/// Whether two rows show the same: the same fields with the same values.
#[must_use]
pub fn show_the_same(one: &Row, other: &Row) -> bool {
    let Some((one, other)) = fields_of(one).zip(fields_of(other)) else {
        return false;
    };
    let is_shown =
        |name: &String, value: &RawValue| other.get(name).is_some_and(|other| same(value, other));
    one.len() == other.len() && one.iter().all(|(name, value)| is_shown(name, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ModelMeta;

    fn row(text: &str) -> Row {
        Row::new(text.to_owned())
    }

    /// Looks at the row before a write of the name and the age: what has changed meanwhile, and what is shown otherwise.
    fn looked(before: &str, current: &str) -> [Vec<String>; 2] {
        let model = ModelMeta::new("User", "/users/");
        let sent = json!({"name": "Bob", "age": 7});
        let write = Write {
            model: &model,
            row: Some(&row(before)),
            key: Some("1"),
            sent: sent.as_object().unwrap(),
        };
        let current = row(current);
        [
            write.changed_meanwhile(&current),
            write.shown_otherwise(&current),
        ]
    }

    fn changed(before: &str, current: &str) -> Vec<String> {
        let [changed, _] = looked(before, current);
        changed
    }

    #[test]
    fn only_what_is_to_be_written_counts() {
        let before = r#"{"id": 1, "name": "Ann", "age": 6, "city": "Bonn"}"#;
        assert!(
            changed(
                before,
                r#"{"city": "Ulm", "age": 6, "name": "Ann", "id": 1}"#
            )
            .is_empty()
        );
        assert_eq!(
            changed(before, r#"{"id": 1, "name": "Eve", "age": 6}"#),
            ["name"]
        );
        assert_eq!(changed(before, r#"{"id": 1, "name": "Ann"}"#), ["age"]);
    }

    #[test]
    fn the_same_change_by_another_is_a_change() {
        let before = r#"{"id": 1, "name": "Ann", "age": 6}"#;
        assert_eq!(
            changed(before, r#"{"id": 1, "name": "Ann", "age": 7}"#),
            ["age"]
        );
    }

    #[test]
    fn integers_that_would_be_rounded_are_told_apart() {
        let of = |age: &str| format!(r#"{{"name": "Ann", "age": {age}}}"#);
        let (one, other) = ("100000000000000000000001", "100000000000000000000002");
        assert_eq!(changed(&of(one), &of(other)), ["age"]);
        assert!(changed(&of(one), &of(one)).is_empty());
    }

    #[test]
    fn a_field_that_only_one_of_two_answers_shows_is_not_shown_otherwise() {
        let before = r#"{"id": 1, "name": "Ann", "age": 6}"#;
        for (current, meanwhile, otherwise) in [
            (
                r#"{"name": "Eve", "age": 7}"#,
                vec!["age", "name"],
                vec!["age", "name"],
            ),
            (r#"{"name": "Eve"}"#, vec!["age", "name"], vec!["name"]),
            ("{}", vec!["age", "name"], vec![]),
            ("[]", vec![], vec![]),
        ] {
            assert_eq!(
                looked(before, current),
                [meanwhile.clone(), otherwise.clone()],
                "{current}"
            );
            assert_eq!(looked(current, before), [meanwhile, otherwise], "{current}");
        }
        assert!(
            changed("{}", "{}").is_empty(),
            "neither shows what is written"
        );
    }

    #[test]
    fn rows_differ_in_what_both_show_and_only_a_program_changes() {
        let fields = ["id", "name", "age"].map(FieldMeta::new);
        let saved = FieldMeta::new("saved").read_only();
        let model = ModelMeta::new("User", "/users/")
            .with_fields(fields.into_iter().chain([saved]).collect());
        let differing = |one, other| differing(&model, &row(one), &row(other));
        let one = r#"{"id": 1, "name": "Ann", "age": 6, "saved": "10:00"}"#;
        for (other, names) in [
            (
                r#"{"saved": "10:00", "age": 6, "name": "Ann", "id": 1}"#,
                vec![],
            ),
            (
                r#"{"id": 1, "name": "Eve", "age": 7, "saved": "10:00"}"#,
                vec!["age", "name"],
            ),
            (r#"{"id": 1, "name": "Eve", "unknown": 3}"#, vec!["name"]),
            (
                r#"{"id": 1, "name": "Ann", "age": 6, "saved": "10:01"}"#,
                vec![],
            ),
            ("[]", vec![]),
        ] {
            assert_eq!(differing(one, other), names, "{other}");
            assert_eq!(differing(other, one), names, "{other}");
        }
    }

    #[test]
    fn rows_show_the_same_whatever_the_order_of_their_fields() {
        let same = |one, other| show_the_same(&row(one), &row(other));
        assert!(same(r#"{"a": 1, "b": [1]}"#, r#"{"b":[1],"a":1}"#));
        assert!(!same(r#"{"a": 1, "b": 1}"#, r#"{"a": 1}"#));
        assert!(!same(r#"{"a": 1}"#, r#"{"a": 2}"#));
        assert!(!same("[]", "[]"));
    }
}
