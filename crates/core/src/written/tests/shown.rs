//! What an answer shows of what was sent, and what it says that was not kept.

use super::*;

/// What is kept of an answer to a PATCH of `sent`.
fn kept_of(sent: &Value, answer: &Value) -> Kept {
    let write = Write {
        model: &model(),
        row: Some(&one()),
        key: Some("1"),
        sent: &object(sent),
    };
    write.kept(&row(&answer.to_string())).unwrap()
}

#[test]
fn a_value_of_before_was_not_kept_and_other_words_are_none() {
    for (shown, unsaved, reworded) in [
        ("new", false, false),
        ("one", true, false),
        ("Brand new", false, true),
        // A number, a date or a key is no word for another.
        ("new 2", false, false),
        ("", false, false),
    ] {
        let sent = json!({"name": "new", "password": "k"});
        let answer = json!({"id": 1, "name": shown, "kept": "k", "author": 7, "password": "x"});
        let kept = kept_of(&sent, &answer);
        assert_eq!(kept.unsaved == ["name"], unsaved, "{shown:?}");
        assert_eq!(kept.unsaved.is_empty(), !unsaved, "{shown:?}");
        assert_eq!(kept.reworded == ["name"], reworded, "{shown:?}");
        assert_eq!(kept.reworded.is_empty(), !reworded, "{shown:?}");
        let error = kept.unsaved_error(&model());
        assert_eq!(error.is_some(), unsaved);
        if let Some(error) = error {
            assert_eq!(error.kind(), ErrorKind::Unsaved);
            assert!(error.message().contains("did not keep `name`"), "{error}");
        }
    }
    let number = kept_of(&json!({"name": 5}), &json!({"id": 1, "name": "five"}));
    assert!(number.reworded.is_empty(), "a number is no word");
}

#[test]
fn what_is_shown_of_a_field_is_found_under_each_of_its_names() {
    let kept = Kept::shown(row(r#"{"id": 1, "writer": 7, "name": "one"}"#));
    let model = model();
    assert_eq!(kept.shown_of(&model, "author_id"), Some(json!(7)));
    assert_eq!(kept.shown_of(&model, "name"), Some(json!("one")));
    assert_eq!(kept.shown_of(&model, "kept"), None);
}

#[test]
fn a_row_may_be_another_until_a_value_differs() {
    let kept = Kept::shown(one());
    let may_be = |shown: &str| kept.may_be(&model(), &row(shown));
    assert!(may_be(r#"{"id": 1, "name": "one"}"#).unwrap());
    assert!(may_be("{}").unwrap());
    assert!(!may_be(r#"{"id": 1, "name": "two"}"#).unwrap());
    assert!(may_be("[]").is_err());
}

#[test]
fn each_kind_of_answer_has_a_name() {
    let names = [
        Written::Row,
        Written::Part,
        Written::Nothing,
        Written::Other("2".to_owned()),
    ];
    let names = names.map(|written| written.as_str());
    assert_eq!(names, ["row", "part", "nothing", "other"]);
}

#[test]
fn an_answer_without_the_key_is_a_part() {
    let sent = json!({"name": "new"});
    let whole = json!({"id": 1, "name": "new", "kept": "k", "author": 7});
    assert_eq!(kept_of(&sent, &whole).written, Written::Row);
    for missing in ["id", "name", "kept", "author"] {
        let mut part = object(&whole);
        part.remove(missing);
        assert_eq!(
            kept_of(&sent, &Value::Object(part)).written,
            Written::Part,
            "{missing}"
        );
    }
}

#[test]
fn the_rest_is_shown_where_only_what_was_sent_is_missing() {
    let sent = json!({"name": "new"});
    let shows_rest = |answer: &Value| kept_of(&sent, answer).shows_rest;
    let rest = json!({"id": 1, "kept": "k", "author": 7, "made": "now"});
    assert!(shows_rest(&rest), "all but what was sent");
    let other_name = json!({"id": 1, "kept": "k", "writer": 7, "made": "now"});
    assert!(shows_rest(&other_name));
    assert!(
        !shows_rest(&json!({"id": 1, "kept": "k", "author": 7})),
        "nor what was not sent"
    );
    assert!(!shows_rest(&json!({})));
    // The key alone is no row.
    let model = ModelMeta::new("Thing", "/things/")
        .with_fields(["id", "name"].map(FieldMeta::new).into_iter().collect());
    let write = Write {
        model: &model,
        row: None,
        key: None,
        sent: &object(&sent),
    };
    assert!(!write.kept(&row(r#"{"id": 1}"#)).unwrap().shows_rest);
}

#[test]
fn an_answer_shows_what_was_sent_as_far_as_it_shows_it() {
    let sent = object(&json!({"name": "new", "author_id": 8}));
    let model = model();
    let write = Write {
        model: &model,
        row: None,
        key: Some("1"),
        sent: &sent,
    };
    for (answer, sent_in, each) in [
        (r#"{"id": 1, "name": "new", "author": 8}"#, Some(true), true),
        (r#"{"id": 1, "name": "new", "writer": 8}"#, Some(true), true),
        (r#"{"id": 1, "name": "new"}"#, Some(true), false),
        (
            r#"{"id": 1, "name": "new", "author": 9}"#,
            Some(false),
            false,
        ),
        (
            r#"{"id": 1, "name": "one", "author": 9}"#,
            Some(false),
            false,
        ),
        (r#"{"id": 1}"#, None, false),
        ("[]", None, false),
    ] {
        let answer_row = row(answer);
        assert_eq!(write.sent_in(&answer_row), sent_in, "{answer}");
        assert_eq!(
            write.shows_sent(&answer_row),
            sent_in == Some(true),
            "{answer}"
        );
        assert_eq!(write.shows_each_sent(&answer_row), each, "{answer}");
    }
}
