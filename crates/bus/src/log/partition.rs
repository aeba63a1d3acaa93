//! A partition: its segments, what may be read of them, and who waits for more.
//!
//! No lock is held over a file operation that readers or the writer would wait for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Notify;

use super::counters::{Counters, count};
use super::files::Files;
use super::index::Entry;
use super::locked;
use super::segment::{Segment, SegmentFacts};
use crate::port::PartitionId;

/// State that the writer, the readers and retention share.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) id: PartitionId,
    pub(super) folder: PathBuf,
    pub(super) files: Arc<dyn Files>,
    pub(super) counters: Arc<Counters>,
    /// In order, never empty; the last one is written to.
    segments: RwLock<Vec<Arc<Segment>>>,
    end_offset: AtomicU64,
    listeners: Mutex<Vec<Arc<Notify>>>,
}

impl Partition {
    pub(super) fn new(
        id: PartitionId,
        folder: &Path,
        files: Arc<dyn Files>,
        counters: Arc<Counters>,
        segments: Vec<Arc<Segment>>,
    ) -> Self {
        let end = segments.last().map_or(0, |segment| segment.readable().offset);
        Self {
            id,
            folder: folder.to_owned(),
            files,
            counters,
            segments: RwLock::new(segments),
            end_offset: AtomicU64::new(end),
            listeners: Mutex::default(),
        }
    }

    /// Offset of the oldest frame that is kept.
    pub(super) fn start_offset(&self) -> u64 {
        self.with_segments(|segments| segments.first().map_or(0, |first| first.base_offset))
    }

    /// Offset after the last readable frame.
    pub(super) fn end_offset(&self) -> u64 {
        self.end_offset.load(Ordering::Acquire)
    }

    fn with_segments<T>(&self, look: impl FnOnce(&[Arc<Segment>]) -> T) -> T {
        look(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The segment that holds this offset, or else the one after it.
    pub(super) fn segment_at(&self, offset: u64) -> Option<Arc<Segment>> {
        self.with_segments(|segments| {
            let after = segments.partition_point(|segment| segment.base_offset <= offset);
            segments.get(after.saturating_sub(1)).cloned()
        })
    }

    pub(super) fn segment_after(&self, base_offset: u64) -> Option<Arc<Segment>> {
        self.with_segments(|segments| {
            let after = segments.partition_point(|segment| segment.base_offset <= base_offset);
            segments.get(after).cloned()
        })
    }

    /// Makes frames readable up to here and wakes who waits for them.
    pub(super) fn advance(&self, segment: &Segment, readable: Entry, entry: Option<Entry>) {
        segment.advance(readable, entry);
        self.end_offset.store(readable.offset, Ordering::Release);
        self.wake();
    }

    pub(super) fn wake(&self) {
        for listener in locked(&self.listeners).iter() {
            listener.notify_one();
        }
    }

    pub(super) fn push_segment(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    pub(super) fn listen(&self, listener: &Arc<Notify>) {
        locked(&self.listeners).push(Arc::clone(listener));
    }

    pub(super) fn ignore(&self, listener: &Arc<Notify>) {
        locked(&self.listeners).retain(|other| !Arc::ptr_eq(other, listener));
    }

    /// The closed segments, oldest first.
    pub(super) fn closed_segments(&self) -> Vec<SegmentFacts> {
        self.with_segments(|segments| {
            let closed = &segments[..segments.len().saturating_sub(1)];
            closed.iter().map(|segment| segment.facts()).collect()
        })
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.with_segments(|segments| segments.iter().map(|segment| segment.facts().bytes).sum())
    }

    /// Removes the oldest closed segments.
    pub(super) fn remove_segments(&self, number: usize) -> io::Result<()> {
        let removed: Vec<_> = {
            let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
            let number = number.min(segments.len().saturating_sub(1));
            segments.drain(..number).collect()
        };
        for segment in removed {
            segment.remove(&*self.files)?;
            count(&self.counters.removed_segments, 1);
            tracing::info!(segment = %segment.log_path().display(), "retention removed a segment");
        }
        Ok(())
    }
}
