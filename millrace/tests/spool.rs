//! Kafka is away, and the gateway goes on accepting: what it acknowledged meanwhile comes into `logs.raw` when Kafka
//! is back, in its order, though the gateway was stopped, started and killed in between. A whole platform that starts
//! then goes on when Kafka is there.

mod support;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bus::{Bus, Delivery, ErrorKind, TOPIC_RAW};
use bus_kafka::{KafkaBus, KafkaConfig};
use serde_json::Value;

use support::cluster::{Cluster, SearchEngine, engine, engines};
use support::{PATIENCE, Platform, eventually, text};
use tempfile::TempDir;

const GATEWAY: &str = "ingest-gateway";

/// There is one Kafka for the tests of this file.
static KAFKA: Mutex<()> = Mutex::new(());

/// Kafka is killed, until this is dropped: the tests after a failed one find it again.
struct Outage;

impl Outage {
    fn begin() -> Self {
        engines(&["kill", "kafka"]);
        Self
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        engines(&["up", "kafka"]);
    }
}

/// Sends numbered events over HTTP; each must be accepted.
fn send(cluster: &Cluster, numbers: Range<u64>) {
    let told = format!("{} accepted, 0 refused", numbers.end - numbers.start);
    let lines: String = numbers.map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let sent = cluster.send(lines.as_bytes());
    assert!(text(&sent.stdout).starts_with(&told), "{}{}", text(&sent.stdout), text(&sent.stderr));
}

fn number(payload: &[u8]) -> u64 {
    let event: Value = serde_json::from_slice(payload).expect("JSON");
    event["n"].as_u64().expect("a number")
}

/// Reads the topic until it has given so many different numbers, in the order in which each came first.
fn stored(cluster: &Cluster, events: usize) -> Vec<u64> {
    let config = KafkaConfig { topic_prefix: cluster.topic_prefix(), ..KafkaConfig::default() };
    let reading = async {
        let bus = KafkaBus::connect(&engine("MILLRACE_TEST_KAFKA"), config).expect("a bus");
        let mut consumer = bus.subscribe("reader", &[TOPIC_RAW]).await.expect("a consumer");
        let (mut numbers, mut seen) = (Vec::new(), BTreeSet::new());
        while numbers.len() < events {
            match consumer.next().await {
                Ok(Delivery::Batch(batch)) => {
                    let came = batch.records.iter().map(|one| number(&one.record.payload));
                    numbers.extend(came.filter(|number| seen.insert(*number)));
                }
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind, ErrorKind::Transient, "{error}"),
            }
        }
        numbers
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let read = runtime.block_on(async { tokio::time::timeout(PATIENCE, reading).await });
    read.expect("all of it is there")
}

#[test]
fn what_is_accepted_while_kafka_is_away_arrives_in_its_order() {
    let _alone = KAFKA.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = SearchEngine::OpenSearch;
    let mut cluster = Cluster::new(engine, &engine.url());
    let folder = cluster.folder().join("spool").display().to_string();
    // One partition, whose order is that of all events.
    cluster.add_settings(&format!(
        "[bus.log]\npartitions = 1\n[ingest_gateway.spool]\nfolder = \"{folder}\"\n\
         publish_timeout = \"2s\"\n"
    ));
    cluster.start(GATEWAY, GATEWAY);
    send(&cluster, 0..100);
    // What comes before Kafka is reached waits too: that has an end.
    let count = |words: &str| cluster.logged(GATEWAY).matches(words).count();
    eventually("the way straight to Kafka", || {
        match count("what the doors accept waits in the spool") == count("the spool is empty") {
            true => Ok(()),
            false => Err(cluster.logged(GATEWAY)),
        }
    });

    let outage = Outage::begin();
    send(&cluster, 100..200);
    let logged = cluster.logged(GATEWAY);
    assert!(logged.contains("the bus takes nothing: what the doors accept waits"), "{logged}");
    send(&cluster, 200..300);
    assert_eq!(cluster.stop(GATEWAY), Some(0), "{}", cluster.logged(GATEWAY));
    // The doors open though Kafka is away.
    cluster.start(GATEWAY, GATEWAY);
    send(&cluster, 300..400);
    cluster.kill(GATEWAY);
    cluster.start(GATEWAY, GATEWAY);
    send(&cluster, 400..500);

    let emptied = || cluster.logged(GATEWAY).matches("the spool is empty").count();
    let before = emptied();
    drop(outage);
    eventually("an empty spool", || match emptied() {
        after if after > before => Ok(()),
        _ => Err(cluster.logged(GATEWAY)),
    });
    send(&cluster, 500..600);
    assert_eq!(stored(&cluster, 600), (0..600).collect::<Vec<_>>());
    assert_eq!(cluster.stop(GATEWAY), Some(0), "{}", cluster.logged(GATEWAY));
}

#[test]
fn a_platform_that_starts_without_kafka_goes_on_when_it_is_there() {
    let _alone = KAFKA.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().expect("a folder");
    let bus = engine("MILLRACE_TEST_KAFKA");
    let spool = format!("ingest_gateway.spool.folder={}", folder.path().join("spool").display());
    let prefix = format!("bus.kafka.topic_prefix=t{}.", uuid::Uuid::new_v4().simple());
    let outage = Outage::begin();
    let settings = ["--bus", &bus, "--set", &spool, "--set", &prefix];
    let mut platform = Platform::start_in(folder, &settings);
    let lines: String = (0..100).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let send = |platform: &Platform| {
        let sent = platform.send(lines.as_bytes(), &[]);
        let told = text(&sent.stdout);
        assert!(told.starts_with("100 accepted"), "{told}{}", text(&sent.stderr));
    };
    send(&platform);
    let status = platform.status();
    assert_eq!(status["parts"]["bus"]["state"], "waiting", "{status}");
    drop(outage);
    let found = |events: u64| {
        eventually("all of it can be found", || match platform.count("type:other") {
            count if count == events => Ok(()),
            count => Err(format!("{count} of {events}: {}", platform.status())),
        });
    };
    found(100);
    send(&platform);
    found(200);
    let status = platform.status();
    assert_eq!(status["balanced"], true, "{status}");
    assert!(status["parts"].get("bus").is_none(), "{status}");
    assert_eq!(platform.stop().0, Some(0), "{}", platform.logged());
}
