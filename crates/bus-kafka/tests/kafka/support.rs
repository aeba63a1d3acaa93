//! Buses, topics and readers for the tests, each test apart from the others by its prefix.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::contract::record;
use bus::{Batch, Bus, Consumer, Delivery, PartitionStart, Position, TopicSpec};
use bus_kafka::{KafkaBus, KafkaConfig};
use bytes::Bytes;
use rdkafka::config::ClientConfig;
use service::Span;
use tokio::time::timeout;

/// Longer than anything takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A variable that `scripts/engines up` prints.
pub(crate) fn variable(name: &str) -> String {
    let value = std::env::var(name).unwrap_or_default();
    assert!(!value.is_empty(), "{name} is not set: start the engines: scripts/engines up");
    value
}

/// The address of the broker.
pub(crate) fn url() -> String {
    variable("MILLRACE_TEST_KAFKA")
}

/// Settings with a prefix that nobody else has.
pub(crate) fn config() -> KafkaConfig {
    let unique = uuid::Uuid::now_v7().simple().to_string();
    KafkaConfig {
        topic_prefix: format!("test-{unique}-"),
        linger: Span::from_millis(1),
        session_timeout: Span::from_secs(6),
        ..KafkaConfig::default()
    }
}

pub(crate) fn connect(config: &KafkaConfig) -> Arc<KafkaBus> {
    Arc::new(KafkaBus::connect(&url(), config.clone()).unwrap())
}

pub(crate) fn topic(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.into(),
        partitions,
        retention_ns: i64::MAX,
        retention_bytes: u64::MAX,
        holding_groups: Vec::new(),
    }
}

/// A bus with one topic.
pub(crate) async fn with_topic(config: &KafkaConfig, name: &str, partitions: u32) -> Arc<KafkaBus> {
    let bus = connect(config);
    bus.ensure_topics(&[topic(name, partitions)]).await.unwrap();
    bus
}

/// Publishes numbered records of these keys.
pub(crate) async fn publish(
    bus: &dyn Bus,
    topic: &str,
    keys: &[&str],
    numbers: std::ops::Range<u64>,
) -> Vec<Position> {
    let records = numbers.flat_map(|number| keys.iter().map(move |key| record(key, number)));
    let outcomes = bus.publish(topic, records.collect()).await;
    outcomes.into_iter().map(|outcome| outcome.expect("it is stored")).collect()
}

pub(crate) async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(PATIENCE, consumer.next()).await.expect("something comes in time").expect("it works")
}

/// Waits for this many partitions.
pub(crate) async fn assigned(
    consumer: &mut Box<dyn Consumer>,
    partitions: usize,
) -> Vec<PartitionStart> {
    let mut starts = Vec::new();
    while starts.len() < partitions {
        match next(consumer).await {
            Delivery::Assigned(more) => starts.extend(more),
            other => panic!("the partitions come first, not {other:?}"),
        }
    }
    starts
}

/// Takes batches, whatever else is told meanwhile, until this many records came.
pub(crate) async fn take(consumer: &mut Box<dyn Consumer>, records: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut taken = 0;
    while taken < records {
        if let Delivery::Batch(batch) = next(consumer).await {
            taken += batch.records.len();
            batches.push(batch);
        }
    }
    assert_eq!(taken, records, "no record comes twice");
    batches
}

/// The payloads of batches as texts.
pub(crate) fn texts(batches: &[Batch]) -> Vec<String> {
    let records = batches.iter().flat_map(|batch| &batch.records);
    records.map(|one| String::from_utf8_lossy(&one.record.payload).into_owned()).collect()
}

/// The numbers of each key, in the order in which they came.
pub(crate) fn numbers(batches: &[Batch]) -> BTreeMap<String, Vec<u64>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for text in texts(batches) {
        let (key, number) = text.split_once(':').unwrap();
        numbers.entry(key.to_owned()).or_default().push(number.parse().unwrap());
    }
    numbers
}

pub(crate) async fn commit(consumer: &dyn Consumer, batch: &Batch) {
    let committer = consumer.committer();
    committer.commit(&batch.partition, batch.next_offset, Bytes::new()).await.unwrap();
}

/// Settings of a plain client of somebody else.
pub(crate) fn stranger() -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", url().trim_start_matches("kafka://"));
    client
}

/// Asks again until the answer is right.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never: {what}"))
}
