//! Where an answer has its rows, and what it says of the other pages.

use http::HeaderName;
use http::header::LINK;

use crate::pagination::Page;
use crate::reply::Reply;
use crate::wire::Wire;

/// Where an answer has its rows, its count and its links. Paths are dotted: `meta.total`.
///
/// ```
/// use django_api_orm_testserver::Envelope;
///
/// let json_api = Envelope::rows_in("data").count_in("meta.total").links_in("links.next", "links.prev");
/// let headers = Envelope::link_header();      // a plain list; the links are in `Link`
/// # assert_ne!(format!("{json_api:?}"), format!("{headers:?}"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    rows: Option<String>,
    fields: Vec<(String, Fact)>,
    headers: Vec<(String, Fact)>,
    link: Option<Link>,
}

/// What an answer can say of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Count,
    RowsHere,
    Next,
    Previous,
    HasMore,
    NextNumber,
    NextToken,
    Number,
    Size,
    Pages,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// The pages that there are.
    Existing,
    /// Always a next one, and whether it has rows.
    WithResults,
}

impl Envelope {
    /// An object that has the rows under this path, and nothing else yet.
    pub fn rows_in(path: &str) -> Self {
        Self {
            rows: Some(path.to_owned()),
            ..Self::default()
        }
    }

    /// The rows as a plain list, and nothing else yet.
    pub fn list() -> Self {
        Self::default()
    }

    /// The rows as a plain list, the links in a `Link` header (RFC 8288).
    pub fn link_header() -> Self {
        Self::list().links_in_header()
    }

    /// The count under this path.
    #[must_use]
    pub fn count_in(self, path: &str) -> Self {
        self.field(path, Fact::Count)
    }

    /// The number of the rows of this page under this path.
    #[must_use]
    pub fn page_count_in(self, path: &str) -> Self {
        self.field(path, Fact::RowsHere)
    }

    /// The links to the next and the previous page under these paths.
    #[must_use]
    pub fn links_in(self, next: &str, previous: &str) -> Self {
        self.next_in(next).previous_in(previous)
    }

    /// The link to the next page under this path.
    #[must_use]
    pub fn next_in(self, path: &str) -> Self {
        self.field(path, Fact::Next)
    }

    /// The link to the previous page under this path.
    #[must_use]
    pub fn previous_in(self, path: &str) -> Self {
        self.field(path, Fact::Previous)
    }

    /// Whether a page follows, under this path.
    #[must_use]
    pub fn more_in(self, path: &str) -> Self {
        self.field(path, Fact::HasMore)
    }

    /// The number of the next page, or null, under this path.
    #[must_use]
    pub fn next_number_in(self, path: &str) -> Self {
        self.field(path, Fact::NextNumber)
    }

    /// The token of the next page, or null, under this path; for [`Paginator::token`](crate::Paginator::token).
    #[must_use]
    pub fn next_token_in(self, path: &str) -> Self {
        self.field(path, Fact::NextToken)
    }

    /// The number of this page, its size, and the number of all pages under these paths.
    #[must_use]
    pub fn numbers_in(self, page: &str, size: &str, pages: &str) -> Self {
        self.field(page, Fact::Number)
            .field(size, Fact::Size)
            .field(pages, Fact::Pages)
    }

    /// The count in this header, such as `X-Total-Count`.
    #[must_use]
    pub fn count_header(self, name: &str) -> Self {
        self.header(name, Fact::Count)
    }

    /// The link to the next page in this header, such as `Next-Page`; no header on the last page.
    #[must_use]
    pub fn next_header(self, name: &str) -> Self {
        self.header(name, Fact::Next)
    }

    /// The links in a `Link` header, too.
    #[must_use]
    pub fn links_in_header(mut self) -> Self {
        self.link = Some(Link::Existing);
        self
    }

    /// The `Link` header always has a next page; `results="false"` says that it is empty.
    #[must_use]
    pub fn link_results(mut self) -> Self {
        self.link = Some(Link::WithResults);
        self
    }

    fn field(mut self, path: &str, fact: Fact) -> Self {
        self.fields.push((path.to_owned(), fact));
        self
    }

    fn header(mut self, name: &str, fact: Fact) -> Self {
        self.headers.push((name.to_owned(), fact));
        self
    }

    pub(crate) fn reply(&self, rows: Wire, page: &Page) -> Reply {
        let body = match &self.rows {
            Some(_) if page.is_whole => rows,
            None => rows,
            Some(path) => {
                let mut body = Wire::Map(Vec::new());
                for (name, fact) in &self.fields {
                    // A paginator that does not count has no place for a count.
                    if *fact != Fact::Count || page.count.is_some() {
                        body.put(name, fact.of(page));
                    }
                }
                body.put(path, rows);
                body
            }
        };
        let mut reply = Reply::ok(&body);
        let links = self.links(page);
        if !links.is_empty() {
            reply = reply.header(LINK, &links);
        }
        for (name, fact) in &self.headers {
            let text = match fact {
                Fact::Count => page.count.map(|count| count.to_string()),
                _ => page.next.clone(),
            };
            if let (Ok(name), Some(text)) = (name.parse::<HeaderName>(), text) {
                reply = reply.header(name, &text);
            }
        }
        reply
    }

    fn links(&self, page: &Page) -> String {
        let link = |url: &str, relation: &str, has_rows: bool| match self.link {
            Some(Link::WithResults) => {
                format!("<{url}>; rel=\"{relation}\"; results=\"{has_rows}\"")
            }
            _ => format!("<{url}>; rel=\"{relation}\""),
        };
        let next = match self.link {
            None => return String::new(),
            Some(Link::Existing) => &page.next,
            Some(Link::WithResults) => &page.beyond,
        };
        let next = next.as_deref();
        let next = next.map(|url| link(url, "next", page.next.is_some()));
        let previous = page.previous.as_deref();
        let previous = previous.map(|url| link(url, "prev", true));
        let links: Vec<_> = [next, previous].into_iter().flatten().collect();
        links.join(", ")
    }
}

impl Fact {
    fn of(self, page: &Page) -> Wire {
        match self {
            Self::Count => Wire::from(page.count),
            Self::RowsHere => Wire::from(page.rows.len()),
            Self::Next => Wire::from(page.next.as_deref()),
            Self::Previous => Wire::from(page.previous.as_deref()),
            Self::HasMore => Wire::from(page.next.is_some()),
            Self::NextNumber => {
                let next = page.next.as_ref().and(page.number);
                Wire::from(next.map(|number| number + 1))
            }
            Self::NextToken => Wire::from(page.token.as_deref()),
            Self::Number => Wire::from(page.number),
            Self::Size => Wire::from(page.size),
            Self::Pages => {
                let pages = page.count.map(|count| count.div_ceil(page.size.max(1)));
                Wire::from(pages)
            }
        }
    }
}
