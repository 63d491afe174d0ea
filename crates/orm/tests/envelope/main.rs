//! Any server gives the right answer, or an error.
//!
//! A random server (`servers.rs`) is Django REST Framework's with some departures from it: in how an answer looks, in what is
//! done with parameters it does not know, in what writes are answered with. It is a description (`description.rs`) that
//! `site.rs` and `list.rs` carry out in memory; filtering and sorting there, and what is right (`queries.rs`), share nothing with the
//! library. A client that has seen nothing of the server is then used for some random operations (`operations.rs`), one after
//! the other, so that what the first ones have taught it is put to use in the later ones.
//!
//! `judge.rs` demands, of each operation:
//!
//! * the answer is right for the rows that the server keeps, or it is an error; "no such row" and "more than one" are answers;
//! * a read changes nothing; a write changes the rows that it is about and no other; at most one row is created, and what was
//!   created and refused is not created again; what is called a success has happened;
//! * warnings say what is true of the server;
//! * requests are bounded by a function of the rows, the page size and the query's parts (`Trial::bound`);
//! * on a server that departs from Django REST Framework in nothing that matters, nothing is refused.
//!
//! A failure prints the smallest server and operations that were found, as a line of JSON that names departures only. Put it into
//! `regressions.jsonl`, whose lines are tried first. `ENVELOPE_CASES` is the number of servers, `ENVELOPE_SEED=<number>` or
//! `ENVELOPE_SEED=random` chooses others.

// The lints except test functions by themselves, but not what these share.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod description;
mod judge;
mod list;
mod operations;
mod queries;
mod servers;
mod site;
mod thing;
mod wire;
mod writing;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex},
};

use django_api_orm::{OnIgnored, Policy, ServiceClient, Warning};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use self::{
    description::Server,
    judge::{Outcome, Trial, is_true},
    operations::{Operation, operation},
    servers::server,
    site::Site,
    thing::Thing,
    wire::Net,
};

/// A server, and what is done with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Case {
    server: Server,
    /// Rows asked for in a page.
    page_size: Option<u64>,
    /// What the server ignores is to be an error.
    is_strict: bool,
    /// The paginator is declared, not recognised.
    is_declared: bool,
    operations: Vec<Operation>,
}

impl Case {
    /// As a line of a file, without what is as usual.
    fn line(&self) -> String {
        let depart = |value: &mut Value, usual: &Value| {
            if let Some(fields) = value.as_object_mut() {
                fields.retain(|field, value| usual[field.as_str()] != *value);
            }
        };
        let mut case = json!(self);
        depart(&mut case["server"], &json!(Server::default()));
        depart(&mut case, &json!(Self::default()));
        case.to_string()
    }
}

/// The servers of a run, and the client that is used for all of them.
struct Field {
    runtime: Runtime,
    net: Net,
    client: ServiceClient,
    warnings: Arc<Mutex<Vec<Warning>>>,
    servers: Cell<usize>,
    tally: RefCell<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    requests: usize,
    right: usize,
    refused: BTreeMap<String, usize>,
}

impl Field {
    fn new() -> Self {
        let net = Net::default();
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&warnings);
        let client = net
            .builder()
            .max_retries(0)
            .on_warning(move |warning: &Warning| heard.lock().unwrap().push(warning.clone()))
            .build()
            .unwrap();
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            net,
            client,
            warnings,
            servers: Cell::new(0),
            tally: RefCell::default(),
        }
    }

    fn try_case(&self, case: &Case) -> Result<(), String> {
        self.servers.set(self.servers.get() + 1);
        let path = format!("/{}/", self.servers.get());
        let site = self.net.add(&path, Site::new(case.server.clone()));
        let mut policy = Policy::default();
        policy.page_size = case.page_size;
        if case.is_strict {
            policy.on_ignored = OnIgnored::Error;
        }
        let things = self.client.objects::<Thing>().at(&path);
        let things = things.with_policy(policy);
        let trial = Trial {
            server: &case.server,
            site: &site,
            things: match case.server.pagination() {
                Some(pagination) if case.is_declared => things.with_pagination(pagination),
                _ => things,
            },
            page_size: case.page_size,
            is_strict: case.is_strict,
        };
        let verdict = self.runtime.block_on(async {
            for (number, operation) in case.operations.iter().enumerate() {
                let verdict = trial.judge(operation).await;
                let told = std::mem::take(&mut *self.warnings.lock().unwrap());
                self.weigh(case, verdict, &told).map_err(|message| {
                    let requests = site.requests();
                    format!("operation {number}: {message}\nwarnings: {told:?}\nall requests: {requests:#?}")
                })?;
            }
            Ok(())
        });
        self.tally.borrow_mut().requests += site.requests().len();
        self.net.remove(&path);
        verdict
    }

    fn weigh(
        &self,
        case: &Case,
        verdict: Result<Outcome, String>,
        told: &[Warning],
    ) -> Result<(), String> {
        let outcome = verdict?;
        if let Some(lie) = told.iter().find(|warning| !is_true(warning, &case.server)) {
            return Err(format!("not true: {lie}"));
        }
        let mut tally = self.tally.borrow_mut();
        match outcome {
            Outcome::Right => tally.right += 1,
            Outcome::Refused(why) if case.server.is_drf() && !case.is_strict => {
                return Err(format!("refused on a plain server: {why}"));
            }
            Outcome::Refused(why) => {
                let why = why.replace(|letter: char| letter.is_ascii_digit(), "");
                let words: Vec<&str> = why.split(' ').take(9).collect();
                *tally.refused.entry(words.join(" ")).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn case() -> impl Strategy<Value = Case> {
    let page_size = prop::option::weighted(0.2, 1_u64..9);
    let operations = prop::collection::vec(operation(), 1..4);
    let (is_strict, is_declared) = (prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (server(), page_size, is_strict, is_declared, operations).prop_map(
        |(server, page_size, is_strict, is_declared, operations)| Case {
            server,
            page_size,
            is_strict,
            is_declared,
            operations,
        },
    )
}

#[test]
fn the_answer_is_right_or_it_is_an_error() {
    let cases = env::var("ENVELOPE_CASES").map_or(10_000, |number| number.parse().unwrap());
    let seed = match env::var("ENVELOPE_SEED") {
        Ok(seed) if seed == "random" => std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| u64::from(since.subsec_nanos())),
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => 0,
    };
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    let field = Field::new();
    let smallest = RefCell::new(None);
    let found = TestRunner::new(config).run(&case(), |case| {
        field.try_case(&case).map_err(|message| {
            smallest.replace(Some((case.line(), message.clone())));
            TestCaseError::fail(message)
        })
    });
    let tally = field.tally.into_inner();
    println!("{cases} servers, ENVELOPE_SEED={seed}: {tally:#?}");
    if found.is_err()
        && let Some((line, message)) = smallest.into_inner()
    {
        panic!("ENVELOPE_SEED={seed}\n{line}\n{message}");
    }
}

#[test]
fn what_once_failed_holds() {
    let field = Field::new();
    for line in include_str!("regressions.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        if let Err(message) = field.try_case(&case) {
            panic!("{line}\n{message}");
        }
    }
}
