//! A list of values that is too long for one query string, in parts that are asked for one by one.

use std::collections::HashSet;

use serde_json::Value;

use super::{Aim, Given, Sorting, Strategy};
use crate::{
    dialect::TooLong,
    error::Result,
    filter::Q,
    lookup::Lookup,
    plan::{Plan, Range},
};

/// Values in one `in` lookup: keeps the query string well below the limits of servers and proxies.
pub const LARGEST_PART: usize = 100;

/// How many requests it takes to ask for rows by so many different keys, if these are short.
#[must_use]
pub fn chunks_of_keys(keys: u64) -> u64 {
    keys.div_ceil(LARGEST_PART as u64)
}

/// Long values fill a query string sooner.
const BYTES: usize = 2_000;

/// The parts of a plan whose rows are one of many values: the same plan with some of the values each, whose rows together are its
/// rows. A row may come with two parts: two values may be one for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    plan: Plan,
    is_one_of: Lookup,
    values: Vec<Value>,
}

impl Parts {
    /// The parts of the plan's rows that are one of the values.
    #[must_use]
    pub fn new(plan: Plan, mut is_one_of: Lookup) -> Self {
        let mut values = match is_one_of.value.take() {
            Value::Array(values) => values,
            _ => Vec::new(),
        };
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(value.clone()));
        // Taken from the end.
        values.reverse();
        Self {
            plan,
            is_one_of,
            values,
        }
    }

    /// The query parameter of the list.
    #[must_use]
    pub fn parameter(&self) -> String {
        self.is_one_of.parameter()
    }

    /// Takes the values of the next part.
    pub fn take(&mut self) -> Option<Vec<Value>> {
        let mut bytes = 0;
        let fits = |value: &&Value| {
            bytes += value.to_string().len();
            bytes <= BYTES
        };
        let values = self.values.iter().rev().take(LARGEST_PART);
        let fitting = values.take_while(fits).count().max(1);
        let left = self.values.len().saturating_sub(fitting);
        let part: Vec<Value> = self.values.split_off(left).into_iter().rev().collect();
        (!part.is_empty()).then_some(part)
    }

    /// Takes all values that are left.
    pub fn take_rest(&mut self) -> Vec<Value> {
        let mut rest = std::mem::take(&mut self.values);
        rest.reverse();
        rest
    }

    /// The plan with these values.
    #[must_use]
    pub fn plan(&self, values: Vec<Value>) -> Plan {
        self.plan.clone().filter(Q::Lookup(self.lookup(values)))
    }

    /// The list with these values.
    #[must_use]
    pub fn lookup(&self, values: Vec<Value>) -> Lookup {
        Lookup {
            value: Value::Array(values),
            ..self.is_one_of.clone()
        }
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let mut parts = self.clone();
        std::iter::from_fn(|| parts.take()).count()
    }
}

/// The strategy in parts, where the plan has a list of values that is too long and can be asked for so: each row is behind
/// one of the parts, and the order is the client's to make.
///
/// What the parts do not tell is where a row stands among all rows of the server. So an order that only the server knows, and a
/// slice of it, are read in one walk. A slice of an order that is asked for needs every row first; those with a key in a list
/// are few.
pub(super) fn in_parts(
    plan: &Plan,
    aim: Aim,
    given: &Given<'_>,
    too_long: &TooLong,
) -> Result<Option<Strategy>> {
    let TooLong { is_one_of, others } = too_long;
    let is_key = is_one_of.transform.is_none()
        && [given.model.primary_key(), "pk"].contains(&is_one_of.path.as_str());
    let is_unordered = plan.order().is_empty() && !plan.is_reversed();
    let can_be_sorted = is_key && !plan.order().is_empty();
    let can_be_divided = match aim {
        Aim::Keyset => false,
        Aim::Count => plan.range() == Range::ALL,
        Aim::Rows | Aim::Write => is_unordered && plan.range() == Range::ALL || can_be_sorted,
    };
    if !can_be_divided || !given.findings.allows_parts() {
        return Ok(None);
    }
    let undivided = plan.clone().unsliced().unordered().on(others.clone());
    let parts = Parts::new(undivided, is_one_of.clone());
    // A single value that is too long does not get shorter.
    let Some(values) = parts.clone().take().filter(|_| parts.count() > 1) else {
        return Ok(None);
    };
    let part_aim = if aim == Aim::Write { aim } else { Aim::Rows };
    let mut strategy = Strategy::new(&parts.plan(values), part_aim, given)?;
    strategy.aim = aim;
    strategy.order = plan.order().to_vec();
    strategy.range = plan.range();
    if !plan.order().is_empty() {
        strategy.sorting = Sorting::Client;
    }
    strategy.notes.push(format!(
        "{}: too many values for one query string, so asked for in {} parts",
        parts.parameter(),
        parts.count()
    ));
    strategy.parts = Some(parts);
    strategy.parts_are_by_key = is_key;
    Ok(Some(strategy))
}
