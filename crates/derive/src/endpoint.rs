//! Which endpoints are refused when the program is compiled. The engine checks again when it runs, and more thoroughly,
//! because an endpoint can also be given there.

use percent_encoding::percent_decode_str;

/// Why the path cannot be an endpoint; `None` for one that can.
pub(crate) fn refusal(path: &str) -> Option<&'static str> {
    if path.trim().is_empty() {
        return Some("is empty");
    }
    if path.contains("://") || path.starts_with("//") {
        return Some(
            "names a server; that is the client's base URL, an endpoint is the path below it",
        );
    }
    if path.contains(['?', '#']) {
        return Some("has a query or a fragment; extra query parameters belong to a query set");
    }
    if path.contains(['{', '}']) {
        return Some(
            "has a placeholder; fill it in when the program runs: `client.objects::<Post>().at(\"/users/3/posts/\")`",
        );
    }
    if path.contains('\\')
        || path
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace())
    {
        return Some("has a backslash, white space or a control character");
    }
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for segment in inner.split('/').filter(|_| !inner.is_empty()) {
        let decoded = decoded(segment);
        if decoded.chars().any(char::is_control) {
            return Some("has an encoded control character");
        }
        if decoded.contains(['/', '\\']) {
            return Some("has an encoded slash or backslash");
        }
        match decoded.as_str() {
            "" => return Some("has an empty part"),
            "." | ".." => return Some("has a `.` or `..` part"),
            _ => {}
        }
    }
    None
}

/// Decodes until nothing changes: some proxies decode twice.
fn decoded(segment: &str) -> String {
    let mut text = segment.to_owned();
    // Each round shortens the text, so this ends.
    loop {
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next.len() >= text.len() {
            return text;
        }
        text = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_a_base_url() {
        for path in [
            "/api/v1/users/",
            "/api/v1/users",
            "users/",
            "/",
            "/a.b/..c/",
            "/caf%C3%A9/",
            "/café/",
            "/a:b/",
        ] {
            assert_eq!(refusal(path), None, "{path}");
        }
    }

    #[test]
    fn everything_else() {
        for (path, part) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("https://h/users/", "names a server"),
            ("//h/users/", "names a server"),
            ("/users/?active=true", "query"),
            ("/users/#x", "fragment"),
            ("/users/{id}/posts/", "placeholder"),
            ("/a b/", "white space"),
            ("/a\\b/", "backslash"),
            ("/a/../b/", "`..`"),
            ("/a/%2E%2e/b/", "`..`"),
            ("/./b/", "`.`"),
            ("/a/%252e%252e/b/", "`..`"),
            ("/a%2Fb/", "encoded slash"),
            ("/a%5Cb/", "encoded slash"),
            ("/a%0Ab/", "encoded control"),
            ("/a\nb/", "control character"),
            ("/a//b/", "empty part"),
            ("/a//", "empty part"),
        ] {
            assert!(
                refusal(path).is_some_and(|why| why.contains(part)),
                "{path}: {:?}",
                refusal(path)
            );
        }
    }
}
