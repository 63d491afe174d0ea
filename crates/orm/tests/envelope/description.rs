//! Servers as descriptions: what an answer looks like, and what the server does with parameters and writes.
//!
//! A description is a value that can be printed as JSON, read again and made smaller. The default one is Django REST
//! Framework with limit and offset; only departures from it are printed.

use django_api_orm::Pagination;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queries::{Database, Nulls};

/// A server with its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Server {
    pub(crate) rows: Vec<Row>,
    /// It is made with Django REST Framework: lists have its headers, and it describes its fields.
    pub(crate) names_drf: bool,
    pub(crate) paging: Paging,
    /// The rows of a page when the request does not say, or cannot.
    pub(crate) size: usize,
    /// The most rows of a page.
    pub(crate) cap: Option<usize>,
    /// A larger size is refused with this status, not lowered.
    pub(crate) over_cap: Option<u16>,
    /// A page behind the end is a 404, not an empty list.
    pub(crate) end_is_missing: bool,
    /// The name of the list of rows; an answer is the bare list without one.
    pub(crate) rows_in: Option<String>,
    pub(crate) count: Count,
    pub(crate) next: Next,
    /// Whether a page names the one before it, where it names the next one by a link.
    pub(crate) previous: bool,
    /// What is done with a parameter that the server does not know.
    pub(crate) unknown: Unknown,
    /// The lookups that it does not know.
    pub(crate) lacks: Vec<String>,
    pub(crate) sorts: Sorts,
    /// The order of a list that is asked for none.
    pub(crate) natural: Natural,
    /// Nulls come after every value.
    pub(crate) nulls_last: bool,
    /// Rows with these keys are taken off their page after it was cut: a page may be short, or empty in the middle.
    pub(crate) hides: Vec<i64>,
    pub(crate) shows: Shows,
    pub(crate) choices: Choices,
    pub(crate) detail: Detail,
    pub(crate) answers: Answers,
    /// Fields that are dropped from what is sent.
    pub(crate) drops: Vec<String>,
    /// Names are kept in lower case.
    pub(crate) lowers_names: bool,
    /// Blanks at the ends of a name are taken off, where it is asked for and where it is kept.
    pub(crate) trims: bool,
    /// Names are equal that differ in case alone.
    pub(crate) equates_cases: bool,
    /// Names that differ in case alone have one place in an order.
    pub(crate) sorts_cases_alike: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            names_drf: false,
            paging: Paging::Offset,
            size: 4,
            cap: None,
            over_cap: None,
            end_is_missing: false,
            rows_in: Some("results".to_owned()),
            count: Count::Total("count".to_owned()),
            next: Next::Link("next".to_owned()),
            previous: true,
            unknown: Unknown::Ignored,
            lacks: Vec::new(),
            sorts: Sorts::All,
            natural: Natural::Key,
            nulls_last: false,
            hides: Vec::new(),
            shows: Shows::Plain,
            choices: Choices::Any,
            detail: Detail::ByKey,
            answers: Answers::Row,
            drops: Vec::new(),
            lowers_names: false,
            trims: false,
            equates_cases: false,
            sorts_cases_alike: false,
        }
    }
}

/// A row as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) rank: Option<i64>,
    pub(crate) flag: bool,
}

impl Row {
    pub(crate) fn slug(&self) -> String {
        format!("row-{}", self.id)
    }
}

/// How the rows are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Paging {
    /// One page with everything.
    Whole,
    /// By `limit` and `offset`.
    Offset,
    /// By `limit` alone: whatever is asked for, the rows begin at the first.
    OffsetIgnored,
    /// By `page`, in the server's own size.
    Number,
    /// By `page` and `page_size`.
    SizedNumber,
    /// By an opaque `cursor`.
    Cursor,
}

/// What an answer says of the number of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Count {
    Absent,
    /// The truth, under this name.
    Total(String),
    /// The truth, in this header.
    Header(String),
    /// The rows of this page, under this name.
    OfPage(String),
    /// The rows of this page as `count`, the truth under this name.
    OfPageAndTotal(String),
    /// Two rows less than there are, under this name.
    TooFew(String),
    /// Three rows more than there are, if there are any, under this name.
    TooMany(String),
}

impl Count {
    /// What an answer says of so many rows, if it counts what is true of all of them or is not.
    pub(crate) fn told(&self, rows: usize) -> usize {
        match self {
            Self::TooFew(_) => rows.saturating_sub(2),
            Self::TooMany(_) if rows > 0 => rows + 3,
            _ => rows,
        }
    }

    /// Whether it is no number of rows that there are.
    pub(crate) fn is_false(&self) -> bool {
        matches!(self, Self::TooFew(_) | Self::TooMany(_))
    }
}

/// How an answer tells that a page follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Next {
    Absent,
    /// A URL or null under this name.
    Link(String),
    /// The same without the origin.
    RelativeLink(String),
    /// A `Link` header, where a page follows.
    Header,
    /// A `Link` header that always has a next page, with `results="false"` where that one is empty.
    HeaderWithResults,
    /// The URL in a header of this name, where a page follows.
    OtherHeader(String),
    /// The number of the next page, or the offset where pages are asked for by that, or null, under this name.
    Number(String),
    /// Whether a page follows, under this name.
    Flag(String),
    /// A URL under this name, always: behind the end are empty pages without end.
    Always(String),
}

/// What is done with a parameter that the server does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unknown {
    Ignored,
    /// A 400.
    Refused,
    /// Rows are wanted whose field of this name has the value; no row has such a field.
    Equality,
}

/// By which fields the server sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sorts {
    All,
    /// By the key alone; other fields are left out of the order.
    Key,
    /// `-rank` is the name of a field, which no row has.
    Ascending,
    /// `ordering` is a parameter that the server does not know.
    Nothing,
}

/// The order of a list that is asked for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Natural {
    Key,
    /// The newest first.
    Newest,
}

/// The form in which rows are shown; they are filtered and written as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shows {
    Plain,
    /// The display value of `kind`.
    Display,
    /// A display value of `kind` that is sorted otherwise than it is.
    Words,
    /// The first two letters of `name`.
    ShortNames,
}

/// The letters of a name that are shown where names are cut.
const SHORT_NAME: usize = 2;

impl Shows {
    /// A text of the field as it is shown.
    pub(crate) fn text(self, field: &str, text: &str) -> String {
        let label = match (self, field, text) {
            (Self::Display, "kind", kind) => return format!("Kind {}", kind.to_uppercase()),
            (Self::ShortNames, "name", name) => return name.chars().take(SHORT_NAME).collect(),
            (Self::Words, "kind", "a") => "Low",
            (Self::Words, "kind", "b") => "High",
            (Self::Words, "kind", "c") => "Medium",
            _ => text,
        };
        label.to_owned()
    }
}

/// What is done with a filter by a `kind` that is none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Choices {
    /// It finds no row.
    Any,
    /// The parameter is dropped.
    Dropped,
    /// It is dropped from its list; the parameter, if nothing is left.
    LeftOut,
    /// A 400.
    Refused,
}

/// The URLs of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Detail {
    ByKey,
    BySlug,
    Absent,
}

/// What a write is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answers {
    /// The row.
    Row,
    /// The row's key and name.
    Part,
    /// The row's name.
    Name,
    /// Nothing.
    Nothing,
    /// A sign-in page, with 200; and nothing was carried out.
    Page,
    /// The row wrapped in `data`.
    Wrapped,
}

impl Server {
    /// How it compares values, in filters and orders.
    pub(crate) fn database(&self) -> Database {
        Database {
            nulls: match self.nulls_last {
                true => Nulls::Largest,
                false => Nulls::Smallest,
            },
            equates_cases: self.equates_cases,
            sorts_cases_alike: self.sorts_cases_alike,
            shows: Shows::Plain,
        }
    }

    /// How its answers may compare texts: letter by letter, or as it does; and those that a query has from what rows show, which is
    /// none of those that the server filters by, as that, too.
    pub(crate) fn databases(&self) -> Vec<Database> {
        let mut all = vec![Database::default()];
        if self.shows != Shows::Plain {
            all.push(Database::showing(self.shows));
        }
        for (is_so, set) in [
            (
                self.equates_cases,
                Database::equating_cases as fn(Database) -> Database,
            ),
            (self.sorts_cases_alike, Database::sorting_cases_alike),
        ] {
            if is_so {
                all.extend(all.clone().into_iter().map(set));
            }
        }
        all
    }

    /// The name as it is kept.
    pub(crate) fn kept_name(&self, name: &str) -> String {
        let name = if self.trims { name.trim() } else { name };
        match self.lowers_names {
            true => name.to_lowercase(),
            false => name.to_owned(),
        }
    }

    /// Whether an answer to a filter by this lookup may be that without it, though it is known.
    pub(crate) fn may_drop(&self, lookup: &str) -> bool {
        matches!(self.choices, Choices::Dropped | Choices::LeftOut)
            && ["kind", "kind__in"].contains(&lookup)
    }

    /// Whether nothing tells what the server does from what one does that shows labels and drops what is no choice: it does not filter
    /// by a field of which all rows show one text, as some database compares it, or plainly drops what is no choice of it.
    pub(crate) fn is_inscrutable(&self, rows: &[Row]) -> bool {
        let shows_one_text = |lookup: &str| {
            let fold = |text: &Value| text.as_str().map(|text| text.trim().to_lowercase());
            let mut texts = rows.iter().map(|row| fold(&row.value(lookup)));
            let one = texts.next().flatten();
            one.is_some() && texts.all(|text| text == one)
        };
        let mut lacks = self.lacks.iter();
        lacks.any(|lookup| shows_one_text(lookup))
            || self.may_drop("kind") && shows_one_text("kind")
    }

    /// The field that rows show in another form than the server keeps it.
    pub(crate) fn shown_otherwise(&self) -> Option<&'static str> {
        match self.shows {
            Shows::Plain => None,
            Shows::Display | Shows::Words => Some("kind"),
            Shows::ShortNames => Some("name"),
        }
    }

    /// Whether nothing tells if rows can be sorted by a text that they show: the server does not filter by it.
    pub(crate) fn lacks_a_text(&self) -> bool {
        let mut texts = ["name", "kind"].iter();
        texts.any(|text| self.lacks.iter().any(|lookup| lookup == text) || self.may_drop(text))
    }

    /// The paginator as users declare it.
    pub(crate) fn pagination(&self) -> Option<Pagination> {
        Some(match self.paging {
            Paging::Offset => Pagination::limit_offset(),
            Paging::Number => Pagination::page_number(),
            Paging::SizedNumber => Pagination::page_number().with_size_parameter("page_size"),
            Paging::Cursor => Pagination::cursor(),
            Paging::Whole | Paging::OffsetIgnored => return None,
        })
    }

    /// Whether it departs from DRF in nothing that could make a query fail.
    pub(crate) fn is_drf(&self) -> bool {
        let drf = Self::default();
        let cursor = self.paging == Paging::Cursor && self.count == Count::Absent;
        self.rows_in == drf.rows_in
            && (self.count == drf.count || cursor)
            && (self.next == drf.next && self.previous)
            && self.paging != Paging::OffsetIgnored
            && self.unknown == Unknown::Ignored
            && self.sorts != Sorts::Ascending
            && self.over_cap.is_none()
            && self.shows == Shows::Plain
            && self.choices != Choices::Refused
            && self.hides.is_empty()
            && (self.detail, self.answers) == (drf.detail, drf.answers)
            && self.drops.is_empty()
            && self.kept_name(" A ") == " A "
            && !self.equates_cases
    }
}
