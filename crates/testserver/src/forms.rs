//! What Django's form fields make of a query parameter: a value, nothing, or a message.

use rusqlite::types::Value as Sql;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::field::{Field, Kind};
use crate::lookup::{Lookup, Operator, Part};
use crate::moment;
use crate::store::Session;
use crate::table::Tables;

/// The form field behind a filter.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    Integer,
    Float,
    Decimal,
    Text,
    Choice(Vec<String>),
    Boolean,
    Uuid,
    Date,
    DateTime,
    /// The primary key of an existing row.
    Row {
        table: String,
    },
}

/// A value that passed its form field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cleaned {
    /// No value: an empty parameter, or one that the field takes for none.
    Nothing,
    Value(Sql),
    /// An integer that no column can hold: above all of them, or below.
    TooLarge,
    TooSmall,
}

type Cleaning = Result<Cleaned, String>;

impl Input {
    /// The form field that django-filter chooses; `None` for a field that has no filter.
    pub(crate) fn choose(field: &Field, lookup: Lookup) -> Option<Self> {
        if lookup.operator == Operator::IsNull {
            return Some(Self::Boolean);
        }
        match lookup.part {
            Some(Part::Date) => return Some(Self::Date),
            Some(_) => return Some(Self::Integer),
            None => {}
        }
        Some(match &field.kind {
            Kind::Integer { .. } => Self::Integer,
            Kind::Float => Self::Float,
            Kind::Decimal { .. } => Self::Decimal,
            Kind::Boolean => Self::Boolean,
            Kind::Choice { values } if lookup.operator == Operator::Exact => {
                Self::Choice(values.clone())
            }
            Kind::Text { .. } | Kind::Email { .. } | Kind::Slug { .. } | Kind::Choice { .. } => {
                Self::Text
            }
            Kind::Uuid => Self::Uuid,
            Kind::Date => Self::Date,
            Kind::DateTime => Self::DateTime,
            Kind::ForeignKey { table, .. } | Kind::Link { table, .. } => Self::Row {
                table: table.clone(),
            },
            Kind::List { .. } | Kind::Object | Kind::Json | Kind::Nested { .. } => return None,
        })
    }

    /// `Field.clean`.
    pub(crate) fn clean(&self, text: &str, session: &Session<'_>, tables: &Tables) -> Cleaning {
        if text.contains('\0') && !matches!(self, Self::Boolean | Self::Row { .. }) {
            return Err("Null characters are not allowed.".to_owned());
        }
        match self {
            Self::Boolean => Ok(boolean(text)),
            Self::Text => Ok(match text.trim() {
                "" => Cleaned::Nothing,
                text => Cleaned::Value(Sql::Text(text.to_owned())),
            }),
            _ if text.is_empty() => Ok(Cleaned::Nothing),
            Self::Integer => number(text).map(Number::integer),
            Self::Float => number(text).map(Number::float),
            Self::Decimal => number(text).map(Number::decimal),
            Self::Choice(values) if values.iter().any(|value| value == text) => {
                Ok(Cleaned::Value(Sql::Text(text.to_owned())))
            }
            Self::Choice(_) => Err(format!(
                "Select a valid choice. {text} is not one of the available choices."
            )),
            Self::Uuid => uuid::Uuid::parse_str(text.trim())
                .map(|uuid| Cleaned::Value(Sql::Text(uuid.to_string())))
                .map_err(|_| "Enter a valid UUID.".to_owned()),
            Self::Date => moment::parse_form_date(text)
                .map(|date| Cleaned::Value(Sql::Text(date.to_string())))
                .ok_or_else(|| "Enter a valid date.".to_owned()),
            Self::DateTime => moment::parse_datetime(text.trim())
                .map(|value| Cleaned::Value(Sql::Text(moment::stored(value))))
                .ok_or_else(|| "Enter a valid date/time.".to_owned()),
            Self::Row { table } => existing_row(text, table, session, tables).ok_or_else(|| {
                "Select a valid choice. That choice is not one of the available choices.".to_owned()
            }),
        }
    }
}

/// `BooleanWidget`: anything else means no filter.
fn boolean(text: &str) -> Cleaned {
    match text.to_lowercase().as_str() {
        "true" | "1" => Cleaned::Value(Sql::Integer(1)),
        "false" | "0" => Cleaned::Value(Sql::Integer(0)),
        _ => Cleaned::Nothing,
    }
}

fn existing_row(
    text: &str,
    table: &str,
    session: &Session<'_>,
    tables: &Tables,
) -> Option<Cleaned> {
    let table = tables.get(table)?;
    let key = key_of(table.field(&table.key)?, text)?;
    session
        .find(table, &table.key, key.clone())
        .ok()
        .flatten()?;
    Some(Cleaned::Value(key))
}

/// A primary key or slug in a URL or a parameter; `None` when it cannot be one.
pub(crate) fn key_of(field: &Field, text: &str) -> Option<Sql> {
    match field.kind {
        Kind::Integer { .. } => crate::python::int(text)
            .and_then(|number| i64::try_from(number).ok())
            .map(Sql::Integer),
        Kind::Uuid => uuid::Uuid::parse_str(text)
            .ok()
            .map(|uuid| Sql::Text(uuid.to_string())),
        _ => Some(Sql::Text(text.to_owned())),
    }
}

/// A number that passed Django's `DecimalField`.
enum Number {
    Exact(Decimal),
    /// More digits than a decimal has: as a float it still says how large it is.
    Long(f64),
}

fn number(text: &str) -> Result<Number, String> {
    let invalid = || "Enter a number.".to_owned();
    let text = text.trim().replace('_', "");
    let float = text.parse::<f64>().ok().filter(|_| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
    });
    let float = float.ok_or_else(invalid)?;
    if float > 1e50 {
        return Err("Ensure this value is less than or equal to 1e+50.".to_owned());
    }
    let exact = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text));
    Ok(exact.map_or(Number::Long(float), Number::Exact))
}

impl Number {
    /// `int(Decimal)`: cut towards zero.
    fn integer(self) -> Cleaned {
        match self {
            Self::Exact(number) => match number.trunc().to_i64() {
                Some(number) => Cleaned::Value(Sql::Integer(number)),
                None if number.is_sign_negative() => Cleaned::TooSmall,
                None => Cleaned::TooLarge,
            },
            Self::Long(number) if number.abs() < 1.0 => Cleaned::Value(Sql::Integer(0)),
            Self::Long(number) if number < 0.0 => Cleaned::TooSmall,
            Self::Long(_) => Cleaned::TooLarge,
        }
    }

    fn float(self) -> Cleaned {
        let number = match self {
            Self::Exact(number) => number.to_f64().unwrap_or_default(),
            Self::Long(number) => number,
        };
        Cleaned::Value(Sql::Real(number))
    }

    /// As Django binds a decimal: with all its digits, whatever the column has.
    fn decimal(self) -> Cleaned {
        match self {
            Self::Exact(number) => Cleaned::Value(Sql::Text(number.to_string())),
            long @ Self::Long(_) => long.float(),
        }
    }
}
