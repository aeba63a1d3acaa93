//! The platform is killed at random moments while events are sent: after the restart every one is there
//! exactly once, scores included, and the ledger balances.

mod support;

use std::time::{Duration, Instant};

use support::cluster::free_port;
use support::rounds::{self, Dice, setting};
use support::{Platform, eventually_counts, text, tool_with_input};

const EVENTS: u64 = 300_000;
const KILLS: u32 = 4;

#[test]
fn killed_at_random_moments_every_event_is_there_exactly_once() {
    rounds::run("MILLRACE_CRASH_SEED", setting("MILLRACE_CRASH_ROUNDS", 3), run_round);
}

fn run_round(mut dice: Dice) {
    let (lines, summary) = rounds::shop_events(EVENTS, dice.seed, 0.0);
    // The sender must find the same address after each restart.
    let door = free_port().to_string();
    let mut platform = Platform::start(&["--http-listen", &door]);
    let url = format!("http://{door}");
    let sender = std::thread::spawn(move || tool_with_input(&["send", "--url", &url], &lines));

    for _ in 0..KILLS {
        let moment = Instant::now() + Duration::from_millis(200 + dice.next(2_500));
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
    eventually_counts("the end of the line", EVENTS + transactions, || platform.count(""));
    for (log_type, count) in &summary.by_type {
        assert_eq!(platform.count(&format!("type:{log_type}")), *count, "{log_type}");
    }
    assert_eq!(platform.count("type:fraud_score"), transactions);
    rounds::each_once(&platform.ask(&rounds::every_event("1000000")), EVENTS);
    rounds::balanced(&platform);
}
