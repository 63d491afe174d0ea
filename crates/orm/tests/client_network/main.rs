//! The client against servers that misbehave: a scripted server speaks raw bytes, in memory with a clock that the
//! tests drive, or over TCP where the operating system or TLS matters.

mod bodies;
mod credentials;
mod http2;
mod limits;
mod proxies;
mod redirects;
mod retries;
mod server;
mod timeouts;
mod tls;
