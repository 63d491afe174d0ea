//! A stable sort that may find two rows incomparable.
//!
//! The standard library's sorts demand a total order and may panic without one; whether rows have one shows only while
//! they are compared.

use std::cmp::Ordering;

/// Sorts by merging; `None` as soon as two items cannot be compared.
pub(crate) fn try_sort<T>(
    items: Vec<T>,
    compare: &impl Fn(&T, &T) -> Option<Ordering>,
) -> Option<Vec<T>> {
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
    use super::*;

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
