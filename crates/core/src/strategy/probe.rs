//! Probes: requests that show what a server honours, where the rows of the query itself would not show it.

use serde_json::Value;

use super::Given;
use crate::{
    lookup::{Lookup, Op},
    paginator::Pairs,
    plan::Order,
};

/// What a probe asks of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Does it search? Words that no row can have must find no row, where there are rows at all.
    Searches,
    /// Does it sort by this key? The first rows of both directions must differ, and not be in the wrong order.
    Sorts(Order),
    /// Does it leave rows out by this filter? The count must grow without it.
    Filters(Lookup),
    /// Does it look at this filter, which no row shows? Another value must find other rows, or be refused; or else the filter
    /// must leave rows out.
    LooksAt(Lookup),
    /// Do pages by a cursor keep the rows with nulls of this order? Databases have nulls at one end, so the first rows of both
    /// directions show whether there are any.
    KeepsNulls(Vec<Order>),
}

/// A question, and what has to be sent to answer it: pages of one row, or of a few where their order is in question; the second
/// only if the first does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What is asked.
    pub question: Question,
    /// The parameters with what is in question.
    pub with: Pairs,
    /// The same without it, or with its opposite: what the answer is compared with.
    pub without: Pairs,
}

impl Probe {
    pub(super) fn searches(extra: &Pairs, given: &Given<'_>) -> Self {
        let parameter = given.dialect.search_parameter().to_owned();
        Self {
            question: Question::Searches,
            with: and(extra, parameter, given.findings.nonsense.clone()),
            without: extra.clone(),
        }
    }

    /// The filter plays no part: the order is that of the whole collection.
    pub(super) fn sorts(order: &Order, extra: &Pairs, given: &Given<'_>) -> Self {
        let directed = |order: &Order| {
            let parameter = given.dialect.ordering_parameter().to_owned();
            and(extra, parameter, order.to_string())
        };
        Self {
            with: directed(order),
            without: directed(&order.opposite()),
            question: Question::Sorts(order.clone()),
        }
    }

    pub(super) fn filters(guard: &Lookup, pairs: &Pairs) -> Self {
        let parameter = guard.parameter();
        let others = pairs.iter().filter(|(name, _)| *name != parameter);
        Self {
            with: pairs.clone(),
            without: others.cloned().collect(),
            question: Question::Filters(guard.clone()),
        }
    }

    pub(super) fn keeps_nulls(order: &[Order], pairs: &Pairs, given: &Given<'_>) -> Self {
        let turned: Vec<String> = order
            .iter()
            .map(|order| order.opposite().to_string())
            .collect();
        let mut without = pairs.clone();
        for (name, value) in &mut without {
            if name == given.dialect.ordering_parameter() {
                *value = turned.join(",");
            }
        }
        Self {
            question: Question::KeepsNulls(order.to_vec()),
            with: pairs.clone(),
            without,
        }
    }

    /// Whether the server looks at a filter that it was sent as `text`. The filter stands alone, so that no other one decides.
    #[must_use]
    pub fn looks_at(guard: &Lookup, text: &str, extra: &Pairs, findings: &Findings) -> Self {
        let nonsense = &findings.nonsense;
        let other = match &guard.value {
            // A server takes for no filter at all what is neither true nor false.
            Value::Bool(value) => (!value).to_string(),
            Value::Null => "false".to_owned(),
            _ => match guard.op {
                Op::Range => format!("{nonsense},{nonsense}"),
                // Text beyond that of any row, at the end that the lookup asks for.
                Op::Gt | Op::Gte => format!("zzzz{nonsense}"),
                Op::Lt | Op::Lte => format!("!{nonsense}"),
                _ => nonsense.clone(),
            },
        };
        Self {
            question: Question::LooksAt(guard.clone()),
            with: and(extra, guard.parameter(), other),
            without: and(extra, guard.parameter(), text.to_owned()),
        }
    }
}

fn and(pairs: &Pairs, name: String, value: String) -> Pairs {
    let mut pairs = pairs.clone();
    pairs.push((name, value));
    pairs
}

/// What the probes of one query have shown. What holds beyond the query is kept in
/// [`Knowledge`](crate::knowledge::Knowledge) too.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// A word that no row has.
    nonsense: String,
    shown: Vec<(Question, bool)>,
    /// A list of values that is too long for a query string is not asked for in parts.
    undivided: bool,
}

impl Findings {
    /// Nothing yet. `nonsense` is a word that no row has.
    #[must_use]
    pub fn new(nonsense: String) -> Self {
        Self {
            nonsense,
            shown: Vec::new(),
            undivided: false,
        }
    }

    /// Has the plan read in one walk: its rows cannot be put together from parts, or the server's own order matters.
    pub fn forbid_parts(&mut self) {
        self.undivided = true;
    }

    /// Whether the plan may be read in parts.
    #[must_use]
    pub fn allows_parts(&self) -> bool {
        !self.undivided
    }

    /// Keeps whether the server can be relied on in this query. The last word counts: rows may contradict a probe.
    pub fn keep(&mut self, question: Question, reliable: bool) {
        self.shown.push((question, reliable));
    }

    /// Whether the server can be relied on; `None` while the question was not asked.
    #[must_use]
    pub fn of(&self, question: &Question) -> Option<bool> {
        let mut latest = self.shown.iter().rev();
        latest
            .find(|(asked, _)| asked == question)
            .map(|(_, reliable)| *reliable)
    }
}
