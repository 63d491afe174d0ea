//! What becomes of endpoints, keys and routes that somebody has written.

use super::*;
use proptest::prelude::*;

fn users() -> Endpoint {
    Endpoint::parse("/api/v1/users/").unwrap()
}

#[test]
fn an_endpoint_keeps_its_slash_convention() {
    for (written, path, detail) in [
        ("/api/v1/users/", "/api/v1/users/", "/api/v1/users/7/"),
        ("api/v1/users/", "/api/v1/users/", "/api/v1/users/7/"),
        ("/users", "/users", "/users/7"),
        ("/", "/", "/7/"),
        ("/naïve/a b/", "/na%C3%AFve/a%20b/", "/na%C3%AFve/a%20b/7/"),
        ("/a%20b/x:y@z/", "/a%20b/x:y@z/", "/a%20b/x:y@z/7/"),
    ] {
        let endpoint = Endpoint::parse(written).unwrap();
        assert_eq!(endpoint.path(), path);
        assert_eq!(endpoint.detail("7").unwrap().path(), detail);
    }
}

#[test]
fn endpoints_that_could_escape_are_refused() {
    for bad in [
        "",
        "//evil.example/x/",
        "https://evil.example/",
        "/a//b/",
        "/a/../b/",
        "/a/./b/",
        "/..",
        "/a/%2e%2E/",
        "/a/.%2e/",
        "/a/%252e%252e/",
        "/a?x=1",
        "/a#b",
        "/users/{id}/",
        "/a\\b/",
        "/a%5cb/",
        "/a%2fb/",
        "/a\r\n/",
        "/a%0d%0a/",
        "/a%00/",
        "/\u{85}/",
    ] {
        let error = Endpoint::parse(bad).map(|endpoint| endpoint.path().to_owned());
        assert!(error.is_err(), "{bad:?} became {error:?}");
    }
}

#[test]
fn keys_that_could_escape_are_refused() {
    for bad in [
        "",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%252e%252e",
        "%25252e.",
        "../teams",
        "1/..",
        "1/../2",
        "a\\..\\b",
        "1/",
        "/1",
        "a//b",
        "%2f",
        "1%2f..",
        "%00",
        "a\nb",
        "\u{7f}",
        "%0d%0aX: y",
    ] {
        let built = users().detail(bad).map(|path| path.path().to_owned());
        assert!(built.is_err(), "{bad:?} became {built:?}");
        let built = users()
            .action(bad, "posts")
            .map(|path| path.path().to_owned());
        assert!(built.is_err(), "{bad:?} became {built:?}");
    }
}

#[test]
fn other_keys_are_encoded() {
    for (key, encoded) in [
        ("0", "0"),
        ("-1", "-1"),
        ("a-B_9", "a-B_9"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        ("naïve", "na%C3%AFve"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("{id}", "%7Bid%7D"),
        ("a:b@c;d=e", "a%3Ab%40c%3Bd%3De"),
    ] {
        assert_eq!(
            users().detail(key).unwrap().path(),
            format!("/api/v1/users/{encoded}/")
        );
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_where() {
    for (bad, says) in [
        ("", "the endpoint \"\" is empty"),
        ("//evil.example/x/", "is a URL"),
        ("https://evil.example/", "is a URL"),
        ("/a?x=1", "a query or a fragment"),
        ("/{id}/", "a placeholder"),
        ("/a//b/", "is empty or has an empty part"),
        ("/a\\b/", "a backslash"),
    ] {
        let error = Endpoint::parse(bad).unwrap_err();
        assert!(error.message().contains(says), "{bad:?}: {error}");
    }
    let key = users().detail("..").unwrap_err();
    assert!(key.message().contains("key"), "{key}");
    let route = users().action("7", "..").unwrap_err();
    assert!(route.message().contains("route"), "{route}");
}

#[test]
fn paths_are_shown_without_their_keys() {
    assert_eq!(users().to_string(), "/api/v1/users/");
    let path = users().detail("secret").unwrap();
    assert_eq!(format!("{path:?}"), r#"ApiPath("/api/v1/users/{id}/")"#);
    let declared = path.declared_template();
    assert_eq!(declared.as_deref(), Some("/api/v1/users/{id}/"));
    let made = ApiPath::parse("/users/3/posts/").unwrap();
    assert_eq!(made.declared_template(), None);
    let made = users().made_at_run_time().detail("7").unwrap();
    assert_eq!(made.declared_template(), None);
}

#[test]
fn extra_routes_follow_the_convention() {
    let bare = Endpoint::parse("/users").unwrap();
    assert_eq!(bare.action("7", "posts").unwrap().path(), "/users/7/posts");
    assert_eq!(
        bare.action("7", "/posts/recent/").unwrap().template(),
        "/users/{id}/posts/recent"
    );
    assert_eq!(
        users().collection_action("stats").unwrap().path(),
        "/api/v1/users/stats/"
    );
    for bad in ["", "/", "..", "a/../b", "a//b"] {
        assert!(users().action("7", bad).is_err(), "{bad:?}");
        assert!(users().collection_action(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_key_is_not_in_what_people_read() {
    for key in ["secret@example.com", "secret"] {
        let path = users().detail(key).unwrap();
        assert_eq!(path.template(), "/api/v1/users/{id}/");
        assert!(!format!("{path:?}").contains("secret"));
    }
    let bare = Endpoint::parse("/users").unwrap().detail("7").unwrap();
    assert_eq!(
        (bare.path(), &*bare.template()),
        ("/users/7", "/users/{id}")
    );
}

proptest! {
    /// A browser-grade parser, which resolves dot segments and backslashes, sees the same origin and one
    /// more segment, which decodes to the key.
    #[test]
    fn a_key_is_always_one_segment(
        key in prop_oneof!["\\PC{0,12}", "[./%2eE5cCfF\\\\]{0,12}", any::<String>()],
    ) {
        if let Ok(path) = users().detail(&key) {
            let url = url::Url::parse(&format!("https://api.example.com{}", path.path())).unwrap();
            prop_assert_eq!(url.host_str(), Some("api.example.com"));
            prop_assert_eq!(url.path(), path.path());
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 5);
            prop_assert_eq!(&segments[..3], &["api", "v1", "users"]);
            prop_assert_eq!(percent_decode_str(segments[3]).decode_utf8().unwrap(), key.as_str());
            prop_assert_eq!(segments[4], "");
        }
    }

    #[test]
    fn a_parsed_endpoint_is_stable(path in "[/a-z.%2eE\\\\?#{} é]{0,16}") {
        if let Ok(endpoint) = Endpoint::parse(&path) {
            let url = url::Url::parse(&format!("https://api.example.com{}", endpoint.path())).unwrap();
            prop_assert_eq!(url.host_str(), Some("api.example.com"));
            prop_assert_eq!(url.path(), endpoint.path());
            let again = Endpoint::parse(endpoint.path()).unwrap();
            prop_assert_eq!(again, endpoint);
        }
    }
}
