//! Sorts rows client-side: stably, and only as far as a slice wants them.
//!
//! The standard library's sorts demand a total order and may panic without one; whether rows have one shows only while
//! they are compared.

use std::cmp::Ordering;

use django_api_orm_core::{
    Result,
    evaluate::{RowKey, RowOrder},
    plan::{Order, Range},
    row::Row,
    strategy::Strategy,
};

use super::{check::cannot_sort, collection::Collection, ignored, sort_keys::SortKeys};

/// The rows in the order of the strategy, at least as many as its slice reaches to. `suspected` are the keys by which the server may not
/// sort, as its answers have shown.
pub(crate) async fn rows(
    collection: &Collection,
    strategy: &Strategy,
    rows: Vec<Row>,
    suspected: &[String],
) -> Result<Vec<Row>> {
    let as_asked = strategy.order_is_asked.then_some(suspected);
    sorted(collection, &strategy.order, strategy.range, rows, as_asked).await
}

/// Rows of several answers in this order.
pub(crate) async fn together(
    collection: &Collection,
    order: &[Order],
    rows: Vec<Row>,
) -> Result<Vec<Row>> {
    sorted(collection, order, Range::ALL, rows, None).await
}

/// `as_asked`: the server was asked for the order, and the rows are as they came; with the keys that are suspected of being ignored.
async fn sorted(
    collection: &Collection,
    order: &[Order],
    range: Range,
    rows: Vec<Row>,
    as_asked: Option<&[String]>,
) -> Result<Vec<Row>> {
    let keys = SortKeys::of(collection, order, &rows).await?;
    if let Some(suspected) = as_asked.filter(|_| keys.order == order) {
        ignored::contradicted_ordering(collection, order, &keys.fields, &keys.picked, suspected)?;
    }
    let compared = RowOrder::new(&keys.order, collection.policy.nulls, &keys.fields);
    let keyed = keys.picked.iter().map(|row| compared.key(row)).zip(rows);
    let compare = |left: &(RowKey<'_>, Row), right: &(RowKey<'_>, Row)| {
        compared.compare_keys(&left.0, &right.0)
    };
    let sorted = try_sort_first(keyed, reach(range), &compare)
        .ok_or_else(|| cannot_sort(collection.model(), order))?;
    Ok(sorted.into_iter().map(|(_, row)| row).collect())
}

/// How many of the first rows a slice reaches to.
fn reach(range: Range) -> usize {
    let end = range.limit.map(|limit| limit.saturating_add(range.offset));
    end.map_or(usize::MAX, |end| usize::try_from(end).unwrap_or(usize::MAX))
}

/// The first `count` items in order; `None` as soon as two items cannot be compared.
///
/// Items are sorted in portions together with the best so far. One that comes after all of these is dropped at once, so each
/// item is compared with another one, whatever `count` is.
fn try_sort_first<T>(
    items: impl IntoIterator<Item = T>,
    count: usize,
    compare: &impl Fn(&T, &T) -> Option<Ordering>,
) -> Option<Vec<T>> {
    let portion = count.saturating_mul(2).max(64);
    let mut best: Vec<T> = Vec::new();
    let mut sorted = 0;
    for item in items {
        if sorted >= count.max(1)
            && let Some(last) = best.get(sorted - 1)
            && compare(&item, last)? != Ordering::Less
        {
            continue;
        }
        best.push(item);
        if best.len() >= portion {
            best = try_sort(best, compare)?;
            best.truncate(count.max(1));
            sorted = best.len();
        }
    }
    best = try_sort(best, compare)?;
    best.truncate(count);
    Some(best)
}

/// Sorts by merging; `None` as soon as two items cannot be compared.
fn try_sort<T>(items: Vec<T>, compare: &impl Fn(&T, &T) -> Option<Ordering>) -> Option<Vec<T>> {
    let mut runs: Vec<Vec<T>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut rest = runs.into_iter();
        while let Some(left) = rest.next() {
            merged.push(match rest.next() {
                Some(right) => merge(left, right, compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Some(runs.pop().unwrap_or_default())
}

fn merge<T>(
    left: Vec<T>,
    right: Vec<T>,
    compare: &impl Fn(&T, &T) -> Option<Ordering>,
) -> Option<Vec<T>> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from_right = compare(a, b)? == Ordering::Greater;
        merged.extend(if from_right {
            right.next()
        } else {
            left.next()
        });
    }
    merged.extend(left);
    merged.extend(right);
    Some(merged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_items_are_those_of_the_whole_sort(keys in prop::collection::vec(0..20_u8, 0..300), count in 0..200_usize) {
            let items: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            expected.truncate(count);
            prop_assert_eq!(try_sort_first(items, count, &|a, b| a.0.partial_cmp(&b.0)), Some(expected));
        }
    }

    #[test]
    fn an_item_that_no_slice_reaches_is_compared_too() {
        let items = (0..200_i32).map(|item| (item != 150).then_some(item));
        let compare = |a: &Option<i32>, b: &Option<i32>| Some(a.as_ref()?.cmp(b.as_ref()?));
        assert_eq!(try_sort_first(items, 1, &compare), None);
    }

    #[test]
    fn sorts_stably_or_not_at_all() {
        let items: Vec<(i32, usize)> = [3, 1, 2, 1, 3, 0, 2, 1].into_iter().zip(0..).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|(key, _)| *key);
        assert_eq!(
            try_sort(items.clone(), &|a, b| a.0.partial_cmp(&b.0)),
            Some(expected)
        );
        assert_eq!(
            try_sort(items, &|a, b| (a.0 != b.0).then(|| a.0.cmp(&b.0))),
            None
        );
        assert_eq!(try_sort(Vec::<i32>::new(), &|_, _| None), Some(Vec::new()));
    }
}
