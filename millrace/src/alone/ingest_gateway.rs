//! The ingest gateway alone.

use ingest_gateway::{HandedOver, MemoryPart};

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::GatewayArguments;
use crate::command::Failure;
use crate::config::{EMBEDDED, MEMORY, PlatformConfig};
use crate::refusal;

/// The doors in a process of their own.
#[derive(Debug)]
pub struct IngestGateway {
    /// Of the service manager.
    sockets: HandedOver,
}

impl Alone for IngestGateway {
    const NAME: &'static str = "ingest-gateway";
    const ABOUT: &'static str = "Takes log lines over TCP, UDP, HTTP, syslog and Unix sockets, from Beats and out of files into the topic logs.raw";
    const METRICS_PORT: u16 = 9601;
    const STORES: &'static [Store] = &[Store::Bus];
    type Arguments = GatewayArguments;

    fn prepare(config: &PlatformConfig, _: &GatewayArguments) -> Result<Self, Failure> {
        if let Some(problem) = config.ingest_gateway.file.check_position_file() {
            return Err(Failure::usage(problem.to_string()));
        }
        if config.documents.url == EMBEDDED && config.ingest_gateway.needs_tokens_of_shops() {
            return Err(Failure::usage(format!(
                "ingest_gateway.require_token: only senders with the token of a shop would come in, and these tokens \
                 are in the document store, where `documents.url = \"{EMBEDDED}\"` serves one process: name the \
                 store of the query-api, as `mongodb://host:27017`, or set ingest_gateway.ingest_token"
            )));
        }
        let sockets = HandedOver::take().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { sockets })
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let mut config = opening.config.ingest_gateway.clone();
        refusal::fit_to_process(&mut config, MemoryPart::Half)?;
        let bound = ingest_gateway::bind_with(config, self.sockets).map_err(refusal::of_doors)?;
        let doors = [
            ("tcp", bound.tcp_address()),
            ("udp", bound.udp_address()),
            ("http", bound.http_address()),
            ("http for OTLP over HTTP", bound.otlp_http_address()),
            ("http for OTLP over gRPC", bound.otlp_grpc_address()),
            ("http for clients of Elasticsearch", bound.bulk_address()),
            ("beats", bound.beats_address()),
        ];
        for (door, address) in doors {
            if let Some(address) = address {
                tracing::info!(%address, "{door} listens");
            }
        }
        for (door, place) in bound.other_doors() {
            tracing::info!(place, "{door}");
        }
        for door in bound.further_doors() {
            tracing::info!(place = door.place, "{} listens", door.name);
        }
        for pattern in &opening.config.ingest_gateway.file.patterns() {
            tracing::info!(pattern, "files are read");
        }
        let runtime = opening.unready_runtime()?;
        let stores = stores(&opening)?;
        // With a spool the doors take in before the bus is there.
        if let Some(spool) = opening.spool(&runtime).await? {
            let doors = ingest_gateway::run(bound, spool.runtime(), stores);
            return spool.replay_beside(doors).await.map_err(Failure::of);
        }
        if opening.ready(&runtime).await?.is_none() {
            return Ok(());
        }
        ingest_gateway::run(bound, runtime, stores).await.map_err(Failure::of)
    }
}

/// The stores that it shares with other processes, as far as they are named: it runs without them.
fn stores(opening: &Opening) -> Result<ingest_gateway::Stores, Failure> {
    let (documents, cache) = (&opening.config.documents.url, &opening.config.cache.url);
    Ok(ingest_gateway::Stores {
        documents: (documents != EMBEDDED).then(|| opening.documents()).transpose()?,
        cache: (cache != MEMORY).then(|| opening.cache()).transpose()?,
    })
}
