//! The answer to a write: it is the row, a part of it, another row or nothing; the row to go on with has what was sent, and
//! another row is never taken for it.
//!
//! Input: a JSON list of the row as it was, what is sent, and the answer as a text.
#![no_main]

use django_api_orm_core::{
    FieldMeta, ModelMeta,
    row::Row,
    written::{Write, Written},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

type Given = (Map<String, Value>, Map<String, Value>, String);

fuzz_target!(|data: &[u8]| {
    let Ok((row, sent, answer)) = serde_json::from_slice::<Given>(data) else {
        return;
    };
    let fields = ["id", "name", "age", "role"].map(FieldMeta::new);
    let model = ModelMeta::new("User", "/users/").with_fields(fields.to_vec());
    let (row, answer) = (
        Row::from_fields(&row).unwrap(),
        Row::new(answer.into_bytes()),
    );
    let key = row
        .key("id")
        .and_then(|key| django_api_orm_core::row::key_text(&key));
    let write = Write {
        model: &model,
        row: Some(&row),
        key: key.as_deref(),
        sent: &sent,
    };
    match (write.answered(&answer), write.kept(&answer)) {
        (Written::Other(_), kept) => assert!(kept.is_err()),
        (written, Ok(kept)) => {
            assert_eq!(kept.written, written);
            let kept_fields = kept.row.fields().unwrap();
            if written == Written::Nothing {
                assert!(sent.keys().all(|name| kept_fields.contains_key(name)));
            }
            assert!(kept.unsaved.iter().all(|name| sent.contains_key(name)));
            assert!(kept.assumed.iter().all(|name| sent.contains_key(name)));
        }
        (_, Err(error)) => assert!(error.is_decode(), "{error}"),
    }
});
