//! Walks over pages, on servers that page in every way, and on servers that do it wrongly: the right rows, or an error.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod ahead;
mod beyond;
mod counts;
mod drift;
mod endings;
mod ignored;
mod links;
mod marks;
mod numbers;
mod products;
mod refused;
mod scripted;
mod shapes;
mod site;
mod slices;
