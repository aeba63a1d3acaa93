//! The process of all services and the operator's tool.
//!
//! `main.rs` reads the command line and calls `command`; `up` puts the services together. The tool never
//! opens a store that a server may hold: it asks the server.

pub mod backends;
pub mod cli;
pub mod client;
pub mod command;
pub mod config;
pub mod generate;
pub mod send;
pub mod up;
