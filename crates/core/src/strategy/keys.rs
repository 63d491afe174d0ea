//! Rows that are asked for by a list of their keys: there are no more of them than keys, so that one page can hold them all.

use super::Given;
use crate::{
    lookup::{Lookup, Op},
    plan::Range,
};

/// Pages of fewer rows than this are not worth asking for: hardly any server has smaller ones.
const SMALL: u64 = 10;

/// The rows that there are at most, where the server is asked for them by their keys, and its own pages may be too small for them.
///
/// What the client leaves out of them does not count, and neither does a slice: both have their own number of rows.
pub(super) fn at_most(guards: &[Lookup], range: Range, given: &Given<'_>) -> Option<u64> {
    if range != Range::ALL {
        return None;
    }
    // A slug may stand for two rows where the server compares without case.
    let key = given.model.primary_key();
    let is_by_key =
        |guard: &&Lookup| guard.op == Op::In && guard.transform.is_none() && guard.path == key;
    let keys = guards.iter().filter(is_by_key);
    let fewest = keys
        .filter_map(|guard| Some(guard.value.as_array()?.len() as u64))
        .min()?;
    (fewest > given.known.least_page().max(SMALL)).then_some(fewest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Aim, Findings, Given, Strategy};
    use crate::{
        dialect::Dialect, filter::Q, knowledge::Knowledge, lookup::Lookup, model::ModelMeta,
        plan::Plan, policy::Policy,
    };

    fn by(name: &str, keys: u64) -> Q {
        Q::Lookup(Lookup::parse(name, json!((1..=keys).collect::<Vec<u64>>())))
    }

    #[test]
    fn a_list_of_keys_says_how_many_rows_there_are_at_most() {
        let model = ModelMeta::new("Post", "/posts/")
            .with_primary_key("id")
            .with_lookup_field("slug");
        let known = Knowledge::default();
        let mut small = Knowledge::default();
        small.page_size = Some(25);
        let mut large = Knowledge::default();
        large.page_size = Some(100);
        let between = Q::Lookup(Lookup::parse("id__range", json!([1, 90])));
        for (plan, known, most) in [
            (by("id__in", 50), &known, Some(50)),
            (by("pk__in", 50), &known, Some(50)),
            (by("slug__in", 50), &known, None),
            (by("id__in", 50), &small, Some(50)),
            (by("id__in", 50), &large, None),
            (by("id__in", 10), &known, None),
            (by("author__in", 50), &known, None),
            (by("id__in", 50).and(between), &known, Some(50)),
            (by("id__in", 50).negate(), &known, None),
            (by("id__in", 50).or(by("author__in", 50)), &known, None),
            (by("id__in", 50).and(by("author__in", 50)), &known, Some(50)),
        ] {
            let given = Given {
                dialect: &Dialect::default(),
                model: &model,
                known,
                findings: &Findings::default(),
                policy: &Policy::default(),
            };
            let plan = Plan::all().filter(plan);
            let strategy = Strategy::new(&plan, Aim::Rows, &given).unwrap();
            assert_eq!(strategy.at_most, most, "{plan:?}");
            let sliced = Strategy::new(&plan.limit(5), Aim::Rows, &given).unwrap();
            assert_eq!(sliced.at_most, None);
        }
    }
}
