//! Which paginator a resource has, and its sizes.

use http::StatusCode;

/// DRF's paginators: `LimitOffsetPagination`, `PageNumberPagination`, `CursorPagination`; and pages by a token, which
/// other servers have.
///
/// ```
/// use django_api_orm_testserver::Paginator;
///
/// let users = Paginator::limit_offset().default_limit(100).max_limit(100);
/// let posts = Paginator::page_number(25).page_size_parameter("page_size").max_page_size(50);
/// let comments = Paginator::cursor(20, ["id"]);
/// # assert_ne!(format!("{users:?}"), format!("{posts:?}{comments:?}"));
/// ```
#[derive(Debug, Clone)]
pub struct Paginator {
    pub(crate) style: Style,
    pub(crate) size: u64,
    pub(crate) max_size: Option<u64>,
    /// `limit` or, where the client may choose it, `page_size`.
    pub(crate) size_parameter: Option<String>,
    /// `offset`, `page` or `cursor`.
    pub(crate) position_parameter: String,
    /// What a size above the maximum is refused with; otherwise it is lowered.
    pub(crate) refusal: Option<StatusCode>,
    /// Without one of its parameters the whole list comes, not in an envelope.
    pub(crate) on_request: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Style {
    LimitOffset,
    PageNumber,
    Cursor {
        ordering: Vec<String>,
    },
    /// An opaque token, behind which is an offset.
    Token,
}

impl Paginator {
    /// Pages by `limit` and `offset`; 100 rows unless the request says otherwise.
    pub fn limit_offset() -> Self {
        Self {
            style: Style::LimitOffset,
            size: 100,
            max_size: None,
            size_parameter: Some("limit".to_owned()),
            position_parameter: "offset".to_owned(),
            refusal: None,
            on_request: false,
        }
    }

    /// Pages by `page`, of a size that the client cannot change.
    pub fn page_number(size: u64) -> Self {
        Self {
            style: Style::PageNumber,
            size,
            max_size: None,
            size_parameter: None,
            position_parameter: "page".to_owned(),
            refusal: None,
            on_request: false,
        }
    }

    /// Pages by an opaque `cursor`, in this order unless the request gives one. No `count`.
    pub fn cursor<'a>(size: u64, ordering: impl IntoIterator<Item = &'a str>) -> Self {
        let ordering = ordering.into_iter().map(str::to_owned).collect();
        Self {
            style: Style::Cursor { ordering },
            size,
            max_size: None,
            size_parameter: None,
            position_parameter: "cursor".to_owned(),
            refusal: None,
            on_request: false,
        }
    }

    /// Pages by an opaque token in this parameter, which the answer hands out. A page behind the end is empty.
    pub fn token(size: u64, parameter: &str) -> Self {
        Self {
            style: Style::Token,
            position_parameter: parameter.to_owned(),
            ..Self::page_number(size)
        }
    }

    /// The rows of a page when the request does not say.
    #[must_use]
    pub fn default_limit(mut self, rows: u64) -> Self {
        self.size = rows;
        self
    }

    /// The most rows of a page; a larger `limit` is silently lowered to it.
    #[must_use]
    pub fn max_limit(mut self, rows: u64) -> Self {
        self.max_size = Some(rows);
        self
    }

    /// The parameter by which the client chooses the size of a page.
    #[must_use]
    pub fn page_size_parameter(mut self, name: &str) -> Self {
        self.size_parameter = Some(name.to_owned());
        self
    }

    /// A size above the maximum is refused with this status, such as 400 or 422, not lowered.
    #[must_use]
    pub fn refuse_larger(mut self, status: StatusCode) -> Self {
        self.refusal = Some(status);
        self
    }

    /// Without a position or a size in the request the whole list comes, without an envelope.
    #[must_use]
    pub fn on_request(mut self) -> Self {
        self.on_request = true;
        self
    }

    /// As [`max_limit`](Self::max_limit), in the words of the other paginators.
    #[must_use]
    pub fn max_page_size(self, rows: u64) -> Self {
        self.max_limit(rows)
    }

    /// Another name for `offset`, `page` or `cursor`.
    #[must_use]
    pub fn position_parameter(mut self, name: &str) -> Self {
        name.clone_into(&mut self.position_parameter);
        self
    }
}
