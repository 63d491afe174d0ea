//! What stands around the rows of an answer: counts, links, and whether a page follows.

use std::collections::HashMap;

use http::HeaderMap;
use serde_json::{Value, value::RawValue};

use super::{
    Fields,
    envelope::List,
    links::bare_token,
    names::{
        BESIDE, COUNTS, CURSORS, HEADED, LAST, MORE, NESTED, NEXT, NUMBER, OF_PAGE, OLDEST, PAGES,
        PREVIOUS,
    },
};
use crate::{
    decoded::RowType,
    denial::says_failure,
    error::{Error, Result},
};

/// The fields of an envelope, and of what is nested in it or stands in a header.
pub(super) struct Around<'a> {
    top: Fields<'a>,
    others: Vec<Fields<'a>>,
    /// Whether it is an envelope of Django REST Framework: what stands beside its fields is none of them.
    is_plain: bool,
}

impl<'a> Around<'a> {
    pub(super) fn new(top: Fields<'a>, headers: &'a HeaderMap) -> Self {
        let is_plain = ["count", "next", "previous"]
            .iter()
            .all(|name| top.contains_key(*name));
        let nested = below([&top]);
        let deeper = below(&nested);
        let deepest = below(&deeper);
        let of_page = if is_plain { Vec::new() } else { of_page(&top) };
        let others = nested.into_iter().chain(deeper).chain(deepest);
        let others = others.chain(of_page).chain([beside(headers)]);
        Self {
            others: others.collect(),
            top,
            is_plain,
        }
    }

    /// Around a plain list there are headers only.
    pub(super) fn of_list(headers: &'a HeaderMap) -> Self {
        Self {
            top: beside(headers),
            others: Vec::new(),
            is_plain: false,
        }
    }

    /// The values under these names, in their order.
    fn find(&self, names: &[&str]) -> impl Iterator<Item = &'a RawValue> + use<'a> {
        let levels = std::iter::once(&self.top).chain(&self.others);
        let found: Vec<_> = levels.flat_map(|object| find(object, names)).collect();
        found.into_iter()
    }

    /// The same of links to the next page.
    fn find_next(&self) -> impl Iterator<Item = &'a RawValue> + use<'a> {
        let [next, ..] = NEXT;
        let found: Vec<_> = match self.is_plain {
            true => find(&self.top, &[next]).collect(),
            false => self.find(&NEXT).collect(),
        };
        found.into_iter()
    }

    /// The rows under another name (`{"tasks": [..], "total": 9}`): the only list of objects, where something around it is that of a page, or
    /// one of `lists`, under names that servers have for rows. An object with a key is a row.
    pub(super) fn only_list(
        &self,
        lists: HashMap<String, List<'a>>,
        row_type: Option<RowType>,
    ) -> Option<List<'a>> {
        let is_beside = |name: &String| BESIDE.contains(&name.as_str());
        let is_object = |(name, value): (&String, &&RawValue)| {
            let is_around = NESTED.contains(&name.as_str()) || OF_PAGE.contains(&name.as_str());
            value.get().starts_with('{') && !is_around && !is_beside(name)
        };
        if ["id", "pk"].iter().any(|key| self.top.contains_key(*key))
            || self.top.iter().any(is_object)
        {
            return None;
        }
        let mut others = (self.top.iter())
            .filter(|(name, value)| value.get().starts_with('[') && !is_beside(name));
        let other = others.next();
        let several =
            others.next().is_some() || lists.len() > 1 || other.is_some() && !lists.is_empty();
        if several {
            return None;
        }
        if let Some((_, list)) = lists.into_iter().next() {
            return Some(list);
        }
        if !self.is_of_page() {
            return None;
        }
        let rows = List::parse(other?.1.get().as_bytes(), row_type).ok()?;
        let is_theirs = rows.are_objects() && (rows.len() > 0 || self.counts_none());
        is_theirs.then_some(rows)
    }

    /// Whether something that can be read counts or leads on, as around a page.
    fn is_of_page(&self) -> bool {
        let is_read = |value: &RawValue| is_empty(value) || link(value).is_some();
        self.find(&COUNTS)
            .chain(self.find(&PAGES))
            .any(|value| count(value).is_some())
            || self.find(&NEXT).any(is_read)
            || self.marked_more().is_some()
    }

    fn counts_none(&self) -> bool {
        self.find(&COUNTS).any(|value| value.get() == "0")
    }

    /// Whether the answer says of a failure.
    pub(super) fn says_failure(&self) -> bool {
        let said = self
            .top
            .iter()
            .map(|(name, value)| (name.as_str(), value.get()));
        says_failure(said, self.counts_none())
    }

    /// How many rows the collection has, of all that the answer counts. One that says how many came is left out beside another.
    pub(super) fn count(&self, rows: u64) -> Result<Option<u64>> {
        let names = match self.is_plain {
            true => &COUNTS[..OLDEST],
            false => &COUNTS[..],
        };
        let mut counts: Vec<u64> = self.find(names).filter_map(count).collect();
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

    /// Whether a count is that of all rows by its name: `count` may be that of the page.
    pub(super) fn names_total(&self) -> bool {
        let [_, totals @ ..] = COUNTS;
        self.find(&totals).next().is_some()
    }

    /// The link to the next page, its number, or a token.
    pub(super) fn next(&self) -> Option<String> {
        let more = self.more();
        let next = self.named_next();
        // A token may be there on the last page, too.
        let next = next.filter(|next| more != Some(false) || bare_token(next).is_none());
        let cursor = || self.find(&CURSORS).find_map(link);
        match more {
            Some(true) => next.or_else(cursor),
            _ => next,
        }
    }

    fn named_next(&self) -> Option<String> {
        // Beside a token some servers give its link.
        let linked = self
            .find_next()
            .filter_map(link)
            .find(|link| bare_token(link).is_none());
        let next = linked.or_else(|| self.find_next().find_map(link));
        next.or_else(|| self.offset())
    }

    /// An offset that is no number is a token; a number is where this page begins.
    fn offset(&self) -> Option<String> {
        let token = link(self.top.get("offset")?)?;
        let is_token = self.find_next().next().is_none() && token.parse::<f64>().is_err();
        is_token.then_some(token)
    }

    /// Whether there is a place for the link to the next page, empty or not.
    pub(super) fn names_next(&self) -> bool {
        self.offset().is_some() || self.find(&NEXT).next().is_some()
    }

    /// Whether a page follows, as the answer says. What leads on, and is not understood, is no end.
    pub(super) fn more(&self) -> Option<bool> {
        let is_unread =
            || self.named_next().is_none() && self.find_next().any(|value| !is_empty(value));
        self.marked_more().or_else(|| is_unread().then_some(true))
    }

    fn marked_more(&self) -> Option<bool> {
        let marked = |names: &[&str]| self.find(names).find_map(|value| value.get().parse().ok());
        let is_last = || marked(&LAST).filter(|_| !self.is_plain);
        marked(&MORE).or_else(|| is_last().map(|is_last: bool| !is_last))
    }

    /// How many pages there are.
    pub(super) fn pages(&self) -> Option<u64> {
        self.find(&PAGES).find_map(count)
    }

    /// Whether a page follows this one by its number.
    pub(super) fn is_followed(&self) -> Option<bool> {
        let (number, pages) = (self.find(&NUMBER).find_map(count)?, self.pages()?);
        // Pages may be counted from zero.
        Some(match number {
            0 => pages > 1,
            number => number < pages,
        })
    }

    pub(super) fn previous(&self) -> Option<String> {
        self.find(&PREVIOUS).find_map(link)
    }
}

fn find<'a>(object: &Fields<'a>, names: &[&str]) -> impl Iterator<Item = &'a RawValue> + use<'a> {
    let place = |(name, value): (&String, &&'a RawValue)| {
        Some((names.iter().position(|known| known == name)?, *value))
    };
    let mut found: Vec<_> = object.iter().filter_map(place).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, value)| value)
}

/// The objects one level below in which APIs put counts and links.
fn below<'a: 'o, 'o>(objects: impl IntoIterator<Item = &'o Fields<'a>>) -> Vec<Fields<'a>> {
    objects
        .into_iter()
        .flat_map(|object| NESTED.iter().filter_map(|name| object.get(*name)))
        .filter_map(|value| serde_json::from_str(value.get()).ok())
        .collect()
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

/// What a header holds of what stands around the rows elsewhere.
fn beside(headers: &HeaderMap) -> Fields<'_> {
    let texts = HEADED
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok());
    let mut objects = texts.filter_map(|text| serde_json::from_str(text).ok());
    objects.next().unwrap_or_default()
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

/// A number of rows; some servers write it as text. Anything else is not a count.
fn count(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').parse().ok()
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
