//! Whether what a row shows is another row than the one that was sent as a key: `{"id": 2, "name": ".."}` or `/users/2/` for 1.
//!
//! An object is no other form of a key that is not its own. Only keys of one kind are compared: integers, UUIDs, and URLs
//! of one collection. A text may be a slug that the object does not show, and an object that has the value that was sent anywhere may be named
//! by that: the row between two others has a key of its own, and shows those of both.

use serde_json::{Map, Value};

use crate::{evaluate::Link, row::key_text};

/// The fields by which an object shows its own key.
const KEYS: [&str; 3] = ["id", "pk", "uuid"];
/// Those by which it shows its own URL.
const URLS: [&str; 2] = ["url", "href"];

/// Whether another row than the one that was sent is shown, or a list that lacks one of those that were sent.
pub(crate) fn is_another(sent: &Value, shown: &Value) -> bool {
    match (sent, shown) {
        (Value::Array(sent), Value::Array(shown)) => {
            let is_missing = |sent: &Value| shown.iter().all(|shown| names_another(sent, shown));
            !shown.is_empty() && sent.iter().any(is_missing)
        }
        _ => names_another(sent, shown),
    }
}

/// Whether a list still shows a row that was in it before, and was left out of what was sent.
pub(crate) fn still_shows(sent: &Value, was: &Value, shown: &Value) -> bool {
    let (Value::Array(sent), Value::Array(was), Value::Array(shown)) = (sent, was, shown) else {
        return false;
    };
    let was_there = |shown: &Value| was.iter().any(|was| was == shown || is_one(was, shown));
    let is_left_out =
        |shown: &Value| is_row(shown) && sent.iter().all(|sent| names_another(sent, shown));
    shown
        .iter()
        .any(|shown| is_left_out(shown) && was_there(shown))
}

/// Whether a value that was sent is certainly a key: not a text, which may be anything, nor a number with a fraction.
pub(crate) fn is_key(sent: &Value) -> bool {
    match sent {
        Value::Number(_) => Key::of(sent).is_some(),
        Value::String(_) => matches!(Key::of(sent), Some(Key::Uuid(_) | Key::Url(_))),
        _ => false,
    }
}

/// Whether the key that a new row shows is not the one that was sent: another integer or UUID, or a text that differs in more than case.
pub(crate) fn is_another_key(sent: &Value, shown: &Value) -> bool {
    match (Key::of(sent), Key::of(shown)) {
        (Some(sent), Some(shown)) => sent.differs(&shown),
        (None, None) => (sent.as_str().zip(shown.as_str()))
            .is_some_and(|(sent, shown)| sent.trim().to_lowercase() != shown.trim().to_lowercase()),
        _ => false,
    }
}

/// A value by which a row is named.
#[derive(Debug, PartialEq)]
enum Key {
    Integer(i128),
    Uuid(String),
    Url(String),
}

impl Key {
    fn of(value: &Value) -> Option<Self> {
        let text = key_text(value)?;
        let text = text.trim();
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        if is_uuid(text) {
            return Some(Self::Uuid(text.replace('-', "").to_ascii_lowercase()));
        }
        let link = Link::parse(text)?;
        link.key().map(|_| Self::Url(text.to_owned()))
    }

    /// The key in a URL.
    fn in_url(&self) -> Option<Self> {
        match self {
            Self::Url(text) => {
                let key = Link::parse(text)?.key()?.into_owned();
                Self::of(&Value::String(key)).filter(|key| !matches!(key, Self::Url(_)))
            }
            _ => None,
        }
    }

    /// Whether both are keys of one kind, and not of one row.
    fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one != other,
            (Self::Uuid(one), Self::Uuid(other)) => one != other,
            (Self::Url(one), Self::Url(two)) => {
                let collection = |text: &str| Some(Link::parse(text)?.collection().1.to_owned());
                let keys = self.in_url().zip(other.in_url());
                collection(one) == collection(two)
                    && keys.is_some_and(|(one, other)| one.differs(&other))
            }
            (url @ Self::Url(_), key) | (key, url @ Self::Url(_)) => {
                url.in_url().is_some_and(|other| other.differs(key))
            }
            _ => false,
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let digits = text.chars().filter(|&letter| letter != '-');
    let groups = text.split('-').map(str::len);
    (text.len() == 32 || groups.eq([8, 4, 4, 4, 12]))
        && digits.clone().count() == 32
        && digits.into_iter().all(|letter| letter.is_ascii_hexdigit())
}

/// Whether a value shows a row: an object with its key, or a URL.
fn is_row(shown: &Value) -> bool {
    match shown {
        Value::Object(fields) => own_keys(fields).next().is_some(),
        Value::String(_) => matches!(Key::of(shown), Some(Key::Url(_))),
        _ => false,
    }
}

fn own_keys(fields: &Map<String, Value>) -> impl Iterator<Item = Key> {
    let names = KEYS.into_iter().chain(URLS);
    names.filter_map(|name| fields.get(name).and_then(Key::of))
}

/// Whether both show the same row by its own key.
fn is_one(one: &Value, other: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return false;
    };
    own_keys(one)
        .next()
        .zip(own_keys(other).next())
        .is_some_and(|(one, other)| one == other)
}

/// Whether a key was sent, and a row with another one is shown.
fn names_another(sent: &Value, shown: &Value) -> bool {
    let Some(key) = Key::of(sent) else {
        return false;
    };
    match shown {
        Value::Object(fields) => {
            !has(shown, sent, &key) && own_keys(fields).any(|own| key.differs(&own))
        }
        Value::String(_) => {
            let other = Key::of(shown).filter(|other| matches!(other, Key::Url(_)));
            other.is_some_and(|other| key.differs(&other))
        }
        _ => false,
    }
}

/// Whether a value is found anywhere in another one.
fn has(shown: &Value, sent: &Value, key: &Key) -> bool {
    match shown {
        Value::Object(fields) => fields.values().any(|shown| has(shown, sent, key)),
        Value::Array(list) => list.iter().any(|shown| has(shown, sent, key)),
        Value::Null | Value::Bool(_) => false,
        _ => {
            let number = |value: &Value| key_text(value)?.trim().parse::<f64>().ok();
            let numbers = number(sent).zip(number(shown));
            let urls = |other: &Key| {
                let [one, two] = [key, other].map(Key::in_url);
                one.as_ref() == Some(other)
                    || two.as_ref() == Some(key)
                    || one.is_some() && one == two
            };
            sent == shown
                || numbers.is_some_and(|(sent, shown)| sent.total_cmp(&shown).is_eq())
                || Key::of(shown).is_some_and(|other| other == *key || urls(&other))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UUIDS: [&str; 2] = [
        "6f1c2b1e-9d1a-4a55-8a0e-0c3c9a1d2e3f",
        "7f1c2b1e-9d1a-4a55-8a0e-0c3c9a1d2e3f",
    ];

    #[test]
    fn a_row_with_another_key_is_no_form_of_the_one_that_was_sent() {
        for (sent, shown) in [
            (json!(1), json!({"id": 2, "name": "Bob"})),
            (json!("1"), json!({"id": 2})),
            (json!(1), json!({"pk": "2"})),
            (json!(1), json!({"type": "users", "id": "2"})),
            (json!(UUIDS[0]), json!({"id": UUIDS[1]})),
            (json!(UUIDS[0]), json!({"id": 7, "uuid": UUIDS[1]})),
            (json!(1), json!("https://api.test/users/2/")),
            (json!("/users/1/"), json!("https://api.test/users/2/")),
            (json!("/users/1/"), json!({"url": "http://h/users/2/"})),
            (json!("/users/1/"), json!({"id": 2, "name": "Bob"})),
            (json!([1, 2]), json!([{"id": 1}, {"id": 3}])),
            (json!([1]), json!(["/tags/2/", "/tags/3/"])),
        ] {
            assert!(is_another(&sent, &shown), "{sent} {shown}");
        }
    }

    #[test]
    fn what_may_be_named_by_the_value_that_was_sent_is_no_other_row() {
        for (sent, shown) in [
            (json!(1), json!({"id": 1, "name": "Zed"})),
            (json!("1"), json!({"id": 1})),
            (json!(UUIDS[0].to_uppercase()), json!({"id": UUIDS[0]})),
            (json!("ann"), json!({"id": 2, "name": "Ann"})),
            (json!("ann"), json!("/users/2/")),
            (json!(1), json!({"name": "Zed"})),
            (json!(1), json!({"id": "aB3x"})),
            (json!(1), json!({"id": null})),
            (json!(1.5), json!({"id": 2})),
            (json!(5), json!({"id": 77, "amount": "5.00"})),
            (json!(true), json!({"id": 2})),
            // Named by another field; the row between two others.
            (json!(1), json!({"id": 77, "number": 1})),
            (json!([1]), json!([{"id": 77, "tag": {"id": 1}}])),
            (json!([1]), json!([{"id": 77, "tag": "/tags/1/"}])),
            (
                json!("active"),
                json!({"value": "planned", "label": "Planned"}),
            ),
            (json!(1), json!("/users/1/")),
            (json!("http://h/users/1/"), json!({"id": 1})),
            (
                json!("http://h/users/1/"),
                json!("https://proxy/v2/users/1"),
            ),
            (json!("http://h/users/1/"), json!("https://cdn/7")),
            (json!(1), json!("/users/ann/")),
            (json!(1), json!(2)),
            (json!(null), json!({"id": 2})),
            (json!({"id": 1}), json!({"id": 2})),
            // A server may add rows, and show none.
            (json!([1]), json!([{"id": 1}, {"id": 2}])),
            (json!([]), json!([{"id": 2}])),
            (json!([1]), json!([])),
            (json!(["red"]), json!([{"id": 2, "name": "blue"}])),
            (json!([1]), json!([{"name": "blue"}, {"id": 2}])),
        ] {
            assert!(!is_another(&sent, &shown), "{sent} {shown}");
        }
    }

    #[test]
    fn a_list_still_shows_what_was_left_out_of_it() {
        let tags = json!([{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]);
        for (sent, was, shown, expected) in [
            (json!([]), tags.clone(), tags.clone(), true),
            (json!([1]), tags.clone(), tags.clone(), true),
            (json!([]), tags.clone(), json!([{"id": 2}]), true),
            (
                json!(["/tags/1/"]),
                json!(["/tags/2/"]),
                json!(["/tags/1/", "/tags/2/"]),
                true,
            ),
            (json!([1, 2]), tags.clone(), tags.clone(), false),
            (json!([]), tags.clone(), json!([]), false),
            // The server's own addition, in the place of what was there.
            (json!([]), tags.clone(), json!([{"id": 3}]), false),
            (json!([1]), json!([]), tags.clone(), false),
            (json!(["red"]), tags.clone(), tags.clone(), false),
            (json!([]), json!([1, 2]), json!([1, 2]), false),
            (json!([]), json!([{"a": 1}]), json!([{"a": 1}]), false),
            (json!(null), tags.clone(), tags.clone(), false),
        ] {
            assert_eq!(
                still_shows(&sent, &was, &shown),
                expected,
                "{sent} {was} {shown}"
            );
        }
    }

    #[test]
    fn a_key_is_known_by_its_form() {
        for key in [json!(1), json!(UUIDS[0]), json!("/users/1/")] {
            assert!(is_key(&key), "{key}");
        }
        for other in [
            json!("ann"),
            json!("1"),
            json!(1.5),
            json!(true),
            json!(null),
            json!([1]),
        ] {
            assert!(!is_key(&other), "{other}");
        }
    }

    #[test]
    fn a_new_row_has_another_key_only_where_that_is_of_one_kind() {
        let uuid = "0B5F6A0E-7C1E-4D8B-9C53-0A6E7C1E4D8B";
        for (sent, shown, is_another) in [
            (json!(9), json!(2), true),
            (json!(9), json!("9"), false),
            (json!("09"), json!(9), false),
            (json!("9"), json!("8"), true),
            (json!(uuid), json!(uuid.to_lowercase()), false),
            (json!(uuid), json!(uuid.replace('-', "")), false),
            (json!(uuid), json!(uuid.replace('B', "A")), true),
            (json!("abc"), json!("ABC "), false),
            (json!("abc"), json!("abd"), true),
            (json!("abc"), json!(7), false),
            (json!(7), json!(uuid), false),
            (json!(7), json!(null), false),
            (json!(7), json!("https://api.test/things/7/"), false),
        ] {
            assert_eq!(is_another_key(&sent, &shown), is_another, "{sent} {shown}");
        }
    }
}
