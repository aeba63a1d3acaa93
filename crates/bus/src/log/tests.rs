//! The embedded log keeps the bus's contract, and what only it promises.

mod crash;
mod damage;
mod retention;
mod space;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;

use super::testing::{Crash, MemoryFiles};
use super::{EmbeddedBus, Fsync, LogConfig};
use crate::contract;
use crate::port::{Batch, Bus, BusError, Consumer, Delivery, ErrorKind, PartitionStart, TopicSpec};
use crate::record::{Position, Record};

const TOPIC: &str = "log.events";

fn one_partition() -> LogConfig {
    LogConfig { partitions: 1, disk_reserve_bytes: 0, ..LogConfig::default() }
}

async fn open_on(files: &MemoryFiles, config: LogConfig) -> EmbeddedBus {
    let topic =
        TopicSpec { retention_ns: i64::MAX, retention_bytes: u64::MAX, ..config.topic(TOPIC, &[]) };
    let bus = EmbeddedBus::open_on(Arc::new(files.clone()), "/data/bus", config);
    let bus = bus.expect("the folder is free");
    bus.ensure_topics(&[topic]).await.expect("the topic opens");
    bus
}

/// A record of about 1,500 bytes.
fn record(number: u64) -> Record {
    let payload = Bytes::from(format!("{number}:{}", "x".repeat(1_400)));
    Record { payload, ..contract::record("key", number) }
}

fn number(record: &Record) -> u64 {
    let text = std::str::from_utf8(&record.payload).expect("the payload is text");
    text.split(':').next().and_then(|digits| digits.parse().ok()).expect("it has a number")
}

async fn publish(bus: &EmbeddedBus, records: Vec<Record>) -> Vec<Position> {
    let outcomes = bus.publish(TOPIC, records).await;
    outcomes.into_iter().map(|outcome| outcome.expect("the record is stored")).collect()
}

async fn publish_number(bus: &EmbeddedBus, number: u64) -> Position {
    publish(bus, vec![record(number)]).await.remove(0)
}

/// A consumer of one record after the other.
struct Reader {
    consumer: Box<dyn Consumer>,
    starts: Vec<PartitionStart>,
    waiting: Vec<u64>,
    last: Option<Batch>,
}

impl Reader {
    async fn new(bus: &EmbeddedBus, group: &str) -> Self {
        let mut consumer = bus.subscribe(group, &[TOPIC]).await.expect("the group is free");
        let Delivery::Assigned(starts) = consumer.next().await.expect("it works") else {
            panic!("assigned comes first")
        };
        Self { consumer, starts, waiting: Vec::new(), last: None }
    }

    async fn batch(&mut self) -> Batch {
        match self.consumer.next().await.expect("the log reads") {
            Delivery::Batch(batch) => batch,
            other => panic!("a batch was expected, not {other:?}"),
        }
    }

    /// The numbers of the next records.
    async fn take(&mut self, records: usize) -> Vec<u64> {
        while self.waiting.len() < records {
            let batch = self.batch().await;
            self.waiting.extend(batch.records.iter().map(|one| number(&one.record)));
            self.last = Some(batch);
        }
        self.waiting.drain(..records).collect()
    }

    /// Commits what was taken, for frames of one record each.
    async fn try_commit(&mut self) -> Result<(), BusError> {
        let last = self.last.as_ref().expect("something was taken");
        let offset = last.next_offset - self.waiting.len() as u64;
        self.consumer.committer().commit(&last.partition, offset, Bytes::new()).await
    }

    async fn commit(&mut self) {
        self.try_commit().await.expect("it commits");
    }
}

/// The numbers of the first records that a group gets.
async fn consume(bus: &EmbeddedBus, group: &str, records: usize) -> Vec<u64> {
    Reader::new(bus, group).await.take(records).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = LogConfig {
        frame_bytes: 1_024,
        frame_bytes_max: 64 << 10,
        disk_reserve_bytes: 0,
        ..LogConfig::default()
    };
    let open = async |name: &str| {
        let bus = EmbeddedBus::open(folder.path().join(name), config.clone());
        Arc::new(bus.expect("the folder is free")) as Arc<dyn Bus>
    };
    contract::run(open, 64 << 10).await;
}

#[tokio::test]
async fn a_folder_serves_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let bus = EmbeddedBus::open(folder.path(), LogConfig::default()).expect("the folder is free");
    let second = EmbeddedBus::open(folder.path(), LogConfig::default());
    let error = second.expect_err("the folder is taken");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("kafka://"), "it names the way out: {error}");
    bus.close().await.expect("it closes");
    EmbeddedBus::open(folder.path(), LogConfig::default()).expect("it is free again");
}

#[tokio::test]
async fn a_group_has_one_member() {
    let bus = open_on(&MemoryFiles::default(), one_partition()).await;
    let first = bus.subscribe("worker", &[TOPIC]).await.expect("the group is free");
    let error = bus.subscribe("worker", &[TOPIC]).await.err().expect("the group is held");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("worker") && error.message.contains("kafka://"), "{error}");
    drop(first);
    bus.subscribe("worker", &[TOPIC]).await.expect("it is free again");
}

#[tokio::test]
async fn names_that_are_no_file_names_are_refused() {
    let bus = open_on(&MemoryFiles::default(), one_partition()).await;
    for name in ["", ".", "..", "../etc", "a/b", "A", "a b", "a\0", &"n".repeat(250)] {
        let topic = bus.ensure_topics(&[one_partition().topic(name, &[])]).await;
        assert_eq!(topic.expect_err(name).kind, ErrorKind::Fatal);
        let group = bus.subscribe(name, &[TOPIC]).await.err();
        assert_eq!(group.expect(name).kind, ErrorKind::Fatal);
        let held = bus.ensure_topics(&[one_partition().topic("held", &[name])]).await;
        assert_eq!(held.expect_err(name).kind, ErrorKind::Fatal);
    }
}

#[tokio::test]
async fn publishers_that_come_together_share_a_sync() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, one_partition()).await;
    files.hold_syncs(true);
    let publish = |number| Box::pin(bus.publish(TOPIC, vec![record(number)]));
    let mut publishing: Vec<Pin<Box<dyn Future<Output = _> + '_>>> = vec![publish(0)];
    assert!(is_waiting(&mut publishing[0]).await);
    while files.waiting_syncs() == 0 {
        tokio::task::yield_now().await;
    }
    for number in 1..50 {
        publishing.push(publish(number));
        assert!(is_waiting(&mut publishing[number as usize]).await);
    }
    assert_eq!(bus.lag("all", &[TOPIC]).await.expect("known")[0].end_offset, 0, "not durable yet");
    files.hold_syncs(false);
    for (number, publishing) in publishing.into_iter().enumerate() {
        let position = publishing.await.remove(0).expect("it is stored");
        assert_eq!(position.offset, number as u64, "in the order in which they came");
    }
    assert_eq!(bus.counts().syncs, 2, "one for the first, one for those that waited");
}

async fn is_waiting<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn publishers_wait_while_the_queue_is_full() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, LogConfig { queue_bytes: 4_096, ..one_partition() }).await;
    files.hold_syncs(true);
    let publish = |number| Box::pin(bus.publish(TOPIC, vec![record(number)]));
    let mut publishing: Vec<Pin<Box<dyn Future<Output = _> + '_>>> = Vec::new();
    for number in 0..20 {
        publishing.push(publish(number));
        assert!(is_waiting(&mut publishing[number as usize]).await);
    }
    files.hold_syncs(false);
    for publishing in publishing {
        publishing.await.remove(0).expect("it is stored");
    }
    assert_eq!(consume(&bus, "all", 20).await, (0..20).collect::<Vec<_>>());
    let large = vec![record(20); 20];
    assert_eq!(super::tests::publish(&bus, large).await.len(), 20, "larger than the whole queue");
}

#[tokio::test]
async fn batches_are_bounded_by_records_and_bytes() {
    let config = LogConfig {
        batch_records: 8,
        batch_bytes: 10_000,
        frame_records: 3,
        frame_bytes: 6_000,
        ..one_partition()
    };
    let bus = open_on(&MemoryFiles::default(), config).await;
    let small = |number| Record { payload: number_text(number), ..record(number) };
    publish(&bus, (0..9).map(small).collect()).await;
    publish(&bus, (9..18).map(record).collect()).await;
    let large = Record { payload: format!("18:{}", "x".repeat(50_000)).into(), ..record(18) };
    publish(&bus, vec![large]).await;
    let mut reader = Reader::new(&bus, "all").await;
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 19 {
        let batch = reader.batch().await;
        assert_eq!(batch.declared_records, batch.records.len() as u64);
        sizes.push(batch.records.len());
    }
    assert_eq!(sizes, [6, 6, 6, 1], "whole frames of three, two of them, and one too large alone");
}

fn number_text(number: u64) -> Bytes {
    Bytes::from(number.to_string())
}

#[tokio::test]
async fn partitions_take_turns() {
    let config = LogConfig { partitions: 4, batch_records: 1, ..one_partition() };
    let bus = open_on(&MemoryFiles::default(), config).await;
    for key in 0..64 {
        let routing_key = format!("key-{key}").into();
        publish(&bus, vec![Record { routing_key, ..record(key) }]).await;
    }
    let mut reader = Reader::new(&bus, "all").await;
    let mut turns = Vec::new();
    for _ in 0..12 {
        turns.push(reader.batch().await.partition.partition);
    }
    assert_eq!(turns, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

#[tokio::test]
async fn an_interval_syncs_by_itself_and_says_that_it_is_not_durable() {
    let files = MemoryFiles::default();
    let config = LogConfig { fsync: Fsync::Interval, fsync_interval_ms: 1, ..one_partition() };
    let bus = open_on(&files, config.clone()).await;
    assert!(bus.durability_warning().is_some_and(|text| text.starts_with("a power cut loses")));
    publish_number(&bus, 0).await;
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(1).await;
    reader.commit().await;
    while bus.counts().syncs < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let files = files.after(Crash::OfTheMachine);
    let bus = open_on(&files, config).await;
    let lag = bus.lag("worker", &[TOPIC]).await.expect("the topic is known");
    assert_eq!((lag[0].committed_offset, lag[0].end_offset), (1, 1));
}

#[tokio::test]
async fn closing_syncs_whatever_the_setting_is() {
    let files = MemoryFiles::default();
    let config = LogConfig { fsync: Fsync::Never, fsync_interval_ms: 1, ..one_partition() };
    let bus = open_on(&files, config.clone()).await;
    publish_number(&bus, 0).await;
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(1).await;
    for _ in 0..20 {
        reader.commit().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(bus.counts().syncs, 0, "neither records nor commits are synced before");
    bus.close().await.expect("it closes");
    let error = reader.consumer.next().await.expect_err("the bus is closed");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(reader.try_commit().await.is_err());
    let outcomes = bus.publish(TOPIC, vec![record(1)]).await;
    assert!(outcomes[0].as_ref().is_err_and(|error| error.kind == ErrorKind::Fatal));
    let bus = open_on(&files.after(Crash::OfTheMachine), config).await;
    let lag = bus.lag("worker", &[TOPIC]).await.expect("the topic is known");
    assert_eq!((lag[0].committed_offset, lag[0].end_offset), (1, 1));
}

#[tokio::test]
async fn a_durable_log_has_no_warning() {
    let bus = open_on(&MemoryFiles::default(), one_partition()).await;
    assert_eq!(bus.durability_warning(), None);
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    let config = LogConfig { frame_bytes_max: 10, partitions: 0, ..LogConfig::default() };
    let error = EmbeddedBus::open("/nonexistent/bus", config).expect_err("it cannot work");
    assert_eq!(error.kind, ErrorKind::Fatal);
    for setting in ["frame_bytes_max", "partitions"] {
        assert!(error.message.contains(setting), "{error}");
    }
    assert_eq!(LogConfig::default().problems(), []);
}
