//! Decoding a page without a network: this crate's way (slice the page into rows, look at each key, decode row by row, keep the
//! server's bytes) beside decoding the whole envelope in one go. Prints the ratio of medians of interleaved runs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use django_api_orm::{Row, page::Page};
use serde::Deserialize;
use serde_json::json;

const ROWS: usize = 500;
const RUNS: usize = 301;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only its decoding is measured")]
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
    results: Vec<Book>,
}

fn row_by_row(body: &Bytes) -> Result<Vec<(Book, Row)>, Box<dyn std::error::Error>> {
    let page = Page::parse(body, &http::HeaderMap::new())?;
    let mut books = Vec::with_capacity(page.rows().len());
    for row in page.rows() {
        black_box(row.key("id"));
        books.push((row.decode("Book")?, row.clone()));
    }
    Ok(books)
}

fn in_one_go(body: &Bytes) -> Result<Vec<Book>, serde_json::Error> {
    Ok(serde_json::from_slice::<Envelope>(body)?.results)
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: Vec<_> = (1..=ROWS)
        .map(|id| {
            json!({"id": id, "title": format!("Title {id}"), "author": format!("Author {}", id % 97), "pages": id % 900,
                   "in_print": id % 3 == 0, "summary": "A few words about what is in the book. ".repeat(4)})
        })
        .collect();
    let body = Bytes::from(serde_json::to_vec(
        &json!({"count": ROWS, "next": null, "previous": null, "results": rows}),
    )?);
    assert_eq!(row_by_row(&body)?.len(), in_one_go(&body)?.len());
    let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (0..RUNS)
        .map(|_| {
            (
                timed(|| row_by_row(&body).is_ok()),
                timed(|| in_one_go(&body).is_ok()),
            )
        })
        .unzip();
    ours.sort_unstable();
    theirs.sort_unstable();
    let median = |times: &[Duration]| times.get(RUNS / 2).copied().unwrap_or_default();
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!("a page of {ROWS} rows, {} bytes, {RUNS} runs:", body.len());
    println!(
        "row by row {ours:?}, in one go {theirs:?}, ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    Ok(())
}
