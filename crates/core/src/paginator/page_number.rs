//! DRF's `PageNumberPagination`: pages of one size, counted from a first number.
//!
//! Row 70 and what follows of 130, 25 to a page:
//!
//! ```text
//! ask    (nothing)                why: the size of a page is not known, so there is no telling which one holds row 70
//! answer {"count": 130, "next": "?page=2", "previous": null, "results": [25 rows]}
//!                                 25 rows a page, and the page after the first is number 2: the first is number 1
//! ask    ?page=3                  why: a jump; pages of 25 rows put row 70 into the third, which starts with row 50
//! answer {"count": 130, "next": "?page=4", "previous": "?page=2", "results": [25 rows]}
//!                                 a full page: it starts where it should
//! ask    ?page=4                  why: linked; `?page=5` and `?page=6` are sent at once, because count and size tell
//! ```
//!
//! A shorter page in the middle shows that numbers do not tell positions: from then on such an endpoint is read from its
//! beginning.

use crate::{
    knowledge::Knowledge,
    page::{Page, Style},
};

use super::{
    Jump, Landing, Paging, Repeated,
    ask::{Ask, Course, Turn, Why},
    pairs::{Pairs, find, number, remove, set},
    parameters::Parameters,
};

/// `?page=3`.
#[derive(Debug)]
pub struct PageNumber {
    parameters: Parameters,
    /// The number of the first page, if that is known.
    first: Option<u64>,
    /// The size by which a page was jumped to.
    jumped_by: Option<u64>,
    /// Pages are known to be of different sizes.
    uneven: bool,
}

impl PageNumber {
    pub(super) fn new(parameters: Parameters, first: Option<u64>) -> Self {
        Self {
            parameters,
            first,
            jumped_by: None,
            uneven: false,
        }
    }

    /// Takes over what earlier queries have seen of the endpoint.
    pub(super) fn recall(&mut self, known: &Knowledge) {
        self.first = self.first.or(known.first_page);
        self.uneven = known.uneven;
    }

    fn position(&self) -> &str {
        self.parameters.position().unwrap_or("page")
    }

    fn first_number(&self) -> u64 {
        self.first.unwrap_or(1)
    }

    /// The number of the page that was asked for.
    fn number(&self, query: &[(String, String)]) -> u64 {
        number(query, self.position()).unwrap_or_else(|| self.first_number())
    }

    /// The same request for the page after.
    fn after(&self, mut query: Pairs, asked: &[(String, String)]) -> Pairs {
        self.ask_number(&mut query, self.number(asked).saturating_add(1));
        query
    }

    fn ask_number(&self, query: &mut Pairs, number: u64) {
        remove(query, self.position());
        if number > self.first_number() {
            set(query, self.position(), number);
        }
    }

    /// Asks for the page that holds the row wanted first, by a size that pages have.
    fn jump_by(&mut self, size: u64, course: &Course) -> Ask {
        self.jumped_by = Some(size);
        let pages_before = course.start / size;
        let mut jump = self
            .parameters
            .beginning(course, Why::Jump(Style::PageNumber));
        let number = self.first_number().saturating_add(pages_before);
        self.ask_number(&mut jump.query, number);
        jump.position = pages_before * size;
        jump
    }

    /// What the link from the first page to the second shows of the number of the first.
    fn learn_first(&mut self, link: &str, asked: &[(String, String)]) {
        if self.first.is_none()
            && find(asked, self.position()).is_none()
            && let Some(second) = number(&self.parameters.linked(asked, link), self.position())
        {
            self.first = Some(second.saturating_sub(1));
        }
    }

    fn by_number(&self, turn: &Turn<'_>, why: Why) -> Ask {
        Ask {
            query: self.after(self.own(turn), &turn.ask.query),
            position: turn.reached,
            why,
            overlaps: false,
        }
    }
}

impl Paging for PageNumber {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn first(&mut self, course: &Course, known: &Knowledge) -> Ask {
        self.recall(known);
        let start = self.parameters.beginning(course, Why::Start);
        // A size that was asked for may be capped; a jump takes a size that was seen.
        let size = match self.parameters.asked_size(&start.query) {
            Some(asked) => Some(known.size_cap.map_or(asked, |cap| cap.min(asked))),
            None => known.page_size,
        };
        match size.filter(|size| *size > 0 && course.start >= *size) {
            Some(size) if !self.uneven => self.jump_by(size, course),
            _ => start,
        }
    }

    fn landed(&self, page: &Page, ask: &Ask, _offsets_hold: bool) -> Landing {
        if ask.why == Why::Jump(Style::LimitOffset) {
            // It was asked for an offset before it was known to have none.
            return Landing::AtTheBeginning;
        }
        let len = page.rows().len() as u64;
        let is_whole = if page.next().is_some() {
            self.jumped_by == Some(len)
        } else {
            // The last page may be shorter; then it ends with the last row.
            page.count() == Some(ask.position + len)
        };
        if is_whole {
            Landing::There
        } else {
            Landing::Unclear
        }
    }

    fn jump(&mut self, turn: &Turn<'_>) -> Jump {
        let (size, start) = (turn.rows(), turn.course.start);
        if self.uneven {
            return Jump::Stay;
        }
        if turn
            .page
            .count()
            .is_some_and(|count| count <= start && count >= size)
        {
            return Jump::BehindTheEnd;
        }
        match turn.page.next() {
            Some(link) if size > 0 && start >= size && self.jumped_by != Some(size) => {
                self.learn_first(link, &turn.ask.query);
                Jump::To(self.jump_by(size, turn.course))
            }
            _ => Jump::Stay,
        }
    }

    fn follow(&mut self, link: &str, turn: &Turn<'_>) -> Option<Ask> {
        self.learn_first(link, &turn.ask.query);
        let query = self.parameters.linked(&self.own(turn), link);
        (self.number(&query) > self.number(&turn.ask.query)).then_some(Ask {
            query,
            position: turn.reached,
            why: Why::Linked,
            overlaps: false,
        })
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        Some(self.by_number(turn, Why::Counted))
    }

    fn guessed(&self, turn: &Turn<'_>) -> Option<Ask> {
        self.parameters
            .is_full(turn)
            .then(|| self.by_number(turn, Why::Guessed))
    }

    fn ahead(&self, last: &Ask, _position: u64, _course: &Course) -> Option<Pairs> {
        Some(self.after(last.query.clone(), &last.query))
    }

    /// The link was wrong; the page after it may be right.
    fn repeated(&self, ask: &Ask, course: &Course) -> Repeated {
        if ask.why != Why::Linked || course.count.is_none_or(|count| count <= ask.position) {
            return Repeated::Drift;
        }
        Repeated::Skip(Ask {
            query: self.after(ask.query.clone(), &ask.query),
            why: Why::Counted,
            ..ask.clone()
        })
    }

    fn may_shrink(&self) -> bool {
        true
    }

    fn learn(&self, rows: u64, more: bool, course: &Course, known: &mut Knowledge) {
        known.first_page = self.first.or(known.first_page);
        known.uneven |= more && rows < course.size;
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        knowledge::Knowledge,
        page::{Pagination, Style, query_pairs},
        paginator::{
            Ask, Jump, Landing, Repeated, Why,
            tests::{Example, list, page, text, told},
        },
    };

    #[test]
    fn the_first_page_is_learnt_from_the_first_link_and_not_again() {
        let linked = page(0..25, r#""next": "?active=true&page=6""#);
        let learnt = |mut example: Example, asked: &str| {
            let mut first = example.begin();
            first.query.extend(query_pairs(asked));
            example.after(&first, &linked);
            let Example {
                paginator,
                course,
                mut known,
            } = example;
            paginator.learn(25, true, &course, &mut known);
            known.first_page
        };
        let declared = Pagination::page_number().with_first_page(0);
        assert_eq!(learnt(Example::of(Some(declared), 0, None), ""), Some(0));
        let numbered = || {
            let mut example = Example::new(0, None);
            example.known.style = Some(Style::PageNumber);
            example
        };
        assert_eq!(learnt(numbered(), ""), Some(5));
        assert_eq!(learnt(numbered(), "?page=3"), None, "it was not the first");
    }

    #[test]
    fn the_first_page_has_no_number() {
        let example = Example::of(Some(Pagination::page_number()), 0, None);
        let before = Ask {
            query: query_pairs("?page=0"),
            position: 0,
            why: Why::Linked,
            overlaps: false,
        };
        assert_eq!(example.ahead(&before).as_deref(), Some(""));
    }

    #[test]
    fn a_jump_needs_the_size_of_a_page_and_a_row_behind_it() {
        let mut example = Example::new(40, None);
        example.known.style = Some(Style::PageNumber);
        example.known.page_size = Some(0);
        assert_eq!(told(&example.begin()), (String::new(), 0, Why::Start));
        let jump = |rows, start| {
            let mut example = Example::of(Some(Pagination::page_number()), start, None);
            let first = example.begin();
            let linked = page(0..rows, r#""next": "?active=true&page=2""#);
            let jump = example.jump(&first, &linked);
            (jump, example.jump(&first, &linked))
        };
        assert_eq!(jump(0, 40), (Jump::Stay, Jump::Stay));
        assert_eq!(jump(25, 24), (Jump::Stay, Jump::Stay));
        let (first, again) = jump(25, 60);
        assert!(matches!(first, Jump::To(ask) if text(&ask.query) == "page=3"));
        assert_eq!(again, Jump::Stay, "it has led nowhere");
    }

    #[test]
    fn the_next_number_is_asked_for_where_a_count_or_a_full_page_speaks_for_it() {
        let mut example = Example::of(Some(Pagination::page_number()), 0, None);
        let first = example.begin();
        let counted = example
            .after(&first, &page(0..25, r#""count": 130"#))
            .unwrap();
        assert_eq!(told(&counted), ("page=2".to_owned(), 25, Why::Counted));
        let guessed = example.after(&first, &list(0..25)).unwrap();
        assert_eq!(told(&guessed), ("page=2".to_owned(), 25, Why::Guessed));
        assert_eq!(example.after(&first, &list(0..24)), None);
    }

    #[test]
    fn row_70_and_what_follows_of_pages_of_25() {
        let mut example = Example::of(Some(Pagination::page_number()), 70, None);
        let first = example.begin();
        assert_eq!(told(&first), (String::new(), 0, Why::Start));
        let Jump::To(jump) =
            example.jump(&first, &page(0..25, r#""count": 130, "next": "?page=2""#))
        else {
            panic!("the size of a page is known");
        };
        assert_eq!(
            told(&jump),
            ("page=3".to_owned(), 50, Why::Jump(Style::PageNumber))
        );
        let third = page(
            50..75,
            r#""count": 130, "next": "?page=4", "previous": "?page=2""#,
        );
        assert_eq!(example.landed(&jump, &third), Landing::There);
        let next = example.after(&jump, &third).unwrap();
        assert_eq!(told(&next), ("page=4".to_owned(), 75, Why::Linked));
        assert_eq!(example.ahead(&next).unwrap(), "page=5");
    }

    #[test]
    fn the_second_page_shows_the_number_of_the_first() {
        for (second, first, third) in [(1, 0, 2), (2, 1, 3), (11, 10, 12)] {
            let mut example = Example::new(50, None);
            example.known.style = Some(Style::PageNumber);
            let ask = example.begin();
            let beginning = page(0..25, &format!(r#""count": 130, "next": "?page={second}""#));
            let Jump::To(jump) = example.jump(&ask, &beginning) else {
                panic!("the size of a page is known");
            };
            assert_eq!(told(&jump).0, format!("page={third}"));
            let mut known = Knowledge::default();
            example
                .paginator
                .learn(25, true, &example.course, &mut known);
            assert_eq!(known.first_page, Some(first));
        }
    }

    #[test]
    fn a_known_size_is_jumped_by_at_once_and_a_cap_is_kept() {
        let sized = Pagination::page_number()
            .with_size_parameter("page_size")
            .with_page_size(100);
        let mut example = Example::of(Some(sized), 130, None);
        example.known.size_cap = Some(50);
        assert_eq!(
            told(&example.begin()),
            (
                "page=3&page_size=100".to_owned(),
                100,
                Why::Jump(Style::PageNumber)
            )
        );
        // A start on the first page needs no jump.
        example.course.start = 49;
        assert_eq!(told(&example.begin()).2, Why::Start);
    }

    #[test]
    fn a_page_of_another_size_has_not_landed() {
        let mut example = Example::new(60, None);
        example.known.style = Some(Style::PageNumber);
        example.known.page_size = Some(25);
        let jump = example.begin();
        for (rows, fields, landing) in [
            (50..75, r#""count": 130, "next": "?page=4""#, Landing::There),
            (
                40..60,
                r#""count": 130, "next": "?page=4""#,
                Landing::Unclear,
            ),
            // The last page may be shorter, if it ends with the last row.
            (50..65, r#""count": 65, "next": null"#, Landing::There),
            (50..65, r#""count": 130, "next": null"#, Landing::Unclear),
            (50..65, r#""next": null"#, Landing::Unclear),
        ] {
            assert_eq!(
                example.landed(&jump, &page(rows, fields)),
                landing,
                "{fields}"
            );
        }
    }

    #[test]
    fn a_start_behind_the_end_is_seen_on_the_first_page() {
        let mut example = Example::of(Some(Pagination::page_number()), 200, None);
        let ask = example.begin();
        let first = page(0..25, r#""count": 130, "next": "?page=2""#);
        assert_eq!(example.jump(&ask, &first), Jump::BehindTheEnd);
    }

    #[test]
    fn links_lead_forward() {
        let mut example = Example::of(Some(Pagination::page_number()), 0, None);
        let mut ask = example.begin();
        ask.query.push(("page".to_owned(), "3".to_owned()));
        for back in ["?page=3", "?page=2", "?other=1"] {
            let next = format!(r#""count": 130, "next": "{back}""#);
            assert_eq!(example.after(&ask, &page(50..75, &next)), None, "{back}");
        }
        // A link to a page that has come before: the one after it may be right.
        example.course.count = Some(130);
        ask.why = Why::Linked;
        let Repeated::Skip(skip) = example.paginator.repeated(&ask, &example.course) else {
            panic!("there is more");
        };
        assert_eq!(
            (text(&skip.query), skip.why),
            ("page=4".to_owned(), Why::Counted)
        );
        ask.position = 130;
        assert_eq!(
            example.paginator.repeated(&ask, &example.course),
            Repeated::Drift
        );
    }

    #[test]
    fn a_shorter_page_in_the_middle_makes_pages_uneven() {
        let mut example = Example::of(Some(Pagination::page_number()), 0, None);
        example.course.size = 25;
        for (rows, more, uneven) in [(25, true, false), (20, false, false), (20, true, true)] {
            let mut known = Knowledge::default();
            example
                .paginator
                .learn(rows, more, &example.course, &mut known);
            assert_eq!(known.uneven, uneven, "{rows} {more}");
        }
    }
}
