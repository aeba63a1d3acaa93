//! The ingest gateway alone.

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::GatewayArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// The doors in a process of their own.
#[derive(Debug)]
pub struct IngestGateway;

impl Alone for IngestGateway {
    const NAME: &'static str = "ingest-gateway";
    const ABOUT: &'static str = "Takes log lines over TCP, UDP, HTTP, syslog and Unix sockets, from Beats and out of files into the topic logs.raw";
    const METRICS_PORT: u16 = 9601;
    const STORES: &'static [Store] = &[Store::Bus];
    type Arguments = GatewayArguments;

    fn prepare(config: &PlatformConfig, _: &GatewayArguments) -> Result<Self, Failure> {
        match config.ingest_gateway.file.check_position_file() {
            None => Ok(Self),
            Some(problem) => Err(Failure::usage(problem.to_string())),
        }
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let bound =
            ingest_gateway::bind(opening.config.ingest_gateway.clone()).map_err(Failure::of)?;
        let doors = [
            ("tcp", bound.tcp_address()),
            ("udp", bound.udp_address()),
            ("http", bound.http_address()),
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
        for pattern in &opening.config.ingest_gateway.file.paths {
            tracing::info!(pattern, "files are read");
        }
        let Some(runtime) = opening.runtime().await? else { return Ok(()) };
        ingest_gateway::run(bound, runtime).await.map_err(Failure::of)
    }
}
