//! The client against servers that misbehave: a scripted server speaks raw bytes, in memory with a clock that the
//! tests drive, or over TCP where the operating system or TLS matters.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bodies;
mod credentials;
mod hooks;
mod http2;
mod layers;
mod limits;
mod logins;
mod pauses;
mod proxies;
mod rates;
mod redirects;
mod retries;
mod reuse;
mod server;
mod timeouts;
mod tls;
