//! One answer of a collection: its rows as slices of the body, its count and its links, in whatever envelope they come.

use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

/// How an endpoint hands out its rows. Declared on a model or a client, else recognised from the first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    style: Style,
    page_size: Option<u64>,
    size_parameter: Option<String>,
}

/// The family of a paginator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// `limit` and `offset`.
    LimitOffset,
    /// `page`, and `page_size` where the server allows it.
    PageNumber,
    /// An opaque `cursor`.
    Cursor,
    /// A list whose `Link` header names the next page.
    Link,
    /// The whole collection in one answer.
    None,
}

impl Pagination {
    fn new(style: Style, size_parameter: Option<&str>) -> Self {
        Self {
            style,
            page_size: None,
            size_parameter: size_parameter.map(str::to_owned),
        }
    }

    /// DRF's `LimitOffsetPagination`.
    #[must_use]
    pub fn limit_offset() -> Self {
        Self::new(Style::LimitOffset, Some("limit"))
    }

    /// DRF's `PageNumberPagination`. The page's size is the server's own until
    /// [`with_size_parameter`](Self::with_size_parameter) says how to ask for another.
    #[must_use]
    pub fn page_number() -> Self {
        Self::new(Style::PageNumber, None)
    }

    /// DRF's `CursorPagination`.
    #[must_use]
    pub fn cursor() -> Self {
        Self::new(Style::Cursor, None)
    }

    /// A plain list with an RFC 8288 `Link` header.
    #[must_use]
    pub fn link() -> Self {
        Self::new(Style::Link, None)
    }

    /// No pagination.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Style::None, None)
    }

    /// Asks for so many rows a page. A server may send fewer.
    #[must_use]
    pub fn with_page_size(mut self, rows: u64) -> Self {
        self.page_size = Some(rows.max(1));
        self
    }

    /// Names the parameter that asks for a page's size, such as `page_size`.
    #[must_use]
    pub fn with_size_parameter(mut self, name: impl Into<String>) -> Self {
        self.size_parameter = Some(name.into());
        self
    }

    /// The family.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// The rows asked for in a page.
    #[must_use]
    pub fn page_size(&self) -> Option<u64> {
        self.page_size
    }

    /// The parameter that asks for a page's size.
    #[must_use]
    pub fn size_parameter(&self) -> Option<&str> {
        self.size_parameter.as_deref()
    }
}

/// One decoded answer of a collection.
#[derive(Debug, Clone)]
pub struct Page {
    rows: Vec<Bytes>,
    count: Option<u64>,
    next: Option<String>,
    previous: Option<String>,
    enveloped: bool,
    linked: bool,
    names_next: bool,
    names_previous: bool,
}

const ROWS: [&str; 4] = ["results", "data", "items", "objects"];
const COUNTS: [&str; 5] = ["count", "total", "total_count", "totalCount", "total_items"];
const NEXT: [&str; 2] = ["next", "next_page_url"];
const PREVIOUS: [&str; 3] = ["previous", "prev", "prev_page_url"];
const NESTED: [&str; 5] = ["meta", "links", "pagination", "_links", "_meta"];

impl Page {
    /// Decodes an answer: a plain list, DRF's envelope, or one of the common others (`data`/`items`, counts and links
    /// at the top or under `meta`, `links`, `pagination`). Rows stay undecoded slices of `body`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the body is not JSON, or has no list of rows in a place where APIs put one.
    pub fn parse(body: &Bytes, headers: &HeaderMap) -> Result<Self> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => {
                let next = link_header(headers, "next");
                let previous =
                    link_header(headers, "prev").or_else(|| link_header(headers, "previous"));
                let linked = headers.contains_key(http::header::LINK);
                let count = ["x-total-count", "x-total"]
                    .iter()
                    .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok());
                Ok(Self {
                    rows: slices(body, decode(body)?),
                    count,
                    next,
                    previous,
                    enveloped: false,
                    linked,
                    names_next: false,
                    names_previous: false,
                })
            }
            Some(b'{') => Self::parse_envelope(body),
            _ => Err(Error::new(ErrorKind::Decode, "a list of rows was expected")),
        }
    }

    fn parse_envelope(body: &Bytes) -> Result<Self> {
        let top: HashMap<&str, &RawValue> = decode_envelope(body)?;
        let nested: Vec<HashMap<&str, &RawValue>> = NESTED
            .iter()
            .filter_map(|name| top.get(name))
            .filter_map(|value| serde_json::from_str(value.get()).ok())
            .collect();
        let deeper: Vec<HashMap<&str, &RawValue>> = nested
            .iter()
            .flat_map(|object| NESTED.iter().filter_map(|name| object.get(name)))
            .filter_map(|value| serde_json::from_str(value.get()).ok())
            .collect();
        let find = |names: &[&str]| -> Option<&RawValue> {
            std::iter::once(&top)
                .chain(&nested)
                .chain(&deeper)
                .find_map(|object| names.iter().find_map(|name| object.get(name).copied()))
        };
        let rows = ROWS
            .iter()
            .filter_map(|name| top.get(name))
            .find(|value| value.get().trim_start().starts_with('['))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Decode,
                    "the answer is an object without a list of rows (`results`, `data`, `items` or `objects`); is the \
                     endpoint a collection?",
                )
            })?;
        let link = |names: &[&str]| -> Option<String> {
            let value: serde_json::Value = serde_json::from_str(find(names)?.get()).ok()?;
            match value {
                serde_json::Value::String(link) if !link.is_empty() => Some(link),
                serde_json::Value::Object(mut link) => match link.remove("href") {
                    Some(serde_json::Value::String(link)) if !link.is_empty() => Some(link),
                    _ => None,
                },
                _ => None,
            }
        };
        Ok(Self {
            rows: slices(body, decode(rows.get().as_bytes())?),
            count: find(&COUNTS).and_then(|value| value.get().parse().ok()),
            next: link(&NEXT),
            previous: link(&PREVIOUS),
            enveloped: true,
            linked: false,
            names_next: find(&NEXT).is_some(),
            names_previous: find(&PREVIOUS).is_some(),
        })
    }

    /// The rows, each the JSON text of one row: a slice of the body, not a copy.
    #[must_use]
    pub fn rows(&self) -> &[Bytes] {
        &self.rows
    }

    /// The rows.
    #[must_use]
    pub fn into_rows(self) -> Vec<Bytes> {
        self.rows
    }

    /// How many rows the collection has, as the server says.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The link to the next page as the server wrote it. Only its query may be used.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Whether the server names a page before this one.
    #[must_use]
    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// Whether the answer has a place for the link to the next page, empty or not.
    #[must_use]
    pub fn names_next(&self) -> bool {
        self.names_next
    }

    /// Whether the answer has a place for the link to the previous page, empty or not.
    #[must_use]
    pub fn names_previous(&self) -> bool {
        self.names_previous
    }

    /// Whether the rows stand in an object, not in a plain list.
    #[must_use]
    pub fn is_enveloped(&self) -> bool {
        self.enveloped
    }

    /// What the answer itself shows of the paginator; `None` where it shows nothing (one page, no link).
    #[must_use]
    pub fn recognise(&self) -> Option<Style> {
        if !self.enveloped {
            return Some(if self.linked {
                Style::Link
            } else {
                Style::None
            });
        }
        let link = self.next.as_deref().or(self.previous.as_deref())?;
        let names: Vec<String> = query_pairs(link)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let has = |name: &str| names.iter().any(|known| known == name);
        if has("cursor") {
            Some(Style::Cursor)
        } else if has("offset") {
            Some(Style::LimitOffset)
        } else if has("page") {
            Some(Style::PageNumber)
        } else if self.next.is_none() && has("limit") {
            // The first page's link in limit/offset pagination leaves `offset` out.
            Some(Style::LimitOffset)
        } else {
            None
        }
    }
}

/// The decoded pairs of a link's query. The rest of the link, host and path, is not looked at.
#[must_use]
pub fn query_pairs(link: &str) -> Vec<(String, String)> {
    let Some((_, query)) = link.split_once('?') else {
        return Vec::new();
    };
    let query = query.split('#').next().unwrap_or_default();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(name), form_decode(value))
        })
        .collect()
}

fn form_decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}

fn decode(bytes: &[u8]) -> Result<Vec<&RawValue>> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::new(ErrorKind::Decode, "the answer is not valid JSON").with_source(error)
    })
}

fn decode_envelope(bytes: &[u8]) -> Result<HashMap<&str, &RawValue>> {
    // Keys with escapes cannot be borrowed; such an envelope is none that we know.
    serde_json::from_slice(bytes).map_err(|error| {
        Error::new(ErrorKind::Decode, "the answer is not an envelope of rows").with_source(error)
    })
}

fn slices(body: &Bytes, rows: Vec<&RawValue>) -> Vec<Bytes> {
    rows.into_iter()
        .map(|row| body.slice_ref(row.get().as_bytes()))
        .collect()
}

fn link_header(headers: &HeaderMap, relation: &str) -> Option<String> {
    for value in headers.get_all(http::header::LINK) {
        let mut rest = value.to_str().ok()?;
        while let Some((_, after)) = rest.split_once('<') {
            let (target, after) = after.split_once('>')?;
            let end = after.find(",").map_or(after.len(), |comma| {
                // A comma may stand in a quoted parameter; the next target starts after `,` and `<`.
                after.find('<').map_or(after.len(), |start| {
                    after
                        .get(..start)
                        .and_then(|head| head.rfind(','))
                        .unwrap_or(comma)
                })
            });
            let (parameters, after) = after.split_at_checked(end)?;
            let matches = parameters.split(';').any(|parameter| {
                parameter
                    .trim()
                    .split_once('=')
                    .is_some_and(|(name, value)| {
                        name.trim().eq_ignore_ascii_case("rel")
                            && value
                                .trim()
                                .trim_matches('"')
                                .split_ascii_whitespace()
                                .any(|rel| rel.eq_ignore_ascii_case(relation))
                    })
            });
            if matches {
                return Some(target.to_owned());
            }
            rest = after;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Page {
        Page::parse(&Bytes::copy_from_slice(body.as_bytes()), &HeaderMap::new()).unwrap()
    }

    #[test]
    fn rows_are_slices_of_the_body() {
        let body = Bytes::from_static(
            br#"{"count": 2, "next": null, "previous": null, "results": [ {"id": 1}, {"id":2} ]}"#,
        );
        let page = Page::parse(&body, &HeaderMap::new()).unwrap();
        assert_eq!(page.rows(), [r#"{"id": 1}"#, r#"{"id":2}"#]);
        assert!(body.as_ptr_range().contains(&page.rows()[0].as_ptr()));
        assert_eq!((page.count(), page.next()), (Some(2), None));
    }

    #[test]
    fn envelopes() {
        for body in [
            r#"{"data": [{"id": 1}], "meta": {"total": 9}, "links": {"next": "http://h/x?page=2"}}"#,
            r#"{"items": [{"id": 1}], "pagination": {"total_count": 9, "next": "/x?page=2"}}"#,
            r#"{"data": [{"id": 1}], "meta": {"pagination": {"count": 9, "links": {"next": "?page=2"}}}}"#,
            r#"{"objects": [{"id": 1}], "count": 9, "_links": {"next": {"href": "/x?page=2"}}}"#,
        ] {
            let page = parse(body);
            assert_eq!((page.rows().len(), page.count()), (1, Some(9)), "{body}");
            if body.contains("\"links\": {\"next\": \"?") {
                continue;
            }
            assert_eq!(page.recognise(), Some(Style::PageNumber), "{body}");
        }
    }

    #[test]
    fn recognises_paginators_by_their_links() {
        let with = |next: &str| {
            parse(&format!(
                r#"{{"next": "{next}", "previous": null, "results": []}}"#
            ))
            .recognise()
        };
        assert_eq!(
            with("http://h/u/?limit=5&offset=5"),
            Some(Style::LimitOffset)
        );
        assert_eq!(with("http://h/u/?cursor=cD0y"), Some(Style::Cursor));
        assert_eq!(
            with("http://h/u/?page=2&page_size=9"),
            Some(Style::PageNumber)
        );
        assert_eq!(with("http://h/u/?after=x"), None);
        assert_eq!(parse("[]").recognise(), Some(Style::None));
        let last = parse(
            r#"{"count": 9, "next": null, "previous": "http://h/u/?limit=5", "results": []}"#,
        );
        assert_eq!(last.recognise(), Some(Style::LimitOffset));
    }

    #[test]
    fn link_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "link",
            r#"<https://h/x?page=1>; rel="first", <https://h/x?page=3&a=1,2>; title="a, b"; rel="next""#.parse().unwrap(),
        );
        let page = Page::parse(&Bytes::from_static(b"[1]"), &headers).unwrap();
        assert_eq!(page.next(), Some("https://h/x?page=3&a=1,2"));
        assert_eq!(page.recognise(), Some(Style::Link));
    }

    #[test]
    fn what_is_no_list_says_so() {
        for body in [
            "",
            "null",
            "3",
            r#"{"detail": "x"}"#,
            r#"{"results": {}}"#,
            "[1",
            "<html>",
        ] {
            let error = Page::parse(&Bytes::copy_from_slice(body.as_bytes()), &HeaderMap::new())
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
        }
    }

    #[test]
    fn only_the_query_of_a_link_is_read() {
        assert_eq!(
            query_pairs("http://evil.example:1/other?offset=5&name=a%20b+c&flag#x"),
            [
                ("offset".into(), "5".into()),
                ("name".into(), "a b c".into()),
                ("flag".into(), String::new())
            ]
        );
    }
}
