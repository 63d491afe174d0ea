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

/// Keeps that an ordering is ignored, where the rows as they came show it; raises or warns as the policy says.
pub(crate) fn contradicted_ordering(
    collection: &Collection,
    order: &[Order],
    fields: &Fields,
    rows: &[Picked],
) -> Result<()> {
    // The first key that contradicts the order is the one that the server does not know.
    for end in 1..=order.len() {
        let Some(keys) = order.get(..end) else {
            break;
        };
        let mut watch = OrderWatch::new(keys, fields);
        let mut shown = rows.iter().map(|row| watch.take(row));
        let contradicts =
            shown.any(|seen| !matches!(seen, Seen::InOrder | Seen::Blind | Seen::Alike));
        if let Some(key) = keys.last().filter(|_| contradicts) {
            return ordering(collection, key);
        }
    }
    Ok(())
}
