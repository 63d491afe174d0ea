//! The whole collection in one answer, as far as can be seen.
//!
//! ```text
//! ask    ?limit=50                why: 50 rows are needed, and nothing is known of the endpoint yet
//! answer [50 rows]                a plain list as long as was asked for: the limit may have been honoured
//! ask    ?limit=50&offset=50      why: tried, if more rows are needed after all
//! answer [50 rows]                the same page: a list of 50 rows. Other rows: limit/offset without an envelope
//! ```
//!
//! A list of another length is everything, unless a count says that there is more. Nothing is tried where the program has
//! declared that there is no pagination.

use super::{
    Offsets, Paging,
    ask::{Ask, Turn},
    pairs::Pairs,
    parameters::Parameters,
    unrecognised::{is_as_long_as_the_limit, try_offset},
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
        self.counted(turn).filter(|_| is_as_long_as_the_limit(turn))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        page::{Pagination, Style},
        paginator::{
            Why,
            tests::{Example, list, page, told},
        },
    };

    #[test]
    fn a_list_as_long_as_was_asked_for() {
        let mut example = Example::new(0, Some(50));
        let first = example.begin();
        assert_eq!(told(&first), ("limit=50".to_owned(), 0, Why::Start));
        let tried = example.after(&first, &list(0..50)).unwrap();
        assert_eq!(example.paginator.style(), Some(Style::None));
        assert_eq!(
            told(&tried),
            (
                "limit=50&offset=50".to_owned(),
                50,
                Why::Tried(Style::LimitOffset)
            )
        );
        for other in [list(0..49), list(0..51), list(0..0)] {
            assert_eq!(example.after(&first, &other), None);
        }
        // Other rows came: now it is known.
        example
            .paginator
            .become_one_of(Style::LimitOffset, &example.known);
        let next = example.after(&tried, &list(50..100)).unwrap();
        assert_eq!(told(&next).2, Why::Guessed);
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
