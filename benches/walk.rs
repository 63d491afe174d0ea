//! Reading every row of a paginated collection: this crate beside a loop written by hand on hyper-util and serde_json.
//!
//! `cargo bench -p django-api-orm-benches` runs both in turn against the same test server and prints the ratio of each pair.
//! Machines differ and are noisy, so only the ratio says something; the server's own work is a part of both sides.

use std::{hint::black_box, time::Instant};

use bytes::Bytes;
use django_api_orm::prelude::*;
use django_api_orm_testserver::{Paginator, Resource, TestServer};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;

const ROWS: usize = 5_000;
const PAIRS: usize = 15;

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/books/")]
struct Book {
    id: Option<i64>,
    title: String,
    author: String,
    pages: i64,
    in_print: bool,
    summary: String,
}

#[derive(Deserialize)]
struct Envelope {
    next: Option<String>,
    results: Vec<Book>,
}

type Plain = Client<HttpConnector, Empty<Bytes>>;

async fn by_hand(client: &Plain, base_url: &str) -> Result<Vec<Book>, Box<dyn std::error::Error>> {
    let mut books = Vec::new();
    let mut next = Some(format!("{base_url}/api/v1/books/"));
    while let Some(url) = next {
        let body = client
            .get(url.parse()?)
            .await?
            .into_body()
            .collect()
            .await?
            .to_bytes();
        let page: Envelope = serde_json::from_slice(&body)?;
        books.extend(page.results);
        next = page.next;
    }
    Ok(books)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: Vec<_> = (1..=ROWS)
        .map(|id| {
            json!({"id": id, "title": format!("Title {id}"), "author": format!("Author {}", id % 97), "pages": id % 900,
                   "in_print": id % 3 == 0, "summary": "A few words about what is in the book. ".repeat(4)})
        })
        .collect();
    let books = Resource::from_json("books", rows)
        .paginator(Paginator::limit_offset().default_limit(500).max_limit(500));
    let server = TestServer::builder().resource(books).start().await?;
    let client = ServiceClient::new(server.base_url())?;
    let plain: Plain = Client::builder(TokioExecutor::new()).build_http();

    let mut ratios = Vec::with_capacity(PAIRS);
    for pair in 0..=PAIRS {
        let start = Instant::now();
        let ours = client.objects::<Book>().all().await?;
        let one_by_one = start.elapsed();
        let start = Instant::now();
        let theirs = by_hand(&plain, server.base_url()).await?;
        let hand_written = start.elapsed();
        assert_eq!((ours.len(), theirs.len()), (ROWS, ROWS));
        black_box((ours, theirs));
        // The first pair warms both up.
        if pair > 0 {
            ratios.push(one_by_one.as_secs_f64() / hand_written.as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    let of = |part: usize| {
        ratios
            .get(part * (PAIRS - 1) / 4)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{ROWS} rows in pages of 500, wall time of django-api-orm / a loop by hand, {PAIRS} pairs:"
    );
    println!(
        "median {:.2}, quartiles {:.2} to {:.2}",
        of(2),
        of(1),
        of(3)
    );
    Ok(())
}
