//! How a collection is read page by page: what is asked first, what after a page, and how to begin in the middle.
//!
//! A [`Paginator`] is one of six states, each in a file of its own with a worked example. It knows how its server is asked
//! and what an answer says of the next one; it makes no requests. Whether a page is believed, reported or read ahead is the
//! business of the walk, which is the same for every paginator.
//!
//! A new paginator is a variant, a file that implements [`Paging`], and a line in each `match` of this one.

mod ask;
mod beyond;
mod cursor;
mod limit_offset;
mod link;
mod page_number;
mod pairs;
mod parameters;
#[cfg(test)]
mod tests;
mod unrecognised;
mod whole;

use std::ops::{Deref, DerefMut};

pub use ask::{Ask, Course, Turn, Why};
pub use beyond::{Beyond, Came, Shown};
pub use cursor::Cursor;
pub use limit_offset::LimitOffset;
pub use link::Link;
pub use page_number::PageNumber;
pub use pairs::{Pairs, sorted};
pub use parameters::Parameters;
pub use unrecognised::{Unrecognised, first_of_tried, try_another};
pub use whole::Whole;

use crate::{
    knowledge::Knowledge,
    page::{Page, Pagination, Style},
};

/// How an endpoint is read, as far as its answers or its declaration tell.
#[derive(Debug)]
pub enum Paginator {
    /// Nothing has shown it yet.
    Unrecognised(Unrecognised),
    /// `?limit=20&offset=40`.
    LimitOffset(LimitOffset),
    /// `?page=3`.
    PageNumber(PageNumber),
    /// `?cursor=cD0y`.
    Cursor(Cursor),
    /// Only the server's links tell.
    Link(Link),
    /// Everything comes in one answer.
    Whole(Whole),
}

/// What a paginator decides. Where it does not say otherwise, it can only begin at the beginning and follow links.
pub trait Paging {
    /// The names of its parameters.
    fn parameters(&self) -> &Parameters;

    /// The first request, and the row with which its page starts if the server does as asked.
    fn first(&mut self, course: &Course, _known: &Knowledge) -> Ask {
        self.parameters().beginning(course, Why::Start)
    }

    /// Where the page that came for a jump starts. `offsets_hold` says that offsets are trusted or have been seen to be
    /// honoured.
    fn landed(&self, _page: &Page, _ask: &Ask, _offsets_hold: bool) -> Landing {
        Landing::Unclear
    }

    /// Whether the server may have honoured an offset.
    fn offsets(&self) -> Offsets {
        Offsets::Never
    }

    /// A shortcut from the page that the collection starts with to the one with the first row that is wanted.
    fn jump(&mut self, _turn: &Turn<'_>) -> Jump {
        Jump::Stay
    }

    /// The parameters of a request that are not the server's: those of the query, and a size that was chosen.
    fn own(&self, turn: &Turn<'_>) -> Pairs {
        let parameters = self.parameters();
        parameters.own(turn, parameters.size())
    }

    /// The page that the server links to; `None` where the link leads back.
    fn follow(&mut self, link: &str, turn: &Turn<'_>) -> Option<Ask> {
        Some(Ask {
            query: self.parameters().linked(&self.own(turn), link),
            position: turn.reached,
            why: Why::Linked,
            overlaps: false,
        })
    }

    /// The page after one without a link, where the server counts more rows than have come.
    fn counted(&self, _turn: &Turn<'_>) -> Option<Ask> {
        None
    }

    /// The page after one with neither a link nor a count, if there is a sign of one.
    fn guessed(&self, _turn: &Turn<'_>) -> Option<Ask> {
        None
    }

    /// The page after one that is under way, where it can be told before that one has come.
    fn ahead(&self, _last: &Ask, _position: u64, _course: &Course) -> Option<Pairs> {
        None
    }

    /// What to do about a page that has come before.
    fn repeated(&self, _ask: &Ask, _course: &Course) -> Repeated {
        Repeated::Drift
    }

    /// Keeps that rows of a page were on the one before it.
    fn overlapped(&mut self) {}

    /// The size that was asked for, by a parameter that the server is known to have.
    fn promised_size<'a>(&'a self, ask: &Ask) -> Option<(&'a str, u64)> {
        let name = self.parameters().size()?;
        Some((name, pairs::number(&ask.query, name)?))
    }

    /// Whether a page that was linked to may be gone because rows were removed; otherwise its absence is an error.
    fn may_shrink(&self) -> bool {
        false
    }

    /// Keeps for later queries what a page of so many rows has shown; `more` where the server says that others follow it.
    fn learn(&self, _rows: u64, _more: bool, _course: &Course, _known: &mut Knowledge) {}
}

/// Where the page that came for a jump starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// Where it should.
    There,
    /// With the first row: the server has no such parameter.
    AtTheBeginning,
    /// The page does not show it; the one that the collection starts with will.
    Unclear,
}

/// Whether a server may have honoured an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offsets {
    /// It has none.
    Never,
    /// The first page will tell.
    Perhaps,
    /// It pages by them, so it should have.
    Always,
}

/// What comes after the page that the collection starts with.
#[derive(Debug, PartialEq, Eq)]
pub enum Jump {
    /// Whatever comes next.
    Stay,
    /// The page that holds the first row that is wanted.
    To(Ask),
    /// Nothing: the first row that is wanted lies behind the end.
    BehindTheEnd,
}

/// What to do about a page that has come before.
#[derive(Debug, PartialEq, Eq)]
pub enum Repeated {
    /// The server ignores offsets; a page that holds everything, if one can be asked for.
    OffsetsIgnored(Option<Ask>),
    /// Go on with another page.
    Skip(Ask),
    /// Report it: nothing can be said of the rows that follow.
    Drift,
}

impl Paginator {
    /// The paginator that a model or client declares, or one that is still to be recognised. `preferred` rows are asked
    /// for in a page.
    #[must_use]
    pub fn new(declared: Option<&Pagination>, preferred: Option<u64>) -> Self {
        match declared {
            Some(declared) => Self::of(
                declared.style(),
                Parameters::declared(declared, preferred),
                Some(declared.first_page()),
            ),
            None => Self::Unrecognised(Unrecognised::new(preferred)),
        }
    }

    fn of(style: Style, parameters: Parameters, first_page: Option<u64>) -> Self {
        match style {
            Style::LimitOffset => Self::LimitOffset(LimitOffset::new(parameters)),
            Style::PageNumber => Self::PageNumber(PageNumber::new(parameters, first_page)),
            Style::Cursor => Self::Cursor(Cursor::new(parameters)),
            Style::Link => Self::Link(Link::new(parameters)),
            Style::None => Self::Whole(Whole::new(parameters)),
        }
    }

    /// The family, once it is known.
    #[must_use]
    pub fn style(&self) -> Option<Style> {
        match self {
            Self::Unrecognised(_) => None,
            Self::LimitOffset(_) => Some(Style::LimitOffset),
            Self::PageNumber(_) => Some(Style::PageNumber),
            Self::Cursor(_) => Some(Style::Cursor),
            Self::Link(_) => Some(Style::Link),
            Self::Whole(_) => Some(Style::None),
        }
    }

    /// Whether the program has said so, and not the server.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.parameters().is_declared()
    }

    /// The first request of a walk, with what earlier ones have shown of the endpoint.
    pub fn begin(&mut self, course: &Course, known: &Knowledge) -> Ask {
        if known.sizes == Some(false) {
            self.leave_size_out();
        }
        if let (None, Some(style)) = (self.style(), known.style) {
            self.become_one_of(style, known);
        }
        self.first(course, known)
    }

    /// Asks for no size any more, unless one is declared: the server takes it for a filter.
    pub fn leave_size_out(&mut self) {
        if let Self::Unrecognised(unrecognised) = self {
            unrecognised.leave_size_out();
        }
    }

    /// Takes on what a page shows of the paginator, unless it is declared.
    pub fn recognise(&mut self, page: &Page, sent: &[(String, String)], known: &Knowledge) {
        let Some(shown) = page.recognise(sent) else {
            return;
        };
        // A page without a link may be the only one of any paginator.
        let vague = matches!(shown, Style::None | Style::Link);
        if !vague || matches!(self, Self::Unrecognised(_) | Self::Whole(_)) {
            self.become_one_of(shown, known);
        }
    }

    /// Goes on as a paginator of this style, unless it is declared or is one already.
    pub fn become_one_of(&mut self, style: Style, known: &Knowledge) {
        if self.is_declared() || self.style() == Some(style) {
            return;
        }
        let parameters = self.parameters().recognised(style);
        *self = Self::of(style, parameters, None);
        if let Self::PageNumber(numbered) = self {
            numbered.recall(known);
        }
    }
}

impl Deref for Paginator {
    type Target = dyn Paging;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Unrecognised(state) => state,
            Self::LimitOffset(state) => state,
            Self::PageNumber(state) => state,
            Self::Cursor(state) => state,
            Self::Link(state) => state,
            Self::Whole(state) => state,
        }
    }
}

impl DerefMut for Paginator {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Unrecognised(state) => state,
            Self::LimitOffset(state) => state,
            Self::PageNumber(state) => state,
            Self::Cursor(state) => state,
            Self::Link(state) => state,
            Self::Whole(state) => state,
        }
    }
}
