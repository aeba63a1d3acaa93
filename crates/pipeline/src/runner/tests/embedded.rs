//! The runner over the embedded log, in real time on several threads, through a restart.

use bus::log::{EmbeddedBus, LogConfig};

use super::*;

const RECORDS: u64 = 5_000;

/// One run of a process over the log in `folder`: publishes, settles all, stops.
async fn live(folder: &std::path::Path, first: u64) -> (StageLedger, Vec<Record>) {
    let config = LogConfig { disk_reserve_bytes: 0, ..LogConfig::default() };
    let bus = Arc::new(EmbeddedBus::open(folder, config.clone()).unwrap());
    let topics = [TOPIC_RAW, TOPIC_DEAD].map(|topic| config.topic(topic, &[]));
    bus.ensure_topics(&topics).await.unwrap();
    let payload = |number: u64| match number % 10 {
        0 => "drop",
        1 => "bad",
        2 if number % 1_000 == 2 => "panic",
        3 => "two",
        _ => "fine",
    };
    let records = (first..first + RECORDS).map(|number| record(number, payload(number)));
    for outcome in bus.publish(TOPIC_RAW, records.collect()).await {
        outcome.unwrap();
    }

    let line = Line::new(1);
    let runtime = Runtime {
        bus: Arc::clone(&bus) as Arc<dyn Bus>,
        ledgers: Arc::clone(&line.ledgers),
        context: line.context.clone(),
    };
    let running = tokio::spawn(run(line.spec(), runtime));
    let settled = async {
        loop {
            let lag = bus.lag(STAGE, &[TOPIC_RAW]).await.unwrap();
            if lag.iter().all(|partition| partition.lag_records == 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), settled).await.expect("all is settled");
    line.stop(running).await;
    bus.close().await.unwrap();
    (line.ledger(), line.sink.delivered())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_go_on_after_a_restart_over_the_embedded_log() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, delivered) = live(folder.path(), 0).await;
    assert_eq!((ledger.received, ledger.balance, ledger.redelivered), (RECORDS, 0, 0));
    assert_eq!((ledger.discarded["not_wanted"], ledger.dead["invalid_json"]), (500, 500));
    assert_eq!(ledger.dead["stage_panic"], 5);
    assert_eq!(ledger.outputs, delivered.len() as u64);
    let ids: std::collections::HashSet<_> = delivered.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), delivered.len(), "each once");

    let (ledger, again) = live(folder.path(), RECORDS).await;
    assert_eq!((ledger.received, ledger.balance), (2 * RECORDS, 0));
    assert_eq!((ledger.discarded["not_wanted"], ledger.dead["stage_panic"]), (1_000, 10));
    assert!(again.iter().all(|record| !ids.contains(&record.id)), "nothing is read again");
}
