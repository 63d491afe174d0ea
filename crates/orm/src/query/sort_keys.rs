//! What rows are sorted by client-side: their own fields and, where the order crosses a relation, those of the related rows, which
//! are asked for together.

use django_api_orm_core::{
    Error, NullOrder, Result,
    evaluate::{Fields, RowOrder},
    plan::{Order, Plan},
    row::Row,
    semi_join::behind,
};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    check::{Picked, cannot_sort},
    collection::Collection,
    joined::Join,
};

/// What rows are sorted by.
#[derive(Debug)]
pub(crate) struct SortKeys {
    /// The order on what is picked.
    pub(crate) order: Vec<Order>,
    /// What is known of its fields.
    pub(crate) fields: Fields,
    /// Of each row the part that the order looks at, with related rows in place of references to them.
    pub(crate) picked: Vec<Picked>,
}

impl SortKeys {
    /// Requests: none where the rows show what they are sorted by; else for each relation one for each chunk of different keys.
    pub(crate) fn of<'a>(
        collection: &'a Collection,
        order: &'a [Order],
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Self>> {
        Box::pin(async move {
            let fields = collection.known_fields()?;
            let roots = RowOrder::new(order, NullOrder::default(), &fields).roots();
            // Decoded now and not kept while pages are read: what is decoded takes several times the memory of the text.
            let picked: Vec<Picked> = rows
                .iter()
                .map(|row| row.pick(&roots))
                .collect::<Result<_>>()?;
            let mut keys = Self {
                order: order.to_vec(),
                fields,
                picked,
            };
            for join in collection.joins_of_order(order)?.iter() {
                keys.cross(collection, join, rows).await?;
            }
            Ok(keys)
        })
    }

    /// Puts related rows in place of references to them, as far as the order looks behind these.
    async fn cross(&mut self, collection: &Collection, join: &Join, rows: &[Row]) -> Result<()> {
        let head = join.head.as_str();
        let across: Vec<Order> = (self.order.iter())
            .filter(|order| behind(&order.path, head).is_some())
            .cloned()
            .collect();
        let shown = RowOrder::new(&across, NullOrder::default(), &self.fields);
        let unshown: Vec<usize> = (self.picked.iter().enumerate())
            .filter(|(_, row)| !shown.key(row).is_complete())
            .map(|(place, _)| place)
            .collect();
        if across.is_empty() || unshown.is_empty() {
            return Ok(());
        }
        if join.many {
            return Err(
                cannot_sort(collection.model(), &across).with_context(format!(
                    "a row may have several rows of `{}`, and would come once for each of them",
                    join.rows.model().name()
                )),
            );
        }
        let sources: Vec<Row> = (unshown.iter())
            .filter_map(|place| rows.get(*place).cloned())
            .collect();
        let at_once = collection.policy.read_ahead;
        let found = (join.rows)
            .related(&Plan::all(), &join.relation, &sources, at_once)
            .await?;
        let key = join.relation.target().primary_key();
        let mut further: Vec<Order> = (across.iter())
            .filter_map(|order| behind(&order.path, head).map(Order::parse))
            .collect();
        further.push(Order::parse(key));
        let related = Self::of(&join.rows, &further, &found.rows).await?;
        for (place, own) in unshown.into_iter().zip(&found.of) {
            let row = own.first().and_then(|place| related.picked.get(*place));
            if let (Some(picked), Some(row)) = (self.picked.get_mut(place), row) {
                picked.insert(head.to_owned(), Value::Object(row.clone()));
            } else {
                return Err(missing(join, &across));
            }
        }
        // The key stands in the related row now.
        for order in self.order.iter_mut().filter(|order| order.path == head) {
            order.path = format!("{head}__{key}");
        }
        let own = std::mem::replace(&mut self.fields, Fields::new(""));
        self.fields = own.with_related(head, &related.fields);
        Ok(())
    }
}

fn missing(join: &Join, across: &[Order]) -> Error {
    let paths: Vec<&str> = across.iter().map(|order| order.path.as_str()).collect();
    Error::unsupported(format!(
        "the rows cannot be sorted by `{}`: a row of `{}` that one of them points at does not exist, or is not shown to this client",
        paths.join("`, `"),
        join.rows.model().name()
    ))
}
