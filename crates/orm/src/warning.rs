//! Things that a caller should know although the answer is right: an ignored filter, data that moved.

use std::fmt;

/// A warning about an endpoint. Given once per endpoint and subject, to the function set with
/// [`on_warning`](crate::ServiceClientBuilder::on_warning), else as a `tracing` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    kind: WarningKind,
    subject: String,
    model: String,
    endpoint: String,
}

/// What a [`Warning`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// The server ignored a filter; the rows were filtered client-side.
    FilterIgnored,
    /// The server ignored an ordering; the rows were sorted client-side.
    OrderingIgnored,
    /// The server ignored an offset; the rows were skipped client-side.
    OffsetIgnored,
    /// The server ignored a limit; it sent more rows than were asked for.
    LimitIgnored,
    /// Rows came twice, or not as many as the server counted.
    Drift,
    /// The server did not keep a value that it was sent.
    Unsaved,
    /// A relation was asked for on one of many rows that were read together, and was not read with them.
    NPlusOne,
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, subject: impl Into<String>) -> Self {
        Self {
            kind,
            subject: subject.into(),
            model: String::new(),
            endpoint: String::new(),
        }
    }

    pub(crate) fn on(mut self, model: &str, endpoint: &str) -> Self {
        self.model = model.to_owned();
        self.endpoint = endpoint.to_owned();
        self
    }

    pub(crate) fn key(&self) -> String {
        match self.kind {
            // Each time with other rows and counts.
            WarningKind::Drift => format!("{:?}", self.kind),
            _ => format!("{:?} {}", self.kind, self.subject),
        }
    }

    /// What the warning is about.
    #[must_use]
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The parameter, the field, or the sentence that says what happened.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The endpoint's path.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            model,
            endpoint,
            ..
        } = self;
        write!(f, "{model} ({endpoint}): ")?;
        match self.kind {
            WarningKind::FilterIgnored => {
                write!(
                    f,
                    "the server does not filter by `{subject}`; rows are filtered client-side, which reads more pages"
                )
            }
            WarningKind::OrderingIgnored => {
                write!(
                    f,
                    "the server ignores ordering by `{subject}`; rows are sorted client-side, which reads every page"
                )
            }
            WarningKind::OffsetIgnored => {
                write!(
                    f,
                    "the server ignores `{subject}`; rows are skipped client-side"
                )
            }
            WarningKind::LimitIgnored => {
                write!(
                    f,
                    "the server ignores `{subject}`; it sends more rows than needed"
                )
            }
            WarningKind::Drift => f.write_str(subject),
            WarningKind::NPlusOne => {
                write!(f, "{subject}; it was read for all of them now")
            }
            WarningKind::Unsaved => {
                write!(f, "the server does not keep what is written to `{subject}`")
            }
        }
    }
}
