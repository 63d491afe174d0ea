//! Page after page of a collection, whatever paginator the server has. Knows nothing of filters.

use std::collections::HashSet;

use bytes::Bytes;
use django_api_orm_core::{
    Error, ErrorKind, OnDrift, Pagination, Result,
    knowledge::Knowledge,
    page::{Page, Style, query_pairs},
};

use super::collection::Collection;
use crate::warning::{Warning, WarningKind};

/// The pages of a collection, one after the other.
#[derive(Debug)]
pub(crate) struct Pages {
    collection: Collection,
    base: Vec<(String, String)>,
    /// The row that the first page should start with.
    start: u64,
    /// Rows needed from `start` on; pages are asked for no larger than that.
    wanted: Option<u64>,
    declared: Option<Pagination>,
    style: Option<Style>,
    step: Step,
    visited: HashSet<Vec<(String, String)>>,
    previous_rows: Vec<Bytes>,
    received: u64,
    count: Option<u64>,
    /// The page asked for was found by counting pages of `page_size` rows, which has to be verified.
    jumped: bool,
    page_size: u64,
}

#[derive(Debug)]
enum Step {
    First,
    Ask {
        query: Vec<(String, String)>,
        position: u64,
    },
    Done,
}

/// Rows and where they stand in the collection.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The index of the first row among the rows that the server has for the query.
    pub(crate) position: u64,
    pub(crate) rows: Vec<Bytes>,
    /// No page follows.
    pub(crate) last: bool,
}

impl Pages {
    pub(crate) fn new(
        collection: Collection,
        base: Vec<(String, String)>,
        start: u64,
        wanted: Option<u64>,
    ) -> Self {
        let declared = collection.model().pagination().cloned();
        Self {
            collection,
            base,
            start,
            wanted,
            style: declared.as_ref().map(Pagination::style),
            declared,
            step: Step::First,
            visited: HashSet::new(),
            previous_rows: Vec::new(),
            received: 0,
            count: None,
            jumped: false,
            page_size: 0,
        }
    }

    /// More rows are needed than was thought, because some do not belong.
    pub(crate) fn widen(&mut self) {
        self.wanted = None;
    }

    /// The next page, or `None` after the last one. The first page may start before the row asked for, where the
    /// paginator cannot jump; never after it.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            let (query, position) = match std::mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Ok(None),
                Step::First => self.first_query()?,
                Step::Ask { query, position } => (query, position),
            };
            let asked_for_start = self.visited.is_empty();
            self.visited.insert(query.clone());
            let page = match self.collection.page(&query).await {
                Ok(page) => page,
                // A page past the end is a 404 with DRF: rows were deleted meanwhile, or the start lies past the end.
                Err(error)
                    if error.kind() == ErrorKind::NotFound && position > 0 && !asked_for_start =>
                {
                    return Ok(Some(Batch {
                        position,
                        rows: Vec::new(),
                        last: true,
                    }));
                }
                Err(error) if error.kind() == ErrorKind::NotFound && position > 0 => {
                    // Nothing has shown yet that the collection is there at all.
                    self.collection.page(&self.base).await.map_err(|_| error)?;
                    return Ok(Some(Batch {
                        position,
                        rows: Vec::new(),
                        last: true,
                    }));
                }
                Err(error) => return Err(error),
            };
            if let Some(batch) = self.take(page, &query, position, asked_for_start).await? {
                return Ok(Some(batch));
            }
        }
    }

    /// The first query, and where its page starts if the server does as asked.
    fn first_query(&mut self) -> Result<(Vec<(String, String)>, u64)> {
        let known = self.collection.knowledge()?;
        self.style = self.style.or(known.style);
        let mut query = self.base.clone();
        let position = match self.style {
            Some(Style::LimitOffset) | None => {
                if let Some(limit) = self.page_limit(self.style.is_some()) {
                    query.push(("limit".to_owned(), limit.to_string()));
                }
                if self.start > 0 {
                    query.push(("offset".to_owned(), self.start.to_string()));
                }
                self.start
            }
            Some(Style::PageNumber) => self.page_containing_start(&known, &mut query),
            Some(Style::Cursor | Style::Link | Style::None) => {
                self.ask_size(&mut query);
                0
            }
            Some(_) => 0,
        };
        Ok((query, position))
    }

    /// The `limit` to ask for: no more rows than needed, and what the caller prefers in a page.
    fn page_limit(&self, style_known: bool) -> Option<u64> {
        let preferred = self
            .preferred_size()
            .filter(|_| style_known || self.declared.is_none());
        match (self.wanted, preferred) {
            (Some(wanted), Some(size)) => Some(wanted.min(size).max(1)),
            (Some(wanted), None) => Some(wanted.max(1)),
            (None, size) => size,
        }
    }

    fn preferred_size(&self) -> Option<u64> {
        self.declared
            .as_ref()
            .and_then(Pagination::page_size)
            .or(self.collection.policy.page_size)
    }

    fn ask_size(&self, query: &mut Vec<(String, String)>) -> Option<u64> {
        let name = self.declared.as_ref()?.size_parameter()?;
        let size = match (self.preferred_size(), self.wanted) {
            (Some(size), Some(wanted)) if self.start == 0 => size.min(wanted),
            (Some(size), _) => size,
            (None, Some(wanted)) if self.start == 0 => wanted,
            (None, _) => return None,
        };
        query.push((name.to_owned(), size.max(1).to_string()));
        Some(size.max(1))
    }

    fn page_containing_start(
        &mut self,
        known: &Knowledge,
        query: &mut Vec<(String, String)>,
    ) -> u64 {
        let asked = self.ask_size(query);
        if self.start == 0 {
            return 0;
        }
        let size = match asked {
            // A page that was asked for may be capped; jump only by a size that was seen.
            Some(asked) => known.size_cap.map_or(asked, |cap| cap.min(asked)),
            None => match known.page_size {
                Some(size) => size,
                None => return 0,
            },
        };
        let number = self.start / size + 1;
        self.page_size = size;
        self.jumped = number > 1;
        if number > 1 {
            query.push(("page".to_owned(), number.to_string()));
        }
        (number - 1) * size
    }

    /// Takes in a page; `None` means that it was only a step on the way to the right one.
    async fn take(
        &mut self,
        page: Page,
        query: &[(String, String)],
        expected: u64,
        first: bool,
    ) -> Result<Option<Batch>> {
        let seen = page.recognise(query);
        if self.style.is_none() {
            self.style = seen;
        }
        self.learn(&page, query)?;
        self.count = page.count().or(self.count);
        let mut position = expected;
        if self.jumped && expected > 0 {
            self.jumped = false;
            if !self.landed(&page, expected) {
                // The pages are not of the size that was thought: read them from the first one.
                self.step = Step::Ask {
                    query: without(query, "page"),
                    position: 0,
                };
                return Ok(None);
            }
        } else if first && expected > 0 && !self.started_there(&page, query, expected).await? {
            if self.jump_by_page(&page, query) {
                return Ok(None);
            }
            position = 0;
        }
        if !page.rows().is_empty() && page.rows() == self.previous_rows {
            return self
                .stop_at_repetition("the same page came twice")
                .map(|()| None);
        }
        let rows = page.rows().to_vec();
        let len = rows.len() as u64;
        self.received += len;
        self.step = self.following(&page, query, position + len)?;
        self.previous_rows.clone_from(&rows);
        if matches!(self.step, Step::Done) {
            self.compare_with_count(position + len)?;
        }
        Ok(Some(Batch {
            position,
            rows,
            last: matches!(self.step, Step::Done),
        }))
    }

    fn learn(&self, page: &Page, query: &[(String, String)]) -> Result<()> {
        let size_parameter = self.declared.as_ref().and_then(Pagination::size_parameter);
        let asked: Option<u64> = size_parameter
            .or(Some("limit"))
            .and_then(|name| find(query, name))
            .and_then(|text| text.parse().ok());
        let len = page.rows().len() as u64;
        let full = page.next().is_some() && len > 0;
        self.collection.learn(|known| {
            known.style = known.style.or(self.style);
            match asked {
                Some(asked) if full && len < asked => known.size_cap = Some(len),
                None if full => known.page_size = Some(len),
                _ => {}
            }
        })
    }

    /// Whether the first page really starts where it was asked to.
    async fn started_there(
        &self,
        page: &Page,
        query: &[(String, String)],
        expected: u64,
    ) -> Result<bool> {
        match self.style {
            Some(Style::LimitOffset) | None => {}
            Some(_) => return Ok(false),
        }
        // With DRF, a page that starts after the first row always names a previous one.
        if page.has_previous() {
            return Ok(true);
        }
        // The answer has no links: only another page can tell.
        let mut start = without(query, "offset");
        if find(&start, "limit").is_none() {
            start.push(("limit".to_owned(), "1".to_owned()));
        }
        let beginning = self.collection.page(&start).await?;
        let ignored = page.rows().first().is_some()
            && page.rows().first() == beginning.rows().first()
            || page.rows().is_empty() && expected < beginning.count().unwrap_or(0);
        Ok(!ignored)
    }

    /// Goes on with the numbered page that holds the start, now that the size of a page is known.
    fn jump_by_page(&mut self, page: &Page, query: &[(String, String)]) -> bool {
        let size = page.rows().len() as u64;
        if self.style != Some(Style::PageNumber)
            || page.next().is_none()
            || size == 0
            || self.start < size
        {
            return false;
        }
        let number = self.start / size + 1;
        let mut query = without(&without(query, "offset"), "page");
        query.push(("page".to_owned(), number.to_string()));
        self.jumped = true;
        self.page_size = size;
        self.step = Step::Ask {
            query,
            position: (number - 1) * size,
        };
        true
    }

    /// Whether a numbered page starts where it should: it is full, or ends with the last row counted.
    fn landed(&self, page: &Page, position: u64) -> bool {
        let len = page.rows().len() as u64;
        match page.next() {
            Some(_) => len == self.page_size,
            None => page
                .count()
                .is_some_and(|count| position + len == count || len == 0 && count <= position),
        }
    }

    /// What to ask next, after `position` rows of the server are known.
    fn following(
        &mut self,
        page: &Page,
        query: &[(String, String)],
        position: u64,
    ) -> Result<Step> {
        let Some(link) = page.next() else {
            return Ok(self.following_without_link(page, query, position));
        };
        let mut next: Vec<(String, String)> = self.base.clone();
        let names: HashSet<&str> = self.base.iter().map(|(name, _)| name.as_str()).collect();
        let linked: Vec<(String, String)> = query_pairs(link)
            .into_iter()
            .filter(|(name, _)| !names.contains(name.as_str()))
            .collect();
        next.extend(linked);
        if self.style == Some(Style::LimitOffset) && !page.rows().is_empty() {
            // By rows received: the link of a server that caps silently may count by rows asked for.
            set(&mut next, "offset", &position.to_string());
            if let Some(wanted) = self.wanted {
                let rest = (self.start + wanted).saturating_sub(position).max(1);
                match find(&next, "limit").and_then(|text| text.parse::<u64>().ok()) {
                    Some(limit) if limit <= rest => {}
                    _ => set(
                        &mut next,
                        "limit",
                        &self
                            .preferred_size()
                            .map_or(rest, |size| size.min(rest))
                            .to_string(),
                    ),
                }
            }
        }
        if self.visited.contains(&next) {
            return self
                .stop_at_repetition(
                    "the server's link to the next page leads back to a page already read",
                )
                .map(|()| Step::Done);
        }
        Ok(Step::Ask {
            query: next,
            position,
        })
    }

    /// Servers without links: goes on while the count, or a full page, says that there is more.
    fn following_without_link(
        &self,
        page: &Page,
        query: &[(String, String)],
        position: u64,
    ) -> Step {
        if page.names_next() || page.rows().is_empty() || !page.is_enveloped() {
            return Step::Done;
        }
        let more = match self.count {
            Some(count) => position < count,
            None => return Step::Done,
        };
        let mut next = query.to_vec();
        match self.style {
            _ if !more => return Step::Done,
            Some(Style::LimitOffset) => set(&mut next, "offset", &position.to_string()),
            Some(Style::PageNumber) => {
                let number: u64 = find(query, "page")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(1);
                set(&mut next, "page", &(number + 1).to_string());
            }
            _ => return Step::Done,
        }
        Step::Ask {
            query: next,
            position,
        }
    }

    /// At the end of a walk: as many rows as the server counted?
    fn compare_with_count(&self, end: u64) -> Result<()> {
        match self.count {
            Some(count) if count != end && self.received > 0 => report_drift(
                &self.collection,
                format!(
                    "the server counts {count} rows, but the walk over its pages ended after {end}"
                ),
            ),
            _ => Ok(()),
        }
    }

    /// A repetition is harmless when every row that the server counts is here; else the answer would be short.
    fn stop_at_repetition(&mut self, what: &str) -> Result<()> {
        self.step = Step::Done;
        match self.count {
            Some(count) if self.received >= count => Ok(()),
            _ => Err(Error::drift(format!(
                "{what} ({} rows so far{})",
                self.received,
                self.count
                    .map(|count| format!(" of {count}"))
                    .unwrap_or_default()
            ))),
        }
    }
}

/// Tells the caller, as the policy says, that the data moved during a walk.
pub(crate) fn report_drift(collection: &Collection, what: String) -> Result<()> {
    match collection.policy.on_drift {
        OnDrift::Ignore => Ok(()),
        OnDrift::Error => Err(Error::drift(what)),
        _ => collection.warn(Warning::new(WarningKind::Drift, what)),
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

fn without(pairs: &[(String, String)], name: &str) -> Vec<(String, String)> {
    pairs
        .iter()
        .filter(|(known, _)| known != name)
        .cloned()
        .collect()
}

fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => value.clone_into(known),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
}
