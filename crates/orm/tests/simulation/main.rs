//! The client under a simulated network, clock and randomness. Random programs share a client; the network and the server fail in
//! every way there is; and what the server holds must be what the programs were told, or they were told that it is unknown.
//!
//! `SIMULATE_SEEDS` says how many seeds are tried, `SIMULATE_SEED` runs a single one and prints what happened.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod bytes;
mod collection;
mod http2;
mod network;
mod program;
#[path = "../client_network/server.rs"]
#[allow(dead_code)] // What the tests of the network use beside it.
mod server;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use django_api_orm::client::ServiceClient;

use collection::Collection;
use program::{Program, Thing, settings};
use server::Server;
use world::World;

const PROGRAMS: u64 = 4;
const OPERATIONS: u64 = 8;

/// What happened, and what of it was wrong.
struct Story {
    log: Vec<String>,
    wrong: Vec<String>,
}

/// A runtime whose clock moves on when there is nothing to do.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

fn simulate(seed: u64) -> Story {
    runtime().block_on(async {
        let world = Arc::new(World::new(seed));
        let collection = Arc::new(Collection::new(Arc::clone(&world), 6));
        let answering = Arc::clone(&collection);
        let server = Server::new(move |seen, _| answering.answer(seen));
        let (network, behind) = (Arc::clone(&world), Arc::clone(&collection));
        let builder = ServiceClient::builder("http://api.test")
            .http2_prior_knowledge(world.weather.http2)
            .connector(move |_| {
                let (network, server) = (Arc::clone(&network), server.clone());
                let collection = Arc::clone(&behind);
                async move {
                    let (wire, far) = network::connect(&network).await?;
                    tokio::spawn(async move {
                        match network.weather.http2 {
                            true => http2::serve(network, collection, far).await,
                            false => server.serve(far, 0).await,
                        }
                    });
                    Ok(wire)
                }
            });
        let client = settings(builder, world.weather.keys).build().unwrap();
        let running: Vec<_> = (0..PROGRAMS)
            .map(|number| {
                let things = client.objects::<Thing>();
                let program = Program::new(number, &world, &collection, things);
                tokio::spawn(program.run(OPERATIONS))
            })
            .collect();
        let mut wrong = Vec::new();
        for program in running {
            wrong.extend(program.await.unwrap().judge());
        }
        if world.weather.tags {
            let lost = collection.overwritten();
            wrong.extend(
                lost.iter()
                    .map(|mark| format!("{mark} overwrote another write")),
            );
        }
        world.note(format!("{} requests", collection.requests()));
        Story {
            log: world.log(),
            wrong,
        }
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap())
}

#[test]
#[allow(clippy::print_stdout)] // A seed is replayed to be read.
fn what_the_server_holds_is_what_the_programs_were_told() {
    if let Some(seed) = number("SIMULATE_SEED") {
        let story = simulate(seed);
        println!("{}", story.log.join("\n"));
        assert_eq!(story.wrong, [""; 0], "seed {seed}");
        return;
    }
    let seeds = number("SIMULATE_SEEDS").unwrap_or(1000);
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds {
                        break;
                    }
                    let wrong = simulate(seed).wrong.join("\n    ");
                    if !wrong.is_empty() {
                        let mut failed = failed.lock().unwrap();
                        failed.push(format!("make simulate SEED={seed}\n    {wrong}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let shown = failed.get(..10).unwrap_or(&failed).join("\n");
    assert!(
        failed.is_empty(),
        "{} of {seeds} seeds fail:\n{shown}",
        failed.len()
    );
}

#[test]
fn a_seed_replays_identically() {
    let over_http2 = (0..).filter(|seed| World::new(*seed).weather.http2).take(3);
    for seed in [3, 17, 4711, 90_210, 1_000_003]
        .into_iter()
        .chain(over_http2)
    {
        let (first, second) = (simulate(seed), simulate(seed));
        assert!(first.log.len() > 50, "seed {seed}: {:?}", first.log);
        let differs = first.log.iter().zip(&second.log).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.log.len(), second.log.len(), "seed {seed}");
    }
}
