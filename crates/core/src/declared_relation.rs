//! The relations that a model declares, which its filters may cross.

use std::{fmt, sync::Arc};

use crate::{
    model::{ApiModel, ModelMeta},
    relation::Relation,
};

/// A relation that a model declares. The models that it leads to are looked at when it is used: they may point back.
#[derive(Clone)]
pub struct DeclaredRelation {
    head: String,
    relation: Arc<dyn Fn() -> Relation + Send + Sync>,
    related: fn() -> &'static Arc<ModelMeta>,
    many: bool,
    back: bool,
}

impl DeclaredRelation {
    /// The rows of the model `N` that a field points at; `head` is how filters begin that cross it.
    #[must_use]
    pub fn to<N: ApiModel>(
        head: impl Into<String>,
        many: bool,
        relation: impl Fn() -> Relation + Send + Sync + 'static,
    ) -> Self {
        Self {
            head: head.into(),
            relation: Arc::new(relation),
            related: N::meta,
            many,
            back: false,
        }
    }

    /// The rows of the model `N` that point at those of the model by this relation of theirs.
    #[must_use]
    pub fn back<N: ApiModel>(
        head: impl Into<String>,
        relation: impl Fn() -> Relation + Send + Sync + 'static,
    ) -> Self {
        Self {
            back: true,
            ..Self::to::<N>(head, true, relation)
        }
    }

    /// How filters begin that cross it.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The relation: that of the model, or that of the related rows, which point back.
    #[must_use]
    pub fn relation(&self) -> Relation {
        (self.relation)()
    }

    /// The model of the related rows.
    #[must_use]
    pub fn related(&self) -> &'static Arc<ModelMeta> {
        (self.related)()
    }

    /// Whether a row may have several related ones.
    #[must_use]
    pub fn is_to_many(&self) -> bool {
        self.many
    }

    /// Whether the related rows point at the model's.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.back
    }
}

impl fmt::Debug for DeclaredRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeclaredRelation").field(&self.head).finish()
    }
}
