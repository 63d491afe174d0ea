//! The engine's warnings on their way to Python: each goes to the operation that caused it, and to no other one that runs
//! on the same client.

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
        WarningKind::Unsaved => "unsaved",
        WarningKind::NPlusOne => "n_plus_one",
        _ => "ignored",
    };
    // Reading ahead gives no warnings: pages are checked in the operation's own task.
    let _ = HEARD.try_with(|heard| {
        heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((kind, warning.to_string()));
    });
}

/// Does the work of an operation; returns its warnings, too.
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
