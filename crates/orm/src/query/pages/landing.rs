//! The first page: asked for where the caller wants to start, and accepted only where the answer shows that it starts there.

use django_api_orm_core::{
    Error, OnIgnored, Result,
    page::{Page, Style},
};

use super::{
    Batch, Pages, Step,
    ask::{Ask, Why},
    report_drift,
    seen::Seen,
};
use crate::warning::WarningKind;

impl Pages {
    /// The first request, and where its page starts if the server does as asked.
    pub(super) fn first_ask(&mut self) -> Result<Ask> {
        let known = self.collection.knowledge()?;
        self.paginator.recall(&known);
        self.uneven = known.uneven;
        let jump = self.start > 0;
        if jump && known.offsets == Some(false) {
            self.offsets_are_ignored()?;
        }
        Ok(match self.paginator.style {
            _ if jump && known.uneven => self.first_page_for(Why::Start),
            Some(Style::LimitOffset) | None if known.offsets != Some(false) => {
                let mut query = self.base.clone();
                self.paginator.ask_size(&mut query, self.wanted);
                self.paginator.ask_offset(&mut query, self.start);
                Ask {
                    query,
                    position: self.start,
                    why: if jump { Why::Jump } else { Why::Start },
                    overlaps: false,
                }
            }
            Some(Style::PageNumber) if jump => {
                let mut ask = self.first_page_for(Why::Jump);
                // A size that was asked for may be capped; a jump takes a size that was seen.
                let size = match self.paginator.asked_size(&ask.query) {
                    Some(asked) => Some(known.size_cap.map_or(asked, |cap| cap.min(asked))),
                    None => known.page_size,
                };
                match size.filter(|size| *size > 0 && self.start >= *size) {
                    Some(size) => {
                        self.jumped_by = Some(size);
                        self.paginator.ask_page(&mut ask.query, self.start / size);
                        ask.position = self.start / size * size;
                    }
                    None => ask.why = Why::Start,
                }
                ask
            }
            _ => self.first_page_for(Why::Start),
        })
    }

    /// Asks for the page that the collection starts with.
    fn first_page_for(&self, why: Why) -> Ask {
        let mut query = self.base.clone();
        self.paginator.ask_size(&mut query, self.end());
        Ask {
            query,
            position: 0,
            why,
            overlaps: false,
        }
    }

    fn restart(&mut self) {
        self.seen = Seen::new(self.collection.model().primary_key());
        self.step = Step::Ask(self.first_page_for(Why::Restart));
    }

    /// The page and the place that it certainly has; `None` when another page has to tell.
    pub(super) fn settle(&mut self, page: Page, ask: Ask) -> Result<Option<(Page, Ask)>> {
        match ask.why {
            // Before anything was known of the paginator, it was asked for an offset that it has not.
            Why::Jump
                if self.jumped_by.is_none()
                    && matches!(
                        self.paginator.style,
                        Some(Style::PageNumber | Style::Cursor)
                    ) =>
            {
                Ok(Some((page, self.first_page_for(Why::Start))))
            }
            Why::Jump if !self.has_landed(&page, &ask)? => {
                if !self.paginator.is(Style::PageNumber) {
                    self.landed = Some((page, ask));
                }
                self.restart();
                Ok(None)
            }
            Why::Restart => match self.landed.take() {
                Some(landed) => self.compare(page, ask, landed).map(Some),
                None => Ok(Some((page, ask))),
            },
            _ => Ok(Some((page, ask))),
        }
    }

    /// Whether the page shows by itself that it starts where it should.
    fn has_landed(&self, page: &Page, ask: &Ask) -> Result<bool> {
        Ok(match self.paginator.style {
            Some(Style::PageNumber) => self.jumped_by.is_some_and(|size| {
                let len = page.rows().len() as u64;
                let last = page
                    .count()
                    .is_some_and(|count| ask.position + len == count);
                // Full, or it ends with the last row.
                if page.next().is_some() {
                    len == size
                } else {
                    last
                }
            }),
            // A page that does not start with the first row has one before it.
            Some(Style::LimitOffset) if page.has_previous() => true,
            Some(Style::LimitOffset) => {
                self.collection.policy.on_ignored == OnIgnored::Trust
                    || self.collection.knowledge()?.offsets == Some(true)
            }
            _ => false,
        })
    }

    /// Tells by the page that the collection starts with whether an offset was honoured.
    fn compare(&mut self, page: Page, ask: Ask, landed: (Page, Ask)) -> Result<(Page, Ask)> {
        let by_offset = matches!(
            self.paginator.style,
            Some(Style::LimitOffset | Style::None) | None
        );
        if !by_offset || page.rows().is_empty() {
            return Ok((page, ask));
        }
        let honoured = !self
            .collection
            .same_row(landed.0.rows().first(), page.rows().first());
        if honoured {
            self.paginator.style = self
                .paginator
                .style
                .filter(|_| self.paginator.is_declared())
                .or(Some(Style::LimitOffset));
            self.collection.learn(|known| known.learn_offsets(true))?;
            return Ok(landed);
        }
        if self.paginator.is(Style::LimitOffset) {
            self.offsets_are_ignored()?;
        }
        Ok((page, ask))
    }

    pub(super) fn offsets_are_ignored(&self) -> Result<()> {
        self.collection.learn(|known| known.learn_offsets(false))?;
        let name = self.paginator.position_name().unwrap_or("offset");
        self.ignored(WarningKind::OffsetIgnored, name)
    }

    /// Goes on with the numbered page that holds the start, now that the size of a page is known. `Some` if it does: with
    /// nothing yet, or with the end, where the start lies behind it.
    pub(super) fn jump_by_page(&mut self, page: &Page, ask: &Ask) -> Option<Option<Batch>> {
        let size = page.rows().len() as u64;
        let fresh = matches!(ask.why, Why::Start | Why::Restart) && self.start > 0;
        if !fresh || !self.paginator.is(Style::PageNumber) || self.uneven {
            return None;
        }
        if page
            .count()
            .is_some_and(|count| count <= self.start && count >= size)
        {
            self.step = Step::Done;
            return Some(Some(Batch::end(self.start)));
        }
        let more = page.next().is_some();
        if !more || size == 0 || self.start < size || self.jumped_by == Some(size) {
            return None;
        }
        self.paginator.learn_first_page(page, &ask.query);
        self.jumped_by = Some(size);
        let mut jump = self.first_page_for(Why::Jump);
        self.paginator.ask_page(&mut jump.query, self.start / size);
        jump.position = self.start / size * size;
        self.step = Step::Ask(jump);
        Some(None)
    }

    /// A page that the server does not have (404).
    pub(super) fn missing(&mut self, error: Error, ask: &Ask) -> Result<Option<Batch>> {
        match ask.why {
            // Perhaps the start lies behind the end. Or nothing is there at all: the first page will tell.
            Why::Jump => {
                self.restart();
                Ok(None)
            }
            Why::Counted | Why::Guessed => {
                self.compare_with_count(ask.position)?;
                Ok(Some(Batch::end(ask.position)))
            }
            Why::Tried(_) => self.repeated(ask),
            Why::Linked
                if matches!(
                    self.paginator.style,
                    Some(Style::PageNumber | Style::LimitOffset)
                ) =>
            {
                report_drift(
                    &self.collection,
                    format!(
                        "the page after {} rows has gone while the pages were read: rows were removed",
                        ask.position
                    ),
                )?;
                Ok(Some(Batch::end(ask.position)))
            }
            // Without its page, the rest cannot be reached.
            Why::Linked | Why::Start | Why::Restart | Why::Whole => Err(error),
        }
    }
}
