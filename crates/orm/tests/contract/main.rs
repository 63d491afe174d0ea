//! The contract suite: the same cases on two servers, `testserver` and real Django REST Framework, and with both APIs,
//! async and blocking. The blocking API is the async one, driven on the calling thread, so on Django it runs those files only
//! that [`SMOKE`] names.
//!
//! The two servers work side by side. Cases that only read share the rows of a server; a case that writes has them to itself.
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
#[allow(dead_code)] // each suite starts the site in its own ways
#[path = "../support/drf.rs"]
mod drf;
mod fixture;
mod models;
mod servers;

use std::{
    error::Error,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Failed, Trial};

use servers::Server;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The files that the blocking API runs on Django: every paginator to its end, each kind of write, errors, a connection with TLS,
/// and what only the blocking API has.
const SMOKE: [&str; 7] = [
    "listing", "creating", "saving", "deleting", "errors", "http2", "only",
];

/// Registering a model is for the whole process, so on one server after the other.
static REGISTRY: Mutex<()> = Mutex::new(());

/// One case of one half.
struct Case {
    file: &'static str,
    name: &'static str,
    /// Whether the server's rows have to be put back afterwards.
    writes: bool,
    run: fn(Arc<Server>) -> Outcome,
}

impl Case {
    /// `django…::asynchronous::cases::saving` is the file `saving`.
    fn file(&self) -> &'static str {
        self.file.rsplit("::").next().unwrap_or_default()
    }

    fn trial(self, server: &Arc<Server>, half: &str) -> Trial {
        let name = format!("{}::{half}::{}::{}", server.name(), self.file(), self.name);
        let server = Arc::clone(server);
        Trial::test(name, move || {
            let _registry = (self.name == "registered_models")
                .then(|| REGISTRY.lock().unwrap_or_else(PoisonError::into_inner));
            let (_shared, _own) = if self.writes {
                (None, Some(server.own_the_rows()))
            } else {
                (Some(server.share_the_rows()), None)
            };
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
    let arguments = Arguments::from_args();
    let [testserver, drf] = [Server::testserver(), Server::drf()].map(Arc::new);
    let on_testserver = (asynchronous::all().into_iter())
        .map(|case| case.trial(&testserver, "async"))
        .chain((blocking::all().into_iter()).map(|case| case.trial(&testserver, "blocking")));
    let smoke = (blocking::all().into_iter()).filter(|case| SMOKE.contains(&case.file()));
    let on_drf = (asynchronous::all().into_iter())
        .map(|case| case.trial(&drf, "async"))
        .chain(smoke.map(|case| case.trial(&drf, "blocking")));
    libtest_mimic::run(&arguments, in_turn(on_testserver, on_drf)).exit_code()
}

/// One of each in turn, then what is left of the longer one.
fn in_turn<T>(left: impl Iterator<Item = T>, right: impl Iterator<Item = T>) -> Vec<T> {
    let (mut left, mut right) = (left.fuse(), right.fuse());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(left.next());
        all.extend(right.next());
        if all.len() == before {
            return all;
        }
    }
}
