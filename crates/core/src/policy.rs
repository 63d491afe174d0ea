//! What to do when a server does less than it was asked: settable on a client, a model's manager or a single query.

/// What happens when a server ignores a filter, an ordering, a limit or an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnIgnored {
    /// The answer is finished client-side, on the rows, and a warning is given once per endpoint and parameter.
    #[default]
    Local,
    /// An error of the kind [`Ignored`](crate::ErrorKind::Ignored).
    Error,
    /// The server's rows are taken as they come. Only for servers whose rows cannot be compared with the filter.
    Trust,
}

/// What happens when rows appear twice in one walk, or fewer or more came than the server counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnDrift {
    /// A warning.
    #[default]
    Warn,
    /// An error of the kind [`Drift`](crate::ErrorKind::Drift).
    Error,
    /// Nothing.
    Ignore,
}

/// What happens when the answer to a write shows that the server did not keep a value that it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnUnsaved {
    /// An error of the kind [`Unsaved`](crate::ErrorKind::Unsaved).
    #[default]
    Error,
    /// A warning, once per endpoint and field.
    Warn,
    /// Nothing.
    Ignore,
}

/// What happens when a row that is saved has been changed by somebody else since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnConflict {
    /// An error, for which [`is_conflict`](crate::Error::is_conflict) is true; nothing is written.
    #[default]
    Error,
    /// The row is read again, and the changes are written into it as it is now, if nobody else has changed the same fields.
    Merge,
}

/// What happens when a relation is asked for on one of many rows that were read together, and was not read with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnNPlusOne {
    /// It is read for all of these rows at once, so that a loop over them does not send a request for each.
    #[default]
    Batch,
    /// The same, and a warning, once per line of the program.
    Warn,
    /// An error of the kind [`InvalidRequest`](crate::ErrorKind::InvalidRequest), which names the line: for tests.
    Error,
}

/// Where nulls stand when rows are sorted client-side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NullOrder {
    /// Before every value, as in SQLite and MySQL.
    #[default]
    Smallest,
    /// After every value, as in PostgreSQL and Oracle.
    Largest,
}

/// How a query behaves beyond what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What happens when a parameter is ignored.
    pub on_ignored: OnIgnored,
    /// What happens when the data moves during a walk.
    pub on_drift: OnDrift,
    /// What happens when the server does not keep a value.
    pub on_unsaved: OnUnsaved,
    /// What happens when a relation is asked for row by row.
    pub on_n_plus_one: OnNPlusOne,
    /// The most rows that one query reads when it has to evaluate something client-side.
    pub max_scan: u64,
    /// Rows asked for in a page; `None` leaves it to the server.
    pub page_size: Option<u64>,
    /// Pages read ahead at the same time; 1 reads them one after the other.
    pub read_ahead: usize,
    /// Where nulls stand when rows are sorted client-side.
    pub nulls: NullOrder,
}

impl Policy {
    /// Whether the server is taken at its word. What that means for a query is decided where its
    /// [`Strategy`](crate::strategy::Strategy) is made.
    #[must_use]
    pub fn trusts_server(&self) -> bool {
        self.on_ignored == OnIgnored::Trust
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_ignored: OnIgnored::default(),
            on_drift: OnDrift::default(),
            on_unsaved: OnUnsaved::default(),
            on_n_plus_one: OnNPlusOne::default(),
            max_scan: 100_000,
            page_size: None,
            read_ahead: 4,
            nulls: NullOrder::default(),
        }
    }
}
