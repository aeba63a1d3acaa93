//! The messages of one assigned partition, taken from the library's queue into batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::{Batch, BusError, PartitionId, Positioned};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::context::MemberContext;
use super::shared::{Gate, Shared};
use crate::error::failure;
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
    /// The brokers do not have this offset.
    OutOfRange(u64),
    Failed(BusError),
}

/// A partition's end of the library's queue.
pub(super) struct Lane {
    partition: PartitionId,
    queue: PartitionQueue<MemberContext>,
    gate: Arc<Gate>,
    decoder: Decoder,
    /// Offset of the next message, at least.
    expected: u64,
    /// A message that did not fit into the last batch.
    held: Option<Incoming>,
    /// What stands at `expected`; the batch before it comes first.
    pending: Option<Filled>,
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
        partition: PartitionId,
        mut queue: PartitionQueue<MemberContext>,
        gate: Arc<Gate>,
        decoder: Decoder,
        expected: u64,
        shared: &Shared,
    ) -> Self {
        let (told, wake) = (Arc::clone(&gate), shared.waker());
        queue.set_nonempty_callback(move || Shared::wake_for(&told, &wake));
        gate.ready.store(true, Ordering::Release);
        Self { partition, queue, gate, decoder, expected, held: None, pending: None }
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
        let mut problem = None;
        while records.len() < limits.records && bytes < limits.bytes {
            let incoming = match self.take() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return self.batch(begin, records, problem),
                Err(found) => {
                    problem = Some(found);
                    break;
                }
            };
            if incoming.offset < self.expected {
                continue;
            }
            let full = records.len() + incoming.records.len() > limits.records
                || bytes + incoming.bytes > limits.bytes;
            if full && self.expected > begin {
                self.held = Some(incoming);
                break;
            }
            bytes += incoming.bytes.max(1);
            self.expected = incoming.offset + 1;
            let offset = incoming.offset;
            let positioned = |(index, record)| Positioned { offset, index, record };
            records.extend((0..).zip(incoming.records).map(positioned));
        }
        self.recheck();
        self.batch(begin, records, problem)
    }

    fn batch(&mut self, begin: u64, records: Vec<Positioned>, problem: Option<Filled>) -> Filled {
        if self.expected == begin {
            return problem.unwrap_or(Filled::Nothing);
        }
        self.pending = problem;
        Filled::Batch(Batch {
            partition: self.partition.clone(),
            next_offset: self.expected,
            declared_records: records.len() as u64,
            records,
        })
    }

    /// The next message; what stands in the way otherwise.
    fn take(&mut self) -> Result<Option<Incoming>, Filled> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        match self.queue.poll(Duration::ZERO) {
            None => Ok(None),
            Some(Ok(message)) => {
                let raw = Raw::copy(&message);
                drop(message);
                self.decoder.decode(raw).map(Some).map_err(Filled::Failed)
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                    Err(Filled::OutOfRange(self.expected))
                }
                _ => {
                    let PartitionId { topic, partition } = &self.partition;
                    Err(Filled::Failed(failure(&format!("read {topic}/{partition}"), &error)))
                }
            },
        }
    }
}
