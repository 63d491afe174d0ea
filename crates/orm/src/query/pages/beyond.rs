//! Behind a page of which nothing tells whether it is the last one: probes show it, once for an endpoint.

use django_api_orm_core::{
    Error, Result,
    page::{Page, Style},
    paginator::{Ask, Beyond, Came, Shown},
};
use http::StatusCode;

use super::{Batch, Pages, Step};

impl Pages {
    /// What an answer to a probe shows; `None` where another one has to be asked.
    pub(super) fn look_beyond(
        &mut self,
        probe: Beyond,
        came: Came,
        page: Option<Page>,
        ask: Ask,
    ) -> Result<Option<Batch>> {
        let rows = ask.position;
        self.sees_others |= matches!(came, Came::Others | Came::Mixed);
        let size = asked_size(&ask);
        match (probe.shown(came, rows), page) {
            (Shown::Ask(next), _) => {
                self.step = Step::Ask(next.ask(ask.query, rows));
                Ok(None)
            }
            (Shown::Follows(style), Some(page)) => {
                let follow = page.rows().len() as u64 > u64::from(ask.overlaps);
                self.learn_beyond(probe, style, size, rows, follow)?;
                self.accept(page, ask)
            }
            (Shown::Follows(style) | Shown::End(style), _) => {
                self.learn_beyond(probe, style, size, rows, false)?;
                Ok(Some(Batch::end(rows)))
            }
            (Shown::NoneYet, _) => Ok(Some(Batch::end(rows))),
            (Shown::Skipped, _) => Err(Error::unsupported(format!(
                "the server has more rows than the {rows} that it has sent, behind an offset that is called `skip`; declare the pagination of \
                 `{}` (limit and offset, with `skip` for its position)",
                self.collection.model().name()
            ))),
            (Shown::Whole, _) if self.sees_others || self.is_of_several => {
                Err(self.no_way_on(rows))
            }
            // It may have been cut where it was asked to be.
            (Shown::Whole, _) if size == Some(rows) && probe != Beyond::Unsized => {
                let base = self.course.base.clone();
                self.step = Step::Ask(Beyond::Unsized.ask(base, rows));
                Ok(None)
            }
            (Shown::Whole, page) => {
                let all = page.filter(|_| probe == Beyond::Unsized);
                let came = all.as_ref().map_or(rows, |page| page.rows().len() as u64);
                self.collection.learn(|known| {
                    known.whole = known.whole.max(came);
                    known.style = Some(Style::None);
                })?;
                let known = usize::try_from(rows).unwrap_or(usize::MAX);
                let rest = all.map(|page| page.into_rows().into_iter().skip(known).collect());
                Ok(Some(Batch {
                    rows: rest.unwrap_or_default(),
                    ..Batch::end(rows)
                }))
            }
        }
    }

    /// What the rows of an answer to a probe are, beside those of the first page.
    pub(super) fn came_beyond(&mut self, page: &Page) -> Came {
        let (known, begins_with_last) = self.seen.known_rows(page);
        let rows = page.rows().len();
        match rows {
            0 => Came::Nothing,
            1 if begins_with_last && !self.seen.has(page) => Came::LastAlone,
            _ if begins_with_last && known == 1 && !self.seen.has(page) => Came::LastRow,
            _ if known == rows || self.seen.has(page) => Came::Same,
            _ if known > 0 => Came::Mixed,
            _ => Came::Others,
        }
    }

    /// Keeps the paginator that a probe has shown; `follow`: so many `rows` were a full page, not the last one.
    fn learn_beyond(
        &mut self,
        probe: Beyond,
        style: Style,
        size: Option<u64>,
        rows: u64,
        follow: bool,
    ) -> Result<()> {
        if let Some(first) = probe.first_page() {
            self.known.first_page = Some(first);
        }
        self.paginator.become_one_of(style, &self.known);
        if follow {
            self.course.size = rows;
        }
        self.learn_style()?;
        self.collection.learn(|known| {
            known.first_page = probe.first_page().or(known.first_page);
            if style == Style::LimitOffset {
                known.learn_offsets(true);
            }
            match size {
                None if follow => known.page_size = Some(rows),
                None => known.last_page = known.last_page.max(rows),
                Some(size) if follow && rows < size => known.size_cap = Some(rows),
                Some(_) => {}
            }
        })
    }
}

/// Whether the server has answered a probe with a refusal, whatever it refuses; not that it cannot answer now, or this client.
pub(super) fn refuses(error: &Error) -> bool {
    let about_others = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    error
        .status()
        .is_some_and(|status| status.is_client_error() && !about_others.contains(&status))
}

/// The size that was asked for before anything was known of the paginator.
fn asked_size(ask: &Ask) -> Option<u64> {
    let mut limits = ask.query.iter().filter(|(name, _)| name == "limit");
    limits.next_back()?.1.parse().ok()
}
