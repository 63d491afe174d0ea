//! One answer of a collection: its rows as slices of the body, its count and its links, in whatever envelope they come.

use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, value::RawValue};

use crate::{
    error::{Error, ErrorKind, Result},
    row::Row,
};

mod envelope;
mod links;
mod pagination;

pub use links::{bare_token, query_pairs};
pub use pagination::{Pagination, Style};

use envelope::Envelope;
use links::link_header;

/// One decoded answer of a collection.
#[derive(Debug, Clone)]
pub struct Page {
    rows: Vec<Row>,
    count: Option<u64>,
    next: Option<String>,
    previous: Option<String>,
    enveloped: bool,
    names_next: bool,
}

const ROWS: [&str; 4] = ["results", "data", "items", "objects"];
const COUNTS: [&str; 5] = ["count", "total", "total_count", "totalCount", "total_items"];
const COUNT_HEADERS: [&str; 2] = ["x-total-count", "x-total"];
const NEXT: [&str; 3] = ["next", "next_url", "next_page_url"];
const PREVIOUS: [&str; 5] = [
    "previous",
    "prev",
    "previous_url",
    "prev_url",
    "prev_page_url",
];
const NESTED: [&str; 5] = ["meta", "links", "pagination", "_links", "_meta"];

type Fields<'a> = HashMap<String, &'a RawValue>;

impl Page {
    /// Decodes an answer: a plain list, DRF's envelope, or one of the common others (`data`/`items`, counts and links
    /// at the top or under `meta`, `links`, `pagination`). Rows stay undecoded slices of `body`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the body is not JSON, or has no list of rows in a place where APIs put one.
    #[doc(hidden)]
    pub fn parse(body: &Bytes, headers: &HeaderMap) -> Result<Self> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::parse_list(body, headers),
            Some(b'{') => Self::parse_envelope(body, headers),
            _ => Err(Error::new(ErrorKind::Decode, "a list of rows was expected")),
        }
    }

    fn parse_list(body: &Bytes, headers: &HeaderMap) -> Result<Self> {
        Ok(Self {
            rows: slices(body, decode(body)?),
            count: counted_in(headers),
            next: link_header(headers, "next"),
            previous: link_header(headers, "prev").or_else(|| link_header(headers, "previous")),
            enveloped: false,
            names_next: headers.contains_key(http::header::LINK),
        })
    }

    fn parse_envelope(body: &Bytes, headers: &HeaderMap) -> Result<Self> {
        let Envelope {
            fields: top,
            mut lists,
        } = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Decode, "the answer is not an envelope of rows")
                .with_source(error)
        })?;
        let nested = below(&[&top]);
        let deeper = below(&nested.iter().collect::<Vec<_>>());
        let deepest = below(&deeper.iter().collect::<Vec<_>>());
        let levels: Vec<&Fields<'_>> = std::iter::once(&top)
            .chain(&nested)
            .chain(&deeper)
            .chain(&deepest)
            .collect();
        let rows = ROWS
            .iter()
            .find_map(|name| lists.remove(*name))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Decode,
                    "the answer is an object without a list of rows (`results`, `data`, `items` or `objects`); is the \
                     endpoint a collection?",
                )
            })?;
        let next = link_header(headers, "next");
        Ok(Self {
            rows: slices(body, rows),
            count: find(&levels, &COUNTS)
                .find_map(count)
                .or_else(|| counted_in(headers)),
            names_next: next.is_some() || find(&levels, &NEXT).next().is_some(),
            next: find(&levels, &NEXT).find_map(link).or(next),
            previous: find(&levels, &PREVIOUS).find_map(link),
            enveloped: true,
        })
    }

    /// The rows: slices of the body, not copies.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
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

    /// Whether the rows are inside an object, not in a plain list.
    #[must_use]
    pub fn is_enveloped(&self) -> bool {
        self.enveloped
    }

    /// What the answer to a request with these parameters shows of the paginator; `None` where it shows nothing (one page
    /// in an envelope, no link).
    ///
    /// What counts is the parameter in which a link differs from the request: servers echo all the others, known or not.
    #[must_use]
    pub fn recognise(&self, sent: &[(String, String)]) -> Option<Style> {
        if !self.enveloped {
            return Some(if self.names_next {
                Style::Link
            } else {
                Style::None
            });
        }
        let differs = |link: &str, name: &str| {
            let linked = query_pairs(link);
            value_of(&linked, name) != value_of(sent, name)
        };
        let by_name = |link: &str| {
            [Style::Cursor, Style::PageNumber, Style::LimitOffset]
                .into_iter()
                .find(|style| {
                    style
                        .position_parameter()
                        .is_some_and(|name| differs(link, name))
                })
        };
        let next = self.next.as_deref();
        let links = [next, self.previous.as_deref()];
        if let Some(style) = links.into_iter().flatten().find_map(by_name) {
            return Some(style);
        }
        // The link of a first page in limit/offset pagination may name the limit only; any other difference is the
        // server's own way, and its links have to be followed as they are.
        let own = next.is_some_and(|link| {
            bare_token(link).is_some()
                || query_pairs(link)
                    .iter()
                    .any(|(name, value)| value_of(sent, name) != Some(value))
        });
        own.then_some(Style::Link)
    }
}

/// The value of a parameter; the last one counts, as with Django.
fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a String> {
    pairs
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// The objects one level below in which APIs put counts and links.
fn below<'a>(objects: &[&Fields<'a>]) -> Vec<Fields<'a>> {
    objects
        .iter()
        .flat_map(|object| NESTED.iter().filter_map(|name| object.get(*name)))
        .filter_map(|value| serde_json::from_str(value.get()).ok())
        .collect()
}

fn find<'a>(levels: &[&Fields<'a>], names: &[&str]) -> impl Iterator<Item = &'a RawValue> {
    levels
        .iter()
        .flat_map(|object| names.iter().filter_map(|name| object.get(*name).copied()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// A number of rows; some servers write it as text. Anything else is not a count.
fn count(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').parse().ok()
}

fn counted_in(headers: &HeaderMap) -> Option<u64> {
    COUNT_HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok())
}

/// A link: a text, an object with `href`, or the bare number of a page.
fn link(value: &RawValue) -> Option<String> {
    match serde_json::from_str(value.get()).ok()? {
        Value::String(link) if !link.is_empty() => Some(link),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(mut link) => match link.remove("href") {
            Some(Value::String(link)) if !link.is_empty() => Some(link),
            _ => None,
        },
        _ => None,
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<&RawValue>> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::new(ErrorKind::Decode, "the answer is not valid JSON").with_source(error)
    })
}

fn slices(body: &Bytes, rows: Vec<&RawValue>) -> Vec<Row> {
    rows.into_iter()
        .map(|row| Row::new(body.slice_ref(row.get().as_bytes())))
        .collect()
}

#[cfg(test)]
mod tests;
