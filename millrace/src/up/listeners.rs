//! Every address of the process, taken before anything starts: what is in use is said at once.

use std::path::Path;

use ingest_gateway::{HandedOver, MemoryPart};
use service::Admin;

use super::METRICS_PORT;
use super::addresses::Addresses;
use super::start_table::DoorsTold;
use crate::client::SOCKET;
use crate::command::Failure;
use crate::config::PlatformConfig;
use crate::refusal;

/// Addresses that are taken and not served yet.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) gateway: ingest_gateway::Bound,
    pub(super) api: query_api::Bound,
    pub(super) admin: Admin,
}

impl Listeners {
    /// Takes all of them; of the doors those that the service manager has opened from it.
    pub(super) async fn bind(
        config: &PlatformConfig,
        data: &Path,
        sockets: HandedOver,
    ) -> Result<Self, Failure> {
        let socket = data.join(SOCKET);
        let mut gateway = config.ingest_gateway.clone();
        gateway.file.keep_places_in(data);
        refusal::fit_to_process(&mut gateway, MemoryPart::Quarter)?;
        // Before the doors, of which those that nobody asked for give way.
        let api = query_api::bind(&config.query_api, Some(&socket)).await.map_err(Failure::of)?;
        let admin = Admin::bind(&config.metrics, METRICS_PORT).await.map_err(Failure::of)?;
        let gateway = ingest_gateway::bind_with(gateway, sockets).map_err(refusal::of_doors)?;
        Ok(Self { gateway, api, admin })
    }

    /// Where they are, with the ports that were chosen for port 0.
    pub(super) fn addresses(&self) -> Result<Addresses, Failure> {
        Ok(Addresses {
            tcp: self.gateway.tcp_address(),
            udp: self.gateway.udp_address(),
            http: self.gateway.http_address(),
            otlp_http: self.gateway.otlp_http_address(),
            otlp_grpc: self.gateway.otlp_grpc_address(),
            bulk: self.gateway.bulk_address(),
            beats: self.gateway.beats_address(),
            api: self.api.address().map_err(Failure::of)?,
            metrics: self.admin.address,
        })
    }

    /// What else a person is told of the doors.
    pub(super) fn told(&self) -> DoorsTold {
        DoorsTold {
            is_http_tls: self.gateway.is_http_tls(),
            others: self.gateway.other_doors(),
            further: self.gateway.further_doors(),
            closed: self.gateway.closed_doors().to_vec(),
        }
    }
}
