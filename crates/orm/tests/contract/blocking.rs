//! The cases with the blocking API: the same files, without `async` and `.await`.

#[allow(clippy::duplicate_mod)] // On purpose: each half compiles the cases with types of its own.
#[path = "cases/mod.rs"]
mod cases;
mod only;
#[allow(clippy::duplicate_mod)]
#[path = "site.rs"]
mod site;

use std::{panic, sync::Arc, thread};

use django_api_orm::{ApiModel, Result, blocking};

use crate::{Case, Outcome, servers::Server};
use site::Site;

/// What the cases see of this half.
mod prelude {
    pub(super) use django_api_orm::blocking::{
        Instance, Manager, QuerySet, ServiceClient, ServiceClientBuilder,
    };
    pub(super) use maybe_async::must_be_sync as case;

    pub(super) use super::{Streamed, close, concurrently, objects, run, site::Site};
}

pub(crate) fn all() -> Vec<Case> {
    let mut all = cases::all();
    all.extend(only::all());
    all
}

fn run(server: Arc<Server>, case: fn(Site) -> Outcome) -> Outcome {
    case(Site::new(server))
}

/// `M::objects()`.
fn objects<M: ApiModel>() -> blocking::Manager<M> {
    <M as blocking::Objects>::objects()
}

fn close(client: &blocking::ServiceClient) -> Result<()> {
    client.close()
}

/// The results of calls that are all under way at the same time.
fn concurrently<T: Send>(calls: i64, call: impl Fn(i64) -> T + Sync) -> Vec<T> {
    let call = &call;
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=calls)
            .map(|number| scope.spawn(move || call(number)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, T>| {
            thread
                .join()
                .unwrap_or_else(|failure| panic::resume_unwind(failure))
        };
        threads.into_iter().map(join).collect()
    })
}

/// `iter()` under the names that the async API has for it.
trait Streamed<M: ApiModel> {
    fn stream(&self) -> Rows<M>;
}

impl<M: ApiModel> Streamed<M> for blocking::QuerySet<M> {
    fn stream(&self) -> Rows<M> {
        Rows(self.iter())
    }
}

struct Rows<M: ApiModel>(blocking::Rows<M>);

impl<M: ApiModel> Rows<M> {
    fn try_next(&mut self) -> Result<Option<blocking::Instance<M>>> {
        self.0.next().transpose()
    }
}
