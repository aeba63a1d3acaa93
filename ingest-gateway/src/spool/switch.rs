//! Which way records go: straight to the bus, or into the spool until that is empty.
//!
//! It knows no bus and no clock: the time is a parameter. Records go straight only when the bus was
//! reached, the spool holds nothing, and nothing is on its way into it.

use std::time::Duration;

use tokio::time::Instant;

/// How many records the spool may hold for publishers to be kept waiting until it is empty: what a bus
/// takes in well under a second.
pub(super) const LAST_RECORDS_MAX: u64 = 16_384;
/// How long publishers are kept waiting for that, at most.
pub(super) const LAST_RECORDS_PATIENCE: Duration = Duration::from_secs(2);

/// A way for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the bus.
    Straight,
    /// Into the spool.
    Spool,
    /// Neither until then: the last of the spool is on its way to the bus. Without this a spool into which
    /// records come without a pause would never be seen empty.
    Wait(Instant),
}

/// Sets the way.
#[derive(Debug)]
pub(super) struct Switch {
    way: Way,
    /// Whether the bus has its topics.
    is_reached: bool,
    /// Appends to the spool that have begun and not ended.
    appends: usize,
}

impl Switch {
    /// As at a start: what an earlier run has left goes first, and the bus was not reached yet.
    pub(super) fn new() -> Self {
        Self { way: Way::Spool, is_reached: false, appends: 0 }
    }

    /// The way of the records that come now.
    pub(super) fn way(&mut self, now: Instant) -> Way {
        if matches!(self.way, Way::Wait(until) if until <= now) {
            self.way = Way::Spool;
        }
        self.way
    }

    pub(super) fn is_straight(&self) -> bool {
        self.way == Way::Straight
    }

    /// The bus has its topics.
    pub(super) fn reach(&mut self) {
        self.is_reached = true;
    }

    /// The bus takes nothing: nobody waits for the end of the spool, and nothing goes straight.
    pub(super) fn hold(&mut self) {
        self.way = Way::Spool;
    }

    pub(super) fn begin_append(&mut self) {
        self.appends += 1;
    }

    pub(super) fn end_append(&mut self) {
        self.appends = self.appends.saturating_sub(1);
    }

    /// Goes straight where the spool holds nothing; whether that is a change.
    pub(super) fn settle(&mut self, held_records: u64) -> bool {
        let is_empty = self.is_reached && self.appends == 0 && held_records == 0;
        let changes = is_empty && self.way != Way::Straight;
        if changes {
            self.way = Way::Straight;
        }
        changes
    }

    /// The bus has taken something out of the spool: has publishers wait where only a little is left.
    pub(super) fn advance(&mut self, held_records: u64, now: Instant) {
        if self.way(now) == Way::Spool && self.is_reached && held_records <= LAST_RECORDS_MAX {
            self.way = Way::Wait(now + LAST_RECORDS_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached() -> Switch {
        let mut switch = Switch::new();
        switch.reach();
        switch
    }

    #[test]
    fn nothing_goes_straight_before_the_bus_is_reached_and_the_spool_is_empty() {
        let now = Instant::now();
        let mut switch = Switch::new();
        assert!(!switch.settle(0), "the bus may have no topics");
        switch.reach();
        switch.begin_append();
        assert!(!switch.settle(0), "what is on its way into the spool comes first");
        switch.end_append();
        assert!(!switch.settle(1));
        assert_eq!(switch.way(now), Way::Spool);
        assert!(switch.settle(0));
        assert!(!switch.settle(0), "it goes straight already");
        assert_eq!(switch.way(now), Way::Straight);
        switch.hold();
        assert_eq!(switch.way(now), Way::Spool);
    }

    #[test]
    fn the_last_records_are_waited_for_and_not_for_long() {
        let now = Instant::now();
        let until = now + LAST_RECORDS_PATIENCE;
        let mut switch = reached();
        switch.advance(LAST_RECORDS_MAX + 1, now);
        assert_eq!(switch.way(now), Way::Spool, "that takes too long");
        switch.advance(LAST_RECORDS_MAX, now);
        assert_eq!(switch.way(now), Way::Wait(until));
        switch.advance(5, now + Duration::from_secs(1));
        assert_eq!(switch.way(now), Way::Wait(until), "the time counts from the first");
        assert_eq!(switch.way(until), Way::Spool);
        switch.advance(5, until);
        assert!(switch.settle(0));
        assert_eq!(switch.way(until), Way::Straight);
    }

    #[test]
    fn nobody_waits_for_a_bus_that_takes_nothing() {
        let now = Instant::now();
        let mut switch = reached();
        switch.advance(5, now);
        switch.hold();
        assert_eq!(switch.way(now), Way::Spool);
        let mut switch = Switch::new();
        switch.advance(5, now);
        assert_eq!(switch.way(now), Way::Spool);
    }
}
