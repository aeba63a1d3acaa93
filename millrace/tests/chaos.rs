//! The services, Kafka, the search engine and Redis are killed in random order while events are sent,
//! instances come and go, and the search engine refuses for a while: at the end every event that was
//! acknowledged is there exactly once, and the ledger balances.

mod support;

use std::time::{Duration, Instant};

use support::cluster::{Cluster, SearchEngine, engines};
use support::faults::Faults;
use support::feed::Feed;
use support::rounds::{self, Dice, setting};
use support::{eventually, text};

/// What a service may need, also while an engine is away.
const RESIDENT_BYTES_MAX: u64 = 100_000_000;

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

/// All blows in random order; only what has grown can shrink.
fn blows(dice: &mut Dice) -> Vec<Blow> {
    let services = ["ingest-gateway", "enricher", "fraud-worker", "indexer", "query-api"];
    let engines = ["kafka", "opensearch", "redis"];
    let mut blows: Vec<Blow> = services.map(Blow::Kill).into();
    blows.extend(engines.map(Blow::KillEngine));
    blows.push(Blow::Trouble);
    for place in (1..blows.len()).rev() {
        let other = dice.next(place as u64 + 1);
        blows.swap(place, usize::try_from(other).expect("a place"));
    }
    let grow = usize::try_from(dice.next(blows.len() as u64)).expect("a place");
    blows.insert(grow, Blow::Grow);
    let behind = (blows.len() - grow) as u64;
    let shrink = grow + 1 + usize::try_from(dice.next(behind)).expect("a place");
    blows.insert(shrink, Blow::Shrink);
    blows
}

#[test]
fn whatever_is_killed_every_event_is_there_exactly_once() {
    let rounds = setting("MILLRACE_CHAOS_ROUNDS", 3);
    let events = setting("MILLRACE_CHAOS_EVENTS", 20_000);
    rounds::run("MILLRACE_CHAOS_SEED", rounds, |dice| run_round(dice, events));
}

#[expect(clippy::print_stdout, reason = "what happened in a round that failed")]
fn run_round(mut dice: Dice, events: u64) {
    let (lines, summary) = rounds::shop_events(events, dice.seed, 0.0);
    let transactions = summary.by_type["transaction"];

    let engine = SearchEngine::OpenSearch;
    let faults = Faults::before(&engine.url());
    let mut cluster = Cluster::new(engine, &faults.url());
    cluster.start_all();
    let blows = blows(&mut dice);
    let feed = Feed::start(&cluster.door_url(), lines, blows.len() + 2);
    for blow in blows {
        feed.next();
        wait(Duration::from_millis(300 + dice.next(2_000)));
        println!("  {blow:?}");
        strike(&mut cluster, &faults, &feed, blow);
        assert_eq!(cluster.ended(), [""; 0], "services that ended by themselves");
    }
    let sent = feed.finish();
    let told = text(&sent.stdout);
    assert!(
        told.starts_with(&format!("{events} accepted, 0 refused")),
        "{told}{}",
        text(&sent.stderr)
    );

    cluster.sign_in();
    let stages = cluster.at_rest();
    cluster.refresh();
    // A request whose answer was lost with the gateway is sent again under the same ids: its lines stand
    // twice on the way and once in the index.
    let received = stages["enricher"]["received"].as_u64();
    assert!(received >= Some(events), "{received:?} of {events} came to the enricher");
    assert_eq!(cluster.count("type:fraud_score"), Ok(transactions));
    assert_eq!(cluster.count("NOT type:fraud_score"), Ok(events));
    let limit = events.saturating_mul(2).to_string();
    let documents = cluster.try_ask(&rounds::every_event(&limit)).expect("an answer");
    rounds::each_once(&documents, events);
    for (instance, bytes) in cluster.resident_bytes_max() {
        println!("  {instance}: {} MiB at most", bytes >> 20);
        assert!(bytes < RESIDENT_BYTES_MAX, "{instance} had {bytes} bytes of memory");
    }
}

fn strike(cluster: &mut Cluster, faults: &Faults, feed: &Feed, blow: Blow) {
    match blow {
        Blow::Kill(service) => {
            cluster.kill(service);
            cluster.start(service, service);
        }
        Blow::KillEngine(engine) => {
            engines(&["kill", engine]);
            if engine == "kafka" {
                wait(Duration::from_secs(setting("MILLRACE_CHAOS_BROKER_AWAY_S", 0)));
            }
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
            feed.next();
            let refused = || if faults.refused() > 0 { Ok(()) } else { Err("none".to_owned()) };
            eventually("a refused request", refused);
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
