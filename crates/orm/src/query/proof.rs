//! What a server honours, shown by its answers.
//!
//! A row that violates a filter proves that the filter is ignored. That none of the rows at hand violates it proves
//! nothing where only some rows are seen: then counts are compared with and without the filter, and for an ordering the
//! first rows of both directions. Of a filter on what the rows do not hold, it is seen whether the server looks at it at all.
//! What is learnt is kept by the client, so a proof is paid once per endpoint.

use std::cmp::Ordering;

use django_api_orm_core::{
    Error, NullOrder, OnIgnored, Pagination, Q, Result,
    dialect::Compiled,
    evaluate::{Evaluator, Fields, RowOrder},
    lookup::{Lookup, Op},
    page::{Page, Style},
    plan::{Order, Plan},
    row::Row,
};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    check::{Checked, RowCheck},
    collection::Collection,
};
use crate::warning::{Warning, WarningKind};

/// What was picked of a row.
type Picked = Map<String, Value>;

/// What is proven of the filters of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filters {
    /// Each is honoured, or can be judged by the server alone; so many rows match.
    Honoured { count: u64 },
    /// At least one is ignored.
    Ignored,
    /// The answers do not tell.
    Unknown,
}

/// Keeps that filters are ignored; raises or warns as the policy says.
pub(crate) fn ignored(collection: &Collection, parameters: &[String]) -> Result<()> {
    collection.learn(|known| {
        for parameter in parameters {
            known.learn_parameter(parameter, false);
        }
    })?;
    for parameter in parameters {
        if collection.policy.on_ignored == OnIgnored::Error {
            return Err(Error::ignored(format!(
                "the server ignores the filter `{parameter}` of `{}`: it sent a row that does not satisfy it",
                collection.model().name()
            )));
        }
        collection.warn(Warning::new(WarningKind::FilterIgnored, parameter))?;
    }
    Ok(())
}

/// Proves that the server honours every filter of a compiled plan.
///
/// Costs one request for a page of one row, and one for each filter that is not yet known to be honoured.
pub(crate) async fn filters(collection: &Collection, compiled: &Compiled) -> Result<Filters> {
    let page = one_row(collection, &compiled.pairs).await?;
    // A count of fewer rows than came is none.
    let Some(count) = page
        .count()
        .filter(|count| *count >= page.rows().len() as u64)
    else {
        return Ok(Filters::Unknown);
    };
    let Some(row) = page.rows().first() else {
        return Ok(if count == 0 {
            Filters::Honoured { count }
        } else {
            Filters::Unknown
        });
    };
    if collection.policy.on_ignored == OnIgnored::Trust {
        return Ok(Filters::Honoured { count });
    }
    let mut check = RowCheck::new(compiled, collection.model())?;
    let row = check.pick(row)?;
    match check.check(&row)? {
        Checked::Violates(parameters) => {
            ignored(collection, &parameters)?;
            return Ok(Filters::Ignored);
        }
        Checked::Unproven(parameters)
            if !unseen(collection, compiled, &mut check, &row, &parameters).await? =>
        {
            return Ok(Filters::Ignored);
        }
        _ => {}
    }
    for parameter in check.evaluable(&row) {
        if collection.knowledge()?.honours(parameter) == Some(true) {
            continue;
        }
        let others: Vec<_> = compiled
            .pairs
            .iter()
            .filter(|(name, _)| name != parameter)
            .cloned()
            .collect();
        match one_row(collection, &others).await?.count() {
            Some(without) if without > count => {
                collection.learn(|known| known.learn_parameter(parameter, true))?;
            }
            _ => return Ok(Filters::Unknown),
        }
    }
    Ok(Filters::Honoured { count })
}

/// Finds out whether the server honours filters that the rows at hand do not show; `check` then believes it, or leaves rows
/// out. Gives whether all are honoured.
///
/// A filter that the model declares is believed.
pub(crate) async fn unseen(
    collection: &Collection,
    compiled: &Compiled,
    check: &mut RowCheck,
    row: &Picked,
    parameters: &[String],
) -> Result<bool> {
    let mut all = true;
    for parameter in parameters {
        let Some(lookup) = check.lookup(parameter) else {
            continue;
        };
        if collection.model().filters().is_some()
            || collection.knowledge()?.honours(parameter) == Some(true)
        {
            check.believe(parameter);
        } else if is_looked_at(collection, compiled, lookup).await? {
            collection.learn(|known| known.learn_parameter(parameter, true))?;
            check.believe(parameter);
        } else {
            check.ignore(parameter);
            if collection.policy.on_ignored != OnIgnored::Error {
                // What cannot be finished here either is an error, and nothing to warn of.
                check.check(row)?;
            }
            ignored(collection, std::slice::from_ref(parameter))?;
            all = false;
        }
    }
    Ok(all)
}

/// Whether the server looks at a parameter with which it has found rows: a value that no row has must find none, or be
/// refused; else the two must at least find different rows, or the filter must leave rows out.
///
/// Costs a request for a page of one row; up to three where the first does not tell.
async fn is_looked_at(
    collection: &Collection,
    compiled: &Compiled,
    lookup: &Lookup,
) -> Result<bool> {
    let parameter = lookup.parameter();
    let alone = |text: String| {
        let mut pairs = compiled.extra.clone();
        pairs.push((parameter.clone(), text));
        pairs
    };
    let other = match &lookup.value {
        // A server takes for no filter at all what is neither true nor false.
        Value::Bool(value) => (!value).to_string(),
        Value::Null => "false".to_owned(),
        _ => {
            let word = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
            match lookup.op {
                Op::Range => format!("{word},{word}"),
                // Text beyond that of any row, at the end that the lookup asks for.
                Op::Gt | Op::Gte => format!("zzzz{word}"),
                Op::Lt | Op::Lte => format!("!{word}"),
                _ => word,
            }
        }
    };
    let others = match one_row(collection, &alone(other)).await {
        Ok(page) if page.rows().is_empty() => return Ok(true),
        Ok(page) => page,
        Err(error)
            if [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY]
                .map(Some)
                .contains(&error.status()) =>
        {
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    let Some((_, text)) = compiled.pairs.iter().find(|(name, _)| *name == parameter) else {
        return Ok(false);
    };
    let found = one_row(collection, &alone(text.clone())).await?;
    if let (Some(others), Some(found)) = (others.count(), found.count()) {
        if others != found {
            return Ok(true);
        }
        let whole = one_row(collection, &compiled.extra).await?.count();
        return Ok(whole.is_some_and(|whole| found < whole));
    }
    // Without counts, other rows come first.
    Ok(!collection.same_row(others.rows().first(), found.rows().first()))
}

/// Whether the server sorts by every key of the order, as far as its answers tell.
///
/// Costs two requests for a page of one row for each key that is not yet known to be honoured.
pub(crate) async fn ordering(collection: &Collection, compiled: &Compiled) -> Result<bool> {
    for order in &compiled.order {
        match collection.knowledge()?.orders_by(&order.path) {
            Some(true) => continue,
            Some(false) => return Ok(false),
            None => {}
        }
        let first = directed(collection, compiled, order).await?;
        if first.rows().is_empty() || first.count() == Some(1) {
            continue;
        }
        let last = directed(collection, compiled, &turned(order)).await?;
        if !both_ends(collection, order, &first, &last)? {
            // Ignored, or every row has the same value: sorting here is right in both cases.
            return Ok(false);
        }
        collection.learn(|known| known.learn_ordering(&order.path, true))?;
    }
    Ok(true)
}

/// Whether the two pages start as both directions of an order do: with different rows, and not in the wrong order.
fn both_ends(collection: &Collection, order: &Order, first: &Page, last: &Page) -> Result<bool> {
    let (Some(first), Some(last)) = (first.rows().first(), last.rows().first()) else {
        return Ok(false);
    };
    if collection.same_row(Some(first), Some(last)) {
        return Ok(false);
    }
    let fields = collection.model().known_fields().unknown_collation();
    let orders = [NullOrder::Smallest, NullOrder::Largest]
        .map(|nulls| RowOrder::new(std::slice::from_ref(order), nulls, &fields));
    let roots = orders.first().map(RowOrder::roots).unwrap_or_default();
    let (first, last) = (first.pick(&roots)?, last.pick(&roots)?);
    // Where the rows do not tell, the difference has to do.
    Ok(orders
        .iter()
        .any(|order| order.compare(&first, &last).is_none_or(Ordering::is_lt)))
}

fn turned(order: &Order) -> Order {
    Order {
        path: order.path.clone(),
        descending: !order.descending,
    }
}

async fn directed(collection: &Collection, compiled: &Compiled, order: &Order) -> Result<Page> {
    let mut pairs = compiled.extra.clone();
    pairs.push((
        collection.dialect.ordering_parameter().to_owned(),
        order.to_string(),
    ));
    one_row(collection, &pairs).await
}

/// Whether pages by a cursor would lack rows of this order.
///
/// Django REST Framework's cursor says where the next page begins by the value of the first key, which null has none of:
/// going up it fails there, going down it leaves the nulls out. Databases have nulls at one end, so the first rows of both
/// directions show whether there are any.
///
/// Costs a request for a page, or two where the first row is not at hand.
pub(crate) async fn cursor_loses_nulls(
    collection: &Collection,
    compiled: &Compiled,
    first: Option<&Row>,
) -> Result<bool> {
    let known = collection.knowledge()?;
    let style = collection
        .model()
        .pagination()
        .map(Pagination::style)
        .or(known.style);
    let by_key = compiled
        .order
        .first()
        .is_none_or(|order| order.path == collection.model().primary_key());
    if style != Some(Style::Cursor)
        || !compiled.order_pushed
        || by_key
        || collection.policy.on_ignored == OnIgnored::Trust
    {
        return Ok(false);
    }
    let first = match first {
        Some(row) => Some(row.clone()),
        None => one_row(collection, &compiled.pairs)
            .await?
            .rows()
            .first()
            .cloned(),
    };
    let ordered: Vec<String> = compiled
        .order
        .iter()
        .map(|order| turned(order).to_string())
        .collect();
    let ordered = ordered.join(",");
    let ordering = collection.dialect.ordering_parameter();
    let mut pairs = compiled.pairs.clone();
    for (name, value) in &mut pairs {
        if name == ordering {
            value.clone_from(&ordered);
        }
    }
    let last = one_row(collection, &pairs).await?.rows().first().cloned();
    // The same row at both ends: the server does not sort, or has one row.
    if collection.same_row(first.as_ref(), last.as_ref()) {
        return Ok(false);
    }
    let fields = collection.model().known_fields();
    for order in &compiled.order {
        let lookup = Lookup::new(order.path.clone(), Op::IsNull, Value::Bool(true));
        let is_null = Evaluator::compile_for(&Q::Lookup(lookup), &fields)?;
        for row in [&first, &last].into_iter().flatten() {
            if is_null.evaluate(&row.pick(is_null.roots())?).is_true() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Proves that the server searches. A search cannot be evaluated here, so words that no row can have must find no row.
///
/// Costs two requests for a page of one row, once for each endpoint.
pub(crate) async fn search(collection: &Collection, plan: &Plan) -> Result<()> {
    if collection.policy.on_ignored == OnIgnored::Trust {
        return Ok(());
    }
    let searches = match collection.knowledge()?.searches {
        Some(searches) => searches,
        None => {
            let words = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
            let mut pairs = plan.parameters().to_vec();
            pairs.push((collection.dialect.search_parameter().to_owned(), words));
            let searches = one_row(collection, &pairs).await?.rows().is_empty();
            // Where no row is there to be found, nothing was shown.
            if !searches
                || !one_row(collection, plan.parameters())
                    .await?
                    .rows()
                    .is_empty()
            {
                collection.learn(|known| known.searches = Some(searches))?;
            }
            searches
        }
    };
    if searches {
        return Ok(());
    }
    Err(Error::ignored(format!(
        "the server does not search `{}`: it finds rows for words that none can have, and a search cannot be evaluated here",
        collection.model().name()
    )))
}

/// Keeps that an ordering is ignored, where the rows as they came show it; raises or warns as the policy says.
pub(crate) fn ordering_ignored<'r>(
    collection: &Collection,
    order: &[Order],
    rows: impl Iterator<Item = &'r Picked> + Clone,
) -> Result<()> {
    // The first key that contradicts the order is the one that the server does not know.
    for end in 1..=order.len() {
        let Some(keys) = order.get(..end) else {
            break;
        };
        let mut doubt = OrderDoubt::new(keys, &collection.model().known_fields());
        let mut pairs = rows.clone().zip(rows.clone().skip(1));
        let Some(key) = keys
            .last()
            .filter(|_| pairs.any(|(last, next)| doubt.falls_on(last, next)))
        else {
            continue;
        };
        if collection.policy.on_ignored == OnIgnored::Error {
            return Err(Error::ignored(format!(
                "the server ignores ordering by `{}` of `{}`",
                key.path,
                collection.model().name()
            )));
        }
        collection.learn(|known| known.learn_ordering(&key.path, false))?;
        return collection.warn(Warning::new(WarningKind::OrderingIgnored, &key.path));
    }
    Ok(())
}

/// A page of one row, where the server lets itself be asked for that.
pub(crate) async fn one_row(collection: &Collection, pairs: &[(String, String)]) -> Result<Page> {
    let name = collection
        .model()
        .pagination()
        .map_or(Some("limit"), |declared| declared.size_parameter());
    let mut pairs = pairs.to_vec();
    pairs.extend(name.map(|name| (name.to_owned(), "1".to_owned())));
    collection.page(&pairs).await
}

/// Finds rows that a server can hardly have sorted.
///
/// Servers place nulls as their databases do, first or last, but all in the same way: what contradicts both ways counts.
#[derive(Debug)]
pub(crate) struct OrderDoubt {
    orders: [RowOrder; 2],
    contradicted: [bool; 2],
}

impl OrderDoubt {
    pub(crate) fn new(order: &[Order], fields: &Fields) -> Self {
        Self {
            orders: [NullOrder::Smallest, NullOrder::Largest]
                .map(|nulls| RowOrder::new(order, nulls, fields)),
            contradicted: [false; 2],
        }
    }

    /// Takes in that `next` came after `last`; whether a server that sorts can hardly have sent the rows so far. Begins
    /// anew once it has said so.
    pub(crate) fn falls_on(&mut self, last: &Picked, next: &Picked) -> bool {
        for (order, contradicted) in self.orders.iter().zip(&mut self.contradicted) {
            *contradicted |= order.compare(last, next) == Some(Ordering::Greater);
        }
        let doubtful = self.contradicted == [true; 2];
        if doubtful {
            self.contradicted = [false; 2];
        }
        doubtful
    }

    /// Whether the rows do not hold what they should be sorted by.
    pub(crate) fn is_blind(&self, last: &Picked, next: &Picked) -> bool {
        self.orders
            .iter()
            .all(|order| order.compare(last, next).is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_doubtful(ranks: &[Option<i64>]) -> bool {
        let mut doubt = OrderDoubt::new(&[Order::parse("rank")], &Fields::new("id"));
        let rows: Vec<Picked> = ranks
            .iter()
            .map(|rank| Picked::from_iter([("rank".to_owned(), json!(rank))]))
            .collect();
        rows.windows(2)
            .any(|pair| doubt.falls_on(&pair[0], &pair[1]))
    }

    #[test]
    fn nulls_may_stand_first_or_last_but_not_both() {
        assert!(!is_doubtful(&[None, None, Some(1), Some(1), Some(2)]));
        assert!(!is_doubtful(&[Some(1), Some(2), None, None]));
        assert!(is_doubtful(&[Some(2), Some(1)]));
        assert!(is_doubtful(&[None, Some(1), None]));
        assert!(is_doubtful(&[Some(1), None, Some(2)]));
    }
}
