//! The query API and its pages: sign-in, search, dead letters, state. Serves the same routes over TCP
//! and, to the local admin, over a socket file.
//!
//! It never passes a raw query through, never answers without a scope where shop data is read, and
//! never shows a card number.

mod api;
mod auth;
mod config;
mod dead_letter;
mod extract;
mod identity;
mod ingest_token;
mod moment;
mod openapi;
mod pages;
mod problem;
mod routes;
mod search;
mod server;
mod status;
mod tap;
mod user;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use document_store::{DocumentError, DocumentStore};
use jiff::{SignedDuration, Timestamp};
use pipeline::{RunnerError, Runtime};
use service::HealthState;

pub use api::Stores;
pub use config::Config;
pub use dead_letter::DEAD_LETTERS_GROUP;
pub use server::{BindError, Bound, bind};
pub use status::ATTRIBUTION;
pub use tap::{PipelineTap, TapFilter, TapMessage};
pub use user::{ADMIN, UserError, ensure_admin};

use api::Api;

/// How often sessions and dead letters that are too old are removed.
const CLEANING_INTERVAL: Duration = Duration::from_secs(60);
/// The name under which the API reports its health.
const PART: &str = "query-api";

/// Why the API ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its collections cannot be made.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// The consumer of dead letters ended.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// Makes the API's collections.
async fn ensure_collections(documents: &dyn DocumentStore) -> Result<(), DocumentError> {
    let collections =
        [user::USERS, auth::SESSIONS, dead_letter::DEAD_LETTERS, shops::INGEST_TOKENS];
    documents.ensure_collections(&collections).await
}

/// Serves the API and keeps dead letters for it, until the runtime's shutdown. `foreign_topics` is what the
/// enricher reads beside `logs.raw`.
///
/// # Errors
/// The document store fails at the start, or the bus ends the consumer of dead letters. The API is
/// stopped then too.
pub async fn run(
    bound: Bound,
    config: Config,
    stores: Stores,
    foreign_topics: Vec<String>,
    runtime: Runtime,
) -> Result<(), RunError> {
    ensure_collections(stores.documents.as_ref()).await?;
    let shutdown = runtime.context.shutdown.clone();
    let letters = dead_letter::runner(Arc::clone(&stores.documents));
    let api = Api::new(config, stores, foreign_topics, runtime.clone());
    let router = routes::router(&api);
    let health = runtime.context.health.clone();
    health.set(PART, HealthState::Ready);
    let stop = shutdown.child_token();
    let serving = server::serve(bound, router, &api.config, stop.clone());
    let cleaning = stop.run_until_cancelled(clean(&api));
    let keeping = async {
        let kept = pipeline::run(letters, runtime).await;
        stop.cancel();
        kept
    };
    let ((), _, kept) = tokio::join!(serving, cleaning, keeping);
    health.set(PART, HealthState::Waiting { reason: "stopped".to_owned() });
    Ok(kept?)
}

/// Removes what is too old, for ever.
async fn clean(api: &Api) {
    let mut interval = tokio::time::interval(CLEANING_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let now = Timestamp::now();
        if let Err(error) = auth::remove_expired(api.documents(), now).await {
            tracing::warn!(%error, "expired sessions stay for now");
        }
        let age = SignedDuration::try_from(api.config.dead_letters_age_max.0);
        let oldest = age.ok().and_then(|age| now.checked_sub(age).ok()).unwrap_or(Timestamp::MIN);
        let most = api.config.dead_letters_count_max;
        match dead_letter::remove_surplus(api.documents(), oldest, most).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old dead letters were removed"),
            Err(error) => tracing::warn!(%error, "old dead letters stay for now"),
        }
    }
}
