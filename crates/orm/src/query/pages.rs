//! Page after page of a collection, whatever paginator the server has. Knows nothing of filters.
//!
//! What is believed of a server: the rows that it sends. Everything else (links, counts, that an offset was honoured) is
//! taken for a claim and checked against them: a walk advances by rows received, follows only the query of a link, stops at
//! a page that it has seen, and reads ahead only what it can verify on arrival.

mod ahead;
mod ask;
mod landing;
mod onward;
mod pairs;
mod seen;

use django_api_orm_core::{
    Error, ErrorKind, OnDrift, OnIgnored, Result,
    page::{Page, Style},
    row::Row,
};

use self::{
    ahead::Ahead,
    ask::{Ask, Paginator, Why},
    pairs::Pairs,
    seen::Seen,
};
use super::collection::Collection;
use crate::warning::{Warning, WarningKind};

/// The pages of a collection, one after the other.
#[derive(Debug)]
pub(crate) struct Pages {
    collection: Collection,
    base: Pairs,
    /// The row that the first page should start with.
    start: u64,
    /// Rows needed from `start` on, if that is known. Pages are asked for no larger than that and not ahead of it; they are
    /// still there for a caller who needs more after all.
    wanted: Option<u64>,
    paginator: Paginator,
    step: Step,
    ahead: Ahead,
    seen: Seen,
    /// How many rows there are, as the last page says.
    count: Option<u64>,
    count_changed: bool,
    /// The rows of a full page.
    size: u64,
    /// The size by which a jump to a numbered page has failed.
    jumped_by: Option<u64>,
    /// The page that came for a jump, until another one shows whether the server jumped.
    landed: Option<(Page, Ask)>,
    /// Pages may be asked for by counting on from the last one.
    counting_on: bool,
    /// Offsets in links count rows that the server does not show; only the links are right.
    hidden_rows: bool,
    /// Pages are known to be of different sizes.
    uneven: bool,
    /// Nobody knows how many rows are needed: one page at a time.
    one_by_one: bool,
    /// Pages were asked for no larger than needed, and are not any more.
    widened: bool,
}

#[derive(Debug)]
enum Step {
    First,
    Ask(Ask),
    Done,
}

/// Rows and where they stand in the collection.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The index of the first row among the rows that the server has for the query.
    pub(crate) position: u64,
    pub(crate) rows: Vec<Row>,
    /// No page follows.
    pub(crate) last: bool,
}

impl Batch {
    fn end(position: u64) -> Self {
        Self {
            position,
            rows: Vec::new(),
            last: true,
        }
    }
}

impl Pages {
    pub(crate) fn new(
        collection: Collection,
        base: Pairs,
        start: u64,
        wanted: Option<u64>,
    ) -> Self {
        let declared = collection.model().pagination().cloned();
        Self {
            base,
            start,
            wanted,
            paginator: Paginator::new(declared, collection.policy.page_size),
            step: Step::First,
            ahead: Ahead::default(),
            seen: Seen::new(collection.model().primary_key()),
            count: None,
            count_changed: false,
            size: 0,
            jumped_by: None,
            landed: None,
            counting_on: true,
            hidden_rows: false,
            uneven: false,
            one_by_one: collection.policy.read_ahead <= 1,
            widened: false,
            collection,
        }
    }

    /// Reads no page before it is asked for: the caller may have enough after any of them.
    pub(crate) fn one_by_one(mut self) -> Self {
        self.one_by_one = true;
        self
    }

    /// More rows are needed than was thought, because some do not belong; nobody knows how many.
    pub(crate) fn widen(&mut self) {
        if self.wanted.take().is_some() {
            self.widened = true;
            self.one_by_one = true;
        }
    }

    /// The next page, or `None` after the last one. The first page may start before the row asked for, where the
    /// paginator cannot jump; never after it.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>> {
        let batch = self.advance().await;
        if batch.is_err() {
            self.step = Step::Done;
            self.ahead.clear();
        }
        batch
    }

    async fn advance(&mut self) -> Result<Option<Batch>> {
        loop {
            let (ask, page) = match self.ahead.next().await {
                Some(arrived) => arrived,
                None => {
                    let ask = match std::mem::replace(&mut self.step, Step::Done) {
                        Step::Done => return Ok(None),
                        Step::First => self.first_ask()?,
                        Step::Ask(ask) => ask,
                    };
                    let page = self.collection.page(&ask.query).await;
                    (ask, page)
                }
            };
            self.seen.ask(&ask.query);
            let batch = match page {
                Ok(page) => self.take(page, ask)?,
                Err(error) if error.kind() == ErrorKind::NotFound => self.missing(error, &ask)?,
                Err(error) => return Err(error),
            };
            self.read_ahead()?;
            if batch.is_some() {
                return Ok(batch);
            }
        }
    }

    /// Takes in a page; `None` means that it was only a step on the way to the right one.
    fn take(&mut self, page: Page, ask: Ask) -> Result<Option<Batch>> {
        self.paginator.recognise(&page, &ask.query);
        let Some((page, ask)) = self.settle(page, ask)? else {
            return Ok(None);
        };
        self.notice_ignored_limit(&page, &ask)?;
        self.notice_count(&page)?;
        if ask.why == Why::Whole {
            return self.take_whole(page, &ask).map(Some);
        }
        if let Some(batch) = self.jump_by_page(&page, &ask) {
            return Ok(batch);
        }
        let rows = if ask.overlaps {
            self.seen.without_overlap(page.rows())
        } else {
            page.rows().to_vec()
        };
        let overlap = rows.len() < page.rows().len();
        // With an overlap, new rows show that the server did move.
        if (rows.is_empty() || !overlap) && self.seen.has(&page) {
            return self.repeated(&ask);
        }
        if let Why::Tried(style) = ask.why
            && !page.rows().is_empty()
        {
            self.paginator.style = Some(style);
            self.learn_style()?;
        }
        self.hidden_rows |= overlap;
        if self.seen.keep(page.rows()) {
            return Err(Error::drift(
                "the server goes on sending pages without rows",
            ));
        }
        let reached = ask.position + rows.len() as u64;
        self.paginator.learn_first_page(&page, &ask.query);
        self.step = self.following(&page, &ask, reached)?;
        self.learn(&page, &ask)?;
        let last = matches!(self.step, Step::Done);
        if last {
            self.compare_with_count(reached)?;
        }
        Ok(Some(Batch {
            position: ask.position,
            rows,
            last,
        }))
    }

    /// The index after the last row needed, if that is known.
    fn end(&self) -> Option<u64> {
        Some(self.start.saturating_add(self.wanted?))
    }

    fn learn_style(&self) -> Result<()> {
        if self.paginator.is_declared() {
            return Ok(());
        }
        self.collection
            .learn(|known| known.style = self.paginator.style.or(known.style))
    }

    /// Keeps for later queries what a page has shown of the endpoint.
    fn learn(&mut self, page: &Page, ask: &Ask) -> Result<()> {
        let len = page.rows().len() as u64;
        if let Step::Ask(_) = self.step {
            self.size = self.size.max(len);
        }
        let full =
            matches!(&self.step, Step::Ask(next) if matches!(next.why, Why::Linked | Why::Counted));
        let first_page = self.paginator.first_page();
        let uneven =
            self.hidden_rows || self.paginator.is(Style::PageNumber) && full && len < self.size;
        let asked = self.paginator.asked_size(&ask.query);
        let first = matches!(ask.why, Why::Start | Why::Restart | Why::Jump);
        self.learn_style()?;
        self.collection.learn(|known| {
            known.first_page = first_page.or(known.first_page);
            known.uneven |= uneven;
            if len > 0 {
                known.counts = Some(page.count().is_some());
            }
            match asked {
                Some(asked) if full && first && 0 < len && len < asked => {
                    known.size_cap = Some(len);
                }
                None if full && first && 0 < len => known.page_size = Some(len),
                _ => {}
            }
        })
    }

    fn notice_count(&mut self, page: &Page) -> Result<()> {
        let (before, now) = (self.count, page.count());
        self.count = now.or(before);
        match (before, now) {
            (Some(before), Some(now)) if before != now && !self.count_changed => {
                self.count_changed = true;
                report_drift(
                    &self.collection,
                    format!(
                        "the server's count went from {before} to {now} while the pages were read: rows may be missing or \
                         come twice"
                    ),
                )
            }
            _ => Ok(()),
        }
    }

    /// A page with more rows than were asked for: right all the same, but larger than it need be.
    fn notice_ignored_limit(&self, page: &Page, ask: &Ask) -> Result<()> {
        let Some(name) = self
            .paginator
            .size_name()
            .filter(|_| self.paginator.is_declared() || self.paginator.is(Style::LimitOffset))
        else {
            return Ok(());
        };
        match pairs::number(&ask.query, name) {
            Some(asked) if (page.rows().len() as u64) > asked => {
                self.ignored(WarningKind::LimitIgnored, name)
            }
            _ => Ok(()),
        }
    }

    /// Raises or warns, as the policy says.
    fn ignored(&self, kind: WarningKind, parameter: &str) -> Result<()> {
        match self.collection.policy.on_ignored {
            OnIgnored::Trust => Ok(()),
            OnIgnored::Error => Err(Error::ignored(format!(
                "the server ignores `{parameter}` of `{}`",
                self.collection.model().name()
            ))),
            _ => self.collection.warn(Warning::new(kind, parameter)),
        }
    }

    /// At the end of a walk: as many rows as the server counted?
    fn compare_with_count(&self, end: u64) -> Result<()> {
        match self.count {
            // A start behind the end says nothing.
            Some(count) if count != end && (end != self.start || end == 0) => report_drift(
                &self.collection,
                format!(
                    "the server counts {count} rows, but the walk over its pages ended after {end}"
                ),
            ),
            _ => Ok(()),
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
