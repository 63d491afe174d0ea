//! JSON as it goes out: objects keep the order of the serializer's fields, and stored JSON is
//! passed on as it is.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Value(Value),
    Raw(Box<RawValue>),
    Map(Vec<(String, Wire)>),
    List(Vec<Wire>),
}

impl Wire {
    pub(crate) const NULL: Self = Self::Value(Value::Null);

    /// Sets the value at a dotted path, making the objects on the way.
    pub(crate) fn put(&mut self, path: &str, value: Wire) {
        let Self::Map(entries) = self else { return };
        match path.split_once('.') {
            None => entries.push((path.to_owned(), value)),
            Some((first, rest)) => {
                if !entries.iter().any(|(key, _)| key == first) {
                    entries.push((first.to_owned(), Self::Map(Vec::new())));
                }
                if let Some((_, inner)) = entries.iter_mut().find(|(key, _)| key == first) {
                    inner.put(rest, value);
                }
            }
        }
    }

    /// A message per field, as DRF answers a 400.
    pub(crate) fn messages(messages: impl IntoIterator<Item = String>) -> Self {
        Self::List(
            messages
                .into_iter()
                .map(|text| Self::Value(Value::String(text)))
                .collect(),
        )
    }
}

impl<T: Into<Value>> From<T> for Wire {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Raw(raw) => raw.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_makes_objects_on_the_way() {
        let mut wire = Wire::Map(Vec::new());
        wire.put("meta.total", Wire::from(3));
        wire.put("data", Wire::List(Vec::new()));
        wire.put("meta.more", Wire::NULL);
        let text = serde_json::to_string(&wire).unwrap();
        assert_eq!(text, r#"{"meta":{"total":3,"more":null},"data":[]}"#);
    }
}
