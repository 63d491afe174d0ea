//! The cases with the async API. Each runs as a spawned task, which only a `Send` future can be.

#[path = "cases/mod.rs"]
mod cases;
mod only;
#[path = "site.rs"]
mod site;

use std::{
    future::Future,
    panic,
    sync::{Arc, LazyLock},
};

use django_api_orm::{ApiModel, Manager, Objects, Result, ServiceClient};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use crate::{Case, Outcome, servers::Server};
use site::Site;

/// What the cases see of this half.
mod prelude {
    pub(super) use django_api_orm::{
        Instance, Manager, QuerySet, ServiceClient, ServiceClientBuilder,
    };
    pub(super) use maybe_async::must_be_async as case;

    pub(super) use super::{close, concurrently, objects, run, site::Site};
}

pub(crate) fn all() -> Vec<Case> {
    let mut all = cases::all();
    all.extend(only::all());
    all
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn run<F>(server: Arc<Server>, case: impl FnOnce(Site) -> F) -> Outcome
where
    F: Future<Output = Outcome> + Send + 'static,
{
    match RUNTIME.block_on(RUNTIME.spawn(case(Site::new(server)))) {
        Ok(outcome) => outcome,
        Err(failure) => panic::resume_unwind(failure.into_panic()),
    }
}

/// `M::objects()`.
fn objects<M: ApiModel>() -> Manager<M> {
    M::objects()
}

/// Closing fails inside a runtime, where the blocking API is in question.
async fn close(client: &ServiceClient) -> Result<()> {
    client.close().await;
    Ok(())
}

/// The results of calls that are all under way at the same time.
async fn concurrently<T, F: Future<Output = T>>(calls: i64, call: impl Fn(i64) -> F) -> Vec<T> {
    join_all((1..=calls).map(call)).await
}
