//! `millrace up` with a spool while nobody reaches Kafka: the doors accept, and API, pages, health and metrics answer.

mod support;

use support::cluster::free_port;
use support::{Platform, eventually, get, text};
use tempfile::TempDir;

/// How often somebody has asked for Kafka in vain for the first time.
fn first_attempts(platform: &Platform) -> usize {
    let is_first =
        |line: &&str| line.contains("waiting for an engine") && line.contains("attempts=1 ");
    platform.logged().lines().filter(is_first).count()
}

#[test]
fn before_kafka_is_reached_events_are_taken_and_everything_answers() {
    let folder = TempDir::new().expect("a folder");
    let bus = format!("kafka://{}", free_port());
    let spool = format!("ingest_gateway.spool.folder={}", folder.path().join("spool").display());
    let settings = ["--bus", &bus, "--set", &spool, "--set", "bus.kafka.request_timeout=1s"];
    let mut platform = Platform::start_in(folder, &settings);
    let sent = platform.send(b"{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", &[]);
    let told = text(&sent.stdout);
    assert!(told.starts_with("3 accepted, 0 refused"), "{told}{}", text(&sent.stderr));

    let status = platform.status();
    assert_eq!(status["parts"]["bus"]["state"], "waiting", "{status}");
    assert_eq!(status["balanced"], true, "{status}");
    let health = get(platform.addresses.api, "/api/health");
    assert!(health.contains("\"ready\":false"), "{health}");
    let page = get(platform.addresses.api, "/");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    let ready = get(platform.addresses.metrics, "/health/ready");
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("waiting for bus"), "{ready}");
    assert!(platform.metrics().contains("\nmillrace_gateway_spool_records 3\n"));
    eventually("what Kafka says in the health", || {
        let spool = platform.status()["parts"]["spool"].to_string();
        if spool.contains("the bus takes nothing") { Ok(()) } else { Err(spool) }
    });
    let attempts = eventually("a word in the log", || match first_attempts(&platform) {
        0 => Err(platform.logged()),
        attempts => Ok(attempts),
    });
    assert_eq!(attempts, 1, "one asks for all: {}", platform.logged());

    assert_eq!(platform.stop().0, Some(0), "{}", platform.logged());
    platform.restart();
    let is_held = platform.metrics().contains("\nmillrace_gateway_spool_records 3\n");
    assert!(is_held, "what was accepted is kept for the next start");
    assert_eq!(platform.stop().0, Some(0), "{}", platform.logged());
}
