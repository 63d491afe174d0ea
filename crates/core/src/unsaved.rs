//! Whether the answer to a write shows that a value was not kept.
//!
//! A server that ignores a field, because it is read-only or not known there, answers with success and shows the old value.
//! But many servers keep a value in another form than it was sent in: trimmed, in lower case, rounded, cut to seconds, as an
//! address in its short form, as the object that a key stands for. So a value counts as not kept only if it was sent, the row
//! shows what it showed before, and the two differ in more than their form. A related row with another key than the one that was sent
//! needs no look at what was there before: it is no form of that key.

mod references;

use std::{net::IpAddr, str::FromStr};

use serde_json::{Map, Value};

use crate::{
    evaluate::{Evaluator, Fields, Verdict},
    filter::Q,
    lookup::{Lookup, Op},
    model::ModelMeta,
};

pub(crate) use references::{is_another, is_another_key, is_key, still_shows};

/// How a value that was sent compares with the one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    Differs,
    /// They may be two forms of the same value.
    Unknown,
}

/// What a new row does not show of the filter that it was created for.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt<'q> {
    /// The part of the filter: a lookup, or what is no conjunction of them.
    pub part: &'q Q,
    /// The row shows another key, which is more than another form of the same value.
    pub is_certain: bool,
    /// The row has no value there, so that no other value would have been kept either.
    pub is_dropped: bool,
}

/// The parts of a filter that a new row, as the server shows it, does not satisfy. `assumed` are the names, in bodies, of
/// what was sent and is not shown.
#[must_use]
pub fn doubts<'q>(
    q: &'q Q,
    model: &ModelMeta,
    row: &Map<String, Value>,
    assumed: &[String],
) -> Vec<Doubt<'q>> {
    let fields = model.known_fields();
    let doubt = |part: &'q Q| {
        let lookup = match part {
            Q::Lookup(lookup) => Some(lookup),
            _ => None,
        };
        let root = lookup.map(|lookup| root_of(lookup, model));
        let is_absent = root.is_some_and(|root| {
            let sent_as = model.sent_as(root);
            assumed.iter().any(|name| name == sent_as)
        });
        if !is_absent && !is_refuted(part, &fields, row) {
            return None;
        }
        let is_key = part.equality().is_some_and(|lookup| {
            root == Some(model.primary_key()) && lookup.path == lookup.root()
        });
        let is_null = |root| row.get(root).is_none_or(Value::is_null);
        Some(Doubt {
            part,
            is_certain: is_key && !is_absent,
            is_dropped: is_key || is_absent || root.is_some_and(is_null),
        })
    };
    q.parts().into_iter().filter_map(doubt).collect()
}

/// A lookup that no row with these values satisfies, whatever form a server gives them: whole numbers and flags beside others, and
/// a value where there is to be none. An equality is none, as the values may stand in its place; nor is what a row may satisfy by
/// what is not sent.
#[must_use]
pub fn contradicted<'q>(
    q: &'q Q,
    model: &ModelMeta,
    body: &Map<String, Value>,
) -> Option<&'q Lookup> {
    let fields = model.known_fields();
    let is_contradicted = |part: &Q| {
        let Q::Lookup(lookup) = part else {
            return false;
        };
        let root = root_of(lookup, model);
        let is_whole_field = lookup.path == lookup.root() && lookup.transform.is_none();
        let sent = body
            .get(model.sent_as(root))
            .filter(|sent| is_whole_field && is_firm(lookup, sent));
        sent.is_some_and(|sent| {
            let row = Map::from_iter([(root.to_owned(), sent.clone())]);
            is_refuted(part, &fields, &row)
        })
    };
    let part = q.parts().into_iter().find(|part| is_contradicted(part))?;
    match part {
        Q::Lookup(lookup) => Some(lookup),
        _ => None,
    }
}

/// Whether no other form of a value that was sent makes a lookup hold that does not.
fn is_firm(lookup: &Lookup, sent: &Value) -> bool {
    let is_whole = |value: &Value| value.is_i64() || value.is_u64() || value.is_boolean();
    let are_whole = |value: &Value| match value {
        Value::Array(values) => values.iter().all(is_whole),
        value => is_whole(value),
    };
    match lookup.op {
        Op::IsNull => lookup.value == Value::Bool(true) && !is_empty(sent),
        Op::In | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Range => {
            is_whole(sent) && are_whole(&lookup.value)
        }
        _ => false,
    }
}

/// The field that a lookup begins at.
fn root_of<'a>(lookup: &'a Lookup, model: &'a ModelMeta) -> &'a str {
    match lookup.root() {
        "pk" => model.primary_key(),
        root => root,
    }
}

fn is_refuted(part: &Q, fields: &Fields, row: &Map<String, Value>) -> bool {
    Evaluator::compile_for(part, fields)
        .is_ok_and(|evaluator| evaluator.evaluate(row) == Verdict::False)
}

/// What is sent for the fields that a part of a filter begins at.
#[must_use]
pub fn sent_for(part: &Q, model: &ModelMeta, body: &Map<String, Value>) -> Map<String, Value> {
    let mut sent = Map::new();
    part.for_each_lookup(&mut |lookup| {
        let name = model.sent_as(root_of(lookup, model));
        if let Some(value) = body.get(name) {
            sent.insert(name.to_owned(), value.clone());
        }
    });
    sent
}

/// Whether what is shown for a field tells of related rows, by their keys, that they are not those that were sent: no label, and no other form
/// of a value, explains that.
#[must_use]
pub fn shows_rows(sent: &Value, shown: &Value) -> bool {
    let is_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().any(Value::is_object))
    };
    is_another(sent, shown) || sent.is_array() && is_list(shown)
}

/// The name of a part of an object, of which no type is known.
const PART: &str = "part";

/// Whether a value that was sent for a field is certainly not the one that is shown.
#[must_use]
pub(crate) fn differs(fields: &Fields, name: &str, sent: &Value, shown: &Value) -> bool {
    compare(fields, name, sent, shown) == Compared::Differs
}

/// Whether both are certainly one value of the field, whatever its spelling, so that one need not be sent to replace the other.
#[must_use]
pub(crate) fn is_same(fields: &Fields, name: &str, one: &Value, other: &Value) -> bool {
    one == other
        || match (one, other) {
            (Value::String(_), Value::String(_)) => {
                scalars(fields, name, one, other) == Compared::Same
            }
            // The text "7" is not the number, unless both are a decimal.
            (Value::String(_), Value::Number(_)) | (Value::Number(_), Value::String(_)) => {
                fields.is_decimal(name) && scalars(fields, name, one, other) == Compared::Same
            }
            _ => is_same_json(one, other),
        }
}

/// Whether both are lists of the same elements, in whatever order.
#[must_use]
pub(crate) fn have_same_elements(one: &Value, other: &Value) -> bool {
    let (Value::Array(one), Value::Array(other)) = (one, other) else {
        return false;
    };
    let mut rest: Vec<&Value> = other.iter().collect();
    let mut takes = |item: &Value| {
        let found = rest.iter().position(|other| is_same_json(item, other));
        found.map(|index| rest.swap_remove(index)).is_some()
    };
    one.len() == other.len() && one.iter().all(&mut takes)
}

/// Whether both are the same JSON: `1` is `1.0`, and the order of keys does not count.
fn is_same_json(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && (one.iter()).all(|(key, part)| {
                    other
                        .get(key)
                        .is_some_and(|other| is_same_json(part, other))
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same_json(one, other))
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64())
        }
        _ => one == other,
    }
}

fn compare(fields: &Fields, name: &str, sent: &Value, shown: &Value) -> Compared {
    match (sent, shown) {
        (sent, shown) if is_another(sent, shown) => Compared::Differs,
        (Value::Object(sent), Value::Object(shown)) if have_nothing_in_common(sent, shown) => {
            Compared::Differs
        }
        (Value::Object(sent), Value::Object(shown)) => all(sent.iter().map(|(key, sent)| {
            shown.get(key).map_or(Compared::Unknown, |shown| {
                compare(fields, PART, sent, shown)
            })
        })),
        (Value::Array(sent), Value::Array(shown)) => lists(fields, name, sent, shown),
        (Value::Null, other) | (other, Value::Null) => match other {
            Value::Null => Compared::Same,
            other if is_empty(other) => Compared::Unknown,
            _ => Compared::Differs,
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            Compared::Unknown
        }
        _ => scalars(fields, name, sent, shown),
    }
}

/// Whether neither of two objects has a key or a value of the other: none is a form of the other, as `{"id": 5}` may be one of
/// `{"pk": 5, "name": ".."}`. What is empty has nothing to compare.
fn have_nothing_in_common(sent: &Map<String, Value>, shown: &Map<String, Value>) -> bool {
    let is_shared = |(key, value): (&String, &Value)| {
        shown.contains_key(key) || shown.values().any(|other| other == value)
    };
    !sent.is_empty() && !shown.is_empty() && !sent.iter().any(is_shared)
}

fn all(parts: impl Iterator<Item = Compared>) -> Compared {
    parts.fold(Compared::Same, |all, part| match (all, part) {
        (Compared::Differs, _) | (_, Compared::Differs) => Compared::Differs,
        (Compared::Unknown, _) | (_, Compared::Unknown) => Compared::Unknown,
        _ => Compared::Same,
    })
}

/// Lists of keys have no order, so their elements are looked for wherever they are.
fn lists(fields: &Fields, name: &str, sent: &[Value], shown: &[Value]) -> Compared {
    let is_plain = |list: &[Value]| !list.iter().any(|item| item.is_array() || item.is_object());
    if !is_plain(sent) || !is_plain(shown) {
        return Compared::Unknown;
    }
    let has = |list: &[Value], item: &Value| {
        list.iter()
            .any(|other| compare(fields, name, item, other) != Compared::Differs)
    };
    let covers = |one: &[Value], other: &[Value]| one.iter().all(|item| has(other, item));
    match covers(sent, shown) && covers(shown, sent) {
        true => Compared::Unknown,
        false => Compared::Differs,
    }
}

fn scalars(fields: &Fields, name: &str, sent: &Value, shown: &Value) -> Compared {
    let equals = |sent: &Value| {
        let lookup = Lookup::new(name, Op::Exact, sent.clone());
        let row = Map::from_iter([(name.to_owned(), shown.clone())]);
        Evaluator::compile_for(&Q::Lookup(lookup), fields).map_or(None, |evaluator| match evaluator
            .evaluate(&row)
        {
            Verdict::True => Some(true),
            Verdict::False => Some(false),
            Verdict::Unknown(_) => None,
        })
    };
    match equals(sent) {
        Some(true) => Compared::Same,
        None => Compared::Unknown,
        Some(false) if may_be_rounded(sent, shown) => Compared::Unknown,
        Some(false) => match (sent.as_str(), shown.as_str()) {
            (Some(one), Some(other)) if is_another_form(one, other) => Compared::Unknown,
            (Some(one), Some(_)) => {
                let coarser = without_fraction(one).map(Value::String);
                match coarser.is_some_and(|coarser| equals(&coarser) != Some(false)) {
                    true => Compared::Unknown,
                    false => Compared::Differs,
                }
            }
            _ => Compared::Differs,
        },
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text of a number, and the digits after its point.
fn number(value: &Value) -> Option<(f64, usize)> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let number = f64::from_str(&text)
        .ok()
        .filter(|number| number.is_finite())?;
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    Some((number, digits))
}

/// Whether the number that is shown may be the one that was sent, with fewer digits after its point.
fn may_be_rounded(sent: &Value, shown: &Value) -> bool {
    let Some(((sent, fine), (shown, coarse))) = number(sent).zip(number(shown)) else {
        return false;
    };
    let step = i32::try_from(coarse).map_or(0.0, |coarse| 10_f64.powi(-coarse));
    fine > coarse && (sent - shown).abs() < step
}

/// How long a text must be for its beginning to be taken for what a column of fixed length has kept of it.
const CUT: usize = 10;
/// Up to how many characters a text may be a code, which the server shows as the word that begins with it; or, in capitals
/// or digits, as any word.
const CODE: usize = 2;

/// Whether a server may have made one text of the other: blanks, case, punctuation, a length, a code written out, a mask over
/// a secret.
fn is_another_form(sent: &str, shown: &str) -> bool {
    if let (Ok(one), Ok(other)) = (
        IpAddr::from_str(sent.trim()),
        IpAddr::from_str(shown.trim()),
    ) {
        return one == other;
    }
    if !shown.is_empty()
        && shown
            .chars()
            .all(|letter| matches!(letter, '*' | '•' | '●'))
    {
        return true;
    }
    let is_number = |text: &str| f64::from_str(text.trim()).is_ok();
    if is_number(sent) && is_number(shown) {
        return sent.trim() == shown.trim();
    }
    let (one, other) = (plain(sent), plain(shown));
    let cut = other.chars().count() >= CUT && one.starts_with(&other);
    // Signs alone say nothing once they are left out.
    (one == other && !one.is_empty())
        || sent.trim() == shown.trim()
        || cut
        || is_code(sent, shown, (&one, &other))
}

/// Whether a text may be the code of the words that are shown; `plain` are both without case and signs.
fn is_code(sent: &str, shown: &str, (one, other): (&str, &str)) -> bool {
    let is_capitals = sent
        .chars()
        .all(|letter| letter.is_uppercase() || letter.is_ascii_digit());
    let is_word = other.chars().count() > CODE && shown.chars().any(char::is_lowercase);
    !one.is_empty()
        && one.chars().count() <= CODE
        && (other.starts_with(one) || is_capitals && is_word)
}

/// Whether what is shown may be the words for a code that was sent, and no other form of it.
#[must_use]
pub(crate) fn may_be_label(sent: &Value, shown: &Value) -> bool {
    let (Some(sent), Some(shown)) = (sent.as_str(), shown.as_str()) else {
        return false;
    };
    let (one, other) = (plain(sent), plain(shown));
    one != other && is_code(sent, shown, (&one, &other))
}

/// A text without case and signs.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A moment without the fraction of its seconds.
fn without_fraction(text: &str) -> Option<String> {
    let (before, after) = text.split_once('.')?;
    let rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (before.contains(':') && rest.len() < after.len()).then(|| format!("{before}{rest}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldMeta;

    fn differ(sent: Value, shown: Value) -> bool {
        differs(&Fields::new("id"), "x", &sent, &shown)
    }

    #[test]
    fn values_differ_where_no_other_form_explains_it() {
        for (sent, shown) in [
            (json!("new"), json!("old")),
            (json!(2), json!(1)),
            (json!(1.5), json!(1.25)),
            (json!("2.50"), json!("2.00")),
            (json!("15"), json!("1.5")),
            (json!(true), json!(false)),
            (json!(null), json!("old")),
            (json!("new"), json!(null)),
            (json!("Ann"), json!("Anna")),
            (json!("Annabel"), json!("Ann")),
            (json!([1, 2]), json!([1])),
            (json!([]), json!([1])),
            (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3, "c": 4})),
            (json!({"a": 1}), json!({"b": 2})),
            (json!({"a": {"x": 1}}), json!({"a": {"y": 2}})),
            (json!("Bo"), json!("Anna")),
            (json!("DE"), json!("FR")),
            (json!("2024-01-02T10:00:00Z"), json!("2024-01-02T11:00:00Z")),
            (json!("::1"), json!("::2")),
            (json!(2.25), json!(1)),
            (json!("+"), json!("-")),
        ] {
            assert!(differ(sent.clone(), shown.clone()), "{sent} {shown}");
        }
    }

    #[test]
    fn another_form_is_no_other_value() {
        for (sent, shown) in [
            (json!("A@x.io"), json!("a@x.io")),
            (json!(" a  b "), json!("a b")),
            (json!("00-1A-2B"), json!("00:1a:2b")),
            (json!("2001:db8:0:0:0:0:0:1"), json!("2001:db8::1")),
            (json!(1.2391), json!("1.24")),
            (json!(1.2391), json!(1.23)),
            (json!(7.6), json!(8)),
            (json!("1.50"), json!(1.5)),
            (
                json!("2024-01-02T10:00:00.250Z"),
                json!("2024-01-02T10:00:00Z"),
            ),
            (
                json!("2024-01-02T10:00:00Z"),
                json!("2024-01-02T11:00:00+01:00"),
            ),
            (json!(null), json!("")),
            (json!(""), json!(null)),
            (json!(5), json!({"id": 5, "name": "x"})),
            (json!(5), json!({"name": "x"})),
            (json!("A"), json!("Active")),
            (json!("DE"), json!("Germany")),
            (json!("2"), json!("Published")),
            (json!(2), json!("Published")),
            (json!({"id": 5}), json!({"pk": 5, "name": "x"})),
            (json!({}), json!({"a": 1})),
            (json!({"a": 1}), json!({})),
            (json!("a text that is long"), json!("a text that is")),
            (json!("secret"), json!("********")),
            (json!([2, 1]), json!([1, 2])),
            (json!([1]), json!([{"id": 1}])),
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!(7), json!("https://api.test/users/7/")),
        ] {
            assert!(!differ(sent.clone(), shown.clone()), "{sent} {shown}");
        }
    }

    #[test]
    fn one_value_may_have_several_spellings() {
        let fields = Fields::new("id").decimal("price").text("code");
        for (name, one, other, is_one) in [
            ("price", json!("1.50"), json!("1.5"), true),
            ("price", json!("1.50"), json!(1.5), true),
            ("x", json!("1.50"), json!("1.5"), false),
            ("x", json!("7"), json!(7), false),
            ("x", json!(1), json!(1.0), true),
            ("x", json!(true), json!(1), false),
            (
                "x",
                json!("2024-01-02T10:00:00Z"),
                json!("2024-01-02T11:00:00+01:00"),
                true,
            ),
            (
                "code",
                json!("2024-01-02T10:00:00Z"),
                json!("2024-01-02T11:00:00+01:00"),
                false,
            ),
            ("x", json!("A"), json!("a"), false),
            ("x", json!(null), json!(""), false),
            (
                "x",
                json!({"a": 1, "b": [1]}),
                json!({"b": [1.0], "a": 1}),
                true,
            ),
            ("x", json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            ("x", json!([1, 2]), json!([2, 1]), false),
            (
                "x",
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992_i64),
                false,
            ),
        ] {
            assert_eq!(
                is_same(&fields, name, &one, &other),
                is_one,
                "{name} {one} {other}"
            );
        }
    }

    #[test]
    fn sets_have_no_order() {
        for (one, other, are_same) in [
            (json!([1, 2, 2]), json!([2, 1.0, 2]), true),
            (json!([1, 2, 2]), json!([1, 1, 2]), false),
            (json!([1]), json!([1, 2]), false),
            (json!([]), json!([]), true),
            (json!([]), json!(null), false),
        ] {
            assert_eq!(have_same_elements(&one, &other), are_same, "{one} {other}");
        }
    }

    #[test]
    fn a_new_row_is_held_to_what_it_was_looked_up_by() {
        let model = ModelMeta::new("Thing", "/things/");
        let lookup = |name: &str, value: Value| Q::Lookup(Lookup::parse(name, value));
        let q = lookup("pk", json!(3))
            .and(lookup("name", json!("A")))
            .and(lookup("site_id", json!(2)))
            .and(lookup("kind", json!("k")))
            .and(lookup("age__gte", json!(18)));
        let found = |row: Value, assumed: &[&str]| {
            let row = row.as_object().cloned().unwrap();
            let assumed: Vec<String> = assumed.iter().map(|&name| name.to_owned()).collect();
            doubts(&q, &model, &row, &assumed)
                .into_iter()
                .map(|doubt| {
                    let name = doubt.part.parameters().remove(0);
                    (name, doubt.is_certain, doubt.is_dropped)
                })
                .collect::<Vec<_>>()
        };
        let row = json!({"id": 3, "name": "A", "site_id": 2, "kind": "k", "age": 18});
        assert_eq!(found(row, &[]), []);
        let row = json!({"id": 3, "name": "A", "site_id": 2, "kind": "k", "age": 17});
        assert_eq!(found(row, &[]), [("age__gte".to_owned(), false, false)]);
        let row = json!({"id": 77, "name": "a", "site_id": 2, "kind": null});
        assert_eq!(
            found(row, &["site_id"]),
            [
                ("pk".to_owned(), true, true),
                ("name".to_owned(), false, false),
                ("site_id".to_owned(), false, true),
                ("kind".to_owned(), false, true),
            ]
        );
    }

    #[test]
    fn values_contradict_a_lookup_that_no_form_of_them_satisfies() {
        let owner = FieldMeta::new("owner").with_sent_as("owner_id");
        let model = ModelMeta::new("Thing", "/things/").with_fields(vec![owner]);
        for (name, asked, sent, is_contradicted) in [
            ("n__gte", json!(5), json!({"n": 3}), true),
            ("n__gte", json!(5), json!({"n": 5}), false),
            ("n__gte", json!(5), json!({"n": "3"}), false),
            ("n__gte", json!(5), json!({"n": 4.9}), false),
            ("n__gte", json!(5), json!({}), false),
            ("n__in", json!([1, 2]), json!({"n": 3}), true),
            ("n__in", json!(["1"]), json!({"n": 3}), false),
            ("pk__lt", json!(2), json!({"id": 3}), true),
            ("owner__in", json!([1]), json!({"owner_id": 2}), true),
            ("owner__age__gt", json!(5), json!({"owner_id": 2}), false),
            ("n__isnull", json!(true), json!({"n": "x"}), true),
            ("n__isnull", json!(true), json!({"n": ""}), false),
            ("n__isnull", json!(false), json!({"n": null}), false),
            ("day__year__gt", json!(2024), json!({"day": 2023}), false),
            ("mac__iexact", json!("a"), json!({"mac": "b"}), false),
            ("n", json!(1), json!({"n": 2}), false),
        ] {
            let q = Q::All.and(Q::Lookup(Lookup::parse(name, asked)));
            let found = contradicted(&q, &model, sent.as_object().unwrap());
            assert_eq!(found.is_some(), is_contradicted, "{name} {sent}");
        }
    }
}
