//! Watches rows as they come for a pair that a server which sorts would not have sent.

use std::cmp::Ordering;

use django_api_orm_core::{
    NullOrder,
    evaluate::{FieldPlace, Fields, RowOrder},
    plan::Order,
};

use serde_json::Value;

use super::{check::Picked, shown};

/// What a row shows of the order of the rows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing speaks against it.
    InOrder,
    /// The rows do not hold what they should be sorted by.
    Blind,
    /// It may be the order of a database that compares text in another way than by code points.
    Doubtful,
    /// The same of texts that differ in case, or in blanks around them, alone: such a database may take them for equal.
    Alike,
    /// They would stand in the wrong order if the texts that they show are what the server sorts by: not labels, whose order is another,
    /// nor cut off, so that different ones look equal.
    DoubtfulByTexts,
    /// No database puts the rows in this order: two values that all databases compare alike are in the wrong one.
    Contradicted,
}

/// What it means that texts stand in a wrong order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongByTexts {
    /// The server does not sort.
    NotSorted,
    /// The rows show the texts in another form than the server filters and sorts by.
    Otherwise,
    /// It sorts, by something else than the rows show, in both directions.
    Sorted,
}

/// Compares each row with the one before it.
///
/// Servers place nulls as their databases do, first or last, but all in the same way: only what contradicts both ways counts.
#[derive(Debug)]
pub(crate) struct OrderWatch {
    /// By code point, for nulls at either end.
    orders: [RowOrder; 2],
    /// The same, undecided where databases differ.
    certain: [RowOrder; 2],
    contradicted: [bool; 2],
    /// The first key alone: whatever the other keys do, its nulls stand at one end.
    leading: [RowOrder; 2],
    leading_contradicted: [bool; 2],
    /// Where the keys stand in a row.
    places: Vec<FieldPlace>,
    last: Option<Picked>,
    /// The first key that two rows in the wrong order differ by.
    wrong_key: Option<usize>,
}

impl OrderWatch {
    pub(crate) fn new(order: &[Order], fields: &Fields) -> Self {
        let at_both_ends = |order: &[Order], fields: &Fields| {
            [NullOrder::Smallest, NullOrder::Largest]
                .map(|nulls| RowOrder::new(order, nulls, fields))
        };
        let any_collation = fields.clone().unknown_collation();
        Self {
            orders: at_both_ends(order, fields),
            certain: at_both_ends(order, &any_collation),
            contradicted: [false; 2],
            leading: at_both_ends(order.get(..1).unwrap_or_default(), &any_collation),
            leading_contradicted: [false; 2],
            places: (order.iter())
                .map(|order| FieldPlace::new(&order.path, fields))
                .collect(),
            last: None,
            wrong_key: None,
        }
    }

    /// The place of the first key that the two rows differ by which stood in the wrong order, or none did.
    pub(crate) fn wrong_key(&self) -> Option<usize> {
        self.wrong_key
    }

    /// Whether the rows stand in order only if nulls are at the other end than the client would put them: few rows may stand so by chance.
    pub(crate) fn has_nulls_elsewhere(&self, nulls: NullOrder) -> bool {
        let [smallest, largest] = self.contradicted;
        match nulls == NullOrder::Largest {
            true => largest && !smallest,
            false => smallest && !largest,
        }
    }

    /// Takes in the next row. Once it has had a doubt about the rows before, it begins anew.
    pub(crate) fn take(&mut self, row: &Picked) -> Seen {
        let Some(last) = self.last.replace(row.clone()) else {
            return Seen::InOrder;
        };
        let certain = self.certain.each_ref();
        if certain.map(|order| order.compare(&last, row)) == [Some(Ordering::Greater); 2] {
            let mut keys = self.places.iter();
            self.wrong_key = keys.position(|place| place.value(&last) != place.value(row));
            return match self.is_by_texts(&last, row) {
                true => Seen::DoubtfulByTexts,
                false => Seen::Contradicted,
            };
        }
        let leading = self.leading.each_ref();
        let leading = leading.map(|order| order.compare(&last, row));
        for (contradicted, place) in self.leading_contradicted.iter_mut().zip(leading) {
            *contradicted |= place == Some(Ordering::Greater);
        }
        if self.leading_contradicted == [true; 2] {
            return Seen::Contradicted;
        }
        let places = self
            .orders
            .each_ref()
            .map(|order| order.compare(&last, row));
        for (contradicted, place) in self.contradicted.iter_mut().zip(places) {
            *contradicted |= place == Some(Ordering::Greater);
        }
        if self.contradicted == [true; 2] {
            self.contradicted = [false; 2];
            return match self.are_alike(&last, row) {
                true => Seen::Alike,
                false => Seen::Doubtful,
            };
        }
        if places == [None; 2] {
            return Seen::Blind;
        }
        Seen::InOrder
    }

    /// Whether the first key that the rows differ by has texts which some database takes for equal.
    fn are_alike(&self, last: &Picked, row: &Picked) -> bool {
        let mut pairs = (self.places.iter()).map(|place| (place.value(last), place.value(row)));
        match pairs.find(|(last, row)| last != row) {
            Some((Some(last), Some(row))) => shown::are_alike(last, row),
            _ => false,
        }
    }

    /// Whether a text has a part in the order of both rows: equal ones of earlier keys, or of the first key that differs.
    fn is_by_texts(&self, last: &Picked, row: &Picked) -> bool {
        for place in &self.places {
            let (last, row) = (place.value(last), place.value(row));
            if last.is_some_and(Value::is_string) {
                return true;
            }
            if last != row {
                break;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen<T: Into<Value> + Clone>(ranks: &[T]) -> Vec<Seen> {
        let mut watch = OrderWatch::new(&[Order::parse("rank")], &Fields::new("id"));
        let rows = ranks.iter().cloned().map(Into::into);
        rows.map(|rank: Value| watch.take(&Picked::from_iter([("rank".to_owned(), rank)])))
            .filter(|seen| *seen != Seen::InOrder)
            .collect()
    }

    #[test]
    fn nulls_may_stand_first_or_last_but_not_both() {
        assert_eq!(seen(&[None, None, Some(1), Some(1), Some(2)]), []);
        assert_eq!(seen(&[Some(1), Some(2), None, None]), []);
        assert_eq!(seen(&[None, Some(1), None]), [Seen::Contradicted]);
        assert_eq!(
            seen(&[Some(1), None, Some(2)]),
            [Seen::Contradicted],
            "no end"
        );
    }

    #[test]
    fn nulls_at_the_other_end_are_noticed() {
        let has = |ranks: &[Option<i64>], nulls| {
            let mut watch = OrderWatch::new(&[Order::parse("rank")], &Fields::new("id"));
            for rank in ranks {
                watch.take(&Picked::from_iter([("rank".to_owned(), json!(rank))]));
            }
            watch.has_nulls_elsewhere(nulls)
        };
        let (last, first) = ([Some(1), Some(2), None], [None, Some(1), Some(2)]);
        assert!(has(&last, NullOrder::Smallest) && !has(&last, NullOrder::Largest));
        assert!(has(&first, NullOrder::Largest) && !has(&first, NullOrder::Smallest));
        assert!(!has(&[Some(1), Some(2)], NullOrder::Smallest));
    }

    #[test]
    fn each_key_may_have_its_nulls_at_an_end_of_its_own() {
        let mut watch = OrderWatch::new(
            &[Order::parse("rank"), Order::parse("kind")],
            &Fields::new("id"),
        );
        let rows = [
            json!({"rank": null, "kind": "a"}),
            json!({"rank": 1, "kind": "a"}),
            json!({"rank": 1, "kind": null}),
        ];
        let mut seen = rows.iter().filter_map(Value::as_object);
        assert!(seen.all(|row| watch.take(row) != Seen::Contradicted));
    }

    #[test]
    fn what_every_database_compares_alike_is_certain() {
        assert_eq!(seen(&[2, 1]), [Seen::Contradicted]);
        assert_eq!(seen(&["b", "a"]), [Seen::DoubtfulByTexts], "or labels");
        assert_eq!(seen(&["b", "B"]), [Seen::Alike]);
        assert_eq!(seen(&["b", "C"]), [Seen::Doubtful]);
    }

    #[test]
    fn equal_texts_may_be_cut_off() {
        let order = [Order::parse("name"), Order::parse("id")];
        let mut watch = OrderWatch::new(&order, &Fields::new("id"));
        let rows =
            json!([{"name": "an", "id": 2}, {"name": "an", "id": 1}, {"name": "am", "id": 3}]);
        let seen: Vec<Seen> = (rows.as_array().unwrap().iter())
            .filter_map(|row| Some(watch.take(row.as_object()?)))
            .collect();
        let expected = [Seen::InOrder, Seen::DoubtfulByTexts, Seen::DoubtfulByTexts];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_cannot_be_compared_shows_nothing() {
        assert_eq!(seen(&[json!([1]), json!(true)]), [Seen::Blind]);
    }
}
