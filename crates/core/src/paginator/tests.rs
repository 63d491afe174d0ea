//! What the examples of the paginators share, and what holds between paginators.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;

use super::*;
use crate::page::query_pairs;

/// A walk without a server: the test plays it.
pub(super) struct Example {
    pub(super) paginator: Paginator,
    pub(super) course: Course,
    pub(super) known: Knowledge,
}

impl Example {
    /// Rows from `start` on, of an endpoint of which nothing is known.
    pub(super) fn new(start: u64, wanted: Option<u64>) -> Self {
        Self::of(None, start, wanted)
    }

    pub(super) fn of(declared: Option<Pagination>, start: u64, wanted: Option<u64>) -> Self {
        Self {
            paginator: Paginator::new(declared.as_ref(), None),
            course: Course::new(query_pairs("?active=true"), start, wanted),
            known: Knowledge::default(),
        }
    }

    pub(super) fn begin(&mut self) -> Ask {
        self.paginator.begin(&self.course, &self.known)
    }

    /// Where the page lies that came for a jump.
    pub(super) fn landed(&mut self, ask: &Ask, page: &Page) -> Landing {
        self.paginator.recognise(page, &ask.query, &self.known);
        self.paginator.landed(page, ask, false)
    }

    /// Whether the page that the collection starts with allows a shortcut.
    pub(super) fn jump(&mut self, ask: &Ask, page: &Page) -> Jump {
        self.paginator.recognise(page, &ask.query, &self.known);
        self.paginator.jump(&Turn {
            course: &self.course,
            page,
            ask,
            reached: ask.position,
        })
    }

    /// What is asked after the page: by its link, else by its count, else by a guess.
    pub(super) fn after(&mut self, ask: &Ask, page: &Page) -> Option<Ask> {
        self.paginator.recognise(page, &ask.query, &self.known);
        self.course.count = page.count();
        let reached = ask.position + page.rows().len() as u64;
        let turn = Turn {
            course: &self.course,
            page,
            ask,
            reached,
        };
        let next = match (page.next(), page.count()) {
            (Some(link), _) => self.paginator.follow(link, &turn),
            (None, Some(count)) if reached < count => self.paginator.counted(&turn),
            (None, Some(_)) => None,
            (None, None) => self.paginator.guessed(&turn),
        };
        self.course.size = self.course.size.max(page.rows().len() as u64);
        next
    }

    /// What is asked after a request that is under way.
    pub(super) fn ahead(&self, last: &Ask) -> Option<String> {
        let position = last.position + self.course.size;
        let query = self.paginator.ahead(last, position, &self.course)?;
        Some(text(&query))
    }
}

/// A page of rows in an envelope with these other fields.
pub(super) fn page(rows: Range<u64>, fields: &str) -> Page {
    parse(&format!(r#"{{{fields}, "results": {}}}"#, list_of(rows)))
}

/// A plain list of rows.
pub(super) fn list(rows: Range<u64>) -> Page {
    parse(&list_of(rows))
}

fn list_of(rows: Range<u64>) -> String {
    let rows: Vec<String> = rows.map(|id| format!(r#"{{"id": {id}}}"#)).collect();
    format!("[{}]", rows.join(","))
}

fn parse(body: &str) -> Page {
    Page::parse(&Bytes::copy_from_slice(body.as_bytes()), &HeaderMap::new()).unwrap()
}

/// The query of a request as text in alphabetical order, without what every request of an example has.
pub(super) fn text(query: &[(String, String)]) -> String {
    let pairs: Vec<String> = sorted(query)
        .iter()
        .filter(|(name, _)| name != "active")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Query, position and reason of a request.
pub(super) fn told(ask: &Ask) -> (String, u64, Why) {
    (text(&ask.query), ask.position, ask.why)
}

#[test]
fn what_is_declared_is_not_recognised_otherwise() {
    let numbered = page(0..25, r#""count": 130, "next": "?active=true&page=2""#);
    for (declared, style) in [
        (Pagination::none(), Style::None),
        (Pagination::link(), Style::Link),
        (Pagination::cursor(), Style::Cursor),
        (Pagination::page_number(), Style::PageNumber),
        (Pagination::limit_offset(), Style::LimitOffset),
    ] {
        let mut example = Example::of(Some(declared), 0, None);
        let first = example.begin();
        example.after(&first, &numbered);
        assert_eq!(example.paginator.style(), Some(style));
        example
            .paginator
            .become_one_of(Style::Cursor, &example.known);
        assert_eq!(example.paginator.style(), Some(style));
    }
}

#[test]
fn a_page_without_a_link_does_not_make_a_paginator_forget_itself() {
    let mut example = Example::new(0, None);
    let first = example.begin();
    example.after(
        &first,
        &page(0..25, r#""next": "?active=true&cursor=cD0y""#),
    );
    assert_eq!(example.paginator.style(), Some(Style::Cursor));
    example.after(&first, &list(25..30));
    assert_eq!(example.paginator.style(), Some(Style::Cursor));
    example.after(&first, &page(25..50, r#""next": "?active=true&after=x""#));
    assert_eq!(example.paginator.style(), Some(Style::Cursor));
}

#[test]
fn what_earlier_walks_have_seen_is_known_from_the_start() {
    for style in [
        Style::LimitOffset,
        Style::PageNumber,
        Style::Cursor,
        Style::Link,
        Style::None,
    ] {
        let mut example = Example::new(0, Some(10));
        example.known.style = Some(style);
        let first = example.begin();
        assert_eq!(example.paginator.style(), Some(style));
        // Only limit/offset pagination is known to have a limit.
        let limit = if style == Style::LimitOffset {
            "limit=10"
        } else {
            ""
        };
        assert_eq!(text(&first.query), limit);
    }
}

#[test]
fn no_paginator_jumps_where_pages_are_of_different_sizes() {
    for style in [None, Some(Style::LimitOffset), Some(Style::PageNumber)] {
        let mut example = Example::new(50, None);
        example.known.style = style;
        example.known.page_size = Some(25);
        assert!(matches!(example.begin().why, Why::Jump(_)), "{style:?}");
        let mut example = Example::new(50, None);
        example.known.style = style;
        example.known.page_size = Some(25);
        example.known.uneven = true;
        let first = example.begin();
        assert_eq!((first.position, first.why), (0, Why::Start), "{style:?}");
    }
}

#[test]
fn a_page_that_came_for_another_jump_is_at_the_beginning() {
    // Asked for an offset, the server shows cursors or page numbers.
    for next in [
        "?active=true&offset=40&cursor=x",
        "?active=true&offset=40&page=2",
    ] {
        let mut example = Example::new(40, None);
        let jump = example.begin();
        let first = page(0..25, &format!(r#""next": "{next}""#));
        assert_eq!(example.landed(&jump, &first), Landing::AtTheBeginning);
    }
    // Asked for a numbered page, it shows cursors or offsets: where that page lies, only the first one can tell.
    for next in [
        "?active=true&page=3&cursor=x",
        "?active=true&page=3&offset=25",
    ] {
        let mut example = Example::new(60, None);
        example.known.style = Some(Style::PageNumber);
        example.known.page_size = Some(25);
        let jump = example.begin();
        assert_eq!(text(&jump.query), "page=3");
        let page = page(
            0..25,
            &format!(r#""next": "{next}", "previous": "?page=2""#),
        );
        assert_eq!(example.landed(&jump, &page), Landing::Unclear);
    }
}

#[test]
fn what_a_paginator_is_known_to_have() {
    let one = |declared: Option<Pagination>| {
        let example = Example::of(declared, 0, None);
        let ask = Ask {
            query: query_pairs("?limit=20&page_size=30"),
            position: 0,
            why: Why::Start,
            overlaps: false,
        };
        let size = example.paginator.promised_size(&ask);
        let size = size.map(|(name, size)| format!("{name}={size}"));
        (size, example.paginator.may_shrink())
    };
    let sized = |pagination: Pagination| Some(pagination.with_size_parameter("page_size"));
    // What is not recognised may have no limit at all.
    assert_eq!(one(None), (None, false));
    let limit = Some("limit=20".to_owned());
    assert_eq!(one(Some(Pagination::limit_offset())), (limit, true));
    assert_eq!(one(Some(Pagination::page_number())), (None, true));
    let size = Some("page_size=30".to_owned());
    assert_eq!(one(sized(Pagination::page_number())), (size.clone(), true));
    assert_eq!(one(sized(Pagination::cursor())), (size, false));
    assert_eq!(one(Some(Pagination::none())), (None, false));
}

#[test]
fn no_size_is_asked_for_where_it_is_taken_for_a_filter() {
    let mut example = Example::new(0, Some(10));
    example.known.sizes = Some(false);
    let first = example.begin();
    assert_eq!(told(&first), (String::new(), 0, Why::Start));
    // Nor once it is known to page by limit and offset.
    example
        .paginator
        .become_one_of(Style::LimitOffset, &example.known);
    assert_eq!(text(&example.begin().query), "");
    let mut declared = Example::of(Some(Pagination::limit_offset()), 0, Some(10));
    declared.known.sizes = Some(false);
    declared.paginator.leave_size_out();
    assert_eq!(text(&declared.begin().query), "limit=10");
}
