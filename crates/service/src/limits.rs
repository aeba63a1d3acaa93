//! A budget of bytes: whoever wants to hold bytes waits until there is room.
//!
//! First come, first served: a large request is not starved by small ones. A request larger than the
//! whole is refused at once, since it would wait for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::{MetricKind, Metrics};
use crate::units::ByteSize;

/// Bytes are given out in pieces of this size, so that budgets over 4 GiB fit the semaphore.
const PIECE_BYTES: u64 = 256;

/// Room for bytes; cloning shares.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    room: Arc<Semaphore>,
    total: ByteSize,
    held_bytes: Arc<AtomicU64>,
}

/// Room that is held until this is dropped.
#[derive(Debug)]
pub struct HeldBytes {
    bytes: u64,
    held_bytes: Arc<AtomicU64>,
    permit: OwnedSemaphorePermit,
}

/// Why there is no room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// There never will be.
    #[error("{wanted_bytes} bytes are more than the whole budget of {total}")]
    LargerThanAll {
        /// What was asked for.
        wanted_bytes: u64,
        /// The budget.
        total: ByteSize,
    },
    /// There is none now.
    #[error("no room for {wanted_bytes} bytes now: the budget of {total} is in use")]
    Busy {
        /// What was asked for.
        wanted_bytes: u64,
        /// The budget.
        total: ByteSize,
    },
}

impl ByteBudget {
    /// A budget of this size.
    #[must_use]
    pub fn new(total: ByteSize) -> Self {
        // All of it can be had at once, whatever its size.
        let pieces = usize::try_from(total.0.div_ceil(PIECE_BYTES)).unwrap_or(usize::MAX);
        let room = Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS)));
        Self { room, total, held_bytes: Arc::default() }
    }

    /// Shows the budget as the gauges `millrace_<name>_held_bytes` and `millrace_<name>_budget_bytes`.
    pub fn show(&self, name: &str, metrics: &Metrics) {
        let budget = self.clone();
        metrics.computed(
            &format!("millrace_{name}_held_bytes"),
            "Bytes that are held out of the budget",
            MetricKind::Gauge,
            &[],
            move || vec![(Vec::new(), budget.held().0 as f64)],
        );
        let total = self.total.0 as f64;
        metrics.computed(
            &format!("millrace_{name}_budget_bytes"),
            "Bytes that may be held together",
            MetricKind::Gauge,
            &[],
            move || vec![(Vec::new(), total)],
        );
    }

    /// Bytes that are held now.
    #[must_use]
    pub fn held(&self) -> ByteSize {
        ByteSize(self.held_bytes.load(Ordering::Relaxed))
    }

    /// Waits for room.
    ///
    /// # Errors
    /// [`BudgetError::LargerThanAll`].
    pub async fn acquire(&self, bytes: u64) -> Result<HeldBytes, BudgetError> {
        let pieces = self.pieces(bytes)?;
        let permit = Arc::clone(&self.room).acquire_many_owned(pieces).await;
        Ok(self.hold(bytes, permit.expect("the semaphore of a budget is never closed")))
    }

    /// Takes room if there is any now.
    ///
    /// # Errors
    /// [`BudgetError`].
    pub fn try_acquire(&self, bytes: u64) -> Result<HeldBytes, BudgetError> {
        let pieces = self.pieces(bytes)?;
        let busy = |_| BudgetError::Busy { wanted_bytes: bytes, total: self.total };
        let permit = Arc::clone(&self.room).try_acquire_many_owned(pieces).map_err(busy)?;
        Ok(self.hold(bytes, permit))
    }

    fn pieces(&self, bytes: u64) -> Result<u32, BudgetError> {
        let refused = BudgetError::LargerThanAll { wanted_bytes: bytes, total: self.total };
        if bytes > self.total.0 {
            return Err(refused);
        }
        u32::try_from(bytes.div_ceil(PIECE_BYTES)).map_err(|_| refused)
    }

    fn hold(&self, bytes: u64, permit: OwnedSemaphorePermit) -> HeldBytes {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        HeldBytes { bytes, held_bytes: Arc::clone(&self.held_bytes), permit }
    }
}

impl HeldBytes {
    /// How much it is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Keeps this much and hands over the rest, to be held elsewhere or let go; `None` if there is no
    /// rest.
    pub fn keep(&mut self, bytes: u64) -> Option<Self> {
        let rest = self.bytes.checked_sub(bytes).filter(|rest| *rest > 0)?;
        // Bytes that were split off share pieces, so there may be fewer than these bytes alone need.
        let kept = usize::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(usize::MAX);
        let permit = self.permit.split(self.permit.num_permits().saturating_sub(kept))?;
        self.bytes = bytes;
        Some(Self { bytes: rest, held_bytes: Arc::clone(&self.held_bytes), permit })
    }

    /// Adds room that is held out of the same budget.
    ///
    /// # Panics
    /// If it is held out of another one.
    pub fn add(&mut self, mut other: Self) {
        if let Some(permit) = other.permit.split(other.permit.num_permits()) {
            self.permit.merge(permit);
        }
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_all_is_refused_and_what_is_let_go_can_be_had_again() {
        let budget = ByteBudget::new(ByteSize(1024));
        let all = budget.try_acquire(1000).unwrap();
        assert_eq!(budget.held(), ByteSize(1000));
        assert!(matches!(budget.try_acquire(1), Err(BudgetError::Busy { .. })));
        assert!(matches!(budget.try_acquire(1025), Err(BudgetError::LargerThanAll { .. })));
        drop(all);
        assert_eq!(budget.held(), ByteSize(0));
        drop(budget.try_acquire(1024).unwrap());
    }

    #[test]
    fn all_of_a_budget_of_any_size_can_be_had() {
        for total in [0, 1, 1_000, 1_025] {
            let budget = ByteBudget::new(ByteSize(total));
            drop(budget.try_acquire(total).unwrap());
            let more = budget.try_acquire(total + 1);
            assert!(matches!(more, Err(BudgetError::LargerThanAll { .. })), "{total}");
        }
    }

    #[test]
    fn what_is_held_is_split_and_joined_without_loss() {
        let budget = ByteBudget::new(ByteSize(1024));
        let mut held = budget.try_acquire(1000).unwrap();
        let mut rest = held.keep(300).unwrap();
        assert_eq!((held.bytes(), rest.bytes()), (300, 700));
        assert!(held.keep(300).is_none(), "there is no rest");
        assert!(budget.try_acquire(1).is_err());
        rest.add(held);
        assert_eq!((rest.bytes(), budget.held()), (1000, ByteSize(1000)));
        drop(rest.keep(0));
        assert_eq!(budget.held(), ByteSize(0));
        drop(budget.try_acquire(1024).unwrap());
    }

    #[tokio::test]
    async fn a_large_request_is_not_starved_by_small_ones() {
        let budget = ByteBudget::new(ByteSize(1024));
        let first = budget.acquire(512).await.unwrap();
        let large = tokio::spawn({
            let budget = budget.clone();
            async move { budget.acquire(1024).await }
        });
        tokio::task::yield_now().await;
        assert!(budget.try_acquire(256).is_err(), "the large request is first in the queue");
        drop(first);
        assert!(large.await.unwrap().is_ok());
        assert!(budget.acquire(2048).await.is_err());
    }

    #[test]
    fn budgets_are_shown() {
        let metrics = Metrics::default();
        let budget = ByteBudget::new(ByteSize(2048));
        budget.show("intake", &metrics);
        let _held = budget.try_acquire(300).unwrap();
        let text = metrics.text();
        assert!(text.contains("millrace_intake_held_bytes 300"), "{text}");
        assert!(text.contains("millrace_intake_budget_bytes 2048"), "{text}");
    }
}
