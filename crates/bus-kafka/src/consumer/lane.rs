//! The messages of one assigned partition, taken from the library's queue into batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::{Batch, BusError, PartitionId, PartitionStart, Positioned};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::context::MemberContext;
use super::shared::{Gate, Shared};
use crate::counters::count;
use crate::error::reading;
use crate::message::{Decoder, Incoming, Raw};

/// Bounds of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// What became of an attempt to fill a batch.
#[derive(Debug)]
pub(super) enum Filled {
    Nothing,
    Batch(Batch),
    /// The next message lies before what was read: reading begins anew at it, once what was read has been
    /// seen to.
    Rewound,
    Failed(BusError),
}

/// A partition's end of the library's queue.
pub(super) struct Lane {
    partition: PartitionId,
    queue: PartitionQueue<MemberContext>,
    gate: Arc<Gate>,
    decoder: Decoder,
    shared: Arc<Shared>,
    /// Offset of the next message, at least.
    expected: u64,
    /// A message that did not fit into the last batch.
    held: Option<Incoming>,
    /// What stands at `expected`; the batch before it comes first.
    pending: Option<Filled>,
    /// Something could not be read: what is missing next was there.
    damaged: bool,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("Lane");
        text.field("partition", &self.partition).field("expected", &self.expected);
        text.finish_non_exhaustive()
    }
}

impl Lane {
    pub(super) fn new(
        start: &PartitionStart,
        mut queue: PartitionQueue<MemberContext>,
        decoder: Decoder,
        shared: Arc<Shared>,
    ) -> Self {
        let gate = shared.own(start);
        let (told, wake) = (Arc::clone(&gate), shared.waker());
        queue.set_nonempty_callback(move || Shared::wake_for(&told, &wake));
        gate.ready.store(true, Ordering::Release);
        Self {
            partition: start.partition.clone(),
            queue,
            gate,
            decoder,
            shared,
            expected: start.offset,
            held: None,
            pending: None,
            damaged: false,
        }
    }

    pub(super) fn partition(&self) -> &PartitionId {
        &self.partition
    }

    /// Whether it is to be read: it may hold something, and nobody has paused it.
    pub(super) fn is_ready(&self) -> bool {
        self.gate.ready.load(Ordering::Acquire) && !self.gate.paused.load(Ordering::Acquire)
    }

    /// Looks into the queue again though nothing was told of it.
    pub(super) fn recheck(&self) {
        self.gate.ready.store(true, Ordering::Release);
    }

    /// Takes what is there, up to the limits.
    pub(super) fn fill(&mut self, limits: Limits) -> Filled {
        if let Some(pending) = self.pending.take() {
            return pending;
        }
        // Before the queue is looked at: what comes meanwhile is told again.
        self.gate.ready.store(false, Ordering::Release);
        let begin = self.expected;
        let mut records = Vec::new();
        let mut bytes = 0;
        while records.len() < limits.records && bytes < limits.bytes {
            let incoming = match self.take() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return self.batch(begin, records, None),
                Err(error) => {
                    self.recheck();
                    return self.batch(begin, records, Some(Filled::Failed(error)));
                }
            };
            if incoming.offset < self.expected {
                self.recheck();
                let batch = self.batch(begin, records, Some(Filled::Rewound));
                self.rewind(incoming);
                return batch;
            }
            let full = records.len() + incoming.records.len() > limits.records
                || bytes + incoming.bytes > limits.bytes;
            if full && self.expected > begin {
                self.held = Some(incoming);
                break;
            }
            self.notice_gap(incoming.offset);
            bytes += incoming.bytes.max(1);
            self.expected = incoming.offset + 1;
            let offset = incoming.offset;
            let positioned = |(index, record)| Positioned { offset, index, record };
            records.extend((0..).zip(incoming.records).map(positioned));
        }
        self.recheck();
        self.batch(begin, records, None)
    }

    /// A batch of what was taken, and `next` behind it; `next` alone where nothing was.
    fn batch(&mut self, begin: u64, records: Vec<Positioned>, next: Option<Filled>) -> Filled {
        if self.expected == begin {
            return next.unwrap_or(Filled::Nothing);
        }
        self.pending = next;
        Filled::Batch(Batch {
            partition: self.partition.clone(),
            next_offset: self.expected,
            declared_records: records.len() as u64,
            records,
        })
    }

    /// Goes back to a message that lies before what was read: the library found the offset out of range
    /// and went to the oldest.
    fn rewind(&mut self, incoming: Incoming) {
        let PartitionId { topic, partition } = &self.partition;
        count(&self.decoder.counters.rewound_partitions, 1);
        tracing::error!(
            %topic, partition, read = self.expected, oldest = incoming.offset,
            "the partition ends before what was read: it was made again, or an unclean election cut \
             it. It is read again from its oldest, which repeats what is still there"
        );
        self.expected = incoming.offset;
        self.held = Some(incoming);
    }

    /// Where a partition that went back begins anew, flowing.
    pub(super) fn restart(&self) -> PartitionStart {
        self.gate.paused.store(false, Ordering::Release);
        let metadata = self.gate.metadata();
        PartitionStart { partition: self.partition.clone(), offset: self.expected, metadata }
    }

    /// Offsets may be missing by right, where a topic is compacted or written in transactions; where
    /// retention took them, or they could not be read, it is told.
    fn notice_gap(&mut self, offset: u64) {
        let damaged = std::mem::take(&mut self.damaged);
        if offset == self.expected {
            return;
        }
        if damaged {
            let missing = offset - self.expected;
            count(&self.decoder.counters.skipped_offsets, missing);
            let PartitionId { topic, partition } = &self.partition;
            tracing::error!(%topic, partition, from = self.expected, to = offset, "damaged messages were stepped over");
        } else {
            self.shared.tell_gap(&self.partition, self.expected, offset);
        }
    }

    /// The next message that can be read.
    fn take(&mut self) -> Result<Option<Incoming>, BusError> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        loop {
            match self.queue.poll(Duration::ZERO) {
                None => return Ok(None),
                Some(Ok(message)) => {
                    let raw = Raw::copy(&message);
                    drop(message);
                    return self.decoder.decode(raw).map(Some);
                }
                Some(Err(error)) => {
                    let PartitionId { topic, partition } = &self.partition;
                    if error.rdkafka_error_code() != Some(Code::BadMessage) {
                        return Err(reading(&format!("read {topic}/{partition}"), &error));
                    }
                    // Its checksum is wrong: the library has stepped over it.
                    count(&self.decoder.counters.damaged_messages, 1);
                    tracing::error!(%topic, partition, near = self.expected, "messages are damaged in the broker");
                    self.damaged = true;
                }
            }
        }
    }
}
