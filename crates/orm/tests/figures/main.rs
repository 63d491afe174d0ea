//! The figures of `docs/promises.md`: what becomes of many operations while a share of the exchanges breaks, over TCP. `make figures`
//! makes 100,000 of them and prints the table; otherwise there are fewer. Counts are promised, not times.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod server;

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use django_api_orm::client::{Error, ServiceClientBuilder};
use django_api_orm::prelude::*;
use futures_util::{StreamExt, stream};
use serde_json::json;

use server::{Fate, Shares, listen};

const FIRE: Shares = &[
    (Fate::ResetBefore, 30),
    (Fate::ClosedAfter, 30),
    (Fate::Unavailable, 40),
    (Fate::Throttled, 20),
    (Fate::Truncated, 10),
    (Fate::Stalled, 10),
];

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/rows/")]
struct Row {
    id: Option<u64>,
    mark: u64,
}

/// How many operations are made.
fn operations() -> u64 {
    std::env::var("FIGURES_OPERATIONS").map_or(4000, |text| text.parse().unwrap())
}

/// One at a time: they look at the memory and the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn builder(base: &str) -> ServiceClientBuilder {
    ServiceClient::builder(base)
        .platform_roots(false)
        .attempt_timeout(Duration::from_secs(1))
        .retry_delay(Duration::from_millis(2))
}

#[derive(Default)]
struct Outcome {
    succeeded: u64,
    /// Writes: done, of which the server knows nothing; failed as not carried out, and were; of an unknown outcome; done twice.
    lost: u64,
    denied: u64,
    unknown: u64,
    doubled: u64,
    /// Answers to another question.
    wrong: u64,
    /// Failed writes of another kind than these may have.
    odd: Vec<String>,
    requests: u64,
}

/// Every other operation is a write.
fn under_fire(keys: bool) -> Outcome {
    let all = operations();
    runtime().block_on(async {
        let (base, counts) = listen(FIRE, Duration::ZERO).await;
        let builder = builder(&base);
        let builder = match keys {
            true => builder.idempotency_header("Idempotency-Key"),
            false => builder,
        };
        let client = builder.build().unwrap();
        let rows = client.objects::<Row>();
        let mut results = stream::iter(1..=all)
            .map(|number| {
                let rows = &rows;
                async move {
                    let result = match number.is_multiple_of(2) {
                        true => rows.create(&json!({"mark": number})).await,
                        false => rows.get(Row::F.id.eq(number)).await,
                    };
                    (number, result.map(|row| row.id == Some(number)))
                }
            })
            .buffer_unordered(64);
        let mut outcome = Outcome::default();
        while let Some((number, result)) = results.next().await {
            let is_write = number.is_multiple_of(2);
            let times = counts.carried_out(number);
            outcome.doubled += u64::from(times > 1);
            match result {
                Ok(is_right) => {
                    outcome.succeeded += 1;
                    outcome.wrong += u64::from(!is_right);
                    outcome.lost += u64::from(is_write && times == 0);
                }
                Err(_) if !is_write => {}
                Err(error) if error.is_outcome_unknown() => outcome.unknown += 1,
                Err(error) => {
                    outcome.denied += u64::from(times > 0);
                    if !is_refused_or_unsent(&error) {
                        outcome.odd.push(error.to_string());
                    }
                }
            }
        }
        outcome.requests = counts.requests.load(Ordering::SeqCst) as u64;
        outcome
    })
}

fn is_refused_or_unsent(error: &Error) -> bool {
    error.is_throttled() || error.is_connect() || error.is_timeout()
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

#[test]
fn under_fire_with_keys_hardly_anything_fails() {
    let _alone = alone();
    let outcome = under_fire(true);
    let all = operations();
    let succeeded = 100.0 * share(outcome.succeeded, all);
    let requests = share(outcome.requests, all);
    println!("| with keys: operations | {all} | |");
    println!("| succeeded | {succeeded:.2} % | >= 99.6 % |");
    println!("| writes done twice | {} | 0 |", outcome.doubled);
    println!("| acknowledged writes lost | {} | 0 |", outcome.lost);
    println!("| wrong answers | {} | 0 |", outcome.wrong);
    println!("| requests an operation | {requests:.3} | <= 1.18 |");
    assert!(succeeded >= 99.6, "{succeeded} %");
    assert_eq!((outcome.doubled, outcome.lost, outcome.wrong), (0, 0, 0));
    assert_eq!((outcome.denied, outcome.odd), (0, Vec::new()));
    assert!(requests <= 1.18, "{requests}");
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.unwrap().trim().trim_end_matches(" kB");
        let mebibytes = peak.parse::<u64>().unwrap() >> 10;
        println!("| memory of client and server at most | {mebibytes} MiB | <= 64 MiB |");
        assert!(mebibytes <= 64, "{mebibytes} MiB");
    }
}

#[test]
fn under_fire_without_keys_every_failed_write_says_what_became_of_it() {
    let _alone = alone();
    let outcome = under_fire(false);
    let all = operations();
    let succeeded = 100.0 * share(outcome.succeeded, all);
    let unknown = 100.0 * share(outcome.unknown, all / 2);
    println!("| without keys: operations | {all} | |");
    println!("| succeeded | {succeeded:.2} % | |");
    println!("| writes of an unknown outcome | {unknown:.2} % | |");
    println!("| writes done twice | {} | 0 |", outcome.doubled);
    println!(
        "| said to be not carried out, and were | {} | 0 |",
        outcome.denied
    );
    println!("| failed otherwise | {} | 0 |", outcome.odd.len());
    assert_eq!((outcome.doubled, outcome.lost, outcome.wrong), (0, 0, 0));
    assert_eq!((outcome.denied, outcome.odd), (0, Vec::new()));
}

#[test]
fn an_outage_costs_hardly_a_request() {
    let _alone = alone();
    let all = operations();
    runtime().block_on(async {
        let (base, counts) = listen(&[(Fate::Unavailable, 1000)], Duration::ZERO).await;
        let client = builder(&base).build().unwrap();
        let rows = client.objects::<Row>();
        let succeeded = stream::iter(1..=all)
            .map(|number| rows.get(Row::F.id.eq(number)))
            .buffer_unordered(64)
            .filter(|result| std::future::ready(result.is_ok()))
            .count()
            .await;
        assert_eq!(succeeded, 0);
        let requests = share(counts.requests.load(Ordering::SeqCst) as u64, all);
        println!("| outage: requests an operation | {requests:.4} | <= 1.01 |");
        assert!(requests <= 1.01, "{requests}");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn cancelled_calls_cross_no_answer_and_leave_nothing_open() {
    let _alone = alone();
    let all = operations() / 10;
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    runtime().block_on(async {
        let (base, _) = listen(&[], Duration::from_millis(2)).await;
        let before = open();
        let client = builder(&base).build().unwrap();
        let rows = client.objects::<Row>();
        let given_up = stream::iter(1..)
            .map(|number| {
                let time = Duration::from_micros(fastrand::u64(..8000));
                let call = rows.get(Row::F.id.eq(1_000_000 + number));
                tokio::time::timeout(time, call)
            })
            .buffer_unordered(32)
            .filter(|result| std::future::ready(result.is_err()))
            .take(all as usize)
            .count()
            .await;
        let wrong = stream::iter(1..=all)
            .map(|number| {
                let rows = &rows;
                async move { rows.get(Row::F.id.eq(number)).await.unwrap().id != Some(number) }
            })
            .buffer_unordered(32)
            .filter(|is_wrong| std::future::ready(*is_wrong))
            .count()
            .await;
        println!("| calls given up at random | {given_up} | |");
        println!("| answers crossed in as many reads after | {wrong} | 0 |");
        assert_eq!(wrong, 0);
        client.close().await;
        drop((rows, client));
        let all_closed = async {
            while open() > before {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(10), all_closed).await;
        let left = open().saturating_sub(before);
        println!("| descriptors left | {left} | 0 |");
        assert!(in_time.is_ok(), "{left} descriptors are left");
    });
}
