//! What the doors do for senders who mean well, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod file;
mod framing;
mod http;
mod syslog;
mod tcp;
mod tls;
mod udp;
mod unix;

#[path = "../support/mod.rs"]
mod support;
