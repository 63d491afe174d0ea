//! What a row shows of a condition: three answers, joined by Kleene's logic.

use std::{fmt, sync::Arc};

/// What a row shows of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The row does not show whether it holds.
    Unknown(Reason),
}

impl Verdict {
    /// Whether the condition holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self, Self::True)
    }

    /// Whether the condition does not hold.
    #[must_use]
    pub fn is_false(&self) -> bool {
        matches!(self, Self::False)
    }

    /// Whether the row does not show it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Both hold. False if one is false, whatever the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::True, Self::True) => Self::True,
        }
    }

    /// At least one holds. True if one is true, whatever the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::False, Self::False) => Self::False,
        }
    }

    /// It does not hold. Unknown stays unknown.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

/// Why a row does not show whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub(super) lookup: Arc<str>,
    pub(super) why: Why,
}

/// What stands in the way of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The row has no such field.
    Absent,
    /// The value cannot be compared with the operand.
    Incomparable,
    /// Digits that the row does not show would decide.
    Boundary,
    /// Databases differ in how they compare such texts.
    Collation,
    /// The server shows the field in another form than it filters by.
    OtherForm,
}

impl Reason {
    /// The lookup that cannot be decided: `address__state`, `age__gte`.
    #[must_use]
    pub fn lookup(&self) -> &str {
        &self.lookup
    }

    /// Whether the row has no such field; otherwise it has one that cannot be compared with the operand.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.why == Why::Absent
    }

    /// Whether digits that the row does not show, such as the seconds, would decide.
    #[must_use]
    pub fn is_at_boundary(&self) -> bool {
        self.why == Why::Boundary
    }

    /// Whether it depends on how the database compares texts.
    #[must_use]
    pub fn is_by_collation(&self) -> bool {
        self.why == Why::Collation
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::Absent => "the rows do not hold this field",
            Why::Incomparable => "the value in the row cannot be compared with the operand",
            Why::Boundary => "the row does not show the digits that would decide",
            Why::Collation => {
                "databases differ in whether texts like those of the row and the operand are equal, or which one comes first"
            }
            Why::OtherForm => "the rows show this field in another form than the server filters by",
        };
        write!(f, "`{}`: {why}", self.lookup)
    }
}
