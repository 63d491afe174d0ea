//! Reads a few fields of a row without decoding the rest of it.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Decodes only the named top-level keys of one JSON object.
///
/// Everything else is skipped without an allocation, but must still be JSON. A key that the object does not have is
/// absent from the result; of a key that it has twice, the last one counts.
///
/// ```
/// use django_api_orm_core::row;
/// let bytes = br#"{"id": 7, "bio": "a long text", "team": {"name": "core"}}"#;
/// let picked = row::pick(bytes, &["id", "team", "age"])?;
/// assert_eq!(serde_json::Value::Object(picked), serde_json::json!({"id": 7, "team": {"name": "core"}}));
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// The bytes are not one JSON object, or have something after it.
pub fn pick<S: AsRef<str>>(
    bytes: &[u8],
    names: &[S],
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let picked = deserializer.deserialize_map(Row { names })?;
    deserializer.end()?;
    Ok(picked)
}

struct Row<'n, S> {
    names: &'n [S],
}

impl<'de, S: AsRef<str>> Visitor<'de> for Row<'_, S> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = Map::new();
        while let Some(name) = map.next_key_seed(Name { names: self.names })? {
            match name {
                Some(name) => {
                    let value: Value = map.next_value()?;
                    picked.insert(name.to_owned(), value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(picked)
    }
}

/// Reads a key as one of the names, so that a key which is not wanted is never copied.
struct Name<'n, S> {
    names: &'n [S],
}

impl<'de, 'n, S: AsRef<str>> DeserializeSeed<'de> for Name<'n, S> {
    type Value = Option<&'n str>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n, S: AsRef<str>> Visitor<'_> for Name<'n, S> {
    type Value = Option<&'n str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self
            .names
            .iter()
            .map(AsRef::as_ref)
            .find(|name| *name == key))
    }
}

/// Decodes one top-level key of a JSON object and looks no further: keys mostly stand at the front of a row.
///
/// Of a key that the object has twice, the first one counts. What follows the key is not read, so this is only for text
/// that is known to be JSON, such as a row of a parsed page. `None` where the text is not an object or has no such key.
///
/// ```
/// use django_api_orm_core::row;
/// assert_eq!(row::first(br#"{"id": 7, "name": "Ann"}"#, "id"), Some(7.into()));
/// assert_eq!(row::first(br#"{"name": "Ann"}"#, "id"), None);
/// ```
#[must_use]
pub fn first(bytes: &[u8], name: &str) -> Option<Value> {
    let mut found = None;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // Stopping early is an error to the deserializer; what was found stands all the same.
    let _ = deserializer.deserialize_map(Search {
        name,
        found: &mut found,
    });
    found
}

struct Search<'n, 'f> {
    name: &'n str,
    found: &'f mut Option<Value>,
}

impl<'de> Visitor<'de> for Search<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name {
            names: &[self.name],
        })? {
            if name.is_some() {
                *self.found = Some(map.next_value()?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn picked(text: &str, names: &[&str]) -> Option<Value> {
        pick(text.as_bytes(), names).ok().map(Value::Object)
    }

    #[test]
    fn the_first_key_is_found_wherever_it_stands() {
        for text in [
            r#"{"id": 3}"#,
            r#" {"a": [{"id": 1}], "id":3, "b": {}}"#,
            r#"{"id": 3, "id": 4}"#,
        ] {
            assert_eq!(first(text.as_bytes(), "id"), Some(json!(3)), "{text}");
        }
        assert_eq!(first(b"[1]", "id"), None);
        assert_eq!(first(br#"{"id": {"a": 1}}"#, "id"), Some(json!({"a": 1})));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(
            picked(r#"{"a": 1, "b": 2, "a": 3}"#, &["a"]),
            Some(json!({"a": 3}))
        );
    }

    #[test]
    fn escaped_keys_are_found() {
        assert_eq!(
            picked(r#"{"n\u0061me": [1, {"x": null}]}"#, &["name"]),
            Some(json!({"name": [1, {"x": null}]}))
        );
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in [
            "[]",
            "1",
            "null",
            "\"a\"",
            "",
            "{",
            r#"{"a": }"#,
            "{} {}",
            r#"{"b": [1, 2}"#,
            r#"{"b": tru}"#,
        ] {
            assert_eq!(picked(text, &["a"]), None, "{text}");
        }
        assert_eq!(picked(" {}\n", &["a"]), Some(json!({})));
        assert_eq!(picked(r#"{"a": 1}"#, &[]), Some(json!({})));
    }

    proptest! {
        #[test]
        fn bytes_that_are_anything_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let whole: Option<Map<String, Value>> = serde_json::from_slice(&bytes).ok();
            // Skipped text is not checked for UTF-8, so `pick` may accept a little more than a whole decode does.
            if whole.is_some() {
                prop_assert!(pick(&bytes, &["a"]).is_ok());
            }
        }

        #[test]
        fn a_picked_key_holds_what_the_whole_row_holds(row in prop::collection::btree_map("[a-e]", any::<Option<i64>>(), 0..5)) {
            let row: Map<String, Value> = row.into_iter().map(|(key, value)| (key, json!(value))).collect();
            let mut expected = row.clone();
            expected.retain(|key, _| key == "a" || key == "c");
            let bytes = serde_json::to_vec(&row).unwrap();
            prop_assert_eq!(pick(&bytes, &["a", "c", "z"]).unwrap(), expected);
        }
    }
}
