//! What a query asks for, before it is decided who answers which part: the [`Plan`].

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    filter::Q,
};

/// An immutable description of a query: which rows, in which order, which slice of them.
///
/// Every method gives a new plan. Mistakes (a filter after a slice, an operand without a JSON form) are kept and raised
/// by [`Plan::check`] before the first request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    filter: Q,
    /// What each condition asks of one related row, where a field that it names more than once turns out to be a relation to several.
    #[serde(default)]
    together: Vec<(String, Q)>,
    order: Vec<Order>,
    reversed: bool,
    range: Range,
    search: Option<String>,
    parameters: Vec<(String, String)>,
    mistake: Option<String>,
}

impl Plan {
    /// Every row.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only the rows for which `q` holds too.
    #[must_use]
    pub fn filter(mut self, q: Q) -> Self {
        if self.range != Range::ALL {
            self.mistake("filter() or exclude() after a slice: filter first, then slice");
        }
        if let Some(reason) = q.invalid() {
            let reason = reason.to_owned();
            self.mistake(&reason);
        }
        self.together.extend(q.said_of_one_field());
        self.filter = self.filter.and(q);
        self
    }

    /// Only the rows for which `q` does not hold.
    #[must_use]
    pub fn exclude(self, q: Q) -> Self {
        let invalid = q.invalid().map(|reason| Q::Invalid(reason.to_owned()));
        self.filter(invalid.unwrap_or_else(|| q.negate()))
    }

    /// In this order, instead of any earlier one.
    #[must_use]
    pub fn order_by(mut self, order: Vec<Order>) -> Self {
        if self.range != Range::ALL {
            self.mistake("order_by() after a slice: order first, then slice");
        }
        self.order = order;
        self.reversed = false;
        self
    }

    /// In the opposite order.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        if self.range != Range::ALL {
            self.mistake("reverse() after a slice: reverse first, then slice");
        }
        if self.order.is_empty() {
            self.reversed = !self.reversed;
        } else {
            for order in &mut self.order {
                order.descending = !order.descending;
            }
        }
        self
    }

    /// Skips rows of the current slice.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.range = self.range.slice(rows, None);
        self
    }

    /// At most so many rows of the current slice.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.range = self.range.slice(0, Some(rows));
        self
    }

    /// A slice of the current slice, as Python's `[start:stop]`.
    #[must_use]
    pub fn slice(mut self, start: u64, stop: Option<u64>) -> Self {
        self.range = self.range.slice(start, stop);
        self
    }

    /// The plan without its slice.
    #[must_use]
    pub fn unsliced(mut self) -> Self {
        self.range = Range::ALL;
        self
    }

    /// What the conditions ask of one related row each, where these fields are relations to several: Django looks for one that satisfies
    /// all that one `filter()` says of them.
    #[must_use]
    pub fn together(&self) -> &[(String, Q)] {
        &self.together
    }

    /// The plan with this condition in place of its own.
    #[must_use]
    pub fn on(mut self, condition: Q) -> Self {
        self.filter = condition;
        self
    }

    /// The plan in no particular order.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.order.clear();
        self.reversed = false;
        self
    }

    /// The plan in no particular order, unless a slice makes the order matter for which rows it has.
    #[must_use]
    pub fn unordered_if_unsliced(self) -> Self {
        if self.range == Range::ALL {
            self.unordered()
        } else {
            self
        }
    }

    /// The plan with this slice in place of its own.
    #[must_use]
    pub fn slice_to(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    /// Only the rows that the server finds for the words (`search=`).
    #[must_use]
    pub fn search(mut self, words: impl Into<String>) -> Self {
        if self.range != Range::ALL {
            self.mistake("search() after a slice: search first, then slice");
        }
        self.search = Some(words.into());
        self
    }

    /// Sends a query parameter as it stands. The server alone knows what it does to the answer.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Keeps a mistake for [`Plan::check`]; the first one counts.
    pub fn mistake(&mut self, message: &str) {
        self.mistake.get_or_insert_with(|| message.to_owned());
    }

    /// Refuses a plan that cannot be carried out.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) with the first mistake.
    pub fn check(&self) -> Result<()> {
        match &self.mistake {
            Some(mistake) => Err(Error::invalid_request(mistake.clone())),
            None => Ok(()),
        }
    }

    /// The condition on the rows.
    #[must_use]
    pub fn condition(&self) -> &Q {
        &self.filter
    }

    /// The order asked for; empty means the server's own.
    #[must_use]
    pub fn order(&self) -> &[Order] {
        &self.order
    }

    /// Whether the server's own order is wanted backwards.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        self.reversed
    }

    /// The slice.
    #[must_use]
    pub fn range(&self) -> Range {
        self.range
    }

    /// The words searched for.
    #[must_use]
    pub fn search_words(&self) -> Option<&str> {
        self.search.as_deref()
    }

    /// The query parameters sent as they stand.
    #[must_use]
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

/// A slice of a row sequence. Slices of slices compose: `[10:50][5:100]` is `[15:50]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Range {
    /// Rows skipped.
    pub offset: u64,
    /// Rows wanted at most; `None` for all that follow.
    pub limit: Option<u64>,
}

impl Range {
    /// Everything.
    pub const ALL: Self = Self {
        offset: 0,
        limit: None,
    };

    /// The part `[start:stop]` of this slice.
    #[must_use]
    pub fn slice(self, start: u64, stop: Option<u64>) -> Self {
        let start = self.limit.map_or(start, |limit| start.min(limit));
        let remaining = self.limit.map(|limit| limit - start);
        let wanted = stop.map(|stop| stop.saturating_sub(start));
        let limit = match (remaining, wanted) {
            (Some(remaining), Some(wanted)) => Some(remaining.min(wanted)),
            (remaining, wanted) => remaining.or(wanted),
        };
        let offset = self.offset.saturating_add(start);
        // The end of the slice is a position too.
        let limit = limit.map(|limit| limit.min(u64::MAX - offset));
        Self { offset, limit }
    }

    /// How many of `total` rows lie in the slice.
    #[must_use]
    pub fn of(self, total: u64) -> u64 {
        let rest = total.saturating_sub(self.offset);
        self.limit.map_or(rest, |limit| rest.min(limit))
    }
}

/// One key of an ordering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The field's wire name; nested parts are joined with `__`.
    pub path: String,
    /// Largest first.
    pub descending: bool,
}

impl Order {
    /// Reads Django's spelling: `"name"` or `"-name"`.
    #[must_use]
    pub fn parse(spelling: &str) -> Self {
        match spelling.strip_prefix('-') {
            Some(path) => Self {
                path: path.to_owned(),
                descending: true,
            },
            None => Self {
                path: spelling.to_owned(),
                descending: false,
            },
        }
    }

    /// The same key in the other direction.
    #[must_use]
    pub fn opposite(&self) -> Self {
        Self {
            path: self.path.clone(),
            descending: !self.descending,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.path)
    }
}

/// One key of an ordering of the model `M`: `User::F.name.asc()`.
pub struct OrderBy<M> {
    order: Order,
    model: PhantomData<fn() -> M>,
}

impl<M> OrderBy<M> {
    /// Smallest first.
    #[must_use]
    pub fn ascending(path: impl Into<String>) -> Self {
        Self {
            order: Order {
                path: path.into(),
                descending: false,
            },
            model: PhantomData,
        }
    }

    /// Largest first.
    #[must_use]
    pub fn descending(path: impl Into<String>) -> Self {
        Self {
            order: Order {
                path: path.into(),
                descending: true,
            },
            model: PhantomData,
        }
    }

    /// The untyped key.
    #[must_use]
    pub fn into_order(self) -> Order {
        self.order
    }
}

impl<M> fmt::Debug for OrderBy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderBy({})", self.order)
    }
}

impl<M> Clone for OrderBy<M> {
    fn clone(&self) -> Self {
        Self {
            order: self.order.clone(),
            model: PhantomData,
        }
    }
}

/// What `order_by` accepts for a key: `User::F.name.desc()`, `User::F.name`, or Django's spelling `"-name"`.
pub trait IntoOrder<M> {
    /// The untyped key.
    fn into_order(self) -> Order;
}

impl<M> IntoOrder<M> for OrderBy<M> {
    fn into_order(self) -> Order {
        self.order
    }
}

impl<M, T> IntoOrder<M> for crate::field::Field<M, T> {
    fn into_order(self) -> Order {
        Order {
            path: self.path().to_owned(),
            descending: false,
        }
    }
}

impl<M> IntoOrder<M> for &str {
    fn into_order(self) -> Order {
        Order::parse(self)
    }
}

/// What `latest` and `earliest` accept: one key, as `order_by` takes it, or several in an array or a vector.
pub trait IntoOrders<M> {
    /// The untyped keys.
    fn into_orders(self) -> Vec<Order>;
}

impl<M> IntoOrders<M> for OrderBy<M> {
    fn into_orders(self) -> Vec<Order> {
        vec![self.into_order()]
    }
}

impl<M, T> IntoOrders<M> for crate::field::Field<M, T> {
    fn into_orders(self) -> Vec<Order> {
        vec![IntoOrder::<M>::into_order(self)]
    }
}

impl<M> IntoOrders<M> for &str {
    fn into_orders(self) -> Vec<Order> {
        vec![IntoOrder::<M>::into_order(self)]
    }
}

impl<M, O: IntoOrder<M>, const N: usize> IntoOrders<M> for [O; N] {
    fn into_orders(self) -> Vec<Order> {
        self.into_iter().map(IntoOrder::into_order).collect()
    }
}

impl<M, O: IntoOrder<M>> IntoOrders<M> for Vec<O> {
    fn into_orders(self) -> Vec<Order> {
        self.into_iter().map(IntoOrder::into_order).collect()
    }
}

/// A value for a field of the model `M`, to be written: `User::F.name.set("Alice")`.
pub struct Assignment<M> {
    path: String,
    value: Result<Value, String>,
    model: PhantomData<fn() -> M>,
}

impl<M> Assignment<M> {
    /// The value, or why it has no JSON form, for the field with this wire name.
    #[must_use]
    pub fn new(path: impl Into<String>, value: Result<Value, String>) -> Self {
        Self {
            path: path.into(),
            value,
            model: PhantomData,
        }
    }

    /// The wire name and the value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) when the value has no JSON form.
    pub fn into_pair(self) -> Result<(String, Value)> {
        match self.value {
            Ok(value) => Ok((self.path, value)),
            Err(reason) => Err(Error::invalid_request(format!("`{}`: {reason}", self.path))),
        }
    }
}

impl<M> Clone for Assignment<M> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            value: self.value.clone(),
            model: PhantomData,
        }
    }
}

impl<M> fmt::Debug for Assignment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Ok(value) => write!(f, "{}={value}", self.path),
            Err(reason) => write!(f, "{}: {reason}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lookup::Lookup;

    proptest! {
        #[test]
        fn slices_compose_as_they_do_on_a_list(len in 0_usize..60, cuts in prop::collection::vec((0_usize..70, prop::option::of(0_usize..70)), 0..5)) {
            let mut list: Vec<usize> = (0..len).collect();
            let mut plan = Plan::all();
            for (start, stop) in cuts {
                let end = stop.unwrap_or(list.len()).min(list.len());
                list = if start < end { list[start..end].to_vec() } else { Vec::new() };
                plan = plan.slice(start as u64, stop.map(|stop| stop as u64));
            }
            let range = plan.range();
            let first = usize::try_from(range.offset).unwrap();
            let rows: Vec<usize> = (0..len).skip(first).take(range.limit.map_or(usize::MAX, |l| usize::try_from(l).unwrap())).collect();
            prop_assert_eq!(range.of(len as u64), rows.len() as u64);
            prop_assert_eq!(rows, list);
        }
    }

    #[test]
    fn the_end_of_a_slice_is_a_position() {
        let range = Plan::all().offset(10).limit(u64::MAX).range();
        assert_eq!(
            range
                .limit
                .and_then(|limit| range.offset.checked_add(limit)),
            Some(u64::MAX)
        );
        assert_eq!(range.of(12), 2);
    }

    #[test]
    fn a_filter_after_a_slice_is_a_mistake_as_in_django() {
        let q = || Q::Lookup(Lookup::parse("a", 1.into()));
        assert!(Plan::all().filter(q()).limit(3).check().is_ok());
        assert!(Plan::all().limit(3).filter(q()).check().is_err());
        assert!(
            Plan::all()
                .offset(3)
                .order_by(vec![Order::parse("-a")])
                .check()
                .is_err()
        );
        assert!(Plan::all().limit(3).reverse().check().is_err());
    }

    #[test]
    fn reverse_turns_every_key() {
        let plan = Plan::all()
            .order_by(vec![Order::parse("a"), Order::parse("-b")])
            .reverse();
        assert_eq!(plan.order(), [Order::parse("-a"), Order::parse("b")]);
        assert!(!plan.is_reversed() && Plan::all().reverse().is_reversed());
    }
}
