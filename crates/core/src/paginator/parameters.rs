//! The parameters of a paginator: as declared, else with DRF's names.

use crate::page::{Pagination, Style};

use super::{
    ask::{Ask, Course, Turn, Why},
    pairs::{Pairs, merge, number, remove, set},
};

/// The names of a paginator's parameters, and how many rows to ask for.
#[derive(Debug, Clone)]
pub struct Parameters {
    position: Option<String>,
    size: Option<String>,
    /// Rows that the caller wants in a page.
    preferred: Option<u64>,
    declared: bool,
    /// The server takes `limit` for a filter.
    misread: bool,
}

impl Parameters {
    pub(super) fn declared(declared: &Pagination, preferred: Option<u64>) -> Self {
        Self {
            position: declared.position_parameter().map(str::to_owned),
            size: declared.size_parameter().map(str::to_owned),
            preferred: declared.page_size().or(preferred),
            declared: true,
            misread: false,
        }
    }

    /// Those of a paginator that is not recognised: a limit may be honoured until an answer shows that it is of no use.
    pub(super) fn unrecognised(preferred: Option<u64>) -> Self {
        Self {
            position: None,
            size: Some("limit".to_owned()),
            preferred,
            declared: false,
            misread: false,
        }
    }

    /// Those of a style that answers have shown.
    pub(super) fn recognised(&self, style: Style) -> Self {
        Self {
            position: style.position_parameter().map(str::to_owned),
            size: (style == Style::LimitOffset && !self.misread).then(|| "limit".to_owned()),
            preferred: self.preferred,
            declared: false,
            misread: self.misread,
        }
    }

    /// The same, where the server takes a size for a filter.
    pub(super) fn without_size(&self) -> Self {
        Self {
            size: None,
            misread: true,
            ..self.clone()
        }
    }

    pub(super) fn is_declared(&self) -> bool {
        self.declared
    }

    /// The parameter that says which page.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// The parameter that says how many rows.
    #[must_use]
    pub fn size(&self) -> Option<&str> {
        self.size.as_deref()
    }

    /// The size that was asked for.
    #[must_use]
    pub fn asked_size(&self, query: &[(String, String)]) -> Option<u64> {
        number(query, self.size()?)
    }

    /// Whether as many rows came as were asked for, or as other pages are known to have.
    pub(super) fn is_full(&self, turn: &Turn<'_>) -> bool {
        let size = turn.course.size.max(turn.course.least);
        let asked = self.asked_size(&turn.ask.query);
        turn.rows() >= asked.map_or(size, |asked| asked.min(size))
    }

    /// Asks for the page that the collection starts with.
    #[must_use]
    pub fn beginning(&self, course: &Course, why: Why) -> Ask {
        let mut query = course.base.clone();
        self.ask_size(&mut query, course.end(), course);
        Ask {
            query,
            position: 0,
            why,
            overlaps: false,
        }
    }

    /// Asks for the rows that the caller prefers in a page, and no more than are needed.
    pub(super) fn ask_size(&self, query: &mut Pairs, needed: Option<u64>, course: &Course) {
        let size = match (self.preferred, needed) {
            (Some(size), Some(needed)) => Some(size.min(needed)),
            (size, needed) => size.or(needed),
        };
        if let Some(size) = size {
            self.set_size(query, size.max(1), course);
        }
    }

    /// Asks for pages of so many rows; for the server's own, where it has refused such a size.
    pub(super) fn set_size(&self, query: &mut Pairs, size: u64, course: &Course) {
        let Some(name) = self.size() else {
            return;
        };
        remove(query, name);
        if course.largest.is_none_or(|largest| size <= largest) {
            set(query, name, size);
        }
    }

    /// Asks for the rows from `offset` on.
    pub(super) fn ask_offset(&self, query: &mut Pairs, offset: u64) {
        let name = self.position().unwrap_or("offset");
        remove(query, name);
        if offset > 0 {
            set(query, name, offset);
        }
    }

    /// Asks for no larger page than the rows still needed, unless it is not known any more how many they are.
    pub(super) fn ask_no_more_than_needed(&self, query: &mut Pairs, turn: &Turn<'_>) {
        let (Some(name), course) = (self.size(), turn.course) else {
            return;
        };
        match course.end().map(|end| end.saturating_sub(turn.reached)) {
            None if !course.widened => {}
            Some(rest) if rest > 0 => {
                let size = course.size.max(turn.rows()).max(1);
                self.set_size(query, rest.min(size), course);
            }
            // More than was thought to be needed: by whole pages.
            _ => {
                remove(query, name);
                self.ask_size(query, None, course);
            }
        }
    }

    /// The parameters of the query itself, and the size of pages under this name if it was chosen.
    pub(super) fn own(&self, turn: &Turn<'_>, size: Option<&str>) -> Pairs {
        let mut own = turn.course.base.clone();
        if let Some((name, size)) =
            size.and_then(|name| Some((name, number(&turn.ask.query, name)?)))
        {
            set(&mut own, name, size);
        }
        own
    }

    /// What a link says, under our own parameters.
    pub(super) fn linked(&self, own: &[(String, String)], link: &str) -> Pairs {
        merge(own, link, self.position())
    }
}
