//! What the queries of a client share beyond connections: how they behave, and what is known of each endpoint.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use django_api_orm_core::{Pagination, Policy, dialect::Dialect, knowledge::Knowledge};

use super::{ServiceClient, ServiceClientBuilder, settings::Settings};
use crate::warning::Warning;

/// Endpoints about which something is kept.
const ENDPOINTS: usize = 1_000;

type Hook = Arc<dyn Fn(&Warning) + Send + Sync>;

/// Set on the builder, shared by every clone of the client.
#[derive(Default)]
pub(super) struct Context {
    policy: Policy,
    dialect: Arc<Dialect>,
    pagination: Option<Pagination>,
    on_warning: Option<Hook>,
    endpoints: Mutex<HashMap<String, Arc<Mutex<Knowledge>>>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// With what the settings say.
    pub(super) fn built(mut self, settings: &Settings) -> Self {
        let policy = &mut self.policy;
        policy.on_ignored = settings.on_ignored;
        policy.on_drift = settings.on_drift;
        policy.on_unsaved = settings.on_unsaved;
        policy.on_n_plus_one = settings.on_n_plus_one;
        policy.max_scan = settings.max_scan;
        policy.page_size = settings.page_size;
        policy.read_ahead = settings.read_ahead;
        policy.nulls = settings.nulls;
        let mut dialect = Arc::unwrap_or_clone(self.dialect);
        if let Some(name) = &settings.ordering_parameter {
            dialect = dialect.with_ordering_parameter(name);
        }
        if let Some(name) = &settings.search_parameter {
            dialect = dialect.with_search_parameter(name);
        }
        self.dialect = Arc::new(dialect);
        self
    }
}

impl ServiceClientBuilder {
    /// Replaces every setting of how queries behave.
    pub fn policy(mut self, policy: Policy) -> Self {
        let settings = &mut self.settings;
        settings.on_ignored = policy.on_ignored;
        settings.on_drift = policy.on_drift;
        settings.on_unsaved = policy.on_unsaved;
        settings.on_n_plus_one = policy.on_n_plus_one;
        settings.max_scan = policy.max_scan;
        settings.page_size = policy.page_size;
        settings.read_ahead = policy.read_ahead;
        settings.nulls = policy.nulls;
        self.context.policy = policy;
        self
    }

    /// How endpoints page whose models do not say. Default: recognised from the first answers.
    pub fn pagination(mut self, pagination: Pagination) -> Self {
        self.context.pagination = Some(pagination);
        self
    }

    /// The server's names for ordering and search. Default: those of Django REST Framework.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.context.dialect = Arc::new(dialect);
        self
    }

    /// Where warnings go. Default: a `tracing` event of the level `WARN`. Called on the task of the query, once for each
    /// endpoint and subject.
    pub fn on_warning(mut self, hook: impl Fn(&Warning) + Send + Sync + 'static) -> Self {
        self.context.on_warning = Some(Arc::new(hook));
        self
    }
}

impl ServiceClient {
    pub(crate) fn policy(&self) -> &Policy {
        &self.shared.context.policy
    }

    pub(crate) fn query_dialect(&self) -> &Arc<Dialect> {
        &self.shared.context.dialect
    }

    pub(crate) fn pagination(&self) -> Option<&Pagination> {
        self.shared.context.pagination.as_ref()
    }

    /// What is known of the endpoint with this path.
    pub(crate) fn knowledge(&self, path: &str) -> Arc<Mutex<Knowledge>> {
        let mut endpoints = self
            .shared
            .context
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if endpoints.len() >= ENDPOINTS && !endpoints.contains_key(path) {
            // Nested routes have an endpoint for each row. What is forgotten is learnt again.
            endpoints.clear();
        }
        Arc::clone(endpoints.entry(path.to_owned()).or_default())
    }

    pub(crate) fn warn(&self, warning: &Warning) {
        match &self.shared.context.on_warning {
            Some(hook) => hook(warning),
            None => tracing::warn!("{warning}"),
        }
    }
}
