//! Members that are leaving their groups, each on its own thread.
//!
//! A process that ends before its members have left makes the group wait for them; so does one that
//! joins again before.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a member may take to leave.
pub(crate) const DEPARTURE_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
struct Leaving {
    /// Group, and what is closed when the member has left.
    members: Vec<(String, Receiver<()>)>,
    /// The bus is closed: who leaves now is waited for at once.
    closed: bool,
}

/// The members that are leaving.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    leaving: Mutex<Leaving>,
}

impl Departures {
    fn leaving(&self) -> MutexGuard<'_, Leaving> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a member has begun to leave.
    pub(crate) fn add(&self, group: &str, left: Receiver<()>) {
        let mut leaving = self.leaving();
        if leaving.closed {
            drop(leaving);
            wait_for(group, &left, Instant::now() + DEPARTURE_TIMEOUT);
        } else {
            leaving.members.push((group.to_owned(), left));
        }
    }

    /// Waits for those who leave this group. Blocks.
    pub(crate) fn wait(&self, group: &str) {
        let members: Vec<_> =
            self.leaving().members.extract_if(.., |(name, _)| name == group).collect();
        finish(members);
    }

    /// Waits for all, and from now on for each at once. Blocks.
    pub(crate) fn close(&self) {
        let mut leaving = self.leaving();
        leaving.closed = true;
        let members = std::mem::take(&mut leaving.members);
        drop(leaving);
        finish(members);
    }
}

fn finish(members: Vec<(String, Receiver<()>)>) {
    let deadline = Instant::now() + DEPARTURE_TIMEOUT;
    for (group, left) in members {
        wait_for(&group, &left, deadline);
    }
}

fn wait_for(group: &str, left: &Receiver<()>, deadline: Instant) {
    let patience = deadline.saturating_duration_since(Instant::now());
    if left.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!(
            group,
            "a member could not leave its group in time: the group waits for it as for a lost one"
        );
    }
}
