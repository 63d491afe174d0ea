//! The whole collection in one answer, as far as can be seen.
//!
//! ```text
//! ask    (nothing)                why: a plain list has come before, and nothing was shown of its end
//! answer [50 rows]                nothing tells whether that is all
//! ask    ?offset=49&skip=49&page=2    why: a probe, once for an endpoint
//! answer [50 rows]                the same page: that was all. Other rows: pages without an envelope
//! ```
//!
//! An empty list is everything, unless a count says that there is more. Nothing is tried where the program has declared
//! that there is no pagination.

use super::{
    Offsets, Paging,
    ask::{Ask, Turn},
    beyond::after_silence,
    pairs::Pairs,
    parameters::Parameters,
    unrecognised::try_offset,
};

/// Everything comes in one answer.
#[derive(Debug)]
pub struct Whole {
    parameters: Parameters,
}

impl Whole {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }
}

impl Paging for Whole {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn offsets(&self) -> Offsets {
        Offsets::Perhaps
    }

    fn own(&self, turn: &Turn<'_>) -> Pairs {
        let size = if self.parameters.is_declared() {
            self.parameters.size()
        } else {
            Some("limit")
        };
        self.parameters.own(turn, size)
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        (!self.parameters.is_declared()).then(|| try_offset(&self.parameters, self.own(turn), turn))
    }

    fn guessed(&self, turn: &Turn<'_>) -> Option<Ask> {
        let is_declared = self.parameters.is_declared();
        after_silence(self.own(turn), turn).filter(|_| !is_declared)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        page::{Pagination, Style},
        paginator::{
            Beyond, Why,
            tests::{Example, list, page, told},
        },
    };

    #[test]
    fn a_list_is_probed_unless_it_is_known_to_be_whole() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        let probe = example.after(&first, &list(0..50)).unwrap();
        assert_eq!(example.paginator.style(), Some(Style::None));
        assert_eq!(
            told(&probe),
            (
                "offset=49&page=2&skip=49".to_owned(),
                50,
                Why::Beyond(Beyond::Either)
            )
        );
        example.course.whole = 50;
        assert_eq!(example.after(&first, &list(0..50)), None);
        let more = example.after(&first, &list(0..51)).unwrap();
        assert_eq!(told(&more).2, Why::Beyond(Beyond::Either));
        // Other rows came: now it is known.
        example
            .paginator
            .become_one_of(Style::LimitOffset, &example.known);
        let next = example.after(&probe, &list(49..100)).unwrap();
        assert_eq!(told(&next).2, Why::Guessed);
    }

    #[test]
    fn a_probe_asks_for_what_was_asked_for() {
        let mut example = Example::new(0, Some(50));
        let first = example.begin();
        let probe = example.after(&first, &list(0..50)).unwrap();
        let asked = |name: &str| probe.query.iter().find(|(known, _)| known == name).cloned();
        assert!(
            asked("active").is_some() && asked("limit").is_some(),
            "{probe:?}"
        );
    }

    #[test]
    fn where_more_is_counted_than_came_offsets_are_tried() {
        let mut example = Example::new(0, None);
        example.known.style = Some(Style::None);
        let first = example.begin();
        let tried = example.after(&first, &page(0..50, r#""count": 130, "next": null"#));
        let tried = tried.unwrap();
        assert_eq!(
            told(&tried),
            ("offset=50".to_owned(), 50, Why::Tried(Style::LimitOffset))
        );
    }

    #[test]
    fn a_program_that_pages_by_itself_is_left_alone() {
        for own in ["limit", "offset", "page"] {
            let mut example = Example::new(0, None);
            example.course.base.push((own.to_owned(), "3".to_owned()));
            let first = example.begin();
            assert_eq!(example.after(&first, &list(0..50)), None, "{own}");
        }
    }

    #[test]
    fn nothing_is_tried_where_everything_is_declared_to_come_at_once() {
        let mut example = Example::of(Some(Pagination::none()), 0, Some(50));
        let first = example.begin();
        assert_eq!(told(&first), (String::new(), 0, Why::Start));
        assert_eq!(example.after(&first, &list(0..50)), None);
        let counts = page(0..50, r#""count": 130, "next": null"#);
        assert_eq!(example.after(&first, &counts), None);
    }
}
