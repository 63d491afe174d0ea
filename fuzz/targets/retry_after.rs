//! How long a server asks to wait: seconds are read exactly, and no text does harm.
//!
//! Input: the value of `Retry-After`, a line break, the value of `Date`.
#![no_main]

use std::time::{Duration, SystemTime};

use django_api_orm_core::retry::retry_after;
use http::{
    HeaderMap, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (wait, date) = (lines.next().unwrap_or_default(), lines.next());
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(wait) else {
        return;
    };
    headers.insert(RETRY_AFTER, value);
    if let Some(date) = date.and_then(|date| HeaderValue::from_bytes(date).ok()) {
        headers.insert(DATE, date);
    }
    let read = retry_after(&headers, SystemTime::UNIX_EPOCH);
    let seconds = std::str::from_utf8(wait)
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    if let Some(seconds) = seconds.filter(|_| wait.first() != Some(&b'+')) {
        assert_eq!(read, Some(Duration::from_secs(seconds.into())));
    }
});
