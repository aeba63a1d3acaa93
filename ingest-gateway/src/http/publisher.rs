//! The lines of one body on their way to the log: a batch that fills, and one that is on its way.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use crate::budget::Reservation;
use crate::intake::{Batch, Ids, Intake, Lane, Line, Origin, Receipt};

/// Blocks with fewer bytes are copied. A full frame of HTTP/2 has as many, and reads of HTTP/1.1 soon have more.
const BLOCK_BYTES_MIN: usize = 16 << 10;

/// The way of one body.
pub(crate) struct Publisher<'a> {
    intake: &'a Intake,
    origin: Arc<Origin>,
    ids: Option<Ids>,
    batch: Batch,
    lane: Lane,
    room: Reservation,
    /// Size of the block that lines are slices of.
    block_bytes: usize,
}

impl<'a> Publisher<'a> {
    /// Lines come from there, and have ids of the key if there is one. The room is that of two batches.
    pub(crate) fn new(
        intake: &'a Intake,
        origin: Arc<Origin>,
        idempotency_key: Option<ByteString>,
        room: Reservation,
    ) -> Self {
        let (batch, lane) = (intake.batch(Ids::counted()), Lane::new(intake.clone()));
        let ids = idempotency_key.map(Ids::Keyed);
        let mut publisher = Self { intake, origin, ids, batch, lane, room, block_bytes: 0 };
        publisher.batch = publisher.fresh_batch();
        publisher
    }

    /// The lines that come next are slices of what is given back of a block: tiny ones hold all of it.
    pub(crate) fn begin_block(&mut self, block: Bytes) -> Bytes {
        let block = by_itself(block);
        self.block_bytes = block.len();
        self.batch.pin(block.len());
        block
    }

    /// Adds a line. Whether the batch is full, and must be sent.
    pub(crate) fn push(&mut self, line: Line) -> bool {
        if self.batch.is_empty() {
            // The batch was made when the one before it was sent off, and bodies may come slowly.
            self.batch.set_received_at_ns(self.intake.now_ns());
        }
        self.batch.push(line);
        self.batch.is_full()
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Sends the batch off. The one before it must have arrived.
    pub(crate) fn send(&mut self) {
        let fresh = self.fresh_batch();
        let mut batch = std::mem::replace(&mut self.batch, fresh);
        let rest = self.room.bytes().saturating_sub(batch.held_bytes());
        batch.room = self.room.keep(rest);
        self.lane.take(batch);
    }

    /// Lets go of the batch that fills: its lines are not sent.
    pub(crate) fn clear(&mut self) {
        self.batch = self.fresh_batch();
    }

    /// Waits for the batch on its way, if there is one.
    pub(crate) async fn arrival(&mut self) -> Option<Receipt> {
        let mut receipt = self.lane.arrival().await?;
        if let Some(room) = receipt.batch.room.take() {
            self.room.add(room);
        }
        Some(receipt)
    }

    fn fresh_batch(&self) -> Batch {
        let ids = self.ids.clone().unwrap_or_else(Ids::counted);
        let mut batch = self.intake.batch(ids);
        batch.set_origin(&self.origin);
        // What is left of the block belongs to it.
        batch.pin(self.block_bytes);
        batch
    }
}

/// A block that holds nothing else. As it comes it is a slice of what was read together, all of which is held as long as
/// a line is a slice of it. That is many times the line where a sender writes blanks behind each length of a chunk
/// (RFC 9112, 7.1), or frames that mean nothing between those of its data (RFC 9113, 5.5), and nobody counts it.
fn by_itself(block: Bytes) -> Bytes {
    if block.len() < BLOCK_BYTES_MIN { Bytes::copy_from_slice(&block) } else { block }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use bus::TOPIC_RAW;
    use bytes::Bytes;
    use service::Context;

    use super::{BLOCK_BYTES_MIN, Publisher, by_itself};
    use crate::config::Config;
    use crate::http::DOOR;
    use crate::intake::tests::{ScriptedBus, foundation_at, origin_of_body};
    use crate::intake::{Intake, Line};

    #[tokio::test]
    async fn lines_of_a_slow_body_have_the_time_at_which_they_came() {
        let (bus, now_ns) = (Arc::new(ScriptedBus::default()), Arc::new(AtomicI64::new(1)));
        let foundation = foundation_at(&Config::default(), &bus, &Context::default(), &now_ns);
        let intake = Intake::new(DOOR, &foundation);
        let room = foundation.budget.share().reserve(1 << 20).await;
        let mut publisher = Publisher::new(&intake, origin_of_body(), None, room);
        for (number, came_at_ns) in [(1, 1_000), (2, 2_000)] {
            now_ns.store(came_at_ns, Ordering::Relaxed);
            publisher.push(Line::good(number, Bytes::from_static(b"{}")));
            publisher.send();
            publisher.arrival().await.unwrap();
        }
        let received = bus.records(TOPIC_RAW).into_iter().map(|record| record.received_at_ns);
        assert_eq!(received.collect::<Vec<_>>(), [1_000, 2_000]);
    }

    #[test]
    fn only_a_small_block_is_copied() {
        let read = Bytes::from(vec![b'x'; 64 << 10]);
        for (bytes, is_copied) in
            [(3, true), (BLOCK_BYTES_MIN - 1, true), (BLOCK_BYTES_MIN, false), (read.len(), false)]
        {
            let block = by_itself(read.slice(..bytes));
            assert_eq!(block, read.slice(..bytes));
            assert_eq!(block.as_ptr() != read.as_ptr(), is_copied, "{bytes} bytes");
        }
    }
}
