//! The ways in which real servers are not as DRF's documentation has them: each is an option of a
//! [`Resource`](crate::Resource), so that a client can be tested against it.

use std::ops::RangeInclusive;

use crate::wire::Wire;

/// One departure from what DRF does.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Quirk {
    /// These query parameters are not seen by the resource, as if it knew none of them. They are
    /// still echoed in `next`.
    IgnoreParameters(Vec<String>),
    /// `count` is this much above (or below) the truth.
    CountOffBy(i64),
    /// `count` is missing from the envelope.
    NoCount,
    /// `next` and `previous` name this origin, such as `http://internal:8000`.
    LinkOrigin(String),
    /// `next` and `previous` are relative: only path and query.
    RelativeLinks,
    /// `next` always points to the page that it is on.
    NextToItself,
    /// There is never a `next`, whatever remains.
    NoNext,
    /// No page has more rows than this, although `next` echoes the size that was asked for.
    PageCap(u64),
    /// Rows with these primary keys are taken out of their page after it was cut, as an API does
    /// that hides rows after paging: a page may be short, or empty in the middle.
    HideRows(RangeInclusive<i64>),
    /// Rows are given twice: the last row of a page is the first of the next one again, as
    /// when somebody inserts a row while pages are read.
    Overlap,
    /// Each row is answered without these fields.
    OmitFields(Vec<String>),
    /// A PATCH or PUT answers 204 without a body.
    SilentUpdates,
    /// The page is in another envelope.
    Envelope(Envelope),
}

impl Quirk {
    /// [`IgnoreParameters`](Self::IgnoreParameters) from string slices.
    pub fn ignore_parameters<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::IgnoreParameters(names.into_iter().map(str::to_owned).collect())
    }

    /// [`OmitFields`](Self::OmitFields) from string slices.
    pub fn omit_fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::OmitFields(names.into_iter().map(str::to_owned).collect())
    }
}

/// Where an answer has its rows, its count and its links. Paths are dotted: `meta.total`.
///
/// ```
/// use django_api_orm_testserver::Envelope;
///
/// let json_api = Envelope::rows_in("data").count_in("meta.total").links_in("links.next", "links.prev");
/// let headers = Envelope::link_header();      // a plain list; the links are in `Link`
/// # assert_ne!(format!("{json_api:?}"), format!("{headers:?}"));
/// ```
#[derive(Debug, Clone)]
pub struct Envelope {
    rows: Option<String>,
    count: Option<String>,
    links: Option<(String, String)>,
    pub(crate) link_header: bool,
    pub(crate) count_header: Option<String>,
}

impl Envelope {
    /// An object that has the rows under this path, and nothing else yet.
    pub fn rows_in(path: &str) -> Self {
        Self {
            rows: Some(path.to_owned()),
            count: None,
            links: None,
            link_header: false,
            count_header: None,
        }
    }

    /// The rows as a plain list, the links in a `Link` header (RFC 8288).
    pub fn link_header() -> Self {
        Self {
            rows: None,
            count: None,
            links: None,
            link_header: true,
            count_header: None,
        }
    }

    /// The count under this path.
    #[must_use]
    pub fn count_in(mut self, path: &str) -> Self {
        self.count = Some(path.to_owned());
        self
    }

    /// The links to the next and the previous page under these paths.
    #[must_use]
    pub fn links_in(mut self, next: &str, previous: &str) -> Self {
        self.links = Some((next.to_owned(), previous.to_owned()));
        self
    }

    /// The count in this header, such as `X-Total-Count`.
    #[must_use]
    pub fn count_header(mut self, name: &str) -> Self {
        self.count_header = Some(name.to_owned());
        self
    }

    pub(crate) fn wrap(
        &self,
        rows: Wire,
        count: Option<u64>,
        next: Option<&str>,
        previous: Option<&str>,
    ) -> Wire {
        let Some(path) = &self.rows else { return rows };
        let mut body = Wire::Map(Vec::new());
        if let (Some(path), Some(count)) = (&self.count, count) {
            body.put(path, Wire::from(count));
        }
        if let Some((next_path, previous_path)) = &self.links {
            body.put(next_path, Wire::from(next));
            body.put(previous_path, Wire::from(previous));
        }
        body.put(path, rows);
        body
    }
}
