//! Page after page of a collection, whatever paginator the server has. Knows nothing of filters.
//!
//! What is asked is the [`Paginator`]'s to say; here the requests are made, ahead of time where it is safe, and the answers
//! are held against each other. What is believed of a server: the rows that it sends. Everything else (links, counts, that
//! an offset was honoured) is a claim: a walk advances by rows received, follows only the query of a link, stops at a page
//! that it has seen, and reads ahead only what it can verify on arrival.

mod ahead;
mod beyond;
mod landing;
mod notices;
mod onward;
mod refused;
mod seen;

use django_api_orm_core::{
    Error, ErrorKind, Result,
    knowledge::Knowledge,
    page::Page,
    paginator::{Ask, Came, Course, Jump, Paginator, Pairs, Turn, Why, first_of_tried},
    row::{Identity, Row},
};

use self::{
    ahead::Ahead,
    beyond::refuses,
    refused::Refused,
    seen::{EMPTY_PAGES, Seen},
};
use super::collection::Collection;

pub(crate) use notices::report_drift;

/// The pages of a collection, one after the other.
#[derive(Debug)]
pub(crate) struct Pages {
    collection: Collection,
    paginator: Paginator,
    course: Course,
    /// What was known of the endpoint when the walk began.
    known: Knowledge,
    step: Step,
    ahead: Ahead,
    seen: Seen,
    /// The page that came for an offset, until the first one shows whether the server honoured it.
    landed: Option<(Page, Ask)>,
    /// A page without rows is asked for once more, without a size.
    is_asked_again: bool,
    /// A count that changed has been reported.
    count_changed: bool,
    /// Rows were removed while the pages were read, or are counted and did not come.
    misses_rows: bool,
    /// The most rows that an answer has counted.
    most_counted: u64,
    /// The last page says that another follows.
    says_more: bool,
    /// The server says that there are several pages.
    is_of_several: bool,
    /// A probe has brought rows that were not on the first page, and no paginator explains them yet.
    sees_others: bool,
    /// The same rows came for another offset, and a page with all rows is asked for.
    may_ignore_offsets: bool,
    /// What was left out after a refusal, until a page shows that it was that.
    refused: Option<Refused>,
}

#[derive(Debug)]
enum Step {
    First,
    Ask(Ask),
    /// More rows than these would need an offset, which the server ignores.
    OutOfReach(u64),
    /// More rows than these follow, and nothing says how they are asked for.
    NoWayOn(u64),
    Done,
}

/// Rows and their place in the collection.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The index of the first row among the rows that the server has for the query.
    pub(crate) position: u64,
    pub(crate) rows: Vec<Row>,
    /// What tells the rows apart, as far as that is known: of all of them, or of none.
    pub(crate) identities: Vec<Identity>,
    /// No page follows.
    pub(crate) last: bool,
}

impl Batch {
    fn end(position: u64) -> Self {
        Self {
            position,
            rows: Vec::new(),
            identities: Vec::new(),
            last: true,
        }
    }
}

impl Pages {
    /// The pages from the row `start` on, of which `wanted` rows are needed if that is known.
    pub(crate) fn new(
        collection: Collection,
        base: Pairs,
        start: u64,
        wanted: Option<u64>,
    ) -> Self {
        let policy = &collection.policy;
        Self {
            paginator: Paginator::new(collection.model().pagination(), policy.page_size),
            course: Course::new(base, start, wanted),
            known: Knowledge::default(),
            step: Step::First,
            ahead: Ahead::new(policy.read_ahead),
            seen: Seen::new(collection.model().primary_key()),
            landed: None,
            is_asked_again: false,
            count_changed: false,
            misses_rows: false,
            most_counted: 0,
            says_more: false,
            is_of_several: false,
            sees_others: false,
            may_ignore_offsets: false,
            refused: None,
            collection,
        }
    }

    /// The caller wants every page, and does nothing between them.
    pub(crate) fn collected(mut self) -> Self {
        self.ahead.collect();
        self
    }

    /// Reads no page before it is asked for: the caller may have enough after any of them.
    pub(crate) fn one_by_one(mut self) -> Self {
        self.ahead.stop();
        self
    }

    /// Asks for no size, unless one is declared: the server may take it for a filter.
    pub(crate) fn of_own_size(mut self) -> Self {
        self.paginator.leave_size_out();
        self
    }

    /// Whether pages are under way that nobody waits for yet.
    pub(crate) fn are_under_way(&self) -> bool {
        self.ahead.is_under_way()
    }

    /// Whether rows may be missing because some were removed meanwhile, or are counted and did not come.
    pub(crate) fn miss_rows(&self) -> bool {
        self.misses_rows
    }

    /// How many rows the server counts.
    pub(crate) fn counted(&self) -> Option<u64> {
        self.course.count
    }

    /// The most rows that the server has counted.
    pub(crate) fn most_counted(&self) -> u64 {
        self.most_counted
    }

    /// More rows are needed than was thought, because some do not belong; nobody knows how many.
    pub(crate) fn widen(&mut self) {
        if self.course.wanted.take().is_some() {
            self.course.widened = true;
            self.ahead.stop();
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
            let (ask, page) = match self.ahead.next(&self.collection).await {
                Some((ask, Some(page))) => (ask, page),
                // The caller was busy for longer than a call may take, such as with a token that only it can bring.
                Some((ask, None)) => {
                    let page = self.collection.page(&ask.query).await;
                    (ask, page)
                }
                None => {
                    let ask = match std::mem::replace(&mut self.step, Step::Done) {
                        Step::Done => return Ok(None),
                        Step::OutOfReach(rows) => return Err(Self::out_of_reach(rows)),
                        Step::NoWayOn(rows) => return Err(self.no_way_on(rows)),
                        Step::First => self.first_ask()?,
                        Step::Ask(ask) => ask,
                    };
                    let page = self.collection.page(&ask.query).await;
                    (ask, page)
                }
            };
            self.seen.ask(&ask.query);
            let batch = match page {
                Ok(page) => {
                    self.learn_refusal()?;
                    self.take(page, ask)?
                }
                Err(error) if error.kind() == ErrorKind::NotFound => self.missing(error, ask)?,
                Err(error) => match ask.why {
                    Why::Beyond(probe) if refuses(&error) => {
                        self.look_beyond(probe, Came::Refusal, None, ask)?
                    }
                    _ if !error.is_refusal() => return Err(error),
                    Why::Guessed => self.refused_beyond(error, &ask)?,
                    why if why.is_a_try() => self.repeated(&ask)?,
                    _ => {
                        self.step = Step::Ask(self.ask_less(error, ask)?);
                        None
                    }
                },
            };
            self.read_ahead()?;
            if batch.is_some() {
                return Ok(batch);
            }
        }
    }

    /// Takes in a page; `None` means that it was only a step on the way to the right one.
    fn take(&mut self, page: Page, ask: Ask) -> Result<Option<Batch>> {
        if self.is_emptied_by_size(&page, &ask)? {
            return Ok(None);
        }
        if let Why::Beyond(probe) = ask.why {
            let came = self.came_beyond(&page);
            return self.look_beyond(probe, came, Some(page), ask);
        }
        self.accept(page, ask)
    }

    /// The same, for a page that is one of the walk, wherever it lies.
    fn accept(&mut self, page: Page, ask: Ask) -> Result<Option<Batch>> {
        self.paginator.recognise(&page, &ask.query, &self.known);
        let Some((page, ask)) = self.settle(page, ask)? else {
            return Ok(None);
        };
        if self.is_not_understood(&page, &ask) {
            return self.repeated(&ask);
        }
        if self.has_moved(&page, &ask) {
            return self.repeated(&ask);
        }
        let says_more = says_more(&page, &ask) == Some(true);
        // What was tried may be the page before, once more.
        self.says_more = says_more || self.says_more && matches!(ask.why, Why::Tried(_));
        self.is_of_several |= page.is_of_several();
        self.notice_ignored_limit(&page, &ask)?;
        self.notice_count(&page, &ask)?;
        if ask.why == Why::Everything {
            return self.take_everything(page, &ask).map(Some);
        }
        let turn = Turn {
            course: &self.course,
            page: &page,
            ask: &ask,
            reached: ask.position,
        };
        if matches!(ask.why, Why::Start | Why::Restart) && self.course.start > 0 {
            match self.paginator.jump(&turn) {
                Jump::Stay => {}
                Jump::To(ask) => {
                    self.step = Step::Ask(ask);
                    return Ok(None);
                }
                Jump::BehindTheEnd => {
                    self.step = Step::Done;
                    return Ok(Some(Batch::end(self.course.start)));
                }
            }
        }
        let overlaps = ask.overlaps || self.ends_the_one_before(&page, &ask);
        let new = overlaps.then(|| self.seen.without_overlap(page.rows()));
        let came = new.as_ref().map_or(page.rows().len(), Vec::len);
        let overlap = came < page.rows().len();
        // With an overlap, new rows show that the server did move; without new ones it may have hidden those in between, where its link
        // leads farther than the rows that came.
        let may_hide_rows = overlap && (came > 0 || ask.why == Why::Linked);
        if !may_hide_rows && (self.seen.has(&page) || self.brings_nothing(&page, &ask)) {
            return self.repeated(&ask);
        }
        if let Why::Tried(style) = ask.why
            && !page.rows().is_empty()
        {
            self.says_more = says_more;
            self.known.first_page = first_of_tried(style, &ask).or(self.known.first_page);
            self.paginator.become_one_of(style, &self.known);
            self.learn_style()?;
            self.learn_size_before(&ask)?;
        }
        if overlap && !matches!(ask.why, Why::Beyond(_)) {
            self.paginator.overlapped();
        }
        if self.seen.keep(page.rows()) {
            return Err(Error::drift(format!(
                "the server has sent {EMPTY_PAGES} pages without rows, one after the other, and links to another one: there \
                 is no sign of an end"
            )));
        }
        let identities = self.seen.current().filter(|_| !overlap);
        let identities = identities.unwrap_or_default().to_vec();
        let reached = ask.position + came as u64;
        self.step = self.following(&page, &ask, reached)?;
        self.learn(&page, &ask)?;
        let last = matches!(self.step, Step::Done);
        if last {
            self.look_for_the_rest(&page, reached)?;
            self.compare_with_count(reached)?;
        }
        Ok(Some(Batch {
            position: ask.position,
            rows: new.unwrap_or_else(|| page.into_rows()),
            identities,
            last,
        }))
    }

    /// Whether the page that was tried as the second of pages counted from zero is the first one, to which rows were added meanwhile, or one of
    /// another size.
    fn has_moved(&mut self, page: &Page, ask: &Ask) -> bool {
        let Why::Tried(style) = ask.why else {
            return false;
        };
        let counts = self.course.count.zip(page.count());
        first_of_tried(style, ask) == Some(0)
            && (counts.is_some_and(|(before, now)| before != now)
                || self.seen.known_rows(page).0 > 0)
    }

    /// The page before the one that was tried is followed by it, so that it was a full one.
    fn learn_size_before(&self, ask: &Ask) -> Result<()> {
        let is_own = self.paginator.parameters().asked_size(&ask.query).is_none();
        let rows = self.seen.rows_before();
        if is_own && rows > 0 {
            self.collection
                .learn(|known| known.page_size = Some(rows))?;
        }
        Ok(())
    }

    fn learn_style(&self) -> Result<()> {
        if self.paginator.is_declared() {
            return Ok(());
        }
        let style = self.paginator.style();
        self.collection
            .learn(|known| known.style = style.or(known.style))
    }

    /// Keeps for later queries what a page has shown of the endpoint.
    fn learn(&mut self, page: &Page, ask: &Ask) -> Result<()> {
        let len = page.rows().len() as u64;
        if let Step::Ask(next) = &self.step
            && !matches!(next.why, Why::Beyond(_))
        {
            self.course.size = self.course.size.max(len);
        }
        let more =
            matches!(&self.step, Step::Ask(next) if matches!(next.why, Why::Linked | Why::Counted));
        let first = matches!(ask.why, Why::Start | Why::Restart | Why::Jump(_));
        let asked = self.paginator.parameters().asked_size(&ask.query);
        let is_every_row =
            matches!(self.step, Step::Done) && ask.position == 0 && self.course.wanted.is_none();
        let rows = page.count().or_else(|| is_every_row.then_some(len));
        let rows = rows.filter(|_| self.course.base.is_empty());
        self.learn_style()?;
        self.collection.learn(|known| {
            known.rows = rows.or(known.rows);
            self.paginator.learn(len, more, &self.course, known);
            known.names_next |= page.names_next();
            known.is_drf |= page.is_drf();
            if len > 0 {
                known.counts = Some(page.count().is_some());
            }
            match asked {
                Some(asked) if more && first && 0 < len && len < asked => {
                    known.size_cap = Some(len);
                }
                None if more && first && 0 < len => known.page_size = Some(len),
                _ => {}
            }
        })
    }
}

/// Whether the page says that another follows, or by its number that it is one of several, if it is the first one.
fn says_more(page: &Page, ask: &Ask) -> Option<bool> {
    let by_number = || page.is_followed().filter(|_| ask.position == 0);
    page.more().or_else(by_number)
}
