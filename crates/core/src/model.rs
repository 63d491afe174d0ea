//! What the engine knows about a model: its endpoint, its key and its fields.
//!
//! Everything here is untyped on purpose: the Rust derive and the Python binding describe their models with the same
//! [`ModelMeta`], so the rest of the core does not need to know which of the two it serves.

mod related;
mod spelling;

use std::{
    any::TypeId,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, FixedOffset};
use django_api_orm_nearest::{did_you_mean, nearest};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use related::RelatedField;

use crate::{
    declared_relation::DeclaredRelation,
    error::{Error, Result},
    evaluate::{Fields, Kind},
    filter::Q,
    json_api::JsonApi,
    lookup::Lookup,
    page::Pagination,
    path::Endpoint,
};

/// A plain struct whose fields can be named in a filter: a model, or an object nested in one.
///
/// Implemented by `#[derive(ApiModel)]`; with `#[api(nested)]` the derive implements only this trait.
pub trait Schema: Sized + 'static {
    /// The type's name, as messages show it.
    const NAME: &'static str;

    /// The fields with their names on the wire, in the order of their declaration.
    fn fields() -> Vec<FieldMeta>;

    /// Whether an object of this type has its fields and no others, so that another name in one that is sent is a mistake. A
    /// type that is described by hand takes any name.
    #[must_use]
    fn takes_only_fields() -> bool {
        false
    }
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
    type Key: KeyType;

    /// The description of the model. The same value at every call.
    fn meta() -> &'static Arc<ModelMeta>;
}

/// A type that can be a primary key.
pub trait KeyType: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> KeyType for T {}

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
    type Key: KeyType;
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

/// One field of a model: the names that it has on the wire, and what is known of it.
///
/// Most fields have one name in both directions. Where they differ, filters, orderings and rows have the name that is read,
/// and bodies the name that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMeta {
    read_as: String,
    also_read_as: Vec<String>,
    sent_as: Option<String>,
    read_only: bool,
    write_only: bool,
    kind: Option<Kind>,
    equality: Equality,
    holds: Option<Held>,
    filtered_as: Option<String>,
}

/// When a value is equal to one that is written otherwise, so that it is no change to put it in the other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Equality {
    /// Where both are the same JSON.
    #[default]
    Json,
    /// Where both are one number or moment, in whatever spelling.
    Value,
    /// Where both lists have the same elements, in whatever order.
    Unordered,
    /// Where both are the same text, whatever it looks like.
    Text,
}

/// The objects that a field holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    name: &'static str,
    /// Not the fields themselves: a type may hold others of its own.
    fields: fn() -> Vec<FieldMeta>,
    takes_only_fields: bool,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.takes_only_fields == other.takes_only_fields
    }
}

impl Eq for Held {}

impl FieldMeta {
    /// A writable field with this wire name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            read_as: name.into(),
            also_read_as: Vec::new(),
            sent_as: None,
            read_only: false,
            write_only: false,
            kind: None,
            equality: Equality::Json,
            holds: None,
            filtered_as: None,
        }
    }

    /// A writable field whose values have this Rust type. Of a [`Decimal`], or an `Option` of one, it is then known that
    /// `"12.50"` and `"12.5"` are the same value; of a [`DateTime`] with an offset that the same moment in another zone is; and of a
    /// `String` that it is not.
    #[must_use]
    pub fn typed<T: 'static>(name: impl Into<String>) -> Self {
        let is = |types: [TypeId; 2]| types.contains(&TypeId::of::<T>());
        let decimal = is([TypeId::of::<Decimal>(), TypeId::of::<Option<Decimal>>()]);
        let moment = is([
            TypeId::of::<DateTime<FixedOffset>>(),
            TypeId::of::<Option<DateTime<FixedOffset>>>(),
        ]);
        let text = is([TypeId::of::<String>(), TypeId::of::<Option<String>>()]);
        Self {
            kind: decimal.then_some(Kind::Decimal),
            equality: match (moment, text) {
                (true, _) => Equality::Value,
                (_, true) => Equality::Text,
                _ => Equality::Json,
            },
            ..Self::new(name)
        }
    }

    /// Says that the field is a set: the order of its elements does not count.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.equality = Equality::Unordered;
        self
    }

    /// Says that a value in another spelling is the same one, such as a URL with another host.
    #[must_use]
    pub fn by_value(mut self) -> Self {
        self.equality = Equality::Value;
        self
    }

    /// Says that the field holds objects of this type: one, none, or a list of them.
    #[must_use]
    pub fn holding<N: Schema>(mut self) -> Self {
        self.holds = Some(Held {
            name: N::NAME,
            fields: N::fields,
            takes_only_fields: N::takes_only_fields(),
        });
        self
    }

    /// When a value of the field is equal to another one.
    pub(crate) fn equality(&self) -> Equality {
        match self.kind {
            Some(Kind::Decimal) => Equality::Value,
            _ => self.equality,
        }
    }

    /// Checks the names inside what is sent for the field.
    fn check_inside(&self, model: &str, value: &Value) -> Result<()> {
        let (Some(held), true) = (&self.holds, value.is_object() || value.is_array()) else {
            return Ok(());
        };
        let fields = (held.fields)();
        let objects = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for object in objects.iter().filter_map(Value::as_object) {
            for (name, part) in object {
                match fields.iter().find(|field| field.sent_as() == name) {
                    Some(field) => field.check_inside(model, part)?,
                    None if held.takes_only_fields => {
                        let owner = format!("`{model}`: `{}`", held.name);
                        return Err(no_field(&owner, name, FieldMeta::sent_as, &fields));
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Marks the field as one that the server alone writes: it is never sent.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Sets the name that the field has in bodies, where that is another one than in rows.
    #[must_use]
    pub fn with_sent_as(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.sent_as = (name != self.read_as).then_some(name);
        self
    }

    /// Sets the name of the query parameters that filter by the field, where that is another one than in rows.
    #[must_use]
    pub fn with_filtered_as(mut self, name: impl Into<String>) -> Self {
        self.filtered_as = Some(name.into());
        self
    }

    /// The name of the query parameters that filter by the field, where that is another one than in rows.
    #[must_use]
    pub fn filtered_as(&self) -> Option<&str> {
        self.filtered_as.as_deref()
    }

    /// Adds names that the field may have in a row in place of the first one.
    #[must_use]
    pub fn with_also_read_as<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        self.also_read_as.extend(names.into_iter().map(Into::into));
        self
    }

    /// The name in rows, filters and orderings.
    #[must_use]
    pub fn read_as(&self) -> &str {
        &self.read_as
    }

    /// The name in the bodies of writes.
    #[must_use]
    pub fn sent_as(&self) -> &str {
        self.sent_as.as_deref().unwrap_or(&self.read_as)
    }

    /// Every name that the field may have in rows.
    pub fn read_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.read_as)
            .chain(&self.also_read_as)
            .map(String::as_str)
    }

    /// The name in a row that has these names: of several, the first that it has.
    #[must_use]
    pub fn name_in(&self, has: impl Fn(&str) -> bool) -> &str {
        self.read_names()
            .find(|name| has(name))
            .unwrap_or(&self.read_as)
    }

    /// Marks the field as one that no row shows: it is only sent.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Whether no row shows the field.
    #[must_use]
    pub fn is_write_only(&self) -> bool {
        self.write_only
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
    /// The endpoint's path, once it has been checked.
    parsed: OnceLock<Endpoint>,
    made_at_run_time: bool,
    primary_key: String,
    lookup_field: Option<String>,
    fields: Vec<FieldMeta>,
    pagination: Option<Pagination>,
    idempotency_header: Option<String>,
    expand_parameter: Option<String>,
    rows_beside: Option<String>,
    json_api: Option<JsonApi>,
    repeats_values: bool,
    is_small: bool,
    natural_key: Vec<String>,
    filters: Option<Vec<String>>,
    takes_only_fields: bool,
    /// The names inside objects that are read otherwise than they are sent.
    nested_names: Vec<(String, String)>,
    relations: Arc<[DeclaredRelation]>,
    /// The fields that name related rows, where the relations are not declared here.
    related_fields: Vec<RelatedField>,
}

impl ModelMeta {
    /// A model with the primary key `id` and no declared fields.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            endpoint: endpoint.into(),
            parsed: OnceLock::new(),
            made_at_run_time: false,
            primary_key: "id".to_owned(),
            lookup_field: None,
            fields: Vec::new(),
            pagination: None,
            idempotency_header: None,
            expand_parameter: None,
            rows_beside: None,
            json_api: None,
            repeats_values: false,
            is_small: false,
            natural_key: Vec::new(),
            filters: None,
            takes_only_fields: false,
            nested_names: Vec::new(),
            relations: Arc::default(),
            related_fields: Vec::new(),
        }
    }

    /// Sets the name that the primary key has in rows.
    #[must_use]
    pub fn with_primary_key(mut self, name: impl Into<String>) -> Self {
        self.primary_key = name.into();
        self
    }

    /// Sets the field whose value is in detail URLs (DRF's `lookup_field`), where that is not the primary key.
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

    /// Declares the header in which the endpoint takes an idempotency key: writes then carry one, and are sent again.
    #[must_use]
    pub fn with_idempotency_header(mut self, name: impl Into<String>) -> Self {
        self.idempotency_header = Some(name.into());
        self
    }

    /// Declares the fields, by their names in rows, which together tell a row from all others, and which a new row is sent with: so it is
    /// found where the answer to its creation was lost.
    #[must_use]
    pub fn with_natural_key<S: Into<String>>(
        mut self,
        fields: impl IntoIterator<Item = S>,
    ) -> Self {
        self.natural_key = fields.into_iter().map(Into::into).collect();
        self
    }

    /// The fields that together tell a row from all others, if that is declared.
    #[must_use]
    pub fn natural_key(&self) -> &[String] {
        &self.natural_key
    }

    /// Declares which query parameters the server filters on; every other lookup is then evaluated client-side.
    #[must_use]
    pub fn with_filters<S: Into<String>>(mut self, filters: impl IntoIterator<Item = S>) -> Self {
        self.filters = Some(filters.into_iter().map(Into::into).collect());
        self
    }

    /// Declares the names inside nested objects that rows and bodies call otherwise: read as, sent as.
    #[must_use]
    pub fn with_nested_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = (S, S)>,
    ) -> Self {
        self.nested_names = (names.into_iter())
            .map(|(read_as, sent_as)| (read_as.into(), sent_as.into()))
            .collect();
        self
    }

    /// The name in bodies of what a nested object calls so in rows; `is_sent` tells the names that the object has there.
    pub(crate) fn nested_name<'a>(
        &'a self,
        read_as: &'a str,
        is_sent: impl Fn(&str) -> bool,
    ) -> &'a str {
        self.nested_names
            .iter()
            .find(|(read, sent)| read == read_as && is_sent(sent))
            .map_or(read_as, |(_, sent)| sent)
    }

    /// Declares that the fields are all that can be sent. A model that is described by hand takes any name.
    #[must_use]
    pub fn with_only_fields(mut self) -> Self {
        self.takes_only_fields = true;
        self
    }

    /// The same model behind another collection, such as `/users/3/posts/`.
    #[must_use]
    pub fn at(&self, endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            parsed: OnceLock::new(),
            made_at_run_time: true,
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
    pub fn parsed_endpoint(&self) -> Result<&Endpoint> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(parsed);
        }
        let endpoint = Endpoint::parse(&self.endpoint).map_err(|error| {
            Error::configuration(format!(
                "model `{}`: invalid endpoint {:?}: {error}",
                self.name, self.endpoint
            ))
        })?;
        Ok(self.parsed.get_or_init(|| {
            if self.made_at_run_time {
                endpoint.made_at_run_time()
            } else {
                endpoint
            }
        }))
    }

    /// The name of the primary key in rows.
    #[must_use]
    pub fn primary_key(&self) -> &str {
        &self.primary_key
    }

    /// The name in rows of the field whose value is in detail URLs.
    #[must_use]
    pub fn lookup_field(&self) -> &str {
        self.lookup_field.as_deref().unwrap_or(&self.primary_key)
    }

    /// The declared fields.
    #[must_use]
    pub fn fields(&self) -> &[FieldMeta] {
        &self.fields
    }

    /// The field with this name in bodies.
    #[must_use]
    pub fn sent_field(&self, sent_as: &str) -> Option<&FieldMeta> {
        self.fields.iter().find(|field| field.sent_as() == sent_as)
    }

    /// The field with this name in rows and filters.
    #[must_use]
    pub fn read_field(&self, read_as: &str) -> Option<&FieldMeta> {
        let named = self.fields.iter().find(|field| field.read_as == read_as);
        named.or_else(|| {
            (self.fields.iter()).find(|field| field.read_names().any(|name| name == read_as))
        })
    }

    /// Whether a row may have a field of this name.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.is_shown_by(|known| known == name)
    }

    /// Whether an object may be a row: it has a key or a field of the model, if that declares any.
    #[must_use]
    pub fn may_be_row(&self, has: impl Fn(&str) -> bool) -> bool {
        self.fields.is_empty() || self.is_shown_by(has)
    }

    /// Whether an object has a key or a declared field of the model.
    pub(crate) fn is_shown_by(&self, has: impl Fn(&str) -> bool) -> bool {
        [self.primary_key(), self.lookup_field()]
            .into_iter()
            .any(&has)
            || (self.fields.iter()).any(|field| field.read_names().any(&has))
    }

    /// The name in bodies of what has this name in rows and filters; a name that is not declared is the same in both.
    #[must_use]
    pub fn sent_as<'a>(&'a self, read_as: &'a str) -> &'a str {
        self.read_field(read_as).map_or(read_as, FieldMeta::sent_as)
    }

    /// The field of a path, `address` of `address__city`, as bodies call it; a name that only rows have will do.
    #[must_use]
    pub fn sent_root<'a>(&'a self, path: &'a str) -> &'a str {
        let root = path.split("__").next().unwrap_or(path);
        match self.sent_field(root) {
            Some(_) => root,
            None => self.sent_as(root),
        }
    }

    /// Whether the field with this name in bodies is declared as never sent.
    #[must_use]
    pub fn is_read_only(&self, sent_as: &str) -> bool {
        self.sent_field(sent_as)
            .is_some_and(FieldMeta::is_read_only)
    }

    /// Checks that every name in a body is that of a field, where nothing else can be sent, and those inside its objects:
    /// servers drop what they do not know.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) with the name that was meant.
    pub fn check_names(&self, body: &Map<String, Value>) -> Result<()> {
        for (name, value) in body {
            match self.sent_field(name) {
                Some(field) => field.check_inside(&self.name, value)?,
                None if self.takes_only_fields => {
                    let owner = format!("`{}`", self.name);
                    return Err(no_field(&owner, name, FieldMeta::sent_as, &self.fields));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Checks that every name by which a filter gives a new row a value is that of a field, where nothing else can be sent. The key of
    /// a related row (`owner_id` beside `owner`) and a declared filter are known by other names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) with the name that was meant.
    pub fn check_lookups(&self, q: &Q) -> Result<()> {
        let is_field = |name: &str| {
            name == "pk"
                || self.reads(name)
                || self.sent_field(name).is_some()
                || self.relates_to_many(name).is_some()
        };
        let is_known = |lookup: &&Lookup| {
            let name = lookup.root();
            let mut filters = self.filters().into_iter().flatten();
            is_field(name)
                || name.strip_suffix("_id").is_some_and(is_field)
                || filters.any(|filter| *filter == lookup.parameter())
        };
        let lookups = q.equalities().into_iter();
        match lookups
            .filter(|_| self.takes_only_fields)
            .find(|lookup| !is_known(lookup))
        {
            None => Ok(()),
            Some(lookup) => Err(no_field(
                &format!("`{}`", self.name),
                lookup.root(),
                FieldMeta::read_as,
                &self.fields,
            )),
        }
    }

    /// `; did you mean …?`, for a name that is no field, where one is near.
    #[must_use]
    pub fn did_you_mean(&self, name: &str) -> Option<String> {
        let names = || self.fields.iter().map(FieldMeta::read_as);
        if names().any(|known| known == name) {
            return None;
        }
        did_you_mean(name, names())
    }

    /// What is known of the fields, for the evaluation of lookups.
    #[must_use]
    pub fn known_fields(&self) -> Fields {
        self.fields
            .iter()
            .filter_map(|field| Some((field.read_as(), field.kind()?)))
            .fold(Fields::new(&self.primary_key), |fields, (name, kind)| {
                fields.with(name, kind)
            })
    }

    /// The header in which the endpoint takes an idempotency key, if that is declared for the model.
    #[must_use]
    pub fn idempotency_header(&self) -> Option<&str> {
        self.idempotency_header.as_deref()
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

/// The error of a name that is none of the fields, which are known by `name_of`.
fn no_field(
    owner: &str,
    wrong: &str,
    name_of: fn(&FieldMeta) -> &str,
    fields: &[FieldMeta],
) -> Error {
    let known = || fields.iter().map(name_of);
    let is_read = |field: &&FieldMeta| field.read_names().any(|name| name == wrong);
    let meant = match fields.iter().find(is_read) {
        Some(field) => Some(name_of(field)),
        None => nearest(wrong, known()),
    };
    let cure = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "choose from {}; to send it, declare the field, or let the model allow extra names",
            known().collect::<Vec<_>>().join(", ")
        ),
    };
    Error::invalid_request(format!("{owner} has no field `{wrong}`: {cure}"))
}
