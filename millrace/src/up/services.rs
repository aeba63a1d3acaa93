//! The running services. One that ends by itself takes the process down: a supervisor starts it anew.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use pipeline::Runtime;
use query_api::Stores;
use service::{Context, HealthState};
use tokio::task::JoinSet;

use super::demo;
use super::listeners::Listeners;
use crate::backends::Backends;
use crate::command::Failure;
use crate::config::PlatformConfig;

/// How a service ended.
type Ended = (&'static str, Result<(), String>);

/// All services of the process.
#[derive(Debug, Default)]
pub(super) struct Services {
    running: JoinSet<Ended>,
}

impl Services {
    /// Starts what the configuration asks for.
    pub(super) fn start(
        &mut self,
        config: PlatformConfig,
        plan: enricher::Plan,
        listeners: Listeners,
        backends: Backends,
        keys: access::Keys,
        runtime: &Runtime,
    ) {
        self.add("ingest-gateway", ingest_gateway::run(listeners.gateway, runtime.clone()));
        self.add("enricher", enricher::run(plan, config.enricher.limits(), runtime.clone()));
        if config.fraud_worker.enabled {
            let documents = Arc::clone(&backends.documents);
            self.add(
                "fraud-worker",
                fraud_worker::run(config.fraud_worker, documents, runtime.clone()),
            );
        }
        if config.indexer.enabled {
            self.add("indexer", indexer::run(Arc::clone(&backends.search), runtime.clone()));
        }
        let stores = Stores {
            search: backends.search,
            documents: backends.documents,
            cache: backends.cache,
            keys,
        };
        let api = query_api::run(listeners.api, config.query_api, stores, runtime.clone());
        self.add("query-api", api);
        self.add("metrics", listeners.admin.serve(runtime.context.clone()));
    }

    /// Starts the demo's sender.
    pub(super) fn add_demo(&mut self, door: SocketAddr, token: Option<String>, runtime: &Runtime) {
        let shutdown = runtime.context.shutdown.clone();
        self.add("demo", async move {
            demo::run(door, token, shutdown).await;
            Ok::<_, String>(())
        });
    }

    fn add<E: Display>(
        &mut self,
        name: &'static str,
        service: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, service.await.map_err(|error| error.to_string())) });
    }

    /// Waits until all have ended: because they were told to, or because one ended by itself, which
    /// stops the others.
    pub(super) async fn wait(mut self, context: &Context) -> Result<(), Failure> {
        let mut first_failure = None;
        while let Some(joined) = self.running.join_next().await {
            let (name, result) =
                joined.unwrap_or_else(|panic| ("a service", Err(panic.to_string())));
            let failure = match result {
                Err(error) => Some(format!("{name} stopped: {error}")),
                Ok(()) if !context.shutdown.is_cancelled() => {
                    Some(format!("{name} stopped by itself"))
                }
                Ok(()) => None,
            };
            if let Some(failure) = failure {
                tracing::error!("{failure}");
                context.health.set(name, HealthState::Failed { reason: failure.clone() });
                first_failure.get_or_insert(failure);
                context.shutdown.cancel();
            }
        }
        first_failure.map_or(Ok(()), |failure| Err(Failure::new(failure)))
    }
}
