//! What the doors do for senders who mean well, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod beats;
mod certificates;
mod cors;
mod documents;
mod elasticsearch;
mod file;
mod framing;
mod further_addresses;
mod further_doors;
mod http;
mod identity;
mod logstash;
mod masking;
mod otlp;
mod quota;
mod refused;
mod request_headers;
mod syslog;
mod tcp;
mod tls;
mod tls_memory;
mod udp;
mod unix;

#[path = "../support/mod.rs"]
mod support;
