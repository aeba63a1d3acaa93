//! What the spool says of itself: a part of the health, and metrics.
//!
//! A bus that is away leaves the process ready: the doors accept. What needs a person all the same is that the
//! replay itself has stopped.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service::{ByteSize, Health, HealthState, MetricKind, Metrics};

use super::junction::{Condition, Junction};

/// The part under which health shows the spool.
pub(super) const PART: &str = "spool";
/// How often the health is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the health up to date; `inside` is that of the replay's runners. Goes on until it is dropped.
pub(super) async fn watch(junction: &Junction, inside: &Health, health: &Health) {
    loop {
        junction.look_at_oldest().await;
        health.set(PART, state(&junction.condition(), inside));
        tokio::time::sleep(INTERVAL).await;
    }
}

fn state(condition: &Condition, inside: &Health) -> HealthState {
    let failed = inside.parts().into_iter().find_map(|(part, state)| match state {
        HealthState::Failed { reason } => Some(format!("{part}: {reason}")),
        _ => None,
    });
    let Condition { held_records, stored_bytes, .. } = condition;
    let waiting = format!(
        "{held_records} records wait in the spool ({}), the oldest for {} s",
        ByteSize(*stored_bytes),
        oldest_seconds(condition)
    );
    match (failed, &condition.trouble) {
        (Some(failed), _) => {
            let reason = format!("the spool is not replayed before a restart: {failed}; {waiting}");
            HealthState::Failed { reason }
        }
        (None, Some(trouble)) if !condition.is_straight => {
            let reason = format!("the bus takes nothing, and {waiting}: {trouble}");
            HealthState::Degraded { reason }
        }
        (None, _) if !condition.is_straight && *held_records > 0 => {
            HealthState::Degraded { reason: format!("{waiting}; they go on to the bus") }
        }
        (None, _) => HealthState::Ready,
    }
}

/// How long ago the oldest record in the spool was received, in whole seconds; 0 if there is none.
fn oldest_seconds(condition: &Condition) -> u64 {
    let received = condition.oldest_received_at_ns.and_then(|at| u64::try_from(at).ok());
    let received = received.map(|at| SystemTime::UNIX_EPOCH + Duration::from_nanos(at));
    received.and_then(|at| at.elapsed().ok()).map_or(0, |age| age.as_secs())
}

/// Shows the numbers of the spool, which are read when they are asked for.
pub(super) fn show(junction: &Arc<Junction>, metrics: &Metrics) {
    let number = |name: &str, help: &str, kind, read: fn(&Condition) -> u64| {
        let junction = Arc::downgrade(junction);
        metrics.computed(name, help, kind, &[], move || {
            let condition = junction.upgrade().map(|junction| junction.condition());
            condition.iter().map(|condition| (Vec::new(), read(condition) as f64)).collect()
        });
    };
    number(
        "millrace_gateway_spool_bytes",
        "Bytes of the spool on disk",
        MetricKind::Gauge,
        |condition| condition.stored_bytes,
    );
    number(
        "millrace_gateway_spool_records",
        "Records in the spool that the bus has not taken",
        MetricKind::Gauge,
        |condition| condition.held_records,
    );
    number(
        "millrace_gateway_spool_oldest_seconds",
        "Time since the oldest record in the spool was received; 0 if there is none",
        MetricKind::Gauge,
        oldest_seconds,
    );
    number(
        "millrace_gateway_spooled_records_total",
        "Records that were acknowledged by the spool",
        MetricKind::Counter,
        |condition| condition.spooled_records,
    );
    number(
        "millrace_gateway_replayed_records_total",
        "Records that the bus took out of the spool",
        MetricKind::Counter,
        |condition| condition.replayed_records,
    );
}
