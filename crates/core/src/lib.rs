//! The core of `django-api-orm`, without I/O: models, fields, filters, plans, dialects, pages, errors and retry verdicts.
//!
//! Rust code names the crate `django-api-orm`, which re-exports what is public here; the Python binding builds the same
//! untyped [`plan::Plan`]. Nothing in this crate opens a connection or needs an async runtime.
#![forbid(unsafe_code)]

pub mod assigned;
mod declared_relation;
mod decoded;
mod denial;
#[doc(hidden)]
pub mod described;
pub mod dialect;
pub mod error;
pub mod evaluate;
pub mod explain;
pub mod field;
pub mod filter;
mod in_order;
pub mod json_api;
mod key;
pub mod knowledge;
pub mod lookup;
pub mod model;
pub mod page;
pub mod paginator;
pub mod path;
pub mod plan;
pub mod policy;
pub mod relation;
pub mod retry;
pub mod reuse;
pub mod row;
pub mod semi_join;
pub mod strategy;
pub mod undeclared;
pub mod unsaved;
pub mod value;
pub mod version;
pub mod written;

pub use declared_relation::DeclaredRelation;
pub use decoded::RowType;
pub use error::{Error, ErrorKind, Result};
pub use explain::{Explain, ExplainRelated};
pub use field::{Back, Dated, Field, Nested, Operand, Ordered, Textual};
pub use filter::{Filter, IntoFilter, Q};
pub use json_api::JsonApi;
pub use key::{Id, IntoKey, Key, KeyForm, Keyed, Slug, Url};
pub use model::{ApiModel, FieldMeta, KeyField, KeyType, ModelMeta, Schema};
pub use page::Pagination;
pub use plan::{Assignment, IntoOrder, IntoOrders, OrderBy};
pub use policy::{NullOrder, OnConflict, OnDrift, OnIgnored, OnNPlusOne, OnUnsaved, Policy};
