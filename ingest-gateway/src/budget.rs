//! The memory that the doors may use: for bytes that are read, and for records on their way to the log.
//!
//! Whoever wants to read reserves first and waits while there is no room; nothing that was read is
//! ever dropped for want of room. One address gets at most half, so that it cannot stop the others, and shops
//! publish in turn.

use std::sync::Arc;

use bytestring::ByteString;
use service::{ByteBudget, ByteSize, HeldBytes, Metrics};

use crate::config::Config;
use crate::fair::{FairBudget, Room};

/// What a record costs on its way beside its payload, in bytes.
const RECORD_BYTES: u64 = 512;
/// Records that a shop may have made in its turn while others wait: those of a full batch.
const TURN_RECORDS: u64 = 2_048;
/// What TLS itself may hold of a connection, in bytes: a record that has not come whole (RFC 8446, 5.2: 16 KiB and a
/// little), its keys, and certificates.
const TLS_CONNECTION_BYTES: u64 = 20 << 10;

/// The parts of the memory. They are separate so that what is read can always be published, since a
/// publisher never waits for a reader, and so that connections that are silent never keep others from being read.
#[derive(Debug)]
pub(crate) struct Budget {
    reading: ByteBudget,
    publishing: Arc<FairBudget>,
    publishing_bytes: u64,
    share: ByteSize,
    tls: ByteBudget,
    tls_share: ByteSize,
}

impl Budget {
    /// As large as it is set, with a part for TLS where a door speaks it.
    pub(crate) fn of(config: &Config, metrics: &Metrics) -> Self {
        match config.speaks_tls() {
            true => Self::with_tls(config.memory_bytes_max, metrics),
            false => Self::new(config.memory_bytes_max, metrics),
        }
    }

    /// Three quarters for reading, one for publishing.
    pub(crate) fn new(memory: ByteSize, metrics: &Metrics) -> Self {
        let eighth = memory.0 / 8;
        Self::of_parts(eighth * 6, eighth * 2, 0, eighth * 3, metrics)
    }

    /// Where a door speaks TLS: a quarter for what TLS holds of connections, taken by halves from the other parts. One
    /// address may read as much as without it, since the largest message goes by that.
    pub(crate) fn with_tls(memory: ByteSize, metrics: &Metrics) -> Self {
        let eighth = memory.0 / 8;
        let budget = Self::of_parts(eighth * 5, eighth, eighth * 2, eighth * 3, metrics);
        budget.tls.show("gateway_tls", metrics);
        budget
    }

    fn of_parts(reading: u64, publishing: u64, tls: u64, share: u64, metrics: &Metrics) -> Self {
        let all_publishing = ByteBudget::new(ByteSize(publishing));
        all_publishing.show("gateway_publishing", metrics);
        let budget = Self {
            reading: ByteBudget::new(ByteSize(reading)),
            publishing: FairBudget::new(all_publishing, TURN_RECORDS * RECORD_BYTES),
            publishing_bytes: publishing,
            share: ByteSize(share),
            tls: ByteBudget::new(ByteSize(tls)),
            tls_share: ByteSize(tls / 2),
        };
        budget.reading.show("gateway_reading", metrics);
        budget
    }

    /// The part of the memory that one address may hold.
    pub(crate) fn share(&self) -> Share {
        Share {
            own: ByteBudget::new(self.share),
            all: self.reading.clone(),
            most: self.share,
            tls: ByteBudget::new(self.tls_share),
        }
    }

    /// Connections with TLS at once for which there is room.
    pub(crate) fn tls_connections_max(&self) -> u64 {
        self.tls_share.0 * 2 / TLS_CONNECTION_BYTES
    }

    /// Takes what TLS holds of a connection if there is room for one more.
    pub(crate) fn tls_now(&self) -> Option<HeldBytes> {
        self.tls.try_acquire(TLS_CONNECTION_BYTES).ok()
    }

    /// Waits for that room. Only for a budget with a part for TLS.
    pub(crate) async fn tls(&self) -> HeldBytes {
        self.tls.acquire(TLS_CONNECTION_BYTES).await.expect("one connection is less than the part")
    }

    /// Waits until that many records of a shop may be made. Shops have turns, so that one with a thousand senders
    /// does not put another one behind a thousand batches.
    pub(crate) async fn publishing(&self, shop: &ByteString, records: usize) -> Room {
        let bytes = (records as u64).saturating_mul(RECORD_BYTES).min(self.publishing_bytes);
        self.publishing.acquire(shop, bytes).await
    }
}

/// What one address may hold of the reading memory; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    own: ByteBudget,
    all: ByteBudget,
    most: ByteSize,
    tls: ByteBudget,
}

impl Share {
    /// Takes what TLS holds of one more connection from there, unless it has enough of them.
    pub(crate) fn tls(&self) -> Option<HeldBytes> {
        self.tls.try_acquire(TLS_CONNECTION_BYTES).ok()
    }

    /// Whether others could want what is held of it: a quarter more of it cannot be had at once.
    pub(crate) fn is_scarce(&self) -> bool {
        let quarter = self.most.0 / 4;
        self.own.try_acquire(quarter).is_err() || self.all.try_acquire(quarter).is_err()
    }

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

    use bytestring::ByteString;
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
        assert!(
            ready(budget.publishing(&ByteString::new(), 2_048)).is_some(),
            "what was read can be published"
        );
        drop((held, other));
        assert!(ready(greedy.reserve(24 << 20)).is_some());
    }

    #[test]
    fn parts_of_a_memory_of_any_size_can_be_had_whole() {
        for memory in [ByteSize(100_000_000), ByteSize((32 << 20) + 9)] {
            for make in [Budget::new, Budget::with_tls] {
                let budget = make(memory, &Metrics::default());
                let held = ready(budget.share().reserve(usize::MAX)).unwrap();
                assert_eq!(held.bytes() as u64, memory.0 / 8 * 3);
                assert!(ready(budget.publishing(&ByteString::new(), usize::MAX)).is_some());
            }
        }
    }

    #[test]
    fn tls_has_a_part_of_its_own_of_which_one_address_has_half() {
        let budget = Budget::with_tls(ByteSize(64 << 20), &Metrics::default());
        let greedy = budget.share();
        let silent: Vec<_> =
            std::iter::from_fn(|| Some((greedy.tls()?, budget.tls_now()?))).collect();
        assert_eq!(silent.len(), (8 << 20) / (20 << 10));
        let others: Vec<_> = std::iter::from_fn(|| ready(budget.tls())).collect();
        assert_eq!(silent.len() + others.len(), (16 << 20) / (20 << 10));
        assert_eq!(ready(greedy.reserve(usize::MAX)).unwrap().bytes(), 24 << 20, "it is read");
        assert!(ready(budget.publishing(&ByteString::new(), 2_048)).is_some(), "and published");
        drop(silent);
        assert!(greedy.tls().is_some() && budget.tls_now().is_some());
    }
}
