//! A paginator that no answer has shown yet. It is asked as DRF's default one would be: by limit and offset.
//!
//! Rows 40 to 60, the first request to an endpoint that turns out to have pages of 25 rows:
//!
//! ```text
//! ask    ?limit=20&offset=40      why: if offsets are honoured, that is all
//! answer {"count": 130, "next": "?limit=20&offset=40&page=2", "previous": null, "results": [25 rows]}
//!                                 the link differs from the request in `page`: page numbers. Both other parameters were
//!                                 ignored, so this is the first page, and from here on `page_number` decides
//! ```
//!
//! Where nothing tells whether a page is the last one, a probe shows it ([`Beyond`](super::Beyond)).
//! Where the server counts more rows and shows no way to them, offsets are tried, then page numbers. A page that has come
//! before shows that it was neither.

use crate::{knowledge::Knowledge, page::Style};

use super::{
    Offsets, Paging,
    ask::{Ask, Course, Turn, Why},
    beyond::after_silence,
    limit_offset::{by_offset, first_by_offset},
    pairs::{Pairs, number, set},
    parameters::Parameters,
};

/// Nothing has shown it yet.
#[derive(Debug)]
pub struct Unrecognised {
    parameters: Parameters,
}

impl Unrecognised {
    pub(super) fn new(preferred: Option<u64>) -> Self {
        Self {
            parameters: Parameters::unrecognised(preferred),
        }
    }

    pub(super) fn leave_size_out(&mut self) {
        self.parameters = self.parameters.without_size();
    }
}

impl Paging for Unrecognised {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn first(&mut self, course: &Course, known: &Knowledge) -> Ask {
        first_by_offset(&self.parameters, course, known)
    }

    fn offsets(&self) -> Offsets {
        Offsets::Perhaps
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        Some(try_offset(&self.parameters, self.own(turn), turn))
    }

    fn guessed(&self, turn: &Turn<'_>) -> Option<Ask> {
        after_silence(self.own(turn), turn)
    }

    /// The server may have no limit at all.
    fn promised_size<'a>(&'a self, _ask: &Ask) -> Option<(&'a str, u64)> {
        None
    }
}

/// Asks by offset a server that has not shown how it wants to be asked.
pub(super) fn try_offset(parameters: &Parameters, own: Pairs, turn: &Turn<'_>) -> Ask {
    by_offset(parameters, own, turn, Why::Tried(Style::LimitOffset))
}

/// What else there is to try after an attempt that has brought nothing new: page 1, which is the second one where they are counted from
/// zero, then page 2.
#[must_use]
pub fn try_another(tried: Style, ask: &Ask, course: &Course) -> Option<Ask> {
    let number = match (tried, tried_number(&ask.query)) {
        (Style::LimitOffset, _) => 1,
        (Style::PageNumber, Some(1)) => 2,
        _ => return None,
    };
    let mut query = course.base.clone();
    set(&mut query, PAGE, number);
    Some(Ask {
        query,
        why: Why::Tried(Style::PageNumber),
        ..ask.clone()
    })
}

/// The number of the first page, where an attempt by a number has brought the second one.
#[must_use]
pub fn first_of_tried(tried: Style, ask: &Ask) -> Option<u64> {
    let second = tried_number(&ask.query).filter(|_| tried == Style::PageNumber)?;
    second.checked_sub(1)
}

fn tried_number(query: &[(String, String)]) -> Option<u64> {
    number(query, PAGE)
}

/// The parameter that is tried.
const PAGE: &str = "page";

#[cfg(test)]
mod tests {
    use super::{first_of_tried, try_another};
    use crate::{
        page::Style,
        paginator::{
            Landing, Why,
            tests::{Example, page, text, told},
        },
    };

    #[test]
    fn rows_40_to_60_of_an_endpoint_with_page_numbers() {
        let mut example = Example::new(40, Some(20));
        let jump = example.begin();
        assert_eq!(
            told(&jump),
            (
                "limit=20&offset=40".to_owned(),
                40,
                Why::Jump(Style::LimitOffset)
            )
        );
        let first = page(
            0..25,
            r#""count": 130, "next": "?active=true&limit=20&offset=40&page=2", "previous": null"#,
        );
        assert_eq!(example.landed(&jump, &first), Landing::AtTheBeginning);
        assert_eq!(example.paginator.style(), Some(Style::PageNumber));
    }

    #[test]
    fn offsets_are_not_asked_for_where_they_are_known_to_be_ignored() {
        let mut example = Example::new(40, Some(20));
        example.known.offsets = Some(false);
        assert_eq!(
            told(&example.begin()),
            ("limit=60".to_owned(), 0, Why::Start)
        );
    }

    #[test]
    fn offsets_are_tried_then_page_numbers_then_nothing() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        let counts = page(0..25, r#""count": 130"#);
        let tried = example.after(&first, &counts).unwrap();
        assert_eq!(
            told(&tried),
            ("offset=25".to_owned(), 25, Why::Tried(Style::LimitOffset))
        );
        let tried = try_another(Style::LimitOffset, &tried, &example.course).unwrap();
        assert_eq!(
            told(&tried),
            ("page=1".to_owned(), 25, Why::Tried(Style::PageNumber))
        );
        assert_eq!(first_of_tried(Style::PageNumber, &tried), Some(0));
        let tried = try_another(Style::PageNumber, &tried, &example.course).unwrap();
        assert_eq!(
            told(&tried),
            ("page=2".to_owned(), 25, Why::Tried(Style::PageNumber))
        );
        assert_eq!(first_of_tried(Style::PageNumber, &tried), Some(1));
        assert_eq!(
            try_another(Style::PageNumber, &tried, &example.course),
            None
        );
    }

    #[test]
    fn an_envelope_that_tells_nothing_is_followed_by_a_probe() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        let probe = example.after(&first, &page(0..25, r#""took": 3"#)).unwrap();
        assert!(matches!(probe.why, Why::Beyond(_)), "{probe:?}");
        assert_eq!(example.paginator.style(), None);
    }

    #[test]
    fn a_single_page_in_an_envelope_shows_nothing() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        assert_eq!(text(&first.query), "");
        assert_eq!(
            example.after(&first, &page(0..5, r#""count": 5, "next": null"#)),
            None
        );
        assert_eq!(example.paginator.style(), None);
    }
}
