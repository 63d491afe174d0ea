//! Guesses the fields of a resource from rows of JSON, so that any data can be served.

use serde_json::Value;

use crate::field::{Field, Kind, OnDelete};
use crate::moment;

/// A list of rows; one object is a list of one.
pub(crate) fn rows(value: Value) -> Vec<Value> {
    match value {
        Value::Array(rows) => rows,
        other => vec![other],
    }
}

/// `blog-posts` is of the model `BlogPost`.
pub(crate) fn model_name(table: &str) -> String {
    let singular = match table {
        _ if table.ends_with("ies") => format!("{}y", table.trim_end_matches("ies")),
        _ if table.ends_with("ss") => table.to_owned(),
        _ => table.trim_end_matches('s').to_owned(),
    };
    singular
        .split(['-', '_', '/'])
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| format!("{}{}", first.to_uppercase(), letters.as_str()))
        })
        .collect()
}

pub(crate) fn fields(rows: &[Value]) -> Vec<Field> {
    let mut names = Vec::<&str>::new();
    for key in rows
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|row| row.keys())
    {
        if !names.contains(&key.as_str()) {
            names.push(key);
        }
    }
    names.sort_by_key(|name| *name != "id");
    let mut fields = Vec::new();
    if names.first() != Some(&"id") {
        fields.push(Field::integer("id").primary_key());
    }
    for name in names {
        let values = rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null));
        let field = field(name, &values.collect::<Vec<_>>());
        fields.push(if name == "id" {
            field.primary_key()
        } else {
            field
        });
    }
    fields
}

pub(crate) fn text_fields(fields: &[Field]) -> Vec<String> {
    fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Text { .. }))
        .map(|field| field.name.clone())
        .collect()
}

fn field(name: &str, values: &[&Value]) -> Field {
    let given = values
        .iter()
        .copied()
        .filter(|value| !value.is_null())
        .collect::<Vec<_>>();
    let all = |test: fn(&Value) -> bool| !given.is_empty() && given.iter().all(|value| test(value));
    let mut field = if all(Value::is_boolean) {
        Field::boolean(name).default(false)
    } else if all(Value::is_i64) {
        Field::integer(name)
    } else if all(Value::is_number) {
        Field::float(name)
    } else if all(|value| {
        value
            .as_str()
            .is_some_and(|text| moment::parse_date(text).is_some())
    }) {
        Field::date(name)
    } else if all(is_datetime) {
        Field::datetime(name)
    } else if all(Value::is_string) {
        Field::long_text(name).blank()
    } else if all(Value::is_object) {
        let rows = given
            .iter()
            .map(|value| (*value).clone())
            .collect::<Vec<_>>();
        Field::nested(
            name,
            self::fields(&rows)
                .into_iter()
                .filter(|child| !child.primary_key),
        )
    } else {
        Field::json(name)
    };
    field.null = given.len() < values.len();
    field
}

fn is_datetime(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.len() > 10 && moment::parse_datetime(text).is_some())
}

/// Makes a column a reference, when its values are keys of the table that it is named after.
pub(crate) fn link_tables(name: &str, field: &mut Field, tables: &[String]) {
    let Kind::Integer { .. } = field.kind else {
        return;
    };
    let stem = field.name.trim_end_matches("_id");
    let target = tables
        .iter()
        .find(|table| *table != name && model_name(table) == model_name(stem));
    if let (Some(table), false) = (target, field.primary_key) {
        let on_delete = if field.null {
            OnDelete::SetNull
        } else {
            OnDelete::Cascade
        };
        field.kind = Kind::ForeignKey {
            table: table.clone(),
            on_delete,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_guessed_from_all_rows() {
        let rows = rows(json!([
            {"id": 1, "name": "a", "n": 1, "at": "2024-01-01T00:00:00Z", "on": "2024-01-01"},
            {"id": 2, "name": null, "n": 1.5, "at": "2024-01-01T00:00:00Z", "tags": [1]},
        ]));
        let fields = fields(&rows);
        let kind = |name: &str| &fields.iter().find(|field| field.name == name).unwrap().kind;
        assert!(fields[0].primary_key);
        assert!(matches!(kind("name"), Kind::Text { .. }));
        assert!(matches!(kind("n"), Kind::Float));
        assert!(matches!(kind("at"), Kind::DateTime));
        assert!(matches!(kind("on"), Kind::Date));
        assert!(matches!(kind("tags"), Kind::Json));
        assert!(fields.iter().find(|field| field.name == "on").unwrap().null);
    }

    #[test]
    fn model_names_are_singular_and_capitalised() {
        assert_eq!(model_name("blog-posts"), "BlogPost");
        assert_eq!(model_name("categories"), "Category");
        assert_eq!(model_name("address"), "Address");
    }
}
