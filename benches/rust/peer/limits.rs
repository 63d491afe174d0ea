//! What this crate does, held against itself done in a simpler way: at the same time or one after the other, with or without an
//! order, of many rows or few. Each ratio is printed beside the one that it should stay below.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use django_api_orm::{Manager, prelude::*};

use crate::{Result, case::User, cpu};

const ROUNDS: usize = 5;
/// What a stream may add to the memory of the process, in KiB.
const GROWTH: u64 = 12 * 1024;

pub(crate) async fn measure(base_url: &str) -> Result<()> {
    let client = ServiceClient::builder(base_url)
        .max_scan(10_000_000)
        .build()?;
    let users = client.objects::<User>();
    // The first one, while nothing else has taken memory.
    stream(&users.at("/api/v1/stream/")).await?;
    local_order(&users.at("/api/v1/events/")).await?;
    in_bulk(&users.at("/d20/api/v1/users/")).await?;
    read_ahead(&users.at("/d50/api/v1/events/")).await
}

/// The first 10 of 100,000 rows that the server does not sort, beside a count of those that it does not filter.
async fn local_order(events: &Manager<User>) -> Result<()> {
    let first = events.order_by([User::F.score.desc()]).limit(10);
    let counted = events.exclude(User::F.active.eq(true));
    let (mut orders, mut counts) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        let before = cpu()?;
        black_box(first.fetch().await?);
        let between = cpu()?;
        black_box(counted.count().await?);
        orders.push(between - before);
        counts.push(cpu()? - between);
    }
    say(
        "the first 10 of 100,000 rows in an order of the client / a count with a filter of the client (CPU)",
        median(orders) / median(counts),
        2.5,
    );
    Ok(())
}

async fn in_bulk(users: &Manager<User>) -> Result<()> {
    let alone = took(async || Ok(users.concurrency(1).in_bulk(1..=5_000_i64).await?.len())).await?;
    let together = took(async || Ok(users.in_bulk(1..=5_000_i64).await?.len())).await?;
    say(
        "in_bulk of 5,000 keys, 20 ms an answer / one request after the other",
        together / alone,
        0.2,
    );
    Ok(())
}

async fn read_ahead(events: &Manager<User>) -> Result<()> {
    let rows = |events: Manager<User>| async move { Ok(events.all().await?.len()) };
    let alone = took(async || rows(events.read_ahead(1)).await).await?;
    let ahead = took(async || rows(events.clone()).await).await?;
    let far = took(async || rows(events.read_ahead(16)).await).await?;
    let words = "100 pages, 50 ms an answer / one after the other";
    say(words, ahead / alone, 0.3);
    say(&format!("{words}, 16 at once"), far / alone, 0.085);
    Ok(())
}

/// What the memory of the process grows by, from the first 10,000 rows of a stream to its last one.
async fn stream(rows: &Manager<User>) -> Result<()> {
    let mut stream = rows.all().stream();
    let (mut came, mut before) = (0_u64, 0);
    while let Some(row) = stream.try_next().await? {
        black_box(row);
        came += 1;
        if came == 10_000 {
            before = resident()?;
        }
    }
    let growth = resident()?.saturating_sub(before);
    println!("{came} rows streamed: {growth} KiB more than after 10,000 (at most {GROWTH})");
    Ok(())
}

/// The seconds that it takes, once everything is known of the endpoint.
async fn took(work: impl AsyncFn() -> Result<usize>) -> Result<f64> {
    black_box(work().await?);
    let started = Instant::now();
    black_box(work().await?);
    Ok(started
        .elapsed()
        .max(Duration::from_micros(1))
        .as_secs_f64())
}

fn say(what: &str, ratio: f64, most: f64) {
    println!("{what}: {ratio:.3} (at most {most})");
}

fn median(mut values: Vec<f64>) -> f64 {
    // The first one has warmed up.
    values.remove(0);
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The most memory that this process has had, in KiB.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.unwrap_or_default().trim().parse()?)
}
