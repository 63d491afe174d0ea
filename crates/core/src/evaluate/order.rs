//! The order of two rows: what a client-side sort, and the check of a server's order, compare.

use std::{borrow::Borrow, cmp::Ordering};

use serde_json::{Map, Value};

use super::{
    Fields, Reading,
    walk::{Found, Path},
};
use crate::{plan::Order, policy::NullOrder};

/// An ordering, made ready to compare many rows.
///
/// ```
/// use std::cmp::Ordering;
/// use django_api_orm_core::{NullOrder, evaluate::{Fields, RowOrder}, plan::Order};
/// use serde_json::{Map, Value, json};
///
/// let row = |value: Value| value.as_object().cloned().unwrap_or_default();
/// let order = RowOrder::new(&[Order::parse("-price"), Order::parse("id")], NullOrder::Smallest, &Fields::new("id"));
/// let (cheap, dear) = (row(json!({"id": 1, "price": "9.50"})), row(json!({"id": 2, "price": "10.00"})));
/// assert_eq!(order.compare(&dear, &cheap), Some(Ordering::Less));
/// assert_eq!(order.compare(&cheap, &row(json!({"id": 3}))), None);
/// ```
#[derive(Debug, Clone)]
pub struct RowOrder {
    keys: Vec<Key>,
    nulls: NullOrder,
}

#[derive(Debug, Clone)]
struct Key {
    path: Path,
    reading: Reading,
    descending: bool,
}

/// The values of a row that an ordering compares.
#[derive(Debug)]
pub struct RowKey<'r>(Vec<Option<Found<'r>>>);

impl RowKey<'_> {
    /// Whether the row has a value, or null, for everything that is compared.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut found = self.0.iter();
        found.all(|found| matches!(found, Some(Found::Null | Found::Value(_))))
    }
}

impl RowOrder {
    /// Prepares an ordering.
    #[must_use]
    pub fn new(order: &[Order], nulls: NullOrder, fields: &Fields) -> Self {
        let key = |order: &Order| Key {
            path: Path::new(&order.path, None, &fields.primary_key),
            reading: fields.reading_in_order(&order.path),
            descending: order.descending,
        };
        Self {
            keys: order.iter().map(key).collect(),
            nulls,
        }
    }

    /// The top-level keys of a row that [`compare`](Self::compare) looks at.
    #[must_use]
    pub fn roots(&self) -> Vec<String> {
        let mut roots: Vec<String> = self
            .keys
            .iter()
            .flat_map(|key| key.path.roots())
            .map(ToOwned::to_owned)
            .collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// Which row comes first; `None` where a key is absent from a row or its two values have no order.
    ///
    /// On rows that are all comparable with each other this is a total preorder: equal rows keep their places in a
    /// stable sort. To compare one row with many, make its [`key`](Self::key) once.
    #[must_use]
    pub fn compare(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Option<Ordering> {
        self.by_keys(|key| Some((key.path.single(a)?, key.path.single(b)?)))
    }

    /// What [`compare_keys`](Self::compare_keys) compares of a row, read once.
    #[must_use]
    pub fn key<'r>(&self, row: &'r Map<String, Value>) -> RowKey<'r> {
        RowKey(self.keys.iter().map(|key| key.path.single(row)).collect())
    }

    /// The same as [`compare`](Self::compare), of rows whose keys this ordering has made.
    #[must_use]
    pub fn compare_keys(&self, a: &RowKey<'_>, b: &RowKey<'_>) -> Option<Ordering> {
        let mut pairs = a.0.iter().zip(&b.0);
        self.by_keys(|_| {
            let (a, b) = pairs.next()?;
            Some((a.as_ref()?, b.as_ref()?))
        })
    }

    /// Compares the values of one key after the other, until two differ.
    fn by_keys<'r, F: Borrow<Found<'r>>>(
        &self,
        mut values: impl FnMut(&Key) -> Option<(F, F)>,
    ) -> Option<Ordering> {
        for key in &self.keys {
            if key.reading.shown_otherwise {
                return None;
            }
            let (a, b) = values(key)?;
            let ordering = match (a.borrow(), b.borrow()) {
                (Found::Null, Found::Null) => Ordering::Equal,
                (Found::Null, Found::Value(_)) => self.null_to_value(),
                (Found::Value(_), Found::Null) => self.null_to_value().reverse(),
                (Found::Value(a), Found::Value(b)) => a.order_rows(b, key.reading)?,
                _ => return None,
            };
            if ordering != Ordering::Equal {
                return Some(if key.descending {
                    ordering.reverse()
                } else {
                    ordering
                });
            }
        }
        Some(Ordering::Equal)
    }

    fn null_to_value(&self) -> Ordering {
        match self.nulls {
            NullOrder::Smallest => Ordering::Less,
            NullOrder::Largest => Ordering::Greater,
        }
    }
}

/// Which of two rows comes first; see [`RowOrder::compare`].
///
/// Prepares the ordering at every call, for a primary key named `id`: to sort, keep a [`RowOrder`].
#[must_use]
pub fn compare_rows(
    order: &[Order],
    nulls: NullOrder,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
) -> Option<Ordering> {
    RowOrder::new(order, nulls, &Fields::default()).compare(a, b)
}

/// The top-level keys of a row that [`compare_rows`] looks at.
#[must_use]
pub fn order_roots(order: &[Order]) -> Vec<String> {
    RowOrder::new(order, NullOrder::default(), &Fields::default()).roots()
}
