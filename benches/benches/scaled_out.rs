//! The services alone on a real Kafka: the enricher from topic to topic, and the indexer into a server that
//! answers at once and into a real engine. Reports CPU seconds and resident memory of the service.
//!
//! Needs the engines (`scripts/engines up`, with its variables exported) and the release programs, which
//! `scripts/bench` builds. `cargo bench … -- enricher` runs one of the parts `enricher`, `indexer` and `engine`.

use benches::dumb_engine::{Bulks, DumbEngine};
use benches::services::{Bench, Figures, Profile};
use bus::{Bus, TOPIC_ENRICHED, TOPIC_RAW};

const EVENTS: u64 = 400_000;

#[expect(clippy::print_stdout, reason = "a bench's result")]
fn show(what: &str, figures: &Figures) {
    println!(
        "{what}: {:.0} events a CPU second, {:.0} a second, {} MiB at most",
        EVENTS as f64 / figures.cpu_seconds,
        EVENTS as f64 / figures.elapsed_seconds,
        figures.resident_bytes_max >> 20
    );
}

/// The enricher with the default pipeline, or with one that only passes JSON on.
fn enrich(profile: Profile, pipeline: Option<&str>, name: &str) -> Bench {
    let bench = Bench::new(profile);
    bench.fill(EVENTS);
    let mut flags = Vec::new();
    if let Some(text) = pipeline {
        flags.extend(["--pipeline".to_owned(), bench.file("pipeline.conf", text)]);
    }
    let figures = bench.run("enricher", &flags, |bus| lag(bus, "enricher", TOPIC_RAW));
    show(&format!("enricher, {name}"), &figures);
    bench
}

fn lag(bus: &dyn Bus, group: &str, topic: &'static str) -> u64 {
    let lag = futures::executor::block_on(bus.lag(group, &[topic]));
    lag.map_or(u64::MAX, |all| all.iter().map(|one| one.lag_records).sum())
}

fn main() {
    const PASS: &str = "filter { mutate { add_field => { \"[event][dataset]\" => \"other\" } } }";
    let wanted: Vec<_> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    if wanted("enricher") {
        enrich(Profile::Batch, Some(PASS), "batch topics, one mutate");
        enrich(Profile::Json, Some(PASS), "json topics, one mutate");
        enrich(Profile::Json, None, "json topics, default pipeline");
    }
    let dumb = DumbEngine::start(Bulks::Kept);
    if wanted("indexer") || wanted("engine") {
        index_at_once(&dumb, 0);
    }
    if wanted("indexer") {
        index_at_once(&dumb, 1);
    }
    if let Ok(engine) = std::env::var("MILLRACE_TEST_OPENSEARCH")
        && wanted("engine")
    {
        // The first round warms the engine, which is slower until it has compiled what it runs.
        for _ in 0..2 {
            index_into(&engine, &dumb);
        }
    }
}

fn enriched() -> Bench {
    enrich(Profile::Batch, None, "batch topics, default pipeline")
}

/// The indexer into a server that answers at once.
fn index_at_once(dumb: &DumbEngine, level: u32) {
    let bench = enriched();
    let flags = [
        format!("--search={}", dumb.url()),
        format!("--set=search.elasticsearch.compression_level={level}"),
    ];
    let figures = bench.run("indexer", &flags, |bus| lag(bus, "indexer", TOPIC_ENRICHED));
    show(&format!("indexer, server that answers at once, compression {level}"), &figures);
}

/// The indexer into a real engine, and the same bulks from memory.
#[expect(clippy::print_stdout, reason = "a bench's result")]
fn index_into(engine: &str, dumb: &DumbEngine) {
    let bench = enriched();
    let flags = [format!("--search={engine}")];
    let figures = bench.run("indexer", &flags, |bus| lag(bus, "indexer", TOPIC_ENRICHED));
    show("indexer, OpenSearch", &figures);
    let fed = dumb.replay_into(engine, bench.namespace());
    println!(
        "OpenSearch fed with the same bulks from memory: {:.0} events a second; the indexer keeps it at \
         {:.0} % of that",
        EVENTS as f64 / fed,
        100.0 * fed / figures.elapsed_seconds
    );
}
