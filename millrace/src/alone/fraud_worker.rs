//! The fraud worker alone.

use pipeline::Runtime;

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

    async fn bind(&mut self, _: &PlatformConfig) -> Result<Vec<(&'static str, String)>, Failure> {
        Ok(Vec::new())
    }

    async fn run(self, opening: Opening, runtime: Runtime) -> Result<(), Failure> {
        let documents = opening.documents().await?;
        let config = opening.config.fraud_worker.clone();
        fraud_worker::run(config, documents, runtime).await.map_err(Failure::of)
    }
}
