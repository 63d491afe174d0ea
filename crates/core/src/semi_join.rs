//! Filters that cross a relation, such as `author__name="Ann"`: which they are, and what takes their place once the keys of the
//! related rows are known (a semi-join).

use serde_json::Value;

use crate::{
    error::{Error, Result},
    filter::Q,
    lookup::{Lookup, Op},
    plan::{Plan, Range},
};

/// What a lookup says of related rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// The lookup as the program gave it.
    pub lookup: Lookup,
    /// The same, on the related rows.
    pub rest: Lookup,
    /// It must hold on each row by itself, so that it can be sent to the server.
    pub must_hold: bool,
    /// It also holds where there is no related row.
    pub holds_without: bool,
}

impl Crossing {
    /// The lookup's part behind the relation in the field `head`; `None` where it does not cross that, or asks for the key, which the
    /// row itself has.
    fn of(lookup: &Lookup, head: &str, must_hold: bool) -> Option<Self> {
        let rest = behind(&lookup.path, head)?;
        let mut rest = Lookup {
            path: rest.to_owned(),
            ..lookup.clone()
        };
        if rest.op == Op::Exact && rest.value.is_null() {
            (rest.op, rest.value) = (Op::IsNull, Value::Bool(true));
        }
        let is_true = rest.value == Value::Bool(true) || rest.value == "true" || rest.value == 1;
        Some(Self {
            lookup: lookup.clone(),
            holds_without: rest.op == Op::IsNull && is_true,
            rest,
            must_hold,
        })
    }

    /// What takes the place of the lookup, once the related rows that it holds for are known by these values: `is_one_of` is the path
    /// to the value in a row.
    #[must_use]
    pub fn joined(&self, head: &str, is_one_of: &str, values: Vec<Value>) -> Q {
        let among = Q::Lookup(Lookup::new(is_one_of, Op::In, Value::Array(values)));
        if !self.holds_without {
            return among;
        }
        let is_null = Lookup::new(head, Op::IsNull, Value::Bool(true));
        Q::Lookup(is_null).or(among)
    }
}

/// The part of a path behind the relation in the field `head`; `None` where it does not cross that, or names the key, which the row
/// itself has.
#[must_use]
pub fn behind<'p>(path: &'p str, head: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(head)?.strip_prefix("__")?;
    (rest != "id" && rest != "pk").then_some(rest)
}

/// What a condition says of one related row, behind the relation in the field `head`: of its fields, or which row it is. Everything
/// else is left out; so is whether there is a related row at all, which is the same for one row and for all of them.
#[must_use]
pub fn said_of_one(condition: &Q, head: &str) -> Q {
    replaced(condition, &|lookup| {
        Some(said(lookup, head).map_or(Q::All, Q::Lookup))
    })
}

fn said(lookup: &Lookup, head: &str) -> Option<Lookup> {
    let rest = lookup.path.strip_prefix(head)?;
    let path = match rest.strip_prefix("__") {
        Some(path) => path,
        None if rest.is_empty() => "pk",
        None => return None,
    };
    let asks_for_any = lookup.op == Op::IsNull || lookup.op == Op::Exact && lookup.value.is_null();
    (!asks_for_any || path != "pk" && path != "id").then(|| Lookup {
        path: path.to_owned(),
        ..lookup.clone()
    })
}

/// Whether two parts of [what is said of one related row](said_of_one) may be meant for the same one or for any of several, which the
/// condition does not tell and which makes a difference. Where either of two is enough it makes none.
#[must_use]
pub fn is_ambiguous(said: &Q) -> bool {
    match said {
        Q::Lookup(_) | Q::All | Q::Invalid(_) => false,
        Q::And(all) => {
            all.iter().filter(|part| lookups(part) > 0).count() > 1 || all.iter().any(is_ambiguous)
        }
        Q::Or(some) => {
            lookups(said) > 1 && some.iter().any(negates) || some.iter().any(is_ambiguous)
        }
        Q::Not(part) => lookups(part) > 1,
    }
}

fn lookups(condition: &Q) -> usize {
    let mut count = 0;
    condition.for_each_lookup(&mut |_| count += 1);
    count
}

fn negates(condition: &Q) -> bool {
    match condition {
        Q::Lookup(_) | Q::All | Q::Invalid(_) => false,
        Q::And(parts) | Q::Or(parts) => parts.iter().any(negates),
        Q::Not(part) => lookups(part) > 0,
    }
}

/// Whether the plan's rows can be given once for each of the rows that are related by `head`, as Django's `values` gives them.
///
/// # Errors
/// `Unsupported` where the answer depends on how a database joins the tables: a slice counts a row as often as it comes, and of
/// the related rows only those come that a filter behind the relation holds for.
pub fn check_repeated(plan: &Plan, head: &str) -> Result<()> {
    let mut is_filtered = false;
    plan.condition().for_each_lookup(&mut |lookup| {
        // By its key, too, which needs no join: in Django's query it is one.
        let rest = lookup.path.strip_prefix(head);
        is_filtered |= rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("__"));
    });
    let why = if plan.range() != Range::ALL {
        "in a slice, which would count a row as often as it comes: leave the slice out"
    } else if is_filtered {
        "where the query filters by that relation, too, so that only some of the related rows are meant: filter by the keys of the rows"
    } else {
        return Ok(());
    };
    Err(Error::unsupported(format!(
        "values across `{head}`, which may be several rows, cannot be given {why}"
    )))
}

/// The lookups of a condition that cross the relation in the field `head`.
#[must_use]
pub fn crossings(condition: &Q, head: &str) -> Vec<Crossing> {
    let mut found = Vec::new();
    for part in condition.conjuncts() {
        let must_hold = matches!(part, Q::Lookup(_));
        part.for_each_lookup(&mut |lookup| {
            found.extend(Crossing::of(lookup, head, must_hold));
        });
    }
    found
}

/// The condition with other ones in the place of some lookups.
#[must_use]
pub fn replaced(condition: &Q, by: &dyn Fn(&Lookup) -> Option<Q>) -> Q {
    let parts = |parts: &[Q]| parts.iter().map(|part| replaced(part, by)).collect();
    match condition {
        Q::Lookup(lookup) => by(lookup).unwrap_or_else(|| condition.clone()),
        Q::And(all) => Q::And(parts(all)),
        Q::Or(some) => Q::Or(parts(some)),
        Q::Not(part) => replaced(part, by).negate(),
        Q::All | Q::Invalid(_) => condition.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn q(name: &str, value: Value) -> Q {
        Q::Lookup(Lookup::parse(name, value))
    }

    #[test]
    fn lookups_behind_the_relation_cross_it() {
        let condition = q("author__name", json!("Ann"))
            .and(q("author", json!(3)))
            .and(q("author__id__in", json!([3])))
            .and(q("author_name", json!("x")))
            .and(q("author__team__name__startswith", json!("B")).negate());
        let found = crossings(&condition, "author");
        let told: Vec<_> = found
            .iter()
            .map(|crossing| (crossing.rest.to_string(), crossing.must_hold))
            .collect();
        assert_eq!(
            told,
            [
                ("name=\"Ann\"".to_owned(), true),
                ("team__name__startswith=\"B\"".to_owned(), false)
            ]
        );
    }

    #[test]
    fn what_is_null_behind_the_relation_is_null_without_a_related_row() {
        for (name, value, without) in [
            ("author__name__isnull", json!(true), true),
            ("author__name", json!(null), true),
            ("author__name__isnull", json!(false), false),
            ("author__name", json!("null"), false),
        ] {
            let found = crossings(&q(name, value), "author");
            assert_eq!(found[0].holds_without, without, "{name}");
            let joined = found[0].joined("author", "author", vec![json!(1)]);
            assert_eq!(joined.to_string().contains("author__isnull=true"), without);
        }
    }

    #[test]
    fn two_conditions_on_one_of_several_rows_are_ambiguous() {
        let name = || q("tags__name", json!("x"));
        for (other, is_meant) in [
            (q("tags__size", json!(1)), true),
            (q("tags", json!(1)), true),
            (q("tags__in", json!([1])), true),
            (q("tags__id__in", json!([1])), true),
            (q("tags__name", json!("y")).negate(), true),
            (q("tags__id", json!(1)).or(q("title", json!("x"))), true),
            (q("tags__isnull", json!(false)), false),
            (q("tags", json!(null)).negate(), false),
            (q("tags_seen", json!(1)), false),
            (q("title", json!("x")), false),
        ] {
            let condition = name().and(other);
            let said = said_of_one(&condition, "tags");
            assert_eq!(is_ambiguous(&said), is_meant, "{condition}");
        }
    }

    #[test]
    fn where_either_is_enough_it_makes_no_difference_which_row_is_meant() {
        let (a, b) = (q("tags__name", json!("x")), q("tags", json!(1)));
        let other = q("title", json!("x"));
        for (condition, is_meant) in [
            (a.clone().or(b.clone()), false),
            (a.clone().and(other.clone()).or(b.clone()), false),
            (a.clone().or(b.clone().negate()), true),
            (a.clone().or(b.clone()).negate(), true),
            (a.clone().and(b.clone()).or(other.clone()), true),
            (a.clone().or(other.clone()).and(b.or(other)), true),
            (a.negate(), false),
        ] {
            let said = said_of_one(&condition, "tags");
            assert_eq!(is_ambiguous(&said), is_meant, "{condition}");
        }
    }

    #[test]
    fn rows_are_repeated_where_no_join_decides_which() {
        let plan = Plan::all().filter(q("name", json!("x")).and(q("tags_seen", json!(1))));
        assert!(check_repeated(&plan, "tags").is_ok());
        for by in ["tags", "tags__id", "tags__name__in"] {
            let filtered = plan.clone().filter(q(by, json!([1])).negate());
            assert!(check_repeated(&filtered, "tags").is_err(), "{by}");
        }
        assert!(check_repeated(&plan.limit(3), "tags").is_err());
    }

    #[test]
    fn others_stay_as_they_are() {
        let condition = q("a__b", json!(1)).negate().or(q("c", json!(2)));
        let by = |lookup: &Lookup| (lookup.path == "a__b").then(|| q("a__in", json!([])));
        assert_eq!(
            replaced(&condition, &by),
            q("a__in", json!([])).negate().or(q("c", json!(2)))
        );
    }
}
