//! One row: the JSON text that the server sent for it, of which only what is needed is decoded.
//!
//! JSON lets an object have a key twice. Everything here takes the last one, as serde and pydantic do, so that the value
//! that is checked, the one that tells rows apart and the one that the program gets are the same.

use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use memchr::memmem;
use serde::{
    Deserializer as _,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{
    decoded::{Decoded, RowType},
    error::{Error, Result},
    version::Version,
};

/// A row as the server sent it: a slice of the page that it came in, so a clone is cheap.
///
/// The text is decoded when it is asked for, and no more of it than that.
///
/// ```
/// use django_api_orm_core::row::Row;
/// use serde_json::json;
///
/// let row = Row::new(&br#"{"id": 7, "bio": "a long text", "team": {"name": "core"}}"#[..]);
/// assert_eq!(row.key("id"), Some(json!(7)));
/// assert_eq!(json!(row.pick(&["id", "team", "age"])?), json!({"id": 7, "team": {"name": "core"}}));
/// # Ok::<_, django_api_orm_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Row {
    text: Bytes,
    value: Option<Decoded>,
    version: Option<Arc<Version>>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Row {}

impl Row {
    /// A row of text that should be a JSON object; reading it is an error where it is not.
    #[must_use]
    pub fn new(text: impl Into<Bytes>) -> Self {
        Self {
            text: text.into(),
            value: None,
            version: None,
        }
    }

    /// The same, with the value that it was decoded to when its page was cut.
    pub(crate) fn decoded(text: Bytes, value: Option<Decoded>) -> Self {
        Self {
            text,
            value,
            version: None,
        }
    }

    /// The same row with what is known of its version.
    #[must_use]
    pub fn with_version(mut self, version: Option<Version>) -> Self {
        self.version = version.map(Arc::new);
        self
    }

    /// The version that the server named when it showed the row, at the row's own URL; of a row that was written, also that it named
    /// none. `None` for rows of lists.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_deref()
    }

    /// Decodes the row to a value of the type, for whoever takes it. Whether it is one: then the text is JSON, whole.
    pub fn decode_to(&mut self, row_type: RowType) -> bool {
        self.value = row_type.decode(&self.text);
        self.value.is_some()
    }

    /// The value of this type, where the row was decoded to one when its page was cut, and nobody has taken it.
    pub fn take_value<T: Send + 'static>(&mut self) -> Option<T> {
        self.value.take()?.take()
    }

    /// A row of these fields.
    ///
    /// # Errors
    /// `InvalidRequest` for fields without a JSON form.
    pub fn from_fields(fields: &Map<String, Value>) -> Result<Self> {
        serde_json::to_vec(fields).map(Self::new).map_err(|error| {
            Error::invalid_request("the row cannot be written as JSON").with_source(error)
        })
    }

    /// The text.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.text
    }

    /// The value of the key field. `None` where the row has no such field or a null there, and where its text is not an object.
    ///
    /// Keys mostly stand at the front of a row, and what follows is not decoded where the name does not come again. So this
    /// is only for text that is known to be JSON, such as a row of a parsed page.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<Value> {
        KeyReader::new(name).of(self)
    }

    /// What tells the row from others. A [`KeyReader`] is quicker for many rows.
    #[must_use]
    pub fn identity(&self, key: &str) -> Identity {
        KeyReader::new(key).identity(self)
    }

    /// Whether both are the same row: by the key, because other fields, such as a signed URL, may differ each time that a
    /// row is read; by the whole text where one of them has no key.
    #[must_use]
    pub fn is_same(&self, other: &Self, key: &str) -> bool {
        match (self.key(key), other.key(key)) {
            (Some(this), Some(that)) => this == that,
            _ => self == other,
        }
    }

    /// The named fields. One that the row does not have is absent; everything else is skipped without an allocation.
    ///
    /// # Errors
    /// `Decode` where the text is not one JSON object, or has something after it.
    pub fn pick<S: AsRef<str>>(&self, names: &[S]) -> Result<Map<String, Value>> {
        self.pick_noting(names, |_| {})
    }

    /// The same, and tells the name of every field that the row has.
    ///
    /// # Errors
    /// As [`pick`](Self::pick).
    pub fn pick_noting<S: AsRef<str>>(
        &self,
        names: &[S],
        note: impl FnMut(&str),
    ) -> Result<Map<String, Value>> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.text);
        let picked = deserializer
            .deserialize_map(Pick { names, note })
            .map_err(not_an_object)?;
        deserializer.end().map_err(not_an_object)?;
        Ok(picked)
    }

    /// One field, if the row has it.
    ///
    /// # Errors
    /// As [`pick`](Self::pick).
    pub fn field(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.pick(&[name])?.remove(name))
    }

    /// Every field.
    ///
    /// # Errors
    /// As [`pick`](Self::pick).
    pub fn fields(&self) -> Result<Map<String, Value>> {
        serde_json::from_slice(&self.text).map_err(not_an_object)
    }

    /// The row as a value of the type. `model` names the rows in the error.
    ///
    /// # Errors
    /// `Decode` with the row's key and the path of the field that does not fit.
    pub fn decode<T: DeserializeOwned>(&self, model: &str) -> Result<T> {
        serde_json::from_slice(&self.text).or_else(|_| self.decode_slowly(model))
    }

    /// The same, keeping track of where it is, for the error.
    fn decode_slowly<T: DeserializeOwned>(&self, model: &str) -> Result<T> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.text);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let key = ["id", "pk", "slug", "uuid"]
                .into_iter()
                .find_map(|name| Some(format!(" with {name} {}", key_text(&self.key(name)?)?)))
                .unwrap_or_default();
            Error::decode(format!(
                "a row of `{model}`{key} does not fit: `{}`: {}",
                error.path(),
                error.inner()
            ))
            .with_source(error.into_inner())
        })?;
        deserializer.end().map_err(not_an_object)?;
        Ok(value)
    }
}

impl From<Row> for Bytes {
    fn from(row: Row) -> Self {
        row.text
    }
}

fn not_an_object(error: serde_json::Error) -> Error {
    Error::decode("a row is not a JSON object").with_source(error)
}

/// The field that tells rows apart, to be read from many rows.
#[derive(Debug, Clone)]
pub struct KeyReader {
    name: String,
    /// The name as JSON writes it, where it is written in one way only.
    quoted: Option<memmem::Finder<'static>>,
    escape: memmem::Finder<'static>,
}

impl KeyReader {
    /// The field with this name in rows.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let is_plain = !name
            .contains(|letter: char| letter.is_control() || ['"', '\\', '/'].contains(&letter));
        let quoted = format!("\"{name}\"");
        Self {
            name: name.to_owned(),
            quoted: is_plain.then(|| memmem::Finder::new(&quoted).into_owned()),
            escape: memmem::Finder::new("\\u").into_owned(),
        }
    }

    /// The value of the field, as [`Row::key`] gives it.
    #[must_use]
    pub fn of(&self, row: &Row) -> Option<Value> {
        let text = &row.text;
        let stops = self.stands_at_most_once(text);
        if stops && let Some(number) = self.number_in_front(text) {
            return Some(number.into());
        }
        let mut found = None;
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        // Stopping early is an error to the deserializer; what was found stands all the same.
        let _ = deserializer.deserialize_map(Search {
            name: &self.name,
            stops,
            found: &mut found,
        });
        found.filter(|key| !key.is_null())
    }

    /// Whether the field is the key that is written so in a URL.
    #[must_use]
    pub fn is_key(&self, row: &Row, key: &str) -> bool {
        let in_front = || {
            let value = self
                .value_in_front(&row.text)?
                .strip_prefix(key.as_bytes())?;
            let is_number = key.len() < 19 && key.bytes().all(|byte| byte.is_ascii_digit());
            (is_number && matches!(value.first(), Some(b',' | b'}'))).then_some(())
        };
        if in_front().is_some() && self.stands_at_most_once(&row.text) {
            return true;
        }
        self.of(row).as_ref().and_then(key_text).as_deref() == Some(key)
    }

    /// What tells the row from others.
    #[must_use]
    pub fn identity(&self, row: &Row) -> Identity {
        match self.of(row) {
            Some(key) => Identity::of_key(&key),
            None => Identity::of(&row.text).without_key(),
        }
    }

    /// Whether an object can have the field no more than once, told by its text alone; `false` where that does not tell.
    fn stands_at_most_once(&self, text: &[u8]) -> bool {
        let Some(quoted) = &self.quoted else {
            return false;
        };
        let is_written_once =
            memchr::memchr(b'\\', text).is_none() || self.escape.find(text).is_none();
        is_written_once && quoted.find_iter(text).nth(1).is_none()
    }

    /// The number of `{"id":7,`, which is how most rows begin.
    fn number_in_front(&self, text: &[u8]) -> Option<u64> {
        let value = self.value_in_front(text)?;
        let digits = value
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let is_number = value.first() != Some(&b'0') && (1..19).contains(&digits);
        let ends = matches!(value.get(digits), Some(b',' | b'}'));
        let digits = value.get(..digits).filter(|_| is_number && ends)?;
        Some((digits.iter()).fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// What follows `{"id":`, where the field stands in front.
    fn value_in_front<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let quoted = self.quoted.as_ref()?.needle();
        let value = text.strip_prefix(b"{")?.strip_prefix(quoted)?;
        value.strip_prefix(b":")
    }
}

/// A fingerprint of what tells a row from others: its key, or its text where it has none. Its lowest bit says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64);

impl Identity {
    /// The identity of the row with this key.
    #[must_use]
    pub fn of_key(key: &Value) -> Self {
        let hash = match key.as_u64() {
            Some(number) => mixed(number),
            None => Self::of(key).0,
        };
        Self(hash | 1)
    }

    /// The identity of a page of rows.
    #[must_use]
    pub fn of_rows(rows: &[Self]) -> Self {
        let fold = |hash: u64, row: &Self| mixed(hash.rotate_left(5) ^ row.0);
        Self(rows.iter().fold(rows.len() as u64, fold))
    }

    /// Whether it is that of a key.
    #[must_use]
    pub fn has_key(self) -> bool {
        self.0 & 1 == 1
    }

    fn without_key(self) -> Self {
        Self(self.0 & !1)
    }

    fn of(what: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Other bits for every number, and so that one bit changes half of them (splitmix64).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// A set of identities, which are hashes already.
pub type Identities = HashSet<Identity, BuildHasherDefault<AsItIs>>;

/// The hasher of what is a hash already.
#[derive(Debug, Clone, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(8) ^ hash;
    }
}

/// The text of a key in a URL; `None` for what cannot be one.
#[must_use]
pub fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => number.to_string(),
        }),
        _ => None,
    }
}

struct Pick<'n, S, F> {
    names: &'n [S],
    note: F,
}

impl<'de, S: AsRef<str>, F: FnMut(&str)> Visitor<'de> for Pick<'_, S, F> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let names = self.names;
        let mut picked = Map::new();
        while let Some(name) = map.next_key_seed(Name {
            names,
            note: &mut self.note,
        })? {
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
struct Name<'n, 'f, S, F> {
    names: &'n [S],
    note: &'f mut F,
}

impl<'de, 'n, S: AsRef<str>, F: FnMut(&str)> DeserializeSeed<'de> for Name<'n, '_, S, F> {
    type Value = Option<&'n str>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n, S: AsRef<str>, F: FnMut(&str)> Visitor<'_> for Name<'n, '_, S, F> {
    type Value = Option<&'n str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        (self.note)(key);
        Ok(self
            .names
            .iter()
            .map(AsRef::as_ref)
            .find(|name| *name == key))
    }
}

/// Looks for one key.
struct Search<'n, 'f> {
    name: &'n str,
    /// The first one is the only one.
    stops: bool,
    found: &'f mut Option<Value>,
}

impl<'de> Visitor<'de> for Search<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let names = &[self.name];
        let note = &mut |_: &str| {};
        while let Some(name) = map.next_key_seed(Name { names, note })? {
            if name.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            *self.found = Some(map.next_value()?);
            if self.stops {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn row(text: &str) -> Row {
        Row::new(text.to_owned())
    }

    fn picked(text: &str, names: &[&str]) -> Option<Value> {
        row(text).pick(names).ok().map(Value::Object)
    }

    #[test]
    fn what_follows_a_row_is_no_part_of_it() {
        for text in [r#"{"id": 3}]"#, r#"{"id": 3} {"id": 4}"#, r#"{"id": 3},"#] {
            let decoded = row(text).decode::<Map<String, Value>>("User");
            assert!(decoded.is_err_and(|error| error.is_decode()), "{text}");
        }
    }

    #[test]
    fn a_key_is_the_one_of_a_url_only_to_the_letter() {
        for (text, key, is_it) in [
            (r#"{"id":7,"a":1}"#, "7", true),
            (r#"{"id":7}"#, "7", true),
            (r#"{"a": 1, "id" : "x"}"#, "x", true),
            (r#"{"id":71,"a":1}"#, "7", false),
            (r#"{"id":7.5}"#, "7", false),
            (r#"{"id":"7"}"#, "7", true),
            (r#"{"id":7,"id":8}"#, "7", false),
            (r#"{"id":7,"\u0069d":8}"#, "7", false),
            (r#"{"a": 7}"#, "7", false),
        ] {
            assert_eq!(
                KeyReader::new("id").is_key(&row(text), key),
                is_it,
                "{text}"
            );
        }
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        for text in [
            r#"{"id": 3}"#,
            r#" {"a": [{"id": 1}], "id":3, "b": {}}"#,
            r#"{"id": 3, "b": {"id": 4}, "c": "\"id\"", "d": "id"}"#,
        ] {
            assert_eq!(row(text).key("id"), Some(json!(3)), "{text}");
        }
        for text in [
            r#"[{"id": 3}]"#,
            r#"{"a": {"id": 3}}"#,
            r#"{"id": null}"#,
            "7",
            "",
        ] {
            assert_eq!(row(text).key("id"), None, "{text}");
        }
        assert_eq!(row(r#"{"id": {"a": 1}}"#).key("id"), Some(json!({"a": 1})));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        for text in [
            r#"{"a": 1, "b": 2, "a": 3}"#,
            r#"{"a": 1, "b": 2, "\u0061": 3}"#,
            r#"{"\u0061": 1, "a": 3, "b": "\u0061"}"#,
        ] {
            assert_eq!(picked(text, &["a"]), Some(json!({"a": 3})), "{text}");
            assert_eq!(row(text).key("a"), Some(json!(3)), "{text}");
            assert_eq!(row(text).fields().unwrap().get("a"), Some(&json!(3)));
        }
        let (one, other) = (row(r#"{"id": 1, "id": 2}"#), row(r#"{"id": 2}"#));
        assert!(one.is_same(&other, "id"));
        assert_eq!(one.identity("id"), other.identity("id"));
        assert_eq!(row(r#"{"a\/b": 1, "a/b": 2}"#).key("a/b"), Some(json!(2)));
    }

    #[test]
    fn rows_without_a_key_are_told_apart_by_their_text() {
        let (one, other) = (
            row(r#"{"id": null, "a": 1}"#),
            row(r#"{"id": null, "a": 2}"#),
        );
        assert!(one.is_same(&one.clone(), "id") && !one.is_same(&other, "id"));
        assert_ne!(one.identity("id"), other.identity("id"));
        assert_ne!(
            row(r#"{"id": 1}"#).identity("id"),
            row(r#"{"id": "1"}"#).identity("id")
        );
    }

    #[test]
    fn escaped_names_are_found() {
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
            let error = row(text).pick(&["a"]).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Decode, "{text}");
            assert_eq!(error.message(), "a row is not a JSON object", "{text}");
        }
        assert_eq!(picked(" {}\n", &["a"]), Some(json!({})));
        assert_eq!(picked(r#"{"a": 1}"#, &[]), Some(json!({})));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = row(r#"{"id": 7, "a": [1, "x"]}"#)
            .decode::<std::collections::HashMap<String, Vec<i64>>>("Thing")
            .unwrap_err();
        assert!(
            error
                .message()
                .starts_with("a row of `Thing` with id 7 does not fit: `id`: "),
            "{error}"
        );
    }

    /// Objects with few names, which therefore come twice, in any spelling; deep enough for names that are not the row's own.
    fn objects() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec![
            "a", "b", r"\u0061", "a/b", r"a\/b", "id", r"i\u0064", "ä", r"\u00e4",
        ]);
        let scalar = prop_oneof![
            any::<i32>().prop_map(|number| number.to_string()),
            Just("null".to_owned()),
            Just(r#""id""#.to_owned()),
            Just(r#""\"a\"""#.to_owned()),
            Just(r#""\u0061 b\n""#.to_owned()),
        ];
        let object = |value: BoxedStrategy<String>, name: BoxedStrategy<&'static str>| {
            prop::collection::vec((name, value), 0..5).prop_map(|fields| {
                let fields: Vec<String> = fields
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            })
        };
        let name = name.boxed();
        let inner = object(scalar.clone().boxed(), name.clone()).boxed();
        object(prop_oneof![3 => scalar, 1 => inner].boxed(), name)
    }

    proptest! {
        #[test]
        fn bytes_that_are_anything_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let whole: Option<Map<String, Value>> = serde_json::from_slice(&bytes).ok();
            // Skipped text is not checked for UTF-8, so `pick` may accept a little more than a whole decode does.
            let row = Row::new(bytes);
            let _ = row.key("a");
            if whole.is_some() {
                prop_assert!(row.pick(&["a"]).is_ok());
            }
        }

        #[test]
        fn every_way_to_read_a_field_gives_the_same(text in objects()) {
            let row = Row::new(text);
            let whole: Map<String, Value> = serde_json::from_slice(row.bytes()).unwrap();
            let names = ["a", "b", "a/b", "id", "ä", "z"];
            prop_assert_eq!(row.pick(&names).unwrap(), whole.clone());
            for name in names {
                let value = whole.get(name);
                prop_assert_eq!(row.field(name).unwrap(), value.cloned());
                prop_assert_eq!(row.key(name), value.filter(|value| !value.is_null()).cloned(), "{:?} of {:?}", name, row);
            }
        }
    }
}
