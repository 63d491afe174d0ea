//! How an endpoint hands out its rows, as a model or a client declares it.

/// How an endpoint hands out its rows. Declared on a model or a client, else recognised from the first answers.
///
/// ```
/// use django_api_orm_core::Pagination;
///
/// let json_api = Pagination::page_number()
///     .with_position_parameter("page[number]")
///     .with_size_parameter("page[size]");
/// assert_eq!(json_api.position_parameter(), Some("page[number]"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    style: Style,
    page_size: Option<u64>,
    size_parameter: Option<String>,
    position_parameter: Option<String>,
    first_page: u64,
}

/// The family of a paginator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// `limit` and `offset`.
    LimitOffset,
    /// `page`, and `page_size` where the server allows it.
    PageNumber,
    /// An opaque `cursor`.
    Cursor,
    /// Only a link of the server says where the next page is: in a `Link` header, or with parameters of its own.
    Link,
    /// The whole collection in one answer.
    None,
}

impl Style {
    /// DRF's name for the parameter that asks for the rows from some place on: `offset`, `page`, `cursor`.
    #[must_use]
    pub fn position_parameter(self) -> Option<&'static str> {
        match self {
            Self::LimitOffset => Some("offset"),
            Self::PageNumber => Some("page"),
            Self::Cursor => Some("cursor"),
            Self::Link | Self::None => None,
        }
    }
}

impl Pagination {
    fn new(style: Style, size_parameter: Option<&str>) -> Self {
        Self {
            style,
            page_size: None,
            size_parameter: size_parameter.map(str::to_owned),
            position_parameter: style.position_parameter().map(str::to_owned),
            first_page: 1,
        }
    }

    /// DRF's `LimitOffsetPagination`.
    #[must_use]
    pub fn limit_offset() -> Self {
        Self::new(Style::LimitOffset, Some("limit"))
    }

    /// DRF's `PageNumberPagination`. The page's size is the server's own until
    /// [`with_size_parameter`](Self::with_size_parameter) says how to ask for another.
    #[must_use]
    pub fn page_number() -> Self {
        Self::new(Style::PageNumber, None)
    }

    /// DRF's `CursorPagination`.
    #[must_use]
    pub fn cursor() -> Self {
        Self::new(Style::Cursor, None)
    }

    /// A plain list with an RFC 8288 `Link` header, or links with parameters of the server's own.
    #[must_use]
    pub fn link() -> Self {
        Self::new(Style::Link, None)
    }

    /// No pagination. Saves the one request that shows that nothing follows a plain list.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Style::None, None)
    }

    /// Asks for so many rows a page. A server may send fewer.
    #[must_use]
    pub fn with_page_size(mut self, rows: u64) -> Self {
        self.page_size = Some(rows.max(1));
        self
    }

    /// Names the parameter that asks for a page's size, such as `page_size`.
    #[must_use]
    pub fn with_size_parameter(mut self, name: impl Into<String>) -> Self {
        self.size_parameter = Some(name.into());
        self
    }

    /// Names the parameter that says which page, such as `p` or `page[number]`, instead of `offset`, `page` or `cursor`.
    #[must_use]
    pub fn with_position_parameter(mut self, name: impl Into<String>) -> Self {
        self.position_parameter = Some(name.into());
        self
    }

    /// The number of the first page, where that is not 1.
    #[must_use]
    pub fn with_first_page(mut self, number: u64) -> Self {
        self.first_page = number;
        self
    }

    /// The family.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// The rows asked for in a page.
    #[must_use]
    pub fn page_size(&self) -> Option<u64> {
        self.page_size
    }

    /// The parameter that asks for a page's size.
    #[must_use]
    pub fn size_parameter(&self) -> Option<&str> {
        self.size_parameter.as_deref()
    }

    /// The parameter that says which page; none where only links tell.
    #[must_use]
    pub fn position_parameter(&self) -> Option<&str> {
        self.position_parameter.as_deref()
    }

    /// The number of the first page.
    #[must_use]
    pub fn first_page(&self) -> u64 {
        self.first_page
    }
}

#[cfg(test)]
mod tests {
    use super::Pagination;

    #[test]
    fn pages_are_counted_from_one_unless_it_is_declared_otherwise() {
        let numbered = Pagination::page_number();
        assert_eq!(numbered.first_page(), 1);
        assert_eq!(numbered.with_first_page(0).first_page(), 0);
    }
}
