//! One answer of a collection: its rows as slices of the body, its count and its links, in whatever envelope they come.

use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::value::RawValue;

use crate::{
    decoded::RowType,
    error::{Error, ErrorKind, Result},
    row::Row,
};

mod around;
mod beside;
mod envelope;
mod links;
mod names;
mod pagination;

pub use links::{bare_token, query_pairs};
pub use pagination::{Pagination, Style};

use around::Around;
use envelope::{Envelope, List};
use links::link_header;
use names::{COUNT_HEADERS, NEXT_HEADERS, ROWS};

/// One decoded answer of a collection.
#[derive(Debug, Clone)]
pub struct Page {
    rows: Vec<Row>,
    count: Option<u64>,
    next: Option<String>,
    previous: Option<String>,
    enveloped: bool,
    drf: bool,
    names_next: bool,
    more: Option<bool>,
    pages: Option<u64>,
    follows: Option<bool>,
}

type Fields<'a> = HashMap<String, &'a RawValue>;

impl Page {
    /// Decodes an answer: a plain list, DRF's envelope, or one of the common others (`page/names.rs` has what they call the rows, counts and
    /// links, and what these lie in). Rows stay undecoded slices of `body`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the body is not JSON, or has no list of rows in a place where APIs put one.
    #[doc(hidden)]
    pub fn parse(body: &Bytes, headers: &HeaderMap) -> Result<Self> {
        Self::parse_as(body, headers, None)
    }

    /// The same, whose rows are decoded to values of a type in the same pass.
    ///
    /// # Errors
    /// As [`parse`](Self::parse). A row that does not fit the type is none here.
    #[doc(hidden)]
    pub fn parse_as(body: &Bytes, headers: &HeaderMap, row_type: Option<RowType>) -> Result<Self> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::parse_list(body, headers, row_type),
            Some(b'{') => Self::parse_envelope(body, headers, row_type),
            _ => Err(Error::new(ErrorKind::Decode, "a list of rows was expected")),
        }
    }

    fn parse_list(body: &Bytes, headers: &HeaderMap, row_type: Option<RowType>) -> Result<Self> {
        let rows = List::parse(body, row_type).map_err(|error| {
            Error::new(ErrorKind::Decode, "the answer is not valid JSON").with_source(error)
        })?;
        let next = headed(headers);
        let around = Around::of_list(headers);
        Ok(Self {
            count: around
                .count(rows.len() as u64)?
                .or_else(|| counted_in(headers)),
            rows: rows.slices(body),
            previous: link_header(headers, "prev").or_else(|| link_header(headers, "previous")),
            enveloped: false,
            drf: is_from_drf(headers),
            names_next: next.is_some() || headers.contains_key(http::header::LINK),
            more: around.more(),
            pages: None,
            follows: None,
            next: next.filter(|next| !next.is_empty()),
        }
        .without_own_count(false))
    }

    fn parse_envelope(
        body: &Bytes,
        headers: &HeaderMap,
        row_type: Option<RowType>,
    ) -> Result<Self> {
        let Envelope {
            fields,
            mut lists,
            is_odd,
        } = Envelope::parse(body, row_type).map_err(|error| {
            Error::new(ErrorKind::Decode, "the answer is not an envelope of rows")
                .with_source(error)
        })?;
        let around = Around::new(fields, headers);
        let rows = ROWS.iter().find_map(|name| lists.remove(*name));
        let rows = rows.or_else(|| {
            (!is_odd)
                .then(|| around.only_list(lists, row_type))
                .flatten()
        });
        let rows = rows.ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                "the answer is an object without a list of rows: there is none under `results`, `data`, `items`, `objects`, `rows` or `records`, \
                 nor is there one list alone beside a count or a link; is the endpoint a collection?",
            )
        })?;
        if rows.len() == 0 && around.says_failure() {
            return Err(Error::new(
                ErrorKind::Decode,
                "the answer has no rows and says that it failed, whatever its status",
            ));
        }
        let headed = headed(headers);
        let count = around.count(rows.len() as u64)?;
        let names_next = headed.is_some() || around.names_next();
        let is_total = count.is_none() || around.names_total();
        Ok(Self {
            rows: rows.slices(body),
            count: count.or_else(|| counted_in(headers)),
            names_next,
            next: around.next().or(headed.filter(|next| !next.is_empty())),
            previous: around.previous(),
            enveloped: true,
            drf: is_from_drf(headers),
            more: around.more(),
            pages: around.pages(),
            follows: around
                .is_followed()
                .filter(|_| !names_next && count.is_none()),
        }
        .without_own_count(!is_total))
    }

    /// As many rows as came are not all, where a page follows: such a count is that of the page. It may be that, too, where
    /// it stands under `count` and nothing else tells whether a page follows.
    fn without_own_count(mut self, may_be_own: bool) -> Self {
        let follows = self.next.is_some() || self.more == Some(true);
        let is_silent = !self.names_next && self.more.is_none();
        let came = self.rows.len() as u64;
        let is_own = follows && came > 0 || is_silent && may_be_own;
        let is_own = is_own && self.count == Some(came);
        self.count = self.count.filter(|_| !is_own);
        self
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

    /// What the answer says without naming the next page: whether there is one.
    #[must_use]
    pub fn more(&self) -> Option<bool> {
        self.more
    }

    /// Whether a page follows this one by its number and that of all pages, if it is the first one: a server may count the pages of one kind
    /// and be asked for those of another.
    #[must_use]
    pub fn is_followed(&self) -> Option<bool> {
        self.follows
    }

    /// Whether the answer says that there are several pages, of which this is one.
    #[must_use]
    pub fn is_of_several(&self) -> bool {
        self.pages.is_some_and(|pages| pages > 1)
    }

    /// Whether the rows are inside an object, not in a plain list.
    #[must_use]
    pub fn is_enveloped(&self) -> bool {
        self.enveloped
    }

    /// Whether a view of DRF has answered, which names its methods in every answer. DRF ignores parameters that it does not
    /// know, or refuses them.
    #[must_use]
    pub fn is_drf(&self) -> bool {
        self.drf
    }

    /// What the answer to a request with these parameters shows of the paginator; `None` where it shows nothing (one page
    /// in an envelope, no link).
    ///
    /// What counts is the parameter in which a link differs from the request: servers echo all the others, known or not.
    #[must_use]
    pub fn recognise(&self, sent: &[(String, String)]) -> Option<Style> {
        let next = self.next.as_deref();
        let number = next.and_then(|link| link.parse().ok());
        if let Some(number) = number.filter(|_| !self.enveloped) {
            return self.numbered(number, sent);
        }
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
        let links = [next, self.previous.as_deref()];
        if let Some(style) = links.into_iter().flatten().find_map(by_name) {
            return Some(style);
        }
        if let Some(number) = number {
            return self.numbered(number, sent);
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

impl Page {
    /// What a bare number in the place of the next link is, by where this page lies: the number of a page, or an offset. Where it
    /// may be either, nothing is known yet. Any other number is a token of the server's own.
    fn numbered(&self, number: u64, sent: &[(String, String)]) -> Option<Style> {
        let sent = |name: &str| value_of(sent, name)?.parse::<u64>().ok();
        let position = |style: Style| sent(style.position_parameter()?);
        // Pages are counted from zero or from one. A request that names its page differs from the number in that.
        let is_page = (1..=2).contains(&number);
        let offset = position(Style::LimitOffset).unwrap_or(0);
        let sizes = [Some(self.rows.len() as u64), sent("limit")];
        // A page may show fewer rows than it skips.
        let may_be_any = (self.rows.len() as u64) < number && sent("limit").is_none();
        let is_offset = is_page && may_be_any
            || (sizes.into_iter().flatten()).any(|size| number == offset.saturating_add(size));
        match (is_page, is_offset) {
            (true, true) => None,
            (true, false) => Some(Style::PageNumber),
            (false, true) => Some(Style::LimitOffset),
            (false, false) => Some(Style::Link),
        }
    }
}

/// Whether the answer to a GET says which methods there are: of the servers that are known to do so only DRF's views do. An
/// envelope with the names of DRF's is no sign of it, as others have taken it over.
#[must_use]
pub fn is_from_drf(headers: &HeaderMap) -> bool {
    let allowed = headers.get(http::header::ALLOW);
    let allowed = allowed.and_then(|allowed| allowed.to_str().ok());
    allowed.is_some_and(|allowed| {
        let methods: Vec<&str> = allowed.split(',').map(str::trim).collect();
        ["GET", "HEAD", "OPTIONS"]
            .iter()
            .all(|method| methods.contains(method))
    })
}

/// The value of a parameter; the last one counts, as with Django.
fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a String> {
    pairs
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// What a header says of the next page: its link or its number; empty where there is none.
fn headed(headers: &HeaderMap) -> Option<String> {
    let named = || {
        let mut named = NEXT_HEADERS.iter().filter_map(|name| headers.get(*name));
        named
            .next()?
            .to_str()
            .ok()
            .map(|link| link.trim().to_owned())
    };
    link_header(headers, "next").or_else(named)
}

fn counted_in(headers: &HeaderMap) -> Option<u64> {
    COUNT_HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok())
}

#[cfg(test)]
mod tests;
