//! Random queries on random rows give what Django's ORM would give.
//!
//! The judge is SQLite, asked in SQL that this test writes by hand as Django's compiler would: `database.rs`. Against it stand
//!
//! * `local.rs`: the core's evaluator and order, on the rows as a server sends them;
//! * `served.rs`: a `QuerySet` on the test server, with every paginator, and with all, some or none of the filters and
//!   orderings honoured. The test server makes SQL of its own.
//!
//! `explained.rs` compares the requests that the same querysets take with those that `explain()` tells.
//!
//! What is compared: the keys of the rows in their order. Rows that the order leaves equal may stand in any sequence; where
//! a slice depends on it, the key is added to the order.
//!
//! Django's answer is the one on PostgreSQL. SQLite differs from it, and is told otherwise:
//!
//! * case: its `LIKE` ignores the case of ASCII letters, also in `contains`, and knows no other letters. The judge uses
//!   `instr` and `substr`, and for the lookups that ignore case a function of Rust's Unicode upper-casing. Letters whose
//!   lower-casing and upper-casing disagree (`ß`, `ı`, `ſ`) are left to the core's own tests. The test server is Django on
//!   SQLite with its `LIKE`; there letters with a case are ASCII only, no two words differ only by case, and fields with
//!   both cases get no lookup that minds it;
//! * collation: the judge compares code points. Whether a server that has answered `name__gt` goes by them cannot be seen
//!   on the rows, so on the test server text is not compared by order;
//! * nulls in an order: `NULLS FIRST` and `NULLS LAST` are said. A list whose order the server was left to make may have
//!   them at either end, if all at the same; what is sorted client-side, and every slice, has them as the policy says;
//! * decimals: SQLite has none, so the judge holds integers of ten thousandths.
//!
//! A failure prints the seed and the smallest query found. `PROPERTY_SEED=<number>` runs that one again, `PROPERTY_SEED=random`
//! another one each time; `PROPERTY_CASES` is the number of queries.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod database;
mod explained;
mod local;
mod lookups;
mod plans;
mod rows;
mod served;

use std::env;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngSeed, TestCaseResult, TestRunner},
};

/// Queries for one set of rows.
const QUERIES: usize = 20;

/// Runs the test on random values, each of which holds [`QUERIES`] queries.
fn check<S: Strategy>(queries: u32, strategy: S, test: impl Fn(S::Value) -> TestCaseResult) {
    let queries = env::var("PROPERTY_CASES").map_or(queries, |number| number.parse().unwrap());
    let seed = match env::var("PROPERTY_SEED") {
        Ok(seed) if seed == "random" => std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| u64::from(since.subsec_nanos())),
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => 0,
    };
    let config = Config {
        cases: queries.div_ceil(u32::try_from(QUERIES).unwrap()),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let found = TestRunner::new(config).run(&strategy, test);
    println!("{queries} queries, PROPERTY_SEED={seed}");
    if let Err(error) = found {
        panic!("PROPERTY_SEED={seed}: {error}");
    }
}
