//! Rounds of kills: their random moments, what is sent in each, and the checks that all of it is there once and that the
//! ledger balances.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use millrace::generate::{Generator, Options, Summary};
use serde_json::Value;

use super::cluster::lag_records;
use super::{Platform, eventually};

/// A number from the environment; `make soak` sets larger ones.
pub(crate) fn setting(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs this many rounds, each with a seed of its own, which is printed so that it can be repeated: the
/// first is taken from the variable where it is set.
#[expect(clippy::print_stdout, reason = "a round that failed is repeated by its seed")]
pub(crate) fn run(seed_variable: &str, rounds: u64, round: impl Fn(Dice)) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let mut seed = setting(seed_variable, now as u64 | 1);
    for number in 0..rounds {
        println!("round {number}: {seed_variable}={seed}");
        round(Dice { seed, state: seed });
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) | 1;
    }
}

/// Random numbers of a seed (xorshift64).
pub(crate) struct Dice {
    pub(crate) seed: u64,
    state: u64,
}

impl Dice {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }
}

/// Shop events as lines, of which this share is no JSON, and what they hold.
pub(crate) fn shop_events(count: u64, seed: u64, malformed_share: f64) -> (Vec<u8>, Summary) {
    let mut generator = Generator::new(Options {
        count,
        seed,
        start: "2026-11-20T00:00:00Z".parse().expect("a time"),
        span_seconds: 3 * 3_600,
        malformed_share,
        dirty_share: 0.03,
        customers: 5_000,
    });
    let mut lines = Vec::new();
    for line in generator.by_ref() {
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    (lines, generator.summary().clone())
}

/// Asserts that each of the generator's own numbers stands exactly once among documents, a line each.
pub(crate) fn each_once(documents: &str, events: u64) {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for line in documents.lines() {
        let document: Value = serde_json::from_str(line).expect("JSON");
        let id = document["event"]["id"].as_str().expect("an id").to_owned();
        *times.entry(id).or_default() += 1;
    }
    let more: Vec<_> = times.iter().filter(|(_, times)| **times > 1).take(5).collect();
    assert!(more.is_empty(), "more than once: {more:?}");
    assert_eq!(times.len() as u64, events);
}

/// Waits until nothing is behind or under way any more, and asserts that every ledger balances then.
pub(crate) fn balanced(platform: &Platform) {
    let ledgers = eventually("a ledger at rest", || {
        let status = platform.status();
        let ledgers = status["stages"].as_array().cloned().unwrap_or_default();
        let rests = ledgers.iter().all(|ledger| ledger["in_flight"] == 0);
        if rests && lag_records(&status) == 0 && !ledgers.is_empty() {
            Ok(ledgers)
        } else {
            Err(status.to_string())
        }
    });
    for ledger in ledgers {
        assert_eq!(ledger["balance"], 0, "{ledger}");
    }
}

/// The query whose answer is every event but the scores.
pub(crate) fn every_event(limit: &str) -> [&str; 7] {
    ["query", "NOT type:fraud_score", "--json", "--from", "1970-01-02T00:00:00Z", "--limit", limit]
}
