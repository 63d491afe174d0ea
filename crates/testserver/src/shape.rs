//! An API as a description: what differs from DRF, as a value that Python and files can write as JSON.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::paginator::Paginator;
use crate::quirks::{Form, Quirk, Unknown, WriteAnswer};
use crate::resource::Resource;

/// How an API differs from DRF with limit and offset: its paths, pages, envelope, filters, orderings, URLs of rows, and
/// answers to writes.
///
/// ```
/// use django_api_orm_testserver::{Resource, Shape, TestServer};
/// use serde_json::json;
///
/// # fn main() -> Result<(), django_api_orm_testserver::Error> {
/// let mine = Shape::from_json(json!({
///     "path": "/v2/{name}",
///     "pages": "page_number", "size": 25, "max_size": 50, "over_max": 422, "size_parameter": "per_page",
///     "rows": "data", "count": "meta.total",
///     "filters": {"exact": "{field}", "gte": "min_{field}"},
///     "unknown": 400,
/// }))?;
/// let books = Resource::from_json("books", json!([{"title": "Emma", "pages": 474}]));
/// let server = TestServer::builder().resource(books).shape(mine).start_blocking()?;
/// // GET {base_url}/v2/books?min_pages=300 answers {"meta": {"total": 1}, "next": null, "previous": null, "data": [...]}.
/// # assert!(server.requests().is_empty());
/// # Ok(())
/// # }
/// ```
///
/// What a description does not name is as DRF has it; `null` takes it away. [`Shape::named`] has those of some products.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// Where the lists are, `{name}` being that of the table.
    pub(crate) path: String,
    pub(crate) pages: Pages,
    pub(crate) size: u64,
    pub(crate) max_size: Option<u64>,
    /// The status that a larger size is refused with; it is lowered without one.
    pub(crate) over_max: Option<Status>,
    pub(crate) size_parameter: Option<String>,
    pub(crate) position_parameter: Option<String>,
    /// Without a parameter of the paginator everything comes as a plain list.
    pub(crate) on_request: bool,
    /// Where the rows are; null is a plain list.
    pub(crate) rows: Option<String>,
    pub(crate) count: Option<String>,
    pub(crate) count_header: Option<String>,
    /// The number of rows of the page, not of the collection.
    pub(crate) page_count: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) more: Option<String>,
    pub(crate) next_number: Option<String>,
    pub(crate) next_token: Option<String>,
    pub(crate) next_header: Option<String>,
    /// The names of the page's number, its size, and the number of pages.
    pub(crate) numbers: Option<[String; 3]>,
    pub(crate) link_header: bool,
    pub(crate) link_results: bool,
    pub(crate) unknown: OnUnknown,
    /// These parameters are not seen, though they are known.
    pub(crate) ignores: Vec<String>,
    /// The names of parameters by lookup, such as `min_{field}` for `gte`; Django's, and all of them, without.
    pub(crate) filters: Option<BTreeMap<String, String>>,
    pub(crate) repeated_is_any: bool,
    /// The parameter that says the order; null where nothing does.
    pub(crate) ordering: Option<String>,
    pub(crate) descending: bool,
    pub(crate) details: Details,
    pub(crate) read_only: bool,
    pub(crate) shows: BTreeMap<String, Shown>,
    pub(crate) drops: Vec<String>,
    pub(crate) answers: Answers,
    /// The name under which a single row stands.
    pub(crate) row_in: Option<String>,
}

/// What a request is refused with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub(crate) struct Status(pub(crate) StatusCode);

/// How the rows are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pages {
    LimitOffset,
    PageNumber,
    Token,
    Whole,
}

/// What becomes of parameters that are not known: a status that refuses them, or a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`unknown` is `ignored`, `equality`, or a status such as 400"
)]
pub(crate) enum OnUnknown {
    Refused(Status),
    Taken(Taken),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Taken {
    Ignored,
    Equality,
}

/// The URLs of rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Details {
    ByKey,
    By(String),
    Absent,
}

/// The form in which a field is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shown {
    Label(BTreeMap<String, String>),
    ValueAndLabel(BTreeMap<String, String>),
    Shortened(usize),
    Rounded(u32),
}

/// What a write is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answers {
    Row,
    Part(Vec<String>),
    Nothing,
    SignInPage,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            path: "/api/v1/{name}/".to_owned(),
            pages: Pages::LimitOffset,
            size: 100,
            max_size: None,
            over_max: None,
            size_parameter: None,
            position_parameter: None,
            on_request: false,
            rows: Some("results".to_owned()),
            count: Some("count".to_owned()),
            count_header: None,
            page_count: None,
            next: Some("next".to_owned()),
            previous: Some("previous".to_owned()),
            more: None,
            next_number: None,
            next_token: None,
            next_header: None,
            numbers: None,
            link_header: false,
            link_results: false,
            unknown: OnUnknown::Taken(Taken::Ignored),
            ignores: Vec::new(),
            filters: None,
            repeated_is_any: false,
            ordering: Some("ordering".to_owned()),
            descending: true,
            details: Details::ByKey,
            read_only: false,
            shows: BTreeMap::new(),
            drops: Vec::new(),
            answers: Answers::Row,
            row_in: None,
        }
    }
}

impl Shape {
    /// A shape from its description: an object whose keys are in the guide to the test server.
    ///
    /// # Errors
    /// For a key that no shape has, and a value of another type.
    pub fn from_json(description: Value) -> Result<Self> {
        serde_json::from_value(description)
            .map_err(|error| Error::because("this is no description of an API", error))
    }

    /// The resource in this shape. Its fields must be there.
    pub(crate) fn of(&self, resource: Resource) -> Resource {
        let name = resource.name.clone();
        let mut resource = resource.path(&self.path.replace("{name}", &name));
        resource.paginator = self.paginator();
        if let Some(names) = &self.filters {
            resource = resource.filters_named(names);
        }
        resource = match &self.ordering {
            Some(name) => resource.ordering_parameter(name),
            None => resource.ordering([]),
        };
        if let Details::By(field) = &self.details {
            resource = resource.lookup_field(field);
        }
        resource.quirks.extend(self.quirks());
        resource
    }

    fn paginator(&self) -> Option<Paginator> {
        let paginator = match self.pages {
            Pages::LimitOffset => Paginator::limit_offset().default_limit(self.size),
            Pages::PageNumber => Paginator::page_number(self.size),
            Pages::Token => Paginator::token(self.size, "token"),
            Pages::Whole => return None,
        };
        let mut paginator = paginator;
        if let Some(name) = &self.size_parameter {
            paginator = paginator.page_size_parameter(name);
        }
        if let Some(name) = &self.position_parameter {
            paginator = paginator.position_parameter(name);
        }
        if let Some(most) = self.max_size {
            paginator = paginator.max_limit(most);
        }
        if let Some(status) = self.over_max {
            paginator = paginator.refuse_larger(status.0);
        }
        if self.on_request {
            paginator = paginator.on_request();
        }
        Some(paginator)
    }

    fn envelope(&self) -> Envelope {
        let mut envelope = match &self.rows {
            Some(path) => Envelope::rows_in(path),
            None => Envelope::list(),
        };
        type Add = fn(Envelope, &str) -> Envelope;
        let facts: [(&Option<String>, Add); 9] = [
            (&self.count, Envelope::count_in),
            (&self.count_header, Envelope::count_header),
            (&self.page_count, Envelope::page_count_in),
            (&self.next, Envelope::next_in),
            (&self.previous, Envelope::previous_in),
            (&self.more, Envelope::more_in),
            (&self.next_number, Envelope::next_number_in),
            (&self.next_token, Envelope::next_token_in),
            (&self.next_header, Envelope::next_header),
        ];
        for (name, add) in facts {
            if let Some(name) = name {
                envelope = add(envelope, name);
            }
        }
        if let Some([page, size, pages]) = &self.numbers {
            envelope = envelope.numbers_in(page, size, pages);
        }
        if self.link_header {
            envelope = envelope.links_in_header();
        }
        if self.link_results {
            envelope = envelope.link_results();
        }
        envelope
    }

    fn quirks(&self) -> Vec<Quirk> {
        let mut quirks = vec![Quirk::Envelope(self.envelope())];
        match self.unknown {
            OnUnknown::Taken(Taken::Ignored) => {}
            OnUnknown::Taken(Taken::Equality) => quirks.push(Quirk::Unknown(Unknown::Equality)),
            OnUnknown::Refused(status) => {
                quirks.push(Quirk::Unknown(Unknown::Refused(status.0)));
            }
        }
        let switches = [
            (self.repeated_is_any, Quirk::RepeatedIsAny),
            (!self.descending, Quirk::NoDescending),
            (self.details == Details::Absent, Quirk::NoDetails),
            (self.read_only, Quirk::ReadOnly),
        ];
        quirks.extend(
            switches
                .into_iter()
                .filter(|(is_on, _)| *is_on)
                .map(|(_, quirk)| quirk),
        );
        quirks.extend(self.shows.iter().map(|(field, shown)| {
            let form = match shown.clone() {
                Shown::Label(labels) => Form::Label(labels),
                Shown::ValueAndLabel(labels) => Form::ValueAndLabel(labels),
                Shown::Shortened(letters) => Form::Shortened(letters),
                Shown::Rounded(places) => Form::Rounded(places),
            };
            Quirk::Show(field.clone(), form)
        }));
        if !self.ignores.is_empty() {
            quirks.push(Quirk::IgnoreParameters(self.ignores.clone()));
        }
        if !self.drops.is_empty() {
            quirks.push(Quirk::DropFields(self.drops.clone()));
        }
        quirks.extend(
            match &self.answers {
                Answers::Row => None,
                Answers::Part(fields) => Some(WriteAnswer::Part(fields.clone())),
                Answers::Nothing => Some(WriteAnswer::Nothing),
                Answers::SignInPage => Some(WriteAnswer::SignInPage),
            }
            .map(Quirk::WriteAnswer),
        );
        quirks.extend(self.row_in.clone().map(Quirk::WrapRow));
        quirks
    }
}

impl TryFrom<u16> for Status {
    type Error = String;

    fn try_from(number: u16) -> std::result::Result<Self, String> {
        let status = StatusCode::from_u16(number);
        status
            .map(Self)
            .map_err(|_| format!("{number} is no status"))
    }
}
