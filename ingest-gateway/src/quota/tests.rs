//! Who is let in, when, and in which order.

use std::pin::Pin;
use std::task;
use std::thread;
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
    assert_eq!(quotas.admit(&shop("north"), Some(500)).await, Ok(()));
    // However large it turns out to be: a request that was let in is taken whole.
    quotas.charge(&shop("north"), 1_500, 60_000);
    assert_eq!(quotas.admit(&shop("north"), Some(500)).await, Err(SECOND * 5));
    assert_eq!(
        quotas.admit(&shop("north"), None).await,
        Err(SECOND * 5),
        "a refusal costs nothing"
    );
    assert_eq!(quotas.admit(&shop("south"), Some(500)).await, Ok(()), "others are not concerned");
    sleep(SECOND * 5).await;
    assert_eq!(quotas.admit(&shop("north"), Some(500)).await, Ok(()));
    let refused = "millrace_gateway_quota_refused_requests_total{shop=\"other\"} 2";
    assert!(context.metrics.text().contains(refused), "{}", context.metrics.text());
}

#[tokio::test(start_paused = true)]
async fn many_requests_at_once_are_not_all_let_in_on_the_same_level() {
    let quotas = Quotas::new(&config(10), &Context::default());
    let mut let_in = 0;
    for _ in 0..1_000 {
        let_in += usize::from(quotas.admit(&shop("north"), Some(10 << 20)).await.is_ok());
    }
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

/// Somebody who has come into the line, and is not looked at again.
fn stand<F: Future>(mut place: Pin<Box<F>>) -> Pin<Box<F>> {
    let looked = place.as_mut().poll(&mut task::Context::from_waker(task::Waker::noop()));
    assert!(looked.is_pending());
    place
}

#[tokio::test(start_paused = true)]
async fn a_request_passes_nobody_who_waits_and_is_not_kept_waiting_for_long() {
    let quotas = Quotas::new(&config(1), &Context::default());
    quotas.charge(&shop("north"), 300, 300 * 512);
    let turnstile = quotas.turnstile(&shop("north")).unwrap();
    let first = stand(Box::pin(turnstile.pass(BLOCK_BYTES)));
    sleep(SECOND * 3).await;
    assert!(turnstile.debt().is_none(), "it could be let in, if nobody were before it");
    assert!(turnstile.try_pass(BLOCK_BYTES).is_none(), "nor does another sender pass");
    let begun = Instant::now();
    assert_eq!(quotas.admit(&shop("north"), Some(500)).await, Err(SECOND));
    let waited = begun.elapsed();
    assert!((SECOND * 2..SECOND * 3).contains(&waited), "{waited:?}");
    let north = shop("north");
    let (leave, request) = tokio::join!(first, quotas.admit(&north, Some(500)));
    assert_eq!(request, Ok(()), "it is let in behind the other one");
    drop(leave);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_away_or_gives_up_leaves_its_place_to_the_next_one() {
    let quotas = Quotas::new(&config(1), &Context::default());
    quotas.charge(&shop("north"), 250, 250 * 512);
    let north = shop("north");
    let turnstile = quotas.turnstile(&north).unwrap();
    let first = stand(Box::pin(turnstile.pass(BLOCK_BYTES)));
    let gone = stand(Box::pin(quotas.admit(&north, Some(500))));
    let last = stand(Box::pin(turnstile.pass(BLOCK_BYTES)));
    assert_eq!(quotas.admit(&north, Some(500)).await, Err(SECOND), "its time is over");
    drop(gone);
    drop(first);
    timeout(SECOND, last).await.expect("nobody is before it").keep(0);
    assert_eq!(quotas.admit(&north, Some(500)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_debt_that_is_longer_than_a_request_may_wait_is_told_at_once() {
    let quotas = Quotas::new(&config(1), &Context::default());
    quotas.charge(&shop("north"), 600, 600 * 512);
    let turnstile = quotas.turnstile(&shop("north")).unwrap();
    let _first = stand(Box::pin(turnstile.pass(BLOCK_BYTES)));
    let begun = Instant::now();
    assert_eq!(quotas.admit(&shop("north"), Some(500)).await, Err(SECOND * 5));
    assert!(begun.elapsed().is_zero());
}

#[tokio::test]
async fn whoever_comes_at_the_same_moment_as_others_waits_for_none_of_them() {
    let mut config = config(1);
    config.quota.events_per_second = Some(1 << 40);
    let quotas = Quotas::new(&config, &Context::default());
    let turnstile = quotas.turnstile(&shop("north")).unwrap();
    let always_passes = || (0..50_000).all(|_| turnstile.try_pass(1).is_some());
    let passed = thread::scope(|scope| {
        let senders = [(); 8].map(|()| scope.spawn(always_passes));
        senders.map(|sender| sender.join().unwrap())
    });
    assert_eq!(passed, [true; 8], "the shop owes nothing, and nobody waits");
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
    assert_eq!(quotas.admit(&shop("north"), Some(1)).await, Ok(()));
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
    assert!(quotas.admit(&shop("north"), None).await.is_err());
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
    assert_eq!(quotas.admit(&shop("north"), None).await, Err(SECOND * 10));
}
