//! Relations in every form in which servers show them. What the reference site shows, by id and by URL, is in the contract suite.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../support/drf.rs"]
#[expect(dead_code, reason = "only the contract suite has TLS")]
mod drf;
mod forms;
mod json_api;
mod keys;
mod library;
mod lists;
mod netbox;
mod prefetched;
mod random;
mod read_only;
mod small;
mod together;
