//! `django_api_orm._engine`: the Rust engine as the Python package sees it.
//!
//! It knows plans, rows as bytes, and operations that are carried out either on the calling thread or for an event loop.
//! It knows no model class and no schema: those are the package's.
#![forbid(unsafe_code)]

mod ask;
mod client;
mod endpoint;
mod failure;
mod hook;
mod lane;
mod login;
mod model;
mod notice;
mod operation;
mod plan;
mod queue;
mod related;
mod row;
mod runtime;
#[cfg(feature = "testserver")]
mod testserver;
mod together;
mod wake;
mod walk;

/// The engine of `django_api_orm`. Private to the package: everything in it may change in any release.
#[pyo3::pymodule(gil_used = false)]
mod _engine {
    use pyo3::pyfunction;

    #[pymodule_export]
    use super::ask::Question;
    #[pymodule_export]
    use super::client::{Client, settings};
    #[pymodule_export]
    use super::endpoint::Endpoint;
    #[cfg(feature = "testserver")]
    #[pymodule_export]
    use super::failure::error_example;
    #[pymodule_export]
    use super::failure::error_kinds;
    #[pymodule_export]
    use super::hook::{HookEvent, Noted};
    #[pymodule_export]
    use super::model::{Model, nested};
    #[pymodule_export]
    use super::operation::Operation;
    #[pymodule_export]
    use super::plan::{Condition, Plan};
    #[pymodule_export]
    use super::queue::Queue;
    #[pymodule_export]
    use super::related::{Relation, chunks_of_keys, related};
    #[cfg(feature = "testserver")]
    #[pymodule_export]
    use super::testserver::Server;
    #[pymodule_export]
    use super::walk::Walk;

    /// Which of the names was meant by a misspelt one, if one is near.
    #[pyfunction]
    fn nearest(name: &str, names: Vec<String>) -> Option<String> {
        django_api_orm_nearest::nearest(name, names.iter().map(String::as_str))
            .map(ToOwned::to_owned)
    }
}
