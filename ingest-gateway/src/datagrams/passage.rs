//! When a door of datagrams may read: when its shop may send, and nobody of it has waited for longer.
//!
//! The door stands in line as every other sender does. It reads nothing meanwhile: what comes stays with the kernel.

use std::pin::Pin;

use crate::quota::{Leave, Turnstile};

/// What is read at once where the shop has a quota, about: as much as a connection reads.
const BYTES_AT_ONCE: usize = 256 << 10;

/// The way past the turnstile of a door's shop.
pub(super) struct Passage {
    /// None if the shop has no quota.
    turnstile: Option<Turnstile>,
    /// Its place in line, which it keeps whatever else happens meanwhile.
    waiting: Option<Pin<Box<dyn Future<Output = Leave> + Send>>>,
    /// Leave to read once.
    leave: Option<Leave>,
}

impl Passage {
    pub(super) fn new(turnstile: Option<Turnstile>) -> Self {
        Self { turnstile, waiting: None, leave: None }
    }

    /// Whether it stands in line.
    pub(super) fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// Waits until it is through, if it stands in line. Dropping the future loses nothing.
    pub(super) async fn pass(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            self.leave = Some(waiting.await);
            self.waiting = None;
        }
    }

    /// Whether it may read now; else it stands in line from here on.
    pub(super) fn may_read(&mut self) -> bool {
        let Some(turnstile) = &self.turnstile else { return true };
        if self.leave.is_none() {
            self.leave = turnstile.try_pass(BYTES_AT_ONCE);
        }
        if self.leave.is_none() && self.waiting.is_none() {
            let turnstile = turnstile.clone();
            self.waiting = Some(Box::pin(async move { turnstile.pass(BYTES_AT_ONCE).await }));
        }
        self.leave.is_some()
    }

    /// How much may be read, about.
    pub(super) fn bytes_at_once(&self) -> u64 {
        if self.turnstile.is_some() { BYTES_AT_ONCE as u64 } else { u64::MAX }
    }

    /// So much was read.
    pub(super) fn keep(&mut self, bytes: u64) {
        if let Some(leave) = self.leave.take() {
            leave.keep(bytes);
        }
    }
}
