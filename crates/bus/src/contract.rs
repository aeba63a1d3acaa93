//! The tests that every backend of the bus passes.
//!
//! A backend's own tests call [`run`]; it panics at the first promise that is broken, and never
//! looks behind the port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::port::{
    Batch, Bus, Consumer, Delivery, ErrorKind, PartitionId, PartitionStart, Positioned, TopicSpec,
};
use crate::record::{Codec, Position, Record, RecordId};

const TOPIC: &str = "contract.events";
const PARTITIONS: u32 = 4;
/// Longer than any delivery takes; a test that waits this long has failed.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a test watches that nothing is delivered.
const SILENCE: Duration = Duration::from_millis(50);

/// What backends promise differently.
#[derive(Clone, Copy, Debug)]
pub struct Promises {
    /// Largest payload of a record.
    pub record_bytes_max: usize,
    /// Whether a lag counts records; if not, it counts what holds one or more of them.
    pub lag_counts_records: bool,
}

/// Runs all tests on a backend whose lag counts records; see [`run_with`].
///
/// # Panics
/// Where the backend breaks a promise.
pub async fn run(open: impl AsyncFn(&str) -> Arc<dyn Bus>, record_bytes_max: usize) {
    run_with(open, Promises { record_bytes_max, lag_counts_records: true }).await;
}

/// Runs all tests. `open(name)` opens the store of that name with a largest record of
/// `promises.record_bytes_max`; after the bus is dropped, opening the same name finds what was stored.
///
/// # Panics
/// Where the backend breaks a promise.
pub async fn run_with(open: impl AsyncFn(&str) -> Arc<dyn Bus>, promises: Promises) {
    keeps_order_of_a_key(&open).await;
    reads_back_by_position(&open).await;
    redelivers_what_was_not_committed(&open).await;
    keeps_commits_and_metadata(&open).await;
    fences_a_replaced_member(&open).await;
    pauses_and_resumes(&open).await;
    wakes_a_waiting_consumer(&open).await;
    loses_nothing_with_a_dropped_future(&open).await;
    counts_lag(&open, promises).await;
    keeps_groups_apart(&open, promises).await;
    refuses_what_it_cannot_do(&open, promises.record_bytes_max).await;
}

/// A record whose payload says which key and number it has.
#[must_use]
pub fn record(key: &str, number: u64) -> Record {
    Record {
        id: RecordId::from_idempotency_key("shop-a", key, number),
        received_at_ns: 1_700_000_000_000_000_000 + number as i64,
        shop: "shop-a".into(),
        source: "192.0.2.7".into(),
        listener: "tcp".into(),
        codec: if number.is_multiple_of(2) { Codec::Json } else { Codec::Plain },
        content_type: "application/x-ndjson".into(),
        trace_context: if number.is_multiple_of(3) { "00-0af7-b7ad-01".into() } else { "".into() },
        attempt: (number % 5) as u16,
        routing_key: key.into(),
        log_type: None,
        payload: Bytes::from(format!("{key}:{number}")),
    }
}

fn topic(partitions: u32) -> TopicSpec {
    TopicSpec {
        name: TOPIC.into(),
        partitions,
        retention_ns: i64::MAX,
        retention_bytes: u64::MAX,
        holding_groups: Vec::new(),
    }
}

async fn opened(open: &impl AsyncFn(&str) -> Arc<dyn Bus>, name: &str) -> Arc<dyn Bus> {
    let bus = open(name).await;
    bus.ensure_topics(&[topic(PARTITIONS)]).await.expect("the topic is created or there");
    bus
}

/// Publishes `number` records for each key, the keys mixed, in several batches.
async fn publish(bus: &dyn Bus, keys: &[&str], numbers: std::ops::Range<u64>) -> Vec<Position> {
    let mut positions = Vec::new();
    let numbers: Vec<u64> = numbers.collect();
    for some in numbers.chunks(7) {
        let batch: Vec<_> =
            some.iter().flat_map(|number| keys.iter().map(|key| record(key, *number))).collect();
        for outcome in bus.publish(TOPIC, batch).await {
            positions.push(outcome.expect("a record is stored"));
        }
    }
    positions
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    let delivery = timeout(DELIVERY_TIMEOUT, consumer.next()).await;
    delivery.expect("something is delivered in time").expect("the consumer works")
}

async fn assigned(consumer: &mut Box<dyn Consumer>) -> Vec<PartitionStart> {
    let mut starts = Vec::new();
    while starts.len() < PARTITIONS as usize {
        match next(consumer).await {
            Delivery::Assigned(more) => starts.extend(more),
            other => panic!("the partitions come before anything else, not {other:?}"),
        }
    }
    starts
}

async fn batch(consumer: &mut Box<dyn Consumer>) -> Batch {
    match next(consumer).await {
        Delivery::Batch(batch) => batch,
        other => panic!("a batch was expected, not {other:?}"),
    }
}

/// Takes batches until this many records came.
async fn take(consumer: &mut Box<dyn Consumer>, records: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut taken = 0;
    while taken < records {
        let batch = batch(consumer).await;
        assert!(!batch.records.is_empty(), "a batch holds records");
        assert_eq!(batch.declared_records, batch.records.len() as u64, "no record is lost");
        taken += batch.records.len();
        batches.push(batch);
    }
    assert_eq!(taken, records, "no record comes twice");
    batches
}

async fn expect_silence(consumer: &mut Box<dyn Consumer>) {
    let delivery = timeout(SILENCE, consumer.next()).await;
    assert!(delivery.is_err(), "nothing may be delivered, but it was {delivery:?}");
}

/// The numbers of each key as they were delivered.
fn numbers(batches: &[Batch]) -> BTreeMap<String, Vec<u64>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for Positioned { record, .. } in batches.iter().flat_map(|batch| &batch.records) {
        let text = std::str::from_utf8(&record.payload).expect("the payload is text");
        let (key, number) = text.split_once(':').expect("the payload has a key");
        let number = number.parse().expect("the payload has a number");
        assert_eq!(*record, self::record(key, number), "a record comes as it was published");
        numbers.entry(key.to_owned()).or_default().push(number);
    }
    numbers
}

async fn keeps_order_of_a_key(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "order").await;
    let keys = ["a", "b", "c", "d", "e", "f", "g"];
    let positions = publish(&*bus, &keys, 0..50).await;
    let mut consumer = bus.subscribe("order", &[TOPIC]).await.expect("the group is free");
    assert_eq!(assigned(&mut consumer).await.len(), PARTITIONS as usize);
    let batches = take(&mut consumer, positions.len()).await;
    for (key, numbers) in numbers(&batches) {
        assert_eq!(numbers, (0..50).collect::<Vec<_>>(), "key {key} comes in order");
    }
    let mut seen: BTreeMap<&PartitionId, u64> = BTreeMap::new();
    for batch in &batches {
        let next = seen.entry(&batch.partition).or_insert(0);
        let first = batch.records[0].offset;
        assert!(first >= *next, "batches of a partition follow each other");
        assert!(batch.records.iter().all(|record| record.offset < batch.next_offset));
        assert!(
            batch
                .records
                .windows(2)
                .all(|pair| { (pair[0].offset, pair[0].index) < (pair[1].offset, pair[1].index) })
        );
        *next = batch.next_offset;
    }
    let mut told: Vec<_> = positions;
    let mut came: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch.records.iter().map(|record| position(batch, record)))
        .collect();
    told.sort();
    came.sort();
    assert_eq!(told, came, "records are delivered at the positions that publishing told");
    expect_silence(&mut consumer).await;
}

fn position(batch: &Batch, record: &Positioned) -> Position {
    Position {
        topic: Arc::clone(&batch.partition.topic),
        partition: batch.partition.partition,
        offset: record.offset,
        index: record.index,
    }
}

async fn reads_back_by_position(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "read").await;
    let positions = publish(&*bus, &["a", "b"], 0..20).await;
    for (position, number) in positions.iter().zip(0..) {
        let expected = record(["a", "b"][number % 2], number as u64 / 2);
        let read = bus.read(position).await.expect("the store can be read");
        assert_eq!(read, Some(expected), "the record at {position}");
    }
    let after = Position { offset: u64::MAX / 2, ..positions[0].clone() };
    assert_eq!(bus.read(&after).await.expect("the store can be read"), None);
    let beside = Position { index: u32::MAX, ..positions[0].clone() };
    assert_eq!(bus.read(&beside).await.expect("the store can be read"), None);
}

async fn redelivers_what_was_not_committed(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "redelivery").await;
    publish(&*bus, &["a"], 0..30).await;
    let mut consumer = bus.subscribe("redelivery", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    take(&mut consumer, 30).await;
    drop(consumer);
    let mut consumer = bus.subscribe("redelivery", &[TOPIC]).await.expect("the group is free");
    let starts = assigned(&mut consumer).await;
    assert!(starts.iter().all(|start| start.metadata.is_empty()));
    let again = take(&mut consumer, 30).await;
    assert_eq!(numbers(&again)["a"], (0..30).collect::<Vec<_>>());
    let last = &again[again.len() - 1];
    let committer = consumer.committer();
    committer.commit(&last.partition, last.next_offset, Bytes::new()).await.expect("it commits");
    drop((consumer, committer));
    publish(&*bus, &["a"], 30..31).await;
    let mut consumer = bus.subscribe("redelivery", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    assert_eq!(numbers(&take(&mut consumer, 1).await)["a"], [30], "only what is new comes");
}

async fn keeps_commits_and_metadata(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "commits").await;
    let positions = publish(&*bus, &["a"], 0..10).await;
    let mut consumer = bus.subscribe("commits", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    let first = batch(&mut consumer).await;
    let committer = consumer.committer();
    let metadata = Bytes::from(vec![b'm'; 4_096]);
    for text in [Bytes::from_static(b"earlier"), metadata.clone()] {
        committer.commit(&first.partition, first.next_offset, text).await.expect("it commits");
    }
    let oversize = Bytes::from(vec![b'm'; 4_097]);
    let refused = committer.commit(&first.partition, first.next_offset, oversize).await;
    assert_eq!(refused.expect_err("too much metadata").kind, ErrorKind::Fatal);
    drop((consumer, committer, bus));

    let bus = opened(open, "commits").await;
    let read = bus.read(&positions[3]).await.expect("the store can be read");
    assert_eq!(read, Some(record("a", 3)), "records survive a restart");
    let mut consumer = bus.subscribe("commits", &[TOPIC]).await.expect("the group is free");
    let starts = assigned(&mut consumer).await;
    let start = starts.iter().find(|start| start.partition == first.partition);
    let start = start.expect("every partition is assigned");
    assert_eq!((start.offset, &start.metadata), (first.next_offset, &metadata));
    let rest = 10 - first.records.len();
    publish(&*bus, &["a"], 10..20).await;
    let batches = take(&mut consumer, rest + 10).await;
    let expected: Vec<u64> = (first.records.len() as u64..20).collect();
    assert_eq!(numbers(&batches)["a"], expected, "it goes on after the commit, over the restart");
}

async fn fences_a_replaced_member(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "fence").await;
    publish(&*bus, &["a"], 0..5).await;
    let mut consumer = bus.subscribe("fence", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    let batch = batch(&mut consumer).await;
    let stale = consumer.committer();
    drop(consumer);
    let mut consumer = bus.subscribe("fence", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    let refused = stale.commit(&batch.partition, batch.next_offset, Bytes::new()).await;
    assert!(refused.is_err(), "who lost a partition cannot commit it");
}

async fn pauses_and_resumes(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "pause").await;
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let positions = publish(&*bus, &keys, 0..3).await;
    let mut consumer = bus.subscribe("pause", &[TOPIC]).await.expect("the group is free");
    let starts = assigned(&mut consumer).await;
    let committer = consumer.committer();
    let paused = positions[0].partition;
    let is_paused = |partition: &PartitionId| partition.partition == paused;
    let start = starts.iter().find(|start| is_paused(&start.partition));
    let partition = start.expect("every partition is assigned").partition.clone();
    committer.pause(&partition);
    let held_back = positions.iter().filter(|position| position.partition == paused).count();
    let batches = take(&mut consumer, positions.len() - held_back).await;
    assert!(!batches.iter().any(|batch| is_paused(&batch.partition)));
    expect_silence(&mut consumer).await;
    committer.resume(&partition);
    let batches = take(&mut consumer, held_back).await;
    assert!(batches.iter().all(|batch| is_paused(&batch.partition)));
}

async fn wakes_a_waiting_consumer(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "wake").await;
    let mut consumer = bus.subscribe("wake", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    let waiting = tokio::spawn(async move { take(&mut consumer, 1).await });
    tokio::task::yield_now().await;
    publish(&*bus, &["a"], 0..1).await;
    let batches = waiting.await.expect("the waiting consumer gets the record");
    assert_eq!(numbers(&batches)["a"], [0]);
}

async fn loses_nothing_with_a_dropped_future(open: &impl AsyncFn(&str) -> Arc<dyn Bus>) {
    let bus = opened(open, "dropped").await;
    let positions = publish(&*bus, &["a", "b", "c"], 0..40).await;
    let mut consumer = bus.subscribe("dropped", &[TOPIC]).await.expect("the group is free");
    let mut batches = Vec::new();
    let mut taken = 0;
    let mut starts = 0;
    let mut patience = Duration::ZERO;
    while taken < positions.len() {
        match timeout(patience, consumer.next()).await {
            Err(_) => patience += Duration::from_micros(50),
            Ok(delivery) => match delivery.expect("the consumer works") {
                Delivery::Assigned(more) => starts += more.len(),
                Delivery::Batch(batch) => {
                    patience = Duration::ZERO;
                    taken += batch.records.len();
                    batches.push(batch);
                }
                other => panic!("nobody else is in the group: {other:?}"),
            },
        }
    }
    assert_eq!(starts, PARTITIONS as usize);
    for (key, numbers) in numbers(&batches) {
        assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "key {key} is whole and in order");
    }
}

/// Checks a lag where this many records are left.
fn expect_lag(promises: Promises, lag: u64, records: u64) {
    if promises.lag_counts_records {
        assert_eq!(lag, records, "the lag counts records");
    } else {
        assert!(lag <= records, "a lag of {lag} for {records} records");
        assert_eq!(lag == 0, records == 0, "a lag of {lag} for {records} records");
    }
}

async fn counts_lag(open: &impl AsyncFn(&str) -> Arc<dyn Bus>, promises: Promises) {
    let bus = opened(open, "lag").await;
    let total = async |bus: &dyn Bus| {
        let lag = bus.lag("lag", &[TOPIC]).await.expect("the topic is known");
        assert_eq!(lag.len(), PARTITIONS as usize);
        assert!(lag.iter().all(|one| one.committed_offset <= one.end_offset));
        lag.iter().map(|one| one.lag_records).sum::<u64>()
    };
    assert_eq!(total(&*bus).await, 0);
    publish(&*bus, &["a", "b"], 0..25).await;
    expect_lag(promises, total(&*bus).await, 50);
    let mut consumer = bus.subscribe("lag", &[TOPIC]).await.expect("the group is free");
    assigned(&mut consumer).await;
    let committer = consumer.committer();
    let mut left = 50;
    while left > 0 {
        let batch = batch(&mut consumer).await;
        let metadata = Bytes::from(format!("up to {}", batch.next_offset));
        let commit = committer.commit(&batch.partition, batch.next_offset, metadata.clone());
        commit.await.expect("commits");
        left -= batch.records.len() as u64;
        expect_lag(promises, total(&*bus).await, left);
        let lag = bus.lag("lag", &[TOPIC]).await.expect("the topic is known");
        let ours = lag.iter().find(|one| one.partition == batch.partition.partition);
        assert_eq!(ours.expect("a partition").metadata, metadata);
    }
}

async fn keeps_groups_apart(open: &impl AsyncFn(&str) -> Arc<dyn Bus>, promises: Promises) {
    let bus = opened(open, "groups").await;
    publish(&*bus, &["a"], 0..10).await;
    let mut first = bus.subscribe("groups-1", &[TOPIC]).await.expect("the group is free");
    let mut second = bus.subscribe("groups-2", &[TOPIC]).await.expect("the group is free");
    assigned(&mut first).await;
    assigned(&mut second).await;
    let batches = take(&mut first, 10).await;
    let last = &batches[batches.len() - 1];
    let committed = first.committer().commit(&last.partition, last.next_offset, Bytes::new()).await;
    committed.expect("it commits");
    assert_eq!(numbers(&take(&mut second, 10).await)["a"], (0..10).collect::<Vec<_>>());
    let lag = bus.lag("groups-2", &[TOPIC]).await.expect("the topic is known");
    expect_lag(promises, lag.iter().map(|one| one.lag_records).sum(), 10);
}

async fn refuses_what_it_cannot_do(
    open: &impl AsyncFn(&str) -> Arc<dyn Bus>,
    record_bytes_max: usize,
) {
    let bus = opened(open, "refused").await;
    let unknown = bus.subscribe("refused", &["contract.unknown"]).await.err();
    assert_eq!(unknown.expect("the topic is unknown").kind, ErrorKind::Fatal);
    let unknown = bus.lag("refused", &["contract.unknown"]).await;
    assert_eq!(unknown.expect_err("the topic is unknown").kind, ErrorKind::Fatal);
    let outcomes = bus.publish("contract.unknown", vec![record("a", 0), record("a", 1)]).await;
    assert_eq!(outcomes.len(), 2);
    for outcome in outcomes {
        assert_eq!(outcome.expect_err("the topic is unknown").kind, ErrorKind::Fatal);
    }
    let other = bus.ensure_topics(&[topic(PARTITIONS + 1)]).await;
    let error = other.expect_err("another number of partitions");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains(&PARTITIONS.to_string()), "it says the number: {error}");

    let mut oversize = record("a", 1);
    oversize.payload = Bytes::from(vec![b'x'; record_bytes_max + 1]);
    let outcomes = bus.publish(TOPIC, vec![record("a", 0), oversize, record("a", 2)]).await;
    let [first, refused, last] = &outcomes[..] else { panic!("one outcome a record") };
    assert!(first.is_ok() && last.is_ok(), "the others of the batch are stored");
    assert_eq!(refused.as_ref().expect_err("it is too large").kind, ErrorKind::Rejected);
    assert!(bus.publish(TOPIC, Vec::new()).await.is_empty(), "an empty batch is fine");
    drop(bus);

    let bus = open("refused").await;
    let other = bus.ensure_topics(&[topic(PARTITIONS - 1)]).await;
    assert_eq!(other.expect_err("it is recorded for ever").kind, ErrorKind::Fatal);
}
