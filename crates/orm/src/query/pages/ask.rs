//! Where a page is: the parameters that ask for it, by offset, by number, or by a link.

use django_api_orm_core::{
    Pagination,
    knowledge::Knowledge,
    page::{Page, Style},
};

use super::pairs::{Pairs, find, merge, number, remove, set};

/// A request for a page.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) query: Pairs,
    /// The index of its first row among the rows that the server has for the query.
    pub(super) position: u64,
    pub(super) why: Why,
    /// Its first rows may be on the page before, because it is not certain where that one ended.
    pub(super) overlaps: bool,
}

/// What there is to say for a page before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The collection starts there.
    Start,
    /// Rows before it are jumped over, if the server does as asked.
    Jump,
    /// The collection starts there, and a jump did not show that it landed.
    Restart,
    /// The page before links to it.
    Linked,
    /// There is no link, but the server counts more rows.
    Counted,
    /// There is neither link nor count, and no sign of the end.
    Guessed,
    /// The server counts more rows, and does not say how to get them: perhaps by this style.
    Tried(Style),
    /// The server ignores offsets: everything that is needed, in one page.
    Whole,
}

/// The parameters of a paginator: declared, else DRF's.
#[derive(Debug)]
pub(super) struct Paginator {
    declared: Option<Pagination>,
    pub(super) style: Option<Style>,
    /// Rows that the caller wants in a page.
    preferred: Option<u64>,
    first_page: Option<u64>,
}

impl Paginator {
    pub(super) fn new(declared: Option<Pagination>, preferred: Option<u64>) -> Self {
        Self {
            style: declared.as_ref().map(Pagination::style),
            preferred: declared
                .as_ref()
                .and_then(Pagination::page_size)
                .or(preferred),
            first_page: declared.as_ref().map(Pagination::first_page),
            declared,
        }
    }

    pub(super) fn is_declared(&self) -> bool {
        self.declared.is_some()
    }

    pub(super) fn is(&self, style: Style) -> bool {
        self.style == Some(style)
    }

    /// What an earlier query has seen of the endpoint.
    pub(super) fn recall(&mut self, known: &Knowledge) {
        self.style = self.style.or(known.style);
        self.first_page = self.first_page.or(known.first_page);
    }

    /// What a page shows of the paginator, unless it is declared.
    pub(super) fn recognise(&mut self, page: &Page, sent: &[(String, String)]) {
        if self.is_declared() {
            return;
        }
        match page.recognise(sent) {
            // A page without a link may be the only one of any paginator.
            Some(style @ (Style::None | Style::Link))
                if self.is(Style::None) || self.style.is_none() =>
            {
                self.style = Some(style);
            }
            Some(Style::None | Style::Link) | None => {}
            Some(style) => self.style = Some(style),
        }
    }

    /// The parameter that says which page.
    pub(super) fn position_name(&self) -> Option<&str> {
        match &self.declared {
            Some(declared) => declared.position_parameter(),
            None => self.style?.position_parameter(),
        }
    }

    /// The parameter that says how many rows; `limit` until an answer shows that it is of no use.
    pub(super) fn size_name(&self) -> Option<&str> {
        match (&self.declared, self.style) {
            (Some(declared), _) => declared.size_parameter(),
            (None, Some(Style::LimitOffset) | None) => Some("limit"),
            (None, Some(_)) => None,
        }
    }

    /// The size that was asked for.
    pub(super) fn asked_size(&self, query: &[(String, String)]) -> Option<u64> {
        number(query, self.size_name()?)
    }

    /// Asks for the rows that the caller prefers in a page, and no more than are needed.
    pub(super) fn ask_size(&self, query: &mut Pairs, needed: Option<u64>) -> Option<u64> {
        let size = match (self.preferred, needed) {
            (Some(size), Some(needed)) => size.min(needed),
            (size, needed) => size.or(needed)?,
        };
        set(query, self.size_name()?, size.max(1));
        Some(size.max(1))
    }

    /// Asks for the rows from `offset` on.
    pub(super) fn ask_offset(&self, query: &mut Pairs, offset: u64) {
        let name = self.position_name().unwrap_or("offset");
        remove(query, name);
        if offset > 0 {
            set(query, name, offset);
        }
    }

    /// Asks for the page after so many whole pages.
    pub(super) fn ask_page(&self, query: &mut Pairs, pages_before: u64) {
        let name = self.position_name().unwrap_or("page");
        remove(query, name);
        if pages_before > 0 {
            set(
                query,
                name,
                self.first_page.unwrap_or(1).saturating_add(pages_before),
            );
        }
    }

    /// The number of the page that was asked for.
    pub(super) fn page_number(&self, query: &[(String, String)]) -> u64 {
        let asked = self.position_name().and_then(|name| number(query, name));
        asked.or(self.first_page).unwrap_or(1)
    }

    /// The offset that was asked for.
    pub(super) fn offset(&self, query: &[(String, String)]) -> Option<u64> {
        number(query, self.position_name()?)
    }

    pub(super) fn linked(&self, own: &[(String, String)], link: &str) -> Pairs {
        merge(own, link, self.position_name())
    }

    /// What the link from the first page to the second shows of the number of the first.
    pub(super) fn learn_first_page(&mut self, page: &Page, sent: &[(String, String)]) {
        let unknown = self.first_page.is_none() && self.is(Style::PageNumber);
        if let (true, Some(link), Some(name)) = (unknown, page.next(), self.position_name())
            && find(sent, name).is_none()
            && let Some(second) = number(&self.linked(sent, link), name)
        {
            self.first_page = Some(second.saturating_sub(1));
        }
    }

    /// The number of the first page, if that is known.
    pub(super) fn first_page(&self) -> Option<u64> {
        self.first_page
    }
}
