//! The one table of error kinds: what each means, and the code by which other languages and logs know it.

/// Makes the enum, the codes and the list of all kinds from one table.
macro_rules! kinds {
    ($($(#[doc = $text:literal])+ $kind:ident = $code:literal,)+) => {
        /// What kind of error an [`Error`](super::Error) is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $text])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The kind as a word that stays the same from release to release, for logs and metrics.
            ///
            /// ```
            /// use django_api_orm_core::ErrorKind;
            ///
            /// assert_eq!(ErrorKind::DoesNotExist.code(), "does_not_exist");
            /// ```
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }

            /// What the kind means, in a sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!($($text),+),)+
                }
            }
        }
    };
}

kinds! {
    /// The client or a model is set up wrongly.
    Configuration = "configuration",
    /// Bad input, found before any request.
    InvalidRequest = "invalid_request",
    /// No connection could be made, or it broke.
    Connect = "connect",
    /// Time ran out.
    Timeout = "timeout",
    /// A 4xx status that has no kind of its own.
    Status = "status",
    /// The server refused the data and said why (400 or 422 with messages).
    Validation = "validation",
    /// Credentials are missing or wrong (401).
    Authentication = "authentication",
    /// Not allowed (403).
    Permission = "permission",
    /// The URL does not exist: a 404 that is not about a row.
    NotFound = "not_found",
    /// No row matches.
    DoesNotExist = "does_not_exist",
    /// More than one row matches where one was asked for.
    MultipleObjectsReturned = "multiple_objects_returned",
    /// The request conflicts with the state of the row (409), or a check has shown that it was changed since it was read.
    Conflict = "conflict",
    /// The row has changed since it was read (412).
    PreconditionFailed = "precondition_failed",
    /// The server wants to be told which version of the row a write was made of (428).
    PreconditionRequired = "precondition_required",
    /// Too many requests (429); without a status, one that was not sent because it would have had to wait for too long.
    Throttled = "throttled",
    /// The server failed (5xx).
    Server = "server",
    /// A redirect that cannot be followed safely.
    Redirect = "redirect",
    /// The response is not what was expected.
    Decode = "decode",
    /// The response is larger than allowed.
    TooLarge = "too_large",
    /// A write was carried out, but the server did not keep a value; or it would not, so nothing was written.
    Unsaved = "unsaved",
    /// A write may or may not have been carried out.
    OutcomeUnknown = "outcome_unknown",
    /// The server ignored a filter, and the caller asked for an error.
    Ignored = "ignored",
    /// The question cannot be answered rightly.
    Unsupported = "unsupported",
    /// More rows would have to be read than allowed.
    ScanLimit = "scan_limit",
    /// The number of rows that match is not the expected one, so nothing was written.
    CountMismatch = "count_mismatch",
    /// The data moved while it was read.
    Drift = "drift",
    /// A blocking call inside an async runtime.
    Runtime = "runtime",
}
