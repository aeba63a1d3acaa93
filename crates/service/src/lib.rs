//! What every service process has: configuration, logging, metrics, health, shutdown, limits.
//!
//! This crate knows no port, no store and no stage.

pub mod config;
pub mod context;
pub mod health;
pub mod metrics;
pub mod units;

pub use context::Context;
pub use health::{Health, HealthState};
pub use metrics::{MetricKind, Metrics};
pub use tokio_util::sync::CancellationToken;
pub use units::{ByteSize, Span};
