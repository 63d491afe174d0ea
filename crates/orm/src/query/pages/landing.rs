//! The first page: asked for where the caller wants to start, and accepted only where the answer shows that it starts there.

use django_api_orm_core::{
    Error, OnIgnored, Result,
    page::{Page, Style, query_pairs},
    paginator::{Ask, Came, Landing, Offsets, Paginator, Why},
};

use super::{Batch, Pages, Step, report_drift, seen::Seen};

impl Pages {
    /// The first request, and where its page starts if the server does as asked.
    pub(super) fn first_ask(&mut self) -> Result<Ask> {
        self.known = self.collection.knowledge()?;
        self.course.largest = self.known.largest_size();
        self.course.least = self.known.least_page();
        self.course.whole = self.known.whole;
        let first = self.paginator.begin(&self.course, &self.known);
        if self.course.start > 0 && self.known.offsets == Some(false) {
            self.offsets_are_ignored()?;
        }
        Ok(first)
    }

    fn restart(&mut self) {
        self.seen = Seen::new(self.collection.model().primary_key());
        let first = self.paginator.parameters();
        self.step = Step::Ask(first.beginning(&self.course, Why::Restart));
    }

    /// Whether an undeclared size may have left no row, because the server took it for a filter: then the same is asked
    /// without it.
    pub(super) fn is_emptied_by_size(&mut self, page: &Page, ask: &Ask) -> Result<bool> {
        let jumps = matches!(ask.why, Why::Jump(_));
        let begins = ask.position == 0 && matches!(ask.why, Why::Start | Why::Restart);
        if !(jumps || begins) || !matches!(self.paginator, Paginator::Unrecognised(_)) {
            return Ok(false);
        }
        let is_sized = self.paginator.parameters().asked_size(&ask.query).is_some();
        if std::mem::take(&mut self.is_asked_again) && !page.rows().is_empty() {
            self.collection.learn(|known| known.learn_sizes(false))?;
        }
        let may_be_emptied = self.collection.learn(|known| {
            known.learn_sizes_from(page, is_sized);
            is_sized && known.may_be_emptied(page)
        })?;
        if !may_be_emptied {
            return Ok(false);
        }
        // After a jump it may be the offset, too: or there are no rows as far as that.
        if begins {
            self.paginator.leave_size_out();
            self.is_asked_again = true;
        }
        self.landed = None;
        self.restart();
        Ok(true)
    }

    /// The page and the place that it certainly has; `None` when another page has to tell.
    pub(super) fn settle(&mut self, page: Page, ask: Ask) -> Result<Option<(Page, Ask)>> {
        match ask.why {
            Why::Jump(by) => match self.paginator.landed(&page, &ask, self.offsets_hold()?) {
                Landing::There => Ok(Some((page, ask))),
                Landing::AtTheBeginning => {
                    let first = self.paginator.parameters();
                    Ok(Some((page, first.beginning(&self.course, Why::Start))))
                }
                Landing::Unclear => {
                    self.landed = (by == Style::LimitOffset).then_some((page, ask));
                    self.restart();
                    Ok(None)
                }
            },
            Why::Restart => match self.landed.take() {
                Some(landed) => self.compare(page, ask, landed).map(Some),
                None => Ok(Some((page, ask))),
            },
            _ => Ok(Some((page, ask))),
        }
    }

    fn offsets_hold(&self) -> Result<bool> {
        Ok(self.collection.policy.on_ignored == OnIgnored::Trust
            || self.collection.knowledge()?.offsets == Some(true))
    }

    /// Tells by the page that the collection starts with whether an offset was honoured.
    fn compare(&mut self, page: Page, ask: Ask, landed: (Page, Ask)) -> Result<(Page, Ask)> {
        let offsets = self.paginator.offsets();
        if offsets == Offsets::Never || page.rows().is_empty() {
            return Ok((page, ask));
        }
        // None came, and nothing shows that there are no rows as far as that: the offset may have been taken for a filter.
        let start = self.course.start;
        let may_reach =
            page.rows().len() as u64 > start || page.count().is_none_or(|count| count > start);
        if landed.0.rows().is_empty() && may_reach {
            return Ok((page, ask));
        }
        // No rows are as far as that, and the offset may have been taken for a filter all the same.
        if landed.0.rows().is_empty()
            && (landed.0.count().is_none() || landed.0.count() != page.count())
        {
            return Ok(landed);
        }
        let honoured = !self
            .collection
            .same_row(landed.0.rows().first(), page.rows().first());
        if honoured {
            self.paginator
                .become_one_of(Style::LimitOffset, &self.known);
            self.collection.learn(|known| known.learn_offsets(true))?;
            return Ok(landed);
        }
        if offsets == Offsets::Always && self.shows_every_row(&page, &ask) {
            self.offsets_are_ignored()?;
        }
        Ok((page, ask))
    }

    /// Whether the server has hidden no row of the page after it was cut: as many have come as were asked for, or as its link
    /// leads over. With hidden rows, the first one behind an offset may be the first one of all.
    fn shows_every_row(&self, page: &Page, ask: &Ask) -> bool {
        let rows = page.rows().len() as u64;
        let parameters = self.paginator.parameters();
        let position = parameters.position().unwrap_or("offset");
        let linked = page.next().map(query_pairs).unwrap_or_default();
        let mut linked = linked.iter().filter(|(name, _)| name == position);
        let offset = linked
            .next_back()
            .and_then(|(_, offset)| offset.parse().ok());
        parameters.asked_size(&ask.query) == Some(rows) || offset == Some(ask.position + rows)
    }

    /// A page that the server does not have (404).
    pub(super) fn missing(&mut self, error: Error, ask: Ask) -> Result<Option<Batch>> {
        match ask.why {
            // Perhaps the start lies behind the end. Or nothing is there at all: the first page will tell.
            Why::Jump(_) => {
                self.restart();
                Ok(None)
            }
            Why::Counted | Why::Guessed => {
                self.compare_with_count(ask.position)?;
                Ok(Some(Batch::end(ask.position)))
            }
            Why::Tried(_) => self.repeated(&ask),
            Why::Beyond(probe) => self.look_beyond(probe, Came::Nothing, None, ask),
            Why::Linked if self.paginator.may_shrink() => {
                self.misses_rows = true;
                report_drift(
                    &self.collection,
                    format!(
                        "the page after {} rows disappeared while the pages were read: rows were removed",
                        ask.position
                    ),
                )?;
                Ok(Some(Batch::end(ask.position)))
            }
            // Without its page, the rest cannot be reached.
            Why::Linked | Why::Start | Why::Restart | Why::Everything => Err(error),
        }
    }
}
