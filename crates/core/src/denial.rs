//! Answers with a status of success that say of a failure: `{"success": false}`, `{"error": "locked"}`, `{"code": 500, "data": []}`.

use serde_json::Value;

/// What is false where something failed.
const SUCCESS: [&str; 5] = ["success", "succeeded", "successful", "is_success", "ok"];
/// What is there, and not empty, where something failed.
const ERRORS: [&str; 3] = ["error", "errors", "exception"];
/// What names the outcome.
const OUTCOMES: [&str; 3] = ["status", "result", "outcome"];
/// What that is where something failed.
const FAILED: [&str; 4] = ["error", "fail", "failed", "failure"];
/// What may repeat the status of the answer, or that which it should have had.
const CODES: [&str; 4] = ["code", "status", "status_code", "statuscode"];

/// Whether the fields of an object that is no row, or has none, say of a failure. They are given by their names, as JSON texts.
pub(crate) fn says_failure<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    (fields.into_iter()).any(|(name, text)| {
        let name = name.to_ascii_lowercase();
        let is_one_of = |names: &[&str]| names.contains(&name.as_str());
        if ![&SUCCESS[..], &ERRORS, &OUTCOMES, &CODES]
            .iter()
            .any(|names| is_one_of(names))
        {
            return false;
        }
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let is_empty = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Bool(true) => false,
        };
        let is_failed = |text: &str| FAILED.contains(&text.to_ascii_lowercase().as_str());
        is_one_of(&SUCCESS) && value == Value::Bool(false)
            || is_one_of(&ERRORS) && !is_empty
            || is_one_of(&OUTCOMES) && value.as_str().is_some_and(is_failed)
            || is_one_of(&CODES)
                && value
                    .as_i64()
                    .is_some_and(|code| (400..600).contains(&code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_of_a_failure() {
        let says = |name, text| says_failure([("id", "1"), (name, text)]);
        for (name, text) in [
            ("success", "false"),
            ("OK", "false"),
            ("error", r#""locked""#),
            ("errors", r#"["no"]"#),
            ("error", "true"),
            ("error", "7"),
            ("status", r#""Error""#),
            ("status", "500"),
            ("code", "403"),
            ("statusCode", "422"),
        ] {
            assert!(says(name, text), "{name}: {text}");
        }
        for (name, text) in [
            ("success", "true"),
            ("success", "null"),
            ("error", "null"),
            ("error", r#""""#),
            ("errors", "[]"),
            ("errors", "{}"),
            ("error", "0"),
            ("error", "false"),
            ("status", r#""ok""#),
            ("status", "200"),
            ("code", "0"),
            ("message", r#""no rows""#),
            ("detail", r#""deleted""#),
        ] {
            assert!(!says(name, text), "{name}: {text}");
        }
    }
}
