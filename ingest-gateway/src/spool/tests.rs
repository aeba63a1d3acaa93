//! The spool before a bus that fails as it is told: what is acknowledged arrives, in its order, through crashes.
//!
//! Time is paused, so that retries take none; the log's own threads take theirs. It runs only in the test of what
//! waits for nothing.

mod far_bus;
mod schedules;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::log::testing::{Crash, MemoryFiles};
use bus::log::{Fsync, LogConfig};
use bus::{Bus, BusError, ErrorKind, Position, Record, TOPIC_DEAD, TOPIC_RAW};
use bytes::Bytes;
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use pipeline::{DeadLetter, Ledgers, Rejection, Runtime, StageLedger};
use service::{ByteSize, Context, HealthState, Span};
use tokio::task::JoinHandle;

use self::far_bus::{FarBus, Weather};
use super::junction::Junction;
use super::report::PART;
use super::*;
use crate::intake::STAGE;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway's spool between a test, which is the door, and the far bus.
struct Rig {
    files: MemoryFiles,
    far: Arc<FarBus>,
    context: Context,
    ledgers: Arc<Ledgers>,
    junction: Arc<Junction>,
    running: JoinHandle<()>,
}

fn settings() -> SpoolConfig {
    SpoolConfig {
        folder: Some("/spool".into()),
        bytes_max: ByteSize(1 << 20),
        ..SpoolConfig::default()
    }
}

fn log() -> LogConfig {
    LogConfig { disk_reserve_bytes: 0, retention_interval_ms: 10, ..LogConfig::default() }
}

async fn open(
    files: &MemoryFiles,
    far: &Arc<FarBus>,
    config: &SpoolConfig,
) -> Result<(Spool, Runtime), BusError> {
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: far.clone(), ledgers, context };
    let folder = config.folder.clone().unwrap();
    let files = Arc::new(files.clone());
    let spool = Spool::open_on(files, &folder, config, &log(), &runtime, Vec::new()).await?;
    Ok((spool, runtime))
}

fn record(key: &str, number: u64, payload: impl Into<Bytes>) -> Record {
    Record { routing_key: key.into(), ..pipeline::testing::record(number, payload) }
}

fn number(record: &Record) -> u64 {
    u64::from_be_bytes(record.id.0[8..].try_into().unwrap())
}

/// Numbers without those that have come before.
fn firsts(numbers: &[u64]) -> Vec<u64> {
    let mut seen = HashSet::new();
    numbers.iter().copied().filter(|number| seen.insert(*number)).collect()
}

impl Rig {
    async fn start(weather: Weather) -> Self {
        Self::start_on(MemoryFiles::default(), FarBus::new(weather), &settings()).await
    }

    async fn start_on(files: MemoryFiles, far: Arc<FarBus>, config: &SpoolConfig) -> Self {
        let (spool, runtime) = open(&files, &far, config).await.expect("the spool opens");
        let Runtime { ledgers, context, .. } = runtime;
        let junction = Arc::clone(&spool.junction);
        let doors = context.shutdown.clone().cancelled_owned();
        let running = tokio::spawn(spool.replay_beside(doors));
        Self { files, far, context, ledgers, junction, running }
    }

    async fn publish(&self, key: &str, numbers: Range<u64>) -> Vec<Result<Position, BusError>> {
        let records = numbers.map(|number| record(key, number, format!("{key} {number}")));
        self.junction.publish(TOPIC_RAW, records.collect()).await
    }

    /// Publishes records that must all be acknowledged.
    async fn accept(&self, key: &str, numbers: Range<u64>) {
        for outcome in self.publish(key, numbers).await {
            outcome.expect("it is durable");
        }
    }

    /// The numbers that the bus has of a key, in order.
    fn taken(&self, key: &str) -> Vec<u64> {
        self.far.records(key).iter().map(number).collect()
    }

    fn health(&self) -> Option<HealthState> {
        self.context.health.parts().remove(PART)
    }

    fn ledger(&self) -> StageLedger {
        let stages = self.ledgers.snapshot();
        stages.into_iter().find(|stage| stage.stage == "spool").unwrap_or_default()
    }

    /// The value of a metric without labels.
    fn metric(&self, name: &str) -> f64 {
        let text = self.context.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect("it is shown").parse().expect("a number")
    }

    /// Waits until something holds.
    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}; {:?}", self.junction.condition());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the spool is empty and records go straight to the bus.
    async fn until_straight(&self) {
        self.until("an empty spool", || self.junction.condition().is_straight).await;
    }

    /// Stops it as a signal does, and gives what is left for the next start.
    async fn stop(self) -> (MemoryFiles, Arc<FarBus>) {
        self.context.shutdown.cancel();
        self.running.await.unwrap();
        assert!(self.ledgers.is_balanced(), "{:?}", self.ledgers.snapshot());
        (self.files, self.far)
    }

    /// Lets it crash: from one moment on nothing of it reaches the disk.
    async fn crash(self, crash: Crash) -> (MemoryFiles, Arc<FarBus>) {
        let left = self.files.after(crash);
        self.context.shutdown.cancel();
        self.running.await.unwrap();
        (left, self.far)
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_away_from_the_beginning_gets_all_of_it_in_order() {
    let rig = Rig::start(Weather::Away).await;
    rig.accept("a", 0..5).await;
    rig.accept("a", 5..9).await;
    assert!(rig.taken("a").is_empty());
    let told = || matches!(rig.health(), Some(HealthState::Degraded { reason }) if reason.contains("no broker"));
    rig.until("a word in the health", told).await;
    assert!(rig.context.health.is_ready(), "the doors accept");
    assert!(!rig.junction.reached.is_cancelled(), "whoever needs the bus waits");
    assert!(rig.metric("millrace_gateway_spool_records") >= 9.0);
    assert!(rig.metric("millrace_gateway_spool_bytes") > 0.0);
    rig.until("an age", || rig.metric("millrace_gateway_spool_oldest_seconds") > 0.0).await;

    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert!(rig.junction.reached.is_cancelled());
    assert_eq!(rig.taken("a"), (0..9).collect::<Vec<_>>());
    rig.accept("a", 9..12).await;
    assert_eq!(rig.taken("a"), (0..12).collect::<Vec<_>>());
    rig.until("a ready spool", || rig.health() == Some(HealthState::Ready)).await;
    let totals = ["spooled", "replayed"]
        .map(|what| rig.metric(&format!("millrace_gateway_{what}_records_total")));
    assert_eq!(totals, [9.0, 9.0]);
    assert_eq!((rig.ledger().received, rig.ledger().forwarded), (9, 9));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_bus_leaves_of_a_batch_goes_on_behind_the_rest() {
    let rig = Rig::start(Weather::Fair).await;
    rig.until_straight().await;
    rig.far.set(Weather::FairFor(3));
    rig.accept("a", 0..8).await;
    assert_eq!(rig.taken("a"), [0, 1, 2]);
    rig.accept("a", 8..10).await;
    rig.far.set(Weather::FairFor(4));
    rig.until("four more", || rig.taken("a").len() == 7).await;
    rig.accept("a", 10..11).await;
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), (0..11).collect::<Vec<_>>(), "each once");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_does_not_answer_is_not_waited_for_without_end() {
    let rig = Rig::start(Weather::Fair).await;
    rig.until_straight().await;
    rig.far.set(Weather::Silent);
    rig.accept("a", 0..2).await;
    let trouble = rig.junction.condition().trouble.expect("the bus is in trouble");
    assert!(trouble.contains("5000 ms"), "{trouble}");
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), [0, 1]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_bus_that_is_known_to_be_away() {
    let config = SpoolConfig { publish_timeout: Span::from_secs(3_600), ..settings() };
    let rig = Rig::start_on(MemoryFiles::default(), FarBus::new(Weather::Fair), &config).await;
    rig.until_straight().await;
    rig.far.set(Weather::Away);
    rig.accept("a", 0..1).await;
    rig.far.set(Weather::Silent);
    // Paused, the clock would pass every timeout while the log's threads work.
    tokio::time::resume();
    let accepted = tokio::time::timeout(PATIENCE, rig.accept("a", 1..3)).await;
    accepted.expect("the spool takes it at once");
    // Nor does a stop wait for it.
    let stopped = tokio::time::timeout(PATIENCE, rig.stop()).await;
    let (files, far) = stopped.expect("it stops");
    tokio::time::pause();
    far.set(Weather::Fair);
    let rig = Rig::start_on(files, far, &config).await;
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), [0, 1, 2]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_the_spool_takes_in_time_what_a_bus_does_not_answer() {
    let config = SpoolConfig { publish_timeout: Span::from_secs(3_600), ..settings() };
    let (files, far) = (MemoryFiles::default(), FarBus::new(Weather::Fair));
    let (spool, runtime) = open(&files, &far, &config).await.expect("the spool opens");
    let junction = Arc::clone(&spool.junction);
    let doors = async {
        while !junction.condition().is_straight {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        far.set(Weather::Silent);
        let begun = tokio::time::Instant::now();
        let publish = junction.publish(TOPIC_RAW, vec![record("a", 1, "the last")]);
        let stop = async { runtime.context.shutdown.cancel() };
        let (mut outcomes, ()) = tokio::join!(publish, stop);
        outcomes.remove(0).expect("it is durable");
        let drain = crate::config::Config::default().drain_timeout.0;
        assert!(begun.elapsed() < drain, "{:?}", begun.elapsed());
    };
    spool.replay_beside(doors).await;
    drop(junction);
    far.set(Weather::Fair);
    let rig = Rig::start_on(files, far, &config).await;
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), [1]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_took_without_saying_so_comes_again_under_its_id() {
    let rig = Rig::start(Weather::Fair).await;
    rig.until_straight().await;
    rig.far.set(Weather::Mute);
    rig.accept("a", 0..3).await;
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    let taken = rig.far.records("a");
    assert!(taken.len() >= 6, "{taken:?}");
    assert_eq!(firsts(&rig.taken("a")), [0, 1, 2]);
    let is_first = |again: &Record| taken.iter().find(|one| one.id == again.id) == Some(again);
    assert!(taken.iter().all(is_first), "id, time of receipt and attempt are the same");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_spool_says_so_and_loses_nothing() {
    let config = SpoolConfig { bytes_max: ByteSize(64 << 10), ..settings() };
    let rig = Rig::start_on(MemoryFiles::default(), FarBus::new(Weather::Away), &config).await;
    let publish = async |number: u64| {
        let large = record("a", number, vec![b'x'; 1_024]);
        rig.junction.publish(TOPIC_RAW, vec![large]).await.remove(0)
    };
    let mut accepted = 0;
    let refused = loop {
        match publish(accepted).await {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.kind, ErrorKind::Transient);
    assert!(refused.message.contains("ingest_gateway.spool.bytes_max"), "{refused}");
    assert!((50..64).contains(&accepted), "{accepted} of 64 KiB");
    assert!(rig.junction.store.log.stored_bytes() <= 64 << 10);
    let shortage = rig.junction.shortage().expect("nothing is accepted");
    assert!(shortage.contains("is full"), "{shortage}");

    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), (0..accepted).collect::<Vec<_>>());
    assert_eq!(rig.junction.shortage(), None);
    rig.until("room", || rig.junction.store.log.stored_bytes() < 16 << 10).await;
    rig.far.set(Weather::Away);
    publish(accepted).await.expect("there is room again");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_the_spool_goes_to_a_bus_that_is_back() {
    let config = SpoolConfig { bytes_max: ByteSize(8 << 10), ..settings() };
    let rig = Rig::start_on(MemoryFiles::default(), FarBus::new(Weather::Fair), &config).await;
    rig.until_straight().await;
    let publish = async || {
        let large = record("a", 1, vec![b'x'; 9 << 10]);
        rig.junction.publish(TOPIC_RAW, vec![large]).await.remove(0)
    };
    rig.far.set(Weather::Away);
    assert_eq!(publish().await.unwrap_err().kind, ErrorKind::Transient);
    rig.far.set(Weather::Fair);
    publish().await.expect("nothing is in its way");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_spool_goes_first() {
    let rig = Rig::start(Weather::Away).await;
    rig.accept("a", 0..5).await;
    let (files, far) = rig.crash(Crash::OfTheMachine).await;
    far.set(Weather::Fair);
    let rig = Rig::start_on(files, far, &settings()).await;
    rig.accept("a", 5..7).await;
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), (0..7).collect::<Vec<_>>());
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_the_spool_to_the_next_start() {
    let rig = Rig::start(Weather::Away).await;
    rig.accept("a", 0..5).await;
    let (files, far) = rig.stop().await;
    let rig = Rig::start_on(files, far, &settings()).await;
    assert_eq!(rig.junction.condition().held_records, 5);
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), (0..5).collect::<Vec<_>>());
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_refuses_at_last_is_a_dead_letter_of_the_door() {
    let rig = Rig::start(Weather::Away).await;
    rig.accept("a", 0..2).await;
    let refused = record("a", 2, "refuse this");
    rig.junction.publish(TOPIC_RAW, vec![refused.clone()]).await.remove(0).expect("spooled");
    rig.accept("a", 3..5).await;
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), [0, 1, 3, 4], "it stops nothing");
    let letters = rig.far.letters();
    let [letter] = &letters[..] else { panic!("one letter, not {letters:?}") };
    assert_eq!((&*letter.stage, &*letter.kind), (STAGE, "publish_refused"));
    assert_eq!((letter.record_id(), letter.position()), (Some(refused.id), None));
    assert_eq!(letter.replay_topic(), TOPIC_RAW);
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, "refuse this");
    rig.until("a settled ledger", || rig.ledger().in_flight == 0).await;
    assert_eq!((rig.ledger().forwarded, rig.ledger().dead["publish_refused"]), (4, 1));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn dead_letters_of_the_doors_wait_too() {
    let rig = Rig::start(Weather::Away).await;
    let kind = "invalid_json".into();
    let rejection = Rejection { kind, message: "no JSON".to_owned(), position_bytes: None };
    let letter = DeadLetter::new(STAGE, &record("a", 1, "{"), None, &rejection);
    let published = rig.junction.publish(TOPIC_DEAD, vec![letter.clone().into_record()]).await;
    assert!(published[0].is_ok());
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.far.letters(), [letter]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_dead_letter_that_is_too_large_for_the_bus_the_rest_arrives() {
    let rig = Rig::start(Weather::Away).await;
    let kind = "invalid_json".into();
    let rejection = Rejection { kind, message: "no JSON".to_owned(), position_bytes: None };
    let large = record("a", 1, vec![b'{'; far_bus::PAYLOAD_BYTES_MAX]);
    let letter = DeadLetter::new(STAGE, &large, None, &rejection);
    let published = rig.junction.publish(TOPIC_DEAD, vec![letter.clone().into_record()]).await;
    assert!(published[0].is_ok());
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.far.letters(), [letter.without_payload()]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_needs_a_person_is_told_and_the_spool_holds() {
    let rig = Rig::start(Weather::Fair).await;
    rig.until_straight().await;
    rig.far.set(Weather::Broken);
    let refused = rig.publish("a", 0..1).await.remove(0).expect_err("as without a spool");
    assert_eq!(refused.kind, ErrorKind::Fatal);
    rig.far.set(Weather::Away);
    rig.accept("a", 1..3).await;
    rig.far.set(Weather::Broken);
    let told = || matches!(rig.health(), Some(HealthState::Degraded { reason }) if reason.contains("no rights"));
    rig.until("a word in the health", told).await;
    rig.accept("a", 3..5).await;
    rig.far.set(Weather::Fair);
    rig.until_straight().await;
    assert_eq!(rig.taken("a"), [1, 2, 3, 4]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_gateway_is_told_to_take_another_folder() {
    let rig = Rig::start(Weather::Fair).await;
    let refused = open(&rig.files, &rig.far, &settings()).await.expect_err("it is in use");
    assert_eq!(refused.kind, ErrorKind::Fatal);
    for part in ["the spool in /spool", "another process", "ingest_gateway.spool.folder"] {
        assert!(refused.message.contains(part), "{refused}");
    }
    let (files, far) = rig.stop().await;
    Rig::start_on(files, far, &settings()).await.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_is_not_synced_is_called_so() {
    let rig = Rig::start(Weather::Fair).await;
    assert_eq!(rig.junction.durability_warning(), None);
    rig.stop().await;
    let config = SpoolConfig { fsync: Fsync::Never, ..settings() };
    let rig = Rig::start_on(MemoryFiles::default(), FarBus::new(Weather::Fair), &config).await;
    let warning = rig.junction.durability_warning().expect("a warning");
    assert!(warning.contains("ingest_gateway.spool"), "{warning}");
    rig.stop().await;
}
