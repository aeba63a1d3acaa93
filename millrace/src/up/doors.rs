//! The doors, which open before everything else where a spool takes what they accept: the bus may be away then.

use std::sync::Arc;

use futures::future::BoxFuture;
use ingest_gateway::{Bound, GatewayError};
use pipeline::Runtime;
use query_api::Stores;
use service::{Admin, CancellationToken, HealthState};

use crate::backends::Opening;
use crate::command::Failure;
use crate::config::MEMORY;
use crate::services::Services;

/// The part of the health that says that the bus is waited for.
pub(super) const BUS: &str = "bus";

/// The doors, and the address where they are looked after.
pub(super) enum Doors {
    /// They are served, with metrics and health.
    Open(Spooled),
    /// They are to be served when the bus is there.
    Closed(BoxFuture<'static, Result<(), GatewayError>>, Admin),
}

/// What is to be known of doors before a spool.
pub(super) struct Spooled {
    /// Cancelled when the bus was reached and has its topics, which the spool sees to.
    pub(super) reached: CancellationToken,
    /// What an answer of the doors does not promise, if there is something.
    pub(super) durability_warning: Option<String>,
}

impl Doors {
    /// Serves the doors from now on if there is a spool, and says in the health that the bus is waited for; else they
    /// stay closed.
    pub(super) async fn open(
        opening: &Opening,
        (gateway, admin): (Bound, Admin),
        stores: &Stores,
        runtime: &Runtime,
        services: &mut Services,
    ) -> Result<Self, Failure> {
        let shared = ingest_gateway::Stores {
            documents: Some(Arc::clone(&stores.documents)),
            // What is in this process is shared with no other gateway.
            cache: (opening.config.cache.url != MEMORY).then(|| Arc::clone(&stores.cache)),
        };
        let Some(spool) = opening.spool(runtime).await? else {
            let doors = ingest_gateway::run(gateway, runtime.clone(), shared);
            return Ok(Self::Closed(Box::pin(doors), admin));
        };
        let reason = "waiting for bus: until it is reached the spool takes what the doors accept";
        let state = HealthState::Waiting { reason: reason.to_owned() };
        runtime.context.health.set(BUS, state);
        let (reached, spooling) = (spool.reached(), spool.runtime());
        let durability_warning = spooling.bus.durability_warning();
        let doors = ingest_gateway::run(gateway, spooling, shared);
        services.add("ingest-gateway", spool.replay_beside(doors));
        services.add("metrics", admin.serve(runtime.context.clone()));
        Ok(Self::Open(Spooled { reached, durability_warning }))
    }
}
