//! Random queries: lookups of every kind, trees of them, orders and slices.

use chrono::FixedOffset;
use django_api_orm::{
    Q,
    lookup::Lookup,
    plan::{Order, Plan},
};
use proptest::prelude::*;

use super::lookups::{Condition, condition_in};
use super::rows::Letters;

/// What a test asks of a server and of SQLite.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) steps: Vec<Step>,
    /// The path in Django's spelling, and whether largest first.
    pub(crate) order: Vec<(&'static str, bool)>,
    pub(crate) reverse: bool,
    /// As Python's `[start:stop]`, one after the other.
    pub(crate) slices: Vec<(u64, Option<u64>)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Filter(Tree),
    Exclude(Tree),
}

/// Django's `Q`.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    One(Condition),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
}

impl Tree {
    pub(crate) fn q(&self) -> Q {
        match self {
            Self::One(condition) => {
                Q::Lookup(Lookup::parse(&condition.name, condition.value.clone()))
            }
            Self::And(parts) => parts.iter().map(Self::q).fold(Q::All, Q::and),
            Self::Or(parts) => parts.iter().map(Self::q).fold(Q::All, Q::or),
            Self::Not(part) => part.q().negate(),
        }
    }
}

impl Query {
    /// The filter and the order as a plan; slices are cut by [`Query::sliced`].
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = self
            .steps
            .iter()
            .fold(Plan::all(), |plan, step| match step {
                Step::Filter(tree) => plan.filter(tree.q()),
                Step::Exclude(tree) => plan.exclude(tree.q()),
            });
        if !self.order.is_empty() {
            plan = plan.order_by(
                self.orders()
                    .iter()
                    .map(|order| Order::parse(order))
                    .collect(),
            );
        }
        if self.reverse { plan.reverse() } else { plan }
    }

    /// The order in Django's spelling.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.order
            .iter()
            .map(|(path, descending)| format!("{}{path}", if *descending { "-" } else { "" }))
            .collect()
    }

    /// Whether the query says of every two rows which comes first.
    pub(crate) fn is_total(&self) -> bool {
        self.order.iter().any(|(path, _)| *path == "id")
    }

    /// The same filters without an order and without slices. The judge then lets the keys grow.
    pub(crate) fn without_order(&self) -> Self {
        Self {
            order: Vec::new(),
            reverse: false,
            slices: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether anything is cut off: `[0:]` cuts nothing.
    pub(crate) fn is_sliced(&self) -> bool {
        self.slices.iter().any(|slice| *slice != (0, None))
    }

    /// The part of a list that the slices leave.
    pub(crate) fn sliced<T: Clone>(&self, list: &[T]) -> Vec<T> {
        self.slices
            .iter()
            .fold(list.to_vec(), |list, (start, stop)| {
                let take = stop.map_or(u64::MAX, |stop| stop.saturating_sub(*start));
                let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
                list.into_iter()
                    .skip(bounded(*start))
                    .take(bounded(take))
                    .collect()
            })
    }
}

/// The fields that rows can be ordered by, in Django's spelling.
pub(crate) const ORDERED: [&str; 10] = [
    "id",
    "name",
    "nick",
    "rank",
    "price",
    "score",
    "flag",
    "seen_at",
    "day",
    "address__city",
];

fn tree(letters: Letters, zone: FixedOffset) -> impl Strategy<Value = Tree> {
    let leaf = condition_in(letters, zone).prop_map(Tree::One);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            parts.clone().prop_map(Tree::And),
            parts.prop_map(Tree::Or),
            inner.prop_map(|part| Tree::Not(Box::new(part))),
        ]
    })
}

/// A query of a server whose clock is in that zone.
pub(crate) fn query_in(letters: Letters, zone: FixedOffset) -> impl Strategy<Value = Query> {
    let step = prop_oneof![
        3 => condition_in(letters, zone).prop_map(Tree::One).prop_map(Step::Filter),
        2 => tree(letters, zone).prop_map(Step::Filter),
        2 => tree(letters, zone).prop_map(Step::Exclude),
    ];
    let order = prop::collection::vec(
        (prop::sample::select(ORDERED.to_vec()), any::<bool>()),
        0..4,
    );
    let bound = prop_oneof![4 => 0_u64..12, 1 => 0_u64..60];
    let slice = (bound.clone(), prop::option::weighted(0.8, bound));
    let slices = prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(slice, 0..3)];
    (
        prop::collection::vec(step, 0..4),
        order,
        any::<bool>(),
        slices,
    )
        .prop_map(|(steps, mut order, reverse, slices)| {
            let ordered_by_key = order.iter().any(|(path, _)| *path == "id");
            if !slices.is_empty() && !ordered_by_key {
                // Which rows a slice has must not be left to chance.
                order.push(("id", reverse));
            }
            Query {
                steps,
                order,
                reverse,
                slices,
            }
        })
}
