//! Warnings of the engine on their way to Python: each goes to the operation that it arose in, and to no other one that is
//! under way on the same client.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use django_api_orm::{Warning, WarningKind};

/// A warning's kind and its text.
pub(crate) type Notice = (&'static str, String);

tokio::task_local! {
    static HEARD: Mutex<Vec<Notice>>;
}

/// What a client does with a warning.
pub(crate) fn hear(warning: &Warning) {
    let kind = match warning.kind() {
        WarningKind::Drift => "drift",
        _ => "ignored",
    };
    // Pages that are read ahead warn of nothing: what has come is looked at in the operation's own task.
    let _ = HEARD.try_with(|heard| {
        heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((kind, warning.to_string()));
    });
}

/// Carries the work of an operation out; gives its warnings along.
pub(crate) async fn listening<T>(work: impl Future<Output = T>) -> (T, Vec<Notice>) {
    HEARD
        .scope(Mutex::default(), async {
            let output = work.await;
            let notices = HEARD.with(|heard| {
                std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner))
            });
            (output, notices)
        })
        .await
}
