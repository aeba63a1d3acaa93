//! The arithmetic of windows: which acknowledgement is due, and when.
//!
//! Pure: counts what has come and what is durable. An acknowledgement is the number of a window's last
//! event as its sender wrote it, never a count of ours, and never one for a part of a window: senders
//! differ in how they number, and take more than they asked for as a broken protocol.

use std::collections::VecDeque;

use super::error::ProtocolError;
use super::frame::Version;

/// Windows that may wait for their acknowledgement; more are not read. Senders pipeline a few.
const WAITING_MAX: usize = 1_024;

/// An acknowledgement as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) version: Version,
    pub(crate) sequence: u32,
}

impl Ack {
    /// Its frame.
    pub(crate) fn bytes(self) -> [u8; 6] {
        let [a, b, c, d] = self.sequence.to_be_bytes();
        [self.version.byte(), b'A', a, b, c, d]
    }
}

/// The windows of one connection.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: Option<Open>,
    waiting: VecDeque<Waiting>,
    /// Events that have come, and those that are durable, since the connection began.
    received: u64,
    durable: u64,
}

/// A window whose last event has not come.
#[derive(Clone, Copy, Debug)]
struct Open {
    version: Version,
    missing: u32,
    /// The last event that has come, if any has.
    last_sequence: Option<u32>,
}

/// A window that is whole and not acknowledged.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ack: Ack,
    /// How many events must be durable.
    received: u64,
}

impl Windows {
    /// A window begins. One that is open ends with what has come of it.
    pub(crate) fn begin(&mut self, version: Version, events: u32) {
        if let Some(Open { version, last_sequence: Some(sequence), .. }) = self.open.take() {
            self.close(Ack { version, sequence });
        }
        match events {
            0 => self.close(Ack { version, sequence: 0 }),
            missing => self.open = Some(Open { version, missing, last_sequence: None }),
        }
    }

    /// An event has come.
    pub(crate) fn event(&mut self, sequence: u32) -> Result<(), ProtocolError> {
        let open = self.open.as_mut().ok_or(ProtocolError::NoWindow { sequence })?;
        self.received += 1;
        open.missing -= 1;
        open.last_sequence = Some(sequence);
        if open.missing == 0 {
            let version = open.version;
            self.open = None;
            self.close(Ack { version, sequence });
        }
        Ok(())
    }

    fn close(&mut self, ack: Ack) {
        self.waiting.push_back(Waiting { ack, received: self.received });
    }

    /// The next so many events, in the order in which they came, are durable.
    pub(crate) fn made_durable(&mut self, events: u64) {
        self.durable += events;
        debug_assert!(self.durable <= self.received, "only what has come can be durable");
    }

    /// The acknowledgement that is due. Windows are acknowledged in order.
    pub(crate) fn next_ack(&mut self) -> Option<Ack> {
        let first = self.waiting.front()?;
        if first.received > self.durable {
            return None;
        }
        self.waiting.pop_front().map(|window| window.ack)
    }

    /// What tells the sender that its windows are being worked on. Version 1 has no such thing.
    pub(crate) fn keep_alive(&self) -> Option<Ack> {
        let waiting = self.waiting.front().map(|window| window.ack.version);
        let version = waiting.or(self.open.map(|open| open.version))?;
        (version == Version::Two).then_some(Ack { version, sequence: 0 })
    }

    /// Whether a window has come whole and is not acknowledged.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether the end of a window has not come.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether another window may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }
}

#[cfg(test)]
mod tests;
