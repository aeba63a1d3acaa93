//! What the process hands to each of its services.

use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Metrics;

/// Shared by all services of a process; cloning shares.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Where a service counts.
    pub metrics: Metrics,
    /// Where a service says whether it makes progress.
    pub health: Health,
    /// Cancelled when the process should drain and stop.
    pub shutdown: CancellationToken,
}
