//! One case's view of a server: a client of its own, so that what it learns and what it costs are the case's alone.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use django_api_orm::{Warning, WarningKind};

use super::prelude::{Manager, ServiceClient, ServiceClientBuilder};
use crate::{
    Outcome,
    models::{Article, Comment, Item, Label, Post, Team, User},
    servers::Server,
};

pub(crate) struct Site {
    server: Arc<Server>,
    client: ServiceClient,
    warnings: Arc<Mutex<Vec<Warning>>>,
    /// Requests of the client that `cost` has told.
    counted: AtomicU64,
}

impl Site {
    pub(super) fn new(server: Arc<Server>) -> Self {
        let warnings = Arc::default();
        let client = builder(&server, &warnings).build().expect("a client");
        Self {
            server,
            client,
            warnings,
            counted: AtomicU64::new(0),
        }
    }

    /// A client with the token `test-token`.
    pub(crate) fn client(&self) -> &ServiceClient {
        &self.client
    }

    /// Another client with the token `test-token`, to be configured.
    pub(crate) fn builder(&self) -> ServiceClientBuilder {
        builder(&self.server, &self.warnings)
    }

    /// A client with the token `test-token` of the server with TLS, to be configured.
    pub(crate) fn tls_builder(&self) -> Result<ServiceClientBuilder, String> {
        let running = self.server.tls()?;
        let ca_file = running
            .ca_file
            .as_ref()
            .ok_or("a server with TLS has a CA file")?;
        Ok(ServiceClient::builder(&running.base_url)
            .auth_token("test-token")
            .ca_file(ca_file))
    }

    /// Whether the server is the real site, which takes long for an answer.
    pub(crate) fn is_django(&self) -> bool {
        self.server.is_django()
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.server.plain().base_url
    }

    pub(crate) fn users(&self) -> Manager<User> {
        self.client.objects()
    }

    pub(crate) fn posts(&self) -> Manager<Post> {
        self.client.objects()
    }

    pub(crate) fn comments(&self) -> Manager<Comment> {
        self.client.objects()
    }

    pub(crate) fn teams(&self) -> Manager<Team> {
        self.client.objects()
    }

    pub(crate) fn articles(&self) -> Manager<Article> {
        self.client.objects()
    }

    pub(crate) fn labels(&self) -> Manager<Label> {
        self.client.objects()
    }

    /// The items behind one of the endpoints of [`ITEMS`](crate::models::ITEMS).
    pub(crate) fn items(&self, endpoint: &str) -> Manager<Item> {
        self.client
            .objects()
            .at(&format!("/api/v1/items/{endpoint}/"))
    }

    /// How many requests there were since the last call of this function.
    pub(crate) fn cost(&self) -> u64 {
        let now = self.client.stats().requests;
        now - self.counted.swap(now, Ordering::SeqCst)
    }

    /// The kinds and subjects of the warnings so far.
    pub(crate) fn warnings(&self) -> Vec<(WarningKind, String)> {
        let warnings = self.warnings.lock().expect("no panic while warning");
        warnings
            .iter()
            .map(|warning| (warning.kind(), warning.subject().to_owned()))
            .collect()
    }

    /// Fails if there was a warning: the server did all that it was asked.
    pub(crate) fn no_warning(&self) -> Outcome {
        match self.warnings().as_slice() {
            [] => Ok(()),
            warnings => Err(format!("warnings: {warnings:?}").into()),
        }
    }
}

fn builder(server: &Server, warnings: &Arc<Mutex<Vec<Warning>>>) -> ServiceClientBuilder {
    let warnings = Arc::clone(warnings);
    ServiceClient::builder(&server.plain().base_url)
        .auth_token("test-token")
        .on_warning(move |warning| {
            warnings
                .lock()
                .expect("no panic while warning")
                .push(warning.clone());
        })
}
