//! Which client a model was registered with, so that `User::objects()` needs no client at hand.

use std::{
    any::TypeId,
    collections::HashMap,
    future::Future,
    sync::{LazyLock, PoisonError, RwLock},
};

use django_api_orm_core::ApiModel;

use crate::{client::ServiceClient, manager::Manager};

static CLIENTS: LazyLock<RwLock<HashMap<TypeId, ServiceClient>>> = LazyLock::new(RwLock::default);

tokio::task_local! {
    static SCOPED: ServiceClient;
}

/// Registers a model with a client for the whole process. [`register_models!`](crate::register_models) calls it.
pub fn register<M: ApiModel>(client: &ServiceClient) {
    CLIENTS
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(TypeId::of::<M>(), client.clone());
}

pub(crate) fn client_of<M: ApiModel>() -> Option<ServiceClient> {
    SCOPED.try_with(Clone::clone).ok().or_else(|| {
        CLIENTS
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&TypeId::of::<M>())
            .cloned()
    })
}

impl ServiceClient {
    /// The manager of a model on this client: the way without any registration.
    #[must_use]
    pub fn objects<M: ApiModel>(&self) -> Manager<M> {
        Manager::new(self)
    }

    /// Runs a future in which `User::objects()` of every model means this client, whatever is registered.
    ///
    /// For a server that answers each request with its caller's own credentials: nothing that one request does can reach
    /// another. Tasks spawned inside do not inherit it.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        SCOPED.scope(self.clone(), future).await
    }
}

/// Gives a model its `objects()`. Implemented for every model.
pub trait Objects: ApiModel {
    /// The manager on the client of the surrounding [`scope`](ServiceClient::scope), else on the client that the model
    /// was registered with. Without either, every request of the manager is an error that says what to do.
    #[must_use]
    fn objects() -> Manager<Self>
    where
        Self: Sized,
    {
        client_of::<Self>().map_or_else(Manager::unregistered, |client| Manager::new(&client))
    }
}

impl<M: ApiModel> Objects for M {}

/// Registers models with a client for the whole process, so that `User::objects()` works: `register_models!(client, User,
/// Post)`. The client may be a value or a reference; a later registration replaces an earlier one.
#[macro_export]
macro_rules! register_models {
    ($client:expr, $($model:ty),+ $(,)?) => {
        // A `match` keeps a client alive that is a temporary value.
        match $crate::__private::Borrow::<$crate::ServiceClient>::borrow(&$client) {
            client => {
                $($crate::register::<$model>(client);)+
            }
        }
    };
}
