//! The memory that the doors may use: for bytes that are read, and for records on their way to the log.
//!
//! Whoever wants to read reserves first and waits while there is no room; nothing that was read is
//! ever dropped for want of room. One address gets at most half, so that it cannot stop the others.

use service::{ByteBudget, ByteSize, HeldBytes, Metrics};

/// What a record costs on its way beside its payload, in bytes.
const RECORD_BYTES: u64 = 512;

/// The two parts of the memory. They are separate so that what is read can always be published: a
/// publisher never waits for a reader.
#[derive(Debug)]
pub(crate) struct Budget {
    reading: ByteBudget,
    publishing: ByteBudget,
    publishing_bytes: u64,
    share: ByteSize,
}

impl Budget {
    /// Three quarters for reading, one for publishing.
    pub(crate) fn new(memory: ByteSize, metrics: &Metrics) -> Self {
        let quarter = memory.0 / 4;
        let reading = ByteBudget::new(ByteSize(quarter * 3));
        reading.show("gateway_reading", metrics);
        let publishing = ByteBudget::new(ByteSize(quarter));
        publishing.show("gateway_publishing", metrics);
        let share = ByteSize(quarter * 3 / 2);
        Self { reading, publishing, publishing_bytes: quarter, share }
    }

    /// The part of the reading memory that one address may hold.
    pub(crate) fn share(&self) -> Share {
        Share { own: ByteBudget::new(self.share), all: self.reading.clone(), most: self.share }
    }

    /// Waits until that many records may be made.
    pub(crate) async fn publishing(&self, records: usize) -> HeldBytes {
        let bytes = (records as u64).saturating_mul(RECORD_BYTES).min(self.publishing_bytes);
        self.publishing.acquire(bytes).await.expect("it is not more than all")
    }
}

/// What one address may hold of the reading memory; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    own: ByteBudget,
    all: ByteBudget,
    most: ByteSize,
}

impl Share {
    /// Waits for room. More than the whole share is given as the whole share.
    pub(crate) async fn reserve(&self, bytes: usize) -> Reservation {
        let bytes = (bytes as u64).min(self.most.0);
        let own = self.own.acquire(bytes).await.expect("it is not more than the share");
        let all = self.all.acquire(bytes).await.expect("a share is not more than all");
        Reservation { own, all }
    }
}

/// Room that is held until dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    own: HeldBytes,
    all: HeldBytes,
}

impl Reservation {
    /// How much it is.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.all.bytes()).unwrap_or(usize::MAX)
    }

    /// Keeps `bytes` and gives the rest away, to be held by somebody else or dropped.
    pub(crate) fn keep(&mut self, bytes: usize) -> Option<Self> {
        let bytes = bytes as u64;
        Some(Self { own: self.own.keep(bytes)?, all: self.all.keep(bytes)? })
    }

    /// Adds room of the same address.
    pub(crate) fn add(&mut self, other: Self) {
        self.own.add(other.own);
        self.all.add(other.all);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use service::{ByteSize, Metrics};

    use super::Budget;

    /// What a future gives at once, if it does.
    fn ready<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_address_cannot_take_all() {
        let budget = Budget::new(ByteSize(64 << 20), &Metrics::default());
        let greedy = budget.share();
        let held = ready(greedy.reserve(usize::MAX)).unwrap();
        assert_eq!(held.bytes(), 24 << 20);
        assert!(ready(greedy.reserve(1)).is_none(), "its share is used up");
        let other = ready(budget.share().reserve(24 << 20)).unwrap();
        assert!(ready(budget.share().reserve(1)).is_none(), "now all is used up");
        assert!(ready(budget.publishing(2_048)).is_some(), "what was read can be published");
        drop((held, other));
        assert!(ready(greedy.reserve(24 << 20)).is_some());
    }
}
