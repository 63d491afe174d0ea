//! Links to other pages, in a header and in a body: only their query is read, and read as it was written.
//!
//! Input: text.
#![no_main]

use bytes::Bytes;
use django_api_orm_core::page::{Page, bare_token, query_pairs};
use http::{HeaderMap, HeaderValue, header::LINK};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(value) = HeaderValue::from_bytes(data) {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, value);
        let page = Page::parse(&Bytes::from_static(b"[{\"id\": 1}]"), &headers).unwrap();
        assert_eq!(page.rows().len(), 1);
        if let Some(next) = page.next() {
            assert!(!next.is_empty() && !next.contains('>'), "{next:?}");
        }
        let _ = page.recognise(&[]);
    }
    let Ok(link) = std::str::from_utf8(data) else {
        return;
    };
    let pairs = query_pairs(link);
    if !link.contains('?') {
        assert!(pairs.is_empty(), "{pairs:?}");
    }
    if bare_token(link).is_some() {
        assert!(pairs.is_empty(), "{pairs:?}");
    }
    let written = form_urlencoded::Serializer::new(String::from("/other?"))
        .extend_pairs(&pairs)
        .finish();
    assert_eq!(query_pairs(&written), pairs);
});
