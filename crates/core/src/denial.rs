//! Answers with a status of success that say of a failure: `{"success": false}`, `{"error": "locked"}`, `{"code": 500, "data": []}`.

use serde_json::Value;

/// What is false where something failed.
const SUCCESS: [&str; 5] = ["success", "succeeded", "successful", "is_success", "ok"];
/// What is false where nothing was done.
const DONE: [&str; 3] = ["deleted", "updated", "saved"];
/// What is there, and not empty, where something failed.
const ERRORS: [&str; 3] = ["error", "errors", "exception"];
/// What names the outcome.
const OUTCOMES: [&str; 3] = ["status", "result", "outcome"];
/// What that is where something failed.
const FAILED: [&str; 4] = ["error", "fail", "failed", "failure"];
/// What may repeat the status of the answer, or that which it should have had.
const CODES: [&str; 4] = ["code", "status", "status_code", "statuscode"];

/// Whether the fields of an object that is no row, or has none, say of a failure. They are given by their names, as JSON texts.
/// `is_echo`: a word for the outcome may be what was asked for, such as a filter by a status.
pub(crate) fn says_failure<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    is_echo: bool,
) -> bool {
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
        let is_failed = |text: &str| FAILED.contains(&text.to_ascii_lowercase().as_str());
        is_one_of(&SUCCESS) && is_false(&value)
            || is_one_of(&ERRORS) && !is_empty(&value)
            || is_one_of(&OUTCOMES) && !is_echo && value.as_str().is_some_and(is_failed)
            || is_one_of(&CODES) && code_of(&value).is_some_and(is_code_of_failure)
    })
}

/// Whether an object says that it was not done: `{"deleted": false}`.
pub(crate) fn says_not_done<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    (fields.into_iter()).any(|(name, text)| {
        let name = name.to_ascii_lowercase();
        let is_one_of = |names: &[&str]| names.contains(&name.as_str());
        (is_one_of(&SUCCESS) || is_one_of(&DONE))
            && serde_json::from_str(text).is_ok_and(|value| is_false(&value))
    })
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(true) => false,
    }
}

fn code_of(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A 404 may say that there are no rows.
fn is_code_of_failure(code: i64) -> bool {
    (400..600).contains(&code) && code != 404
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_of_a_failure() {
        let says = |name, text| says_failure([("id", "1"), (name, text)], false);
        for (name, text) in [
            ("success", "false"),
            ("OK", "false"),
            ("error", r#""locked""#),
            ("errors", r#"["no"]"#),
            ("error", "true"),
            ("error", "7"),
            ("status", r#""Error""#),
            ("status", "500"),
            ("code", r#""500""#),
            ("success", "0"),
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
            ("error", r#"{"code": 0, "message": ""}"#),
            ("code", "404"),
            ("deleted", "0"),
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
        assert!(
            !says_failure([("status", r#""failed""#)], true),
            "what was asked for"
        );
        assert!(says_not_done([("deleted", "0")]) && !says_not_done([("deleted", "1")]));
    }
}
