//! The kinds of error.

/// What kind of error an [`Error`](super::Error) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client or a model is set up wrongly.
    Configuration,
    /// Bad input, found before any request.
    InvalidRequest,
    /// No connection could be made, or it broke.
    Connect,
    /// Time ran out.
    Timeout,
    /// A 4xx status that has no kind of its own.
    Status,
    /// The server refused the data and said why (400 or 422 with messages).
    Validation,
    /// Credentials are missing or wrong (401).
    Authentication,
    /// Not allowed (403).
    Permission,
    /// The URL does not exist: a 404 that is not about a row.
    NotFound,
    /// No row matches.
    DoesNotExist,
    /// More than one row matches where one was asked for.
    MultipleObjectsReturned,
    /// The request conflicts with the state of the row (409).
    Conflict,
    /// The row has changed since it was read (412), or a condition is required (428).
    PreconditionFailed,
    /// Too many requests (429).
    Throttled,
    /// The server failed (5xx).
    Server,
    /// A redirect that cannot be followed safely.
    Redirect,
    /// The response is not what was expected.
    Decode,
    /// The response is larger than allowed.
    TooLarge,
    /// A write may or may not have been carried out.
    OutcomeUnknown,
    /// The server ignored a filter, and the caller asked for an error.
    Ignored,
    /// The question cannot be answered rightly.
    Unsupported,
    /// More rows would have to be read than allowed.
    ScanLimit,
    /// The data moved while it was read.
    Drift,
    /// A blocking call inside an async runtime.
    Runtime,
}
