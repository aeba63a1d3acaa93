//! Who is let in, when, and in which order.

use std::time::Duration;

use bytestring::ByteString;
use service::{Context, Span};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{KNOWN_MIN, Quotas};
use crate::config::{Config, QuotaConfig, ShopConfig};

const SECOND: Duration = Duration::from_secs(1);
/// A block that is read, of a hundred events.
const BLOCK_BYTES: usize = 51_200;

fn shop(name: &'static str) -> ByteString {
    ByteString::from_static(name)
}

/// A hundred events a second for every shop, with a burst of so many seconds.
fn config(burst_seconds: u64) -> Config {
    let mut config = Config::default();
    config.quota.events_per_second = Some(100);
    config.quota.burst = Some(Span::from_secs(burst_seconds));
    config
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_shop_in_debt_is_told_when_it_will_be_taken() {
    let context = Context::default();
    let quotas = Quotas::new(&config(10), &context);
    assert_eq!(quotas.admit(&shop("north"), Some(500)), Ok(()));
    // However large it turns out to be: a request that was let in is taken whole.
    quotas.charge(&shop("north"), 1_500, 60_000);
    assert_eq!(quotas.admit(&shop("north"), Some(500)), Err(SECOND * 5));
    assert_eq!(quotas.admit(&shop("north"), None), Err(SECOND * 5), "a refusal costs nothing");
    assert_eq!(quotas.admit(&shop("south"), Some(500)), Ok(()), "others are not concerned");
    sleep(SECOND * 5).await;
    assert_eq!(quotas.admit(&shop("north"), Some(500)), Ok(()));
    let refused = "millrace_gateway_quota_refused_requests_total{shop=\"other\"} 2";
    assert!(context.metrics.text().contains(refused), "{}", context.metrics.text());
}

#[tokio::test(start_paused = true)]
async fn many_requests_at_once_are_not_all_let_in_on_the_same_level() {
    let quotas = Quotas::new(&config(10), &Context::default());
    let let_in =
        (0..1_000).filter(|_| quotas.admit(&shop("north"), Some(10 << 20)).is_ok()).count();
    assert!((8..=9).contains(&let_in), "{let_in}");
}

#[tokio::test(start_paused = true)]
async fn senders_of_a_shop_in_debt_pass_one_after_the_other() {
    let context = Context::default();
    let quotas = Quotas::new(&config(1), &context);
    let begun = Instant::now();
    quotas.charge(&shop("north"), 600, 600 * 512);
    let (passed, mut passing) = mpsc::unbounded_channel();
    for number in 0..4_u64 {
        let (quotas, passed) = (quotas.clone(), passed.clone());
        tokio::spawn(async move {
            let turnstile = quotas.turnstile(&shop("north")).unwrap();
            let leave = turnstile.pass(BLOCK_BYTES);
            if number == 2 {
                // This one goes away while it waits.
                assert!(timeout(SECOND, leave).await.is_err());
                return;
            }
            leave.await.keep(BLOCK_BYTES as u64);
            quotas.charge(&shop("north"), 100, BLOCK_BYTES as u64);
            passed.send((number, begun.elapsed())).unwrap();
        });
    }
    for (number, seconds) in [(0, 5), (1, 6), (3, 7)] {
        let (who, at) = passing.recv().await.unwrap();
        let due = SECOND * seconds;
        assert_eq!(who, number);
        assert!((due..due + Duration::from_millis(100)).contains(&at), "{who} at {at:?}");
    }
    let waits = "millrace_gateway_quota_wait_seconds_count{shop=\"other\"} 3";
    assert!(context.metrics.text().contains(waits), "{}", context.metrics.text());
}

#[tokio::test(start_paused = true)]
async fn what_was_promised_and_not_sent_is_given_back() {
    let quotas = Quotas::new(&config(1), &Context::default());
    let turnstile = quotas.turnstile(&shop("north")).unwrap();
    let mut leaves = Vec::new();
    while let Some(leave) = turnstile.try_pass(BLOCK_BYTES) {
        leaves.push(leave);
    }
    assert_eq!(leaves.len(), 9);
    assert!(turnstile.debt().is_some());
    drop(leaves);
    assert!(turnstile.debt().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_held_up_by_no_quota() {
    let context = Context::default();
    let quotas = Quotas::new(&config(10), &context);
    quotas.charge(&shop("north"), 1_000_000, 1_000_000);
    let turnstile = quotas.turnstile(&shop("north")).unwrap();
    let waiting = tokio::spawn({
        let turnstile = turnstile.clone();
        async move { drop(turnstile.pass(BLOCK_BYTES).await) }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished() && turnstile.debt().is_some());
    let begun = Instant::now();
    context.shutdown.cancel();
    waiting.await.unwrap();
    assert!(begun.elapsed().is_zero() && turnstile.debt().is_none());
    assert!(turnstile.try_pass(BLOCK_BYTES).is_some());
    assert_eq!(quotas.admit(&shop("north"), Some(1)), Ok(()));
}

#[tokio::test]
async fn a_shop_has_its_own_quota_and_its_own_name_in_metrics() {
    let context = Context::default();
    let none = Quotas::new(&Config::default(), &context);
    assert!(!none.is_on() && none.turnstile(&shop("north")).is_none());

    let mut config = Config::default();
    let quota = QuotaConfig { events_per_second: Some(1), ..QuotaConfig::default() };
    config.shops.insert("north".parse().unwrap(), ShopConfig { quota });
    let quotas = Quotas::new(&config, &context);
    assert!(quotas.is_on() && quotas.turnstile(&shop("south")).is_none());
    quotas.charge(&shop("north"), 100, 100);
    assert!(quotas.admit(&shop("north"), None).is_err());
    let refused = "millrace_gateway_quota_refused_requests_total{shop=\"north\"} 1";
    assert!(context.metrics.text().contains(refused));
}

#[tokio::test(start_paused = true)]
async fn shops_that_are_long_silent_are_forgotten_and_no_debt_is() {
    let quotas = Quotas::new(&config(10), &Context::default());
    quotas.charge(&shop("north"), 2_000, 2_000);
    for number in 0..KNOWN_MIN * 4 {
        quotas.turnstile(&format!("shop-{number}").into()).unwrap();
    }
    assert!(quotas.shops().len() <= KNOWN_MIN + 1);
    assert_eq!(quotas.admit(&shop("north"), None), Err(SECOND * 10));
}
