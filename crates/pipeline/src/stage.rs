//! What a stage is: a pure function from records to verdicts, with its state handed to it.
//!
//! A stage does no I/O, reads no clock and draws no random number; `received_at` of a record is its
//! only "now".

use std::borrow::Cow;

use async_trait::async_trait;
use bus::{BusError, ErrorKind, Positioned, Record};
use bytes::Bytes;
use smallvec::SmallVec;

/// Why a record is refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// A short name for counting: `invalid_json`, `too_deep`.
    pub kind: Cow<'static, str>,
    /// What is wrong, for a person.
    pub message: String,
    /// Byte of the payload where it went wrong, where that is known.
    pub position_bytes: Option<u64>,
}

impl From<event::Refusal> for Rejection {
    fn from(refusal: event::Refusal) -> Self {
        Self {
            kind: refusal.kind.as_str().into(),
            message: refusal.to_string(),
            position_bytes: Some(refusal.position_bytes as u64),
        }
    }
}

/// The one decision about a record.
#[derive(Debug)]
pub enum Verdict {
    /// These records go on; usually one.
    Forward(SmallVec<[Record; 1]>),
    /// It ends here by intention: `drop`, not a transaction.
    Discard(&'static str),
    /// It cannot be used: to the dead letters.
    Reject(Rejection),
}

/// Names a piece of a stage's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateKey(pub String);

/// The state a batch needs: loaded before `process`, saved after delivery. Slots stand in the order
/// of the keys that [`Stage::keys`] named.
#[derive(Debug, Default)]
pub struct State {
    /// The keys.
    pub keys: Vec<StateKey>,
    /// What is stored under each; `None` if nothing is.
    pub values: Vec<Option<Bytes>>,
    /// Which slots `process` changed.
    pub changed: Vec<bool>,
}

impl State {
    /// Replaces a slot's value and marks it as changed.
    pub fn set(&mut self, slot: usize, value: Bytes) {
        self.values[slot] = Some(value);
        self.changed[slot] = true;
    }
}

/// A step between two topics. One lives in each partition's runner.
pub trait Stage: Send {
    /// Names the state the batch needs, each key once. None by default.
    fn keys(&mut self, _batch: &[Positioned]) -> Vec<StateKey> {
        Vec::new()
    }

    /// Decides on every record: exactly one verdict each, in order.
    fn process(&mut self, batch: &[Positioned], state: &mut State) -> Vec<Verdict>;

    /// Whether a batch takes it so little time that no thread of its own is worth it.
    fn is_light(&self) -> bool {
        false
    }

    /// Tells the stage that event time has passed `watermark_ns`; what it returns is forwarded.
    /// Ids of such outputs are derived.
    fn advance(&mut self, _watermark_ns: i64) -> Vec<Record> {
        Vec::new()
    }

    /// Tells the stage that it gets no more records: its partition is let go, or the process stops.
    /// What it returns is forwarded; ids of such outputs are derived.
    fn finish(&mut self) -> Vec<Record> {
        Vec::new()
    }
}

/// Look-ups that leave the process (DNS, a cache), made by the runner before `process`. A stage that
/// needs none has none.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Finds what the batch will ask for, so that `process` finds it in memory. A look-up that
    /// fails is a value, not an error.
    async fn resolve(&self, batch: &[Positioned]);
}

/// A stored value with its version, which grows with each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    /// Its version.
    pub version: u64,
    /// The value.
    pub body: Bytes,
}

/// A value to save, if nobody has changed it since it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Its key.
    pub key: StateKey,
    /// The version that was loaded; `None` if there was no value.
    pub loaded_version: Option<u64>,
    /// The new value.
    pub body: Bytes,
}

/// What the runner can do about a [`StateError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateErrorKind {
    /// Another process has changed a value since it was loaded: process the batch anew.
    Conflict,
    /// It may work later.
    Transient,
    /// It will not work until somebody changes something.
    Fatal,
}

/// Why state cannot be loaded or saved.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StateError {
    /// What the runner can do.
    pub kind: StateErrorKind,
    /// What happened and where, and what to do.
    pub message: String,
}

impl From<StateError> for BusError {
    fn from(error: StateError) -> Self {
        let kind = match error.kind {
            StateErrorKind::Conflict | StateErrorKind::Transient => ErrorKind::Transient,
            StateErrorKind::Fatal => ErrorKind::Fatal,
        };
        Self::new(kind, error.message)
    }
}

/// Where a stage's state lies. The runner holds [`StateStore::exclusive`] from load to save, so
/// that partitions of one process which share a key do not meet; those of several processes do, and
/// the one that saves second processes its batch anew.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Waits for the right to load and save within this process.
    async fn exclusive(&self) -> tokio::sync::OwnedMutexGuard<()>;

    /// Loads values in the order of the keys.
    ///
    /// # Errors
    /// Of the store; the runner tries again where the kind is transient, and else stops.
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<StoredState>>, StateError>;

    /// Saves all of these durably in one transaction, if none was changed since it was loaded.
    ///
    /// # Errors
    /// Of the store; nothing was saved then. The runner tries again where the kind is transient,
    /// processes the batch anew after a conflict, and else stops.
    async fn save(&self, changes: Vec<StateChange>) -> Result<(), StateError>;
}
