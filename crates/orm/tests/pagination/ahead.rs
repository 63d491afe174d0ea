//! Reading ahead: so many requests at once and no more, rows in order, and an end when the stream is dropped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use django_api_orm::{Pagination, client::Credential, prelude::*};
use django_api_orm_testserver::{Gate, Quirk, Reply};
use http::StatusCode;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    scripted::{number, rows, server},
    site::{Row, Site, all, cursor, ids, limit_offset, page_number},
};

/// Holds the next requests, each at a gate of its own.
fn hold(site: &Site, requests: usize) -> Vec<Gate> {
    (0..requests).map(|_| site.server.hold_next()).collect()
}

async fn arrived(gates: &[Gate]) {
    for gate in gates {
        gate.arrived().await;
    }
}

#[tokio::test]
async fn four_pages_are_fetched_at_once_and_come_in_order() {
    for paginator in [limit_offset(), page_number()] {
        let site = Site::new(paginator, []).await;
        let mut stream = site.rows().all().stream();
        let mut read = vec![stream.try_next().await.unwrap().unwrap().id.unwrap()];
        // 7 pages: the first one is there, then four at a time, each as far as the one before has come.
        assert!(site.server.requests().len() <= 5);
        while let Some(row) = stream.try_next().await.unwrap() {
            read.push(row.id.unwrap());
        }
        assert_eq!(read, all());
        assert_eq!(site.requests(), 7);
    }
}

#[tokio::test]
async fn never_more_than_asked_for_are_under_way() {
    for (ahead, paginator) in [
        (2, limit_offset()),
        (4, page_number()),
        (4, limit_offset()),
        (6, page_number()),
    ] {
        let site = Site::new(paginator, []).await;
        // Known from the start, so that all that follows is held.
        let gates = hold(&site, 7);
        let query = site.rows().all().read_ahead(ahead);
        let walk = tokio::spawn(ids(query));
        gates[0].arrived().await;
        gates[0].open();
        arrived(&gates[1..=ahead]).await;
        assert_eq!(
            site.server.requests().len(),
            1 + ahead,
            "one page more could be under way, and is not"
        );
        // The last one first: it waits for its turn, and nothing takes its place.
        for gate in gates[2..=ahead].iter().rev() {
            gate.open();
        }
        assert_eq!(site.server.requests().len(), 1 + ahead);
        gates[1].open();
        gates[ahead + 1..].iter().for_each(Gate::open);
        assert_eq!(walk.await.unwrap().unwrap(), all());
        assert_eq!(site.requests(), 7);
    }
}

#[tokio::test]
async fn a_cursor_reads_one_page_ahead() {
    for paginated in [
        Site::new(cursor(), []).await,
        Site::new(limit_offset(), [Quirk::NoCount]).await,
    ] {
        let site = paginated;
        let gates = hold(&site, 3);
        gates[0].open();
        gates[1].open();
        let mut stream = site.rows().all().stream();
        stream.try_next().await.unwrap().unwrap();
        // The second page comes while the first one is in use; the third is not known before.
        arrived(&gates[..2]).await;
        for _ in 1..20 {
            stream.try_next().await.unwrap().unwrap();
        }
        assert_eq!(site.server.requests().len(), 2);
        stream.try_next().await.unwrap().unwrap();
        arrived(&gates[2..]).await;
        assert_eq!(site.server.requests().len(), 3);
        gates[2].open();
        while stream.try_next().await.unwrap().is_some() {}
        assert_eq!(site.requests(), 7);
    }
}

#[tokio::test]
async fn one_by_one_reads_nothing_ahead() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator, []).await;
        let mut stream = site.rows().all().read_ahead(1).stream();
        for read in 1..=130_usize {
            stream.try_next().await.unwrap().unwrap();
            assert_eq!(site.server.requests().len(), read.div_ceil(20));
        }
        assert!(stream.try_next().await.unwrap().is_none());
        assert_eq!(site.requests(), 7);
    }
}

#[tokio::test]
async fn a_dropped_stream_sends_nothing_more() {
    let site = Site::new(limit_offset(), []).await;
    let gates = hold(&site, 5);
    gates[0].open();
    let mut stream = site.rows().all().stream();
    stream.try_next().await.unwrap().unwrap();
    arrived(&gates).await;
    // Each is counted when it is sent, not when it is over.
    assert_eq!(site.client.stats().requests, 5);
    drop(stream);
    assert_eq!(site.client.stats().requests, 5);
    gates.iter().for_each(Gate::open);
    // Whatever else was to be sent would have been sent before this one.
    assert_eq!(site.rows().first().await.unwrap().unwrap().id, Some(1));
    assert_eq!(site.server.requests().len(), 6);
    assert_eq!(site.client.stats().requests, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_ahead_is_not_counted_in_the_next_call() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator, []).await;
        let other = django_api_orm::ServiceClient::builder(site.server.base_url())
            .build()
            .unwrap();
        for _ in 0..30 {
            let mut stream = site.rows().all().stream();
            stream.try_next().await.unwrap().unwrap();
            drop(stream);
            let stats = site.client.stats();
            // Time for what is still under way, on a connection of its own.
            other.objects::<Row>().all().limit(1).await.unwrap();
            let later = site.client.stats();
            assert_eq!(
                (later.requests, later.retries, later.bytes_received),
                (stats.requests, stats.retries, stats.bytes_received)
            );
        }
    }
}

#[tokio::test]
async fn a_dropped_stream_takes_back_what_was_not_sent_yet() {
    let site = Site::new(limit_offset(), []).await;
    let client = django_api_orm::ServiceClient::builder(site.server.base_url())
        .max_connections(1)
        .build()
        .unwrap();
    let rows = client.objects::<Row>();
    let gates = hold(&site, 2);
    gates[0].open();
    let mut stream = rows.all().stream();
    stream.try_next().await.unwrap().unwrap();
    // One request is at the server, three wait for its connection.
    arrived(&gates).await;
    drop(stream);
    assert_eq!(client.stats().requests, 2);
    gates[1].open();
    rows.first().await.unwrap();
    rows.first().await.unwrap();
    assert_eq!(site.requests(), 4);
    assert_eq!(client.stats().requests, 4);
}

#[tokio::test]
async fn an_error_comes_after_the_rows_before_it() {
    for paginator in [limit_offset(), page_number()] {
        let site = Site::new(paginator, []).await;
        // Pages 2 to 5 are under way when page 4 fails, first of all.
        let mut stream = site.rows().all().stream();
        let first = hold(&site, 3);
        first[0].open();
        site.server
            .fail_next(StatusCode::BAD_REQUEST, &[], r#"{"detail": "no"}"#);
        let mut read = vec![stream.try_next().await.unwrap().unwrap().id.unwrap()];
        arrived(&first).await;
        first.iter().skip(1).for_each(Gate::open);
        let error = loop {
            match stream.try_next().await {
                Ok(row) => read.push(row.unwrap().id.unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
        assert!(
            read.len() % 20 == 0 && (20..=80).contains(&read.len()),
            "{}",
            read.len()
        );
        assert_eq!(read, all()[..read.len()]);
        assert!(stream.try_next().await.unwrap().is_none(), "it is over");
    }
}

#[tokio::test]
async fn a_slice_is_read_ahead_no_further_than_its_end() {
    let site = Site::new(page_number(), []).await;
    assert_eq!(
        ids(site.rows().all().range(15..75)).await.unwrap(),
        all()[15..75]
    );
    assert_eq!(site.requests(), 4);
    let site = Site::new(limit_offset(), []).await;
    assert_eq!(
        ids(site.rows().all().page_size(10).range(15..75))
            .await
            .unwrap(),
        all()[15..75]
    );
    let mut offsets: Vec<_> = site
        .server
        .requests()
        .iter()
        .map(|request| request.parameter("offset").unwrap())
        .collect();
    offsets.sort();
    assert_eq!(offsets, ["15", "25", "35", "45", "55", "65"]);
}

#[tokio::test]
async fn pages_of_other_sizes_than_thought_are_read_in_order() {
    // Every third page has five rows less than the others, and its link says so.
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        let len = if offset % 3 == 2 { 15 } else { 20 };
        let next = (offset + len < 130).then(|| format!("?limit=20&offset={}", offset + len));
        Reply::ok(&json!({"count": 130, "next": next, "previous": null, "results": rows(offset, offset + len)}))
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(site.warnings(), []);

    let requests = site.requests();
    assert!(
        requests <= 9 + 3,
        "sequential from the point of doubt: {requests}"
    );

    // The same by page number.
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let start = (page - 1) * 20 - (page - 1) / 2 * 5;
        let len = if page.is_multiple_of(2) { 15 } else { 20 };
        let next = (start + len < 130).then(|| format!("?page={}", page + 1));
        Reply::ok(&json!({"count": 130, "next": next, "results": rows(start, start + len)}))
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    for range in [15..25, 40..60, 90..95] {
        assert_eq!(
            ids(site.rows().all().range(range.clone())).await.unwrap(),
            all()[range.start as usize..range.end as usize]
        );
    }
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn a_filter_that_turns_out_to_be_ignored_ends_the_reading_ahead_of_a_slice() {
    let site = Site::new(limit_offset(), [Quirk::ignore_parameters(["kind"])]).await;
    let fizz = site.rows().filter(Row::F.kind.eq("fizz"));
    let expected: Vec<i64> = all().into_iter().filter(|id| id % 3 == 0).collect();
    assert_eq!(ids(fizz.limit(10)).await.unwrap(), expected[..10]);
    assert_eq!(ids(fizz.range(5..30)).await.unwrap(), expected[5..30]);
    assert_eq!(ids(fizz.clone()).await.unwrap(), expected);
    assert!(site.requests() < 20);
}

#[tokio::test]
async fn memory_holds_no_more_pages_than_are_read_ahead() {
    // With every page at hand, the server sees no request for the next ones before the caller takes a row.
    let site = Site::new(limit_offset(), []).await;
    let mut stream = site
        .declared(Pagination::limit_offset().with_page_size(5))
        .all()
        .stream();
    for read in 1..=130_usize {
        stream.try_next().await.unwrap().unwrap();
        let page = read.div_ceil(5);
        assert!(site.server.requests().len() <= page + 4, "{read}");
    }
}

/// Says when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// As with a provider of another language, which runs only while somebody waits for rows.
#[tokio::test]
async fn a_page_that_was_never_asked_for_in_its_time_is_asked_for_when_it_is_needed() {
    let site = Site::new(cursor(), []).await;
    let (asked, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let client = ServiceClient::builder(site.server.base_url())
        .timeout(Duration::from_secs(3))
        .token_provider({
            let (asked, over) = (Arc::clone(&asked), Arc::clone(&over));
            move || {
                let nobody_attends = asked.fetch_add(1, Ordering::SeqCst) == 1;
                let dropped = Dropped(Arc::clone(&over));
                async move {
                    if nobody_attends {
                        std::future::pending::<()>().await;
                    }
                    std::mem::forget(dropped);
                    Ok(Credential::token("t").expires_in(Duration::ZERO))
                }
            }
        })
        .build()
        .unwrap();
    let rows = client.objects::<Row>().all().read_ahead(2);
    let mut stream = rows.stream();
    let mut read = vec![stream.try_next().await.unwrap().unwrap().id.unwrap()];
    over.notified().await;
    while let Some(row) = stream.try_next().await.unwrap() {
        read.push(row.id.unwrap());
    }
    assert_eq!(read, all());
}
