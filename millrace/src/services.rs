//! The running services. One that ends by itself takes the process down: a supervisor starts it anew.

use std::fmt::Display;
use std::future::Future;

use service::{Context, HealthState};
use tokio::task::JoinSet;

use crate::command::Failure;

/// How a service ended.
type Ended = (&'static str, Result<(), String>);

/// The services of a process.
#[derive(Debug, Default)]
pub(crate) struct Services {
    running: JoinSet<Ended>,
}

impl Services {
    /// Starts a service.
    pub(crate) fn add<E: Display>(
        &mut self,
        name: &'static str,
        service: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, service.await.map_err(|error| error.to_string())) });
    }

    /// Waits until all have ended: because they were told to, or because one ended by itself, which
    /// stops the others.
    pub(crate) async fn wait(mut self, context: &Context) -> Result<(), Failure> {
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
