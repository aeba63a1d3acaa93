//! How much memory a process takes whose stage waits for its sink.

use std::process::Stdio;
use std::time::Duration;

use bus::Bus;
use bus::contract::record;
use bus_kafka::{Format, KafkaConfig, TopicConfig};

use super::support::{self, PATIENCE, assigned, with_topic};

/// What a process may take that reads ahead in eight partitions.
const MEMORY_KIB_MAX: u64 = 100 << 10;
/// Which topics the measured process reads; it is this test binary.
const PREFIX: &str = "MILLRACE_TEST_MEMORY_PREFIX";
const FILE: &str = "MILLRACE_TEST_MEMORY_FILE";

fn frames(topic_prefix: String) -> KafkaConfig {
    let mut config = KafkaConfig { topic_prefix, ..support::config() };
    let format = TopicConfig { format: Some(Format::Batch), ..TopicConfig::default() };
    config.topics.0.insert("t".to_owned(), format);
    config
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs in a process of its own: reads ahead as far as it may, and says what that took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_another_test_measures() {
    let Ok(topic_prefix) = std::env::var(PREFIX) else { return };
    let bus = support::connect(&frames(topic_prefix));
    let mut consumer = bus.subscribe("waits", &["t"]).await.unwrap();
    let committer = consumer.committer();
    for start in assigned(&mut consumer, 8).await {
        committer.pause(&start.partition);
    }
    // As the runner does: it goes on asking while all its partitions wait.
    let asked = tokio::time::timeout(Duration::from_secs(4), consumer.next()).await;
    assert!(asked.is_err(), "all are paused: {asked:?}");
    std::fs::write(std::env::var(FILE).unwrap(), resident_kib().to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_ahead_is_bounded_while_a_stage_waits() {
    let config = frames(support::config().topic_prefix);
    let bus = with_topic(&config, "t", 8).await;
    // 200 MB that compress to almost nothing: the worst there is.
    for round in 0..100 {
        let large = |number| {
            let mut record = record(&format!("key-{}", number % 64), number);
            record.payload = vec![b'.'; 2_000].into();
            record
        };
        let batch = (round * 1_000..(round + 1) * 1_000).map(large).collect();
        assert!(bus.publish("t", batch).await.iter().all(Result::is_ok));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kib");
    let measured = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::a_consumer_that_another_test_measures"])
        .env(PREFIX, &config.topic_prefix)
        .env(FILE, &file)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .status();
    assert!(tokio::time::timeout(PATIENCE, measured).await.unwrap().unwrap().success());
    let kib: u64 = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    assert!(kib < MEMORY_KIB_MAX, "it takes {kib} KiB");
}
