//! What a member's thread, its consumer and its committers share.
//!
//! A partition is owned from its assignment until it is let go; commits are accepted only while it is,
//! and it is let go only when none is on its way. So no commit of an earlier owner can come later than
//! one of the next.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::{BusError, ErrorKind, PartitionId, PartitionStart};
use bytes::Bytes;
use tokio::sync::Notify;

use super::lane::Lane;
use super::not_ours;

/// What the thread tells the consumer.
#[derive(Debug)]
pub(super) enum Event {
    Assigned(Vec<PartitionStart>, Vec<Lane>),
    Revoked(Vec<PartitionId>, u64),
    Lost(Vec<PartitionId>, u64),
    Failed(BusError),
}

/// Flow of one assigned partition.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) paused: AtomicBool,
    /// Whether its queue may hold something.
    pub(super) ready: AtomicBool,
    /// Of the last commit.
    metadata: Mutex<Bytes>,
}

impl Gate {
    /// The metadata of the last commit.
    pub(super) fn metadata(&self) -> Bytes {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_metadata(&self, metadata: Bytes) {
        *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = metadata;
    }
}

/// Offsets of a partition that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) partition: PartitionId,
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug)]
struct Owned {
    gate: Arc<Gate>,
    commits: usize,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    owned: HashMap<PartitionId, Owned>,
    /// Commits on their way of partitions that are not owned any more.
    leftover: HashMap<PartitionId, usize>,
    tickets: u64,
    drained: u64,
    gaps: Vec<Gap>,
    closing: bool,
}

/// Shared by a member's parts.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Arc<Notify>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have changed for the consumer.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(super) fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// What the thread told first.
    pub(super) fn pop(&self) -> Option<Event> {
        self.state().events.pop_front()
    }

    /// Tells the consumer. One passing failure that was not heard yet is enough.
    pub(super) fn tell(&self, event: Event) {
        let mut state = self.state();
        let passing = |event: &Event| matches!(event, Event::Failed(error) if error.kind == ErrorKind::Transient);
        if state.closing || (passing(&event) && state.events.iter().any(passing)) {
            return;
        }
        state.events.push_back(event);
        drop(state);
        self.wake.notify_one();
    }

    /// Tells that partitions are to be drained, or are lost; answers the ticket that says when the
    /// consumer has let go of them.
    pub(super) fn tell_gone(&self, partitions: Vec<PartitionId>, lost: bool) -> u64 {
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        drop(state);
        self.tell(if lost {
            Event::Lost(partitions, ticket)
        } else {
            Event::Revoked(partitions, ticket)
        });
        ticket
    }

    /// Says that what was revoked with this ticket is drained.
    pub(super) fn drained(&self, ticket: u64) {
        let mut state = self.state();
        state.drained = state.drained.max(ticket);
    }

    pub(super) fn is_drained(&self, ticket: u64) -> bool {
        self.state().drained >= ticket
    }

    /// Begins to own a partition.
    pub(super) fn own(&self, start: &PartitionStart) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        gate.set_metadata(start.metadata.clone());
        let mut state = self.state();
        let commits = state.leftover.remove(&start.partition).unwrap_or_default();
        state.owned.insert(start.partition.clone(), Owned { gate: Arc::clone(&gate), commits });
        gate
    }

    /// Accepts no further commit of these partitions.
    pub(super) fn disown(&self, partitions: &[PartitionId]) {
        let mut state = self.state();
        for partition in partitions {
            if let Some(Owned { commits, .. }) = state.owned.remove(partition)
                && commits > 0
            {
                state.leftover.insert(partition.clone(), commits);
            }
        }
    }

    /// Whether no commit of these partitions is on its way.
    pub(super) fn is_quiet(&self, partitions: &[PartitionId]) -> bool {
        let state = self.state();
        !partitions.iter().any(|partition| state.leftover.contains_key(partition))
    }

    /// Whether any commit of a partition that is not owned any more is on its way.
    pub(super) fn has_commits_on_their_way(&self) -> bool {
        !self.state().leftover.is_empty()
    }

    /// Every partition that is owned.
    pub(super) fn owned(&self) -> Vec<PartitionId> {
        self.state().owned.keys().cloned().collect()
    }

    /// The gate of an owned partition.
    pub(super) fn gate(&self, partition: &PartitionId) -> Option<Arc<Gate>> {
        self.state().owned.get(partition).map(|owned| Arc::clone(&owned.gate))
    }

    /// Begins a commit; it is over when the answer is dropped.
    pub(super) fn begin_commit(
        self: &Arc<Self>,
        partition: &PartitionId,
    ) -> Result<CommitOnItsWay, BusError> {
        let mut state = self.state();
        if state.closing {
            return Err(not_ours(partition));
        }
        let owned = state.owned.get_mut(partition).ok_or_else(|| not_ours(partition))?;
        owned.commits += 1;
        let gate = Arc::clone(&owned.gate);
        drop(state);
        Ok(CommitOnItsWay { shared: Arc::clone(self), partition: partition.clone(), gate })
    }

    fn end_commit(&self, partition: &PartitionId) {
        let mut state = self.state();
        if let Some(owned) = state.owned.get_mut(partition) {
            owned.commits = owned.commits.saturating_sub(1);
        } else if let Some(commits) = state.leftover.get_mut(partition) {
            *commits = commits.saturating_sub(1);
            if *commits == 0 {
                state.leftover.remove(partition);
            }
        }
    }

    /// Asks the thread why offsets did not come.
    pub(super) fn tell_gap(&self, partition: &PartitionId, from: u64, to: u64) {
        self.state().gaps.push(Gap { partition: partition.clone(), from, to });
    }

    pub(super) fn take_gaps(&self) -> Vec<Gap> {
        std::mem::take(&mut self.state().gaps)
    }

    /// Ends the membership: nothing is told or committed any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        // Lanes among them keep the client alive, and are dropped without the lock.
        let events = std::mem::take(&mut state.events);
        drop(state);
        drop(events);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state().closing
    }

    pub(super) fn wake_for(gate: &Gate, wake: &Notify) {
        gate.ready.store(true, Ordering::Release);
        wake.notify_one();
    }
}

/// A commit that was begun.
#[derive(Debug)]
pub(super) struct CommitOnItsWay {
    shared: Arc<Shared>,
    partition: PartitionId,
    gate: Arc<Gate>,
}

impl CommitOnItsWay {
    /// The broker has stored it.
    pub(super) fn stored(&self, metadata: Bytes) {
        self.gate.set_metadata(metadata);
    }
}

impl Drop for CommitOnItsWay {
    fn drop(&mut self) {
        self.shared.end_commit(&self.partition);
    }
}
