//! What one shop has sent and may still send: its buckets, and the turns of those who wait for it.
//!
//! Knows no door, no setting and no cache.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::{Instant, sleep};

use super::bucket::{Bucket, Promised};
use crate::config::QuotaConfig;

/// What an event is taken to have before one has come, in bytes.
const EVENT_BYTES: u64 = 512;
/// Of how many batches the size of an event is the average, about.
const BATCHES: u64 = 8;
/// Whoever is first in the queue looks again after this time at the latest, since others may give back what they
/// were promised.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(1);
/// A wait is never shorter, so that nobody spins.
const LOOK_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// How often the log is told that a shop sends too much.
const TOLD_INTERVAL: Duration = Duration::from_secs(60);

/// A shop with a quota.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) name: ByteString,
    /// Its name in metrics.
    pub(super) label: ByteString,
    state: Mutex<State>,
    /// Held by whoever is first in the queue of its senders that wait.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    events: Option<Bucket>,
    bytes: Option<Bucket>,
    /// Size of an event, as the last ones were.
    event_bytes: u64,
    /// Taken in, and not told to other gateways.
    untold: Amounts,
    taken_at: Instant,
    told_at: Option<Instant>,
    /// How many stand in the queue.
    waiting: usize,
}

/// Events, and bytes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// Which of the two have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limited {
    pub(super) events: bool,
    pub(super) bytes: bool,
}

/// Leave to take something in. What was promised for it and is not kept is given back.
#[derive(Debug)]
pub(crate) struct Leave {
    promise: Option<Promise>,
}

#[derive(Debug)]
struct Promise {
    shop: Arc<Shop>,
    events: Promised,
    bytes: Promised,
}

impl Shop {
    pub(super) fn new(name: ByteString, label: ByteString, quota: &QuotaConfig) -> Arc<Self> {
        let now = Instant::now();
        let bucket = |rate: Option<u64>| rate.map(|rate| Bucket::new(rate, quota.burst(), now));
        let state = State {
            events: bucket(quota.events_per_second),
            bytes: bucket(quota.bytes_per_second.map(|bytes| bytes.0)),
            event_bytes: EVENT_BYTES,
            untold: Amounts::default(),
            taken_at: now,
            told_at: None,
            waiting: 0,
        };
        Arc::new(Self {
            name,
            label,
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long its senders have to wait; none if they have not.
    pub(super) fn debt(&self) -> Option<Duration> {
        self.state().debt(Instant::now())
    }

    /// Lets somebody in who is about to send so many bytes, or says how long that is too much.
    fn let_in(self: &Arc<Self>, bytes: u64) -> Result<Leave, Duration> {
        self.state().let_in(self, bytes)
    }

    /// The same, unless others wait already: nobody passes them. Those who only come at the same moment do not wait for
    /// each other.
    pub(super) fn let_in_at_once(self: &Arc<Self>, bytes: u64) -> Option<Result<Leave, Duration>> {
        let mut state = self.state();
        (state.waiting == 0).then(|| state.let_in(self, bytes))
    }

    /// Waits until it may be let in, behind those who wait already. Dropping the future leaves the queue.
    pub(super) async fn wait(self: &Arc<Self>, bytes: u64) -> Leave {
        let _place = Place::take(self);
        let _turn = self.turn.lock().await;
        loop {
            match self.let_in(bytes) {
                Ok(leave) => return leave,
                Err(wait) => sleep(wait.clamp(LOOK_INTERVAL_MIN, LOOK_INTERVAL_MAX)).await,
            }
        }
    }

    /// Takes off what was taken in here.
    pub(super) fn charge(&self, amounts: Amounts) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(bucket) = &mut state.events {
            bucket.charge(amounts.events, now);
        }
        if let Some(bucket) = &mut state.bytes {
            bucket.charge(amounts.bytes, now);
        }
        if let Some(event_bytes) = amounts.bytes.checked_div(amounts.events) {
            let known = state.event_bytes.saturating_mul(BATCHES - 1);
            let event_bytes = known.saturating_add(event_bytes) / BATCHES;
            state.event_bytes = event_bytes.max(1);
        }
        state.untold.events = state.untold.events.saturating_add(amounts.events);
        state.untold.bytes = state.untold.bytes.saturating_add(amounts.bytes);
        state.taken_at = now;
    }

    /// Takes off what other gateways took in.
    pub(super) fn charge_of_others(&self, amounts: Amounts) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(bucket) = &mut state.events {
            bucket.charge_of_others(amounts.events, now);
        }
        if let Some(bucket) = &mut state.bytes {
            bucket.charge_of_others(amounts.bytes, now);
        }
    }

    /// What is missing until its buckets are full.
    pub(super) fn missing(&self) -> Amounts {
        let mut state = self.state();
        let now = Instant::now();
        let of =
            |bucket: &mut Option<Bucket>| bucket.as_mut().map_or(0, |bucket| bucket.missing(now));
        Amounts { events: of(&mut state.events), bytes: of(&mut state.bytes) }
    }

    /// What was taken in since the last time that this was asked.
    pub(super) fn take_untold(&self) -> Amounts {
        std::mem::take(&mut self.state().untold)
    }

    /// Time since something of it was taken in.
    pub(super) fn silence(&self) -> Duration {
        self.state().taken_at.elapsed()
    }

    pub(super) fn limited(&self) -> Limited {
        let state = self.state();
        Limited { events: state.events.is_some(), bytes: state.bytes.is_some() }
    }

    /// Whether nothing is lost when it is forgotten.
    pub(super) fn is_as_new(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let is_full =
            |bucket: &mut Option<Bucket>| bucket.as_mut().is_none_or(|bucket| bucket.is_full(now));
        is_full(&mut state.events) && is_full(&mut state.bytes)
    }

    /// Says in the log that it sends too much, now and then however often it happens.
    pub(super) fn tell_of_debt(&self) {
        let mut state = self.state();
        if state.told_at.is_none_or(|at| at.elapsed() >= TOLD_INTERVAL) {
            state.told_at = Some(Instant::now());
            tracing::warn!(
                shop = %self.name,
                "the shop sends more than its quota: its senders wait, or are told to come again"
            );
        }
    }
}

impl State {
    /// Promises what so many bytes may bring, or says how long that is too much.
    fn let_in(&mut self, shop: &Arc<Shop>, bytes: u64) -> Result<Leave, Duration> {
        if let Some(wait) = self.debt(Instant::now()) {
            return Err(wait);
        }
        let events = bytes.div_ceil(self.event_bytes);
        let promise = Promise {
            shop: Arc::clone(shop),
            events: self.events.as_mut().map(|bucket| bucket.promise(events)).unwrap_or_default(),
            bytes: self.bytes.as_mut().map(|bucket| bucket.promise(bytes)).unwrap_or_default(),
        };
        Ok(Leave { promise: Some(promise) })
    }

    fn debt(&mut self, now: Instant) -> Option<Duration> {
        let of = |bucket: &mut Option<Bucket>| bucket.as_mut().map(|bucket| bucket.debt(now));
        let debt = of(&mut self.events).max(of(&mut self.bytes));
        debt.filter(|debt| !debt.is_zero())
    }
}

/// A place in the queue, until it is dropped.
struct Place<'s>(&'s Shop);

impl<'s> Place<'s> {
    fn take(shop: &'s Shop) -> Self {
        shop.state().waiting += 1;
        Self(shop)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

impl Leave {
    /// Leave that nobody has to pay for.
    pub(super) fn free() -> Self {
        Self { promise: None }
    }

    /// So many bytes are going to be charged; the rest of what was promised for them is given back.
    pub(crate) fn keep(mut self, bytes: u64) {
        if let Some(promise) = self.promise.take() {
            promise.keep(bytes);
        }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.keep(0);
        }
    }
}

impl Promise {
    fn keep(self, bytes: u64) {
        let mut state = self.shop.state();
        let events = bytes.div_ceil(state.event_bytes);
        if let Some(bucket) = &mut state.events {
            bucket.keep(self.events, events);
        }
        if let Some(bucket) = &mut state.bytes {
            bucket.keep(self.bytes, bytes);
        }
    }
}
