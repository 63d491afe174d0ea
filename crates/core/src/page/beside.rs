//! Related rows that an answer has beside its rows, by the field that points at them and by their keys:
//! `{"results": [{"id": 1, "author": 3}], "prefetch": {"author": {"3": {"id": 3, "name": "Ann"}}}}`.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use super::Page;
use crate::{
    in_order::InOrder,
    row::{Row, key_text},
};

/// The related rows by the field that points at them, and by their keys.
type Beside<'a> = HashMap<String, HashMap<String, &'a RawValue>>;

impl Page {
    /// The rows with the related ones that `body`, which they were read from, has under this name: each in the place of its key. Where it
    /// has none in such a form, the rows are as they were.
    #[must_use]
    pub fn with_rows_beside(mut self, body: &Bytes, name: &str) -> Self {
        if let Some(beside) = beside(body, name) {
            for row in &mut self.rows {
                if let Some(text) = with_rows(row.bytes(), &beside) {
                    *row = Row::new(text);
                }
            }
        }
        self
    }
}

fn beside<'a>(body: &'a [u8], name: &str) -> Option<Beside<'a>> {
    let top: HashMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    serde_json::from_str(top.get(name)?.get()).ok()
}

/// The text of a row with the rows that its keys name; nothing where none is there.
fn with_rows(row: &[u8], beside: &Beside<'_>) -> Option<String> {
    let InOrder(fields) = serde_json::from_slice(row).ok()?;
    let mut is_changed = false;
    let mut text = String::from("{");
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        let shown = beside.get(name).and_then(|rows| shown(value, rows));
        is_changed |= shown.is_some();
        text.push_str(shown.as_deref().unwrap_or(value.get()));
    }
    text.push('}');
    is_changed.then_some(text)
}

/// What a key, or a list of them, names; what is not there stays a key.
fn shown(value: &RawValue, rows: &HashMap<String, &RawValue>) -> Option<String> {
    let row = |value: &RawValue| {
        let key: Value = serde_json::from_str(value.get()).ok()?;
        rows.get(&key_text(&key)?).copied()
    };
    if !value.get().starts_with('[') {
        return row(value).map(|row| row.get().to_owned());
    }
    let keys: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let shown = keys.iter().map(|key| row(key).unwrap_or(key).get());
    Some(format!("[{}]", shown.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn rows(body: &'static str) -> Vec<String> {
        let body = Bytes::from_static(body.as_bytes());
        let page = Page::parse(&body, &HeaderMap::new()).unwrap();
        let rows = page.with_rows_beside(&body, "prefetch").into_rows();
        let text = |row: &Row| String::from_utf8(row.bytes().to_vec()).unwrap();
        rows.iter().map(text).collect()
    }

    #[test]
    fn rows_beside_stand_in_the_place_of_their_keys() {
        let body = r#"{"count": 2, "results": [{"id": 1, "b": 1.50, "author": 3, "tags": [7, 9]}, {"id": 2, "author": null}],
            "prefetch": {"author": {"3": {"id": 3, "balance": 0.10}}, "tags": {"7": {"id": 7}}}}"#;
        assert_eq!(
            rows(body),
            [
                r#"{"id":1,"b":1.50,"author":{"id": 3, "balance": 0.10},"tags":[{"id": 7},9]}"#,
                r#"{"id": 2, "author": null}"#
            ]
        );
    }

    #[test]
    fn what_has_another_form_changes_nothing() {
        for beside in [
            "null",
            "[]",
            r#"{"author": [{"id": 3}]}"#,
            r#"{"author": {"4": {"id": 4}}}"#,
            r#"{"author": 3}"#,
        ] {
            let body =
                format!(r#"{{"results": [{{"id": 1, "author": 3}}], "prefetch": {beside}}}"#);
            assert_eq!(rows(body.leak()), [r#"{"id": 1, "author": 3}"#], "{beside}");
        }
        assert_eq!(
            rows(r#"[{"id": 1, "author": 3}]"#),
            [r#"{"id": 1, "author": 3}"#]
        );
    }
}
