//! One service in a process of its own: the same `run` that `millrace up` calls, with engines by URL.
//!
//! Nothing here knows what a service does. A service alone never opens an embedded store.

mod enricher;
mod fraud_worker;
mod indexer;
mod ingest_gateway;
mod query_api;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::service::{Admin, Context, shutdown};
use clap::{CommandFactory, FromArgMatches};
use pipeline::{Ledgers, Runtime};

use crate::backends::{Opening, Store};
use crate::cli::{AloneArguments, Settings};
use crate::command::{self, Failure};
use crate::config::PlatformConfig;
use crate::process;
use crate::services::Services;

pub use enricher::Enricher;
pub use fraud_worker::FraudWorker;
pub use indexer::Indexer;
pub use ingest_gateway::IngestGateway;
pub use query_api::QueryApi;

/// A service that can run alone.
pub trait Alone: Sized + Send + 'static {
    /// Its name, which is its program's too.
    const NAME: &'static str;
    /// What it does, for `--help`.
    const ABOUT: &'static str;
    /// Port of metrics and health unless a setting says otherwise.
    const METRICS_PORT: u16;
    /// The stores that it shares with other processes.
    const STORES: &'static [Store];
    /// Its own flags.
    type Arguments: clap::Args + Settings;

    /// Checks and compiles what can be without touching anything.
    ///
    /// # Errors
    /// Mistakes of the user's.
    fn prepare(config: &PlatformConfig, arguments: &Self::Arguments) -> Result<Self, Failure>;

    /// Takes its addresses, and says where it listens.
    ///
    /// # Errors
    /// One is in use.
    fn bind(
        &mut self,
        config: &PlatformConfig,
    ) -> impl Future<Output = Result<Vec<(&'static str, String)>, Failure>> + Send;

    /// Runs until told to stop.
    ///
    /// # Errors
    /// It ended by itself.
    fn run(
        self,
        opening: Opening,
        runtime: Runtime,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The program of a service: reads the command line, runs, and gives the exit code.
#[must_use]
pub fn main<S: Alone>() -> ExitCode {
    let command = AloneArguments::<S::Arguments>::command().name(S::NAME).about(S::ABOUT);
    let matches = match command.try_get_matches() {
        Ok(matches) => matches,
        Err(answer) => return command::usage(&answer),
    };
    let result = AloneArguments::<S::Arguments>::from_arg_matches(&matches)
        .map_err(|error| Failure::usage(error.to_string()))
        .and_then(start::<S>);
    command::exit_code(S::NAME, result)
}

fn start<S: Alone>(arguments: AloneArguments<S::Arguments>) -> Result<(), Failure> {
    process::bound_arenas();
    let config = process::read_config(&arguments.platform, &arguments)?;
    S::STORES.iter().try_for_each(|store| store.check_shared(&config))?;
    let service = S::prepare(&config, &arguments.own)?;
    if arguments.platform.check_config {
        return command::print(|out| writeln!(out, "the configuration is right"));
    }
    process::run(config, |config| serve(service, config))
}

async fn serve<S: Alone>(mut service: S, config: PlatformConfig) -> Result<(), Failure> {
    let plain = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let listeners = service.bind(&config).await?;
    let admin = Admin::bind(&config.metrics, S::METRICS_PORT).await.map_err(|e| plain(&e))?;
    let context = Context::default();
    shutdown::on_signals(context.shutdown.clone(), shutdown::DRAIN_DEADLINE)
        .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), metrics = %admin.address, "{} starts", S::NAME);
    for (door, address) in listeners {
        tracing::info!(address, "{door} listens");
    }
    let mut services = Services::default();
    services.add("metrics", admin.serve(context.clone()));
    let opening =
        Opening { config: Arc::new(config), data: None::<PathBuf>, context: context.clone() };
    let running = context.clone();
    services.add(S::NAME, async move {
        let Some(bus) = opening.bus().await? else { return Ok(()) };
        if let Some(warning) = bus.durability_warning() {
            tracing::warn!("NOT DURABLE: {warning}");
        }
        let ledgers = Ledgers::new(&running.metrics);
        service.run(opening, Runtime { bus, ledgers, context: running }).await
    });
    services.wait(&context).await
}
