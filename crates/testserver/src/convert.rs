//! The values of single fields, as DRF's serializer fields take them and refuse them.

use rusqlite::types::Value as Sql;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::email;
use crate::field::{Field, Kind};
use crate::moment;
use crate::python;

const LONGEST_NUMBER: usize = 1000;
const INVALID_NUMBER: &str = "A valid number is required.";
const INVALID_EMAIL: &str = "Enter a valid email address.";
const INVALID_SLUG: &str =
    "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
const TOO_LONG_NUMBER: &str = "String value too large.";

/// `to_internal_value` of a field that holds one value; the error is its message.
pub(crate) fn scalar(field: &Field, value: &Value) -> Result<Sql, String> {
    match &field.kind {
        Kind::Integer { min, max } => integer(value, *min, *max).map(Sql::Integer),
        Kind::Float => float(value).map(Sql::Real),
        Kind::Decimal { digits, places } => decimal(value, *digits, *places).map(Sql::Text),
        Kind::Boolean => boolean(value),
        Kind::Choice { values } => {
            let text = python::text(value);
            if values.contains(&text) || (text.is_empty() && field.blank) {
                Ok(Sql::Text(text))
            } else {
                Err(format!("\"{text}\" is not a valid choice."))
            }
        }
        Kind::Uuid => value
            .as_str()
            .and_then(|text| uuid::Uuid::parse_str(text).ok())
            .map(|uuid| Sql::Text(uuid.to_string()))
            .ok_or_else(|| "Must be a valid UUID.".to_owned()),
        Kind::Date => value
            .as_str()
            .and_then(moment::parse_date)
            .map(|date| Sql::Text(date.to_string()))
            .ok_or_else(|| wrong_format("Date", "YYYY-MM-DD")),
        Kind::DateTime => value
            .as_str()
            .and_then(moment::parse_datetime)
            .map(|value| Sql::Text(moment::stored(value)))
            .ok_or_else(|| {
                wrong_format(
                    "Datetime",
                    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]",
                )
            }),
        Kind::Object if !value.is_object() => Err(format!(
            "Expected a dictionary of items but got type \"{}\".",
            python::type_name(value)
        )),
        Kind::Text { .. } => text(value, field.blank, "Not a valid string."),
        Kind::Email { .. } => text(value, field.blank, INVALID_EMAIL),
        Kind::Slug { .. } => text(value, field.blank, INVALID_SLUG),
        _ => Ok(Sql::Text(value.to_string())),
    }
}

/// The messages of a field's validators on a value that has the right type.
pub(crate) fn messages(field: &Field, value: &Sql) -> Vec<String> {
    let mut messages = Vec::new();
    let Sql::Text(text) = value else {
        return messages;
    };
    let (max, valid, complaint) = match field.kind {
        Kind::Text { max } => (max, true, ""),
        Kind::Email { max } => (Some(max), email::is_valid(text), INVALID_EMAIL),
        Kind::Slug { max } => (
            Some(max),
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            INVALID_SLUG,
        ),
        _ => return messages,
    };
    if text.is_empty() && field.blank {
        return messages;
    }
    if let Some(max) = max.filter(|max| text.chars().count() > *max) {
        messages.push(format!(
            "Ensure this field has no more than {max} characters."
        ));
    }
    if text.contains('\0') {
        messages.push("Null characters are not allowed.".to_owned());
    }
    if !valid {
        messages.push(complaint.to_owned());
    }
    messages
}

/// A JSON number cut to an integer, as Python's `int()`; nothing when 64 bits cannot hold it.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let text = format!("{:.0}", number.as_f64()?.trunc());
        text.parse().ok()
    })
}

fn text(value: &Value, blank: bool, invalid: &str) -> Result<Sql, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) => python::text(value),
        _ => return Err(invalid.to_owned()),
    };
    if text.is_empty() && !blank {
        return Err("This field may not be blank.".to_owned());
    }
    Ok(Sql::Text(text))
}

fn integer(value: &Value, min: i64, max: i64) -> Result<i64, String> {
    let invalid = || "A valid integer is required.".to_owned();
    if value
        .as_str()
        .is_some_and(|text| text.chars().count() > LONGEST_NUMBER)
    {
        return Err(TOO_LONG_NUMBER.to_owned());
    }
    let number = match value {
        // Too long for 64 bits, so it was read as a float; Python has it exactly.
        Value::Number(number) if number.is_f64() && is_beyond_i64(number) => {
            if number.as_f64().is_some_and(|number| number < 0.0) {
                i128::MIN
            } else {
                i128::MAX
            }
        }
        Value::Number(_) | Value::String(_) => {
            let text = python::text(value);
            let whole = text.trim_end().trim_end_matches('0').strip_suffix('.');
            python::int(whole.unwrap_or(&text)).ok_or_else(invalid)?
        }
        _ => return Err(invalid()),
    };
    if number > i128::from(max) {
        return Err(format!("Ensure this value is less than or equal to {max}."));
    }
    if number < i128::from(min) {
        return Err(format!(
            "Ensure this value is greater than or equal to {min}."
        ));
    }
    i64::try_from(number).map_err(|_| invalid())
}

fn is_beyond_i64(number: &Number) -> bool {
    number
        .as_f64()
        .is_some_and(|number| number.abs() >= 9_223_372_036_854_775_808.0)
}

fn float(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.chars().count() > LONGEST_NUMBER => {
            return Err(TOO_LONG_NUMBER.to_owned());
        }
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| INVALID_NUMBER.to_owned())
}

fn decimal(value: &Value, digits: u32, places: u32) -> Result<String, String> {
    let text = python::text(value);
    let text = text.trim();
    if text.chars().count() > LONGEST_NUMBER {
        return Err(TOO_LONG_NUMBER.to_owned());
    }
    let plain = text.replace('_', "");
    let is_number = plain.parse::<f64>().is_ok_and(f64::is_finite)
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !is_number {
        return Err(INVALID_NUMBER.to_owned());
    }
    let too_many = || format!("Ensure that there are no more than {digits} digits in total.");
    let number = Decimal::from_str_exact(&plain)
        .or_else(|_| Decimal::from_scientific(&plain))
        .map_err(|_| too_many())?;
    let written = number.mantissa().unsigned_abs().to_string().len();
    let length = u32::try_from(written).unwrap_or(u32::MAX);
    let scale = number.scale();
    let (total, whole) = if length > scale {
        (length, length - scale)
    } else {
        (scale.max(1), u32::from(scale == 0))
    };
    if total > digits {
        return Err(too_many());
    }
    if scale > places {
        return Err(format!(
            "Ensure that there are no more than {places} decimal places."
        ));
    }
    if whole > digits - places {
        let most = digits - places;
        return Err(format!(
            "Ensure that there are no more than {most} digits before the decimal point."
        ));
    }
    Ok(number.to_string())
}

fn boolean(value: &Value) -> Result<Sql, String> {
    let text = match value {
        Value::Bool(flag) => return Ok(Sql::Integer((*flag).into())),
        Value::Number(number) => number.as_f64().map(|number| number.to_string()),
        Value::String(text) => Some(text.to_lowercase()),
        _ => None,
    };
    match text.as_deref() {
        Some("t" | "y" | "yes" | "true" | "on" | "1") => Ok(Sql::Integer(1)),
        Some("f" | "n" | "no" | "false" | "off" | "0") => Ok(Sql::Integer(0)),
        _ => Err("Must be a valid boolean.".to_owned()),
    }
}

fn wrong_format(what: &str, format: &str) -> String {
    format!("{what} has wrong format. Use one of these formats instead: {format}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decimals_are_measured_as_drf_does() {
        for (given, expected) in [
            (json!("12.50"), Ok("12.50")),
            (json!(7), Ok("7")),
            (
                json!("1.234"),
                Err("Ensure that there are no more than 2 decimal places."),
            ),
            (
                json!("123456789.12"),
                Err("Ensure that there are no more than 10 digits in total."),
            ),
            (
                json!("123456789"),
                Err("Ensure that there are no more than 8 digits before the decimal point."),
            ),
            (json!("NaN"), Err(INVALID_NUMBER)),
            (json!(true), Err(INVALID_NUMBER)),
        ] {
            let got = decimal(&given, 10, 2);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{given}");
        }
    }

    #[test]
    fn integers_may_come_as_text() {
        assert_eq!(integer(&json!("12.0"), 0, 150), Ok(12));
        assert_eq!(integer(&json!(100), 0, 150), Ok(100));
        assert!(integer(&json!(12.5), 0, 150).is_err());
        assert!(integer(&json!(true), 0, 150).is_err());
        let message = "Ensure this value is less than or equal to 150.";
        assert_eq!(integer(&json!(1e20), 0, 150), Err(message.to_owned()));
    }
}
