//! Servers written for one test: a function from the query parameters to an answer.

use django_api_orm_testserver::{Call, Reply, View};
use http::Method;
use serde_json::{Value, json};

use crate::site::{ROWS, Site};

/// A server whose collection is answered by `answer`.
pub(crate) async fn server(answer: impl Fn(&Call<'_>) -> Reply + Send + Sync + 'static) -> Site {
    Site::scripted(View::new("/api/v1/rows/", [Method::GET], move |call| Ok(answer(call))).public())
        .await
}

/// The rows from `start` to before `stop`.
pub(crate) fn rows(start: u64, stop: u64) -> Vec<Value> {
    (start..stop.min(ROWS.unsigned_abs()))
        .map(|index| json!({"id": index + 1, "kind": "row"}))
        .collect()
}

/// A number among the parameters.
pub(crate) fn number(call: &Call<'_>, name: &str) -> Option<u64> {
    call.parameter(name)?.parse().ok()
}
