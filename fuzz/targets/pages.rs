//! The body of a list: rows are slices of it, each a JSON value; a page that is read twice is the same.
//!
//! Input: the body.
#![no_main]

use bytes::Bytes;
use django_api_orm_core::page::Page;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let Ok(page) = Page::parse(&body, &HeaderMap::new()) else {
        return;
    };
    let whole = body.as_ptr_range();
    for row in page.rows() {
        let part = row.bytes().as_ptr_range();
        assert!(whole.start <= part.start && part.end <= whole.end);
        assert!(serde_json::from_slice::<&serde_json::value::RawValue>(row.bytes()).is_ok());
    }
    if let Ok(Value::Array(rows)) = serde_json::from_slice(data) {
        assert_eq!(rows.len(), page.rows().len());
    }
    let sent = [("limit".to_owned(), "2".to_owned())];
    let style = page.recognise(&sent);
    let again = Page::parse(&body, &HeaderMap::new()).unwrap();
    assert_eq!(
        (again.rows(), again.next(), again.count()),
        (page.rows(), page.next(), page.count())
    );
    assert_eq!(again.recognise(&sent), style);
    let _ = (
        page.has_previous(),
        page.names_next(),
        page.more(),
        page.is_enveloped(),
        page.is_drf(),
    );
});
