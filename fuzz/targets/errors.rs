//! The body of an error: whatever it is, there is an error of one readable, bounded line.
//!
//! Input: two bytes that make the status, the body.
#![no_main]

use bytes::Bytes;
use django_api_orm_core::Error;
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [high, low, body @ ..] = data else { return };
    let status = 300 + u16::from_be_bytes([*high, *low]) % 300;
    let Ok(status) = StatusCode::from_u16(status) else {
        return;
    };
    let error = Error::from_response(status, &HeaderMap::new(), &Bytes::copy_from_slice(body));
    let text = error.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(
        text.chars().count() < 4_096,
        "{} characters",
        text.chars().count()
    );
    assert_eq!(error.status(), Some(status));
    let _ = format!("{error:?}");
});
