//! From one page to the next: by the server's link, by its count, or by trying; and how far ahead.

use django_api_orm_core::{
    Error, OnDrift, Result,
    page::{Page, Style},
};

use super::{
    Batch, Pages, Step,
    ask::{Ask, Why},
    pairs::{Pairs, number, remove, set},
};

impl Pages {
    /// What comes after a page, of which the rows up to `reached` are known.
    pub(super) fn following(&mut self, page: &Page, ask: &Ask, reached: u64) -> Result<Step> {
        let Some(link) = page.next() else {
            return self.without_link(page, ask, reached);
        };
        let next = self.by_link(link, page, ask, reached);
        let numbers = [&ask.query, &next.query].map(|query| self.paginator.page_number(query));
        let [number, following] = numbers;
        let back = self.paginator.is(Style::PageNumber) && following <= number;
        if !back && !self.seen.has_asked(&next.query) {
            return Ok(Step::Ask(next));
        }
        match self.count {
            Some(count) if reached < count => self.by_count(page, ask, reached),
            Some(_) => Ok(Step::Done),
            None => Err(Error::drift(format!(
                "the server's link to the next page leads back to a page already read ({reached} rows so far)"
            ))),
        }
    }

    fn by_link(&mut self, link: &str, page: &Page, ask: &Ask, reached: u64) -> Ask {
        let mut query = self.paginator.linked(&self.own(ask), link);
        let mut overlaps = false;
        if self.paginator.is(Style::LimitOffset) {
            if page.rows().is_empty() {
                // There is more behind it, so its rows are there and not shown.
                self.hidden_rows = true;
            }
            if !self.hidden_rows {
                // By rows received. A link that leaves some out counts by rows asked for, or by rows not shown: the overlap
                // with the page before will tell.
                overlaps = self
                    .paginator
                    .offset(&query)
                    .is_some_and(|offset| offset > reached);
                self.paginator.ask_offset(&mut query, reached);
                self.ask_no_more_than_needed(&mut query, page, reached);
            }
        }
        Ask {
            query,
            position: reached,
            why: Why::Linked,
            overlaps,
        }
    }

    /// The parameters that are ours: the query's, and the size of pages if we chose it.
    fn own(&self, ask: &Ask) -> Pairs {
        let mut own = self.base.clone();
        let name = match self.paginator.style {
            Some(Style::None) if !self.paginator.is_declared() => Some("limit"),
            _ => self.paginator.size_name(),
        };
        if let Some((name, size)) = name.and_then(|name| Some((name, number(&ask.query, name)?))) {
            set(&mut own, name, size);
        }
        own
    }

    fn ask_no_more_than_needed(&self, query: &mut Pairs, page: &Page, reached: u64) {
        let Some(name) = self.paginator.size_name() else {
            return;
        };
        match self.end().map(|end| end.saturating_sub(reached)) {
            None if !self.widened => {}
            Some(rest) if rest > 0 => {
                let size = self.size.max(page.rows().len() as u64).max(1);
                set(query, name, rest.min(size));
            }
            // More than was thought to be needed: by whole pages.
            _ => {
                remove(query, name);
                self.paginator.ask_size(query, None);
            }
        }
    }

    fn without_link(&self, page: &Page, ask: &Ask, reached: u64) -> Result<Step> {
        match self.count {
            Some(count) if reached < count => return self.by_count(page, ask, reached),
            Some(count) if reached == count => return Ok(Step::Done),
            // A count below what came is no count.
            _ => {}
        }
        let len = page.rows().len() as u64;
        if page.names_next() || len == 0 {
            return Ok(Step::Done);
        }
        let asked = self.paginator.asked_size(&ask.query);
        let full = len >= asked.map_or(self.size, |asked| asked.min(self.size));
        let style = match self.paginator.style {
            Some(style @ (Style::LimitOffset | Style::PageNumber)) if full => style,
            // As long as was asked for: the limit may have been honoured, and more may follow.
            Some(Style::None) | None
                if !self.paginator.is_declared() && number(&ask.query, "limit") == Some(len) =>
            {
                Style::LimitOffset
            }
            _ => return Ok(Step::Done),
        };
        let tried = !self.paginator.is(style);
        Ok(self.by_position(
            style,
            if tried {
                Why::Tried(style)
            } else {
                Why::Guessed
            },
            page,
            ask,
            reached,
        ))
    }

    /// The server counts more rows than it has sent, and has no link to them.
    fn by_count(&self, page: &Page, ask: &Ask, reached: u64) -> Result<Step> {
        if page.rows().is_empty() || self.hidden_rows {
            return Ok(Step::Done);
        }
        Ok(match self.paginator.style {
            Some(style @ (Style::LimitOffset | Style::PageNumber)) => {
                self.by_position(style, Why::Counted, page, ask, reached)
            }
            Some(Style::Cursor) => Step::Done,
            _ if self.paginator.is_declared() => Step::Done,
            _ => self.by_position(
                Style::LimitOffset,
                Why::Tried(Style::LimitOffset),
                page,
                ask,
                reached,
            ),
        })
    }

    fn by_position(&self, style: Style, why: Why, page: &Page, ask: &Ask, reached: u64) -> Step {
        let mut query = self.own(ask);
        if style == Style::PageNumber {
            let first = self.paginator.page_number(&[]);
            let number = self.paginator.page_number(&ask.query).saturating_add(1);
            self.paginator
                .ask_page(&mut query, number.saturating_sub(first));
        } else {
            self.paginator.ask_offset(&mut query, reached);
            self.ask_no_more_than_needed(&mut query, page, reached);
        }
        if self.seen.has_asked(&query) {
            return Step::Done;
        }
        Step::Ask(Ask {
            query,
            position: reached,
            why,
            // Where the server says that there is no next page, its count may include rows that it does not show.
            overlaps: page.names_next() && style == Style::LimitOffset,
        })
    }

    /// A page came that was there before: the server does not move.
    pub(super) fn repeated(&mut self, ask: &Ask) -> Result<Option<Batch>> {
        let counted = self.count.filter(|count| *count > ask.position);
        match ask.why {
            Why::Tried(Style::LimitOffset) if counted.is_some() => {
                let mut query = self.base.clone();
                set(&mut query, "page", 2);
                self.step = Step::Ask(Ask {
                    query,
                    why: Why::Tried(Style::PageNumber),
                    ..ask.clone()
                });
                Ok(None)
            }
            Why::Tried(_) => match counted {
                Some(count) if self.collection.policy.on_drift != OnDrift::Ignore => {
                    Err(Error::unsupported(format!(
                        "the server counts {count} rows, sent {} and does not say how to ask for the others; declare the \
                         pagination of `{}`",
                        ask.position,
                        self.collection.model().name()
                    )))
                }
                _ => Ok(Some(Batch::end(ask.position))),
            },
            Why::Guessed => Ok(Some(Batch::end(ask.position))),
            _ if self.count.is_some_and(|count| count <= ask.position) => {
                self.compare_with_count(ask.position)?;
                Ok(Some(Batch::end(ask.position)))
            }
            _ if self.paginator.is(Style::LimitOffset) => {
                self.ask_for_everything(ask).map(|()| None)
            }
            // The link was wrong; the page after it may be right.
            Why::Linked if self.paginator.is(Style::PageNumber) && counted.is_some() => {
                let mut query = ask.query.clone();
                let first = self.paginator.page_number(&[]);
                let number = self.paginator.page_number(&query).saturating_add(1);
                self.paginator
                    .ask_page(&mut query, number.saturating_sub(first));
                self.step = Step::Ask(Ask {
                    query,
                    why: Why::Counted,
                    ..ask.clone()
                });
                Ok(None)
            }
            _ => Err(Error::drift(format!(
                "the same page came twice ({} rows so far{})",
                ask.position,
                self.count
                    .map(|count| format!(" of {count}"))
                    .unwrap_or_default()
            ))),
        }
    }

    /// A server that ignores offsets may still honour a limit: then one large page has it all.
    fn ask_for_everything(&mut self, ask: &Ask) -> Result<()> {
        self.offsets_are_ignored()?;
        let (Some(rows), Some(name)) = (self.end().or(self.count), self.paginator.size_name())
        else {
            return Err(self.out_of_reach(ask.position));
        };
        let mut query = self.base.clone();
        set(&mut query, name, rows);
        self.step = Step::Ask(Ask {
            query,
            position: ask.position,
            why: Why::Whole,
            overlaps: false,
        });
        Ok(())
    }

    /// The rest of a page with everything that is needed.
    pub(super) fn take_whole(&mut self, page: Page, ask: &Ask) -> Result<Batch> {
        let len = page.rows().len() as u64;
        let needed = self.end().into_iter().chain(self.count).min();
        if needed.is_none_or(|needed| len < needed) {
            return Err(self.out_of_reach(len.max(ask.position)));
        }
        let known = usize::try_from(ask.position).unwrap_or(usize::MAX);
        Ok(Batch {
            position: ask.position,
            rows: page.into_rows().split_off(known.min(len as usize)),
            last: true,
        })
    }

    fn out_of_reach(&self, rows: u64) -> Error {
        Error::unsupported(format!(
            "the server ignores offsets and sends no more than {rows} rows at a time: the others cannot be reached"
        ))
    }

    /// Sends the requests that are certain to be needed, while the caller is busy with the rows at hand.
    pub(super) fn read_ahead(&mut self) -> Result<()> {
        let Step::Ask(next) = &self.step else {
            self.ahead.clear();
            return Ok(());
        };
        match self.ahead.agrees_with(next) {
            Some(true) => self.step = Step::Done,
            Some(false) => {
                // The pages are not what they were thought to be.
                self.ahead.clear();
                self.counting_on = false;
            }
            None => {}
        }
        if let Step::Ask(next) = &self.step {
            let certain = matches!(next.why, Why::Linked | Why::Counted | Why::Guessed);
            let needed = self.end().is_none_or(|end| next.position < end);
            if self.one_by_one || !certain || !needed {
                return Ok(());
            }
            self.ahead.push(&self.collection, next.clone())?;
            self.step = Step::Done;
        }
        while self.ahead.len() < self.collection.policy.read_ahead
            && let Some(ask) = self.counted_on()
        {
            self.ahead.push(&self.collection, ask)?;
        }
        Ok(())
    }

    /// The page after the last one that is under way, where the count and the size of pages tell.
    fn counted_on(&self) -> Option<Ask> {
        let last = self.ahead.last()?;
        if !self.counting_on || self.hidden_rows || last.overlaps || self.size == 0 {
            return None;
        }
        let position = last.position.saturating_add(self.size);
        let end = self.end().into_iter().chain(self.count).min();
        if self.count.is_none() || end.is_none_or(|end| position >= end) {
            return None;
        }
        let mut query = last.query.clone();
        match self.paginator.style? {
            Style::LimitOffset => {
                self.paginator.ask_offset(&mut query, position);
                if let (Some(end), Some(name)) = (self.end(), self.paginator.size_name()) {
                    set(&mut query, name, (end - position).min(self.size));
                }
            }
            Style::PageNumber => {
                let first = self.paginator.page_number(&[]);
                let number = self.paginator.page_number(&query).saturating_add(1);
                self.paginator
                    .ask_page(&mut query, number.saturating_sub(first));
            }
            _ => return None,
        }
        (!self.seen.has_asked(&query)).then(|| Ask {
            query,
            position,
            ..last.clone()
        })
    }
}
