//! Random queries, and what they mean: decided on the rows that the server keeps, by the rules of Django.

use std::cmp::Ordering;

use django_api_orm::{Filter, Q, QuerySet, lookup::Lookup};
use proptest::{prelude::*, sample::select};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    description::{Natural, Row, Shows},
    thing::Thing,
};

/// The lookups that the described servers can have.
pub(crate) const LOOKUPS: [&str; 13] = [
    "id",
    "id__in",
    "id__gt",
    "name",
    "name__icontains",
    "kind",
    "kind__in",
    "kind__icontains",
    "rank",
    "rank__gte",
    "rank__lt",
    "rank__isnull",
    "flag",
];

const ORDERED: [&str; 5] = ["id", "name", "kind", "rank", "flag"];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) lookup: String,
    pub(crate) value: Value,
}

/// Where nulls stand in an order: databases do it in one of these ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Smallest,
    Largest,
}

/// What databases do in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) nulls: Nulls,
    /// Names are equal that differ in case alone.
    pub(crate) equates_cases: bool,
    /// Names that differ in case alone have one place in an order.
    pub(crate) sorts_cases_alike: bool,
    /// A text that rows show, and that is kept of none, is equal to what is shown so.
    pub(crate) shows: Shows,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            nulls: Nulls::Smallest,
            equates_cases: false,
            sorts_cases_alike: false,
            shows: Shows::Plain,
        }
    }
}

impl Database {
    pub(crate) fn showing(shows: Shows) -> Self {
        Self {
            shows,
            ..Self::default()
        }
    }

    pub(crate) fn nulls_last(self) -> Self {
        Self {
            nulls: Nulls::Largest,
            ..self
        }
    }

    pub(crate) fn equating_cases(self) -> Self {
        Self {
            equates_cases: true,
            ..self
        }
    }

    pub(crate) fn sorting_cases_alike(self) -> Self {
        Self {
            sorts_cases_alike: true,
            ..self
        }
    }

    /// Whether the texts of a field are the same one.
    fn equates(self, field: &str, kept: &str, asked: &str) -> bool {
        let is_shown = SHOWN.contains(&asked);
        match (is_shown, self.equates_cases && field == "name") {
            (true, _) if self.shows.text(field, kept) == asked => true,
            (_, true) => kept.to_lowercase() == asked.to_lowercase(),
            _ => kept == asked,
        }
    }

    fn place<T: Ord>(self, one: Option<T>, other: Option<T>) -> Ordering {
        match self.nulls {
            Nulls::Smallest => one.cmp(&other),
            Nulls::Largest => (one.is_none(), one).cmp(&(other.is_none(), other)),
        }
    }
}

/// Django's `Q`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tree {
    One(Condition),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Step {
    Filter(Tree),
    Exclude(Tree),
}

/// A queryset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Query {
    pub(crate) steps: Vec<Step>,
    /// In Django's spelling: `-rank`.
    pub(crate) order: Vec<String>,
    pub(crate) reverse: bool,
    /// Python's `[start:stop]`.
    pub(crate) slice: Option<(u64, Option<u64>)>,
}

impl Condition {
    /// Whether the row satisfies it, `None` for unknown: a comparison with null.
    pub(crate) fn holds(&self, row: &Row, database: Database) -> Option<bool> {
        let (field, operator) = self.lookup.split_once("__").unwrap_or((&self.lookup, ""));
        let actual = row.value(field);
        if operator == "isnull" {
            return Some(actual.is_null() == (self.value == json!(true)));
        }
        if actual.is_null() {
            return None;
        }
        let number = |value: &Value| value.as_i64();
        let is_equal = |asked: &Value| match (actual.as_str(), asked.as_str()) {
            (Some(kept), Some(asked)) => database.equates(field, kept, asked),
            _ => actual == *asked,
        };
        Some(match operator {
            "in" => self
                .value
                .as_array()
                .is_some_and(|list| list.iter().any(is_equal)),
            "gt" => number(&actual) > number(&self.value),
            "gte" => number(&actual) >= number(&self.value),
            "lt" => number(&actual) < number(&self.value),
            "icontains" => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
                text(&actual).contains(&text(&self.value))
            }
            _ => is_equal(&self.value),
        })
    }
}

impl Row {
    pub(crate) fn value(&self, field: &str) -> Value {
        match field {
            "id" => json!(self.id),
            "name" => json!(self.name),
            "kind" => json!(self.kind),
            "rank" => json!(self.rank),
            "flag" => json!(self.flag),
            _ => Value::Null,
        }
    }

    /// Which of the two comes first.
    pub(crate) fn compare(&self, other: &Self, term: &str, database: Database) -> Ordering {
        let (field, descending) = match term.strip_prefix('-') {
            Some(field) => (field, true),
            None => (term, false),
        };
        let ordering = match field {
            "name" if database.sorts_cases_alike => {
                self.name.to_lowercase().cmp(&other.name.to_lowercase())
            }
            "name" => self.name.cmp(&other.name),
            "kind" => database.place(self.kind.as_ref(), other.kind.as_ref()),
            "rank" => database.place(self.rank, other.rank),
            "flag" => self.flag.cmp(&other.flag),
            _ => self.id.cmp(&other.id),
        };
        if descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

impl Tree {
    fn q(&self) -> Q {
        match self {
            Self::One(Condition { lookup, value }) => {
                Q::Lookup(Lookup::parse(lookup, value.clone()))
            }
            Self::And(parts) => parts.iter().map(Self::q).fold(Q::All, Q::and),
            Self::Or(parts) => parts.iter().map(Self::q).fold(Q::All, Q::or),
            Self::Not(part) => part.q().negate(),
        }
    }

    pub(crate) fn filter(&self) -> Filter<Thing> {
        Filter::from_q(self.q())
    }

    /// As Django's SQL decides: inside a negation it adds that the column is not null, lest the negation of unknown is
    /// unknown.
    fn holds(&self, row: &Row, negated: bool, database: Database) -> Option<bool> {
        let all = |parts: &[Self], decisive: bool| {
            let verdicts: Vec<_> = parts
                .iter()
                .map(|part| part.holds(row, negated, database))
                .collect();
            if verdicts.contains(&Some(decisive)) {
                Some(decisive)
            } else if verdicts.contains(&None) {
                None
            } else {
                Some(!decisive)
            }
        };
        match self {
            Self::One(condition) => match condition.holds(row, database) {
                None if negated => Some(false),
                verdict => verdict,
            },
            Self::And(parts) => all(parts, false),
            Self::Or(parts) => all(parts, true),
            Self::Not(part) => part.holds(row, !negated, database).map(|holds| !holds),
        }
    }
}

impl Query {
    pub(crate) fn queryset(&self, all: QuerySet<Thing>) -> QuerySet<Thing> {
        let mut queryset = self.steps.iter().fold(all, |rows, step| match step {
            Step::Filter(tree) => rows.filter(tree.filter()),
            Step::Exclude(tree) => rows.exclude(tree.filter()),
        });
        if !self.order.is_empty() {
            queryset = queryset.order_by(self.order.iter().map(String::as_str));
        }
        if self.reverse {
            queryset = queryset.reverse();
        }
        match self.slice {
            None => queryset,
            Some((start, None)) => queryset.range(start..),
            Some((start, Some(stop))) => queryset.range(start..stop),
        }
    }

    fn matches(&self, row: &Row, database: Database) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Filter(tree) => tree.holds(row, false, database) == Some(true),
            Step::Exclude(tree) => tree.holds(row, true, database) == Some(false),
        })
    }

    /// The rows of the query, in its order; without one in the server's own.
    pub(crate) fn rows<'r>(
        &self,
        rows: &'r [Row],
        natural: Natural,
        database: Database,
    ) -> Vec<&'r Row> {
        let mut rows: Vec<&Row> = rows
            .iter()
            .filter(|row| self.matches(row, database))
            .collect();
        natural.sort(&mut rows);
        rows.sort_by(|left, right| {
            let terms = self.order.iter();
            terms
                .map(|term| left.compare(right, term, database))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        if self.reverse {
            rows.reverse();
        }
        let Some((start, stop)) = self.slice else {
            return rows;
        };
        let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let take = stop.map_or(usize::MAX, |stop| bounded(stop.saturating_sub(start)));
        rows.into_iter().skip(bounded(start)).take(take).collect()
    }

    /// The lookups that it uses; a list is one for each of its values, of which any can be the one that the server filters by.
    pub(crate) fn lookups(&self) -> usize {
        fn count(tree: &Tree) -> usize {
            match tree {
                Tree::One(one) => one.value.as_array().map_or(1, Vec::len).max(1),
                Tree::And(parts) | Tree::Or(parts) => parts.iter().map(count).sum(),
                Tree::Not(part) => count(part),
            }
        }
        let steps = self.steps.iter().map(|step| match step {
            Step::Filter(tree) | Step::Exclude(tree) => count(tree),
        });
        steps.sum()
    }
}

pub(crate) const NAMES: [&str; 6] = ["ann", "bob", "cleo", "dan", "eve", "ann b"];
pub(crate) const KINDS: [&str; 3] = ["a", "b", "c"];
/// Texts that no row has, though rows may show them.
const SHOWN: [&str; 3] = ["Kind A", "Low", "an"];
/// The kinds, and what is no choice.
const ASKED: [&str; 6] = ["a", "b", "c", "z", "Kind A", "Low"];

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    select(LOOKUPS.to_vec()).prop_flat_map(|lookup| {
        let value = match lookup {
            "id" | "id__gt" => (0_i64..16).prop_map(Value::from).boxed(),
            "id__in" => prop::collection::vec(1_i64..16, 0..4)
                .prop_map(Value::from)
                .boxed(),
            "name" => prop_oneof![
                6 => select(NAMES.to_vec()),
                1 => select(vec!["Ann", " bob", "eve ", "an"]),
            ]
            .prop_map(Value::from)
            .boxed(),
            "name__icontains" => select(vec!["an", "E", "b", " b", "x"])
                .prop_map(Value::from)
                .boxed(),
            "kind" => select(ASKED.to_vec()).prop_map(Value::from).boxed(),
            // Labels have letters of their own.
            "kind__icontains" => select(vec!["a", "B", "k", "z"])
                .prop_map(Value::from)
                .boxed(),
            // Nobody asks for codes and labels together.
            "kind__in" => prop_oneof![
                4 => prop::sample::subsequence(ASKED[..4].to_vec(), 1..=3),
                1 => select(ASKED[4..].to_vec()).prop_map(|label| vec![label]),
            ]
            .prop_map(Value::from)
            .boxed(),
            "rank__isnull" | "flag" => any::<bool>().prop_map(Value::from).boxed(),
            _ => (-2_i64..8).prop_map(Value::from).boxed(),
        };
        value.prop_map(move |value| Condition {
            lookup: lookup.to_owned(),
            value,
        })
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = condition().prop_map(Tree::One);
    leaf.prop_recursive(2, 6, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            parts.clone().prop_map(Tree::And),
            parts.prop_map(Tree::Or),
            inner.prop_map(|part| Tree::Not(Box::new(part))),
        ]
    })
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => condition().prop_map(Tree::One).prop_map(Step::Filter),
        1 => tree().prop_map(Step::Filter),
        1 => condition().prop_map(Tree::One).prop_map(Step::Exclude),
        1 => tree().prop_map(Step::Exclude),
    ];
    prop::collection::vec(step, 0..3)
}

/// Where there is an order it ends with the key, so that one answer is right.
pub(crate) fn query() -> impl Strategy<Value = Query> {
    let term = (select(ORDERED.to_vec()), any::<bool>())
        .prop_map(|(field, descending)| format!("{}{field}", if descending { "-" } else { "" }));
    let order = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(term, 1..3)];
    let slice = (0_u64..10, prop::option::weighted(0.7, 0_u64..14));
    (
        steps(),
        order,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.3, slice),
    )
        .prop_map(|(steps, mut order, reverse, slice)| {
            let is_total = order
                .iter()
                .any(|term| term.trim_start_matches('-') == "id");
            if !order.is_empty() && !is_total {
                order.push("id".to_owned());
            }
            Query {
                steps,
                order,
                reverse,
                slice,
            }
        })
}
