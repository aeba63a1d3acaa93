//! The indexer alone.

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::NoArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// The way into the search store in a process of its own.
#[derive(Debug)]
pub struct Indexer;

impl Alone for Indexer {
    const NAME: &'static str = indexer::NAME;
    const ABOUT: &'static str = "Writes logs.enriched and fraud.scored to the search store in bulk";
    const METRICS_PORT: u16 = 9604;
    const STORES: &'static [Store] = &[Store::Bus, Store::Search];
    type Arguments = NoArguments;

    fn prepare(_: &PlatformConfig, _: &NoArguments) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let Some(runtime) = opening.runtime().await? else { return Ok(()) };
        let search = opening.search().await?;
        let prefixes = opening.config.search.index_prefixes.clone();
        indexer::run(search, prefixes, runtime).await.map_err(Failure::of)
    }
}
