//! The lookups of Django's ORM that django-filter offers as query parameters.

use crate::field::Kind;

/// `date`, `year`, ...: the part of a date or an instant that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Date,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Exact,
    IExact,
    Contains,
    StartsWith,
    EndsWith,
    Regex { ignore_case: bool },
    In,
    Gt,
    Gte,
    Lt,
    Lte,
    Range,
    IsNull,
}

/// A lookup expression such as `gte`, `year` or `year__gte`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lookup {
    pub(crate) part: Option<Part>,
    pub(crate) operator: Operator,
}

impl Lookup {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (part, rest) = match text.split_once("__") {
            Some((first, rest)) => (Some(Part::parse(first)?), rest),
            None => match Part::parse(text) {
                Some(part) => (Some(part), "exact"),
                None => (None, text),
            },
        };
        Some(Self {
            part,
            operator: Operator::parse(rest)?,
        })
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "date" => Self::Date,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            _ => return None,
        })
    }

    /// Whether values of this kind have such a part.
    pub(crate) fn is_of(self, kind: &Kind) -> bool {
        match kind {
            Kind::DateTime => true,
            Kind::Date => matches!(self, Self::Year | Self::Month | Self::Day),
            _ => false,
        }
    }

    /// The part as SQL over the stored text `2023-01-05 01:00:00`.
    pub(crate) fn sql(self, column: &str) -> String {
        let (from, length) = match self {
            Self::Date => return format!("substr({column}, 1, 10)"),
            Self::Year => (1, 4),
            Self::Month => (6, 2),
            Self::Day => (9, 2),
            Self::Hour => (12, 2),
            Self::Minute => (15, 2),
            Self::Second => (18, 2),
        };
        format!("CAST(substr({column}, {from}, {length}) AS INTEGER)")
    }
}

impl Operator {
    /// On SQLite, Django makes `contains` and its siblings a `LIKE`, which ignores the case of
    /// ASCII letters; so each is the same as its `i` form.
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "exact" => Self::Exact,
            "iexact" => Self::IExact,
            "contains" | "icontains" => Self::Contains,
            "startswith" | "istartswith" => Self::StartsWith,
            "endswith" | "iendswith" => Self::EndsWith,
            "regex" => Self::Regex { ignore_case: false },
            "iregex" => Self::Regex { ignore_case: true },
            "in" => Self::In,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "range" => Self::Range,
            "isnull" => Self::IsNull,
            _ => return None,
        })
    }
}

/// Lookups by the kind of field, for resources that can be filtered on everything.
pub(crate) const TEXT: &[&str] = &[
    "exact",
    "iexact",
    "contains",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iendswith",
    "regex",
    "iregex",
    "in",
    "isnull",
];
pub(crate) const ORDERED: &[&str] = &["exact", "in", "gt", "gte", "lt", "lte", "range", "isnull"];
pub(crate) const DATE: &[&str] = &[
    "exact", "in", "gt", "gte", "lt", "lte", "range", "isnull", "year", "month", "day",
];
pub(crate) const DATETIME: &[&str] = &[
    "exact", "in", "gt", "gte", "lt", "lte", "range", "isnull", "year", "month", "day", "date",
];
pub(crate) const REFERENCE: &[&str] = &["exact", "in", "isnull"];
pub(crate) const BOOLEAN: &[&str] = &["exact", "isnull"];

/// Escapes what `LIKE ... ESCAPE '\'` would take for a wildcard.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_operators_combine() {
        let year = Lookup {
            part: Some(Part::Year),
            operator: Operator::Exact,
        };
        assert_eq!(Lookup::parse("year"), Some(year));
        let date_gte = Lookup {
            part: Some(Part::Date),
            operator: Operator::Gte,
        };
        assert_eq!(Lookup::parse("date__gte"), Some(date_gte));
        assert_eq!(Lookup::parse("gte__year"), None);
        assert_eq!(Lookup::parse("near"), None);
    }
}
