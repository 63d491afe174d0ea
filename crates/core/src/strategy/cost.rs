//! How many requests a strategy takes.

use std::collections::HashSet;

use super::{Given, Question, Strategy, parts::LARGEST_PART, style};
use crate::{
    page::{Pagination, Style},
    plan::Range,
};

/// What the number of requests depends on beside the strategy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// The paginator.
    style: Option<Style>,
    /// The rows that will come in a page, if that is known.
    page_size: Option<u64>,
    /// Offsets are known to be honoured, or answers show by themselves that they were.
    offsets: bool,
    /// An empty answer to a size that was asked for may have to be asked for again, without the size.
    doubts_sizes: bool,
    /// Nothing shows whether a field holds whole numbers that is asked for a fraction.
    doubts_fractions: bool,
    /// Nothing may tell whether the first page is the last one, so that a probe has to.
    doubts_end: Option<u64>,
}

impl Cost {
    pub(super) fn new(strategy: &Strategy, given: &Given<'_>) -> Self {
        let style = style(given);
        Self {
            style,
            page_size: page_size(strategy, given, style).filter(|size| *size > 0),
            doubts_sizes: asks_size(strategy, given)
                && given.model.pagination().is_none()
                && given.known.sizes_are_doubtful(),
            doubts_fractions: !strategy.trusts
                && (strategy.guards.iter())
                    .any(|guard| given.known.may_cut_fraction_of(guard, given.model)),
            doubts_end: (given.model.pagination().is_none()
                && matches!(style, None | Some(Style::None))
                && !given.known.names_next)
                .then_some(given.known.whole),
            offsets: style.is_some()
                && !given.known.uneven
                && !given.known.refuses_offsets
                && given.known.sizes != Some(false)
                && given.known.offsets != Some(false),
        }
    }
}

/// Whether a page of so many rows is asked for, by a probe or because no more are needed or wanted at once.
fn asks_size(strategy: &Strategy, given: &Given<'_>) -> bool {
    let needed = strategy.range.limit.filter(|_| !strategy.reads_on());
    let needed = needed.or(strategy.at_most);
    !strategy.probes.is_empty() || needed.or(given.policy.page_size).is_some()
}

/// The rows in a page: those that are asked for, if they are not more than the server is known to give; else its own size.
fn page_size(strategy: &Strategy, given: &Given<'_>, style: Option<Style>) -> Option<u64> {
    let declared = given.model.pagination();
    let can_be_asked = match declared {
        Some(declared) => declared.size_parameter().is_some(),
        None => style == Some(Style::LimitOffset) && given.known.takes_sizes(),
    };
    let own = given.known.page_size;
    if !can_be_asked {
        return own;
    }
    let preferred = declared
        .and_then(Pagination::page_size)
        .or(given.policy.page_size);
    let Range { offset, limit } = strategy.range;
    let needed = match limit {
        Some(limit) if strategy.jumps => Some(limit),
        Some(limit) if !strategy.reads_on() => Some(offset.saturating_add(limit)),
        _ => strategy.at_most,
    };
    let asked = match (preferred, needed) {
        (Some(preferred), Some(needed)) => Some(preferred.min(needed)),
        (preferred, needed) => preferred.or(needed),
    };
    let largest = given.known.largest_size();
    let asked = asked.filter(|asked| largest.is_none_or(|largest| *asked <= largest));
    match (asked, given.known.size_cap) {
        (Some(asked), Some(cap)) => Some(asked.min(cap)),
        // What is more than the server's own size it may cut down.
        (Some(asked), None) => own.filter(|own| asked <= *own).and(Some(asked)),
        (None, _) => own,
    }
}

impl Strategy {
    /// Whether rows are left out or sorted client-side, so that nobody knows how many have to be read.
    pub(crate) fn reads_on(&self) -> bool {
        self.leaves_rows_out() || self.sorting.needs_every_row()
    }

    /// Whether the paginator is a cursor, and it is not known yet whether the order has nulls.
    pub(crate) fn may_lose_nulls(&self) -> bool {
        self.cost.style == Some(Style::Cursor) && self.probe_before_second_page.is_some()
    }

    /// The rows in a page, if that is known.
    pub(crate) fn page_size(&self) -> Option<u64> {
        self.cost.page_size
    }

    /// Whether the whole collection comes in one answer.
    pub(crate) fn is_one_page(&self) -> bool {
        self.cost.style == Some(Style::None)
    }

    /// How many requests it takes, if the server has `rows` rows for what it is sent, does as asked, and its answers show it.
    /// `None` where that is not known: see [`Explain::requests`](crate::Explain::requests).
    pub(crate) fn requests(&self, rows: u64) -> Option<u64> {
        if self.is_empty {
            return Some(0);
        }
        let doubts = [&self.unseen, &self.doubted_forms, &self.doubted_digits];
        let doubts_keys = !self.order_is_asked && !self.doubted_keys.is_empty();
        if rows > 0 && (doubts_keys || doubts.iter().any(|doubts| !doubts.is_empty())) {
            return None;
        }
        let is_doubtful = match rows {
            0 => self.doubts_sizes(),
            _ => self.doubts_end().is_some_and(|whole| rows > whole),
        };
        if is_doubtful {
            return None;
        }
        if rows == 0 && (self.cost.doubts_fractions || !self.probes_if_empty.is_empty()) {
            return None;
        }
        if let Some(parts) = &self.parts {
            let parts = parts.count() as u64;
            return self
                .parts_are_pages()
                .then(|| self.requests_of_probes(rows) + parts);
        }
        let pages = self.pages(rows)?;
        let stops_early =
            self.leaves_rows_out() && self.range.limit.is_some() && !self.sorting.needs_every_row();
        if pages > 1 && (stops_early || self.may_lose_nulls()) {
            return None;
        }
        Some(self.requests_of_probes(rows) + pages)
    }

    /// Whether an answer may be empty because the server takes the size that it is asked for to be a filter. Then it is asked
    /// again.
    pub(crate) fn doubts_sizes(&self) -> bool {
        self.cost.doubts_sizes && !self.is_empty
    }

    /// Whether the rows of each part are known to fit into one page.
    fn parts_are_pages(&self) -> bool {
        self.is_one_page()
            || self.parts_are_by_key
                && self
                    .page_size()
                    .is_some_and(|size| size >= LARGEST_PART as u64)
    }

    /// Where nothing may tell that the first page is the last one: with more rows than these, probes show it.
    pub(crate) fn doubts_end(&self) -> Option<u64> {
        self.cost.doubts_end.filter(|_| !self.is_empty)
    }

    fn pages(&self, rows: u64) -> Option<u64> {
        let Range { offset, limit } = self.range;
        let end = match limit {
            Some(limit) if !self.reads_on() => offset.saturating_add(limit).min(rows),
            _ => rows,
        };
        let size = self.cost.page_size;
        let first = if self.jumps { offset.min(rows) } else { 0 };
        Some(match self.cost.style {
            Some(Style::None) => 1,
            Some(Style::LimitOffset) if self.jumps && self.cost.offsets => {
                (end - first).div_ceil(size?).max(1)
            }
            Some(Style::PageNumber) if self.jumps && self.cost.offsets => {
                let size = size?;
                if end == first {
                    // A page that is not there is asked for in vain.
                    let last_page = rows.saturating_sub(1) / size;
                    1 + u64::from(offset / size > last_page)
                } else {
                    (end - 1) / size - first / size + 1
                }
            }
            None | Some(Style::LimitOffset | Style::PageNumber) if self.jumps => return None,
            _ if rows <= 1 => 1,
            _ => end.div_ceil(size?).max(1),
        })
    }

    /// Each is asked its questions once, however many probes need the answer.
    fn requests_of_probes(&self, rows: u64) -> u64 {
        let mut asked = HashSet::new();
        for probe in &self.probes {
            asked.insert(&probe.with);
            // Where nothing is found there is nothing to leave out.
            if rows > 0 || !matches!(probe.question, Question::Filters(_)) {
                asked.insert(&probe.without);
            }
        }
        asked.len() as u64
    }

    /// How many requests the probes take, where the server has rows.
    pub(crate) fn requests_of_all_probes(&self) -> u64 {
        self.requests_of_probes(1)
    }
}
