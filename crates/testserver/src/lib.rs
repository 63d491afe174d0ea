//! A server that answers as [Django REST Framework](https://www.django-rest-framework.org) does,
//! for tests, benches and quickstarts.
//!
//! It has DRF's paginators with their quirks, django-filter's lookups, `OrderingFilter` and
//! `SearchFilter`, token authentication, serializer validation with DRF's messages, throttling,
//! TLS and HTTP/2. Rows are in SQLite, in memory, and filtering and ordering are SQL. A test in
//! this crate replays requests against it and against a real Django site and compares the answers.
//!
//! ```
//! use django_api_orm_testserver::{Resource, TestServer};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), django_api_orm_testserver::Error> {
//! let books = json!([{"title": "Emma", "pages": 474}, {"title": "Persuasion", "pages": 249}]);
//! let server = TestServer::builder()
//!     .resource(Resource::from_json("books", books))
//!     .token("secret")
//!     .start_blocking()?;
//! // GET {base_url}/api/v1/books/?pages__gt=300 now answers one book.
//! # assert!(server.requests().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! [`TestServer::reference`] has a ready data set. [`Quirk`] makes a resource misbehave as real
//! servers do, and [`Fault`] breaks single requests.

#![forbid(unsafe_code)]

mod action;
mod bodies;
mod builder;
mod call;
mod codec;
mod convert;
mod cursor;
mod email;
mod envelope;
mod error;
mod faults;
mod field;
mod filters;
mod forms;

mod infer;
mod keys;
mod lookup;
mod metadata;
mod moment;
mod pagination;
mod paginator;
mod products;
mod python;
mod python_json;
mod query;
mod quirks;
mod record;
mod reference;
mod reply;
mod request;
mod resource;
mod routes;
mod search;
mod serve;
mod server;
mod shape;
mod site;
mod store;
mod table;
mod tags;
mod throttle;
mod tls;
mod validation;
mod views;
mod wire;

pub use action::{Action, View};
pub use builder::TestServerBuilder;
pub use call::Call;
pub use envelope::Envelope;
pub use error::{Error, Result};
pub use faults::{Fault, Gate};
pub use field::{Field, OnDelete};
pub use paginator::Paginator;
pub use quirks::{Form, Quirk, Tags, Unknown, WriteAnswer};
pub use record::RecordedRequest;
pub use reply::{Answer, Reply};
pub use resource::Resource;
pub use server::TestServer;
pub use shape::Shape;
