//! The fraud worker alone.

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::NoArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// The scores in a process of their own.
#[derive(Debug)]
pub struct FraudWorker;

impl Alone for FraudWorker {
    const NAME: &'static str = fraud_worker::NAME;
    const ABOUT: &'static str = "Scores the transactions of logs.enriched, into fraud.scored";
    const METRICS_PORT: u16 = 9603;
    const STORES: &'static [Store] = &[Store::Bus, Store::Documents];
    type Arguments = NoArguments;

    fn prepare(_: &PlatformConfig, _: &NoArguments) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let Some(runtime) = opening.runtime().await? else { return Ok(()) };
        let documents = opening.documents()?;
        let config = opening.config.fraud_worker.clone();
        fraud_worker::run(config, documents, runtime).await.map_err(Failure::of)
    }
}
