//! Probes: requests that show what a server honours, where the rows of the query itself would not show it.

use serde_json::{Map, Value};

use super::{
    Given,
    values::{Spelling, equal, of_every_row, of_no_row, of_row, spelling},
};
use crate::{
    dialect::encode,
    evaluate::{Fields, roots_of},
    knowledge::Knowledge,
    lookup::Lookup,
    model::ModelMeta,
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
    /// Does it sort by all of these keys, one behind the other? Rows that are equal by the others must come otherwise where the last one is
    /// turned round, and stand in no wrong order.
    SortsTogether(Vec<Order>),
    /// Does it leave rows out by this filter? The count must grow without it.
    Filters(Lookup),
    /// Does it look at this filter, which no row shows? Another value must find other rows, or be refused; or else the filter
    /// must leave rows out.
    LooksAt(Lookup),
    /// Does it know this filter, for which it has no row? Some servers take what they do not know for equality with a field, or for
    /// a filter of another name. A value that a row certainly satisfies must find rows.
    Knows(Lookup),
    /// Does it know the parameter of the order, for which it has no row? There must be rows in this order.
    KnowsOrdering,
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

    pub(super) fn sorts_together(order: &[Order], extra: &Pairs, given: &Given<'_>) -> Self {
        let parameter = given.dialect.ordering_parameter();
        let ask = |order: &[Order]| and(extra, parameter.to_owned(), spelt(order));
        let (mut turned, question) = (order.to_vec(), Question::SortsTogether(order.to_vec()));
        if let Some(last) = turned.last_mut() {
            *last = last.opposite();
        }
        Self {
            with: ask(order),
            without: ask(&turned),
            question,
        }
    }

    /// Whether it asks for the filter by the key of a related row.
    #[must_use]
    pub fn asks_of_related(&self, model: &ModelMeta) -> bool {
        matches!(&self.question, Question::Knows(guard) if model.is_of_related_key(guard))
    }

    /// Whether it asks if the server sorts by this.
    #[must_use]
    pub fn is_of(&self, order: &Order) -> bool {
        matches!(&self.question, Question::Sorts(key) if key == order)
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

    /// Each of these is asked alone, so that nothing else leaves rows out. Where no value does for every row, the first one is
    /// taken from the rows that come without the filter.
    pub(super) fn knows(guard: &Lookup, extra: &Pairs) -> Self {
        let telling = Telling::of_every_row(guard, extra);
        Self {
            question: Question::Knows(guard.clone()),
            with: telling.map_or_else(|| extra.clone(), |telling| telling.pairs),
            without: extra.clone(),
        }
    }

    pub(super) fn knows_ordering(order: &[Order], extra: &Pairs, given: &Given<'_>) -> Self {
        let parameter = given.dialect.ordering_parameter().to_owned();
        Self {
            question: Question::KnowsOrdering,
            with: and(extra, parameter, spelt(order)),
            without: extra.clone(),
        }
    }

    /// Whether the server looks at a filter that it was sent as `text`. The filter stands alone, so that no other one decides.
    #[must_use]
    pub fn looks_at(guard: &Lookup, text: &str, extra: &Pairs, findings: &Findings) -> Self {
        let other = of_no_row(guard, &findings.nonsense);
        Self {
            question: Question::LooksAt(guard.clone()),
            with: and(extra, guard.parameter(), other),
            without: and(extra, guard.parameter(), text.to_owned()),
        }
    }
}

/// A filter with a value that a row satisfies: what [`Question::Knows`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The filter with that value.
    pub lookup: Lookup,
    /// What is sent.
    pub pairs: Pairs,
}

impl Telling {
    fn new(lookup: Lookup, extra: &Pairs) -> Option<Self> {
        let text = encode(&lookup)?;
        Some(Self {
            pairs: and(extra, lookup.parameter(), text),
            lookup,
        })
    }

    /// With its own value, which other filters do not narrow.
    #[must_use]
    pub fn alone(guard: &Lookup, extra: &Pairs) -> Option<Self> {
        Self::new(guard.clone(), extra)
    }

    /// With a value that every row satisfies, where there is one.
    #[must_use]
    pub fn of_every_row(guard: &Lookup, extra: &Pairs) -> Option<Self> {
        Self::new(of_every_row(guard)?, extra)
    }

    /// With the value that a row has, where that can be sent.
    #[must_use]
    pub fn of_row(
        guard: &Lookup,
        extra: &Pairs,
        fields: &Fields,
        row: &Map<String, Value>,
    ) -> Option<Self> {
        Self::new(of_row(guard, fields, row)?, extra)
    }

    /// With the value that a row has, for equality. `is_key`: of a related row that is shown by its URL or as an object the key is meant.
    #[must_use]
    pub fn equal(
        guard: &Lookup,
        extra: &Pairs,
        fields: &Fields,
        row: &Map<String, Value>,
        is_key: bool,
    ) -> Option<Self> {
        Self::new(equal(guard, fields, row, is_key)?, extra)
    }

    /// With the value that a row has in a spelling that is not the row's, or nothing where the row spells as the filter does; `None`
    /// where it has no value that can be sent.
    #[must_use]
    pub fn respelt(
        guard: &Lookup,
        extra: &Pairs,
        fields: &Fields,
        row: &Map<String, Value>,
    ) -> Option<Option<Self>> {
        let value = match spelling(guard, fields, row)? {
            Spelling::Same => return Some(None),
            Spelling::Other(value) => value,
        };
        let lookup = Lookup {
            value,
            ..guard.clone()
        };
        Some(Some(Self::new(lookup, extra)?))
    }

    /// The fields of a row that [`of_row`](Self::of_row) looks at.
    #[must_use]
    pub fn roots(guard: &Lookup, fields: &Fields) -> Vec<String> {
        roots_of(guard, fields)
    }
}

/// Keys of an order, as a server is asked for them together.
#[must_use]
pub fn spelt(order: &[Order]) -> String {
    let keys: Vec<String> = order.iter().map(ToString::to_string).collect();
    keys.join(",")
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
    /// A row is created if none comes.
    creates: bool,
    /// The parameters that take a list of values, and that the query goes on without.
    refused: Vec<String>,
}

impl Findings {
    /// Nothing yet. `nonsense` is a word that no row has.
    #[must_use]
    pub fn new(nonsense: String) -> Self {
        Self {
            nonsense,
            shown: Vec::new(),
            undivided: false,
            creates: false,
            refused: Vec::new(),
        }
    }

    /// Goes on without lists of values by this parameter, which the server may have refused.
    pub fn refuse_lists(&mut self, parameter: String) {
        self.refused.push(parameter);
    }

    /// The parameters that the query goes on without.
    pub(super) fn refused_lists(&self) -> &[String] {
        &self.refused
    }

    /// The parameters with a filter by equality, and this text.
    #[must_use]
    pub fn asking_for(base: &Pairs, path: &str, text: &str) -> Pairs {
        and(base, path.to_owned(), text.to_owned())
    }

    /// The parameters with a filter by equality, and a text that no row has.
    #[must_use]
    pub fn asking_for_none(&self, base: &Pairs, path: &str) -> Pairs {
        Self::asking_for(base, path, &self.nonsense)
    }

    /// The parameters, and one that no server knows.
    #[must_use]
    pub fn asking_unknown(&self, base: &Pairs) -> Pairs {
        Self::asking_for(base, &format!("x{}", self.nonsense), "1")
    }

    /// Takes nothing but proof for a sign that there are no rows: one is created then.
    pub fn create_if_empty(&mut self) {
        self.creates = true;
    }

    /// Whether a row is created if none comes.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.creates
    }

    /// Whether no parameter that the server may not know can have left out every row.
    #[must_use]
    pub fn believes_emptiness(&self, known: &Knowledge) -> bool {
        known.is_drf && !self.creates
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

    /// The filters for which nothing came, and of which nothing shows that the server knows them.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &Lookup> {
        self.shown
            .iter()
            .filter_map(|(question, reliable)| match question {
                Question::Knows(guard) if !reliable => Some(guard),
                _ => None,
            })
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
