//! A Django-style ORM whose database is a REST API.
//!
//! Describe a row as a plain serde struct, derive [`ApiModel`], and query a Django REST Framework API (or, with some
//! configuration, any JSON API) as if it were a table:
//!
//! ```no_run
//! use django_api_orm::prelude::*;
//!
//! #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
//! #[api(endpoint = "/api/v1/users/", related(posts = Post::author))]
//! struct User {
//!     id: Option<i64>,
//!     name: String,
//!     email: String,
//!     #[serde(default)]
//!     active: bool,
//! }
//!
//! #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
//! #[api(endpoint = "/api/v1/posts/")]
//! struct Post {
//!     id: Option<i64>,
//!     title: String,
//!     #[api(relation)]
//!     author: Key<User>,
//! }
//!
//! # async fn example() -> django_api_orm::Result<()> {
//! let client = ServiceClient::builder("https://api.example.com").auth_token("…").build()?;
//! let users = client.objects::<User>();
//!
//! let mut user = users.create(&serde_json::json!({"name": "Ann", "email": "ann@example.com"})).await?;
//! user.email = "ann@example.org".into();
//! user.save().await?;                                                    // PATCH of what changed
//!
//! let active = users.filter(User::F.active.eq(true)).order_by([User::F.name.asc()]).await?;
//! let mut rows = users.exclude(User::F.email.endswith("@example.com")).stream();
//! while let Some(user) = rows.try_next().await? {
//!     println!("{}: {} posts", user.name, user.posts().count().await?);
//! }
//! for post in client.objects::<Post>().all().prefetch_related(Post::F.author).await? {
//!     println!("{} by {}", post.title, post.author().await?.name);        // one request for all the authors together
//! }
//! # Ok(()) }
//! ```
//!
//! # The answer is right, or it is an error
//!
//! A server that does not know a query parameter silently ignores it. Every row that comes back is therefore checked
//! against the filter that was sent; what a query string cannot say (OR, NOT, [`exclude`](Manager::exclude)) is evaluated
//! client-side with Django's semantics; every page is read, whatever the paginator; a write that may have arrived is not sent
//! again; and a row for which the server names a version is saved only as the version that was read. [`OnIgnored`] says what happens when a server ignores something.
//!
//! # Where to start
//!
//! * [`ServiceClient`]: base URL, credentials, timeouts, TLS, retries.
//! * [`Manager`] and [`QuerySet`]: queries; [`Instance`]: a row that can be saved, refreshed and deleted.
//! * [`related`]: rows that point at each other, `post.author()` and `user.posts()`; [`Key`] for the field.
//! * [`Error`]: what can go wrong, with DRF's messages by field.
//! * [`blocking`]: the same without `async`.
#![forbid(unsafe_code)]

pub mod blocking;
mod bulk;
pub mod client;
mod delete_options;
mod instance;
mod manager;
mod picking;
mod query;
mod query_settings;
mod queryset;
mod reconciled;
mod registry;
pub mod related;
mod rows;
mod save_options;
mod trace;
mod values;
mod warning;

pub use bulk::{BulkCreateError, BulkWriteError};
pub use client::{ApiResponse, ServiceClient, ServiceClientBuilder};
pub use django_api_orm_core::{
    ApiModel, Assignment, Back, Dated, DeclaredRelation, Error, ErrorKind, Explain, ExplainRelated,
    Field, FieldMeta, Filter, Id, IntoFilter, IntoKey, IntoOrder, IntoOrders, JsonApi, Key,
    KeyField, KeyForm, KeyType, Keyed, ModelMeta, Nested, NullOrder, OnConflict, OnDrift,
    OnIgnored, OnNPlusOne, OnUnsaved, Operand, OrderBy, Ordered, Pagination, Policy, Q, Result,
    Schema, Slug, Textual, Url, dialect, error, evaluate::Kind, path, row::Row,
};
// For derived code and front doors in other languages.
pub use delete_options::DeleteOptions;
#[doc(hidden)]
pub use django_api_orm_core::{described, lookup, page, plan};
pub use django_api_orm_derive::ApiModel;
pub use instance::{Instance, IntoFieldName};
pub use manager::Manager;
pub use queryset::QuerySet;
pub use reconciled::Reconciled;
pub use registry::{Objects, register};
pub use related::{RelatedKeys, RelatedManager};
pub use rows::Rows;
pub use save_options::SaveOptions;
pub use values::{FieldList, FieldPath};
pub use warning::{Warning, WarningKind};

/// Everything that a module with models and queries needs: `use django_api_orm::prelude::*;`.
pub mod prelude {
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        ApiModel, Error, Filter, Instance, Key, Manager, Objects, QuerySet, Schema, ServiceClient,
        register_models,
    };
}

/// The untyped engine, for front doors whose models are made at run time: plans in, rows as bytes out. What Rust programs
/// need of it is typed and stands above; this may change in any release.
#[doc(hidden)]
pub mod engine {
    pub use django_api_orm_core::{
        assigned::Assigned,
        error::LostWrite,
        knowledge::Knowledge,
        model::RelatedField,
        relation::{Reference, Relation},
        semi_join::check_repeated,
        strategy::chunks_of_keys,
        undeclared::with_undeclared,
        value::wide_integer,
        version::Version,
        written::{self, Held, Kept, Write, Written},
    };

    pub use crate::client::event::{Event, FailureEvent};
    pub use crate::client::hooks::{Hooks, Notes, Told};
    pub use crate::client::settings::{Choice, Setting, SettingKind, SettingValue, settings};
    pub use crate::client::tokens::{Asking, Tokens};
    pub use crate::query::{
        Change, Collection, Join, KeysetWalk, Precaution, Related, Upsert, Walk,
    };
}

/// For the macros of this crate only.
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::Borrow;
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct Testing;
