//! `Key`: which row of another model a row points at, typed by that model.

use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    evaluate::Link,
    field::Nested,
    model::{ApiModel, ModelMeta},
    row::key_text,
    value::to_json,
};

/// The key of a row of the model `M`, as another row holds it: `author: Key<User>`, or an `Option` or a `Vec` of it.
///
/// The form says what stands on the wire, and so what is sent:
///
/// | type | rows show | is sent |
/// | --- | --- | --- |
/// | `Key<User>` | the primary key, or an object with it | the primary key |
/// | `Key<User, Slug>` | the field that the URLs of rows have (`lookup_field`), or an object with it | that field |
/// | `Key<User, Url>` | the URL of the row, or an object with the field that is in it | its URL |
///
/// A form of your own, such as a unique name, is an `impl` of [`KeyForm`]. Where the server shows `author` and takes
/// `author_id`, serde's `rename(serialize = "author_id", deserialize = "author")` says so.
///
/// ```
/// # use django_api_orm_core as django_api_orm;
/// use django_api_orm_core::Key;
/// # use std::sync::{Arc, LazyLock};
/// # use django_api_orm_core::{ApiModel, FieldMeta, ModelMeta, Schema};
/// # #[derive(serde::Serialize, serde::Deserialize)] struct User { id: Option<i64> }
/// # impl Schema for User {
/// #     const NAME: &'static str = "User";
/// #     fn fields() -> Vec<FieldMeta> { vec![FieldMeta::new("id")] }
/// # }
/// # impl ApiModel for User {
/// #     type Key = i64;
/// #     fn meta() -> &'static Arc<ModelMeta> {
/// #         static META: LazyLock<Arc<ModelMeta>> = LazyLock::new(|| Arc::new(ModelMeta::new("User", "/users/")));
/// #         &META
/// #     }
/// # }
/// let author: Key<User> = serde_json::from_str(r#"{"id": 3, "name": "Ann"}"#)?;
/// assert_eq!(author, Key::new(3));
/// assert_eq!(serde_json::to_string(&author)?, "3");
/// assert!(Key::<User>::of(&User { id: None }).unwrap_err().to_string().contains("save it first"));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Key<M, F = Id> {
    value: Value,
    of: PhantomData<fn() -> (M, F)>,
}

/// By primary key: the [form](KeyForm) of a `Key<User>`.
#[derive(Debug, Clone, Copy)]
pub enum Id {}

/// By the field that the URLs of rows have, which DRF calls `lookup_field`: the [form](KeyForm) of a `Key<User, Slug>`.
#[derive(Debug, Clone, Copy)]
pub enum Slug {}

/// By URL, as DRF's hyperlinked serializers have it: the [form](KeyForm) of a `Key<User, Url>`.
#[derive(Debug, Clone, Copy)]
pub enum Url {}

/// How rows name a row of another model.
///
/// DRF's `SlugRelatedField(slug_field="name")` is a form of its own:
/// ```
/// use django_api_orm_core::{KeyForm, ModelMeta};
///
/// enum Name {}
/// impl KeyForm for Name {
///     fn field(_: &ModelMeta) -> &str {
///         "name"
///     }
/// }
/// // team: Key<Team, Name>
/// ```
pub trait KeyForm: 'static {
    /// The field of the other model whose value names a row.
    fn field(model: &ModelMeta) -> &str;

    /// Whether a row is named by its URL, which holds that value.
    const IS_URL: bool = false;

    /// Whether a value can be one of the field.
    #[must_use]
    fn takes<M: ApiModel>(value: &Value) -> bool {
        let _ = value;
        true
    }
}

impl KeyForm for Id {
    fn field(model: &ModelMeta) -> &str {
        model.primary_key()
    }

    fn takes<M: ApiModel>(value: &Value) -> bool {
        M::Key::deserialize(value).is_ok()
    }
}

impl KeyForm for Slug {
    fn field(model: &ModelMeta) -> &str {
        model.lookup_field()
    }
}

impl KeyForm for Url {
    fn field(model: &ModelMeta) -> &str {
        model.lookup_field()
    }

    const IS_URL: bool = true;

    fn takes<M: ApiModel>(value: &Value) -> bool {
        value.as_str().and_then(Link::parse).is_some()
    }
}

/// The URL of a row that is shown as an object; null where that has no key.
fn url_in<M: ApiModel>(fields: &Map<String, Value>) -> Value {
    let model = M::meta();
    let key = fields.get(model.lookup_field()).and_then(key_text);
    let path = key.and_then(|key| model.parsed_endpoint().ok()?.detail(&key).ok());
    path.map_or(Value::Null, |path| path.path().into())
}

/// What a [`Key`] can be made of: a model, or an instance of it.
pub trait Keyed<M: ApiModel> {
    /// The value of a field, by its name in rows.
    ///
    /// # Errors
    /// `InvalidRequest` for a row that has not been saved, or has been deleted.
    fn key_field(&self, field: &str) -> Result<Value>;

    /// The URL of the row.
    ///
    /// # Errors
    /// As [`key_field`](Self::key_field).
    fn url(&self) -> Result<String> {
        let key = key_text(&self.key_field(M::meta().lookup_field())?).unwrap_or_default();
        Ok(M::meta().parsed_endpoint()?.detail(&key)?.path().to_owned())
    }
}

impl<M: ApiModel> Keyed<M> for M {
    fn key_field(&self, field: &str) -> Result<Value> {
        let fields = to_json(self).map_err(|error| {
            Error::invalid_request("the row cannot be written as JSON").with_source(error)
        })?;
        let value = fields.get(M::meta().sent_as(field));
        match value.filter(|value| key_text(value).is_some()) {
            Some(value) => Ok(value.clone()),
            None => Err(unsaved::<M>(field)),
        }
    }
}

impl<M: ApiModel, R: Keyed<M>> Keyed<M> for Arc<R> {
    fn key_field(&self, field: &str) -> Result<Value> {
        (**self).key_field(field)
    }

    fn url(&self) -> Result<String> {
        (**self).url()
    }
}

/// What names a row of the model `M` where others are pointed at it: a [`Key`], a model, or an instance of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no row of `{M}` by its key",
    label = "expected a `Key`, or a reference to an instance",
    note = "`[&tag]` for a row, `[Key::new(3)]` for a primary key"
)]
pub trait IntoKey<M: ApiModel, F: KeyForm = Id> {
    /// Its key.
    ///
    /// # Errors
    /// `InvalidRequest` for a row that has no key yet, or has been deleted.
    fn into_key(self) -> Result<Key<M, F>>;
}

impl<M: ApiModel, F: KeyForm> IntoKey<M, F> for Key<M, F> {
    fn into_key(self) -> Result<Self> {
        Ok(self)
    }
}

impl<M: ApiModel, F: KeyForm> IntoKey<M, F> for &Key<M, F> {
    fn into_key(self) -> Result<Key<M, F>> {
        Ok(self.clone())
    }
}

impl<M: ApiModel, F: KeyForm> IntoKey<M, F> for &M {
    fn into_key(self) -> Result<Key<M, F>> {
        Key::of(self)
    }
}

impl<M: ApiModel, F: KeyForm, R: Keyed<M>> IntoKey<M, F> for &Arc<R> {
    fn into_key(self) -> Result<Key<M, F>> {
        Key::of(self)
    }
}

/// The error of a row that has no key yet, so that no other one can point at it.
fn unsaved<M: ApiModel>(field: &str) -> Error {
    let name = M::NAME;
    Error::invalid_request(format!(
        "this `{name}` has no `{field}`, so no row can point at it: save it first"
    ))
}

impl<M: ApiModel> Key<M> {
    /// The row with this primary key.
    #[must_use]
    pub fn new(primary_key: impl Into<M::Key>) -> Self {
        // A key type that has no JSON form is one that no request can hold; the null is refused where it is used.
        Self::from_value(to_json(&primary_key.into()).unwrap_or_default())
    }

    /// The primary key.
    ///
    /// # Errors
    /// `Decode` for a key type whose JSON form it does not read itself.
    pub fn pk(&self) -> Result<M::Key> {
        M::Key::deserialize(&self.value).map_err(|error| {
            Error::decode(format!("this is no key of `{}`", M::NAME)).with_source(error)
        })
    }
}

impl<M: ApiModel, F: KeyForm> Key<M, F> {
    /// The key of a row, which has been saved. No request.
    ///
    /// # Errors
    /// `InvalidRequest` for a row that has no key yet: save it first; and for one that has been deleted.
    pub fn of<R: Keyed<M>>(row: &R) -> Result<Self> {
        let value = match F::IS_URL {
            true => Value::String(row.url()?),
            false => row.key_field(F::field(M::meta()))?,
        };
        Ok(Self::from_value(value))
    }

    /// What is sent.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    fn from_value(value: Value) -> Self {
        Self {
            value,
            of: PhantomData,
        }
    }
}

impl<M, F> Serialize for Key<M, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, M: ApiModel, F: KeyForm> Deserialize<'de> for Key<M, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let field = F::field(M::meta());
        let shown = Value::deserialize(deserializer)?;
        let value = match shown {
            Value::Object(fields) if F::IS_URL => url_in::<M>(&fields),
            Value::Object(mut fields) => fields.remove(field).unwrap_or_default(),
            shown => shown,
        };
        let value = in_its_type::<M, F>(value);
        if key_text(&value).is_some() && F::takes::<M>(&value) {
            return Ok(Self::from_value(value));
        }
        let name = M::NAME;
        let expected = match F::IS_URL {
            true => format!("the URL of a `{name}`, or an object with its `{field}`"),
            false => format!("the `{field}` of a `{name}`, or an object with it"),
        };
        let cure = match value.as_str().and_then(Link::parse) {
            Some(_) => format!(", not a URL; where rows show URLs, declare a `Key<{name}, Url>`"),
            None => String::new(),
        };
        Err(D::Error::custom(format!("expected {expected}{cure}")))
    }
}

/// A number that is shown as a text, as JSON:API shows every key.
fn in_its_type<M: ApiModel, F: KeyForm>(value: Value) -> Value {
    let number = value.as_str().and_then(|text| {
        let number = text.parse::<i64>().ok();
        number.filter(|number| number.to_string() == text)
    });
    match number.map(Value::from) {
        Some(number) if M::meta().json_api().is_some() && !F::takes::<M>(&value) => number,
        _ => value,
    }
}

impl<M, F> Clone for Key<M, F> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            of: PhantomData,
        }
    }
}

impl<M, F> PartialEq for Key<M, F> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<M, F> Eq for Key<M, F> {}

impl<M, F> Hash for Key<M, F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<M, F> fmt::Debug for Key<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.value).finish()
    }
}

impl<M: ApiModel, F> Nested<M> for Key<M, F> {}
impl<M: ApiModel, F> Nested<M> for Option<Key<M, F>> {}
impl<M: ApiModel, F> Nested<M> for Vec<Key<M, F>> {}
