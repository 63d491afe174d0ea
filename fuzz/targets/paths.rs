//! Paths that are made of an endpoint, a key and an action: they keep the origin and have as many segments as they should.
//!
//! Input: three texts with null bytes between.
#![no_main]

use django_api_orm_core::path::{ApiPath, Endpoint};
use libfuzzer_sys::fuzz_target;
use url::Url;

/// The segments of a path, as another parser of URLs sees them.
fn segments(path: &ApiPath) -> Vec<String> {
    let base = Url::parse("https://api.example:8443/").unwrap();
    let url = base.join(path.path()).unwrap();
    assert_eq!(url.origin(), base.origin());
    assert_eq!(
        (url.query(), url.fragment(), url.username()),
        (None, None, "")
    );
    assert_eq!(url.path(), path.path());
    url.path()
        .trim_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut parts = text.splitn(3, '\0');
    let mut part = || parts.next().unwrap_or_default();
    let (endpoint, key, action) = (part(), part(), part());
    let Ok(endpoint) = Endpoint::parse(endpoint) else {
        return;
    };
    let collection = segments(&endpoint.collection());
    let above = if endpoint.path() == "/" {
        0
    } else {
        collection.len()
    };
    if let Ok(path) = endpoint.detail(key) {
        let detail = segments(&path);
        assert_eq!(detail.len(), above + 1);
        assert_eq!(
            detail.get(..above).unwrap(),
            collection.get(..above).unwrap()
        );
        let last = form_urlencoded::parse(
            format!("k={}", detail.last().unwrap().replace('+', "%2B")).as_bytes(),
        )
        .next()
        .unwrap()
        .1
        .into_owned();
        assert_eq!(last, key);
    }
    if let Ok(path) = endpoint.action(key, action) {
        assert!(segments(&path).len() > above + 1);
    }
    if let Ok(path) = endpoint.collection_action(action) {
        assert!(segments(&path).len() > above);
    }
});
