//! What the queries of a client share beyond connections: how they behave, and what is known of each endpoint.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use django_api_orm_core::{
    NullOrder, OnDrift, OnIgnored, Pagination, Policy, dialect::Dialect, knowledge::Knowledge,
};

use super::{ServiceClient, ServiceClientBuilder};
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

impl ServiceClientBuilder {
    /// Replaces every setting of how queries behave.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.context.policy = policy;
        self
    }

    /// What happens when the server ignores a filter, an ordering, a limit or an offset. Default: the query is finished
    /// here, with a warning.
    pub fn on_ignored(mut self, on_ignored: OnIgnored) -> Self {
        self.context.policy.on_ignored = on_ignored;
        self
    }

    /// What happens when the data moves during a walk over pages. Default: a warning.
    pub fn on_drift(mut self, on_drift: OnDrift) -> Self {
        self.context.policy.on_drift = on_drift;
        self
    }

    /// The most rows that one query reads when it has to evaluate something here. Default 100,000.
    pub fn max_scan(mut self, rows: u64) -> Self {
        self.context.policy.max_scan = rows;
        self
    }

    /// Rows asked for in a page, where the paginator allows it. Default: the server's own.
    pub fn page_size(mut self, rows: u64) -> Self {
        self.context.policy.page_size = Some(rows.max(1));
        self
    }

    /// Pages read ahead at the same time, where the server counts its rows; 1 reads one page after the other. Default 4.
    /// So many pages are held in memory at most.
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.context.policy.read_ahead = pages.max(1);
        self
    }

    /// How endpoints page whose models do not say. Default: recognised from the first answers.
    pub fn pagination(mut self, pagination: Pagination) -> Self {
        self.context.pagination = Some(pagination);
        self
    }

    /// Where nulls stand when rows are sorted here. Default: before every value.
    pub fn nulls(mut self, nulls: NullOrder) -> Self {
        self.context.policy.nulls = nulls;
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
