//! The permission table: the only place that says which role may do what.

use serde::{Deserialize, Serialize};

/// What somebody is; each may do all that the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads events.
    Viewer,
    /// Reads events and platform state.
    Analyst,
    /// Everything.
    Admin,
}

/// One thing that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Search, count, histogram, tail, one event.
    ReadEvents,
    /// Ledger and lag.
    ReadStatus,
    /// List and show dead letters: they hold original bytes.
    ReadDeadLetters,
    /// Replay and purge dead letters.
    ChangeDeadLetters,
    /// Make users and reset their passwords.
    ManageUsers,
    /// Make, list and revoke ingest tokens: whoever holds one sends events as its shop.
    ManageIngestTokens,
    /// Look on at a filter of the pipeline: events are shown before personal data is taken out.
    TapPipeline,
}

impl Permission {
    /// The lowest role that may.
    #[must_use]
    pub fn least_role(self) -> Role {
        match self {
            Permission::ReadEvents => Role::Viewer,
            Permission::ReadStatus => Role::Analyst,
            Permission::ReadDeadLetters
            | Permission::ChangeDeadLetters
            | Permission::ManageUsers
            | Permission::ManageIngestTokens
            | Permission::TapPipeline => Role::Admin,
        }
    }
}
