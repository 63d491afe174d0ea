//! The values that probes ask with: such as no row has, and such as every row satisfies.

use chrono::{DateTime, SecondsFormat};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::{
    dialect::encode,
    evaluate::{Fields, Link, Measure, taken},
    lookup::{Lookup, Op, Transform},
    model::ModelMeta,
};

/// A value that no row satisfies, of the kind that the filter takes, as the text of its parameter: servers drop or refuse what
/// is of another kind. `nonsense` is a word of 32 hexadecimal digits that no row has.
pub(super) fn of_no_row(guard: &Lookup, nonsense: &str) -> String {
    let value = match &guard.value {
        // A server takes for no filter at all what is neither true nor false.
        Value::Bool(value) => return (!value).to_string(),
        Value::Null => return "false".to_owned(),
        Value::Array(values) => values.first().unwrap_or(&Value::Null),
        value => value,
    };
    let kind = match guard.transform {
        None => Measure::of(value),
        Some(_) => None,
    };
    let beyond = |value: Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match (guard.op, kind) {
        (Op::Gt | Op::Gte, Some(kind)) if kind != Measure::Text => beyond(kind.greatest()),
        (Op::Lt | Op::Lte, Some(kind)) if kind != Measure::Text => beyond(kind.least()),
        (Op::Exact | Op::IExact | Op::In, Some(kind)) => kind.strange(nonsense),
        (Op::Range, Some(kind)) => {
            let strange = kind.strange(nonsense);
            format!("{strange},{strange}")
        }
        // Text beyond that of any row, at the end that the lookup asks for.
        (Op::Gt | Op::Gte, _) => format!("zzzz{nonsense}"),
        (Op::Lt | Op::Lte, _) => format!("!{nonsense}"),
        (Op::Range, None) => format!("{nonsense},{nonsense}"),
        _ => nonsense.to_owned(),
    }
}

/// The lookup with a value that every row satisfies which has one; for `isnull` with the other one. `None` where there is no
/// such value.
pub(super) fn of_every_row(guard: &Lookup) -> Option<Lookup> {
    let operand = match &guard.value {
        Value::Array(values) => values.first()?,
        value => value,
    };
    let ends = || match guard.transform {
        None => Measure::of(operand).map(|kind| (kind.least(), kind.greatest())),
        Some(Transform::Date) => Some((Measure::Date.least(), Measure::Date.greatest())),
        Some(Transform::Time) => Some((Measure::Time.least(), Measure::Time.greatest())),
        Some(Transform::Year) => Some((json!(1801), json!(2999))),
        Some(_) => Some((json!(0), json!(60))),
    };
    let value = match guard.op {
        Op::IsNull => Value::Bool(!guard.value.as_bool()?),
        Op::Gt | Op::Gte => ends()?.0,
        Op::Lt | Op::Lte => ends()?.1,
        Op::Range => {
            let (least, greatest) = ends()?;
            json!([least, greatest])
        }
        _ => return None,
    };
    Some(Lookup {
        value,
        ..guard.clone()
    })
}

/// The lookup with the next whole number beyond a fraction: what it finds has all that the lookup itself holds for. `None` where there is no
/// such number.
pub(super) fn whole(lookup: &Lookup) -> Option<Lookup> {
    let is_high = matches!(lookup.op, Op::Lt | Op::Lte);
    let rounded = |value: &Value, is_high: bool| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let number: Decimal = text.parse().ok()?;
        let whole = if is_high {
            number.ceil()
        } else {
            number.floor()
        };
        Some(match value {
            Value::String(_) => whole.normalize().to_string().into(),
            _ => i64::try_from(whole).ok()?.into(),
        })
    };
    let value: Value = match &lookup.value {
        Value::Array(bounds) => match bounds.as_slice() {
            [low, high] => Value::Array(vec![rounded(low, false)?, rounded(high, true)?]),
            _ => return None,
        },
        value => rounded(value, is_high)?,
    };
    Some(Lookup {
        value,
        ..lookup.clone()
    })
}

/// The lookup with the value that the row itself has, which it satisfies; `None` where it has none that can be sent.
pub(super) fn of_row(guard: &Lookup, fields: &Fields, row: &Map<String, Value>) -> Option<Lookup> {
    let own = taken(guard, fields, row)?;
    let value = match guard.op {
        Op::In => json!([own]),
        Op::Regex | Op::IRegex => regex::escape(own.as_str()?).into(),
        _ => own,
    };
    let lookup = Lookup {
        value,
        ..guard.clone()
    };
    encode(&lookup).is_some().then_some(lookup)
}

/// The same for equality. `is_key`: the key of a related row, which may be shown by its URL or as an object.
pub(super) fn equal(
    guard: &Lookup,
    fields: &Fields,
    row: &Map<String, Value>,
    is_key: bool,
) -> Option<Lookup> {
    // Of several, the first one.
    let shown = match row.get(guard.root()) {
        Some(Value::Array(related)) if is_key => related.first(),
        shown => shown,
    };
    let is_alike = |value: &&Value| {
        Measure::of(value).is_some() && Measure::of(value) == Measure::of(&guard.value)
    };
    let shown = match shown {
        Some(Value::Object(related)) if is_key => {
            let keys = ["id", "pk"]
                .into_iter()
                .filter_map(|name| related.get(name));
            keys.chain(related.values()).find(is_alike)
        }
        shown => shown,
    };
    let asks_by_url = guard.value.as_str().and_then(Link::parse).is_some();
    let key = match shown {
        Some(Value::String(text)) if is_key && !asks_by_url => Some(
            Link::parse(text)
                .and_then(Link::key)
                .map_or_else(|| text.as_str().into(), |key| key.into_owned().into()),
        ),
        Some(Value::Number(_) | Value::String(_)) if is_key => shown.cloned(),
        _ => None,
    };
    let lookup = Lookup {
        value: match key {
            Some(key) => key,
            None => return of_row(guard, fields, row),
        },
        ..guard.clone()
    };
    encode(&lookup).is_some().then_some(lookup)
}

impl Lookup {
    /// For equality by the bare name of a field, the same for the text without its last letter: a filter by parts has rows for it if it has
    /// some for this one. `None` for another kind of value.
    #[must_use]
    pub fn shorter(&self) -> Option<Self> {
        let mut letters = self.value.as_str()?.chars();
        letters.next_back()?;
        let shorter = Self {
            value: letters.as_str().into(),
            ..self.clone()
        };
        (self.is_bare() && self.asks_for_text() && shorter.is_sendable()).then_some(shorter)
    }

    /// The same with the least and with the greatest value of the kind, where it has these.
    pub fn ends(&self) -> impl Iterator<Item = Self> {
        let kind = Measure::of(&self.value)
            .filter(|kind| !matches!(kind, Measure::Text | Measure::Uuid))
            .filter(|_| self.is_bare());
        let ends = kind.map(|kind| [kind.least(), kind.greatest()]);
        ends.into_iter().flatten().map(|value| Self {
            value,
            ..self.clone()
        })
    }

    /// Whether it asks for a text that is no number, date or the like.
    #[must_use]
    pub fn asks_for_text(&self) -> bool {
        Measure::of(&self.value) == Some(Measure::Text)
    }

    /// Whether it asks for a value of the same kind as another one does: a number, a date.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        Measure::of(&self.value).is_some_and(|kind| Some(kind) == Measure::of(&other.value))
    }

    /// Whether its value has digits that may be rounded or cut off: decimal places, a time of the day.
    #[must_use]
    pub fn has_places(&self) -> bool {
        match Measure::of(&self.value) {
            Some(Measure::Number) => {
                encode(self).is_some_and(|text| text.contains(['.', 'e', 'E']))
            }
            Some(Measure::Time | Measure::Instant { .. }) => true,
            _ => false,
        }
    }

    /// Whether its value can be spelt in several ways. A text that looks like a number may be one, such as a version.
    #[must_use]
    pub fn has_spellings(&self, model: &ModelMeta) -> bool {
        let is_decimal = model.known_fields().is_decimal(&self.path);
        match Measure::of(&self.value) {
            Some(Measure::Number) => is_decimal || self.value.is_f64(),
            Some(Measure::Instant { .. }) => true,
            _ => false,
        }
    }
}

/// How a value that a row shows is spelt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As what is asked for, so that to compare spellings is to compare values.
    Same,
    /// Otherwise: the value in a spelling that is not the row's.
    Other(Value),
}

/// How the row spells its own value, beside how the filter does; `None` where it has no value that can be sent.
pub(super) fn spelling(
    guard: &Lookup,
    fields: &Fields,
    row: &Map<String, Value>,
) -> Option<Spelling> {
    let own = taken(guard, fields, row)?;
    let asked = encode(guard)?;
    let text = encode(&Lookup {
        value: own,
        ..guard.clone()
    })?;
    let other = match Measure::of(&guard.value)? {
        Measure::Number => with_other_places(&text, &asked),
        Measure::Instant { aware: true } => at_offset_of(&text, &asked),
        _ => None,
    };
    Some(match other {
        Some(other) => Spelling::Other(other.into()),
        None => Spelling::Same,
    })
}

/// The number with more decimal places, or with fewer if the last ones are zeros, where the other one has not as many.
fn with_other_places(own: &str, other: &str) -> Option<String> {
    let places = |text: &str| text.split_once('.').map_or(0, |(_, places)| places.len());
    let has_exponent = |text: &str| text.contains(['e', 'E']);
    if places(own) == places(other) || has_exponent(own) || has_exponent(other) {
        return None;
    }
    let short = match own.contains('.') {
        true => own.trim_end_matches('0').trim_end_matches('.'),
        false => own,
    };
    Some(match (short == own, own.contains('.')) {
        (false, _) => short.to_owned(),
        (true, true) => format!("{own}0"),
        (true, false) => format!("{own}.0"),
    })
}

/// The instant as the other one is written, where that is another spelling.
fn at_offset_of(own: &str, other: &str) -> Option<String> {
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let there = instant(own)?.with_timezone(instant(other)?.offset());
    let text = there.to_rfc3339_opts(SecondsFormat::AutoSi, other.ends_with(['Z', 'z']));
    (text != own).then_some(text)
}

impl Measure {
    /// A value below those of all rows.
    fn least(self) -> Value {
        match self {
            Self::Number => json!(-2_000_000_000),
            Self::Date => json!("1801-02-03"),
            Self::Time => json!("00:00:00"),
            Self::Instant { aware: true } => json!("1801-02-03T04:05:06Z"),
            Self::Instant { aware: false } => json!("1801-02-03T04:05:06"),
            Self::Uuid => json!("00000000-0000-0000-0000-000000000000"),
            Self::Text => json!("!"),
        }
    }

    /// A value above those of all rows.
    fn greatest(self) -> Value {
        match self {
            Self::Number => json!(2_000_000_000),
            Self::Date => json!("2999-02-03"),
            Self::Time => json!("23:59:59"),
            Self::Instant { aware: true } => json!("2999-02-03T04:05:06Z"),
            Self::Instant { aware: false } => json!("2999-02-03T04:05:06"),
            Self::Uuid => json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
            Self::Text => json!("zzzzzzzz"),
        }
    }

    /// A value of the kind that no row has.
    fn strange(self, nonsense: &str) -> String {
        match self {
            Self::Number => {
                let digits = nonsense.get(..7).unwrap_or_default();
                let number = u32::from_str_radix(digits, 16).unwrap_or_default();
                (1_800_000_000 + number % 300_000_000).to_string()
            }
            Self::Date => "1801-02-03".to_owned(),
            Self::Time => "03:14:15.926535".to_owned(),
            Self::Instant { aware: true } => "1801-02-03T04:05:06Z".to_owned(),
            Self::Instant { aware: false } => "1801-02-03T04:05:06".to_owned(),
            Self::Uuid => {
                let part = |from, to| nonsense.get(from..to).unwrap_or_default();
                format!(
                    "{}-{}-4{}-8{}-{}",
                    part(0, 8),
                    part(8, 12),
                    part(13, 16),
                    part(17, 20),
                    part(20, 32)
                )
            }
            Self::Text => nonsense.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONSENSE: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_value_is_spelt_otherwise_than_its_row_spells_it() {
        let of = |own: Value, asked: Value| {
            let row = json!({"price": own});
            let guard = Lookup::new("price", Op::Exact, asked);
            spelling(&guard, &Fields::new("id"), row.as_object().unwrap())
        };
        let other = |text: &str| Some(Spelling::Other(text.into()));
        let same = Some(Spelling::Same);
        assert_eq!(of(json!("7.00"), json!("1")), other("7"));
        assert_eq!(of(json!("7.50"), json!("1")), other("7.5"));
        assert_eq!(of(json!("7.25"), json!("1")), other("7.250"));
        assert_eq!(of(json!(2.0), json!(1)), other("2"));
        assert_eq!(of(json!(7), json!("1.5")), other("7.0"));
        assert_eq!(of(json!("7.00"), json!("1.50")), same);
        assert_eq!(of(json!(7), json!(1)), same);
        assert_eq!(of(json!("1e3"), json!("1.5")), same);
        let (utc, berlin) = ("2024-08-10T04:32:28Z", "2024-08-10T06:32:28+02:00");
        assert_eq!(of(json!(berlin), json!("2020-01-01T00:00:00Z")), other(utc));
        assert_eq!(
            of(json!(utc), json!("2020-01-01T00:00:00+02:00")),
            other(berlin)
        );
        assert_eq!(of(json!(utc), json!("2020-01-01T00:00:00Z")), same);
        assert_eq!(of(json!("2024-08-10"), json!("2020-01-01")), same);
        assert_eq!(of(json!(null), json!(1)), None);
    }

    fn no_row(name: &str, value: Value) -> String {
        of_no_row(&Lookup::parse(name, value), NONSENSE)
    }

    #[test]
    fn what_no_row_has_is_of_the_kind_of_the_operand() {
        for (name, value, expected) in [
            ("age", json!(7), "1801193046"),
            ("age__in", json!([7, 8]), "1801193046"),
            ("age__gt", json!("7.5"), "2000000000"),
            ("age__lt", json!(7), "-2000000000"),
            ("active", json!(true), "false"),
            ("age__isnull", json!(false), "true"),
            ("name", json!("Ann"), NONSENSE),
            (
                "name__gt",
                json!("Ann"),
                "zzzz0123456789abcdef0123456789abcdef",
            ),
            (
                "name__lt",
                json!("Ann"),
                "!0123456789abcdef0123456789abcdef",
            ),
            ("born", json!("2024-05-01"), "1801-02-03"),
            ("opens__lt", json!("10:00:00"), "00:00:00"),
            (
                "seen__lt",
                json!("2024-05-01T10:00:00"),
                "1801-02-03T04:05:06",
            ),
            (
                "seen__gte",
                json!("2024-05-01T10:00:00Z"),
                "2999-02-03T04:05:06Z",
            ),
            ("born__year", json!(2024), NONSENSE),
            (
                "key",
                json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
                "01234567-89ab-4def-8123-456789abcdef",
            ),
        ] {
            assert_eq!(no_row(name, value), expected, "{name}");
        }
        assert_eq!(no_row("age__range", json!([1, 2])), "1801193046,1801193046");
        let years = no_row("born__year__range", json!([2023, 2024]));
        assert_eq!(years, format!("{NONSENSE},{NONSENSE}"));
    }

    #[test]
    fn what_every_row_satisfies() {
        let every = |name: &str, value: Value| {
            of_every_row(&Lookup::parse(name, value)).map(|lookup| lookup.value)
        };
        assert_eq!(every("age__gte", json!(7)), Some(json!(-2_000_000_000)));
        assert_eq!(
            every("age__range", json!([7, 8])),
            Some(json!([-2_000_000_000, 2_000_000_000]))
        );
        assert_eq!(every("age__isnull", json!(true)), Some(json!(false)));
        assert_eq!(every("born__year__lt", json!(2024)), Some(json!(2999)));
        assert_eq!(every("name__icontains", json!("a")), None);
        let row = json!({
            "name": "Ann (1)", "born": "2024-05-01", "tags": ["a"], "note": "a, b", "seen": "2024-05-01T10:00:00Z",
        });
        let own = |name: &str, value: Value| {
            let lookup = Lookup::parse(name, value);
            of_row(&lookup, &Fields::new("id"), row.as_object().unwrap()).map(|lookup| lookup.value)
        };
        assert_eq!(own("name__icontains", json!("x")), Some(json!("Ann (1)")));
        assert_eq!(own("name__regex", json!("x")), Some(json!(r"Ann \(1\)")));
        assert_eq!(own("name__in", json!(["x"])), Some(json!(["Ann (1)"])));
        assert_eq!(own("born__year", json!(1999)), Some(json!("2024")));
        assert_eq!(
            own("seen__date", json!("1999-01-01")),
            Some(json!("2024-05-01"))
        );
        assert_eq!(
            own("seen__time", json!("01:00:00")),
            Some(json!("10:00:00"))
        );
        assert_eq!(own("note__in", json!(["x"])), None, "it has a comma");
        assert_eq!(own("tags", json!("x")), None);
    }
}
