//! Where the way of a record is chosen: a bus around the bus, for the doors.
//!
//! While all is well records go straight to the bus. What that does not take goes into the spool, and from then
//! on everything does, until the bus has it all: what came later must not overtake. An outcome is `Ok` for what the
//! bus or the spool has made durable, and for nothing else.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bus::frame::{HEADER_BYTES, encoded_bytes_max};
use bus::{Bus, BusError, Consumer, ErrorKind, PartitionLag, Position, Record, TopicSpec};
use service::CancellationToken;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::LANES;
use super::store::Store;
use super::switch::{Switch, Way};

/// How long the bus may take once the process stops, at most: the doors have a few seconds to make durable what they
/// have read, and the spool needs some of them.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// What became of each record.
type Outcomes = Vec<Result<Position, BusError>>;

/// What publishing and replaying share.
pub(super) struct Junction {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) store: Store,
    publish_timeout: Duration,
    shutdown: CancellationToken,
    state: Mutex<State>,
    /// Cancelled when the bus was reached and has its topics.
    pub(super) reached: CancellationToken,
    /// Told when publishers need not wait for the end of the spool any more.
    changed: Notify,
    spooled_records: AtomicU64,
    replayed_records: AtomicU64,
    /// Of the oldest record in the spool; 0 if there is none.
    oldest_received_at_ns: AtomicI64,
}

#[derive(Debug)]
struct State {
    switch: Switch,
    /// Bytes of what is on its way into the spool.
    reserved_bytes: u64,
    /// What the bus said when it last took nothing; `None` since it takes again.
    trouble: Option<String>,
    /// Since when the spool holds something, as far as the log was told.
    holds_since: Option<Instant>,
}

/// How the spool is, for people and machines.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) is_straight: bool,
    pub(super) trouble: Option<String>,
    pub(super) held_records: u64,
    pub(super) stored_bytes: u64,
    pub(super) spooled_records: u64,
    pub(super) replayed_records: u64,
    pub(super) oldest_received_at_ns: Option<i64>,
}

/// Records on their way into the spool. While there are any nothing goes straight.
#[derive(Debug)]
struct Append<'a> {
    junction: &'a Junction,
    bytes: u64,
}

impl Drop for Append<'_> {
    fn drop(&mut self) {
        let mut state = self.junction.state();
        state.switch.end_append();
        state.reserved_bytes = state.reserved_bytes.saturating_sub(self.bytes);
        drop(state);
        self.junction.settle();
    }
}

impl fmt::Debug for Junction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Junction").field("store", &self.store).finish_non_exhaustive()
    }
}

/// What records take in the spool at most.
fn bytes_of(records: &[Record]) -> u64 {
    let bytes = records.iter().map(|record| encoded_bytes_max(record).unwrap_or_default());
    (bytes.sum::<usize>() + HEADER_BYTES) as u64
}

impl Junction {
    pub(super) fn new(
        bus: Arc<dyn Bus>,
        store: Store,
        publish_timeout: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        let held_records = store.held_records();
        if held_records > 0 {
            let bytes = store.log.stored_bytes();
            tracing::warn!(
                records = held_records,
                bytes,
                "the spool holds records of an earlier run: they go first"
            );
        }
        let state = State {
            switch: Switch::new(),
            reserved_bytes: 0,
            trouble: None,
            holds_since: (held_records > 0).then(Instant::now),
        };
        Self {
            bus,
            store,
            publish_timeout,
            shutdown,
            state: Mutex::new(state),
            reached: CancellationToken::new(),
            changed: Notify::new(),
            spooled_records: AtomicU64::new(0),
            replayed_records: AtomicU64::new(0),
            oldest_received_at_ns: AtomicI64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for records among what is on its way into the spool, if there is room; `None` where the way leads
    /// straight to the bus. Waits while the last of the spool is on its way.
    async fn enter(&self, batch: &[Record]) -> Option<Result<Append<'_>, BusError>> {
        loop {
            // Before the look at the state, so that no change after it is missed.
            let changed = self.changed.notified();
            let until = {
                let mut state = self.state();
                match state.switch.way(Instant::now()) {
                    Way::Straight => return None,
                    Way::Spool => return Some(self.begin(&mut state, bytes_of(batch))),
                    Way::Wait(until) => until,
                }
            };
            // Which of the two it was stands in the state.
            drop(timeout_at(until, changed).await);
        }
    }

    fn begin(&self, state: &mut State, bytes: u64) -> Result<Append<'_>, BusError> {
        self.store.check_room(state.reserved_bytes.saturating_add(bytes))?;
        state.switch.begin_append();
        state.reserved_bytes = state.reserved_bytes.saturating_add(bytes);
        Ok(Append { junction: self, bytes })
    }

    /// The bus takes nothing: from here on records go into the spool, these first.
    fn divert(&self, bytes: u64, trouble: &str) -> Result<Append<'_>, BusError> {
        let append = {
            let mut state = self.state();
            state.trouble = Some(trouble.to_owned());
            state.switch.hold();
            self.begin(&mut state, bytes)
        };
        self.changed.notify_waiters();
        if append.is_err() {
            // A spool that holds nothing has nothing that would lead back to the bus.
            self.settle();
        }
        append
    }

    /// Goes straight where the spool is empty.
    fn settle(&self) {
        let held_since = {
            let mut state = self.state();
            if !state.switch.settle(self.store.held_records()) {
                return;
            }
            state.trouble = None;
            state.holds_since.take()
        };
        self.oldest_received_at_ns.store(0, Ordering::Relaxed);
        self.changed.notify_waiters();
        if let Some(since) = held_since {
            let seconds = since.elapsed().as_secs();
            tracing::info!(seconds, "the spool is empty: records go straight to the bus again");
        }
    }

    /// The bus has its topics.
    pub(super) fn reach(&self) {
        let mut state = self.state();
        state.switch.reach();
        state.trouble = None;
        drop(state);
        self.settle();
        self.reached.cancel();
    }

    /// The replay has committed what the bus took.
    pub(super) fn advance(&self) {
        self.settle();
        let mut state = self.state();
        let held_records = self.store.held_records();
        state.switch.advance(held_records, Instant::now());
    }

    /// The bus took nothing of the replay.
    pub(super) fn troubled(&self, trouble: &str) {
        let mut state = self.state();
        state.trouble = Some(trouble.to_owned());
        state.switch.hold();
        drop(state);
        self.changed.notify_waiters();
    }

    /// The bus took so many records of the replay.
    pub(super) fn replayed(&self, records: u64) {
        self.replayed_records.fetch_add(records, Ordering::Relaxed);
    }

    /// The bus takes all that the replay gives it.
    pub(super) fn works(&self) {
        self.state().trouble = None;
    }

    /// Looks how old the oldest record in the spool is.
    pub(super) async fn look_at_oldest(&self) {
        let oldest = self.store.oldest_received_at_ns().await.unwrap_or(0);
        self.oldest_received_at_ns.store(oldest, Ordering::Relaxed);
    }

    pub(super) fn condition(&self) -> Condition {
        let oldest = self.oldest_received_at_ns.load(Ordering::Relaxed);
        let (is_straight, trouble) = {
            let state = self.state();
            (state.switch.is_straight(), state.trouble.clone())
        };
        Condition {
            is_straight,
            trouble,
            held_records: self.store.held_records(),
            stored_bytes: self.store.log.stored_bytes(),
            spooled_records: self.spooled_records.load(Ordering::Relaxed),
            replayed_records: self.replayed_records.load(Ordering::Relaxed),
            oldest_received_at_ns: (oldest != 0).then_some(oldest),
        }
    }

    /// Waits as long as the bus may take, and says how long that is.
    async fn patience(&self) -> Duration {
        let stopping = async {
            self.shutdown.cancelled().await;
            sleep(STOP_PATIENCE).await;
        };
        match timeout(self.publish_timeout, stopping).await {
            Ok(()) => STOP_PATIENCE,
            Err(_) => self.publish_timeout,
        }
    }

    /// Gives records to the bus, and what it does not take to the spool.
    async fn publish_straight(&self, topic: &str, batch: Vec<Record>) -> Outcomes {
        let mut outcomes: Outcomes = tokio::select! {
            biased;
            outcomes = self.bus.publish(topic, batch.clone()) => outcomes,
            patience = self.patience() => {
                let waited_ms = patience.as_millis();
                let message = format!("the bus has acknowledged nothing for {waited_ms} ms");
                let late = BusError::new(ErrorKind::Transient, message);
                batch.iter().map(|_| Err(late.clone())).collect()
            }
        };
        let mut left = Vec::new();
        let mut trouble = None;
        for (place, outcome) in outcomes.iter().enumerate() {
            if let Err(error) = outcome
                && error.kind == ErrorKind::Transient
            {
                left.push(place);
                trouble.get_or_insert_with(|| error.message.clone());
            }
        }
        let Some(trouble) = trouble else { return outcomes };
        let records: Vec<_> = left.iter().filter_map(|place| batch.get(*place).cloned()).collect();
        let append = self.divert(bytes_of(&records), &trouble);
        let spooled = self.publish_to_spool(append, topic, records).await;
        for (place, outcome) in left.into_iter().zip(spooled) {
            outcomes[place] = outcome;
        }
        outcomes
    }

    async fn publish_to_spool(
        &self,
        append: Result<Append<'_>, BusError>,
        topic: &str,
        batch: Vec<Record>,
    ) -> Outcomes {
        let append = match append {
            Ok(append) => append,
            Err(error) => return batch.iter().map(|_| Err(error.clone())).collect(),
        };
        let outcomes = self.store.log.publish(topic, batch).await;
        let spooled = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        if spooled > 0 {
            self.spooled_records.fetch_add(spooled as u64, Ordering::Relaxed);
            self.tell_that_it_holds();
        }
        drop(append);
        outcomes
    }

    /// Says once that records wait in the spool.
    fn tell_that_it_holds(&self) {
        let mut state = self.state();
        if state.holds_since.is_some() {
            return;
        }
        state.holds_since = Some(Instant::now());
        let trouble = state.trouble.clone();
        drop(state);
        match trouble {
            Some(trouble) => {
                tracing::warn!(
                    trouble,
                    "the bus takes nothing: what the doors accept waits in the spool"
                );
            }
            None => {
                tracing::info!("what the doors accept waits in the spool until the bus is reached")
            }
        }
    }
}

#[async_trait]
impl Bus for Junction {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.bus.ensure_topics(topics).await
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        if batch.is_empty() || !LANES.iter().any(|(spooled, _)| *spooled == topic) {
            return self.bus.publish(topic, batch).await;
        }
        match self.enter(&batch).await {
            None => self.publish_straight(topic, batch).await,
            Some(append) => self.publish_to_spool(append, topic, batch).await,
        }
    }

    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.bus.subscribe(group, topics).await
    }

    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        self.bus.lag(group, topics).await
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        self.bus.read(position).await
    }

    fn shortage(&self) -> Option<String> {
        let (is_straight, reserved_bytes) = {
            let state = self.state();
            (state.switch.is_straight(), state.reserved_bytes)
        };
        if is_straight { self.bus.shortage() } else { self.store.shortage(reserved_bytes) }
    }

    fn durability_warning(&self) -> Option<String> {
        self.bus.durability_warning().or_else(|| self.store.durability_warning())
    }
}
