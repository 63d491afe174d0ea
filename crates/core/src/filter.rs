//! Conditions joined by and, or and not: [`Q`] without types, [`Filter`] bound to a model.

use std::{
    fmt,
    marker::PhantomData,
    ops::{BitAnd, BitOr, Not},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lookup::{Lookup, Op};

/// A tree of conditions. The Python binding builds this one; Rust code builds a [`Filter`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Q {
    /// Holds for every row.
    #[default]
    All,
    /// One condition.
    Lookup(Lookup),
    /// Holds where every part holds.
    And(Vec<Q>),
    /// Holds where at least one part holds.
    Or(Vec<Q>),
    /// Holds where the part does not.
    Not(Box<Q>),
    /// An invalid condition: its operand cannot be written as JSON. Refused before any request.
    Invalid(String),
}

impl Q {
    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, q) | (q, Self::All) => q,
            (Self::And(mut left), Self::And(right)) => {
                left.extend(right);
                Self::And(left)
            }
            (Self::And(mut left), right) => {
                left.push(right);
                Self::And(left)
            }
            (left, Self::And(mut right)) => {
                right.insert(0, left);
                Self::And(right)
            }
            (left, right) => Self::And(vec![left, right]),
        }
    }

    /// At least one must hold. As in Django, an empty side changes nothing: `Q() | q` is `q`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, q) | (q, Self::All) => q,
            (Self::Or(mut left), Self::Or(right)) => {
                left.extend(right);
                Self::Or(left)
            }
            (Self::Or(mut left), right) => {
                left.push(right);
                Self::Or(left)
            }
            (left, right) => Self::Or(vec![left, right]),
        }
    }

    /// Must not hold. As in Django, the negation of an empty condition is empty.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The parts that must all hold.
    #[must_use]
    pub fn conjuncts(&self) -> &[Q] {
        match self {
            Self::All => &[],
            Self::And(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// The fields that more than one part is about, beside negations, and these parts.
    pub(crate) fn said_of_one_field(&self) -> Vec<(String, Q)> {
        let parts = self.conjuncts().iter();
        let parts: Vec<&Q> = parts.filter(|part| !matches!(part, Self::Not(_))).collect();
        let names = parts.iter().map(|part| {
            let mut names: Vec<String> = Vec::new();
            part.for_each_lookup(&mut |lookup| {
                if lookup.may_ask_of_one_row() {
                    names.push(lookup.root().to_owned());
                }
            });
            names
        });
        let of_parts = |places: Vec<usize>| {
            let parts = places.into_iter().filter_map(|place| parts.get(place));
            Self::And(parts.map(|part| (*part).clone()).collect())
        };
        let shared = if parts.len() > 1 {
            shared(names)
        } else {
            Vec::new()
        };
        shared
            .into_iter()
            .map(|(field, places)| (field, of_parts(places)))
            .collect()
    }

    /// The lookup that says what the value of a field is; `None` for every other condition.
    #[must_use]
    pub fn equality(&self) -> Option<&Lookup> {
        match self {
            Self::Lookup(lookup) if lookup.op == Op::Exact && lookup.transform.is_none() => {
                Some(lookup)
            }
            _ => None,
        }
    }

    /// The lookups that demand a value: every one of them holds for a row that satisfies the filter.
    #[must_use]
    pub fn equalities(&self) -> Vec<&Lookup> {
        self.parts()
            .into_iter()
            .filter_map(Self::equality)
            .collect()
    }

    /// The parts that must all hold, none of which is a conjunction.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        for part in self.conjuncts() {
            match part {
                Self::And(_) => found.extend(part.parts()),
                part => found.push(part),
            }
        }
        found
    }

    /// The parameters of all lookups of the tree, each once.
    #[must_use]
    pub fn parameters(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.for_each_lookup(&mut |lookup| {
            let name = lookup.parameter();
            if !names.contains(&name) {
                names.push(name);
            }
        });
        names
    }

    /// Calls `visit` with every lookup of the tree, from left to right.
    pub fn for_each_lookup<'a>(&'a self, visit: &mut dyn FnMut(&'a Lookup)) {
        match self {
            Self::Lookup(lookup) => visit(lookup),
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.for_each_lookup(visit);
                }
            }
            Self::Not(part) => part.for_each_lookup(visit),
            Self::All | Self::Invalid(_) => {}
        }
    }

    /// Why the tree cannot be evaluated, where it holds an operand without a JSON form.
    #[must_use]
    pub fn invalid(&self) -> Option<&str> {
        match self {
            Self::Invalid(reason) => Some(reason),
            Self::And(parts) | Self::Or(parts) => parts.iter().find_map(Self::invalid),
            Self::Not(part) => part.invalid(),
            Self::All | Self::Lookup(_) => None,
        }
    }
}

impl fmt::Display for Q {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::All => f.write_str("everything"),
            Self::Lookup(lookup) => lookup.fmt(f),
            Self::And(parts) => join(f, parts, "AND"),
            Self::Or(parts) => join(f, parts, "OR"),
            Self::Not(part) => match **part {
                Self::Lookup(_) => write!(f, "NOT {part}"),
                _ => write!(f, "NOT ({part})"),
            },
            Self::Invalid(reason) => write!(f, "invalid: {reason}"),
        }
    }
}

/// A condition on the rows of one model; `&`, `|` and `!` join them.
///
/// A filter of one model is not a filter of another: that does not compile.
pub struct Filter<M> {
    q: Q,
    model: PhantomData<fn() -> M>,
}

impl<M> Filter<M> {
    /// Binds an untyped condition to a model.
    #[must_use]
    pub fn from_q(q: Q) -> Self {
        Self {
            q,
            model: PhantomData,
        }
    }

    /// A condition in Django's spelling, for what the typed fields cannot say: `lookup("author__name", "Ann")`.
    #[must_use]
    pub fn lookup(name: &str, value: impl Into<Value>) -> Self {
        Self::from_q(Q::Lookup(Lookup::parse(name, value.into())))
    }

    /// The untyped condition.
    #[must_use]
    pub fn into_q(self) -> Q {
        self.q
    }

    pub(crate) fn of(path: String, op: Op, value: Result<Value, String>) -> Self {
        Self::from_q(match value {
            Ok(value) => Q::Lookup(Lookup::new(path, op, value)),
            Err(reason) => Q::Invalid(format!("`{path}`: {reason}")),
        })
    }
}

impl<M> Clone for Filter<M> {
    fn clone(&self) -> Self {
        Self::from_q(self.q.clone())
    }
}

impl<M> fmt::Debug for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.q).finish()
    }
}

impl<M> fmt::Display for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.q.fmt(f)
    }
}

impl<M> BitAnd for Filter<M> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::from_q(self.q.and(other.q))
    }
}

impl<M> BitOr for Filter<M> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::from_q(self.q.or(other.q))
    }
}

impl<M> Not for Filter<M> {
    type Output = Self;

    fn not(self) -> Self {
        Self::from_q(self.q.negate())
    }
}

/// What [`Manager::filter`] and its kin accept: a [`Filter`] of the same model.
///
/// [`Manager::filter`]: https://docs.rs/django-api-orm
#[diagnostic::on_unimplemented(
    message = "this is not a filter of `{M}`",
    label = "not a filter of `{M}`",
    note = "a filter is made from the fields of the model that is queried: `{M}::F.<field>.eq(..)`"
)]
pub trait IntoFilter<M> {
    /// The untyped condition.
    fn into_q(self) -> Q;
}

impl<M> IntoFilter<M> for Filter<M> {
    fn into_q(self) -> Q {
        self.q
    }
}

impl<M> IntoFilter<M> for &Filter<M> {
    fn into_q(self) -> Q {
        self.q.clone()
    }
}

/// The names that more than one of the parts has, and the places of these parts.
pub(crate) fn shared(parts: impl Iterator<Item = Vec<String>>) -> Vec<(String, Vec<usize>)> {
    let mut shared: Vec<(String, Vec<usize>)> = Vec::new();
    for (place, mut names) in parts.enumerate() {
        names.sort_unstable();
        names.dedup();
        for name in names {
            match shared.iter_mut().find(|(known, _)| *known == name) {
                Some((_, places)) => places.push(place),
                None => shared.push((name, vec![place])),
            }
        }
    }
    shared.retain(|(_, places)| places.len() > 1);
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        let q = |name: &str, value: i64| Q::Lookup(Lookup::parse(name, value.into()));
        let tree = q("a", 1)
            .and(q("b__gte", 2).or(q("c", 3)))
            .and(q("d", 4).negate());
        assert_eq!(tree.to_string(), "a=1 AND (b__gte=2 OR c=3) AND NOT d=4");
        assert_eq!(tree.clone().negate().negate(), tree);
        assert_eq!(tree.conjuncts().len(), 3);
    }

    #[test]
    fn empty_is_neutral_as_in_django() {
        let q = Q::Lookup(Lookup::parse("a", 1.into()));
        assert_eq!(Q::All.or(q.clone()), q);
        assert_eq!(Q::All.and(q.clone()), q);
        assert_eq!(Q::All.negate(), Q::All);
    }
}
