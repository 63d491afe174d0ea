use serde_json::json;

use super::*;
use crate::model::FieldMeta;

mod shown;

fn model() -> ModelMeta {
    let fields = ["id", "name", "kept"].map(FieldMeta::new);
    ModelMeta::new("Thing", "/things/").with_fields(
        fields
            .into_iter()
            .chain([
                FieldMeta::new("author")
                    .with_also_read_as(["writer"])
                    .with_sent_as("author_id"),
                FieldMeta::new("made").read_only(),
                FieldMeta::new("password").write_only(),
            ])
            .collect(),
    )
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn parsed(row: &Row) -> Value {
    serde_json::from_slice(row.bytes()).unwrap()
}

fn row(text: &str) -> Row {
    Row::new(text.to_owned())
}

fn one() -> Row {
    row(r#"{"id": 1, "name": "one", "kept": "k", "author": 7}"#)
}

/// What is kept of an answer to a PATCH of `sent`; or, in its place, the error.
fn kept(sent: &Value, answer: &Value) -> Result<(Written, Value, Vec<String>)> {
    let write = Write {
        model: &model(),
        row: Some(&one()),
        key: Some("1"),
        sent: &object(sent),
    };
    let kept = write.kept(&row(&answer.to_string()))?;
    Ok((kept.written, parsed(&kept.row), kept.assumed))
}

#[test]
fn the_whole_row_is_taken_as_it_is() {
    let answer = json!({"id": 1, "name": "new", "kept": "k", "author": 7, "made": "now"});
    for sent in [
        json!({"name": "other"}),
        json!({"name": "new", "password": "p"}),
    ] {
        let (written, row, assumed) = kept(&sent, &answer).unwrap();
        assert_eq!((written, row), (Written::Row, answer.clone()), "{sent}");
        assert!(assumed.is_empty());
    }
}

#[test]
fn a_part_is_put_into_what_is_known() {
    let sent = json!({"name": "new", "author_id": 8, "password": "p"});
    for (answer, written, left_out) in [
        (
            json!({"id": 1, "name": "New"}),
            Written::Part,
            vec!["author_id"],
        ),
        (
            json!({"id": 1, "state": "queued"}),
            Written::Part,
            vec!["author_id", "name"],
        ),
        (
            json!({"writer": 9, "state": "done"}),
            Written::Part,
            vec!["name"],
        ),
        (json!(null), Written::Nothing, vec!["author_id", "name"]),
        (json!([1]), Written::Nothing, vec!["author_id", "name"]),
    ] {
        let found = kept(&sent, &answer).unwrap();
        let mut row = object(&json!({"id": 1, "name": "new", "kept": "k", "author": 8}));
        row.extend(object(&answer));
        if answer.get("writer").is_some() {
            row.remove("author");
        }
        assert_eq!(
            (found.0, found.1),
            (written, Value::Object(row)),
            "{answer}"
        );
        assert_eq!(found.2, left_out, "{answer}");
    }
}

#[test]
fn what_was_sent_and_is_not_shown_is_not_lost() {
    let sent = json!({"note": "n"});
    let answer = json!({"id": 1, "name": "one", "kept": "k", "author": 7});
    let (written, row, assumed) = kept(&sent, &answer).unwrap();
    assert_eq!((written, &row["note"]), (Written::Part, &json!("n")));
    assert_eq!(assumed, ["note"]);
}

#[test]
fn another_row_is_never_taken() {
    for (sent, answer, fits) in [
        (json!({"name": "n"}), json!({"id": 2, "name": "n"}), false),
        (json!({"id": 3}), json!({"id": 2}), false),
        (json!({"id": 2}), json!({"id": 2}), true),
        (json!({"id": 2}), json!({"id": 1}), true),
        (json!({"name": "n"}), json!({"id": "1"}), true),
        (json!({"name": "n"}), json!({"id": null}), true),
    ] {
        assert_eq!(kept(&sent, &answer).is_ok(), fits, "{sent} {answer}");
    }
    let error = kept(&json!({"name": "n"}), &json!({"id": 2})).unwrap_err();
    assert!(
        error.is_decode() && error.message().contains("may have been carried out"),
        "{error}"
    );
}

#[test]
fn a_slug_may_change_while_the_primary_key_stays() {
    let model = model().with_lookup_field("name");
    let answered = |before: &Row, sent: Value, answer: Value| {
        let sent = object(&sent);
        let write = Write {
            model: &model,
            row: Some(before),
            key: Some("one"),
            sent: &sent,
        };
        matches!(write.answered(&row(&answer.to_string())), Written::Other(_))
    };
    assert!(!answered(
        &one(),
        json!({"kept": "x"}),
        json!({"id": 1, "name": "x"})
    ));
    assert!(answered(
        &one(),
        json!({"kept": "x"}),
        json!({"id": 2, "name": "one"})
    ));
    let without = &row(r#"{"name": "one"}"#);
    assert!(answered(
        without,
        json!({"kept": "x"}),
        json!({"id": 2, "name": "x"})
    ));
    assert!(!answered(
        without,
        json!({"kept": "x"}),
        json!({"id": 2, "name": "ONE"})
    ));
    assert!(!answered(
        without,
        json!({"name": "two"}),
        json!({"name": "two"})
    ));
}

#[test]
fn a_new_row_gets_what_the_server_gives_it() {
    let model = model();
    let sent = object(&json!({"id": 77, "name": "n", "author_id": 1}));
    let write = Write {
        model: &model,
        row: None,
        key: None,
        sent: &sent,
    };
    let answered = |answer: Value| write.answered(&row(&answer.to_string()));
    assert_eq!(
        answered(json!({"id": 5, "name": "n", "author": 1})),
        Written::Row
    );
    assert_eq!(answered(json!({"id": 5, "name": "n"})), Written::Part);
    assert_eq!(answered(json!({"name": "n", "author": 1})), Written::Part);
    let keys = write
        .merged_keys(&row(r#"{"id": 5, "name": "X"}"#))
        .unwrap();
    assert_eq!(parsed(&keys), json!({"id": 5, "name": "n", "author": 1}));
}

#[test]
fn a_row_is_new_until_the_server_has_shown_it_or_the_program_named_it() {
    let model = model();
    let key = json!(7);
    let held = Held {
        model: &model,
        row: None,
        key: Some(&key),
        primary_key: Some(&key),
        deleted: false,
    };
    assert!(held.is_new(false) && !held.is_new(true));
    assert_eq!(held.key().unwrap(), "7");
    let without = Held { key: None, ..held };
    assert!(without.is_new(true) && without.key().is_err());
    let empty = json!("");
    assert!(
        Held {
            key: Some(&empty),
            ..held
        }
        .is_new(true)
    );
    let shown = Held {
        row: Some(&one()),
        ..held
    };
    assert!(!shown.is_new(false));
    assert_eq!(
        shown.key().unwrap(),
        "1",
        "the server's, whatever the fields say"
    );
    let deleted = Held {
        deleted: true,
        ..shown
    };
    assert!(!deleted.is_new(false) && deleted.key().is_err());
    let copy = Held {
        primary_key: Some(&Value::Null),
        ..deleted
    };
    assert!(copy.is_new(false) && copy.is_new(true) && copy.is_copy());
    let error = copy.key().unwrap_err();
    assert!(error.message().contains("is a new row"), "{error}");
    let keyless = row(r#"{"name": "one"}"#);
    let never = Held {
        row: Some(&keyless),
        ..copy
    };
    assert!(
        !never.is_copy(),
        "it had no key that could have been taken away"
    );
}

fn diff(now: &Value, before: &Value, again: Option<&Value>) -> Vec<String> {
    let of = |value: &Value| to_fields(&object(value)).unwrap();
    Diff {
        model: &model(),
        now: &of(now),
        before: &of(before),
        again: again.map(of).as_ref(),
    }
    .changed()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

#[test]
fn changes_are_what_differs() {
    let before = json!({"id": 1, "name": "a", "kept": {"x": 1, "y": 2}, "made": 1, "token": 1});
    let now = json!({"id": 1, "name": "b", "kept": {"y": 2, "x": 1}, "made": 2, "token": 2});
    assert_eq!(diff(&now, &before, None), ["name", "token"]);
    assert_eq!(diff(&now, &before, Some(&json!({"token": 3}))), ["name"]);
    assert_eq!(
        diff(&now, &before, Some(&json!({"token": 1}))),
        ["name", "token"]
    );
    assert_eq!(
        diff(
            &json!({"id": 1}),
            &json!({"id": 1, "name": "a", "made": 1}),
            None
        ),
        ["name"]
    );
}

#[test]
fn integers_of_any_size_are_compared_exactly() {
    let of = |text: &str| fields(text.as_bytes()).unwrap();
    let before = of(r#"{"n": 123456789012345678901, "m": [1,  2]}"#);
    let now = of(r#"{"n": 123456789012345678902, "m": [1,2]}"#);
    let model = model();
    let diff = Diff {
        model: &model,
        now: &now,
        before: &before,
        again: None,
    };
    assert_eq!(diff.changed(), ["n"]);
}

#[test]
fn what_changes_during_a_write_is_still_to_be_saved() {
    let of = |value: Value| to_fields(&object(&value)).unwrap();
    let model = model();
    let before = of(json!({"name": "a", "kept": "a", "made": 1}));
    let then = of(json!({"name": "b", "kept": "b", "made": 1}));
    let pending = |now: Value, sent: &[&str]| {
        let now = of(now);
        let diff = Diff {
            model: &model,
            now: &now,
            before: &before,
            again: None,
        };
        diff.pending(&then, sent).join(" ")
    };
    assert_eq!(
        pending(
            json!({"name": "b", "kept": "b", "made": 1}),
            &["name", "kept"]
        ),
        ""
    );
    assert_eq!(
        pending(json!({"name": "b", "kept": "b", "made": 2}), &["name"]),
        "kept"
    );
    assert_eq!(
        pending(json!({"name": "a", "kept": "a", "made": 1}), &["name"]),
        "name"
    );
    assert_eq!(
        pending(
            json!({"name": "c", "kept": "b", "made": 1}),
            &["name", "kept"]
        ),
        "name"
    );
}

#[test]
fn an_answer_may_hold_the_row_or_speak_of_something_else() {
    let model = model();
    let nothing_declared = ModelMeta::new("Thing", "/things/");
    let sent = object(&json!({"extra": 1}));
    let whole = json!({"id": 1, "name": "n"});
    for (model, key, answer, found) in [
        (&model, Some("1"), whole.clone(), Some(whole.clone())),
        (&model, Some("1"), json!({}), Some(json!({}))),
        (&model, Some("1"), json!(null), Some(json!(null))),
        (
            &model,
            Some("1"),
            json!({"extra": 2}),
            Some(json!({"extra": 2})),
        ),
        (
            &model,
            Some("1"),
            json!({"writer": 2}),
            Some(json!({"writer": 2})),
        ),
        (
            &model,
            Some("1"),
            json!({"data": &whole}),
            Some(whole.clone()),
        ),
        (&model, Some("1"), json!([&whole]), Some(whole.clone())),
        (&model, Some("2"), json!({"data": &whole}), None),
        (&model, Some("1"), json!({"errors": {"id": ["no"]}}), None),
        (&model, Some("1"), json!({"success": false}), None),
        (
            &nothing_declared,
            Some("1"),
            json!({"success": false}),
            None,
        ),
        (
            &nothing_declared,
            None,
            json!({"id": 1}),
            Some(json!({"id": 1})),
        ),
        (&model, None, json!({"data": &whole}), None),
        (&model, None, json!({}), None),
        // Of a failure.
        (
            &model,
            Some("1"),
            json!({"success": false, "extra": 1}),
            None,
        ),
        (
            &model,
            Some("1"),
            json!({"success": false, "data": &whole}),
            None,
        ),
        (&model, Some("1"), json!({"error": {"id": 1}}), None),
        (&model, Some("1"), json!({"id": null, "ok": true}), None),
        (&model, Some("1"), json!({"extra": ["Too long."]}), None),
        (&model, None, json!({"extra": ["Too long."]}), None),
        (&model, Some("1"), json!(false), None),
        (&model, Some("1"), json!(0), None),
        (&model, Some("1"), json!([]), None),
        (&model, Some("1"), json!("locked"), None),
        (&model, Some("1"), json!("not updated"), None),
        (
            &model,
            Some("1"),
            json!("Updated successfully."),
            Some(json!("Updated successfully.")),
        ),
        (&model, Some("1"), json!(1), Some(json!(1))),
        (
            &model,
            Some("1"),
            json!({"id": 1, "success": false}),
            Some(json!({"id": 1, "success": false})),
        ),
    ] {
        let write = Write {
            model,
            row: None,
            key,
            sent: &sent,
        };
        let row = write.row_in(&row(&answer.to_string()));
        assert_eq!(row.as_ref().map(parsed), found, "{answer}");
    }
}
