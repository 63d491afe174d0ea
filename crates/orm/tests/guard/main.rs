//! A server that ignores what it was asked gives no wrong row: filters, orderings, searches, and writes behind them.
//!
//! Ignored limits and offsets are in `tests/pagination/ignored.rs`. That these tests look at the right place was seen by
//! breaking the guard: with `RowCheck::check` answering `Belongs` for every row, more than half of them fail, and so does the
//! property test; with `Probing::filters` believing a first row that happens to match, the ones on counts and slices do;
//! with writes that do not read strictly, the one on a row that differs only by case.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod another_field;
mod answers;
mod choices;
mod coincidence;
mod collation;
mod cost;
mod displayed;
mod empty;
mod equal;
mod filters;
mod forms;
mod hidden;
mod inexact;
mod lean;
mod long_lists;
mod nested;
mod one_element;
mod orders;
mod refused_lists;

mod site;
mod spelling;
mod types;
mod unread;
mod unrelated;
mod unsaved;
mod urls;
mod wider;
mod writes;
