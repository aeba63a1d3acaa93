//! How many files are open, and how many may be: of an input with a limit of its own, or of all that have none.
//!
//! Only counts. What is over the limit closes whoever holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use prometheus::IntGauge;

/// Open files that have one limit.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    max: u32,
    count: AtomicU32,
    /// All of the door.
    all: IntGauge,
}

impl OpenFiles {
    /// At most so many; they are counted among all of the door too.
    pub(crate) fn at_most(max: u32, all: &IntGauge) -> Arc<Self> {
        Arc::new(Self { max, count: AtomicU32::new(0), all: all.clone() })
    }

    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    /// Whether no further one should be opened.
    pub(crate) fn is_full(&self) -> bool {
        self.count() >= self.max
    }

    /// Whether there are more than there should be.
    pub(crate) fn is_over(&self) -> bool {
        self.count() > self.max
    }

    fn count(&self) -> u32 {
        // One thread opens and closes the files of the door.
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.all.inc();
    }

    pub(super) fn remove(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.all.dec();
    }
}
