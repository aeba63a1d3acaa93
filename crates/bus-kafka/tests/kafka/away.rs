//! Brokers that are away, that refuse, and that come back: a cluster that is played.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::contract::record;
use bus::{Bus, Delivery, ErrorKind};
use bus_kafka::{KafkaBus, KafkaConfig};
use bytes::Bytes;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use service::{ByteSize, Span};
use tokio::time::timeout;

use super::support::{PATIENCE, assigned, eventually, next, numbers, publish, take};

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A cluster of one broker with one topic.
fn cluster(partitions: i32) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", partitions, 1).unwrap();
    cluster
}

fn bus_of(cluster: &Cluster, config: KafkaConfig) -> Arc<KafkaBus> {
    let url = format!("kafka://{}", cluster.bootstrap_servers());
    Arc::new(KafkaBus::connect(&url, config).unwrap())
}

fn impatient() -> KafkaConfig {
    KafkaConfig {
        delivery_timeout: Span::from_secs(1),
        request_timeout: Span::from_secs(2),
        linger: Span::from_millis(1),
        session_timeout: Span::from_secs(6),
        ..KafkaConfig::default()
    }
}

/// Publishes records of the key `a` with the patience of the defaults: what a test begins with does not
/// depend on how busy the machine is.
async fn fill(cluster: &Cluster, numbers: std::ops::Range<u64>) {
    let bus =
        bus_of(cluster, KafkaConfig { linger: Span::from_millis(1), ..KafkaConfig::default() });
    publish(&*bus, "t", &["a"], numbers).await;
}

/// Lets a bus without patience find its cluster.
async fn warm(bus: &KafkaBus) {
    let publish = async || bus.publish("t", vec![record("a", 0)]).await.remove(0).ok();
    eventually("it works", publish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_waits_out_a_broker_that_is_away_and_nothing_is_lost() {
    let cluster = cluster(2);
    let queue_bytes = ByteSize(2 << 20);
    let bus = bus_of(&cluster, KafkaConfig { queue_bytes, ..impatient() });
    warm(&bus).await;
    cluster.broker_down(1).unwrap();
    let asked = Instant::now();
    let error = bus.publish("t", vec![record("a", 1)]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(asked.elapsed() < Duration::from_secs(12), "it answers in a bounded time");

    // Far more than the queue holds: the publishers wait, and each is told in the end.
    let large = |number| {
        let mut record = record("b", number);
        record.payload = Bytes::from(vec![b'x'; 1 << 20]);
        record
    };
    let many = (0..8).map(|number| {
        let bus = Arc::clone(&bus);
        tokio::spawn(async move { bus.publish("t", vec![large(number)]).await.remove(0) })
    });
    for outcome in futures::future::join_all(many).await {
        assert_eq!(outcome.unwrap().unwrap_err().kind, ErrorKind::Transient);
    }
    cluster.broker_up(1).unwrap();
    // As the runner does: what passes is tried again until it works.
    let mut number = 1;
    let deadline = Instant::now() + Duration::from_secs(60);
    while number < 20 {
        assert!(Instant::now() < deadline, "it works again");
        if bus.publish("t", vec![record("a", number)]).await.remove(0).is_ok() {
            number += 1;
        }
    }
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 2).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&19) {
        let Delivery::Batch(batch) = next(&mut consumer).await else { continue };
        let mine = batch.records.iter().any(|one| one.record.routing_key == "a");
        if mine {
            seen.extend(numbers(&[batch]).remove("a").unwrap());
        }
    }
    seen.dedup();
    assert_eq!(seen, (0..20).collect::<Vec<_>>(), "each key is whole and in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_goes_on_when_the_broker_is_back() {
    let cluster = cluster(1);
    let bus = bus_of(&cluster, impatient());
    fill(&cluster, 0..5).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    take(&mut consumer, 5).await;
    cluster.broker_down(1).unwrap();
    let silent = timeout(Duration::from_secs(3), consumer.next()).await;
    assert!(silent.is_err(), "a broker that is away ends nothing: {silent:?}");
    cluster.broker_up(1).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while bus.publish("t", vec![record("a", 5)]).await.remove(0).is_err() {
        assert!(Instant::now() < deadline, "it works again");
    }
    let mut last = 0;
    while last != 5 {
        if let Delivery::Batch(batch) = next(&mut consumer).await {
            last = *numbers(&[batch])["a"].last().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_lost_when_the_session_ends_and_nothing_of_them_is_committed() {
    let cluster = cluster(1);
    // Longer than the played broker waits for members.
    let session_timeout = Span::from_secs(4);
    let bus = bus_of(&cluster, KafkaConfig { session_timeout, ..impatient() });
    fill(&cluster, 0..5).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    let batches = take(&mut consumer, 5).await;
    cluster.broker_down(1).unwrap();
    let lost = loop {
        match timeout(PATIENCE, consumer.next()).await.unwrap() {
            Ok(Delivery::Lost(lost)) => break lost,
            Ok(other) => panic!("the session ends, not {other:?}"),
            Err(error) => assert_eq!(error.kind, ErrorKind::Transient, "{error}"),
        }
    };
    assert_eq!(lost, [batches[0].partition.clone()]);
    let committer = consumer.committer();
    let refused = committer.commit(&lost[0], batches[0].next_offset, Bytes::new()).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Transient);
    assert_eq!(bus.counts().lost_partitions, 1);
    cluster.broker_up(1).unwrap();
    let starts = loop {
        match timeout(PATIENCE, consumer.next()).await.unwrap() {
            Ok(Delivery::Assigned(starts)) => break starts,
            Ok(other) => panic!("the partition comes back, not {other:?}"),
            Err(error) => assert_eq!(error.kind, ErrorKind::Transient, "{error}"),
        }
    };
    assert_eq!(starts[0].offset, 0, "nothing was committed");
    take(&mut consumer, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_leaves_in_time_though_the_broker_is_away() {
    let cluster = cluster(1);
    let bus = bus_of(&cluster, impatient());
    fill(&cluster, 0..1).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    cluster.broker_down(1).unwrap();
    let committer = consumer.committer();
    let partition = starts[0].partition.clone();
    let commit = tokio::spawn(async move { committer.commit(&partition, 1, Bytes::new()).await });
    let asked = Instant::now();
    drop(consumer);
    bus.close().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    drop(commit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_broker_are_sorted() {
    use RDKafkaRespErr::*;
    let cluster = cluster(1);
    let bus = bus_of(&cluster, impatient());
    warm(&bus).await;
    let cases = [
        (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ErrorKind::Rejected),
        (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ErrorKind::Fatal),
        (RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, ErrorKind::Fatal),
    ];
    for (answer, kind) in cases {
        cluster.request_errors(RDKafkaApiKey::Produce, &[answer]);
        let error = bus.publish("t", vec![record("a", 1)]).await.remove(0).unwrap_err();
        assert_eq!(error.kind, kind, "{answer:?}: {error}");
        eventually("it works again", async || {
            bus.publish("t", vec![record("a", 1)]).await.remove(0).ok()
        })
        .await;
    }
    // What passes is tried again by the client itself.
    let passing = [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ];
    for answer in passing {
        cluster.request_errors(RDKafkaApiKey::Produce, &[answer]);
        fill(&cluster, 2..3).await;
    }
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    let committer = consumer.committer();
    let cases = [
        (RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ErrorKind::Fatal),
        (RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, ErrorKind::Fatal),
        // The last, since the member joins anew.
        (RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ErrorKind::Transient),
    ];
    for (answer, kind) in cases {
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[answer]);
        let committed = committer.commit(&starts[0].partition, 1, Bytes::new()).await;
        let error = committed.expect_err("the broker refuses");
        assert_eq!(error.kind, kind, "{answer:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_the_library_gave_up_on_is_made_anew() {
    let cluster = cluster(1);
    let bus = bus_of(&cluster, impatient());
    warm(&bus).await;
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = bus.publish("t", vec![record("a", 1)]).await.remove(0) {
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(Instant::now() < deadline, "it works again");
    }
    assert_eq!(bus.counts().renewed_producers, 1);
}
