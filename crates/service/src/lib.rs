//! What every service process has: configuration, logging, metrics, health, shutdown, limits.
//!
//! This crate knows no port, no store and no stage.

pub mod admin;
pub mod backoff;
pub mod config;
pub mod context;
pub mod health;
pub mod http_client;
pub mod limits;
pub mod logging;
pub mod memory_limit;
pub mod metrics;
pub mod percent;
pub mod printable;
pub mod process;
pub mod secret;
pub mod shutdown;
pub mod suggest;
pub mod units;
pub mod waiting;

pub use admin::{Admin, AdminConfig};
pub use backoff::{Backoff, retry_after_seconds};
pub use config::{Check, Findings, Flag, Mistakes};
pub use context::Context;
pub use health::{Health, HealthState};
pub use limits::{BudgetError, ByteBudget, HeldBytes};
pub use logging::LogConfig;
pub use memory_limit::{LimitSource, MemoryLimit};
pub use metrics::{MetricKind, Metrics};
pub use printable::Printable;
pub use secret::{Secret, SecretFileError, url_without_secrets};
pub use tokio_util::sync::CancellationToken;
pub use units::{ByteSize, Span};
pub use waiting::wait_for;
