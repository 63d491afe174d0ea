//! The contract suite: the same cases on two servers, `testserver` and real Django REST Framework, and with both APIs,
//! async and blocking.
//!
//! A case is written once, in `cases/`, as the async code that a user would write; for the blocking half the attribute
//! `#[case]` takes the `async` and `.await` away. What it expects is computed from the fixture that seeds both servers, never
//! by the code under test. Where only one server passes, the other one or the client is wrong, never the case.
//!
//! ```sh
//! cargo test -p django-api-orm --test contract                        # everything
//! cargo test -p django-api-orm --test contract -- DRF::blocking       # one server, one API
//! cargo test -p django-api-orm --test contract -- save                # the cases with this in their name
//! ```

// These lints know `#[test]`, and a harness of its own has none.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

/// The cases of a file: those that only read, and those after which the rows have to be put back.
macro_rules! cases {
    (reads: [$($read:ident),* $(,)?], writes: [$($write:ident),* $(,)?] $(,)?) => {
        pub(crate) fn all() -> Vec<crate::Case> {
            let file = module_path!();
            vec![
                $(crate::Case { file, name: stringify!($read), writes: false, run: |server| run(server, $read) },)*
                $(crate::Case { file, name: stringify!($write), writes: true, run: |server| run(server, $write) },)*
            ]
        }
    };
}

mod asynchronous;
mod blocking;
#[path = "../support/drf.rs"]
mod drf;
mod fixture;
mod models;
mod servers;

use std::{error::Error, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use servers::Server;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// One case of one half.
struct Case {
    file: &'static str,
    name: &'static str,
    /// Whether the server's rows have to be put back afterwards.
    writes: bool,
    run: fn(Arc<Server>) -> Outcome,
}

impl Case {
    fn trial(self, server: &Arc<Server>, half: &str) -> Trial {
        // `django…::asynchronous::cases::saving` is the file `saving`.
        let file = self.file.rsplit("::").next().unwrap_or_default();
        let name = format!("{}::{half}::{file}::{}", server.name(), self.name);
        let server = Arc::clone(server);
        Trial::test(name, move || {
            server.start()?;
            // Put back also after a panic, so that one broken case does not break the next.
            let _reset = self.writes.then(|| Reset(&server));
            (self.run)(Arc::clone(&server)).map_err(|error| Failed::from(with_causes(&*error)))
        })
    }
}

struct Reset<'a>(&'a Server);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.reset().expect("the server puts its rows back");
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str("\n  because: ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The cases of a server share its rows, so they come one after the other.
    arguments.test_threads = Some(1);
    let mut failed = false;
    for server in [Server::testserver(), Server::drf()].map(Arc::new) {
        for (half, cases) in [
            ("async", asynchronous::all()),
            ("blocking", blocking::all()),
        ] {
            let trials = cases
                .into_iter()
                .map(|case| case.trial(&server, half))
                .collect();
            let conclusion = libtest_mimic::run(&arguments, trials);
            failed |= conclusion.has_failed();
            if !arguments.list && conclusion.num_passed + conclusion.num_failed > 0 {
                println!(
                    "contract: {} x {half}: {} passed, {} failed\n",
                    server.name(),
                    conclusion.num_passed,
                    conclusion.num_failed
                );
            }
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
