//! The services, Kafka, the search engine and Redis are killed in random order while events are sent,
//! instances come and go, and the search engine refuses for a while: at the end every event that was
//! acknowledged is there exactly once, and the ledger balances.

mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use millrace::generate::{Generator, Options};
use serde_json::Value;
use support::cluster::{Cluster, SearchEngine};
use support::faults::Faults;
use support::text;

/// A number from the environment; `make soak` sets larger ones.
fn setting(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Kill(&'static str),
    KillEngine(&'static str),
    /// From one enricher and one indexer to three of each.
    Grow,
    /// From three to two.
    Shrink,
    /// The search engine answers 429 and 503.
    Trouble,
}

/// Random numbers whose seed is printed, so that a round can be repeated.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// All blows in random order; only what has grown can shrink.
    fn blows(&mut self) -> Vec<Blow> {
        let services = ["ingest-gateway", "enricher", "fraud-worker", "indexer", "query-api"];
        let engines = ["kafka", "opensearch", "redis"];
        let mut blows: Vec<Blow> = services.map(Blow::Kill).into();
        blows.extend(engines.map(Blow::KillEngine));
        blows.push(Blow::Trouble);
        for place in (1..blows.len()).rev() {
            let other = self.next(place as u64 + 1);
            blows.swap(place, usize::try_from(other).expect("a place"));
        }
        let grow = usize::try_from(self.next(blows.len() as u64)).expect("a place");
        blows.insert(grow, Blow::Grow);
        let behind = (blows.len() - grow) as u64;
        let shrink = grow + 1 + usize::try_from(self.next(behind)).expect("a place");
        blows.insert(shrink, Blow::Shrink);
        blows
    }
}

#[test]
#[ignore = "not every round passes yet: `make soak` runs it"]
fn whatever_is_killed_every_event_is_there_exactly_once() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let mut seed = setting("MILLRACE_CHAOS_SEED", now as u64 | 1);
    for round in 0..setting("MILLRACE_CHAOS_ROUNDS", 3) {
        println!("round {round}: MILLRACE_CHAOS_SEED={seed}");
        run_round(seed, setting("MILLRACE_CHAOS_EVENTS", 20_000));
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) | 1;
    }
}

#[expect(clippy::print_stdout, reason = "what happened in a round that failed")]
fn run_round(seed: u64, events: u64) {
    let mut generator = Generator::new(Options {
        count: events,
        seed,
        start: "2026-11-20T00:00:00Z".parse().expect("a time"),
        span_seconds: 3 * 3_600,
        malformed_share: 0.0,
        dirty_share: 0.03,
        customers: 5_000,
    });
    let mut lines = Vec::new();
    for line in generator.by_ref() {
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    let transactions = generator.summary().by_type["transaction"];

    let engine = SearchEngine::OpenSearch;
    let faults = Faults::before(&engine.url());
    let mut cluster = Cluster::new(engine, &faults.url());
    cluster.start_all();
    let mut dice = Dice(seed);
    let url = cluster.door_url();
    let sender = std::thread::spawn(move || {
        support::tool_with_input(&["send", "--url", &url, "--lines-per-request", "200"], &lines)
    });
    for blow in dice.blows() {
        wait(Duration::from_millis(300 + dice.next(2_000)));
        println!("  {blow:?}");
        strike(&mut cluster, &faults, blow);
        assert_eq!(cluster.ended(), [""; 0], "services that ended by themselves");
    }
    let sent = sender.join().expect("the sender ends");
    let told = text(&sent.stdout);
    assert!(
        told.starts_with(&format!("{events} accepted, 0 refused")),
        "{told}{}",
        text(&sent.stderr)
    );
    assert!(faults.refused() > 0, "the trouble was not noticed");

    cluster.sign_in();
    let stages = cluster.at_rest();
    cluster.refresh();
    // A request whose answer was lost with the gateway is sent again under the same ids: its lines stand
    // twice on the way and once in the index.
    let received = stages["enricher"]["received"].as_u64();
    assert!(received >= Some(events), "{received:?} of {events} came to the enricher");
    assert_eq!(cluster.count("type:fraud_score"), Ok(transactions));
    assert_eq!(cluster.count("NOT type:fraud_score"), Ok(events));
    each_event_once(&cluster, events);
}

fn strike(cluster: &mut Cluster, faults: &Faults, blow: Blow) {
    match blow {
        Blow::Kill(service) => {
            cluster.kill(service);
            cluster.start(service, service);
        }
        Blow::KillEngine(engine) => {
            engines(&["kill", engine]);
            engines(&["up", engine]);
        }
        Blow::Grow => {
            for number in [2, 3] {
                for service in ["enricher", "indexer"] {
                    cluster.start(&format!("{service}-{number}"), service);
                }
            }
        }
        Blow::Shrink => {
            for instance in ["enricher-2", "indexer-2"] {
                assert_eq!(cluster.stop(instance), Some(0), "{}", cluster.logged(instance));
            }
        }
        Blow::Trouble => {
            faults.trouble(true);
            wait(Duration::from_secs(setting("MILLRACE_CHAOS_TROUBLE_S", 5)));
            faults.trouble(false);
        }
    }
}

/// Time that passes is what this test is about.
fn wait(time: Duration) {
    let moment = Instant::now() + time;
    while Instant::now() < moment {
        std::thread::park_timeout(moment.saturating_duration_since(Instant::now()));
    }
}

fn engines(arguments: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/engines");
    let output = Command::new(script).args(arguments).output().expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
}

/// Each of the generator's own numbers stands exactly once.
fn each_event_once(cluster: &Cluster, events: u64) {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let limit = events.saturating_mul(2).to_string();
    let all = ["query", "NOT type:fraud_score", "--json", "--limit", &limit];
    let from = ["--from", "1970-01-02T00:00:00Z"];
    let found = cluster.try_ask(&[all.as_slice(), &from].concat()).expect("an answer");
    for line in found.lines() {
        let document: Value = serde_json::from_str(line).expect("JSON");
        let id = document["event"]["id"].as_str().expect("an id").to_owned();
        *times.entry(id).or_default() += 1;
    }
    let more: Vec<_> = times.iter().filter(|(_, times)| **times > 1).take(5).collect();
    assert!(more.is_empty(), "more than once: {more:?}");
    assert_eq!(times.len() as u64, events);
}
