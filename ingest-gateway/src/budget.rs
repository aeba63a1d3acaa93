//! The memory that the doors may use: for bytes that are read, and for records on their way to the log.
//!
//! Whoever wants to read reserves first and waits while there is no room; nothing that was read is
//! ever dropped for want of room. One address gets at most half, so that it cannot stop the others.

use std::sync::Arc;

use service::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a record costs on its way beside its payload, in bytes.
const RECORD_BYTES: usize = 512;

/// The two parts of the memory. They are separate so that what is read can always be published: a
/// publisher never waits for a reader.
#[derive(Debug)]
pub(crate) struct Budget {
    reading: Arc<Semaphore>,
    publishing: Semaphore,
    publishing_bytes: u32,
    share_bytes: u32,
}

impl Budget {
    /// Three quarters for reading, one for publishing.
    pub(crate) fn new(memory: ByteSize) -> Self {
        let quarter = (memory.as_usize() / 4).min(Semaphore::MAX_PERMITS / 4);
        let share = quarter * 3 / 2;
        Self {
            reading: Arc::new(Semaphore::new(quarter * 3)),
            publishing: Semaphore::new(quarter),
            publishing_bytes: u32::try_from(quarter).unwrap_or(u32::MAX),
            share_bytes: u32::try_from(share).unwrap_or(u32::MAX),
        }
    }

    /// The part of the reading memory that one address may hold.
    pub(crate) fn share(&self) -> Share {
        Share {
            own: Arc::new(Semaphore::new(self.share_bytes as usize)),
            all: Arc::clone(&self.reading),
            bytes_max: self.share_bytes,
        }
    }

    /// Waits until that many records may be made.
    pub(crate) async fn publishing(&self, records: usize) -> tokio::sync::SemaphorePermit<'_> {
        let bytes = u32::try_from(records.saturating_mul(RECORD_BYTES)).unwrap_or(u32::MAX);
        let bytes = bytes.min(self.publishing_bytes);
        self.publishing.acquire_many(bytes).await.expect("the semaphore is never closed")
    }
}

/// What one address may hold of the reading memory; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    bytes_max: u32,
}

impl Share {
    /// Waits for room. More than the whole share is given as the whole share.
    pub(crate) async fn reserve(&self, bytes: usize) -> Reservation {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max);
        let never_closed = "the semaphore is never closed";
        let own = Arc::clone(&self.own).acquire_many_owned(bytes).await.expect(never_closed);
        let all = Arc::clone(&self.all).acquire_many_owned(bytes).await.expect(never_closed);
        Reservation { own, all }
    }
}

/// Room that is held until dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Reservation {
    /// How much it is.
    pub(crate) fn bytes(&self) -> usize {
        self.all.num_permits()
    }

    /// Keeps `bytes` and gives the rest away, to be held by somebody else or dropped.
    pub(crate) fn keep(&mut self, bytes: usize) -> Option<Self> {
        let rest = self.bytes().checked_sub(bytes).filter(|rest| *rest > 0)?;
        Some(Self { own: self.own.split(rest)?, all: self.all.split(rest)? })
    }

    /// Adds room of the same address.
    pub(crate) fn add(&mut self, other: Self) {
        self.own.merge(other.own);
        self.all.merge(other.all);
    }
}

#[cfg(test)]
mod tests {
    use futures_test_free::ready;
    use service::ByteSize;

    use super::Budget;

    /// Whether a future is ready at once.
    mod futures_test_free {
        use std::future::Future;
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        pub(super) fn ready<F: Future>(future: F) -> Option<F::Output> {
            match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            }
        }
    }

    #[test]
    fn one_address_cannot_take_all() {
        let budget = Budget::new(ByteSize(64 << 20));
        let greedy = budget.share();
        let held = ready(greedy.reserve(usize::MAX)).unwrap();
        assert_eq!(held.bytes(), 24 << 20);
        assert!(ready(greedy.reserve(1)).is_none(), "its share is used up");
        let other = ready(budget.share().reserve(24 << 20)).unwrap();
        assert!(ready(budget.share().reserve(1)).is_none(), "now all is used up");
        drop((held, other));
        assert!(ready(greedy.reserve(24 << 20)).is_some());
    }

    #[test]
    fn room_is_split_and_joined_without_loss() {
        let budget = Budget::new(ByteSize(64 << 20));
        let share = budget.share();
        let mut held = ready(share.reserve(1_000)).unwrap();
        let mut rest = held.keep(300).unwrap();
        assert_eq!((held.bytes(), rest.bytes()), (300, 700));
        assert!(held.keep(300).is_none());
        rest.add(held);
        assert_eq!(rest.bytes(), 1_000);
        drop(rest);
        assert_eq!(ready(share.reserve(usize::MAX)).unwrap().bytes(), 24 << 20);
    }
}
