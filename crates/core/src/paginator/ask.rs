//! A request for a page, and what a paginator is told when it is to find the next one.

use crate::page::{Page, Style};

use super::{beyond::Beyond, pairs::Pairs};

/// A request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The parameters, decoded.
    pub query: Pairs,
    /// The index of the page's first row among the rows that the server has for the query.
    pub position: u64,
    /// Why there should be such a page.
    pub why: Why,
    /// Its first rows may be on the page before, because it is not certain where that one ended.
    pub overlaps: bool,
}

/// Why there should be such a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The collection starts there.
    Start,
    /// The rows before it are jumped over, if the server does as asked: by an offset or by the number of a page.
    Jump(Style),
    /// The collection starts there, and a jump did not show where it landed.
    Restart,
    /// The page before links to it.
    Linked,
    /// There is no link, but the server counts more rows.
    Counted,
    /// There is neither a link nor a count, and no sign of the end.
    Guessed,
    /// The server counts more rows and does not say how to get them: perhaps by this style.
    Tried(Style),
    /// Nothing tells whether the page before is the last one.
    Beyond(Beyond),
    /// The server ignores offsets: everything that is needed, in one page.
    Everything,
}

impl Why {
    /// Nothing that the server has said speaks for such a page.
    #[must_use]
    pub fn is_a_try(self) -> bool {
        matches!(self, Self::Guessed | Self::Tried(_) | Self::Beyond(_))
    }
}

/// What a walk over pages wants, and what it has found on its way.
#[derive(Debug, Clone)]
pub struct Course {
    /// The parameters of the query itself.
    pub base: Pairs,
    /// The row that the first page should start with.
    pub start: u64,
    /// Rows needed from `start` on, if that is known. Pages are asked for no larger than that; they are still there for a
    /// caller who needs more after all.
    pub wanted: Option<u64>,
    /// Pages were asked for no larger than needed, and are not any more.
    pub widened: bool,
    /// How many rows there are, as the last page says.
    pub count: Option<u64>,
    /// The rows of a full page; 0 until one has come.
    pub size: u64,
    /// A full page is known to have as many rows, or more.
    pub least: u64,
    /// As many rows, or fewer, are known to come in one answer.
    pub whole: u64,
    /// The largest size that may be asked for, where the server has refused one.
    pub largest: Option<u64>,
}

impl Course {
    /// Nothing but what is wanted.
    #[must_use]
    pub fn new(base: Pairs, start: u64, wanted: Option<u64>) -> Self {
        Self {
            base,
            start,
            wanted,
            widened: false,
            count: None,
            size: 0,
            least: 0,
            whole: 0,
            largest: None,
        }
    }

    /// The index after the last row needed, if that is known.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        Some(self.start.saturating_add(self.wanted?))
    }

    /// The same, or the end of the collection where that comes before.
    #[must_use]
    pub fn end_or_count(&self) -> Option<u64> {
        self.end().into_iter().chain(self.count).min()
    }
}

/// A page that has been read, from which the walk is to go on.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The walk.
    pub course: &'a Course,
    /// The page.
    pub page: &'a Page,
    /// The request that it answers.
    pub ask: &'a Ask,
    /// The index after its last row.
    pub reached: u64,
}

impl Turn<'_> {
    pub(super) fn rows(&self) -> u64 {
        self.page.rows().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_speaks_for_is_a_try() {
        let tries = [
            Why::Guessed,
            Why::Tried(Style::PageNumber),
            Why::Beyond(Beyond::Either),
        ];
        assert!(tries.into_iter().all(Why::is_a_try));
        for told in [
            Why::Start,
            Why::Jump(Style::LimitOffset),
            Why::Restart,
            Why::Linked,
            Why::Counted,
            Why::Everything,
        ] {
            assert!(!told.is_a_try(), "{told:?}");
        }
    }

    #[test]
    fn a_walk_ends_with_what_is_wanted_or_with_the_collection() {
        let mut course = Course::new(Pairs::new(), 20, Some(10));
        assert_eq!((course.end(), course.end_or_count()), (Some(30), Some(30)));
        course.count = Some(25);
        assert_eq!((course.end(), course.end_or_count()), (Some(30), Some(25)));
        course.wanted = None;
        assert_eq!((course.end(), course.end_or_count()), (None, Some(25)));
        course.count = None;
        assert_eq!(course.end_or_count(), None);
    }
}
