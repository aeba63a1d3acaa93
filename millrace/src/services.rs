//! The running services. One that ends by itself takes the process down: a supervisor starts it anew.

use std::fmt::Display;
use std::future::Future;
use std::pin::pin;

use service::{Context, HealthState};
use tokio::task::{JoinError, JoinSet};

use crate::command::Failure;

/// How a service ended.
type Ended = (&'static str, Result<(), Failure>);

/// The services of a process.
#[derive(Debug, Default)]
pub(crate) struct Services {
    running: JoinSet<Ended>,
    first_failure: Option<Failure>,
}

impl Services {
    /// Starts a service.
    pub(crate) fn add<E: Display>(
        &mut self,
        name: &'static str,
        service: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, service.await.map_err(Failure::of)) });
    }

    /// Starts the service that the process is for: where that fails, it says with which code the process ends.
    pub(crate) fn add_own(
        &mut self,
        name: &'static str,
        service: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, service.await) });
    }

    /// Does something while they run, and gives what came of it. One that ends by itself meanwhile cancels the
    /// context's shutdown, with which the work must end too; [`wait`](Self::wait) tells the failure.
    pub(crate) async fn beside<T>(
        &mut self,
        context: &Context,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                Some(joined) = self.running.join_next() => self.look_at(joined, context),
            }
        }
    }

    /// Waits until all have ended: because they were told to, or because one ended by itself, which
    /// stops the others.
    pub(crate) async fn wait(mut self, context: &Context) -> Result<(), Failure> {
        while let Some(joined) = self.running.join_next().await {
            self.look_at(joined, context);
        }
        self.first_failure.map_or(Ok(()), Err)
    }

    /// Stops them because of something else that failed, and gives that failure when all have ended.
    ///
    /// # Errors
    /// Always.
    pub(crate) async fn give_up(self, context: &Context, failure: Failure) -> Result<(), Failure> {
        context.shutdown.cancel();
        // What they say of their own end stands in the log.
        drop(self.wait(context).await);
        Err(failure)
    }

    /// Looks how one has ended, and stops the others if it was not told to.
    fn look_at(&mut self, joined: Result<Ended, JoinError>, context: &Context) {
        let (name, result) = joined.unwrap_or_else(|panic| ("a service", Err(Failure::of(panic))));
        let failure = match result {
            Err(error) => Failure { message: format!("{name} stopped: {error}"), ..error },
            Ok(()) if !context.shutdown.is_cancelled() => {
                Failure::new(format!("{name} stopped by itself"))
            }
            Ok(()) => return,
        };
        tracing::error!("{failure}");
        context.health.set(name, HealthState::Failed { reason: failure.message.clone() });
        self.first_failure.get_or_insert(failure);
        context.shutdown.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_end_in_good_order_when_the_start_comes_to_nothing() {
        let context = Context::default();
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let mut services = Services::default();
        let shutdown = context.shutdown.clone();
        services.add("doors", async move {
            shutdown.cancelled().await;
            tokio::task::yield_now().await;
            ended.send(()).map_err(|()| "nobody waits")
        });
        let failure = services.give_up(&context, Failure::new("no password")).await;
        assert_eq!(failure.expect_err("it has failed").message, "no password");
        has_ended.await.expect("it has drained before");
    }

    #[tokio::test]
    async fn one_that_ends_while_something_is_waited_for_ends_that_too() {
        let context = Context::default();
        let mut services = Services::default();
        services.add("doors", async { Err("a door has failed") });
        services.beside(&context, context.shutdown.cancelled()).await;
        let failure = services.wait(&context).await.expect_err("it has failed");
        assert_eq!(failure.message, "doors stopped: a door has failed");
        assert_eq!(failure.exit_code, 1);
    }

    #[tokio::test]
    async fn a_mistake_that_the_service_of_a_process_finds_stays_one() {
        let context = Context::default();
        let mut services = Services::default();
        services.add_own("doors", async { Err(Failure::usage("too little memory")) });
        let failure = services.wait(&context).await.expect_err("it has failed");
        assert_eq!(failure.message, "doors stopped: too little memory");
        assert_eq!(failure.exit_code, 64);
    }
}
