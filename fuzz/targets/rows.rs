//! A row is read field by field, by its key, and whole: all agree.
//!
//! Input: the text of a row.
#![no_main]

use django_api_orm_core::row::{Row, key_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let row = Row::new(data.to_vec());
    let _ = row.identity("id");
    let Ok(fields) = row.fields() else {
        assert!(
            row.decode::<serde_json::Map<String, serde_json::Value>>("User")
                .is_err()
        );
        return;
    };
    let names: Vec<&String> = fields.keys().collect();
    assert_eq!(row.pick(&names).unwrap(), fields);
    for (name, value) in &fields {
        assert_eq!(row.field(name).unwrap().as_ref(), Some(value));
        assert_eq!(
            row.key(name).as_ref(),
            Some(value).filter(|value| !value.is_null())
        );
        let _ = key_text(value);
    }
    assert!(row.is_same(&row, "id"));
    let again = Row::from_fields(&fields).unwrap();
    assert_eq!(again.fields().unwrap(), fields);
});
