//! The whole collection in one answer, as far as can be seen.
//!
//! ```text
//! ask    ?limit=50                why: 50 rows are needed, and nothing is known of the endpoint yet
//! answer [50 rows]                a plain list as long as was asked for: the limit may have been honoured
//! ask    ?limit=50&offset=50      why: tried, if more rows are needed after all
//! answer [50 rows]                the same page: a list of 50 rows. Other rows: limit/offset without an envelope
//! ```
//!
//! A list of another length is everything, unless a count says that there is more. Nothing is tried where the program has
//! declared that there is no pagination.

use super::{
    Offsets, Paging,
    ask::{Ask, Turn},
    pairs::Pairs,
    parameters::Parameters,
    unrecognised::{is_as_long_as_the_limit, try_offset},
};

/// Everything comes in one answer.
#[derive(Debug)]
pub struct Whole {
    parameters: Parameters,
}

impl Whole {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }
}

impl Paging for Whole {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn offsets(&self) -> Offsets {
        Offsets::Perhaps
    }

    fn own(&self, turn: &Turn<'_>) -> Pairs {
        let size = if self.parameters.is_declared() {
            self.parameters.size()
        } else {
            Some("limit")
        };
        self.parameters.own(turn, size)
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        (!self.parameters.is_declared()).then(|| try_offset(&self.parameters, self.own(turn), turn))
    }

    fn guessed(&self, turn: &Turn<'_>) -> Option<Ask> {
        self.counted(turn).filter(|_| is_as_long_as_the_limit(turn))
    }
}
