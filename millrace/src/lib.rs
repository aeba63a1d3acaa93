//! The process of all services and the operator's tool.
//!
//! `main.rs` reads the command line and calls `command`; `up` puts the services together, `alone` runs one
//! of them. The tool never opens a store that a server may hold: it asks the server.

pub mod alone;
pub mod backends;
pub mod cases;
pub mod cli;
pub mod client;
pub mod command;
pub mod config;
mod event_stream;
mod first_password;
pub mod generate;
pub mod logstash_settings;
pub mod pipe;
mod process;
mod refusal;
pub mod send;
mod service_manager;
mod services;
pub mod settings;
pub mod shadow;
pub mod up;
