//! What the service manager is told, where there is one (sd_notify(3)): that everything is open, and that the process
//! stops.
//!
//! Nothing hangs on it: a process that nobody hears runs all the same.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;
use service::{Context, Health, HealthState};

/// The variable in which a service manager says where it listens.
const VARIABLE: &str = "NOTIFY_SOCKET";
/// How often it is looked whether everything is open.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Tells when all of these parts are open, and when the process is told to stop; then it ends.
///
/// # Errors
/// None.
pub(crate) async fn tell(context: Context, parts: Vec<&'static str>) -> Result<(), Infallible> {
    let shutdown = &context.shutdown;
    if std::env::var_os(VARIABLE).is_none() {
        shutdown.cancelled().await;
        return Ok(());
    }
    if shutdown.run_until_cancelled(opened(&context.health, &parts)).await.is_some() {
        say(&NotifyState::Ready);
    }
    shutdown.cancelled().await;
    say(&NotifyState::Stopping);
    Ok(())
}

fn say(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "the service manager cannot be told: {state}");
    }
}

async fn opened(health: &Health, parts: &[&str]) {
    while !are_open(&health.parts(), parts) {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Whether these have all come up, and nothing is waited for. One that needs a person has come up too: another
/// start would not help it.
fn are_open(states: &BTreeMap<String, HealthState>, parts: &[&str]) -> bool {
    let is_waited_for = |state: &HealthState| matches!(state, HealthState::Waiting { .. });
    parts.iter().all(|part| states.contains_key(*part)) && !states.values().any(is_waited_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_must_be_there_and_nothing_be_waited_for() {
        let health = Health::default();
        let parts = ["ingest-gateway", "indexer"];
        let are_open = || are_open(&health.parts(), &parts);
        health.set("ingest-gateway", HealthState::Ready);
        assert!(!are_open(), "one is not there");
        health.set("indexer", HealthState::Waiting { reason: "its group".to_owned() });
        assert!(!are_open());
        health.set("indexer", HealthState::Ready);
        health.set("bus", HealthState::Waiting { reason: "an engine".to_owned() });
        assert!(!are_open(), "something else is waited for");
        health.clear("bus");
        assert!(are_open());
        health.set("disk", HealthState::Failed { reason: "full".to_owned() });
        assert!(are_open(), "that needs a person");
    }
}
