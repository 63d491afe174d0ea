//! The Rust program of the README, as a reader copies it: it compiles, and does on the test server what it says.

#![allow(clippy::expect_used, clippy::indexing_slicing)] // The lints know `#[test]`, but not what tests share.

#[path = "support/rustc.rs"]
mod rustc;

use std::{env, fs, path::Path, process::Command};

use django_api_orm_testserver::TestServer;

use rustc::{libraries, rustc};

/// Where the README has the server.
const ADDRESS: &str = "http://127.0.0.1:8700";

#[test]
fn the_program_of_the_readme_runs() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```rust,no_run\n").expect("a program");
    let (program, rest) = rest.split_once("\n```").expect("its end");
    assert!(!rest.contains("```rust"), "one program");
    assert!(program.contains(ADDRESS) && program.contains("test-token"));

    let server = TestServer::reference_builder()
        .start_blocking()
        .expect("a server");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = folder.join("readme_program.rs");
    let program = program.replace(ADDRESS, server.base_url());
    fs::write(&source, program).expect("a file");

    let executable = folder
        .join("readme_program")
        .with_extension(env::consts::EXE_EXTENSION);
    let compiled = rustc(&libraries(), &source)
        .args(["-D", "warnings", "-o"])
        .arg(&executable)
        .output()
        .expect("rustc runs");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let done = Command::new(executable).output().expect("it starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains(" of 250 users\n"), "{said}");
    assert!(said.contains("Hello World by Bob Jones\n"), "{said}");
}
