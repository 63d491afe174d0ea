//! Related rows given as URLs: `http://host/api/users/3/` is the user `3`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A URL, or the path of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    /// Scheme and host; `None` for a path alone.
    pub(crate) origin: Option<&'a str>,
    path: &'a str,
}

impl<'a> Link<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self {
                origin: None,
                path: text,
            });
        }
        let host = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))?;
        let end = host
            .find(['/', '?', '#'])
            .map_or(text.len(), |at| text.len() - host.len() + at);
        let (origin, path) = text.split_at_checked(end)?;
        Some(Self {
            origin: Some(origin),
            path,
        })
    }

    /// The last segment of the path: where a REST API writes the key.
    pub(crate) fn key(self) -> Option<Cow<'a, str>> {
        let path = self.path.split(['?', '#']).next()?;
        let segment = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .filter(|segment| !segment.is_empty())?;
        Some(percent_decode_str(segment).decode_utf8_lossy())
    }

    /// Whether both name the same row; `None` when only the server can know.
    pub(crate) fn names_the_same(self, other: Self) -> Option<bool> {
        if self.path.trim_end_matches('/') != other.path.trim_end_matches('/')
            || self.key().is_none()
        {
            return Some(self == other);
        }
        match (self.origin, other.origin) {
            (Some(_), None) | (None, Some(_)) => Some(true),
            // The same path on another host: the same row behind a proxy, or another site's page.
            _ => (self == other).then_some(true),
        }
    }

    /// What stands before the key.
    pub(crate) fn collection(self) -> (Option<&'a str>, &'a str) {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_end_matches('/');
        (
            self.origin,
            path.rsplit_once('/')
                .map_or("", |(collection, _)| collection),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Link<'_> {
        Link::parse(text).unwrap()
    }

    #[test]
    fn the_key_is_the_last_segment() {
        for (text, key) in [
            ("http://h/api/users/3/", Some("3")),
            ("https://h:8000/api/users/ann%20b", Some("ann b")),
            ("/api/users/3/?format=json", Some("3")),
            ("/3", Some("3")),
            ("http://h", None),
            ("http://h/", None),
            ("http://h?a=/3", None),
            ("/", None),
        ] {
            assert_eq!(link(text).key().as_deref(), key, "{text}");
        }
        for text in ["", "3", "ftp://h/3", "users/3", "HTTP//"] {
            assert_eq!(Link::parse(text), None);
        }
    }

    #[test]
    fn same_rows() {
        for (left, right, same) in [
            ("http://h/users/3/", "/users/3/", Some(true)),
            ("/users/3", "https://h/users/3/", Some(true)),
            ("http://h/users/3/", "http://h/users/4/", Some(false)),
            ("http://h/users/3/", "https://proxy/users/3/", None),
            ("http://h/users/3/", "http://h/users/3", None),
            ("http://a/", "http://b/", Some(false)),
            ("http://a/", "http://a/", Some(true)),
        ] {
            assert_eq!(
                link(left).names_the_same(link(right)),
                same,
                "{left} {right}"
            );
        }
    }
}
