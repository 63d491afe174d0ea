//! What the engine knows about a model: its endpoint, its key and its fields.
//!
//! Everything here is untyped on purpose: the Rust derive and the Python binding describe their models with the same
//! [`ModelMeta`], so the rest of the core does not need to know which of the two is speaking.

use std::{any::TypeId, sync::Arc};

use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    evaluate::{Fields, Kind},
    page::Pagination,
    path::Endpoint,
};

/// A plain struct whose fields can be named in a filter: a model, or an object nested in one.
///
/// Implemented by `#[derive(ApiModel)]`; with `#[api(nested)]` the derive implements only this trait.
pub trait Schema: Sized + 'static {
    /// The type's name, as messages show it.
    const NAME: &'static str;

    /// The fields as they stand on the wire, in the order of their declaration.
    fn fields() -> Vec<FieldMeta>;
}

/// A struct whose rows live behind an endpoint of a REST API. Implemented by `#[derive(ApiModel)]`.
///
/// ```
/// use django_api_orm_core as django_api_orm;
/// use django_api_orm_core::{ApiModel, ModelMeta};
/// # use std::sync::{Arc, LazyLock};
/// # #[derive(serde::Serialize, serde::Deserialize)] struct Tag { id: Option<i64>, name: String }
/// # impl django_api_orm_core::Schema for Tag {
/// #     const NAME: &'static str = "Tag";
/// #     fn fields() -> Vec<django_api_orm_core::FieldMeta> { vec![django_api_orm_core::FieldMeta::new("id")] }
/// # }
/// # impl ApiModel for Tag {
/// #     type Key = i64;
/// #     fn meta() -> &'static Arc<ModelMeta> {
/// #         static META: LazyLock<Arc<ModelMeta>> = LazyLock::new(|| Arc::new(ModelMeta::new("Tag", "/api/tags/")));
/// #         &META
/// #     }
/// # }
/// assert_eq!(Tag::meta().endpoint(), "/api/tags/");
/// assert_eq!(Tag::meta().primary_key(), "id");
/// ```
pub trait ApiModel: Schema + Serialize + DeserializeOwned + Send + Sync {
    /// The type of the primary key, without the `Option` that the struct may hold it in.
    type Key: Key;

    /// The description of the model. The same value at every call.
    fn meta() -> &'static Arc<ModelMeta>;
}

/// A type that can be a primary key.
pub trait Key: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Key for T {}

/// Tells the key type of a primary-key field: `i64` and `Option<i64>` both have the key `i64`.
///
/// A key type of your own needs one line: `impl KeyField for UserId { type Key = UserId; }`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "not a key type",
    note = "keys are integers, `String`, `Uuid`, an `Option` of these, or a type of yours with \
            `impl KeyField for MyKey {{ type Key = MyKey; }}`"
)]
pub trait KeyField {
    /// The key type.
    type Key: Key;
}

impl<T: KeyField> KeyField for Option<T> {
    type Key = T::Key;
}

macro_rules! key_fields {
    ($($t:ty),*) => { $(impl KeyField for $t { type Key = $t; })* };
}
key_fields!(
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    isize,
    usize,
    String,
    uuid::Uuid
);

/// One field of a model, as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMeta {
    name: String,
    read_only: bool,
    kind: Option<Kind>,
}

impl FieldMeta {
    /// A writable field with this wire name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            read_only: false,
            kind: None,
        }
    }

    /// A writable field whose values have this Rust type. Of a [`Decimal`], or an `Option` of one, it is then known that
    /// `"12.50"` and `"12.5"` are the same value.
    #[must_use]
    pub fn typed<T: 'static>(name: impl Into<String>) -> Self {
        let decimal =
            [TypeId::of::<Decimal>(), TypeId::of::<Option<Decimal>>()].contains(&TypeId::of::<T>());
        Self {
            kind: decimal.then_some(Kind::Decimal),
            ..Self::new(name)
        }
    }

    /// Marks the field as one that the server alone writes: it is never sent.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The wire name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets what the field holds.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// What the field holds, where that is known.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Whether the field is never sent.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// The description of a model: name, endpoint, key, fields, and what its endpoint is declared to support.
#[derive(Debug, Clone)]
pub struct ModelMeta {
    name: String,
    endpoint: String,
    primary_key: String,
    lookup_field: Option<String>,
    fields: Vec<FieldMeta>,
    pagination: Option<Pagination>,
    filters: Option<Vec<String>>,
}

impl ModelMeta {
    /// A model with the primary key `id` and no declared fields.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            endpoint: endpoint.into(),
            primary_key: "id".to_owned(),
            lookup_field: None,
            fields: Vec::new(),
            pagination: None,
            filters: None,
        }
    }

    /// Sets the wire name of the primary key.
    #[must_use]
    pub fn with_primary_key(mut self, name: impl Into<String>) -> Self {
        self.primary_key = name.into();
        self
    }

    /// Sets the field whose value stands in detail URLs (DRF's `lookup_field`), where that is not the primary key.
    #[must_use]
    pub fn with_lookup_field(mut self, name: impl Into<String>) -> Self {
        self.lookup_field = Some(name.into());
        self
    }

    /// Declares the fields.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldMeta>) -> Self {
        self.fields = fields;
        self
    }

    /// Declares how the endpoint pages, instead of recognising it from its first answer.
    #[must_use]
    pub fn with_pagination(mut self, pagination: Pagination) -> Self {
        self.pagination = Some(pagination);
        self
    }

    /// Declares which query parameters the server filters on; every other lookup is then evaluated here.
    #[must_use]
    pub fn with_filters<S: Into<String>>(mut self, filters: impl IntoIterator<Item = S>) -> Self {
        self.filters = Some(filters.into_iter().map(Into::into).collect());
        self
    }

    /// The same model behind another collection, such as `/users/3/posts/`.
    #[must_use]
    pub fn at(&self, endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            ..self.clone()
        }
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The collection's path as it was declared.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The collection's path, checked.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration) when the path is empty, absolute with a
    /// host, or has a segment that a server would resolve to something else (`..`).
    pub fn parsed_endpoint(&self) -> Result<Endpoint> {
        Endpoint::parse(&self.endpoint).map_err(|error| {
            Error::configuration(format!(
                "model `{}`: invalid endpoint {:?}: {error}",
                self.name, self.endpoint
            ))
        })
    }

    /// The wire name of the primary key.
    #[must_use]
    pub fn primary_key(&self) -> &str {
        &self.primary_key
    }

    /// The wire name of the field whose value stands in detail URLs.
    #[must_use]
    pub fn lookup_field(&self) -> &str {
        self.lookup_field.as_deref().unwrap_or(&self.primary_key)
    }

    /// The declared fields.
    #[must_use]
    pub fn fields(&self) -> &[FieldMeta] {
        &self.fields
    }

    /// Whether a field is declared as never sent.
    #[must_use]
    pub fn is_read_only(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.name == name && field.read_only)
    }

    /// What is known of the fields, for the evaluation of lookups.
    #[must_use]
    pub fn known_fields(&self) -> Fields {
        self.fields
            .iter()
            .filter_map(|field| Some((field.name(), field.kind()?)))
            .fold(Fields::new(&self.primary_key), |fields, (name, kind)| {
                fields.with(name, kind)
            })
    }

    /// The declared paginator.
    #[must_use]
    pub fn pagination(&self) -> Option<&Pagination> {
        self.pagination.as_ref()
    }

    /// The declared filter parameters; `None` when nothing is declared.
    #[must_use]
    pub fn filters(&self) -> Option<&[String]> {
        self.filters.as_deref()
    }
}
