//! The platform is killed at random moments while events are sent: after the restart every one is there
//! exactly once, scores included, and the ledger balances.

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use millrace::generate::{Generator, Options};
use serde_json::Value;
use support::{Platform, eventually, text, tool_with_input};

/// Rounds; `make soak` sets more.
fn rounds() -> u32 {
    std::env::var("MILLRACE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

const EVENTS: u64 = 300_000;
const KILLS: u32 = 4;

/// A small generator of numbers for the moments; its seed is printed, so that a round can be repeated.
struct Moments(u64);

impl Moments {
    fn next_ms(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn killed_at_random_moments_every_event_is_there_exactly_once() {
    let given = std::env::var("MILLRACE_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let mut seed: u64 = given.unwrap_or(now as u64 | 1);
    for round in 0..rounds() {
        println!("round {round}: MILLRACE_CRASH_SEED={seed}");
        run_round(seed);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) | 1;
    }
}

fn run_round(seed: u64) {
    let mut generator = Generator::new(Options {
        count: EVENTS,
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
    let summary = generator.summary().clone();
    // The sender must find the same address after each restart.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let door = port.expect("a free port").to_string();
    let mut platform = Platform::start(&["--http-listen", &door]);
    let url = format!("http://{door}");
    let sender = std::thread::spawn(move || tool_with_input(&["send", "--url", &url], &lines));

    let mut moments = Moments(seed);
    for _ in 0..KILLS {
        let moment = Instant::now() + Duration::from_millis(200 + moments.next_ms(2_500));
        std::thread::park_timeout(moment.saturating_duration_since(Instant::now()));
        platform.kill();
        platform.restart();
    }
    let sent = sender.join().expect("the sender ends");
    assert_eq!(
        text(&sent.stdout).trim(),
        format!("{EVENTS} accepted, 0 refused"),
        "{}",
        text(&sent.stderr)
    );

    let transactions = summary.by_type["transaction"];
    eventually("the end of the line", || match platform.count("") {
        all if all == EVENTS + transactions => Ok(()),
        all => Err(format!("{all} of {}", EVENTS + transactions)),
    });
    for (log_type, count) in &summary.by_type {
        assert_eq!(platform.count(&format!("type:{log_type}")), *count, "{log_type}");
    }
    assert_eq!(platform.count("type:fraud_score"), transactions);
    each_event_once(&platform);
    balanced(&platform);
}

/// Each of the generator's own numbers stands exactly once.
fn each_event_once(platform: &Platform) {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let all = [
        "query",
        "NOT type:fraud_score",
        "--json",
        "--from",
        "1970-01-02T00:00:00Z",
        "--limit",
        "1000000",
    ];
    for line in platform.ask(&all).lines() {
        let document: Value = serde_json::from_str(line).expect("JSON");
        let id = document["event"]["id"].as_str().expect("an id").to_owned();
        *times.entry(id).or_default() += 1;
    }
    let more: Vec<_> = times.iter().filter(|(_, times)| **times > 1).take(5).collect();
    assert!(more.is_empty(), "more than once: {more:?}");
    assert_eq!(times.len() as u64, EVENTS);
}

fn balanced(platform: &Platform) {
    eventually("a ledger at rest", || {
        let status = platform.status();
        let ledgers = status["stages"].as_array().cloned().unwrap_or_default();
        let rests = ledgers.iter().all(|ledger| ledger["in_flight"] == 0);
        if rests && !ledgers.is_empty() { Ok(()) } else { Err(status.to_string()) }
    });
    let status = platform.status();
    for ledger in status["stages"].as_array().expect("ledgers") {
        assert_eq!(ledger["balance"], 0, "{ledger}");
    }
}
