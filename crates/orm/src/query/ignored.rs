//! What becomes of a filter or an ordering that rows show the server to ignore: that is kept, and a warning or an error.

use django_api_orm_core::{
    Error, OnIgnored, Result, evaluate::Fields, lookup::Lookup, plan::Order,
};

use super::{
    check::Picked,
    collection::Collection,
    order_watch::{OrderWatch, Seen},
};
use crate::warning::{Warning, WarningKind};

/// Keeps that a filter is ignored, or not known, whatever value it is sent; raises or warns as the policy says. `why` says what has
/// shown it.
pub(crate) fn filter(collection: &Collection, parameter: &str, why: &str) -> Result<()> {
    collection.learn(|known| known.learn_parameter(parameter, false))?;
    notice(collection, parameter, why)
}

/// The same of a filter that is ignored with this value, as far as is known. `is_proven`: not only believed of a framework.
pub(crate) fn value(
    collection: &Collection,
    lookup: &Lookup,
    is_proven: bool,
    why: &str,
) -> Result<()> {
    collection.learn(|known| {
        known.learn_ignored_value(lookup);
        if is_proven && lookup.parameter() == lookup.path {
            known.learn_told_value(lookup);
        }
    })?;
    notice(collection, &lookup.parameter(), why)
}

fn notice(collection: &Collection, parameter: &str, why: &str) -> Result<()> {
    if collection.policy.on_ignored == OnIgnored::Error {
        return Err(Error::ignored(format!(
            "the server does not filter by `{parameter}` (`{}`): {why}",
            collection.model().name()
        )));
    }
    collection.warn(Warning::new(WarningKind::FilterIgnored, parameter))
}

/// Keeps that an ordering is ignored, or not known; raises or warns as the policy says.
pub(crate) fn ordering(collection: &Collection, key: &Order) -> Result<()> {
    if collection.policy.on_ignored == OnIgnored::Error {
        return Err(Error::ignored(format!(
            "the server ignores ordering by `{}` of `{}`",
            key.path,
            collection.model().name()
        )));
    }
    collection.learn(|known| known.learn_ordering(&key.path, false))?;
    collection.warn(Warning::new(WarningKind::OrderingIgnored, &key.path))
}

/// Keeps that an ordering is ignored, where the rows as they came show it; raises or warns as the policy says. A database may compare
/// texts in another way than the client: what speaks against that alone counts for the keys by which both directions began alike,
/// the `suspected` ones.
pub(crate) fn contradicted_ordering(
    collection: &Collection,
    order: &[Order],
    fields: &Fields,
    rows: &[Picked],
    suspected: &[String],
) -> Result<()> {
    // The first key that contradicts the order is the one that the server does not know.
    let is_certain = |seen| matches!(seen, Seen::Contradicted | Seen::DoubtfulByTexts);
    let contradicts = |seen| is_certain(seen) || seen == Seen::Doubtful;
    let key_of = |place: Option<usize>| place.and_then(|place| order.get(place));
    let certain = key_of(first_wrong_key(order, fields, rows, is_certain));
    let doubtful = || key_of(first_wrong_key(order, fields, rows, contradicts));
    let is_suspected = |key: &&Order| suspected.contains(&key.path);
    match certain.or_else(|| doubtful().filter(is_suspected)) {
        Some(key) => ordering(collection, key),
        None => Ok(()),
    }
}

/// The place of the first key for which two rows, by the keys up to it, show this.
pub(super) fn first_wrong_key(
    order: &[Order],
    fields: &Fields,
    rows: &[Picked],
    is_wrong: impl Fn(Seen) -> bool,
) -> Option<usize> {
    (0..order.len()).find(|place| {
        let keys = order.get(..=*place).unwrap_or_default();
        let mut watch = OrderWatch::new(keys, fields);
        rows.iter().any(|row| is_wrong(watch.take(row)))
    })
}
