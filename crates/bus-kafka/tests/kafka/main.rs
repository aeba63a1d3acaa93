//! The bus on a real Kafka, as a user meets it. Where the variables are missing the tests fail.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod away;
mod contract;
mod foreign;
mod groups;
mod memory;
mod range;
mod secure;
mod support;
mod topics;
