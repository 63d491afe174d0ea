//! How databases compare texts: what each of them overlooks, and by what it orders.
//!
//! Django documents that `contains` tells `a` from `A` and `icontains` does not, and leaves the rest to the database: `SQLite` overlooks
//! the case of ASCII letters in both, and of no others; `PostgreSQL` compares as documented; `MySQL` overlooks case and accents
//! everywhere, `exact` included, and since its version 8 the difference between `ł` and `l`, too.

use std::cmp::Ordering;

use super::text::{Place, overlooked};
use crate::lookup::Op;

/// What a comparison of texts overlooks: each step overlooks what the ones before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Overlooks {
    /// Nothing: texts are equal character by character.
    Nothing,
    /// Whether ASCII letters are upper-case.
    AsciiCase,
    /// Whether letters are upper-case.
    Case,
    /// That, and accents.
    Accents,
    /// That, and what makes other letters of the Latin alphabet of its own, in which Unicode sees no accent: `ł` for `l`, `ß` for `ss`.
    Letters,
}

impl Overlooks {
    const ALL: [Self; 5] = [
        Self::Nothing,
        Self::AsciiCase,
        Self::Case,
        Self::Accents,
        Self::Letters,
    ];

    /// What overlooks less than this.
    fn less(self) -> Option<Self> {
        let mut less = Self::ALL.into_iter().rev();
        less.find(|other| *other < self)
    }
}

/// How much has to be overlooked so that a lookup holds for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// It may hold from here on, as some databases fold letters.
    pub(super) from: Option<Overlooks>,
    /// From here on it holds, as all of them do.
    pub(super) surely: Option<Overlooks>,
}

impl Needed {
    /// The same, of a lookup that is evaluated with each step.
    pub(super) fn by(mut evaluate: impl FnMut(Overlooks) -> Option<bool>) -> Self {
        let mut needed = Self {
            from: None,
            surely: None,
        };
        for step in Overlooks::ALL {
            let holds = evaluate(step);
            needed.from = needed.from.or((holds != Some(false)).then_some(step));
            needed.surely = needed.surely.or((holds == Some(true)).then_some(step));
        }
        needed
    }
}

/// What is known of how a server compares the texts of one filter.
///
/// ```
/// use django_api_orm_core::{evaluate::{Collation, Evaluator, Fields, needed}, filter::Q, lookup::Lookup};
/// use serde_json::json;
///
/// let lookup = Lookup::parse("name__contains", json!("nn"));
/// let row = |name: &str| [("name".to_owned(), json!(name))].into_iter().collect();
/// let open = Collation::open(lookup.op);
/// let verdict = |known: Collation, name: &str| {
///     let fields = Fields::new("id").collated("name__contains", known);
///     let evaluator = Evaluator::compile_for(&Q::Lookup(lookup.clone()), &fields).unwrap();
///     evaluator.evaluate(&row(name))
/// };
/// assert!(verdict(open, "Ann").is_true() && verdict(open, "ANN").is_unknown() && verdict(open, "Bob").is_false());
/// let needed = needed(&lookup, &Fields::new("id"), &row("ANN"));
/// assert!(verdict(open.having_found(needed), "BENNO").is_true());
/// assert!(verdict(open.having_left_out(needed), "BENNO").is_false());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Collation {
    least: Overlooks,
    most: Overlooks,
    /// Texts are ordered by code point; `Some(false)` if they are not, and `None` while nothing has shown it.
    by_code_point: Option<bool>,
    /// What was seen contradicts itself.
    is_unclear: bool,
    /// Nothing was seen: it is what Django documents.
    is_assumed: bool,
}

impl Collation {
    /// As Django documents the lookup, and by code point.
    #[must_use]
    pub fn documented(op: Op) -> Self {
        Self {
            is_assumed: true,
            ..Self::exactly(match ignores_case(op) {
                true => Overlooks::Case,
                false => Overlooks::Nothing,
            })
        }
    }

    /// Whether it is what Django documents, and nothing was seen.
    pub(super) fn is_assumed(self) -> bool {
        self.is_assumed
    }

    /// Nothing is known but what all databases do.
    #[must_use]
    pub fn open(op: Op) -> Self {
        Self {
            least: match ignores_case(op) {
                true => Overlooks::AsciiCase,
                false => Overlooks::Nothing,
            },
            most: Overlooks::Letters,
            by_code_point: None,
            is_unclear: false,
            is_assumed: false,
        }
    }

    /// As documented, unless it overlooks more: for checking rows that a server has found.
    pub(super) fn at_least_documented(op: Op) -> Self {
        Self {
            least: Self::documented(op).least,
            ..Self::open(op)
        }
    }

    pub(super) const fn exactly(step: Overlooks) -> Self {
        Self {
            least: step,
            most: step,
            by_code_point: Some(true),
            is_unclear: false,
            is_assumed: false,
        }
    }

    /// Having seen that a row which needs so much is found.
    #[must_use]
    pub fn having_found(self, needed: Needed) -> Self {
        let least = needed.from.map_or(self.least, |from| self.least.max(from));
        Self { least, ..self }.unless_contradicted(needed.from.is_some())
    }

    /// Having seen that a row which needs so much is not found.
    #[must_use]
    pub fn having_left_out(self, needed: Needed) -> Self {
        let Some(surely) = needed.surely else {
            return self;
        };
        let most = surely.less();
        let is_possible = most.is_some_and(|most| most >= self.least);
        Self {
            most: most.map_or(self.most, |most| self.most.min(most)),
            ..self
        }
        .unless_contradicted(is_possible)
    }

    /// Having seen by what the texts are ordered.
    #[must_use]
    pub fn ordered(self, by_code_point: bool) -> Self {
        Self {
            by_code_point: Some(by_code_point && self.by_code_point != Some(false)),
            ..self
        }
    }

    fn unless_contradicted(self, is_possible: bool) -> Self {
        Self {
            is_unclear: self.is_unclear || !is_possible || self.least > self.most,
            ..self
        }
    }

    /// Whether a lookup holds that needs so much; `None` where that is not known.
    #[must_use]
    pub fn decides(self, needed: Needed) -> Option<bool> {
        if self.is_unclear {
            let is_decided = needed.surely == Some(Overlooks::Nothing) || needed.from.is_none();
            return is_decided.then_some(needed.from.is_some());
        }
        if needed.surely.is_some_and(|surely| surely <= self.least) {
            return Some(true);
        }
        match needed.from {
            Some(from) if from <= self.most => None,
            _ => Some(false),
        }
    }

    /// Whether more is to be found out that a lookup may depend on.
    #[must_use]
    pub fn is_open_for(self, op: Op) -> bool {
        match orders(op) {
            true => self.by_code_point.is_none(),
            false => !self.is_unclear && self.least < self.most,
        }
    }

    /// Whether an operand and a text are equal as far as the place wants it; `None` where that is not known.
    pub(super) fn holds(self, place: Place, text: &str, operand: &str) -> Option<bool> {
        self.decides(overlooked(place, text, operand, self.most))
    }

    pub(super) fn equal(self, left: &str, right: &str) -> Option<bool> {
        if left == right {
            return Some(true);
        }
        self.holds(Place::Whole, left, right)
    }

    pub(super) fn order(self, left: &str, right: &str) -> Option<Ordering> {
        match self.by_code_point {
            Some(true) => Some(left.cmp(right)),
            _ => super::text::order_in_any_collation(left, right),
        }
    }
}

/// Whether two texts are equal to some database, which overlooks case and accents.
///
/// ```
/// use django_api_orm_core::evaluate::may_be_equal;
///
/// assert!(may_be_equal("Ann", "ann") && may_be_equal("Café", "cafe") && !may_be_equal("Ann", "Anna"));
/// ```
#[must_use]
pub fn may_be_equal(left: &str, right: &str) -> bool {
    Collation::open(Op::Exact).equal(left, right) != Some(false)
}

/// Whether it asks for an order.
pub(super) fn orders(op: Op) -> bool {
    matches!(op, Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Range)
}

fn ignores_case(op: Op) -> bool {
    matches!(
        op,
        Op::IExact | Op::IContains | Op::IStartsWith | Op::IEndsWith
    )
}
