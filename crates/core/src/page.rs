//! One answer of a collection: its rows as slices of the body, its count and its links, in whatever envelope they come.

use std::collections::HashMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, value::RawValue};

use crate::{
    decoded::RowType,
    denial::says_failure,
    error::{Error, ErrorKind, Result},
    row::Row,
};

mod beside;
mod envelope;
mod links;
mod names;
mod pagination;

pub use links::{bare_token, query_pairs};
pub use pagination::{Pagination, Style};

use envelope::{Envelope, List};
use links::link_header;
use names::{
    BESIDE, COUNT_HEADERS, COUNTS, CURSORS, HEADED, LAST, LISTS, MORE, NESTED, NEXT, NEXT_HEADERS,
    NUMBER, OF_PAGE, OLDEST, PAGES, PREVIOUS, ROWS,
};

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
    /// Decodes an answer: a plain list, DRF's envelope, or one of the common others (`data`/`items`, counts and links
    /// at the top or under `meta`, `links`, `pagination`). Rows stay undecoded slices of `body`.
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
        let beside = beside(headers);
        let levels = [&beside];
        Ok(Self {
            count: counted(&levels, &COUNTS, rows.len() as u64)?.or_else(|| counted_in(headers)),
            rows: rows.slices(body),
            previous: link_header(headers, "prev").or_else(|| link_header(headers, "previous")),
            enveloped: false,
            drf: is_from_drf(headers),
            names_next: next.is_some() || headers.contains_key(http::header::LINK),
            more: more(&levels),
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
            fields: top,
            mut lists,
            is_odd,
        } = Envelope::parse(body, row_type).map_err(|error| {
            Error::new(ErrorKind::Decode, "the answer is not an envelope of rows")
                .with_source(error)
        })?;
        let nested = below(&[&top]);
        // What stands beside the fields of Django REST Framework is none of them.
        let is_plain = ["count", "next", "previous"]
            .iter()
            .all(|name| top.contains_key(*name));
        let of_page = if is_plain { Vec::new() } else { of_page(&top) };
        let deeper = below(&nested.iter().collect::<Vec<_>>());
        let deepest = below(&deeper.iter().collect::<Vec<_>>());
        let beside = beside(headers);
        let levels: Vec<&Fields<'_>> = std::iter::once(&top)
            .chain(&nested)
            .chain(&deeper)
            .chain(&deepest)
            .chain(&of_page)
            .chain([&beside])
            .collect();
        let rows = ROWS.iter().find_map(|name| lists.remove(*name));
        let rows = rows.or_else(|| only_list(&top, lists, is_odd, &levels, row_type));
        let rows = rows.ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                "the answer is an object without a list of rows: there is none under `results`, `data`, `items`, `objects`, `rows` or `records`, \
                 nor is there one list alone beside a count or a link; is the endpoint a collection?",
            )
        })?;
        let is_counted = find(&levels, &COUNTS).any(|value| value.get() == "0");
        if rows.len() == 0 && says_failure(said(&top), is_counted) {
            return Err(Error::new(
                ErrorKind::Decode,
                "the answer has no rows and says that it failed, whatever its status",
            ));
        }
        let headed = headed(headers);
        // Beside a token some servers give its link.
        let top_alone = [&top];
        let (places, names) = match is_plain {
            true => (&top_alone[..], &NEXT[..1]),
            false => (&levels[..], &NEXT[..]),
        };
        let links = || find(places, names).filter_map(link);
        let linked = links().find(|link| bare_token(link).is_none());
        // An offset that is no number is such a token; a number is where this page begins.
        let token = || top.get("offset").and_then(|offset| link(offset));
        let names_link = || find(places, names).next().is_some();
        let token = || token().filter(|token| !names_link() && token.parse::<f64>().is_err());
        let next = linked.or_else(|| links().next()).or_else(token);
        let count = match is_plain {
            true => counted(&levels, &COUNTS[..OLDEST], rows.len() as u64)?,
            false => counted(&levels, &COUNTS, rows.len() as u64)?,
        };
        // `count` may be that of the page; the other names say what they mean.
        let [_, totals @ ..] = COUNTS;
        let is_total = count.is_none() || find(&levels, &totals).next().is_some();
        let names_next =
            headed.is_some() || next.is_some() || find(&levels, &NEXT).next().is_some();
        // What leads on, and is not understood, is no end.
        let is_unread = next.is_none() && find(places, names).any(|value| !is_empty(value));
        let more = match is_plain {
            true => marked(&levels, &MORE),
            false => more(&levels),
        };
        let more = more.or(is_unread.then_some(true));
        // A token may be there on the last page, too.
        let next = next.filter(|next| more != Some(false) || bare_token(next).is_none());
        // The cursor of the last row is there on the last page, too.
        let cursor = || find(&levels, &CURSORS).find_map(link);
        let next = match more {
            Some(true) => next.or_else(cursor),
            _ => next,
        };
        let number = |names: &[&str]| find(&levels, names).find_map(self::count);
        let pages = number(&PAGES);
        // Pages may be counted from zero.
        let by_number = || match (number(&NUMBER)?, pages?) {
            (0, pages) => Some(pages > 1),
            (number, pages) => Some(number < pages),
        };
        Ok(Self {
            rows: rows.slices(body),
            count: count.or_else(|| counted_in(headers)),
            names_next,
            next: next.or(headed.filter(|next| !next.is_empty())),
            previous: find(&levels, &PREVIOUS).find_map(link),
            enveloped: true,
            drf: is_from_drf(headers),
            more,
            pages,
            follows: by_number().filter(|_| !names_next && count.is_none()),
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

/// The objects one level below in which APIs put counts and links.
fn below<'a>(objects: &[&Fields<'a>]) -> Vec<Fields<'a>> {
    objects
        .iter()
        .flat_map(|object| NESTED.iter().filter_map(|name| object.get(*name)))
        .filter_map(|value| serde_json::from_str(value.get()).ok())
        .collect()
}

/// The rows under another name (`{"tasks": [..], "total": 9}`): the only list of objects, where something around it is that of a page, or under
/// a name that servers have for rows. `is_odd`: there is no list under a name where there should be one. An object with a key is a row.
fn only_list<'a>(
    top: &Fields<'a>,
    lists: HashMap<String, List<'a>>,
    is_odd: bool,
    levels: &[&Fields<'a>],
    row_type: Option<RowType>,
) -> Option<List<'a>> {
    let beside = |name: &String| BESIDE.contains(&name.as_str());
    let around = |name: &String| {
        let name = name.as_str();
        NESTED.contains(&name) || OF_PAGE.contains(&name)
    };
    let is_object = |(name, value): (&String, &&RawValue)| {
        value.get().starts_with('{') && !around(name) && !beside(name)
    };
    if is_odd || ["id", "pk"].iter().any(|key| top.contains_key(*key)) || top.iter().any(is_object)
    {
        return None;
    }
    let mut others =
        (top.iter()).filter(|(name, value)| value.get().starts_with('[') && !beside(name));
    let other = others.next();
    if others.next().is_some() || lists.len() > 1 || other.is_some() && !lists.is_empty() {
        return None;
    }
    if let Some((_, list)) = lists.into_iter().next() {
        return Some(list);
    }
    let is_read = |value: &RawValue| is_empty(value) || link(value).is_some();
    let is_marked = find(levels, &COUNTS)
        .chain(find(levels, &PAGES))
        .any(|value| count(value).is_some())
        || find(levels, &NEXT).any(is_read)
        || more(levels).is_some();
    if !is_marked {
        return None;
    }
    let rows = List::parse(other?.1.get().as_bytes(), row_type).ok()?;
    let counts_none = || find(levels, &COUNTS).any(|value| value.get() == "0");
    let is_theirs = rows.are_objects() && (rows.len() > 0 || counts_none());
    is_theirs.then_some(rows)
}

/// What the fields of an object say, by their names.
fn said<'a>(object: &'a Fields<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    object
        .iter()
        .map(|(name, value)| (name.as_str(), value.get()))
}

/// The objects that tell of this page, without what may be a number of pages.
fn of_page<'a>(top: &Fields<'a>) -> Vec<Fields<'a>> {
    let objects = OF_PAGE.iter().filter_map(|name| top.get(*name));
    let objects = objects.filter_map(|value| serde_json::from_str::<Fields<'a>>(value.get()).ok());
    let mut objects: Vec<_> = objects.collect();
    for object in &mut objects {
        object.retain(|name, _| !["count", "total"].contains(&name.as_str()));
    }
    objects
}

/// Whether a place for a link holds none.
fn is_empty(value: &RawValue) -> bool {
    let is_none = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    };
    match serde_json::from_str(value.get()) {
        Ok(Value::Object(link)) => link.values().all(is_none),
        Ok(value) => is_none(&value),
        Err(_) => false,
    }
}

/// The values under these names, in their order.
fn find<'a>(levels: &[&Fields<'a>], names: &[&str]) -> impl Iterator<Item = &'a RawValue> {
    let named = |object: &&Fields<'a>| {
        let place = |(name, value): (&String, &&'a RawValue)| {
            Some((names.iter().position(|known| known == name)?, *value))
        };
        let mut found: Vec<_> = object.iter().filter_map(place).collect();
        found.sort_by_key(|(place, _)| *place);
        found
    };
    let found: Vec<_> = levels.iter().flat_map(named).collect();
    found.into_iter().map(|(_, value)| value)
}

/// How many rows the collection has, of all that the answer counts. One that says how many came is left out beside another.
fn counted(levels: &[&Fields<'_>], names: &[&str], rows: u64) -> Result<Option<u64>> {
    let mut counts: Vec<u64> = find(levels, names).filter_map(count).collect();
    counts.sort_unstable();
    counts.dedup();
    if counts.len() > 1 {
        counts.retain(|count| *count != rows);
    }
    match counts.as_slice() {
        [] => Ok(None),
        [count] => Ok(Some(*count)),
        [one, other, ..] => Err(Error::unsupported(format!(
            "the answer counts its rows twice, {one} and {other}, and {rows} came: nothing says which is the number of all rows"
        ))),
    }
}

/// Whether a page follows, as the answer says.
fn more(levels: &[&Fields<'_>]) -> Option<bool> {
    marked(levels, &MORE).or_else(|| marked(levels, &LAST).map(|is_last| !is_last))
}

/// The first flag under these names.
fn marked(levels: &[&Fields<'_>], names: &[&str]) -> Option<bool> {
    find(levels, names).find_map(|value| value.get().parse().ok())
}

/// What a header holds of what stands around the rows elsewhere.
fn beside(headers: &HeaderMap) -> Fields<'_> {
    let texts = HEADED
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok());
    let mut objects = texts.filter_map(|text| serde_json::from_str(text).ok());
    objects.next().unwrap_or_default()
}

/// A number of rows; some servers write it as text. Anything else is not a count.
fn count(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').parse().ok()
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

/// A link: a text, an object with `href`, or the bare number of a page.
fn link(value: &RawValue) -> Option<String> {
    match serde_json::from_str(value.get()).ok()? {
        Value::String(link) if !link.is_empty() => Some(link),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(link) => {
            let texts = ["href", "link", "url", "after", "cursor"].into_iter();
            let mut texts = texts.filter_map(|name| link.get(name)?.as_str());
            texts.find(|link| !link.is_empty()).map(str::to_owned)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
