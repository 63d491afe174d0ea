//! Python's own conversions, where they can be seen from outside: `int()`, `str()`, type names.

use serde_json::Value;

/// `int(text)`: surrounding space, a sign and single underscores are fine.
pub(crate) fn int(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if digits.is_empty()
        || digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__")
        || !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    {
        return None;
    }
    // A number that is too long for us is as good as the largest one: everything caps it.
    let magnitude = digits.replace('_', "").parse::<i128>().unwrap_or(i128::MAX);
    Some(if negative { -magnitude } else { magnitude })
}

/// `type(value).__name__` of a parsed JSON value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// `str(value)` of a parsed JSON value.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(repr).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| {
                format!("{}: {}", repr(&Value::String(key.clone())), repr(value))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn int_reads_what_python_reads() {
        for (given, expected) in [("7", 7), (" -7 ", -7), ("+1_000", 1000), ("007", 7)] {
            assert_eq!(int(given), Some(expected), "{given}");
        }
        for given in ["", "-", "1.0", "1e3", "_1", "1__0", "x"] {
            assert_eq!(int(given), None, "{given}");
        }
    }

    #[test]
    fn text_is_pythons_str() {
        assert_eq!(
            text(&json!({"a": [1, null, "it's"]})),
            "{'a': [1, None, \"it's\"]}"
        );
        assert_eq!(text(&json!(true)), "True");
    }
}
