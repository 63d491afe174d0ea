//! The same API without `async`, for programs that have no runtime.
//!
//! Every type here wraps its asynchronous namesake; the work is done on one runtime of the crate's own, shared by all
//! blocking clients of the process. Inside an async runtime a blocking call would stall it, so there every call is an error
//! of the kind [`Runtime`](crate::ErrorKind::Runtime), never a panic.
//!
//! ```no_run
//! use django_api_orm::blocking::prelude::*;
//!
//! #[derive(Serialize, Deserialize, ApiModel)]
//! #[api(endpoint = "/api/v1/users/")]
//! struct User {
//!     id: Option<i64>,
//!     name: String,
//! }
//!
//! # fn main() -> django_api_orm::Result<()> {
//! let client = ServiceClient::builder("https://api.example.com").auth_token("…").build()?;
//! let users = client.objects::<User>();
//! let mut user = users.get(User::F.id.eq(1))?;
//! user.name = "Ann".into();
//! user.save()?;
//! for user in users.filter(User::F.name.startswith("A")).iter() {
//!     println!("{}", user?.name);
//! }
//! # Ok(()) }
//! ```

mod client;
mod forward;
mod instance;
mod manager;
mod picking;
mod query_settings;
mod queryset;
mod related;
mod runtime;

pub use client::{ServiceClient, ServiceClientBuilder};
pub use instance::Instance;
pub use manager::{Manager, Objects};
pub use queryset::{QuerySet, Rows};
pub use related::{Related, RelatedKeys, RelatedManager};

/// Everything that a module with models and blocking queries needs.
pub mod prelude {
    pub use serde::{Deserialize, Serialize};

    pub use super::{Instance, Manager, Objects, QuerySet, ServiceClient};
    pub use crate::{ApiModel, Error, Filter, Key, Schema, register_models};
}
