//! A Rust peer of the benchmarks, in a process of its own.
//!
//! `bench-peer PEER BASE_URL` carries out each case that it reads from its standard input and prints what that took, as the
//! Python peers do. `bench-peer PEER BASE_URL CASE` carries out one case, in [`measured`], where callgrind counts.
//! `bench-peer limits BASE_URL` measures what is compared with this crate itself. `bench-peer related BASE_URL` reads cases of related rows.

mod by_hand;
mod case;
mod limits;
mod ours;
mod related;
#[cfg(feature = "reqwest")]
mod with_reqwest;

use std::{env, error::Error, hint::black_box, io::BufRead as _, time::Instant};

use tokio::runtime::{Builder, Runtime};

use case::Case;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

enum Peer {
    Ours(ours::Ours),
    Hyper(Box<by_hand::Hyper>),
    /// The bytes of the page are there already: nothing is fetched.
    Slice(bytes::Bytes),
    #[cfg(feature = "reqwest")]
    Reqwest(with_reqwest::Reqwest),
}

impl Peer {
    async fn new(name: &str, base_url: &str) -> Result<Self> {
        Ok(match name {
            "ours" => Self::Ours(ours::Ours::new(base_url)?),
            "hyper" => Self::Hyper(Box::new(by_hand::Hyper::new(base_url))),
            "slice" => Self::Slice(by_hand::Hyper::new(base_url).bytes("/api/v1/page/").await?),
            #[cfg(feature = "reqwest")]
            "reqwest" => Self::Reqwest(with_reqwest::Reqwest::new(base_url)?),
            _ => return Err(format!("no peer is called {name}").into()),
        })
    }

    /// Carries the case out; how many rows it has brought.
    async fn run(&self, case: Case) -> Result<usize> {
        match self {
            Self::Ours(peer) => peer.run(case).await,
            Self::Hyper(peer) => peer.run(case).await,
            Self::Slice(body) => {
                let page: case::Page = serde_json::from_slice(body)?;
                Ok(black_box(page.results).len())
            }
            #[cfg(feature = "reqwest")]
            Self::Reqwest(peer) => peer.run(case).await,
        }
    }
}

/// What is counted: callgrind collects only in here.
#[inline(never)]
fn measured(runtime: &Runtime, peer: &Peer, case: Case) -> Result<usize> {
    black_box(runtime.block_on(peer.run(case)))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, base_url, cases @ ..] = arguments.as_slice() else {
        return Err("usage: bench-peer PEER BASE_URL [CASE]".into());
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if name == "limits" {
        return runtime.block_on(limits::measure(base_url));
    }
    if name == "related" {
        return answered(|case| runtime.block_on(related::run(case, base_url)));
    }
    let peer = runtime.block_on(Peer::new(name, base_url))?;
    if let [case] = cases {
        let case = Case::named(case)?;
        let warm_up = runtime.block_on(peer.run(case))?;
        let counted = measured(&runtime, &peer, case)?;
        return if (warm_up, counted) == (case.rows(), case.rows()) {
            Ok(())
        } else {
            Err(format!("{counted} rows came").into())
        };
    }
    answered(|case| measured(&runtime, &peer, Case::named(case)?))
}

/// Carries out each case that is asked for, and prints what that took, and what it gave.
fn answered<T: serde::Serialize>(run: impl Fn(&str) -> Result<T>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let case = line?;
        let started = (Instant::now(), cpu()?);
        let done = run(&case)?;
        let (wall, cpu) = (started.0.elapsed().as_secs_f64(), cpu()? - started.1);
        println!(
            "{}",
            serde_json::json!({"cpu": cpu, "wall": wall, "done": done})
        );
    }
    Ok(())
}

/// The seconds of processor time that this process has taken, to a hundredth: Linux counts so.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}
