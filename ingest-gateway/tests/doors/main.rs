//! What the doors do for senders who mean well, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod beats;
mod elasticsearch;
mod file;
mod framing;
mod http;
mod otlp;
mod syslog;
mod tcp;
mod tls;
mod udp;
mod unix;

#[path = "../support/lumberjack.rs"]
mod lumberjack;
#[path = "../support/mod.rs"]
mod support;
