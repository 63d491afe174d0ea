//! Lists of references, as rows have them that point at several others: which of them stay when rows are added and removed.

use std::collections::HashSet;

use serde_json::Value;

use super::{Reference, Relation, same_for_all};
use crate::{error::Result, row::key_text};

impl Relation {
    /// The places of the references that stay in a list, in their order: of several that name the same row the first one, and none that
    /// names one of the rows that are `removed`. Nulls name no row, and stay.
    ///
    /// References of any form name the same row where they show the same value of a field that identifies rows.
    ///
    /// # Errors
    /// `Decode` for a value that names no row of the target.
    pub fn kept(&self, references: &[Value], removed: &[Value]) -> Result<Vec<usize>> {
        let mut named = HashSet::new();
        for reference in removed {
            named.extend(self.names(reference)?);
        }
        let mut kept = Vec::with_capacity(references.len());
        for (place, reference) in references.iter().enumerate() {
            let names = self.names(reference)?;
            if names.is_disjoint(&named) {
                kept.push(place);
            }
            named.extend(names);
        }
        Ok(kept)
    }

    /// Whether both lists name the same rows, in whatever order.
    ///
    /// # Errors
    /// As [`kept`](Self::kept).
    pub fn names_same(&self, some: &[Value], others: &[Value]) -> Result<bool> {
        Ok(self.kept(some, others)?.is_empty() && self.kept(others, some)?.is_empty())
    }

    /// A reference as it is written where rows are named by plain values: an object as the value by which it names its row.
    ///
    /// # Errors
    /// As [`kept`](Self::kept).
    pub fn plain(&self, reference: &Value) -> Result<Value> {
        let Value::Object(fields) = reference else {
            return Ok(reference.clone());
        };
        let value = fields.get(self.to_field());
        if let Some(value) = value.filter(|value| key_text(value).is_some()) {
            return Ok(value.clone());
        }
        let key = self.target().primary_key();
        Ok(match self.referred(reference)? {
            Some(Reference::Key { value, .. }) => value,
            Some(Reference::Row(row)) => row.key(key).unwrap_or_default(),
            None => Value::Null,
        })
    }

    /// What a reference says of its row: the fields that identify it, and their values.
    fn names(&self, reference: &Value) -> Result<HashSet<(String, String)>> {
        let mut names = HashSet::new();
        let mut add = |field: &str, value: &Value| {
            names.extend(same_for_all(value).map(|value| (field.to_owned(), value)));
        };
        if let Some(Reference::Key { by, value }) = self.referred(reference)? {
            add(&by, &value);
        }
        let target = self.target();
        if let Value::Object(fields) = reference {
            for field in [self.to_field(), target.primary_key(), target.lookup_field()] {
                if let Some(value) = fields.get(field) {
                    add(field, value);
                }
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{FieldMeta, ModelMeta};

    fn tags(to_field: Option<&str>) -> Relation {
        let fields = ["id", "slug", "title"].map(FieldMeta::new).to_vec();
        let model = ModelMeta::new("Tag", "/api/v1/tags/").with_fields(fields);
        let to_field = to_field.map(str::to_owned);
        Relation::new("tags", vec!["tags".to_owned()], Arc::new(model), to_field)
    }

    fn list(value: &Value) -> &[Value] {
        value.as_array().map_or(&[], Vec::as_slice)
    }

    #[test]
    fn each_row_stays_once_unless_it_is_removed() {
        let kept = |references: Value, removed: Value| {
            tags(None).kept(list(&references), list(&removed)).unwrap()
        };
        assert_eq!(kept(json!([3, 1, 2, 1]), json!([])), [0, 1, 2]);
        assert_eq!(kept(json!([3, 1, 2, 3]), json!([3])), [1, 2]);
        assert_eq!(kept(json!([3, null]), json!([3, null])), [1]);
        let url = "http://h/api/v1/tags/3/";
        for other in [json!("3"), json!(url), json!({"id": 3, "title": "c"})] {
            assert_eq!(kept(json!([3, other, 4]), json!([])), [0, 2], "{other}");
            assert_eq!(kept(json!([other, 4]), json!([3])), [1], "{other}");
        }
        assert!(tags(None).kept(&[json!(true)], &[]).is_err());
        assert!(tags(None).kept(&[], &[json!("http://h/users/3/")]).is_err());
    }

    #[test]
    fn an_object_is_named_by_each_field_that_identifies_it() {
        let whole = json!({"id": 3, "slug": "c", "title": "C"});
        let by_slug = tags(Some("slug"));
        assert_eq!(
            by_slug.kept(&[whole.clone(), json!("c")], &[]).unwrap(),
            [0]
        );
        assert_eq!(by_slug.plain(&whole).unwrap(), "c");
        assert_eq!(by_slug.plain(&json!({"id": 3})).unwrap(), 3);
        assert_eq!(tags(None).plain(&whole).unwrap(), 3);
        assert_eq!(tags(None).plain(&json!("c")).unwrap(), "c");
        assert!(tags(None).plain(&json!({"title": "C"})).is_err());
    }

    #[test]
    fn lists_of_the_same_rows_are_the_same_in_any_order() {
        let same =
            |some: Value, others: Value| tags(None).names_same(list(&some), list(&others)).unwrap();
        assert!(same(json!([1, 2]), json!(["2", {"id": 1}])));
        assert!(same(json!([1, 1]), json!([1])));
        assert!(same(json!([]), json!([])));
        assert!(!same(json!([1, 2]), json!([1])));
        assert!(!same(json!([1]), json!([1, 2])));
    }
}
