//! Readiness: each part of a service reports its own state; the process is ready when all are, and
//! alive while none is stalled. Nothing here probes anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HealthState {
    /// It works.
    Ready,
    /// It works, but not as it was told to: a person should look. The process is ready all the same.
    Degraded {
        /// In what.
        reason: String,
    },
    /// It is on its way: starting, waiting for an engine.
    Waiting {
        /// For what.
        reason: String,
    },
    /// It has stopped and needs a person.
    Failed {
        /// Why.
        reason: String,
    },
    /// It should go on and does not: only a new start of the process may help.
    Stalled {
        /// In what.
        reason: String,
    },
}

/// The states of all parts; cloning shares.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<String, HealthState>>>,
}

impl Health {
    /// Says how a part is now.
    pub fn set(&self, part: &str, state: HealthState) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(part.to_owned(), state);
    }

    /// Forgets a part that is no more, or that only speaks up when it is not ready.
    pub fn clear(&self, part: &str) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Whether the process makes progress: no part is stalled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.parts().values().any(|state| matches!(state, HealthState::Stalled { .. }))
    }

    /// Whether every part works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let works = |state: &HealthState| {
            matches!(state, HealthState::Ready | HealthState::Degraded { .. })
        };
        self.parts().values().all(works)
    }

    /// All parts by name.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<String, HealthState> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_that_waits_or_fails_is_enough_and_only_a_stalled_one_is_not_alive() {
        let health = Health::default();
        health.set("enricher", HealthState::Ready);
        health.set("pipeline", HealthState::Degraded { reason: "its file".to_owned() });
        assert!(health.is_ready() && health.is_live());
        for state in [
            HealthState::Waiting { reason: "engine".to_owned() },
            HealthState::Failed { reason: "disk".to_owned() },
        ] {
            health.set("indexer", state);
            assert!(!health.is_ready() && health.is_live());
        }
        health.set("indexer", HealthState::Stalled { reason: "process".to_owned() });
        assert!(!health.is_ready() && !health.is_live());
        health.clear("indexer");
        assert!(health.is_ready() && health.is_live());
        assert_eq!(health.parts().len(), 2);
    }
}
