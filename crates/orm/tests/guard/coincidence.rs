//! What happens between two requests is no evidence: rows that are added while probes compare answers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use django_api_orm::{ErrorKind, prelude::*};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::Method;
use serde_json::{Value, json};

use super::site::served;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/events/")]
struct Event {
    id: Option<i64>,
    kind: String,
}

/// Which rows a new one stands before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Newest {
    First,
    Last,
}

/// A server that knows no filter. After the requests with these numbers, counted from one, a row is added; the oldest one alone is
/// of the kind `a`.
async fn growing(
    counts: bool,
    newest: Newest,
    grows: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> (TestServer, ServiceClient) {
    let (requests, rows) = (AtomicU64::new(0), Arc::new(AtomicU64::new(5)));
    let view = View::new("/api/v1/events/", [Method::GET], move |call| {
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let there = rows.fetch_add(u64::from(grows(number)), Ordering::Relaxed);
        let size = call.parameter("limit").and_then(|limit| limit.parse().ok());
        let event = |id: u64| json!({"id": id, "kind": if id == 1 { "a" } else { "b" }});
        let mut ids: Vec<u64> = (1..=there).collect();
        if newest == Newest::First {
            ids.reverse();
        }
        let shown: Vec<Value> = ids
            .into_iter()
            .take(size.unwrap_or(100))
            .map(event)
            .collect();
        let mut body = json!({"next": null, "previous": null, "results": shown});
        if counts {
            body["count"] = json!(there);
        }
        Ok(Reply::ok(&body))
    });
    served(view).await
}

#[tokio::test]
async fn a_row_that_is_added_between_two_requests_does_not_prove_a_filter() {
    for grows in [
        (|number| number == 1) as fn(u64) -> bool,
        |number| number == 2,
        |number| number <= 2,
        |_| true,
    ] {
        let (_server, client) = growing(true, Newest::Last, grows).await;
        let events = client.objects::<Event>();
        let kind_a = events.filter(Event::F.kind.eq("a"));
        assert_eq!(kind_a.count().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn nor_does_it_prove_one_that_no_row_shows() {
    for counts in [true, false] {
        for grows in [
            (|number| number == 2) as fn(u64) -> bool,
            |number| number <= 3,
            |_| true,
        ] {
            let (_server, client) = growing(counts, Newest::First, grows).await;
            let events = client.objects::<Event>();
            for value in [json!("ann"), json!(true)] {
                let unseen = events.filter(Filter::lookup("author__name", value));
                let error = unseen.fetch().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            }
        }
    }
}
