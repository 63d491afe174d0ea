//! django-filter: which query parameters filter a resource, and the SQL that each becomes.

use rusqlite::types::Value as Sql;

use crate::field::Kind;
use crate::forms::{Cleaned, Input};
use crate::lookup::{Lookup, Operator, escape_like};
use crate::query::Parameters;
use crate::resource::FilterSpec;
use crate::store::{Condition, Session};
use crate::table::{Table, Tables};
use crate::wire::Wire;

/// One filter of a `FilterSet`.
#[derive(Debug)]
pub(crate) struct Filter {
    /// The query parameter: `age__gte`.
    name: String,
    /// What is compared, as SQL.
    column: String,
    lookup: Lookup,
    input: Input,
    /// The compared value is a number in SQLite, whatever form the parameter has.
    numeric: bool,
}

impl Filter {
    /// The filter for a lookup on a path; an error says what is wrong with it.
    pub(crate) fn new(tables: &Tables, table: &Table, spec: &FilterSpec) -> Result<Self, String> {
        let (path, lookup_text) = (spec.field.as_str(), spec.lookup.as_str());
        let unknown =
            |what: &str| format!("{}: {what} in filter {path}__{lookup_text}", table.name);
        let lookup = Lookup::parse(lookup_text).ok_or_else(|| unknown("unknown lookup"))?;
        let (column, field) = tables
            .resolve(table, path)
            .ok_or_else(|| unknown("unknown field"))?;
        if lookup.part.is_some_and(|part| !part.is_of(&field.kind)) {
            return Err(unknown("a part that the field does not have"));
        }
        let input =
            Input::choose(field, lookup).ok_or_else(|| unknown("a field without filters"))?;
        let numeric = matches!(field.kind, Kind::Decimal { .. }) && lookup.part.is_none();
        let column = match lookup.part {
            Some(part) => part.sql(&column),
            None if numeric => format!("CAST({column} AS NUMERIC)"),
            None => column,
        };
        // Exact is the default and not written, also after a part: `created_at__year`.
        let name = format!("{path}__{lookup_text}");
        let name = name.strip_suffix("__exact").unwrap_or(&name);
        let name = spec.parameter.as_deref().unwrap_or(name).to_owned();
        Ok(Self {
            name,
            column,
            lookup,
            input,
            numeric,
        })
    }

    /// The query parameter.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The condition for these parameters; nothing when they do not filter by this. `any`: of several values any will do.
    fn condition(
        &self,
        parameters: &Parameters,
        any: bool,
        session: &Session<'_>,
        tables: &Tables,
    ) -> Result<Option<Condition>, Vec<String>> {
        let Some(text) = parameters.get(&self.name) else {
            return Ok(None);
        };
        let clean = |text: &str| self.input.clean(text, session, tables);
        match self.lookup.operator {
            Operator::Exact if any => {
                let values = parameters.all(&self.name);
                let values = values.into_iter().map(clean).collect::<Result<Vec<_>, _>>();
                Ok(Some(self.any_of(values.map_err(|message| vec![message])?)))
            }
            Operator::In | Operator::Range if text.is_empty() => Ok(None),
            Operator::In => {
                let values = text.split(',').map(clean).collect::<Result<Vec<_>, _>>();
                Ok(Some(self.any_of(values.map_err(|message| vec![message])?)))
            }
            Operator::Range => {
                let values = text.split(',').map(clean).collect::<Result<Vec<_>, _>>();
                match values.map_err(|message| vec![message])?.as_slice() {
                    [from, to] => Ok(Some(self.between(from, to))),
                    _ => Err(vec!["Range query expects two values.".to_owned()]),
                }
            }
            _ => Ok(self.compare(clean(text).map_err(|message| vec![message])?)),
        }
    }

    fn mark(&self) -> &'static str {
        if self.numeric {
            "CAST(? AS NUMERIC)"
        } else {
            "?"
        }
    }

    fn any_of(&self, values: Vec<Cleaned>) -> Condition {
        let text = matches!(self.input, Input::Text);
        let values = values.into_iter().filter_map(|value| match value {
            Cleaned::Value(value) => Some(value),
            // An empty item is an empty string to a text filter, and nothing to the others.
            Cleaned::Nothing if text => Some(Sql::Text(String::new())),
            _ => None,
        });
        let values = values.collect::<Vec<_>>();
        let marks = vec![self.mark(); values.len()].join(", ");
        Condition::new(format!("{} IN ({marks})", self.column), values)
    }

    fn between(&self, from: &Cleaned, to: &Cleaned) -> Condition {
        let bound = |value: &Cleaned| match value {
            Cleaned::Value(value) => value.clone(),
            Cleaned::Nothing if matches!(self.input, Input::Text) => Sql::Text(String::new()),
            Cleaned::Nothing => Sql::Null,
            Cleaned::TooLarge => Sql::Integer(i64::MAX),
            Cleaned::TooSmall => Sql::Integer(i64::MIN),
        };
        let sql = format!(
            "{} BETWEEN {mark} AND {mark}",
            self.column,
            mark = self.mark()
        );
        Condition::new(sql, [bound(from), bound(to)])
    }

    fn compare(&self, value: Cleaned) -> Option<Condition> {
        let (column, mark) = (&self.column, self.mark());
        let value = match value {
            Cleaned::Nothing => return None,
            Cleaned::Value(value) => value,
            beyond => return Some(self.compare_beyond(&beyond)),
        };
        let like = |before: &str, value: &Sql, after: &str| {
            let text = escape_like(&crate::codec::text_of(value));
            let pattern = Sql::Text(format!("{before}{text}{after}"));
            Condition::new(format!("{column} LIKE ? ESCAPE '\\'"), [pattern])
        };
        let with = |operator: &str, value: Sql| {
            Condition::new(format!("{column} {operator} {mark}"), [value])
        };
        Some(match self.lookup.operator {
            Operator::Exact => with("=", value),
            Operator::Gt => with(">", value),
            Operator::Gte => with(">=", value),
            Operator::Lt => with("<", value),
            Operator::Lte => with("<=", value),
            Operator::IExact => like("", &value, ""),
            Operator::Contains => like("%", &value, "%"),
            Operator::StartsWith => like("", &value, "%"),
            Operator::EndsWith => like("%", &value, ""),
            Operator::Regex { ignore_case } => {
                let pattern = crate::codec::text_of(&value);
                let pattern = if ignore_case {
                    format!("(?i){pattern}")
                } else {
                    pattern
                };
                with("REGEXP", Sql::Text(pattern))
            }
            Operator::IsNull if value == Sql::Integer(0) => {
                Condition::new(format!("{column} IS NOT NULL"), [])
            }
            Operator::IsNull => Condition::new(format!("{column} IS NULL"), []),
            Operator::In => self.any_of(vec![Cleaned::Value(value)]),
            Operator::Range => with("=", value),
        })
    }

    /// A comparison with a number that is above or below every integer.
    fn compare_beyond(&self, value: &Cleaned) -> Condition {
        let everything = match self.lookup.operator {
            Operator::Gt | Operator::Gte => *value == Cleaned::TooSmall,
            Operator::Lt | Operator::Lte => *value == Cleaned::TooLarge,
            _ => false,
        };
        Condition::new(if everything { "1" } else { "0" }, [])
    }
}

/// The conditions of all filters that the parameters use, or DRF's map of messages.
pub(crate) fn apply(
    filters: &[Filter],
    parameters: &Parameters,
    any: bool,
    session: &Session<'_>,
    tables: &Tables,
) -> Result<Vec<Condition>, Wire> {
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    for filter in filters {
        match filter.condition(parameters, any, session, tables) {
            Ok(condition) => conditions.extend(condition),
            Err(messages) => errors.push((filter.name.clone(), Wire::messages(messages))),
        }
    }
    if errors.is_empty() {
        Ok(conditions)
    } else {
        Err(Wire::Map(errors))
    }
}
