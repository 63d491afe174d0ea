//! Only the server's links say where the next page is: a `Link` header, or parameters of the server's own.
//!
//! ```text
//! ask    ?active=true
//! answer Link: <http://10.0.0.1/users?after=x9&active=true>; rel="next"
//!        [25 rows]
//! ask    ?active=true&after=x9    why: linked; what the query says itself keeps its value
//! answer [3 rows]                 without a link: the end
//! ```
//!
//! Where the server counts more rows than it has sent and has no link to them, it may know offsets all the same. That is
//! tried unless the program has declared that only links tell.

use super::{
    Paging,
    ask::{Ask, Turn},
    parameters::Parameters,
    unrecognised::try_offset,
};

/// Only the server's links tell.
#[derive(Debug)]
pub struct Link {
    parameters: Parameters,
}

impl Link {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }
}

impl Paging for Link {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        (!self.parameters.is_declared()).then(|| try_offset(&self.parameters, self.own(turn), turn))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        page::{Pagination, Style},
        paginator::{
            Why,
            tests::{Example, page, text, told},
        },
    };

    #[test]
    fn links_are_followed_under_the_parameters_of_the_query() {
        let mut example = Example::new(0, None);
        let first = example.begin();
        let answer = page(
            0..25,
            r#""next": "http://10.0.0.1/users?after=x9&active=false""#,
        );
        let next = example.after(&first, &answer).unwrap();
        assert_eq!(example.paginator.style(), Some(Style::Link));
        assert_eq!(told(&next), ("after=x9".to_owned(), 25, Why::Linked));
        assert!(
            next.query
                .contains(&("active".to_owned(), "true".to_owned()))
        );
        assert_eq!(example.after(&next, &page(25..28, r#""next": null"#)), None);
    }

    #[test]
    fn offsets_are_tried_unless_links_are_declared() {
        let counts = page(0..25, r#""count": 130, "next": null"#);
        let mut example = Example::new(0, None);
        example.known.style = Some(Style::Link);
        let first = example.begin();
        let tried = example.after(&first, &counts).unwrap();
        assert_eq!(
            told(&tried),
            ("offset=25".to_owned(), 25, Why::Tried(Style::LimitOffset))
        );
        let mut example = Example::of(Some(Pagination::link()), 0, None);
        let first = example.begin();
        assert_eq!(example.after(&first, &counts), None);
        let named = Pagination::link().with_position_parameter("after");
        let mut example = Example::of(Some(named), 0, None);
        let token = page(0..25, r#""next": "x9""#);
        assert_eq!(
            text(&example.after(&first, &token).unwrap().query),
            "after=x9"
        );
    }
}
