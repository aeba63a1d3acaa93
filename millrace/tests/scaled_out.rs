//! The services as processes of their own on the real engines: what is sent is found, each event once.

mod support;

use std::process::Command;

use support::cluster::{Cluster, SearchEngine, free_port};
use support::rounds::shop_events;
use support::{eventually, text, tool};

fn five_processes(engine: SearchEngine) {
    const EVENTS: u64 = 20_000;
    let mut cluster = Cluster::new(engine, &engine.url());
    cluster.start_all();
    let (lines, summary) = shop_events(EVENTS, 11, 0.02);
    let well_formed: u64 = summary.by_type.values().sum();
    let sent = cluster.send(&lines);
    let told = format!("{well_formed} accepted, {} refused", EVENTS - well_formed);
    assert!(text(&sent.stdout).starts_with(&told), "{}{}", text(&sent.stdout), text(&sent.stderr));
    cluster.sign_in();
    let stages = cluster.at_rest();
    cluster.refresh();
    let transactions = summary.by_type["transaction"];
    for (log_type, count) in &summary.by_type {
        assert_eq!(cluster.count(&format!("type:{log_type}")), Ok(*count), "{log_type}");
    }
    assert_eq!(cluster.count("type:fraud_score"), Ok(transactions));
    assert_eq!(stages["enricher"]["received"], well_formed);
    assert_eq!(stages["indexer"]["forwarded"], well_formed + transactions);
    let status = cluster.status().expect("an answer");
    assert_eq!(status["dead_letters"]["waiting"], EVENTS - well_formed);
    for service in ["ingest-gateway", "enricher", "fraud-worker", "indexer", "query-api"] {
        assert_eq!(cluster.stop(service), Some(0), "{service}: {}", cluster.logged(service));
    }
}

#[test]
fn five_processes_bring_every_event_to_opensearch() {
    five_processes(SearchEngine::OpenSearch);
}

#[test]
fn five_processes_bring_every_event_to_elasticsearch() {
    five_processes(SearchEngine::Elasticsearch);
}

#[test]
fn a_service_waits_for_its_engine_and_says_so() {
    let nowhere = format!("http://{}", free_port());
    let mut cluster = Cluster::new(SearchEngine::OpenSearch, &nowhere);
    cluster.start("indexer", "indexer");
    eventually("a word about the wait", || {
        let logged = cluster.logged("indexer");
        if logged.contains("waiting for an engine") { Ok(()) } else { Err(logged) }
    });
    assert_eq!(cluster.ended(), [""; 0]);
    assert_eq!(cluster.stop("indexer"), Some(0));
}

#[test]
fn a_service_alone_refuses_what_serves_one_process() {
    let output = Command::new(env!("CARGO_BIN_EXE_indexer"))
        .args(["--metrics-listen", "127.0.0.1:0"])
        .output()
        .expect("it runs");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(told.contains("bus.url") && told.contains("kafka://"), "{told}");
    let output = tool(&["up", "--check-config", "--bus", "kafka://user:hunter2@host"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(told.contains("bus.url") && !told.contains("hunter2"), "{told}");
}
