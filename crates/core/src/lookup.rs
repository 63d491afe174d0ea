//! One condition on one field, in Django's spelling: `age__gte=18`, `created_at__year=2024`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dialect::encode;

/// The comparison of a [`Lookup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Op {
    /// Equal; `None`/`null` means `isnull`.
    Exact,
    /// Equal, ignoring case.
    IExact,
    /// Contains the text.
    Contains,
    /// Contains the text, ignoring case.
    IContains,
    /// Starts with the text.
    StartsWith,
    /// Starts with the text, ignoring case.
    IStartsWith,
    /// Ends with the text.
    EndsWith,
    /// Ends with the text, ignoring case.
    IEndsWith,
    /// Matches the regular expression somewhere.
    Regex,
    /// Matches the regular expression somewhere, ignoring case.
    IRegex,
    /// One of the values.
    In,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// Between two values, both included.
    Range,
    /// Is null (`true`) or is not (`false`).
    IsNull,
}

const OPS: [(&str, Op); 17] = [
    ("exact", Op::Exact),
    ("iexact", Op::IExact),
    ("contains", Op::Contains),
    ("icontains", Op::IContains),
    ("startswith", Op::StartsWith),
    ("istartswith", Op::IStartsWith),
    ("endswith", Op::EndsWith),
    ("iendswith", Op::IEndsWith),
    ("regex", Op::Regex),
    ("iregex", Op::IRegex),
    ("in", Op::In),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("range", Op::Range),
    ("isnull", Op::IsNull),
];

impl Op {
    /// Django's name of the lookup: `"icontains"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        OPS.iter()
            .find(|(_, op)| *op == self)
            .map_or("exact", |(name, _)| name)
    }

    /// Django's names of all lookups.
    pub fn names() -> impl Iterator<Item = &'static str> {
        OPS.iter().map(|(name, _)| *name)
    }

    /// The lookup of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        OPS.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, op)| *op)
    }
}

/// What is taken of a date or time before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Transform {
    /// The year.
    Year,
    /// The month, 1 to 12.
    Month,
    /// The day of the month, 1 to 31.
    Day,
    /// The hour, 0 to 23.
    Hour,
    /// The minute.
    Minute,
    /// The second.
    Second,
    /// The day of the week, 1 (Sunday) to 7 (Saturday), as Django counts.
    WeekDay,
    /// The calendar date.
    Date,
    /// The time of day.
    Time,
}

const TRANSFORMS: [(&str, Transform); 9] = [
    ("year", Transform::Year),
    ("month", Transform::Month),
    ("day", Transform::Day),
    ("hour", Transform::Hour),
    ("minute", Transform::Minute),
    ("second", Transform::Second),
    ("week_day", Transform::WeekDay),
    ("date", Transform::Date),
    ("time", Transform::Time),
];

impl Transform {
    /// Django's name of the transform: `"year"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TRANSFORMS
            .iter()
            .find(|(_, transform)| *transform == self)
            .map_or("date", |(name, _)| name)
    }

    /// The transform of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        TRANSFORMS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, transform)| *transform)
    }
}

/// One condition: a path, what is taken of its value, how it is compared, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The field's wire name; nested fields and relations are joined with `__`.
    pub path: String,
    /// What is taken of the value first.
    pub transform: Option<Transform>,
    /// The comparison.
    pub op: Op,
    /// The operand in JSON: an array for `in` and `range`, a boolean for `isnull`.
    pub value: Value,
}

impl Lookup {
    /// A lookup on a field.
    #[must_use]
    pub fn new(path: impl Into<String>, op: Op, value: Value) -> Self {
        Self {
            path: path.into(),
            transform: None,
            op,
            value,
        }
    }

    /// Whether it asks for equality by the bare name of a field.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.op == Op::Exact && self.transform.is_none() && !self.path.contains("__")
    }

    /// Whether the value is one of two, such as true and false: the other one may have rows, too.
    #[must_use]
    pub fn has_opposite(&self) -> bool {
        self.value.is_boolean() || self.value.is_null()
    }

    /// Reads Django's spelling: the last part of `age__gte` is a lookup's name, or the field itself.
    ///
    /// ```
    /// use django_api_orm_core::lookup::{Lookup, Op, Transform};
    /// let lookup = Lookup::parse("created_at__year__gte", 2024.into());
    /// assert_eq!((lookup.path.as_str(), lookup.transform, lookup.op), ("created_at", Some(Transform::Year), Op::Gte));
    /// assert_eq!(Lookup::parse("address__state", "IL".into()).path, "address__state");
    /// ```
    #[must_use]
    pub fn parse(name: &str, value: Value) -> Self {
        let (name, op) = match name.rsplit_once("__") {
            Some((path, last)) if !path.is_empty() => match Op::parse(last) {
                Some(op) => (path, op),
                None => (name, Op::Exact),
            },
            _ => (name, Op::Exact),
        };
        let (path, transform) = match name.rsplit_once("__") {
            Some((path, last)) if !path.is_empty() => match Transform::parse(last) {
                Some(transform) => (path, Some(transform)),
                None => (name, None),
            },
            _ => (name, None),
        };
        Self {
            path: path.to_owned(),
            transform,
            op,
            value,
        }
    }

    /// The query parameter in the spelling of django-filter: `age__gte`, `created_at__year`, `name`.
    #[must_use]
    pub fn parameter(&self) -> String {
        let mut name = self.path.clone();
        if let Some(transform) = self.transform {
            name.push_str("__");
            name.push_str(transform.as_str());
        }
        if self.op != Op::Exact {
            name.push_str("__");
            name.push_str(self.op.as_str());
        }
        name
    }

    /// Whether the value reaches a server as it is, in a query string.
    #[must_use]
    pub fn is_sendable(&self) -> bool {
        encode(self).is_some_and(|text| !text.is_empty())
    }

    /// The first part of the path: the field of the row itself.
    #[must_use]
    pub fn root(&self) -> &str {
        self.path.split("__").next().unwrap_or(&self.path)
    }

    /// Whether it can be meant of one of the related rows that a field is a list of: of its key, or of what is behind the relation. A place
    /// in a list, its length, or a part of a text is asked of a value that is a list; whether there is such a row at all is the same for one
    /// and for any.
    pub(crate) fn may_ask_of_one_row(&self) -> bool {
        let rest = self.path.split("__").nth(1);
        let asks_for_any = self.op == Op::IsNull || self.op == Op::Exact && self.value.is_null();
        match rest {
            None | Some("id" | "pk") if asks_for_any => false,
            Some(name) => name != "len" && name.parse::<usize>().is_err(),
            None => matches!(
                self.op,
                Op::Exact | Op::In | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Range
            ),
        }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.parameter(), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for (name, op) in OPS {
            let lookup = Lookup::parse(&format!("a__b__{name}"), Value::Null);
            assert_eq!((lookup.path.as_str(), lookup.op), ("a__b", op));
        }
        for (name, transform) in TRANSFORMS {
            let lookup = Lookup::parse(&format!("a__{name}__lt"), Value::Null);
            assert_eq!(lookup.parameter(), format!("a__{name}__lt"));
            assert_eq!(lookup.transform, Some(transform));
        }
    }

    #[test]
    fn a_field_named_like_a_lookup_is_a_field() {
        assert_eq!(Lookup::parse("date", 1.into()).path, "date");
        assert_eq!(Lookup::parse("in", 1.into()).path, "in");
        assert_eq!(Lookup::parse("__gte", 1.into()).path, "__gte");
        assert_eq!(
            Lookup::parse("range__gte", 1.into()).parameter(),
            "range__gte"
        );
    }
}
