//! One service in a process of its own: the same `run` that `millrace up` calls, with engines by URL.
//!
//! Nothing here knows what a service does. A service alone never opens an embedded store.

mod enricher;
mod fraud_worker;
mod indexer;
mod ingest_gateway;
mod query_api;

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use service::{Admin, Context, shutdown};

use crate::backends::{Opening, Store};
use crate::cli::{AloneArguments, Settings};
use crate::command::{self, Failure};
use crate::config::PlatformConfig;
use crate::process;
use crate::service_manager;
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

    /// Takes its addresses and runs until told to stop, also while it waits for an engine.
    ///
    /// # Errors
    /// It ended by itself.
    fn run(self, opening: Opening) -> impl Future<Output = Result<(), Failure>> + Send;
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
    let config = process::read_config(arguments.platform.config.as_deref(), &arguments)?;
    S::STORES.iter().try_for_each(|store| store.check_shared(&config))?;
    let service = S::prepare(&config, &arguments.own)?;
    if arguments.platform.check_config {
        return command::print(|out| writeln!(out, "the configuration is right"));
    }
    process::run(config, |config| serve(service, config))
}

async fn serve<S: Alone>(service: S, config: PlatformConfig) -> Result<(), Failure> {
    let admin = Admin::bind(&config.metrics, S::METRICS_PORT).await.map_err(Failure::of)?;
    let context = Context::default();
    shutdown::on_signals(context.shutdown.clone(), shutdown::DRAIN_DEADLINE)
        .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), metrics = %admin.address, "{} starts", S::NAME);
    let mut services = Services::default();
    services.add("metrics", admin.serve(context.clone()));
    let opening = Opening { config: Arc::new(config), data: None, context: context.clone() };
    services.add_own(S::NAME, service.run(opening));
    services.add("service manager", service_manager::tell(context.clone(), vec![S::NAME]));
    services.wait(&context).await
}
