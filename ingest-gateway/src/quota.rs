//! How much each shop may send: who must wait, who is told to come again, and what is counted against whom.
//!
//! Whatever a door took in is charged here, once, when it is durable. A shop in debt is held up before anything
//! of it is read, so it holds no memory that others want: requests are answered with the time to wait, and what
//! cannot be answered is not read until then. Those of a shop who wait stand in one line, whichever door they come to,
//! and nobody passes it. Nothing is ever dropped for a quota, and none holds up a stop.

mod bucket;
mod passage;
pub(crate) mod shared;
mod shop;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytestring::ByteString;
use prometheus::{HistogramVec, IntCounter, IntCounterVec};
use service::{CancellationToken, Context, Metrics};
use tokio::time::{Instant, timeout};

use crate::config::{Config, QuotaConfig};
pub(crate) use passage::Passage;
use shop::{Amounts, Leave, Shop};

/// Shops that metrics name, of those that have settings of their own; all others are one.
const LABELS_MAX: usize = 100;
/// The name of all others.
const OTHER: &str = "other";
/// Shops that are known before it is looked whom to forget.
const KNOWN_MIN: usize = 1_024;
/// What a request is taken to bring that does not say how long it is, in bytes.
const REQUEST_BYTES: u64 = 64 << 10;
/// How long a request stands in line behind others of its shop before it is told to come again.
const REQUEST_WAIT: Duration = Duration::from_secs(2);
/// When it is told to come again at the earliest.
const AGAIN_MIN: Duration = Duration::from_secs(1);

/// The quotas of all shops.
#[derive(Debug)]
pub(crate) struct Quotas {
    every_shop: QuotaConfig,
    /// Of the shops that have settings of their own.
    own: HashMap<ByteString, QuotaConfig>,
    is_on: bool,
    labels: HashSet<ByteString>,
    known: Mutex<Known>,
    metrics: QuotaMetrics,
    shutdown: CancellationToken,
}

/// Shops with a quota that were heard of.
#[derive(Debug)]
struct Known {
    shops: HashMap<ByteString, Arc<Shop>>,
    /// With so many it is looked whom to forget.
    look_over_at: usize,
}

#[derive(Clone, Debug)]
struct QuotaMetrics {
    /// Requests that were told to come again, by shop.
    refused: IntCounterVec,
    /// How long senders waited that cannot be told, by shop.
    waited: HistogramVec,
    /// Times that the cache did not answer.
    cache_failures: IntCounter,
}

impl QuotaMetrics {
    fn new(metrics: &Metrics) -> Self {
        Self {
            refused: metrics.counter(
                "millrace_gateway_quota_refused_requests_total",
                "Requests answered with 429 because their shop had sent more than its quota",
                &["shop"],
            ),
            waited: metrics.histogram(
                "millrace_gateway_quota_wait_seconds",
                "Time that senders were not read because their shop had sent more than its quota",
                &["shop"],
                vec![0.1, 1.0, 10.0, 60.0, 600.0],
            ),
            cache_failures: metrics
                .counter(
                    "millrace_gateway_quota_cache_failures_total",
                    "Times that gateways could not add up what shops sent because the cache was away",
                    &[],
                )
                .with_label_values::<&str>(&[]),
        }
    }
}

impl Quotas {
    pub(crate) fn new(config: &Config, context: &Context) -> Arc<Self> {
        let named = || config.shops.keys().map(|name| ByteString::from(name.as_str()));
        let of = config.shops.values().map(|shop| shop.quota.or(&config.quota));
        let own: HashMap<ByteString, QuotaConfig> = named().zip(of).collect();
        Arc::new(Self {
            is_on: config.quota.has_limit() || own.values().any(QuotaConfig::has_limit),
            every_shop: config.quota.clone(),
            own,
            labels: named().take(LABELS_MAX).collect(),
            known: Mutex::new(Known { shops: HashMap::new(), look_over_at: KNOWN_MIN }),
            metrics: QuotaMetrics::new(&context.metrics),
            shutdown: context.shutdown.clone(),
        })
    }

    /// Whether any shop has a quota.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The turnstile of a shop's senders that cannot be answered; none if it has no quota.
    pub(crate) fn turnstile(&self, shop: &ByteString) -> Option<Turnstile> {
        let shop = self.find(shop)?;
        Some(Turnstile { shop, metrics: self.metrics.clone(), shutdown: self.shutdown.clone() })
    }

    /// Lets a request in that promises so many bytes, however many they are, or says when it should come again. It
    /// passes nobody of its shop who waits, and stands in line behind them for a while. Dropping the future gives its
    /// place up.
    pub(crate) async fn admit(
        &self,
        shop: &ByteString,
        bytes: Option<u64>,
    ) -> Result<(), Duration> {
        let Some(shop) = self.find(shop) else { return Ok(()) };
        if self.shutdown.is_cancelled() {
            return Ok(());
        }
        let bytes = bytes.unwrap_or(REQUEST_BYTES);
        let let_in = match shop.let_in_at_once(bytes) {
            Some(let_in) => let_in,
            None => self.let_in_from_line(&shop, bytes).await,
        };
        match let_in {
            Ok(leave) => {
                leave.keep(bytes);
                Ok(())
            }
            Err(wait) => {
                shop.tell_of_debt();
                self.metrics.refused.with_label_values(&[&*shop.label]).inc();
                Err(wait)
            }
        }
    }

    /// Lets a request in when those before it are through, or says when it should come again.
    async fn let_in_from_line(&self, shop: &Arc<Shop>, bytes: u64) -> Result<Leave, Duration> {
        // Until that is paid nobody is let in.
        if let Some(debt) = shop.debt().filter(|debt| *debt > REQUEST_WAIT) {
            return Err(debt);
        }
        tokio::select! {
            waited = timeout(REQUEST_WAIT, shop.wait(bytes)) => {
                waited.map_err(|_| shop.debt().unwrap_or_default().max(AGAIN_MIN))
            }
            () = self.shutdown.cancelled() => Ok(Leave::free()),
        }
    }

    /// Counts against a shop what was taken in of it.
    pub(crate) fn charge(&self, shop: &ByteString, events: u64, bytes: u64) {
        if let Some(shop) = self.find(shop) {
            shop.charge(Amounts { events, bytes });
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a shop, if it has a quota.
    fn find(&self, name: &ByteString) -> Option<Arc<Shop>> {
        let quota = self.own.get(name).unwrap_or(&self.every_shop);
        if !quota.has_limit() {
            return None;
        }
        let mut known = self.known();
        if let Some(shop) = known.shops.get(name) {
            return Some(Arc::clone(shop));
        }
        known.forget();
        let is_named = self.labels.contains(name);
        let label = if is_named { name.clone() } else { ByteString::from_static(OTHER) };
        let shop = Shop::new(name.clone(), label, quota);
        known.shops.insert(name.clone(), Arc::clone(&shop));
        Some(shop)
    }

    /// The shops that were heard of.
    fn shops(&self) -> Vec<Arc<Shop>> {
        self.known().shops.values().cloned().collect()
    }
}

impl Known {
    /// Forgets shops of which nothing is lost by it, if they have become many.
    fn forget(&mut self) {
        if self.shops.len() < self.look_over_at {
            return;
        }
        self.shops.retain(|_, shop| Arc::strong_count(shop) > 1 || !shop.is_as_new());
        self.look_over_at = KNOWN_MIN.max(self.shops.len() * 2);
    }
}

/// Where the senders of one shop wait that cannot be answered; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Turnstile {
    shop: Arc<Shop>,
    metrics: QuotaMetrics,
    shutdown: CancellationToken,
}

impl Turnstile {
    /// How long the shop has to wait; none if it has not, or if the process stops.
    fn debt(&self) -> Option<Duration> {
        self.shop.debt().filter(|_| !self.shutdown.is_cancelled())
    }

    /// Lets a sender through that is about to send so many bytes, if nobody has to wait.
    pub(crate) fn try_pass(&self, bytes: usize) -> Option<Leave> {
        if self.shutdown.is_cancelled() {
            return Some(Leave::free());
        }
        self.shop.let_in_at_once(bytes as u64)?.ok()
    }

    /// Lets it through when its shop has earned it and those before it are through. Dropping the future
    /// gives its place up.
    pub(crate) async fn pass(&self, bytes: usize) -> Leave {
        if let Some(leave) = self.try_pass(bytes) {
            return leave;
        }
        // That may be paid, and those before it not be through yet.
        if self.debt().is_some() {
            self.shop.tell_of_debt();
        }
        let begun = Instant::now();
        let leave = tokio::select! {
            leave = self.shop.wait(bytes as u64) => leave,
            () = self.shutdown.cancelled() => Leave::free(),
        };
        self.note_wait(begun.elapsed());
        leave
    }

    /// Counts that senders were held up for so long.
    fn note_wait(&self, wait: Duration) {
        let waited = self.metrics.waited.with_label_values(&[&*self.shop.label]);
        waited.observe(wait.as_secs_f64());
    }
}

#[cfg(test)]
mod tests;
