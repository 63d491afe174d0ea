//! What a model says of its relations: which there are, how the server is asked to send related rows with its own, and whether the rows
//! that others point at are read whole.

use super::ModelMeta;
use crate::{declared_relation::DeclaredRelation, lookup::Lookup};

/// A field that names related rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedField {
    /// Its name in rows.
    pub field: String,
    /// It names several.
    pub is_many: bool,
    /// It names them by their keys, in whatever form, and not by another of their fields.
    pub is_by_key: bool,
}

impl ModelMeta {
    /// Declares the query parameter, such as `expand` or `include`, by which the server is asked to show related rows in the place of their
    /// keys: by the names of the fields that point at them, `?expand=author,author.team`.
    #[must_use]
    pub fn with_expand_parameter(mut self, parameter: impl Into<String>) -> Self {
        self.expand_parameter = Some(parameter.into());
        self
    }

    /// The declared query parameter for related rows in the place of their keys.
    #[must_use]
    pub fn expand_parameter(&self) -> Option<&str> {
        self.expand_parameter.as_deref()
    }

    /// Declares the query parameter, such as `prefetch`, by which the server is asked to send related rows beside the rows: under the
    /// same name, by the field that points at them and by their keys, `{"author": {"3": {..}}}`.
    #[must_use]
    pub fn with_rows_beside(mut self, parameter: impl Into<String>) -> Self {
        self.rows_beside = Some(parameter.into());
        self
    }

    /// The declared query parameter for related rows beside the rows.
    #[must_use]
    pub fn rows_beside(&self) -> Option<&str> {
        self.rows_beside.as_deref()
    }

    /// Declares the relations that filters may cross.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<DeclaredRelation>) -> Self {
        self.relations = relations.into();
        self
    }

    /// The declared relations.
    #[must_use]
    pub fn relations(&self) -> &[DeclaredRelation] {
        &self.relations
    }

    /// Names the fields that name related rows, where the relations themselves are not declared here.
    #[must_use]
    pub fn with_related_fields(mut self, fields: Vec<RelatedField>) -> Self {
        self.related_fields = fields;
        self
    }

    /// Whether the field names several related rows; `None` where it names none.
    #[must_use]
    pub fn relates_to_many(&self, field: &str) -> Option<bool> {
        let mut relations = self.relations.iter();
        let declared = relations.find(|relation| relation.head() == field);
        let named = || Some(self.related_field(field)?.is_many);
        declared.map(DeclaredRelation::is_to_many).or_else(named)
    }

    /// Whether the lookup leads across a relation, to a field of another row.
    #[must_use]
    pub fn is_across_relation(&self, lookup: &Lookup) -> bool {
        lookup.root() != lookup.path && self.relates_to_many(lookup.root()).is_some()
    }

    fn related_field(&self, name: &str) -> Option<&RelatedField> {
        let mut fields = self.related_fields.iter();
        fields.find(|related| related.field == name)
    }

    /// Whether the lookup asks for a related row by the key that rows show: a server may have a filter by another field of that row under
    /// the name. Where rows are declared to show another field, that is not what is asked for.
    #[must_use]
    pub fn is_of_related_key(&self, lookup: &Lookup) -> bool {
        let mut relations = self.relations.iter().filter(|_| lookup.is_bare());
        match relations.find(|relation| relation.head() == lookup.path) {
            Some(declared) => {
                let relation = declared.relation();
                relation.to_field() == relation.target().primary_key()
            }
            None => {
                let named = self.related_field(&lookup.path);
                lookup.is_bare() && named.is_some_and(|related| related.is_by_key)
            }
        }
    }

    /// Declares that the table is small: rows that others point at are not asked for by their keys, all of them are read.
    #[must_use]
    pub fn with_small_table(mut self) -> Self {
        self.is_small = true;
        self
    }

    /// Whether the table is declared to be small.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.is_small
    }
}
