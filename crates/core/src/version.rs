//! Which version of a row an answer shows, by its `ETag` or else its `Last-Modified`, and how a write is made to depend on it.

use http::{
    HeaderMap, HeaderName,
    header::{ETAG, IF_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED},
};

/// The version of a row, as the server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// By an entity tag, as it was sent: `"5"`, `W/"5"`.
    Tag(String),
    /// By the second in which the row was changed last, as it was sent.
    Modified(String),
    /// Not at all: the row is as a write has left it, whose answer named none.
    Unknown {
        /// Whether the endpoint was known then to name versions of rows that are read.
        is_named_when_read: bool,
    },
}

/// How an endpoint takes the versions that it shows, as its answers to writes have told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// As they are. A weak tag is offered in its strong form too, in one list: what compresses answers on their way weakens
    /// tags, and a server that compares as the standard says takes no weak one.
    #[default]
    Offered,
    /// To the letter, for servers that compare the text of the header.
    Exact,
    /// Not at all: it refuses the tags that it has just sent.
    Refused,
}

impl Version {
    /// The version that an answer names; `None` where it names none that could be sent back.
    ///
    /// ```
    /// use django_api_orm_core::version::Version;
    /// use http::{HeaderMap, HeaderValue, header};
    ///
    /// let headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"5\""))]);
    /// assert_eq!(Version::of(&headers), Some(Version::Tag("\"5\"".to_owned())));
    /// ```
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &HeaderName| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
        if let Some(tag) = text(&ETAG).filter(|tag| is_tag(tag)) {
            return Some(Self::Tag(tag));
        }
        let date = text(&LAST_MODIFIED)?;
        httpdate::parse_http_date(&date).ok()?;
        Some(Self::Modified(date))
    }

    /// Whether the server has named it.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// The header that makes a write depend on this version; `None` where the server takes none, or has named none.
    #[must_use]
    pub fn condition(&self, form: Form) -> Option<(HeaderName, String)> {
        match (self, form) {
            (_, Form::Refused) => None,
            (Self::Tag(tag), Form::Exact) => Some((IF_MATCH, tag.clone())),
            (Self::Tag(tag), Form::Offered) => Some(match tag.strip_prefix("W/") {
                Some(strong) => (IF_MATCH, format!("{tag}, {strong}")),
                None => (IF_MATCH, tag.clone()),
            }),
            (Self::Modified(date), _) => Some((IF_UNMODIFIED_SINCE, date.clone())),
            (Self::Unknown { .. }, _) => None,
        }
    }

    /// The form that is tried next, after the server has refused this version and shown it again. `None` for a strong tag and a
    /// date, which are sent in one form only: then the row was shown as it no longer is, by a cache or a replica.
    #[must_use]
    pub fn form_after(&self, form: Form) -> Option<Form> {
        match self {
            Self::Tag(tag) if tag.starts_with("W/") => Some(match form {
                Form::Offered => Form::Exact,
                Form::Exact | Form::Refused => Form::Refused,
            }),
            Self::Tag(_) | Self::Modified(_) | Self::Unknown { .. } => None,
        }
    }

    /// The version as text, for [`from_text`](Self::from_text).
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Tag(tag) => format!("tag {tag}"),
            Self::Modified(date) => format!("modified {date}"),
            Self::Unknown {
                is_named_when_read: true,
            } => "unknown named".to_owned(),
            Self::Unknown {
                is_named_when_read: false,
            } => "unknown unseen".to_owned(),
        }
    }

    /// The version that was written as this text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("tag", tag) => Some(Self::Tag(tag.to_owned())),
            ("modified", date) => Some(Self::Modified(date.to_owned())),
            ("unknown", seen) => Some(Self::Unknown {
                is_named_when_read: seen == "named",
            }),
            _ => None,
        }
    }
}

/// Whether the text is one entity tag, in quotes or, as some servers write it, without; `*` would match every version.
fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) => !inner.contains('"'),
        None => !opaque.is_empty() && opaque != "*" && !opaque.contains(['"', ',', ' ']),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn version(headers: &[(HeaderName, &str)]) -> Option<Version> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        Version::of(&headers.collect())
    }

    #[test]
    fn a_tag_goes_before_a_date() {
        let date = "Tue, 15 Nov 1994 08:12:31 GMT";
        let both = version(&[(LAST_MODIFIED, date), (ETAG, "\"5\"")]);
        assert_eq!(both, Some(Version::Tag("\"5\"".to_owned())));
        let modified = Some(Version::Modified(date.to_owned()));
        assert_eq!(version(&[(LAST_MODIFIED, date)]), modified);
        assert_eq!(version(&[(LAST_MODIFIED, date), (ETAG, "*")]), modified);
        assert_eq!(version(&[]), None);
    }

    #[test]
    fn what_is_no_tag_or_no_date_is_no_version() {
        for tag in ["", "*", "W/", "\"a", "a, b", "\"a\", \"b\""] {
            assert_eq!(version(&[(ETAG, tag)]), None, "{tag:?}");
        }
        assert_eq!(version(&[(LAST_MODIFIED, "yesterday")]), None);
        for tag in ["\"\"", "W/\"a,b\"", "5", "\"a b\""] {
            let expected = Some(Version::Tag(tag.to_owned()));
            assert_eq!(version(&[(ETAG, tag)]), expected, "{tag:?}");
        }
    }

    #[test]
    fn a_weak_tag_is_offered_in_both_forms_then_to_the_letter_then_not_at_all() {
        let weak = Version::Tag("W/\"5\"".to_owned());
        let mut form = Form::default();
        let mut sent = Vec::new();
        for _ in 0..4 {
            sent.push(weak.condition(form).map(|(_, value)| value));
            form = weak.form_after(form).unwrap();
        }
        let both = Some("W/\"5\", \"5\"".to_owned());
        assert_eq!(sent, [both, Some("W/\"5\"".to_owned()), None, None]);
        for only in ["tag \"5\"", "modified Tue, 15 Nov 1994 08:12:31 GMT"] {
            let only = Version::from_text(only).unwrap();
            assert_eq!(only.form_after(Form::Offered), None);
        }
    }

    #[test]
    fn a_version_survives_as_text() {
        for version in [
            Version::Tag("W/\"5 6\"".to_owned()),
            Version::Modified("Tue, 15 Nov 1994 08:12:31 GMT".to_owned()),
            Version::Unknown {
                is_named_when_read: true,
            },
            Version::Unknown {
                is_named_when_read: false,
            },
        ] {
            assert_eq!(Version::from_text(&version.to_text()), Some(version));
        }
        assert_eq!(Version::from_text("5"), None);
    }
}
