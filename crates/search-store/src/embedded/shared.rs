//! What readers and the writer share: the parts, how far they are searchable, and which are open. It decides
//! nothing about documents.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::catalog::Catalog;
use super::config::EmbeddedConfig;
use super::evaluate::failed;
use super::part::{Part, PartError, PartView};
use crate::StoreError;
use crate::point_in_time::PointsInTime;

/// What can be searched at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// Oldest first.
    pub(crate) parts: Vec<Arc<Part>>,
    /// Everything that was indexed up to here can be found.
    pub(crate) sequence: u64,
}

/// What a read looks at: the segments of one moment. Their files can be read for as long as it lives, whatever is
/// merged or taken away meanwhile.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) snapshot: Arc<Snapshot>,
    /// Oldest part first.
    pub(crate) views: Vec<Arc<PartView>>,
}

/// The folder and its parts.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) config: EmbeddedConfig,
    /// The fields of now, with which new parts are made.
    pub(crate) catalog: Arc<Catalog>,
    /// What consistent searches page through.
    pub(crate) points: Arc<PointsInTime<Arc<Held>>>,
    snapshot: RwLock<Arc<Snapshot>>,
    turn: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        folder: PathBuf,
        config: EmbeddedConfig,
        catalog: Arc<Catalog>,
        snapshot: Snapshot,
    ) -> Self {
        let snapshot = RwLock::new(Arc::new(snapshot));
        let points = Arc::new(PointsInTime::new(config.points_in_time));
        Self { folder, config, catalog, points, snapshot, turn: AtomicU64::new(0) }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn publish(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Whether a part was not taken away.
    pub(crate) fn holds(&self, part: &Part) -> bool {
        self.snapshot().parts.iter().any(|held| held.name == part.name)
    }

    /// What can be searched now.
    ///
    /// # Errors
    /// A part that cannot be read.
    pub(crate) fn hold(&self) -> Result<Held, StoreError> {
        let snapshot = self.snapshot();
        let mut views = Vec::with_capacity(snapshot.parts.len());
        for part in &snapshot.parts {
            match self.view(part) {
                Ok(view) => views.push(view),
                // Retention took it away in this moment.
                Err(_) if !self.holds(part) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Held { snapshot, views })
    }

    /// What can be read of a part; closes the one that was not used for the longest time if there are
    /// too many.
    pub(crate) fn view(&self, part: &Part) -> Result<Arc<PartView>, PartError> {
        let view = part.view(self.turn.fetch_add(1, Ordering::Relaxed) + 1)?;
        let snapshot = self.snapshot();
        let mut open: Vec<_> = snapshot.parts.iter().filter(|part| part.is_open()).collect();
        if open.len() > self.config.open_parts_max.max(1) {
            open.sort_by_key(|part| part.last_used());
            let closed = open.len() - self.config.open_parts_max.max(1);
            open.iter().take(closed).for_each(|part| part.close());
        }
        Ok(view)
    }
}
