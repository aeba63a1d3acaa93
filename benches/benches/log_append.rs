//! Records into the embedded log and out of it: durable events a CPU second and a second, and resident
//! memory. It measures the whole process, the kernel's share included.
//!
//! `cargo bench -p benches --bench log_append`, with `LOG_EVENTS` (1,000,000), `LOG_PUBLISHERS` (4) and
//! `LOG_BATCH` (500). Payloads are 600 bytes, as a shop's events are.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use benches::{cpu_seconds, memory_bytes};
use bus::log::{EmbeddedBus, Fsync, LogConfig};
use bus::{Bus, Delivery, Record, RecordId, TOPIC_RAW};
use bytes::Bytes;

const PAYLOAD_BYTES: usize = 600;

/// How a run publishes.
#[derive(Clone, Copy)]
struct Plan {
    events: u64,
    publishers: u64,
    batch: u64,
    /// Whether each publisher has a key of its own, as a connection has; else ids spread the records.
    keyed: bool,
    fsync: Fsync,
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let plan = Plan {
        events: setting("LOG_EVENTS", if test { 4_000 } else { 1_000_000 }),
        publishers: setting("LOG_PUBLISHERS", 4),
        batch: setting("LOG_BATCH", 500),
        keyed: true,
        fsync: Fsync::Batch,
    };
    let mut report = format!(
        "{} records of {PAYLOAD_BYTES} bytes, {} publishers, batches of {}\n",
        plan.events, plan.publishers, plan.batch
    );
    let plans = [
        ("fsync = batch, a key for each publisher", plan),
        ("fsync = batch, spread by id", Plan { keyed: false, ..plan }),
        ("fsync = never, a key for each publisher", Plan { fsync: Fsync::Never, ..plan }),
    ];
    for (name, plan) in plans {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure(name, plan, &mut report));
    }
    writeln!(report, "{:>10} MB resident at most", memory_bytes("self", "VmHWM") >> 20)
        .expect("a string");
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes()).expect("a report");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn measure(name: &str, plan: Plan, report: &mut String) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = LogConfig { fsync: plan.fsync, ..LogConfig::default() };
    let topic = config.topic(TOPIC_RAW, &[]);
    let bus = Arc::new(EmbeddedBus::open(folder.path(), config).expect("the folder is free"));
    bus.ensure_topics(&[topic]).await.expect("the topic opens");
    let rounds = plan.events.div_ceil(plan.publishers * plan.batch);
    let events = rounds * plan.publishers * plan.batch;

    let (cpu, clock) = (cpu_seconds("self"), Instant::now());
    let publishers: Vec<_> = (0..plan.publishers)
        .map(|publisher| tokio::spawn(publish(Arc::clone(&bus), plan, publisher, rounds)))
        .collect();
    for publisher in publishers {
        publisher.await.expect("the publisher ends");
    }
    let published = line("published", events, cpu, clock);

    let (cpu, clock) = (cpu_seconds("self"), Instant::now());
    consume(&bus, events).await;
    let consumed = line("consumed", events, cpu, clock);
    writeln!(report, "{name}, {} syncs\n{published}\n{consumed}", bus.counts().syncs)
        .expect("a string");
}

fn line(what: &str, events: u64, cpu_begin: f64, clock: Instant) -> String {
    let (cpu, wall) = (cpu_seconds("self") - cpu_begin, clock.elapsed().as_secs_f64());
    let rate = events as f64;
    format!("{:>10.0} {what} a CPU second, {:.0} a second", rate / cpu, rate / wall)
}

async fn publish(bus: Arc<EmbeddedBus>, plan: Plan, publisher: u64, rounds: u64) {
    let routing_key = if plan.keyed { format!("192.0.2.7:{publisher}") } else { String::new() };
    let record = |number| Record {
        id: RecordId::from_idempotency_key("default", &publisher.to_string(), number),
        received_at_ns: 1_700_000_000_000_000_000,
        shop: "default".into(),
        source: "192.0.2.7".into(),
        listener: "tcp".into(),
        routing_key: routing_key.as_str().into(),
        payload: Bytes::from(vec![b'x'; PAYLOAD_BYTES]),
        ..Record::default()
    };
    let batch: Vec<_> = (0..plan.batch).map(record).collect();
    for _ in 0..rounds {
        let outcomes = bus.publish(TOPIC_RAW, batch.clone()).await;
        assert!(outcomes.iter().all(Result::is_ok), "every record is stored");
    }
}

async fn consume(bus: &EmbeddedBus, events: u64) {
    let mut consumer = bus.subscribe("bench", &[TOPIC_RAW]).await.expect("the group is free");
    let committer = consumer.committer();
    let mut left = events;
    while left > 0 {
        if let Delivery::Batch(batch) = consumer.next().await.expect("the log reads") {
            left -= batch.declared_records;
            let committed = committer.commit(&batch.partition, batch.next_offset, Bytes::new());
            committed.await.expect("it commits");
        }
    }
}
