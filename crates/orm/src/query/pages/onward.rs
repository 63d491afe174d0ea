//! From one page to the next: by the server's link, by its count, or by trying; where the end is; and how far ahead.

use std::mem;

use django_api_orm_core::{
    Error, OnDrift, Result,
    page::{Page, Style, bare_token},
    paginator::{Ask, Course, Repeated, Turn, Why, try_another},
};

use super::{Batch, Pages, Step, notices::report_drift, says_more};

impl Pages {
    /// What comes after a page, of which the rows up to `reached` are known.
    pub(super) fn following(&mut self, page: &Page, ask: &Ask, reached: u64) -> Result<Step> {
        let turn = Turn {
            course: &self.course,
            page,
            ask,
            reached,
        };
        let Some(link) = page.next() else {
            return self.without_link(&turn);
        };
        let is_first = matches!(ask.why, Why::Start | Why::Restart);
        if page.rows().is_empty() && self.course.count == Some(reached) && !is_first {
            // Some servers link to the page after every page. A first page may be empty because its rows are hidden, and a count
            // may be that of the page.
            return Ok(Step::Done);
        }
        match self.paginator.follow(link, &turn) {
            Some(next) if !self.seen.has_asked(&next.query) => return Ok(Step::Ask(next)),
            _ => {}
        }
        match self.course.count {
            // Nor is a count below what came one.
            Some(count) if reached != count => match self.by_count(&turn)? {
                Step::Done if self.collection.policy.on_drift != OnDrift::Ignore => {
                    Err(self.no_way_on(reached))
                }
                next => Ok(next),
            },
            Some(_) => Ok(Step::Done),
            // A token says that there is more, and not by which parameter it is sent.
            None if bare_token(link).is_some() && self.paginator.style() == Some(Style::Link) => {
                Ok(Step::NoWayOn(reached))
            }
            None => Err(Error::drift(format!(
                "the server's link to the next page leads back to a page already read ({reached} rows so far)"
            ))),
        }
    }

    /// Whether a page without a link to another is the last one: the one place that decides where a collection ends.
    fn without_link(&self, turn: &Turn<'_>) -> Result<Step> {
        match self.course.count {
            Some(count) if turn.reached < count => return self.by_count(turn),
            Some(count) if turn.reached == count && !self.says_more => return Ok(Step::Done),
            // A count below what came is no count.
            _ => {}
        }
        match says_more(turn.page, turn.ask) {
            Some(true) => return self.by_count(turn),
            Some(false) => return Ok(Step::Done),
            None => {}
        }
        if turn.page.names_next() || turn.page.rows().is_empty() {
            return Ok(Step::Done);
        }
        Ok(self.unless_asked(self.paginator.guessed(turn)))
    }

    /// The server has more rows than it has sent, as it says, and no link to them.
    fn by_count(&self, turn: &Turn<'_>) -> Result<Step> {
        let next = match turn.page.rows().is_empty() {
            true => Step::Done,
            false => self.unless_asked(
                self.paginator
                    .counted(turn)
                    .and_then(|ask| self.not_refused(ask)),
            ),
        };
        match next {
            Step::Done if self.says_more => Err(self.no_way_on(turn.reached)),
            next => Ok(next),
        }
    }

    /// The server says that there is more, and not how to ask for it.
    pub(super) fn no_way_on(&self, reached: u64) -> Error {
        let says = match self.course.count.filter(|count| *count > reached) {
            Some(count) => format!("counts {count} rows"),
            None if self.sees_others => {
                "has other rows behind an offset or a page number".to_owned()
            }
            None => "says that more rows follow".to_owned(),
        };
        Error::unsupported(format!(
            "the server {says}, sent {reached} and does not say how to ask for the others; declare {} pagination of `{}`",
            if self.paginator.is_declared() {
                "another"
            } else {
                "the"
            },
            self.collection.model().name()
        ))
    }

    /// A declared paginator has found no way on, and the server has said of no page that it is the last: then rows that it
    /// counts are missing for another reason than that they moved.
    pub(super) fn look_for_the_rest(&self, page: &Page, reached: u64) -> Result<()> {
        let is_short = self.course.count.is_some_and(|count| reached < count);
        let is_quiet = self.collection.policy.on_drift == OnDrift::Ignore;
        if is_short && !is_quiet && self.paginator.is_declared() && !page.names_next() {
            return Err(self.no_way_on(reached));
        }
        Ok(())
    }

    /// The next attempt, where the server has refused this one before, as a way to jump to where it leads.
    fn not_refused(&self, ask: Ask) -> Option<Ask> {
        match ask.why {
            Why::Tried(style) if self.seen.has_asked(&ask.query) => {
                try_another(style, &ask, &self.course)
            }
            _ => Some(ask),
        }
    }

    fn unless_asked(&self, next: Option<Ask>) -> Step {
        match next {
            Some(next) if !self.seen.has_asked(&next.query) => Step::Ask(next),
            _ => Step::Done,
        }
    }

    /// An attempt has left no rows, and not because there are none: the server took its parameter for a filter.
    pub(super) fn is_not_understood(&self, page: &Page, ask: &Ask) -> bool {
        let is_short = self.course.count.is_some_and(|count| count > ask.position);
        let counts_anew = page.count() != self.course.count;
        matches!(ask.why, Why::Tried(_))
            && page.rows().is_empty()
            && (is_short && counts_anew || self.says_more)
    }

    /// An offset that no link names has led back into the page before: of the rows that the server counts before it, some are hidden.
    pub(super) fn ends_the_one_before(&mut self, page: &Page, ask: &Ask) -> bool {
        let is_by_offset = match ask.why {
            Why::Tried(style) => style == Style::LimitOffset,
            Why::Counted | Why::Guessed => self.paginator.style() == Some(Style::LimitOffset),
            _ => false,
        };
        is_by_offset && self.seen.ends_with(page) && self.seen.has_keys(page)
    }

    /// A guess has led back into the page before: a server that takes rows off a page after it was cut counts them in its
    /// offsets. In another order they have moved, and rows that it counts beyond those that have come are missing for another reason.
    pub(super) fn brings_nothing(&mut self, page: &Page, ask: &Ask) -> bool {
        let is_short = self.course.count.is_some_and(|count| count > ask.position);
        ask.why == Why::Guessed
            && !is_short
            && (self.seen.ends_with(page) || self.is_of_everything(page))
    }

    /// Whether a page is a part of the one before, which was longer: without the number of a page everything has come.
    fn is_of_everything(&mut self, page: &Page) -> bool {
        let rows = page.rows().len();
        self.paginator.style() == Some(Style::PageNumber)
            && self.seen.rows_before() > rows as u64
            && self.seen.known_rows(page).0 == rows
    }

    /// A page came that was there before: the server does not move.
    pub(super) fn repeated(&mut self, ask: &Ask) -> Result<Option<Batch>> {
        let count = self.course.count;
        let more = count.filter(|count| *count > ask.position);
        match ask.why {
            Why::Tried(style) => {
                if more.is_none() && !self.says_more {
                    return Ok(Some(Batch::end(ask.position)));
                }
                if let Some(another) = try_another(style, ask, &self.course) {
                    self.step = Step::Ask(another);
                    return Ok(None);
                }
                if self.collection.policy.on_drift == OnDrift::Ignore {
                    return Ok(Some(Batch::end(ask.position)));
                }
                Err(self.no_way_on(ask.position))
            }
            Why::Guessed | Why::Beyond(_) => Ok(Some(Batch::end(ask.position))),
            // A link by offset leads on, whatever is counted. The number of a page behind the last one may bring that again.
            why if count == Some(ask.position)
                && (why != Why::Linked || self.paginator.style() != Some(Style::LimitOffset)) =>
            {
                Ok(Some(Batch::end(ask.position)))
            }
            _ => match self.paginator.repeated(ask, &self.course) {
                Repeated::OffsetsIgnored(Some(everything)) => {
                    // A server that hides rows may count them, and have the others again behind an offset.
                    self.may_ignore_offsets = true;
                    self.step = Step::Ask(everything);
                    Ok(None)
                }
                Repeated::OffsetsIgnored(None) => Err(Self::out_of_reach(ask.position)),
                Repeated::Skip(next) => {
                    self.step = Step::Ask(next);
                    Ok(None)
                }
                Repeated::Drift if more.is_some() && self.paginator.is_declared() => {
                    Err(self.no_way_on(ask.position))
                }
                Repeated::Drift => Err(Error::drift(format!(
                    "the same page came twice ({} rows so far{})",
                    ask.position,
                    count
                        .map(|count| format!(" of {count}"))
                        .unwrap_or_default()
                ))),
            },
        }
    }

    /// The rest of a page with everything that is needed.
    pub(super) fn take_everything(&mut self, page: Page, ask: &Ask) -> Result<Batch> {
        let len = page.rows().len() as u64;
        if mem::take(&mut self.may_ignore_offsets) && len > ask.position {
            self.offsets_are_ignored()?;
        }
        let follows = page.next().is_some() || self.says_more;
        // A count is none where the page says that others follow.
        let needed = match follows {
            true => self.course.end(),
            false => self.course.end_or_count(),
        };
        if needed.is_none_or(|needed| len < needed) {
            return Err(Self::out_of_reach(len.max(ask.position)));
        }
        let is_whole = !follows && self.course.count.is_some_and(|count| len >= count);
        if !is_whole {
            self.step = self.more_than_wanted(ask, len);
        }
        let known = usize::try_from(ask.position).unwrap_or(usize::MAX);
        Ok(Batch {
            position: ask.position,
            rows: page.into_rows().split_off(known.min(len as usize)),
            identities: Vec::new(),
            last: is_whole,
        })
    }

    /// What is asked for by a caller to whom all that was wanted is not enough after all.
    fn more_than_wanted(&self, ask: &Ask, came: u64) -> Step {
        let ask = Ask {
            position: came,
            ..ask.clone()
        };
        let course = Course {
            wanted: None,
            ..self.course.clone()
        };
        match self.paginator.repeated(&ask, &course) {
            Repeated::OffsetsIgnored(Some(everything)) => Step::Ask(everything),
            _ => Step::OutOfReach(came),
        }
    }

    /// The server refuses the page after a full one: that may have been the last, or lie before a limit of its own. A declared paginator
    /// says that there are pages; nothing else does.
    pub(super) fn refused_beyond(&mut self, error: Error, ask: &Ask) -> Result<Option<Batch>> {
        let rows = ask.position;
        if self.paginator.is_declared() {
            self.misses_rows = true;
            let what = format!(
                "the server refuses the page after {rows} rows ({error}): these are all, or it has a limit, behind which the others are missing"
            );
            report_drift(&self.collection, what)?;
            return Ok(Some(Batch::end(rows)));
        }
        Err(Error::unsupported(format!(
            "the server refuses the page after {rows} rows, and nothing shows whether there is one: narrow the query, or declare the \
             pagination"
        ))
        .with_source(error))
    }

    pub(super) fn out_of_reach(rows: u64) -> Error {
        Error::unsupported(format!(
            "the server ignores offsets and sends no more than {rows} rows at a time: the others cannot be reached; declare the pagination, \
             if the server has one"
        ))
    }

    /// Sends the requests that are certain to be needed, while the caller is busy with the rows at hand.
    pub(super) fn read_ahead(&mut self) -> Result<()> {
        let Step::Ask(next) = &self.step else {
            self.ahead.clear();
            return Ok(());
        };
        if self.ahead.meets(next) {
            self.step = Step::Done;
        } else {
            let certain = matches!(next.why, Why::Linked | Why::Counted | Why::Guessed);
            let needed = self.course.end().is_none_or(|end| next.position < end);
            if !certain || !needed || !self.ahead.has_room() {
                return Ok(());
            }
            self.ahead.push(&self.collection, next.clone())?;
            self.step = Step::Done;
        }
        while self.ahead.has_room()
            && let Some(ask) = self.counted_on()
        {
            self.ahead.push(&self.collection, ask)?;
        }
        Ok(())
    }

    /// The page after the last one that is under way, where the count and the size of pages tell.
    fn counted_on(&self) -> Option<Ask> {
        let last = self.ahead.last_to_count_on()?;
        let size = self.course.size;
        if last.overlaps || size == 0 || self.course.count.is_none() {
            return None;
        }
        let position = last.position.saturating_add(size);
        if self.course.end_or_count().is_none_or(|end| position >= end) {
            return None;
        }
        let query = self.paginator.ahead(last, position, &self.course)?;
        (!self.seen.has_asked(&query)).then(|| Ask {
            query,
            position,
            ..last.clone()
        })
    }
}
