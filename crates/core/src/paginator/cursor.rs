//! DRF's `CursorPagination`: an opaque place in the order, named by the page before.
//!
//! Row 40 and what follows, 25 to a page:
//!
//! ```text
//! ask    (nothing)                why: only the server can make a cursor, so a walk begins at the beginning
//! answer {"next": "http://10.0.0.1/users/?cursor=cD0yNQ%3D%3D", "previous": null, "results": [25 rows]}
//! ask    ?cursor=cD0yNQ%3D%3D     why: linked; only the query of the link is followed
//! answer {"next": null, "previous": "..", "results": [25 rows]}
//!                                 the end: there is no count that could say otherwise
//! ```

use crate::page::{Page, Style};

use super::{
    Landing, Paging,
    ask::{Ask, Why},
    parameters::Parameters,
};

/// `?cursor=cD0y`.
#[derive(Debug)]
pub struct Cursor {
    parameters: Parameters,
}

impl Cursor {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }
}

impl Paging for Cursor {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn landed(&self, _page: &Page, ask: &Ask, _offsets_hold: bool) -> Landing {
        if ask.why == Why::Jump(Style::LimitOffset) {
            // It was asked for an offset before it was known to have none.
            Landing::AtTheBeginning
        } else {
            Landing::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        page::Pagination,
        paginator::{
            Why,
            tests::{Example, page, told},
        },
    };

    #[test]
    fn row_40_and_what_follows() {
        let mut example = Example::of(Some(Pagination::cursor()), 40, None);
        let first = example.begin();
        assert_eq!(told(&first), (String::new(), 0, Why::Start));
        let answer = page(
            0..25,
            r#""next": "http://10.0.0.1/users/?cursor=cD0yNQ%3D%3D", "previous": null"#,
        );
        let next = example.after(&first, &answer).unwrap();
        assert_eq!(told(&next), ("cursor=cD0yNQ==".to_owned(), 25, Why::Linked));
        assert_eq!(example.ahead(&next), None);
        assert_eq!(example.after(&next, &page(25..50, r#""next": null"#)), None);
        // Not even a count says where the others are.
        assert_eq!(
            example.after(&next, &page(25..50, r#""count": 130, "next": null"#)),
            None
        );
    }
}
