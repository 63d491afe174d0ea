//! Values between the wire (JSON) and SQLite, each in the form in which Django stores it.

use rusqlite::types::Value as Sql;
use serde_json::{Map, Number, Value};

use crate::field::{Field, Kind};
use crate::moment;
use crate::wire::Wire;

/// Makes the URL of a row: of which table, with which primary key.
pub(crate) type Linker<'a> = &'a dyn Fn(&str, &Sql) -> Wire;

/// A value in wire format as it is stored, without validation: for seed rows and defaults.
/// `None` when the value is not of the field's type.
pub(crate) fn to_sql(field: &Field, value: &Value) -> Option<Sql> {
    if value.is_null() {
        return Some(Sql::Null);
    }
    Some(match &field.kind {
        Kind::Integer { .. } => Sql::Integer(value.as_i64()?),
        Kind::Float => Sql::Real(value.as_f64()?),
        Kind::Boolean => Sql::Integer(value.as_bool()?.into()),
        Kind::Decimal { .. } => match value {
            Value::String(text) => Sql::Text(text.clone()),
            Value::Number(number) => Sql::Text(number.to_string()),
            _ => return None,
        },
        Kind::Text { .. } | Kind::Email { .. } | Kind::Slug { .. } | Kind::Choice { .. } => {
            Sql::Text(value.as_str()?.to_owned())
        }
        Kind::Uuid => Sql::Text(uuid::Uuid::parse_str(value.as_str()?).ok()?.to_string()),
        Kind::Date => Sql::Text(moment::parse_date(value.as_str()?)?.to_string()),
        Kind::DateTime => Sql::Text(moment::stored(moment::parse_datetime(value.as_str()?)?)),
        Kind::List { .. } | Kind::Object | Kind::Json => Sql::Text(value.to_string()),
        Kind::Nested { fields } => {
            let given = value.as_object()?;
            let mut stored = Map::new();
            for field in fields {
                let value = given.get(&field.name).unwrap_or(&Value::Null);
                stored.insert(field.name.clone(), sql_to_json(to_sql(field, value)?));
            }
            Sql::Text(Value::Object(stored).to_string())
        }
        Kind::ForeignKey { .. } | Kind::Link { .. } => match value {
            Value::Number(number) => Sql::Integer(number.as_i64()?),
            // The URL of a row: its last segment.
            Value::String(text) if text.contains('/') => {
                let key = text.trim_end_matches('/').rsplit('/').next()?;
                key.parse()
                    .map_or_else(|_| Sql::Text(key.to_owned()), Sql::Integer)
            }
            Value::String(text) => Sql::Text(text.clone()),
            _ => return None,
        },
    })
}

/// A stored value in wire format.
pub(crate) fn to_wire(field: &Field, value: &Sql, linker: Linker<'_>) -> Wire {
    match (&field.kind, value) {
        (_, Sql::Null) => Wire::NULL,
        (Kind::Boolean, Sql::Integer(number)) => Wire::from(*number != 0),
        (Kind::Decimal { places, .. }, value) => Wire::from(decimal_text(value, *places)),
        (Kind::DateTime, Sql::Text(text)) => Wire::from(moment::wire(text)),
        (Kind::List { .. } | Kind::Object | Kind::Json, Sql::Text(text)) => {
            serde_json::from_str(text).map_or(Wire::NULL, Wire::Raw)
        }
        (Kind::Nested { fields }, Sql::Text(text)) => {
            let stored = serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
            let entries = fields.iter().map(|field| {
                let value = stored.get(&field.name).map_or(Sql::Null, json_to_sql);
                (field.name.clone(), to_wire(field, &value, linker))
            });
            Wire::Map(entries.collect())
        }
        (Kind::Link { table, .. }, value) => linker(table, value),
        (_, Sql::Integer(number)) => Wire::from(*number),
        (_, Sql::Real(number)) => Number::from_f64(*number).map_or(Wire::NULL, Wire::from),
        (_, other) => Wire::from(text_of(other)),
    }
}

/// A whole row in wire format, its fields in the order of the serializer.
pub(crate) fn row_to_wire<'f>(
    fields: impl IntoIterator<Item = (&'f Field, Option<usize>)>,
    row: &[Sql],
    linker: Linker<'_>,
) -> Wire {
    let entries = fields.into_iter().map(|(field, position)| {
        let value = position
            .and_then(|position| row.get(position))
            .unwrap_or(&Sql::Null);
        (field.name.clone(), to_wire(field, value, linker))
    });
    Wire::Map(entries.collect())
}

/// A stored value as text, as it is in a URL or a cursor.
pub(crate) fn text_of(value: &Sql) -> String {
    match value {
        Sql::Null => "None".to_owned(),
        Sql::Integer(number) => number.to_string(),
        Sql::Real(number) => number.to_string(),
        Sql::Text(text) => text.clone(),
        Sql::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A stored decimal with all its places, as on the wire.
pub(crate) fn decimal_text(value: &Sql, places: u32) -> String {
    let places = usize::try_from(places).unwrap_or_default();
    match value {
        Sql::Integer(number) if places > 0 => format!("{number}.{:0<places$}", ""),
        Sql::Real(number) => format!("{number:.places$}"),
        other => text_of(other),
    }
}

/// A stored value inside a stored JSON object.
pub(crate) fn sql_to_json(value: Sql) -> Value {
    match value {
        Sql::Null | Sql::Blob(_) => Value::Null,
        Sql::Integer(number) => Value::from(number),
        Sql::Real(number) => Value::from(number),
        Sql::Text(text) => Value::from(text),
    }
}

fn json_to_sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer((*flag).into()),
        Value::Number(number) => number.as_i64().map_or_else(
            || number.as_f64().map_or(Sql::Null, Sql::Real),
            Sql::Integer,
        ),
        Value::String(text) => Sql::Text(text.clone()),
        other => Sql::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn round_trip(field: &Field, value: &Value) -> Value {
        let stored = to_sql(field, value).expect("of the field's type");
        let wire = to_wire(field, &stored, &|table, key| {
            Wire::from(format!("http://h/{table}/{}/", text_of(key)))
        });
        serde_json::to_value(wire).unwrap()
    }

    #[test]
    fn what_goes_in_comes_out() {
        let nested = Field::nested("a", [Field::datetime("at"), Field::boolean("on")]);
        for (field, value) in [
            (Field::decimal("d", 10, 2), json!("-12.50")),
            (Field::datetime("t"), json!("2024-01-01T00:00:00.000001Z")),
            (nested, json!({"at": "2024-01-01T00:00:00Z", "on": null})),
            (Field::json("j"), json!({"z": [1, {"a": null}]})),
            (
                Field::link("l", "users", crate::OnDelete::Cascade),
                json!("http://h/users/3/"),
            ),
            (Field::integer("i"), Value::Null),
        ] {
            assert_eq!(round_trip(&field, &value), value, "{}", field.name);
        }
    }
}
