//! DRF's `LimitOffsetPagination`: any row can be asked for by its position.
//!
//! Rows 45 to 95 of 130, from a server that sends at most 20 at a time:
//!
//! ```text
//! ask    ?limit=50&offset=45      why: a jump to row 45, and 50 rows are needed
//! answer {"count": 130, "next": "?limit=20&offset=65", "previous": "?limit=20&offset=25", "results": [20 rows]}
//!                                 a page with one before it does not start with row 0: the offset was honoured
//! ask    ?limit=20&offset=65      why: 20 rows came, not 50, so the next one is row 65
//! ask    ?limit=10&offset=85      why: ten rows are left; sent at once, because count and size tell
//! ```
//!
//! The offset is counted by rows received. A link that would skip rows counts those that the server does not show, or those
//! that were asked for; the request then overlaps, and the rows of the page before tell which it was.

use crate::{
    knowledge::Knowledge,
    page::{Page, Style},
};

use super::{
    Landing, Offsets, Paging, Repeated,
    ask::{Ask, Course, Turn, Why},
    pairs::{Pairs, number, set},
    parameters::Parameters,
};

/// `?limit=20&offset=40`.
#[derive(Debug)]
pub struct LimitOffset {
    parameters: Parameters,
    /// Offsets in links count rows that the server does not show; only the links are right.
    hidden_rows: bool,
}

impl LimitOffset {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            hidden_rows: false,
        }
    }

    fn by_offset(&self, turn: &Turn<'_>, why: Why) -> Ask {
        by_offset(&self.parameters, self.own(turn), turn, why)
    }
}

impl Paging for LimitOffset {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn first(&mut self, course: &Course, known: &Knowledge) -> Ask {
        first_by_offset(&self.parameters, course, known)
    }

    fn landed(&self, page: &Page, ask: &Ask, offsets_hold: bool) -> Landing {
        // A page that does not start with the first row has one before it.
        if ask.why == Why::Jump(Style::LimitOffset) && (page.has_previous() || offsets_hold) {
            Landing::There
        } else {
            Landing::Unclear
        }
    }

    fn offsets(&self) -> Offsets {
        Offsets::Always
    }

    fn follow(&mut self, link: &str, turn: &Turn<'_>) -> Option<Ask> {
        let mut query = self.parameters.linked(&self.own(turn), link);
        if turn.page.rows().is_empty() {
            // There is more behind it, so its rows are there and not shown.
            self.hidden_rows = true;
        }
        // Where rows are hidden, an offset that was counted by rows received may have led back.
        let mut overlaps = self.hidden_rows;
        if !self.hidden_rows {
            let linked = self
                .parameters
                .position()
                .and_then(|name| number(&query, name));
            overlaps = linked.is_some_and(|offset| offset > turn.reached);
            self.parameters.ask_offset(&mut query, turn.reached);
            self.parameters.ask_no_more_than_needed(&mut query, turn);
        }
        Some(Ask {
            query,
            position: turn.reached,
            why: Why::Linked,
            overlaps,
        })
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        (!self.hidden_rows).then(|| self.by_offset(turn, Why::Counted))
    }

    fn guessed(&self, turn: &Turn<'_>) -> Option<Ask> {
        self.parameters
            .is_full(turn)
            .then(|| self.by_offset(turn, Why::Guessed))
    }

    fn ahead(&self, last: &Ask, position: u64, course: &Course) -> Option<Pairs> {
        if self.hidden_rows {
            return None;
        }
        let mut query = last.query.clone();
        self.parameters.ask_offset(&mut query, position);
        if let Some(end) = course.end() {
            let size = end.saturating_sub(position).min(course.size);
            self.parameters.set_size(&mut query, size, course);
        }
        Some(query)
    }

    /// A server that ignores offsets may still honour a limit: then one large page has it all.
    fn repeated(&self, ask: &Ask, course: &Course) -> Repeated {
        let rows = course.end().or(course.count);
        let size = self.parameters.size();
        let is_refused = |rows| course.largest.is_some_and(|largest| largest < rows);
        let rows = rows.filter(|rows| !is_refused(*rows));
        let everything = rows.zip(size).map(|(rows, name)| {
            let mut query = course.base.clone();
            set(&mut query, name, rows);
            Ask {
                query,
                position: ask.position,
                why: Why::Everything,
                overlaps: false,
            }
        });
        Repeated::OffsetsIgnored(everything)
    }

    fn overlapped(&mut self) {
        self.hidden_rows = true;
    }

    fn may_shrink(&self) -> bool {
        true
    }

    fn learn(&self, _rows: u64, _more: bool, _course: &Course, known: &mut Knowledge) {
        known.uneven |= self.hidden_rows;
    }
}

/// The first request, where an offset may be honoured.
pub(super) fn first_by_offset(parameters: &Parameters, course: &Course, known: &Knowledge) -> Ask {
    let jump = course.start > 0;
    let is_refused = known.refuses_offsets || known.sizes == Some(false);
    if jump && known.uneven || known.offsets == Some(false) || is_refused {
        return parameters.beginning(course, Why::Start);
    }
    let mut query = course.base.clone();
    parameters.ask_size(&mut query, course.wanted, course);
    parameters.ask_offset(&mut query, course.start);
    Ask {
        query,
        position: course.start,
        why: if jump {
            Why::Jump(Style::LimitOffset)
        } else {
            Why::Start
        },
        overlaps: false,
    }
}

/// The rows after those that have come, by their offset.
pub(super) fn by_offset(parameters: &Parameters, own: Pairs, turn: &Turn<'_>, why: Why) -> Ask {
    let mut query = own;
    parameters.ask_offset(&mut query, turn.reached);
    parameters.ask_no_more_than_needed(&mut query, turn);
    Ask {
        query,
        position: turn.reached,
        why,
        // Where the server says that there is no next page, its count may include rows that it does not show.
        overlaps: turn.page.names_next(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        page::{Pagination, Style},
        paginator::{
            Landing, Repeated, Why,
            tests::{Example, page, text, told},
        },
    };

    #[test]
    fn everything_is_asked_for_where_offsets_are_ignored_unless_that_was_refused() {
        for (largest, asks) in [
            (None, true),
            (Some(49), false),
            (Some(50), true),
            (Some(51), true),
        ] {
            let mut example = Example::of(Some(Pagination::limit_offset()), 20, Some(30));
            let first = example.begin();
            example.course.largest = largest;
            let Repeated::OffsetsIgnored(everything) =
                example.paginator.repeated(&first, &example.course)
            else {
                panic!("a server that ignores offsets");
            };
            let query = everything.map(|ask| text(&ask.query));
            assert_eq!(query, asks.then(|| "limit=50".to_owned()), "{largest:?}");
        }
    }

    #[test]
    fn hidden_rows_are_remembered() {
        let mut example = Example::of(Some(Pagination::limit_offset()), 0, None);
        let learn = |example: &mut Example| {
            let Example {
                paginator,
                course,
                known,
            } = example;
            paginator.learn(20, true, course, known);
            known.uneven
        };
        assert!(!learn(&mut example));
        example.known.uneven = true;
        assert!(learn(&mut example), "once uneven is so for good");
        example.known.uneven = false;
        example.paginator.overlapped();
        assert!(learn(&mut example));
    }

    #[test]
    fn a_jump_is_made_only_where_offsets_may_be_honoured() {
        let begin = |start, know: fn(&mut crate::knowledge::Knowledge)| {
            let mut example = Example::of(Some(Pagination::limit_offset()), start, Some(10));
            know(&mut example.known);
            told(&example.begin())
        };
        let beginning = ("limit=50".to_owned(), 0, Why::Start);
        let jump = (
            "limit=10&offset=40".to_owned(),
            40,
            Why::Jump(Style::LimitOffset),
        );
        assert_eq!(begin(40, |_| ()), jump);
        assert_eq!(begin(40, |known| known.refuses_offsets = true), beginning);
        assert_eq!(begin(40, |known| known.uneven = true), beginning);
        let first = ("limit=10".to_owned(), 0, Why::Start);
        assert_eq!(begin(0, |_| ()), first);
        assert_eq!(begin(0, |known| known.uneven = true), first);
    }

    #[test]
    fn pages_are_no_larger_than_needed_or_than_was_refused() {
        for (wanted, size) in [(30, "limit=30"), (50, "limit=50"), (51, "")] {
            let mut example = Example::of(Some(Pagination::limit_offset()), 0, Some(wanted));
            example.course.largest = Some(50);
            assert_eq!(text(&example.begin().query), size, "{wanted}");
        }
        let after = |wanted, widened| {
            let mut example = Example::of(Some(Pagination::limit_offset()), 0, wanted);
            let first = example.begin();
            example.course.widened = widened;
            let linked = page(0..20, r#""next": "?active=true&limit=5&offset=20""#);
            text(&example.after(&first, &linked).unwrap().query)
        };
        assert_eq!(after(Some(25), false), "limit=5&offset=20");
        assert_eq!(
            after(Some(20), false),
            "offset=20",
            "more after all: whole pages"
        );
        assert_eq!(after(None, false), "limit=5&offset=20");
        assert_eq!(after(None, true), "offset=20");
    }

    #[test]
    fn rows_45_to_95_of_a_server_with_a_cap() {
        let mut example = Example::new(45, Some(50));
        example.known.style = Some(Style::LimitOffset);
        let jump = example.begin();
        assert_eq!(
            told(&jump),
            (
                "limit=50&offset=45".to_owned(),
                45,
                Why::Jump(Style::LimitOffset)
            )
        );
        let first = page(
            45..65,
            r#""count": 130, "next": "http://10.0.0.1/?limit=20&offset=65", "previous": "?limit=20&offset=25""#,
        );
        assert_eq!(example.landed(&jump, &first), Landing::There);
        let next = example.after(&jump, &first).unwrap();
        assert_eq!(
            told(&next),
            ("limit=20&offset=65".to_owned(), 65, Why::Linked)
        );
        assert!(!next.overlaps);
        assert_eq!(example.ahead(&next).unwrap(), "limit=10&offset=85");
    }

    #[test]
    fn a_jump_has_landed_only_if_something_shows_it() {
        let mut example = Example::of(Some(Pagination::limit_offset()), 40, None);
        let jump = example.begin();
        let shows_nothing = page(
            0..20,
            r#""count": 130, "next": "?offset=60", "previous": null"#,
        );
        assert_eq!(example.landed(&jump, &shows_nothing), Landing::Unclear);
        assert_eq!(
            example.paginator.landed(&shows_nothing, &jump, true),
            Landing::There
        );
    }

    #[test]
    fn a_link_that_skips_rows_overlaps_the_page_before() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        let shorter = page(
            0..15,
            r#""count": 130, "next": "?active=true&limit=20&offset=20""#,
        );
        let next = example.after(&first, &shorter).unwrap();
        assert_eq!(
            (text(&next.query).as_str(), next.overlaps),
            ("limit=20&offset=15", true)
        );
        // If rows of the page before come again, the server counts rows that it does not show: only its links are right.
        example.paginator.overlapped();
        let next = example.after(
            &next,
            &page(15..30, r#""count": 130, "next": "?offset=40""#),
        );
        assert_eq!(text(&next.unwrap().query), "limit=20&offset=40");
        assert!(
            example
                .paginator
                .ahead(&first, 60, &example.course)
                .is_none()
        );
    }

    #[test]
    fn without_a_link_the_count_tells_and_without_a_count_a_full_page() {
        let mut example = Example::of(Some(Pagination::limit_offset()), 0, None);
        let first = example.begin();
        let counted = example.after(&first, &page(0..20, r#""count": 50, "next": null"#));
        assert_eq!(
            told(&counted.unwrap()),
            ("offset=20".to_owned(), 20, Why::Counted)
        );
        let guessed = example.after(&first, &page(0..20, r#""x": 0"#));
        assert_eq!(
            told(&guessed.unwrap()),
            ("offset=20".to_owned(), 20, Why::Guessed)
        );
        assert_eq!(example.after(&first, &page(0..19, r#""x": 0"#)), None);
    }

    #[test]
    fn a_page_that_comes_twice_is_asked_for_whole() {
        let mut example = Example::of(Some(Pagination::limit_offset()), 0, Some(50));
        let mut ask = example.begin();
        ask.position = 20;
        let Repeated::OffsetsIgnored(Some(everything)) =
            example.paginator.repeated(&ask, &example.course)
        else {
            panic!("a limit can be asked for");
        };
        assert_eq!(
            told(&everything),
            ("limit=50".to_owned(), 20, Why::Everything)
        );
        // How many there are is not known, so they cannot be asked for.
        example.course.wanted = None;
        assert_eq!(
            example.paginator.repeated(&ask, &example.course),
            Repeated::OffsetsIgnored(None)
        );
    }
}
