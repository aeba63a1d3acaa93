//! The enricher alone.

use enricher::{Pipelines, Reloader, reload};
use service::Secret;

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::EnricherArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// The filters in a process of their own.
#[derive(Debug)]
pub struct Enricher {
    pipelines: Pipelines,
    secret: Secret<String>,
}

impl Alone for Enricher {
    const NAME: &'static str = enricher::NAME;
    const ABOUT: &'static str =
        "Runs a Logstash filter file over the events of logs.raw, into logs.enriched";
    const METRICS_PORT: u16 = 9602;
    const STORES: &'static [Store] = &[Store::Bus];
    type Arguments = EnricherArguments;

    fn prepare(config: &PlatformConfig, _: &EnricherArguments) -> Result<Self, Failure> {
        let secret = config.enricher.secret().map_err(|error| Failure::usage(error.to_string()))?;
        let variable = || std::env::var(enricher::config::HASH_KEY_VARIABLE).ok().map(Secret::new);
        let Some(secret) = secret.or_else(variable) else {
            return Err(Failure::usage(
                "enricher.secret_file is not set: every enricher needs the same key to hash e-mail \
                 addresses with; put a long random text into a file that only they can read",
            ));
        };
        let pipelines = Pipelines::compile(&config.enricher, secret.reveal())
            .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
        Ok(Self { pipelines, secret })
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let Some(runtime) = opening.runtime().await? else { return Ok(()) };
        let config = &opening.config;
        let (limits, foreign) = (config.enricher.limits(), config.foreign_topics());
        let (pipelines, context) = (self.pipelines, &runtime.context);
        let reloaders = Reloader::all(&config.enricher, &self.secret, &pipelines, context);
        let watched = reload::watch(reloaders);
        let run = enricher::run(pipelines, limits, foreign, runtime);
        tokio::try_join!(async { run.await.map_err(Failure::of) }, async {
            watched.await.map_err(Failure::of)
        },)?;
        Ok(())
    }
}
