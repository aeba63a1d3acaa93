//! The machine crashes before each single write: what was acknowledged is there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::record;
use crate::log::testing::{Crash, MemoryFiles};
use crate::log::{EmbeddedBus, Fsync, LogConfig};
use crate::port::{Bus, BusError, Delivery, PartitionId};
use crate::record::{Position, Record};

const TOPIC: &str = "crash.events";
const ROUNDS: u64 = 12;
/// Records from this number on are published after the restart.
const FIRST_MARK: u64 = 1_000;

/// What the bus acknowledged before the crash.
#[derive(Debug, Default)]
struct Acknowledged {
    /// By number of the record.
    records: Vec<(u64, Position)>,
    commits: BTreeMap<PartitionId, u64>,
}

fn config(fsync: Fsync) -> LogConfig {
    LogConfig {
        fsync,
        // Never due by itself: what is synced is up to the number of the write.
        fsync_interval_ms: 3_600_000,
        segment_bytes: 4_096,
        frame_bytes: 1_024,
        disk_reserve_bytes: 0,
        ..LogConfig::default()
    }
}

async fn open(files: &MemoryFiles, fsync: Fsync, partitions: u32) -> Result<EmbeddedBus, BusError> {
    let config = config(fsync);
    let mut topic = config.topic(TOPIC, &[]);
    topic.partitions = partitions;
    let bus = EmbeddedBus::open_on(Arc::new(files.clone()), "/data/bus", config)?;
    bus.ensure_topics(&[topic]).await?;
    Ok(bus)
}

fn keyed_record(number: u64) -> Record {
    let mut record = record(["a", "b", "c", "d"][(number % 4) as usize], number);
    record.payload = Bytes::from(format!("{number}:{}", "x".repeat(200)));
    record
}

fn number(payload: &[u8]) -> u64 {
    let text = std::str::from_utf8(payload).expect("the payload is text");
    text.split(':').next().and_then(|digits| digits.parse().ok()).expect("it has a number")
}

/// Publishes, consumes and commits until all is done or the machine has crashed.
async fn work(bus: &EmbeddedBus, done: &mut Acknowledged) -> Result<(), BusError> {
    let mut consumer = bus.subscribe("worker", &[TOPIC]).await?;
    let committer = consumer.committer();
    let Delivery::Assigned(_) = consumer.next().await? else { panic!("assigned comes first") };
    for round in 0..ROUNDS {
        let numbers = round * 5..round * 5 + 5;
        let outcomes = bus.publish(TOPIC, numbers.clone().map(keyed_record).collect()).await;
        let mut crashed = None;
        for (number, outcome) in numbers.zip(outcomes) {
            match outcome {
                Ok(position) => done.records.push((number, position)),
                Err(error) => crashed = Some(error),
            }
        }
        if let Some(error) = crashed {
            return Err(error);
        }
        let Delivery::Batch(batch) = consumer.next().await? else { panic!("a batch is due") };
        let metadata = Bytes::from(format!("state at {}", batch.next_offset));
        committer.commit(&batch.partition, batch.next_offset, metadata).await?;
        done.commits.insert(batch.partition, batch.next_offset);
    }
    Ok(())
}

/// Everything that a new group gets before the marks that are published now, one for each of many
/// keys.
async fn read_all(bus: &EmbeddedBus) -> Vec<(u64, Position)> {
    let marks: Vec<_> = (FIRST_MARK..FIRST_MARK + 40)
        .map(|mark| Record { routing_key: mark.to_string().into(), ..keyed_record(mark) })
        .collect();
    let mut left = marks.len();
    for outcome in bus.publish(TOPIC, marks).await {
        outcome.expect("it goes on after every crash");
    }
    let mut consumer = bus.subscribe("reader", &[TOPIC]).await.expect("the group is free");
    let mut found = Vec::new();
    while left > 0 {
        let Delivery::Batch(batch) = consumer.next().await.expect("the log reads") else {
            continue;
        };
        for positioned in batch.records {
            let position = Position {
                topic: Arc::clone(&batch.partition.topic),
                partition: batch.partition.partition,
                offset: positioned.offset,
                index: positioned.index,
            };
            let number = number(&positioned.record.payload);
            left -= usize::from(number >= FIRST_MARK);
            found.push((number, position));
        }
    }
    found
}

/// What is wrong after the restart, if anything is.
async fn broken_promise(bus: &EmbeddedBus, done: &Acknowledged) -> Option<String> {
    let lag = bus.lag("worker", &[TOPIC]).await.expect("the topic is known");
    if let Some(beyond) = lag.iter().find(|one| one.committed_offset > one.end_offset) {
        return Some(format!("a commit goes beyond the end: {beyond:?}"));
    }
    let found = read_all(bus).await;
    let places: BTreeMap<u64, &Position> =
        found.iter().map(|(number, position)| (*number, position)).collect();
    let positions: BTreeSet<_> = places.values().collect();
    if places.len() != found.len() || positions.len() != found.len() {
        return Some(format!("a record or a position is there twice: {found:?}"));
    }
    for partition in 0..8 {
        let of = |(_, position): &&(u64, Position)| position.partition == partition;
        if !found.iter().filter(of).is_sorted() {
            return Some(format!("the order is another: {found:?}"));
        }
    }
    for (number, position) in &done.records {
        if places.get(number) != Some(&position) {
            return Some(format!("record {number} is not at {position}"));
        }
        match bus.read(position).await {
            Ok(Some(record)) if record == keyed_record(*number) => {}
            other => return Some(format!("record {number} reads as {other:?}")),
        }
    }
    broken_commit(bus, done).await
}

async fn broken_commit(bus: &EmbeddedBus, done: &Acknowledged) -> Option<String> {
    let mut consumer = bus.subscribe("worker", &[TOPIC]).await.expect("the group is free");
    let Ok(Delivery::Assigned(starts)) = consumer.next().await else {
        return Some("no partition was assigned".to_owned());
    };
    for start in starts {
        let committed = done.commits.get(&start.partition).copied().unwrap_or(0);
        if start.offset < committed {
            return Some(format!("the commit of {committed} is lost: {start:?}"));
        }
        let expected = format!("state at {}", start.offset);
        if start.offset > 0 && start.metadata != expected.as_bytes() {
            return Some(format!("metadata of another commit: {start:?}"));
        }
    }
    None
}

/// Crashes before operation `at`, restarts, and says what is broken.
async fn crash(fsync: Fsync, partitions: u32, at: u64, crash: Crash) -> (bool, Option<String>) {
    let files = MemoryFiles::crashing_at(at);
    let mut done = Acknowledged::default();
    let mut crashed = true;
    if let Ok(bus) = open(&files, fsync, partitions).await {
        crashed = work(&bus, &mut done).await.is_err();
    }
    let files = files.after(crash);
    let bus = open(&files, fsync, partitions).await.expect("it starts after every crash");
    let broken = broken_promise(&bus, &done).await;
    (crashed, broken)
}

/// Crashes before every operation in turn until the work gets to its end.
async fn crash_everywhere(fsync: Fsync, partitions: u32, kind: Crash) -> (u64, Vec<String>) {
    let mut broken = Vec::new();
    for at in 0.. {
        let (crashed, promise) = crash(fsync, partitions, at, kind).await;
        broken.extend(promise.map(|what| format!("crash {kind:?} before operation {at}: {what}")));
        if !crashed {
            return (at, broken);
        }
    }
    unreachable!("the work has an end")
}

async fn assert_nothing_is_lost(fsync: Fsync, partitions: u32, kind: Crash) {
    let (operations, broken) = crash_everywhere(fsync, partitions, kind).await;
    assert!(operations > 50, "the work does many operations, not {operations}");
    assert_eq!(broken, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synced_log_keeps_all_that_it_acknowledged() {
    assert_nothing_is_lost(Fsync::Batch, 1, Crash::OfTheMachine).await;
    assert_nothing_is_lost(Fsync::Batch, 3, Crash::OfTheMachine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synced_log_keeps_it_when_writes_are_torn() {
    for seed in 1..=3 {
        assert_nothing_is_lost(Fsync::Batch, 1, Crash::Torn(seed)).await;
        assert_nothing_is_lost(Fsync::Batch, 3, Crash::Torn(seed)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_log_keeps_it_when_only_the_process_dies() {
    for fsync in [Fsync::Batch, Fsync::Interval, Fsync::Never] {
        assert_nothing_is_lost(fsync, 2, Crash::OfTheProcess).await;
    }
}

/// The test of the test: a log that does not sync must be found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_never_syncs_is_found_out() {
    for fsync in [Fsync::Never, Fsync::Interval] {
        let (_, broken) = crash_everywhere(fsync, 1, Crash::OfTheMachine).await;
        let lost = broken.iter().filter(|what| what.contains("is not at")).count();
        assert!(lost > 10, "losses must be seen, but only these were: {broken:?}");
    }
}
