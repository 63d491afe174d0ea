//! Where a field stands in a row: at its top level, or in a related row.

use serde_json::{Map, Value};

use super::{Fields, walk::Path};

/// The place of a field, made ready to look at many rows.
///
/// ```
/// use django_api_orm_core::evaluate::{Fields, FieldPlace};
/// use serde_json::{Value, json};
///
/// let author = FieldPlace::new("author__name", &Fields::new("id"));
/// let row = json!({"id": 1, "author": {"name": "Ann"}});
/// assert_eq!(author.value(row.as_object().unwrap()), Some(&json!("Ann")));
/// ```
#[derive(Debug, Clone)]
pub struct FieldPlace(Path);

impl FieldPlace {
    /// The place of the field at this path (`author__name`).
    #[must_use]
    pub fn new(path: &str, fields: &Fields) -> Self {
        Self(Path::new(path, None, &fields.primary_key))
    }

    /// The top-level keys of a row that [`value`](Self::value) looks at.
    #[must_use]
    pub fn roots(&self) -> Vec<String> {
        self.0.roots().map(ToOwned::to_owned).collect()
    }

    /// What the row shows there, as it shows it; null where it holds null for a related row. `None` where it has no such field, or a list
    /// on the way.
    #[must_use]
    pub fn value<'r>(&self, row: &'r Map<String, Value>) -> Option<&'r Value> {
        self.0.value(row)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_found_in_objects_and_in_no_list() {
        let row = json!({
            "id": 1, "name": "a", "author": {"pk": 3, "team": {"name": "x"}}, "editor": null, "tags": [{"name": "t"}], "owner": 7
        });
        let row = row.as_object().unwrap();
        let at = |path: &str| {
            FieldPlace::new(path, &Fields::new("id"))
                .value(row)
                .cloned()
        };
        assert_eq!(at("name"), Some(json!("a")));
        assert_eq!(at("pk"), Some(json!(1)));
        assert_eq!(at("author__id"), Some(json!(3)));
        assert_eq!(at("author_id"), Some(json!(3)));
        assert_eq!(at("author__team__name"), Some(json!("x")));
        assert_eq!(at("owner__id"), Some(json!(7)));
        assert_eq!(at("editor__name"), Some(json!(null)));
        assert_eq!(at("tags"), Some(json!([{"name": "t"}])));
        for absent in ["tags__name", "author__name", "size", "name__x"] {
            assert_eq!(at(absent), None, "{absent}");
        }
    }
}
