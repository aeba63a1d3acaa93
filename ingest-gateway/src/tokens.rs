//! The tokens of shops, as the doors know them: a table in memory that is read from the document store anew when a
//! token was made or revoked, for which that is looked at again and again.
//!
//! A store that fails leaves the table in force that there is. No door ever asks the store itself, and nothing
//! here decides who comes in.

use std::sync::Arc;
use std::time::Duration;

use access::ShopName;
use document_store::{DocumentError, DocumentStore, ErrorKind};
use jiff::Timestamp;
use service::{CancellationToken, Context, HealthState, MetricKind, Metrics};
use shops::{Lookup, TokenError, TokenTable};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

/// The part under which health says that the tokens cannot be read.
const PART: &str = "ingest tokens";
/// How long the store may take to give all tokens.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// All tokens are read after this time though nothing says that they have changed: whoever changed them may not have
/// said so.
const FULL_READ_INTERVAL: Duration = Duration::from_secs(60);
/// Shortest time from one look at the store to another that an unknown token asks for.
const ASKED_INTERVAL_MIN: Duration = Duration::from_secs(1);
/// How long whoever shows an unknown token waits for such a look.
const ASKED_WAIT: Duration = Duration::from_secs(3);

/// What an offered token is, as far as the doors know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A good one, of this shop.
    Of(ShopName),
    /// One whose time is over.
    Expired,
    /// One that somebody has ended.
    Revoked,
    /// None that was ever made.
    Unknown,
    /// Nobody can tell: the store was not read yet, or could not be since somebody showed this one, which may be new.
    Untold,
}

/// The tokens of all shops.
pub(crate) struct Tokens {
    documents: Option<Arc<dyn DocumentStore>>,
    seen: watch::Sender<Seen>,
    /// Counts the looks that have shown that tokens have ended.
    endings: watch::Sender<u64>,
    /// Somebody shows a token that the table does not know.
    wanted: Notify,
    /// When nothing is read any more.
    shutdown: CancellationToken,
}

/// What was seen in the store.
#[derive(Clone, Debug)]
struct Seen {
    /// All tokens; none before the store was read once.
    table: Option<Arc<TokenTable>>,
    /// When it was last read, or known to be as the store has it.
    read_at: Instant,
    /// How many looks at the store have ended, whatever came of them.
    looks: u64,
    /// When the last of them began.
    look_begun_at: Option<Instant>,
}

impl Seen {
    fn find(&self, token: &[u8], now: Timestamp) -> Found {
        let Some(table) = &self.table else { return Found::Untold };
        match table.find(token, now) {
            Lookup::Holder(holder) => Found::Of(holder.shop.clone()),
            Lookup::Expired => Found::Expired,
            Lookup::Revoked => Found::Revoked,
            Lookup::Unknown => Found::Unknown,
        }
    }
}

impl Tokens {
    /// The tokens of this store, which [`watch`](Self::watch) reads. Without a store there are none.
    pub(crate) fn new(documents: Option<Arc<dyn DocumentStore>>, context: &Context) -> Arc<Self> {
        let table = documents.is_none().then(Arc::default);
        let seen = Seen { table, read_at: Instant::now(), looks: 0, look_begun_at: None };
        let ((seen, _), (endings, _)) = (watch::channel(seen), watch::channel(0));
        let (wanted, shutdown) = (Notify::new(), context.shutdown.clone());
        let tokens = Arc::new(Self { documents, seen, endings, wanted, shutdown });
        if tokens.documents.is_some() {
            tokens.show_age(&context.metrics);
        }
        tokens
    }

    fn show_age(&self, metrics: &Metrics) {
        let seen = self.seen.subscribe();
        metrics.computed(
            "millrace_gateway_tokens_age_seconds",
            "Time since the tokens of shops were last those of the store; since the start where they never were",
            MetricKind::Gauge,
            &[],
            move || {
                let read_at = seen.borrow().read_at;
                vec![(Vec::new(), read_at.elapsed().as_secs_f64())]
            },
        );
    }

    /// What a token is by the table that there is.
    pub(crate) fn find(&self, token: &[u8], now: Timestamp) -> Found {
        // It is hashed without holding anybody up.
        let seen = self.seen.borrow().clone();
        seen.find(token, now)
    }

    /// The same of a token that the table does not know: it may have been made just now, so the store is looked at
    /// for it, but not more often than once a second however many ask. It is unknown only if the store was read since:
    /// whoever is told that may never come again.
    pub(crate) async fn find_anew(&self, token: &[u8], now: Timestamp) -> Found {
        if self.documents.is_none() {
            return self.find(token, now);
        }
        let asked_at = Instant::now();
        let mut watched = self.seen.subscribe();
        self.wanted.notify_one();
        let is_told = |seen: &Seen| {
            let is_known = !matches!(seen.find(token, now), Found::Unknown | Found::Untold);
            is_known || seen.look_begun_at > Some(asked_at)
        };
        let told = timeout(ASKED_WAIT, watched.wait_for(is_told));
        drop(self.shutdown.run_until_cancelled(told).await);
        let seen = self.seen.borrow().clone();
        match seen.find(token, now) {
            Found::Unknown if seen.read_at <= asked_at => Found::Untold,
            found => found,
        }
    }

    /// How many looks at the store have ended: whoever relies on a token asks again when it is another number.
    pub(crate) fn looks(&self) -> u64 {
        self.seen.borrow().looks
    }

    /// Changes when tokens were seen to have ended that had not before. The time of a token tells nobody.
    pub(crate) fn endings(&self) -> watch::Receiver<u64> {
        self.endings.subscribe()
    }

    /// When a token ends by itself, by the table that there is. That is never changed.
    pub(crate) fn expires_at(&self, token: &[u8]) -> Option<Timestamp> {
        let table = self.seen.borrow().table.clone();
        table?.expires_at(token)
    }

    /// Looks at the store again and again, with so much time between, and reads all tokens where some have changed.
    /// Goes on until it is dropped, and ends at once where there is no store.
    pub(crate) async fn watch(self: Arc<Self>, refresh_interval: Duration, context: Context) {
        let Some(documents) = &self.documents else {
            tracing::info!(
                "this gateway has no document store, so there are no tokens of shops: documents.url names one"
            );
            return;
        };
        let mut is_made = false;
        let mut is_in_trouble = false;
        let mut all_read_at: Option<Instant> = None;
        loop {
            let begun_at = Instant::now();
            let is_fresh = all_read_at.is_some_and(|at| begun_at - at < FULL_READ_INTERVAL);
            let known = self.seen.borrow().table.clone().filter(|_| is_fresh);
            let look = look(documents.as_ref(), known, &mut is_made).await;
            let ended_at = Instant::now();
            report(trouble(&look), &mut is_in_trouble, &context);
            if let Ok(Look { is_read: true, .. }) = look {
                all_read_at = Some(begun_at);
            }
            self.take(look, begun_at);
            let asked = async {
                self.wanted.notified().await;
                sleep(ASKED_INTERVAL_MIN.saturating_sub(ended_at.elapsed())).await;
            };
            tokio::select! {
                () = sleep(refresh_interval) => {}
                () = asked => {}
            }
        }
    }

    /// Tells everybody what came of a look that began then.
    fn take(&self, look: Result<Look, TokenError>, begun_at: Instant) {
        let table = look.ok().map(|look| look.table);
        let before = self.seen.borrow().table.clone();
        // Nobody who looks a token up waits for this.
        let ends_some = match (&before, &table) {
            (Some(before), Some(table)) if !Arc::ptr_eq(before, table) => table.ends_any_of(before),
            _ => false,
        };
        self.seen.send_modify(|seen| {
            seen.looks += 1;
            seen.look_begun_at = Some(begun_at);
            if table.is_some() {
                seen.table = table;
                seen.read_at = begun_at;
            }
        });
        if ends_some {
            self.endings.send_modify(|endings| *endings += 1);
        }
    }
}

/// What a look at the store has shown.
struct Look {
    /// All tokens.
    table: Arc<TokenTable>,
    /// Whether they were read; else they are those that were known.
    is_read: bool,
}

/// Reads all tokens, unless those that are `known` are all. Their collection is made where it is missing, by whoever
/// comes first.
async fn look(
    documents: &dyn DocumentStore,
    known: Option<Arc<TokenTable>>,
    is_made: &mut bool,
) -> Result<Look, TokenError> {
    let look = async {
        if !*is_made {
            shops::ensure_collections(documents).await?;
            *is_made = true;
        }
        if let Some(table) = known
            && table.is_current(documents).await?
        {
            return Ok(Look { table, is_read: false });
        }
        let table = Arc::new(TokenTable::load(documents).await?);
        Ok::<_, TokenError>(Look { table, is_read: true })
    };
    timeout(READ_TIMEOUT, look).await.unwrap_or_else(|_| {
        let message = format!("the document store gave no answer in {} s", READ_TIMEOUT.as_secs());
        Err(DocumentError::new(ErrorKind::Transient, message).into())
    })
}

/// What is wrong with what was read, or with the reading.
fn trouble(look: &Result<Look, TokenError>) -> Option<String> {
    match look {
        Ok(look) => look.table.unreadable().map(|error| format!("{error}: it lets nobody in")),
        Err(error) => Some(format!("the tokens of shops are those that were read last: {error}")),
    }
}

/// Says in the log that there is trouble, or no longer; once each. Health tells which.
fn report(trouble: Option<String>, is_in_trouble: &mut bool, context: &Context) {
    let was_in_trouble = std::mem::replace(is_in_trouble, trouble.is_some());
    match trouble {
        Some(reason) => {
            if !was_in_trouble {
                tracing::warn!(reason, "the tokens of shops cannot all be read");
            }
            context.health.set(PART, HealthState::Degraded { reason });
        }
        None if was_in_trouble => {
            tracing::info!("the tokens of shops can be read again");
            context.health.clear(PART);
        }
        None => {}
    }
}

#[cfg(test)]
pub(crate) mod tests;
