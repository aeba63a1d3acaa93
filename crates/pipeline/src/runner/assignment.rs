//! A partition as the consume loop sees it: the queue to its task, and the ways to end it.
//!
//! The queue is bounded: a full one pauses the partition at the bus, so that the loop never waits
//! for a slow partition while others have work.

use std::sync::{Arc, Mutex, PoisonError};

use bus::{Batch, Committer, PartitionId};
use futures::future::join_all;
use service::CancellationToken;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::partition::PartitionTask;
use super::{DRAIN_DEADLINE, QUEUE_BATCHES};
use crate::ledger::PartitionLedger;

/// A batch with how many of its records were read before.
pub(super) struct Taken {
    pub(super) batch: Batch,
    pub(super) redelivered: u64,
}

/// How a partition's task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// The batch in hand is settled and what the stage still holds delivered, unless the batch waits for a retry; what is
    /// settled is committed. All of it within [`DRAIN_DEADLINE`].
    Drain,
    /// At once, and nothing is committed: the partition has another owner already.
    Abandon,
}

/// An assigned partition.
pub(super) struct Assignment {
    queue: mpsc::Sender<Taken>,
    gate: Arc<Gate>,
    ledger: PartitionLedger,
    stop: CancellationToken,
    abandon: CancellationToken,
    task: JoinHandle<()>,
}

impl Assignment {
    pub(super) fn spawn(task: PartitionTask, ledger: PartitionLedger) -> Self {
        let (queue, batches) = mpsc::channel(QUEUE_BATCHES);
        let gate = Arc::new(Gate { partition: task.partition.clone(), paused: Mutex::new(false) });
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let batches = Batches { queue: batches, gate: Arc::clone(&gate), stop: stop.clone() };
        let task = tokio::spawn(task.run(batches, abandon.clone()));
        Self { queue, gate, ledger, stop, abandon, task }
    }

    /// Hands a batch to the task. Waits only if the bus delivers to a paused partition.
    pub(super) async fn enqueue(&self, batch: Batch, committer: &dyn Committer) {
        if self.queue.is_closed() {
            // The partition has failed: what it left stays uncommitted.
            committer.pause(&batch.partition);
            return;
        }
        let redelivered = self.ledger.taken(&batch);
        if self.queue.send(Taken { batch, redelivered }).await.is_ok() {
            self.gate.pause_if_full(&self.queue, committer);
        }
    }
}

/// Ends tasks and waits for their end.
pub(super) async fn release(assignments: Vec<Assignment>, how: Release) {
    let deadline = Instant::now() + DRAIN_DEADLINE;
    for assignment in &assignments {
        match how {
            Release::Drain => assignment.stop.cancel(),
            Release::Abandon => assignment.abandon.cancel(),
        }
    }
    join_all(assignments.into_iter().map(|mut assignment| async move {
        if timeout_at(deadline, &mut assignment.task).await.is_ok() {
            return;
        }
        let PartitionId { topic, partition } = &assignment.gate.partition;
        tracing::warn!(
            %topic, partition,
            "the partition did not end in time; what is not committed is read again"
        );
        assignment.abandon.cancel();
        // The task catches its own panics; abandoned, it ends at its next wait.
        drop(assignment.task.await);
    }))
    .await;
}

/// The task's end of the queue.
pub(super) struct Batches {
    queue: mpsc::Receiver<Taken>,
    gate: Arc<Gate>,
    /// Cancelled when no further batch is to be begun and no retry to be waited for, but those of what the stage gives
    /// out at its end.
    pub(super) stop: CancellationToken,
}

impl Batches {
    /// The next batch; `None` when the task is to end.
    pub(super) async fn next(&mut self, committer: &dyn Committer) -> Option<Taken> {
        let stop = self.stop.clone();
        if stop.is_cancelled() {
            return None;
        }
        let taken = stop.run_until_cancelled(self.queue.recv()).await??;
        self.gate.resume_if_paused(committer);
        Some(taken)
    }
}

/// Whether the bus was told to pause. The lock orders "full, so pause" against "taken, so resume".
#[derive(Debug)]
struct Gate {
    partition: PartitionId,
    paused: Mutex<bool>,
}

impl Gate {
    fn pause_if_full(&self, queue: &mpsc::Sender<Taken>, committer: &dyn Committer) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.capacity() == 0 && !*paused {
            committer.pause(&self.partition);
            *paused = true;
        }
    }

    fn resume_if_paused(&self, committer: &dyn Committer) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if *paused {
            committer.resume(&self.partition);
            *paused = false;
        }
    }
}
