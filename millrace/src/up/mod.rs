//! The whole platform in one process: opens stores, binds doors, runs the services, and drains at the
//! end. What each service does is its own affair.

mod addresses;
mod data_folder;
mod demo;
mod listeners;
mod services;
mod start_table;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use pipeline::{Ledgers, Runtime};
use service::{Context, shutdown};

use crate::backends::Backends;
use crate::cli::UpArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;

pub use addresses::Addresses;
use data_folder::DataFolder;
use listeners::Listeners;
use services::Services;
use start_table::StartTable;

/// The variable in which tools find the ingest token.
const INGEST_TOKEN_VARIABLE: &str = "MILLRACE_INGEST_TOKEN";

/// Runs the platform until it is told to stop.
///
/// # Errors
/// It cannot start, or a service stopped by itself.
pub async fn run(config: PlatformConfig, arguments: &UpArguments) -> Result<(), Failure> {
    // A mistake in the pipeline is found before anything is touched.
    let secret = data_folder::kept_secret(&arguments.data).unwrap_or_else(data_folder::new_secret);
    let plan = enricher::compile(&config.enricher, &secret)
        .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
    let data = DataFolder::open(&arguments.data)?;
    data.keep_secret(&secret)?;
    let listeners = Listeners::bind(&config, data.path()).await?;
    let backends = Backends::open(&config, data.path()).await?;
    let keys = access::Keys::load_or_create(&data.path().join("keys")).map_err(plain)?;
    let first_password =
        first_password(&backends, arguments.admin_password_file.as_deref()).await?;
    let context = Context::default();
    shutdown::on_signals(context.shutdown.clone(), shutdown::DRAIN_DEADLINE)
        .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;

    let addresses = listeners.addresses()?;
    let demo = arguments.demo.then(|| demo_door(&config, &addresses)).transpose()?;
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: Arc::clone(&backends.bus), ledgers, context };
    let table = StartTable {
        data: data.path(),
        is_new: data.is_new,
        addresses: &addresses,
        durability_warning: backends.bus.durability_warning(),
        urls: [&config.bus.url, &config.search.url, &config.documents.url, &config.cache.url],
        first_password: first_password.as_deref(),
    }
    .text();
    let mut services = Services::default();
    services.start(config, plan, listeners, backends, keys, &runtime);
    if let Some((door, token)) = demo {
        services.add_demo(door, token, &runtime);
    }
    addresses.write(data.path())?;
    crate::command::print(|out| out.write_all(table.as_bytes()))?;
    let ended = services.wait(&runtime.context).await;
    Addresses::remove(data.path());
    ended
}

fn plain(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Makes the user `admin` at the first start, and gives its password where it was made up.
async fn first_password(
    backends: &Backends,
    file: Option<&Path>,
) -> Result<Option<String>, Failure> {
    let given = file.map(|path| {
        std::fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("cannot read --admin-password-file {}: {error}", path.display()))
        })
    });
    let given = given.transpose()?;
    let given = given.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
    query_api::ensure_admin(backends.documents.as_ref(), given).await.map_err(plain)
}

/// Where the demo sends, and the token that it shows there. The configuration keeps only a digest.
fn demo_door(
    config: &PlatformConfig,
    addresses: &Addresses,
) -> Result<(SocketAddr, Option<String>), Failure> {
    let Some(door) = addresses.tcp else {
        let text = "--demo sends through the TCP door, but ingest_gateway.tcp.listen is off";
        return Err(Failure::usage(text));
    };
    let token = std::env::var(INGEST_TOKEN_VARIABLE).ok();
    if config.ingest_gateway.ingest_token.is_some() && token.is_none() {
        let text = format!("--demo needs the ingest token: set {INGEST_TOKEN_VARIABLE} to it too");
        return Err(Failure::usage(text));
    }
    Ok((door, token))
}
