//! Several gateways share one quota: each adds what it took in to counters in the cache, and takes what others
//! added off its own buckets.
//!
//! A counter of a shop has no time in its name, so the clocks of gateways need not agree: what it has more than
//! at the last look is what came since. A gateway that meets a shop, for the first time or again after a while, begins with
//! what it finds, and takes over what is missing at a gateway where the shop is in debt. While the cache is away each
//! gateway goes on alone, and what it took in meanwhile is told to nobody: it is earned again by then. What a shop owes is
//! not taken over then once more, since it stands in the gateway's own buckets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use cache_store::{CacheError, CacheStore};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Quotas;
use super::shop::{Amounts, Shop};
use crate::config::Config;

/// How often it is looked what others took in.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a shop is looked after that sends nothing here and is not in debt.
const ACTIVE: Duration = Duration::from_secs(15);
/// What was added before the last look, if that is longer ago, was earned again since.
const LOOK_AGE_MAX: Duration = Duration::from_secs(5);
/// How long a counter lives. Then it begins anew, and what was added since the last look is taken for nothing.
const WINDOW: Duration = Duration::from_secs(3_600);

/// What adds up with other gateways, if any shop has a quota and it is to be shared.
pub(crate) fn sharing(
    config: &Config,
    quotas: &Arc<Quotas>,
    cache: Option<Arc<dyn CacheStore>>,
) -> Option<impl Future<Output = ()> + use<>> {
    if !config.share_quotas || !quotas.is_on() {
        return None;
    }
    if cache.is_none() {
        tracing::info!(
            "quotas are counted by this gateway alone: cache.url names a cache that gateways can share"
        );
    }
    cache.map(|cache| share(Arc::clone(quotas), cache))
}

/// Adds up again and again. Goes on until it is dropped.
async fn share(quotas: Arc<Quotas>, cache: Arc<dyn CacheStore>) {
    let mut sharing = Sharing { quotas, cache, look: 0, met: HashMap::new(), is_away: false };
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looked = sharing.look().await;
        sharing.report(looked);
    }
}

struct Sharing {
    quotas: Arc<Quotas>,
    cache: Arc<dyn CacheStore>,
    /// Number of the look.
    look: u64,
    met: HashMap<ByteString, Met>,
    is_away: bool,
}

/// A shop whose debt with others is known here.
#[derive(Clone, Copy, Debug)]
struct Met {
    /// The last look that it was part of.
    look: u64,
    /// What stood in its counters then, unless the cache failed.
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    sums: Amounts,
    looked_at: Instant,
}

impl Sharing {
    /// Tells of all shops that sent something, and learns what others did.
    async fn look(&mut self) -> Result<(), CacheError> {
        let last = self.look;
        self.met.retain(|_, met| met.look == last);
        self.look += 1;
        let mut failure = None;
        for shop in self.quotas.shops() {
            let own = shop.take_untold();
            let is_silent = own == Amounts::default() && shop.silence() > ACTIVE;
            if is_silent && shop.debt().is_none() {
                continue;
            }
            if failure.is_none() {
                failure = self.look_at(&shop, own).await.err();
            }
            // Of the others nothing is told now, nor later: by then they have earned it again. Whether what failed was
            // added all the same nobody knows, so nothing is compared with it.
            if failure.is_some()
                && let Some(met) = self.met.get_mut(&shop.name)
            {
                *met = Met { look: self.look, seen: None };
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn look_at(&mut self, shop: &Shop, own: Amounts) -> Result<(), CacheError> {
        let met = self.met.get(&shop.name).copied();
        // Before what was taken in here is added, which others count as missing as soon as they see it.
        let owed = if met.is_none() { self.owed(shop).await? } else { None };
        let limited = shop.limited();
        let mut sums = Amounts::default();
        if limited.events {
            sums.events = self.add(shop, "events", own.events).await?;
        }
        if limited.bytes {
            sums.bytes = self.add(shop, "bytes", own.bytes).await?;
        }
        let seen = Seen { sums, looked_at: Instant::now() };
        self.met.insert(shop.name.clone(), Met { look: self.look, seen: Some(seen) });
        if let Some(owed) = owed {
            take_over(shop, owed, own);
        }
        if let Some(before) = met.and_then(|met| met.seen)
            && before.looked_at.elapsed() <= LOOK_AGE_MAX
        {
            shop.charge_of_others(of_others(before.sums, own, sums));
        }
        self.tell_owed(shop).await
    }

    /// What a shop owes to another gateway, if one has told so.
    async fn owed(&self, shop: &Shop) -> Result<Option<Amounts>, CacheError> {
        let told = self.cache.get(&owed_key(shop)).await?;
        Ok(told.as_deref().and_then(owed_from))
    }

    /// Tells a debt with a shop to gateways that have not looked yet. It is told again with each look, so it is
    /// forgotten soon after it is paid.
    async fn tell_owed(&self, shop: &Shop) -> Result<(), CacheError> {
        let Some(debt) = shop.debt() else { return Ok(()) };
        let Amounts { events, bytes } = shop.missing();
        let value = Bytes::from(format!("{events} {bytes}"));
        self.cache.set(&owed_key(shop), value, debt.clamp(INTERVAL, LOOK_AGE_MAX)).await
    }

    async fn add(&self, shop: &Shop, unit: &str, amount: u64) -> Result<u64, CacheError> {
        self.cache.add(&format!("gateway/quota/{}/{unit}", shop.name), amount, WINDOW).await
    }

    /// Says in the log that the cache is away, or there again; once each.
    fn report(&mut self, looked: Result<(), CacheError>) {
        match &looked {
            Err(error) => {
                self.quotas.metrics.cache_failures.inc();
                if !self.is_away {
                    tracing::warn!(%error, "quotas are counted by this gateway alone while the cache is away");
                }
            }
            Ok(()) if self.is_away => {
                tracing::info!("quotas are counted with other gateways again");
            }
            Ok(()) => {}
        }
        self.is_away = looked.is_err();
    }
}

/// Takes over what a shop owes to others. What is missing here already is part of it, but for what was taken in here and
/// not told until now.
fn take_over(shop: &Shop, owed: Amounts, own: Amounts) {
    let missing = shop.missing();
    let more = |owed: u64, missing: u64, own: u64| owed.saturating_sub(missing.saturating_sub(own));
    shop.charge_of_others(Amounts {
        events: more(owed.events, missing.events, own.events),
        bytes: more(owed.bytes, missing.bytes, own.bytes),
    });
}

/// Where it stands what is missing from the buckets of a shop in debt.
fn owed_key(shop: &Shop) -> String {
    format!("gateway/quota/{}/owed", shop.name)
}

/// What another gateway wrote there; none if it cannot be read.
fn owed_from(value: &[u8]) -> Option<Amounts> {
    let (events, bytes) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    Some(Amounts { events: events.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// What others added to counters since they were seen. One that has begun anew tells nothing.
fn of_others(before: Amounts, own: Amounts, sums: Amounts) -> Amounts {
    let others = |before: u64, own: u64, sum: u64| sum.saturating_sub(before.saturating_add(own));
    Amounts {
        events: others(before.events, own.events, sums.events),
        bytes: others(before.bytes, own.bytes, sums.bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use bytes::Bytes;
    use bytestring::ByteString;
    use cache_store::{CacheError, CacheStore, MemoryCache, MemoryConfig};
    use service::{ByteSize, Context, Span};
    use tokio::time::sleep;
    use tokio_util::task::AbortOnDropHandle;

    use super::{Amounts, of_others, owed_from, share};
    use crate::config::Config;
    use crate::quota::Quotas;

    /// Longer than it takes all gateways to have looked twice.
    const A_FEW_LOOKS: Duration = Duration::from_millis(2_500);

    fn shop() -> ByteString {
        ByteString::from_static("north")
    }

    /// A cache that can be away.
    struct Cache {
        memory: MemoryCache,
        is_away: AtomicBool,
    }

    impl Cache {
        fn new() -> Arc<Self> {
            let memory = MemoryCache::new(&MemoryConfig::default());
            Arc::new(Self { memory, is_away: AtomicBool::new(false) })
        }
    }

    #[async_trait]
    impl CacheStore for Cache {
        async fn get(&self, key: &str) -> Result<Option<Bytes>, CacheError> {
            self.memory.get(key).await
        }

        async fn set(&self, key: &str, value: Bytes, time: Duration) -> Result<(), CacheError> {
            self.memory.set(key, value, time).await
        }

        async fn delete(&self, key: &str) -> Result<(), CacheError> {
            self.memory.delete(key).await
        }

        async fn add(&self, key: &str, amount: u64, window: Duration) -> Result<u64, CacheError> {
            if self.is_away.load(Ordering::Relaxed) {
                return Err(CacheError("as the test wants".to_owned()));
            }
            self.memory.add(key, amount, window).await
        }
    }

    /// A gateway of some, with 100 events and 1 MB a second for each shop.
    struct Gateway {
        quotas: Arc<Quotas>,
        context: Context,
        _sharing: AbortOnDropHandle<()>,
    }

    impl Gateway {
        fn start(cache: &Arc<Cache>) -> Self {
            let mut config = Config::default();
            config.quota.events_per_second = Some(100);
            config.quota.bytes_per_second = Some(ByteSize(1_000_000));
            config.quota.burst = Some(Span::from_secs(10));
            let context = Context::default();
            let quotas = Quotas::new(&config, &context);
            let sharing = share(Arc::clone(&quotas), Arc::clone(cache) as Arc<dyn CacheStore>);
            let sharing = AbortOnDropHandle::new(tokio::spawn(sharing));
            Self { quotas, context, _sharing: sharing }
        }

        fn debt(&self) -> Duration {
            self.quotas.turnstile(&shop()).unwrap().debt().unwrap_or_default()
        }

        fn failures(&self) -> bool {
            let name = "millrace_gateway_quota_cache_failures_total ";
            let text = self.context.metrics.text();
            !text.contains(&format!("{name}0"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_gateway_takes_in_counts_at_all() {
        let cache = Cache::new();
        let gateways = [Gateway::start(&cache), Gateway::start(&cache), Gateway::start(&cache)];
        for gateway in &gateways {
            gateway.quotas.charge(&shop(), 1, 100);
        }
        sleep(A_FEW_LOOKS).await;
        gateways[0].quotas.charge(&shop(), 4_000, 400_000);
        assert!(gateways[0].debt() > Duration::from_secs(29));
        assert_eq!(gateways[1].debt(), Duration::ZERO, "it has not looked yet");
        sleep(A_FEW_LOOKS).await;
        let debts = gateways.each_ref().map(Gateway::debt);
        for debt in debts {
            assert!((Duration::from_secs(27)..Duration::from_secs(30)).contains(&debt), "{debt:?}");
        }
        // Each goes on to count what comes, and counts nothing twice.
        gateways[1].quotas.charge(&shop(), 1_000, 100_000);
        sleep(A_FEW_LOOKS).await;
        for gateway in &gateways {
            let debt = gateway.debt();
            assert!((Duration::from_secs(34)..Duration::from_secs(38)).contains(&debt), "{debt:?}");
        }
        assert!(!gateways.iter().any(Gateway::failures));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_cache_each_goes_on_alone_and_nothing_is_made_up_for_later() {
        let cache = Cache::new();
        let gateways = [Gateway::start(&cache), Gateway::start(&cache)];
        for gateway in &gateways {
            gateway.quotas.charge(&shop(), 1, 100);
        }
        sleep(A_FEW_LOOKS).await;
        cache.is_away.store(true, Ordering::Relaxed);
        // An hour of what the quota gives.
        for _ in 0..3_600 {
            gateways[0].quotas.charge(&shop(), 100, 10_000);
            sleep(Duration::from_secs(1)).await;
        }
        assert!(gateways[0].failures());
        assert!(gateways.iter().all(|gateway| gateway.debt().is_zero()));
        cache.is_away.store(false, Ordering::Relaxed);
        for gateway in &gateways {
            gateway.quotas.charge(&shop(), 1, 100);
        }
        sleep(A_FEW_LOOKS).await;
        assert!(gateways.iter().all(|gateway| gateway.debt().is_zero()), "that is long ago");
        gateways[0].quotas.charge(&shop(), 3_000, 10_000);
        sleep(A_FEW_LOOKS).await;
        assert!(gateways[1].debt() > Duration::from_secs(10), "they count together again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_comes_later_is_not_charged_for_what_was_before_it() {
        let cache = Cache::new();
        let first = Gateway::start(&cache);
        for _ in 0..60 {
            first.quotas.charge(&shop(), 100, 10_000);
            sleep(Duration::from_secs(1)).await;
        }
        let second = Gateway::start(&cache);
        second.quotas.charge(&shop(), 1, 100);
        sleep(A_FEW_LOOKS).await;
        assert!(second.debt().is_zero() && first.debt().is_zero());
    }

    /// A gateway of a shop that owes 30 s, and one that comes later and has taken in some events when it meets it.
    async fn in_debt_and_later(events: u64) -> [Gateway; 2] {
        let cache = Cache::new();
        let first = Gateway::start(&cache);
        first.quotas.charge(&shop(), 4_000, 400_000);
        sleep(A_FEW_LOOKS).await;
        let second = Gateway::start(&cache);
        second.quotas.charge(&shop(), events, 100 * events);
        sleep(A_FEW_LOOKS).await;
        [first, second]
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_comes_later_is_in_debt_as_the_others_are() {
        let gateways = in_debt_and_later(1).await;
        for debt in gateways.each_ref().map(Gateway::debt) {
            assert!((Duration::from_secs(23)..Duration::from_secs(28)).contains(&debt), "{debt:?}");
        }
        // It is taken over once, and paid by then.
        sleep(Duration::from_secs(28)).await;
        assert!(gateways.iter().all(|gateway| gateway.debt().is_zero()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_gateway_took_in_before_it_met_the_others_counts_too() {
        for debt in in_debt_and_later(900).await.each_ref().map(Gateway::debt) {
            assert!((Duration::from_secs(32)..Duration::from_secs(37)).contains(&debt), "{debt:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cache_that_fails_now_and_then_prolongs_no_debt() {
        let cache = Cache::new();
        let gateway = Gateway::start(&cache);
        gateway.quotas.charge(&shop(), 4_000, 400_000);
        sleep(A_FEW_LOOKS).await;
        for _ in 0..15 {
            for is_away in [true, false] {
                cache.is_away.store(is_away, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
            }
        }
        assert!(gateway.failures());
        assert_eq!(gateway.debt(), Duration::ZERO);
    }

    #[test]
    fn what_others_owe_is_read_as_it_was_written() {
        assert_eq!(owed_from(b"4000 7"), Some(Amounts { events: 4_000, bytes: 7 }));
        for unread in [&b""[..], b"1", b"1 x", b"-1 2", b"\xff 1"] {
            assert_eq!(owed_from(unread), None, "{unread:?}");
        }
    }

    #[test]
    fn a_counter_that_has_begun_anew_tells_nothing() {
        let amounts = |events, bytes| Amounts { events, bytes };
        assert_eq!(of_others(amounts(10, 10), amounts(5, 5), amounts(18, 15)), amounts(3, 0));
        assert_eq!(of_others(amounts(1_000, 7), amounts(5, 0), amounts(5, 9)), amounts(0, 2));
    }
}
