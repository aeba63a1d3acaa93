//! The numbers of a conservation ledger, and their form in a commit's metadata.
//!
//! A name counted here (reason, kind) is a label too: names are cut, cleaned and few, so that no
//! event's text can grow the metadata or the metrics.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Different names kept by one [`NamedCounts`]; more are counted as [`OTHER`].
pub const NAMES_MAX: usize = 24;
/// Longest name kept, in bytes; longer ones are cut.
pub const NAME_BYTES_MAX: usize = 48;
/// The name under which names beyond [`NAMES_MAX`] are counted.
pub const OTHER: &str = "other";

/// Counts by a bounded set of names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamedCounts(BTreeMap<String, u64>);

impl NamedCounts {
    /// Adds to a name's count.
    pub fn add(&mut self, name: &str, count: u64) {
        let name = clean(name);
        if let Some(known) = self.0.get_mut(name.as_ref()) {
            *known += count;
        } else if self.0.len() + 1 < NAMES_MAX || name == OTHER {
            self.0.insert(name.into_owned(), count);
        } else {
            *self.0.entry(OTHER.to_owned()).or_default() += count;
        }
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.add(name, *count);
        }
    }

    /// The sum over all names.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The counts by name.
    #[must_use]
    pub fn by_name(&self) -> &BTreeMap<String, u64> {
        &self.0
    }
}

fn clean(name: &str) -> Cow<'_, str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(allowed) {
        return Cow::Borrowed(name);
    }
    let kept = name.bytes().take(NAME_BYTES_MAX);
    let text: String = kept.map(|b| if allowed(b) { char::from(b) } else { '_' }).collect();
    Cow::Owned(if text.is_empty() { "_".to_owned() } else { text })
}

/// What happened to records: of one batch, or of a partition since its first commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Records that the frames promised.
    pub received: u64,
    /// Records whose outputs were all delivered.
    pub forwarded: u64,
    /// Records that ended by intention, by reason.
    pub discarded: NamedCounts,
    /// Records that stand in the dead letters, by kind.
    pub dead: NamedCounts,
    /// Records delivered to the sink; counted beside the balance.
    pub outputs: u64,
    /// Records that had been taken before; counted beside the balance.
    pub redelivered: u64,
}

impl Counters {
    /// Adds another's numbers.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.forwarded += other.forwarded;
        self.discarded.merge(&other.discarded);
        self.dead.merge(&other.dead);
        self.outputs += other.outputs;
        self.redelivered += other.redelivered;
    }

    /// As the metadata of a commit: at most 4,096 bytes whatever was counted.
    #[must_use]
    pub fn to_metadata(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("numbers by strings are always JSON"))
    }

    /// From the metadata of the last commit; no metadata is a fresh start.
    ///
    /// # Errors
    /// What is wrong with metadata that another program or version wrote.
    pub fn from_metadata(metadata: &[u8]) -> Result<Self, serde_json::Error> {
        if metadata.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(metadata)
    }
}
