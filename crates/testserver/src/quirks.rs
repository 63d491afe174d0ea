//! The ways in which real servers are not as DRF's documentation has them: each is an option of a
//! [`Resource`](crate::Resource), so that a client can be tested against it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use http::StatusCode;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::envelope::Envelope;
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
    /// What is done with query parameters that the resource does not know; DRF ignores them.
    Unknown(Unknown),
    /// `-name` in an ordering is the name of a field, which no row has.
    NoDescending,
    /// A filter that is given several times wants any of the values, not the last one.
    RepeatedIsAny,
    /// This field, at its path (`address__city`), is shown in another form than it is filtered by and written in.
    Show(String, Form),
    /// Rows have no URLs of their own.
    NoDetails,
    /// Nothing can be written.
    ReadOnly,
    /// These fields of a body are silently dropped.
    DropFields(Vec<String>),
    /// A POST, PUT or PATCH is answered with this, not with the row.
    WriteAnswer(WriteAnswer),
    /// A single row stands under this name, in bodies and in answers.
    WrapRow(String),
    /// An answer to the GET of a row has an `ETag`, and writes of a row are conditional.
    Tags(Tags),
}

/// How rows are tagged, and how the conditions of writes are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tags {
    pub(crate) is_weak: bool,
    pub(crate) is_required: bool,
    pub(crate) after_writes: bool,
    pub(crate) comparison: Comparison,
}

/// How the condition of a write is compared with the tag of its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// By the strong comparison: a weak tag never matches.
    #[default]
    Strong,
    /// The text of the header with the text of the tag.
    Text,
    /// Not at all.
    None,
}

impl Tags {
    /// As Django's decorator `condition` does it: strong tags, only in answers to GET, and `If-Match` by the strong comparison.
    #[must_use]
    pub fn strong() -> Self {
        Self::default()
    }

    /// The same with weak tags, which match no condition.
    #[must_use]
    pub fn weak() -> Self {
        Self {
            is_weak: true,
            ..Self::default()
        }
    }

    /// The header of a condition is the tag, to the letter.
    #[must_use]
    pub fn compared_as_text(mut self) -> Self {
        self.comparison = Comparison::Text;
        self
    }

    /// Conditions are not looked at, as behind Django's `ConditionalGetMiddleware`.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.comparison = Comparison::None;
        self
    }

    /// Writes without a condition are refused with 428.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Answers to writes have the tag, too.
    #[must_use]
    pub fn after_writes(mut self) -> Self {
        self.after_writes = true;
        self
    }
}

/// What is done with query parameters that a resource does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// They are refused with this status.
    Refused(StatusCode),
    /// Rows are wanted whose field of this name has the value. No row has such a field.
    Equality,
}

/// The form in which a value is shown.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// Its label: `"Active"` for `"A"`.
    Label(BTreeMap<String, String>),
    /// An object with value and label.
    ValueAndLabel(BTreeMap<String, String>),
    /// The first letters of a text.
    Shortened(usize),
    /// A number, or a text with one, to so many decimal places.
    Rounded(u32),
}

/// What a write is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteAnswer {
    /// These fields of the row.
    Part(Vec<String>),
    /// No body.
    Nothing,
    /// A sign-in page, with 200. Nothing is written.
    SignInPage,
}

impl Form {
    /// The value as it is shown.
    pub(crate) fn of(&self, value: Wire) -> Wire {
        let text = match &value {
            Wire::Value(Value::String(text)) => text.clone(),
            Wire::Value(Value::Number(number)) => number.to_string(),
            _ => return value,
        };
        let is_text = matches!(&value, Wire::Value(Value::String(_)));
        let label = |labels: &BTreeMap<String, String>| labels.get(&text).unwrap_or(&text).clone();
        match self {
            Self::Label(labels) => Wire::from(label(labels)),
            Self::ValueAndLabel(labels) => Wire::Map(vec![
                ("value".to_owned(), value),
                ("label".to_owned(), Wire::from(label(labels))),
            ]),
            Self::Shortened(letters) if is_text => {
                Wire::from(text.chars().take(*letters).collect::<String>())
            }
            Self::Shortened(_) => value,
            Self::Rounded(places) => match text.parse::<Decimal>() {
                Ok(number) if is_text => Wire::from(rounded(number, *places).to_string()),
                Ok(number) => rounded(number, *places).to_f64().map_or(value, Wire::from),
                Err(_) => value,
            },
        }
    }
}

fn rounded(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
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
