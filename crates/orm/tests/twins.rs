//! Every public method of an asynchronous type has a blocking twin of the same name, or a line below says why not. Setters
//! that both halves take from one table need no comparison; that they do is seen to as well.

#![allow(clippy::unwrap_used)] // The lint excepts test functions, not what they share.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const TYPES: [&str; 7] = [
    "ServiceClient",
    "ServiceClientBuilder",
    "Manager",
    "QuerySet",
    "Instance",
    "RelatedManager",
    "RelatedKeys",
];

/// Methods without a twin, and why.
const ASYNCHRONOUS_ONLY: [(&str, &str); 6] = [
    (
        "ServiceClient::scope",
        "there is no task to hold a client for",
    ),
    ("ServiceClient::with_token_provider", "asynchronous"),
    (
        "ServiceClientBuilder::token_provider",
        "asynchronous; `with` reaches it",
    ),
    (
        "ServiceClientBuilder::connector",
        "asynchronous; `with` reaches it",
    ),
    (
        "ServiceClientBuilder::layer",
        "middleware is asynchronous; `with` reaches it",
    ),
    ("QuerySet::stream", "`iter` gives an iterator"),
];
const BLOCKING_ONLY: [(&str, &str); 2] = [
    ("ServiceClientBuilder::with", "reaches what is asynchronous"),
    ("QuerySet::iter", "`stream` gives a stream"),
];

/// Macros whose every line passes a method on.
const TABLES: [&str; 3] = ["delegate! {", "described! {", "answered! {"];

#[test]
fn every_method_has_its_twin() {
    let (blocking, asynchronous): (Vec<PathBuf>, Vec<PathBuf>) = sources(&source())
        .into_iter()
        .partition(|path| path.starts_with(source().join("blocking")));
    let (asynchronous, blocking) = (methods(&asynchronous), methods(&blocking));
    assert!(asynchronous.len() > 80, "{asynchronous:?}");
    let only = |list: &[(&str, &str)]| -> BTreeSet<String> {
        list.iter().map(|(name, _)| (*name).to_owned()).collect()
    };
    let missing: BTreeSet<String> = asynchronous.difference(&blocking).cloned().collect();
    assert_eq!(missing, only(&ASYNCHRONOUS_ONLY), "without a blocking twin");
    let missing: BTreeSet<String> = blocking.difference(&asynchronous).cloned().collect();
    assert_eq!(
        missing,
        only(&BLOCKING_ONLY),
        "without an asynchronous twin"
    );
}

#[test]
fn both_halves_take_their_setters_from_the_tables() {
    for (table, file) in [
        ("with_settings!(", "client/settings.rs"),
        ("with_settings!(", "blocking/client.rs"),
        ("with_query_settings!(", "query_settings.rs"),
        ("with_query_settings!(", "blocking/query_settings.rs"),
    ] {
        let text = fs::read_to_string(source().join(file)).unwrap();
        assert!(text.contains(table), "{file} does not use the table");
    }
}

/// `Type::method` for every public method that is in the documentation.
fn methods(files: &[PathBuf]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let (mut owner, mut hidden, mut in_table) = (None, false, false);
        for line in text.lines() {
            in_table = TABLES.iter().any(|table| line.trim().starts_with(table))
                || in_table && line != "    }";
            if line.starts_with("impl") {
                hidden = false;
                owner = TYPES.into_iter().find(|name| {
                    line.ends_with(&format!(" {name} {{"))
                        || line.ends_with(&format!(" {name}<M> {{"))
                        || line.ends_with(&format!(" {name}<N> {{"))
                });
            }
            hidden |= line.trim() == "#[doc(hidden)]";
            if let (Some(owner), Some(name)) = (owner, declared(line, in_table)) {
                if !hidden {
                    found.insert(format!("{owner}::{name}"));
                }
                hidden = false;
            }
        }
    }
    found
}

/// The method that a line declares, in Rust or in a table.
fn declared(line: &str, in_table: bool) -> Option<&str> {
    let line = line.strip_prefix("    ")?;
    let declared = if in_table {
        line.strip_prefix("    ").filter(|line| line.contains('('))
    } else {
        line.strip_prefix("pub fn ")
            .or_else(|| line.strip_prefix("pub async fn "))
    }?;
    let name = declared.split(['(', '<', '[']).next()?;
    let is_name = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    };
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
