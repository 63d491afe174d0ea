//! Only the server's links say where the next page is: a `Link` header, or parameters of the server's own.
//!
//! ```text
//! ask    ?active=true
//! answer Link: <http://10.0.0.1/users?after=x9&active=true>; rel="next"
//!        [25 rows]
//! ask    ?active=true&after=x9    why: linked; what the query says itself keeps its value
//! answer [3 rows]                 without a link: the end
//! ```
//!
//! Where the server counts more rows than it has sent and has no link to them, it may know offsets all the same. That is
//! tried unless the program has declared that only links tell.

use super::{
    Paging,
    ask::{Ask, Turn},
    parameters::Parameters,
    unrecognised::try_offset,
};

/// Only the server's links tell.
#[derive(Debug)]
pub struct Link {
    parameters: Parameters,
}

impl Link {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }
}

impl Paging for Link {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn counted(&self, turn: &Turn<'_>) -> Option<Ask> {
        (!self.parameters.is_declared()).then(|| try_offset(&self.parameters, self.own(turn), turn))
    }
}
