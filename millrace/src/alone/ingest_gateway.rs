//! The ingest gateway alone.

use ingest_gateway::Bound;
use pipeline::Runtime;

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::GatewayArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// The doors in a process of their own.
#[derive(Debug)]
pub struct IngestGateway {
    bound: Option<Bound>,
}

impl Alone for IngestGateway {
    const NAME: &'static str = "ingest-gateway";
    const ABOUT: &'static str = "Takes log lines over TCP, UDP and HTTP into the topic logs.raw";
    const METRICS_PORT: u16 = 9601;
    const STORES: &'static [Store] = &[Store::Bus];
    type Arguments = GatewayArguments;

    fn prepare(_: &PlatformConfig, _: &GatewayArguments) -> Result<Self, Failure> {
        Ok(Self { bound: None })
    }

    async fn bind(
        &mut self,
        config: &PlatformConfig,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let bound = ingest_gateway::bind(config.ingest_gateway.clone()).map_err(Failure::of)?;
        let doors = [
            ("tcp", bound.tcp_address()),
            ("udp", bound.udp_address()),
            ("http", bound.http_address()),
        ];
        self.bound = Some(bound);
        let listening = |(door, at): (_, Option<_>)| at.map(|at| (door, ToString::to_string(&at)));
        Ok(doors.into_iter().filter_map(listening).collect())
    }

    async fn run(self, _: Opening, runtime: Runtime) -> Result<(), Failure> {
        match self.bound {
            Some(bound) => ingest_gateway::run(bound, runtime).await.map_err(Failure::of),
            None => Err(Failure::new("the doors were not opened")),
        }
    }
}
