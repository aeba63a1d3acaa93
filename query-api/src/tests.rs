//! The API over real connections, on embedded stores and an embedded bus.

mod auth;
mod consistent;
mod dead_letter;
mod http;
mod ingest_token;
mod page;
mod permission;
mod rig;
mod search;
mod status;
mod tail;
mod tap;
