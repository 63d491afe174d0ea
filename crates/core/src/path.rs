//! Paths that cannot escape: the endpoint of a collection, and the paths of rows and extra routes
//! below it, built segment by segment.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Error, Result};

/// Everything but RFC 3986's unreserved characters is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// In a path that somebody wrote, what a segment may hold (RFC 3986 `pchar`, `%` included) stays.
const WRITTEN: &AsciiSet = &SEGMENT
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'%');

/// The path of a collection, such as `/api/v1/users/`.
///
/// It is absolute, has no query, no empty, `.` or `..` segment in any spelling, and remembers whether
/// it ends with a slash; the paths built from it follow suit.
///
/// ```
/// use django_api_orm_core::path::Endpoint;
///
/// let users = Endpoint::parse("/api/v1/users/")?;
/// assert_eq!(users.detail("7")?.path(), "/api/v1/users/7/");
/// assert_eq!(users.detail("a b/c")?.path(), "/api/v1/users/a%20b%2Fc/");
/// assert_eq!(users.action("7", "deactivate")?.path(), "/api/v1/users/7/deactivate/");
/// assert_eq!(users.action("7", "deactivate")?.template(), "/api/v1/users/{id}/deactivate/");
/// assert!(users.detail("..").is_err());
/// assert!(users.detail("").is_err());
///
/// let users = Endpoint::parse("/v2/users")?;
/// assert_eq!(users.detail("7")?.path(), "/v2/users/7");
/// # Ok::<(), django_api_orm_core::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    path: String,
    made_at_run_time: bool,
}

impl Endpoint {
    /// Checks a collection path. A missing leading slash is added; characters that a path cannot hold
    /// are percent-encoded.
    ///
    /// # Errors
    /// `InvalidRequest` for a full URL, a query or fragment, an unfilled `{placeholder}`, a backslash, a
    /// control character, and an empty, `.` or `..` segment, encoded or not.
    pub fn parse(path: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::invalid_request(format!(
                "the endpoint {path:?} {why}; write a path such as \"/api/v1/users/\""
            )))
        };
        if path.is_empty() {
            return refuse("is empty");
        }
        if path.contains("://") || path.starts_with("//") {
            return refuse("is a URL; the client's base URL says where the server is");
        }
        if path.contains(['?', '#']) {
            return refuse("has a query or a fragment");
        }
        if path.contains(['{', '}']) {
            return refuse("has a placeholder that was not filled in");
        }
        let inner = path.strip_prefix('/').unwrap_or(path);
        let ends_with_slash = inner.ends_with('/') || inner.is_empty();
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut built = String::from("/");
        for segment in inner.split('/').filter(|_| !inner.is_empty()) {
            if let Some(why) = unsafe_segment(segment) {
                return refuse(why);
            }
            if decoded(segment).contains(['/', '\\']) {
                return refuse("has a backslash or an encoded slash");
            }
            built.extend(utf8_percent_encode(segment, WRITTEN));
            built.push('/');
        }
        if !ends_with_slash {
            built.pop();
        }
        checked(&built)?;
        Ok(Self {
            path: built,
            made_at_run_time: false,
        })
    }

    /// The same, for a path that the program has made, such as `/users/3/posts/`: it may hold keys.
    #[must_use]
    pub fn made_at_run_time(self) -> Self {
        Self {
            made_at_run_time: true,
            ..self
        }
    }

    /// The path: absolute and percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether paths of this collection end with a slash.
    #[must_use]
    pub fn ends_with_slash(&self) -> bool {
        self.path.ends_with('/')
    }

    /// The collection itself as a request path.
    #[must_use]
    pub fn collection(&self) -> ApiPath {
        ApiPath {
            path: self.path.clone(),
            key: None,
            made_at_run_time: self.made_at_run_time,
        }
    }

    /// The path of the row whose key is `key`.
    ///
    /// # Errors
    /// `InvalidRequest` if the key is empty, is or contains a `.` or `..` segment (encoded or not), or has
    /// control characters. Everything else is percent-encoded.
    pub fn detail(&self, key: &str) -> Result<ApiPath> {
        if is_plain(key) {
            return Ok(self.row(key));
        }
        self.below(&[(Segment::Key, key)])
    }

    /// The path of an extra route of one row (`@action(detail=True)`); `action` may have several
    /// segments.
    ///
    /// # Errors
    /// As for [`detail`](Self::detail), for the key and for every segment of `action`.
    pub fn action(&self, key: &str, action: &str) -> Result<ApiPath> {
        let mut segments = vec![(Segment::Key, key)];
        segments.extend(action_segments(action));
        self.below(&segments)
    }

    /// The path of an extra route of the collection (`@action(detail=False)`).
    ///
    /// # Errors
    /// As for [`detail`](Self::detail), for every segment of `action`.
    pub fn collection_action(&self, action: &str) -> Result<ApiPath> {
        self.below(&action_segments(action).collect::<Vec<_>>())
    }

    /// The path of the row with a [plain](is_plain) key.
    fn row(&self, key: &str) -> ApiPath {
        let mut path = String::with_capacity(self.path.len() + key.len() + 1);
        path.push_str(&self.path);
        if !self.ends_with_slash() {
            path.push('/');
        }
        let begin = path.len();
        path.push_str(key);
        let end = path.len();
        if self.ends_with_slash() {
            path.push('/');
        }
        ApiPath {
            path,
            key: Some((begin, end)),
            made_at_run_time: self.made_at_run_time,
        }
    }

    fn below(&self, segments: &[(Segment, &str)]) -> Result<ApiPath> {
        let mut path = String::with_capacity(room(&self.path, segments));
        let mut key = None;
        path.push_str(&self.path);
        if !self.ends_with_slash() {
            path.push('/');
        }
        let slashes = |path: &str| path.bytes().filter(|byte| *byte == b'/').count();
        let before = slashes(&path);
        for (index, (kind, segment)) in segments.iter().enumerate() {
            if let Some(why) = unsafe_segment(segment) {
                let what = kind.name();
                return Err(Error::invalid_request(format!(
                    "the {what} {segment:?} of {} {why}",
                    self.path
                )));
            }
            if index > 0 {
                path.push('/');
            }
            let begin = path.len();
            path.extend(utf8_percent_encode(segment, SEGMENT));
            if matches!(kind, Segment::Key) {
                key = Some((begin, path.len()));
            }
        }
        if self.ends_with_slash() {
            path.push('/');
        }
        checked(&path)?;
        let expected = before + segments.len() - usize::from(!self.ends_with_slash());
        if slashes(&path) != expected {
            return Err(Error::invalid_request(
                "the path changed while it was built",
            ));
        }
        Ok(ApiPath {
            path,
            key,
            made_at_run_time: self.made_at_run_time,
        })
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        Self::parse(path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// A request path that was built from checked segments, with the template that errors show.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiPath {
    path: String,
    /// Where the key begins and ends.
    key: Option<(usize, usize)>,
    made_at_run_time: bool,
}

impl ApiPath {
    /// Checks a path that somebody wrote, by the rules of [`Endpoint::parse`].
    ///
    /// # Errors
    /// As [`Endpoint::parse`].
    pub fn parse(path: &str) -> Result<Self> {
        Endpoint::parse(path).map(|endpoint| endpoint.made_at_run_time().collection())
    }

    /// The path as it is sent: absolute and percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path with `{id}` in place of the key.
    #[must_use]
    pub fn template(&self) -> Cow<'_, str> {
        let around = self
            .key
            .and_then(|(begin, end)| self.path.get(..begin).zip(self.path.get(end..)));
        match around {
            Some((before, after)) => Cow::Owned(format!("{before}{{id}}{after}")),
            None => Cow::Borrowed(&self.path),
        }
    }

    /// The template of a declared endpoint, which is the same for every row; a path that was made at run time has none.
    #[must_use]
    pub fn declared_template(&self) -> Option<Cow<'_, str>> {
        (!self.made_at_run_time).then(|| self.template())
    }
}

impl fmt::Debug for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiPath").field(&self.template()).finish()
    }
}

#[derive(Clone, Copy)]
enum Segment {
    Key,
    Action,
}

impl Segment {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Action => "route",
        }
    }
}

/// How much room a path with these segments takes, if few of their characters are encoded.
fn room(path: &str, segments: &[(Segment, &str)]) -> usize {
    let segments = segments.iter().map(|(_, segment)| segment.len() + 5);
    path.len() + segments.sum::<usize>() + 1
}

fn action_segments(action: &str) -> impl Iterator<Item = (Segment, &str)> {
    let action = action.strip_prefix('/').unwrap_or(action);
    let action = action.strip_suffix('/').unwrap_or(action);
    action.split('/').map(|segment| (Segment::Action, segment))
}

/// Whether a segment is one name whoever reads it: letters and digits, which have no other spelling, and no dot.
fn is_plain(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !segment.is_empty() && segment.bytes().all(is_plain)
}

/// Why a segment would be read as something other than one name, by this library or behind a proxy that decodes it.
///
/// WSGI servers decode `%2F` before Django routes the path, so the parts of a key that holds slashes
/// must be harmless too.
fn unsafe_segment(segment: &str) -> Option<&'static str> {
    let decoded = decoded(segment);
    let texts = [segment, &decoded];
    if texts.iter().any(|text| text.chars().any(char::is_control)) {
        return Some("has a control character");
    }
    for part in decoded.split(['/', '\\']) {
        match part {
            "" => return Some("is empty or has an empty part"),
            "." | ".." => return Some("has a \".\" or \"..\" part"),
            _ => {}
        }
    }
    None
}

/// Decodes until nothing changes: some proxies decode twice.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    // Each round shortens the text, so this ends.
    loop {
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next.len() >= text.len() {
            return Cow::Owned(text);
        }
        text = next;
    }
}

/// Parses the finished path as the HTTP library will, and makes sure that it is still the same path.
fn checked(path: &str) -> Result<()> {
    let parsed = http::uri::PathAndQuery::from_str(path).map_err(|error| {
        Error::invalid_request("the path is not a valid URL path").with_source(error)
    })?;
    if parsed.as_str() == path && parsed.query().is_none() && !path.starts_with("//") {
        Ok(())
    } else {
        Err(Error::invalid_request("the path is not a valid URL path"))
    }
}

#[cfg(test)]
mod tests;
