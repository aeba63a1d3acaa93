//! The whole platform in one process: opens stores, binds doors, runs the services, and drains at the
//! end. What each service does is its own affair.

mod addresses;
mod data_folder;
mod demo;
mod listeners;
mod start_table;
mod tap;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use enricher::{CurrentPlan, Reloader, reload};
use futures::future::BoxFuture;
use ingest_gateway::{GatewayError, HandedOver};
use pipeline::Runtime;
use query_api::Stores;
use service::{Admin, Context, Secret, shutdown};

use crate::backends::Opening;
use crate::cli::UpArguments;
use crate::command::Failure;
use crate::config::{MEMORY, PlatformConfig};
use crate::first_password;
use crate::logstash_settings::Taken;
use crate::service_manager;
use crate::services::Services;

pub use addresses::Addresses;
use data_folder::DataFolder;
use listeners::Listeners;
use start_table::StartTable;
use tap::CurrentTap;

/// Port of metrics and health unless a setting says otherwise.
pub(crate) const METRICS_PORT: u16 = 9600;
/// The variable in which tools find the ingest token.
const INGEST_TOKEN_VARIABLE: &str = "MILLRACE_INGEST_TOKEN";

/// The doors, before they are served, and the address where they are looked after.
type Doors = (BoxFuture<'static, Result<(), GatewayError>>, Admin);

/// Runs the platform until it is told to stop; `taken` are the settings that come from its pipeline, `sockets` what
/// the service manager has opened.
///
/// # Errors
/// It cannot start, or a service stopped by itself.
pub async fn run(
    config: PlatformConfig,
    taken: Option<Taken>,
    sockets: HandedOver,
    arguments: &UpArguments,
) -> Result<(), Failure> {
    // A mistake in the pipeline is found before anything is touched.
    let kept = data_folder::kept_secret(&arguments.data).unwrap_or_else(data_folder::new_secret);
    let given = config.enricher.secret().map_err(|error| Failure::usage(error.to_string()))?;
    let secret = given.as_ref().map_or(&kept, |given| given.reveal());
    let plan = enricher::compile(&config.enricher, secret)
        .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
    let data = DataFolder::open(&arguments.data)?;
    let listeners = match Listeners::bind(&config, data.path(), sockets).await {
        Ok(listeners) => listeners,
        Err(failure) => {
            data.give_up();
            return Err(failure);
        }
    };
    data.keep_secret(&kept)?;
    let context = Context::default();
    shutdown::on_signals(context.shutdown.clone(), shutdown::DRAIN_DEADLINE)
        .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
    let config = Arc::new(config);
    let folder = Some(data.path().to_owned());
    let opening = Opening { config: Arc::clone(&config), data: folder, context: context.clone() };
    let runtime = opening.unready_runtime()?;
    let current = CurrentPlan::new(plan);
    let stores = open_stores(&opening, data.path(), &current).await?;
    let addresses = listeners.addresses()?;
    let demo = arguments.demo.then(|| demo_door(&config, &addresses)).transpose()?;
    let Listeners { gateway, api, admin } = listeners;
    let (is_http_tls, other_doors) = (gateway.is_http_tls(), gateway.other_doors());
    let mut services = Services::default();
    let doors = open_doors(&opening, (gateway, admin), &stores, &runtime, &mut services).await?;
    if services.beside(&context, opening.ready(&runtime)).await?.is_none() {
        return services.wait(&context).await;
    }
    let (password_file, documents) = (&arguments.api.admin_password_file, &*stores.documents);
    let first_password = first_password::ensure(documents, password_file.as_deref(), &context);
    let first_password = services.beside(&context, first_password).await?;

    let table = StartTable {
        data: data.path(),
        is_new: data.is_new,
        addresses: &addresses,
        is_http_tls,
        other_doors: &other_doors,
        durability_warning: runtime.bus.durability_warning(),
        urls: [&config.bus.url, &config.search.url, &config.documents.url, &config.cache.url],
        files: &config.ingest_gateway.file.paths,
        taken: taken.as_ref(),
        needs_token: config.ingest_gateway.needs_token(),
        first_password: first_password.as_deref(),
    }
    .text();
    start(&mut services, &config, current.clone(), doors, api, stores, &runtime);
    let (pipeline, context) = (config.enricher.clone(), runtime.context.clone());
    let reloader = Reloader::new(pipeline, Secret::new(secret.clone()), current, context);
    services.add("pipeline watch", reload::watch(reloader));
    if let Some((door, token)) = demo {
        start_demo(&mut services, door, token, &runtime.context);
    }
    addresses.write(data.path())?;
    crate::command::print(|out| out.write_all(table.as_bytes()))?;
    let ended = services.wait(&runtime.context).await;
    Addresses::remove(data.path());
    ended
}

async fn open_stores(
    opening: &Opening,
    data: &Path,
    current: &CurrentPlan,
) -> Result<Stores, Failure> {
    let keys_folder = opening.config.query_api.keys_folder.clone();
    let keys_folder = keys_folder.unwrap_or_else(|| data.join("keys"));
    Ok(Stores {
        search: opening.search().await?,
        documents: opening.documents()?,
        cache: opening.cache()?,
        keys: access::Keys::load_or_create(&keys_folder).map_err(Failure::of)?,
        tap: Some(Arc::new(CurrentTap(current.clone()))),
    })
}

fn start_demo(services: &mut Services, door: SocketAddr, token: Option<String>, context: &Context) {
    let shutdown = context.shutdown.clone();
    services.add("demo", async move {
        demo::run(door, token, shutdown).await;
        Ok::<_, String>(())
    });
}

/// The doors, to be served when the bus is there. Those with a spool, which takes what they accept until then, are
/// served from now on, with metrics and health, and none are left.
async fn open_doors(
    opening: &Opening,
    (gateway, admin): (ingest_gateway::Bound, Admin),
    stores: &Stores,
    runtime: &Runtime,
    services: &mut Services,
) -> Result<Option<Doors>, Failure> {
    let shared = ingest_gateway::Stores {
        documents: Some(Arc::clone(&stores.documents)),
        // What is in this process is shared with no other gateway.
        cache: (opening.config.cache.url != MEMORY).then(|| Arc::clone(&stores.cache)),
    };
    let Some(spool) = opening.spool(runtime).await? else {
        let doors = ingest_gateway::run(gateway, runtime.clone(), shared);
        return Ok(Some((Box::pin(doors), admin)));
    };
    let doors = ingest_gateway::run(gateway, spool.runtime(), shared);
    services.add("ingest-gateway", spool.replay_beside(doors));
    services.add("metrics", admin.serve(runtime.context.clone()));
    Ok(None)
}

/// Starts the doors that are not served yet, and the services behind them that the configuration asks for.
fn start(
    services: &mut Services,
    config: &PlatformConfig,
    current: CurrentPlan,
    doors: Option<Doors>,
    api: query_api::Bound,
    stores: Stores,
    runtime: &Runtime,
) {
    if let Some((doors, admin)) = doors {
        services.add("ingest-gateway", doors);
        services.add("metrics", admin.serve(runtime.context.clone()));
    }
    let (limits, foreign) = (config.enricher.limits(), config.foreign_topics());
    services.add("enricher", enricher::run(current, limits, foreign.clone(), runtime.clone()));
    if config.fraud_worker.enabled {
        let (config, documents) = (config.fraud_worker.clone(), Arc::clone(&stores.documents));
        services.add("fraud-worker", fraud_worker::run(config, documents, runtime.clone()));
    }
    if config.indexer.enabled {
        services.add("indexer", indexer::run(Arc::clone(&stores.search), runtime.clone()));
    }
    let api = query_api::run(api, config.query_api.clone(), stores, foreign, runtime.clone());
    services.add("query-api", api);
    let told = service_manager::tell(runtime.context.clone(), parts(config));
    services.add("service manager", told);
}

/// The parts of the health that say that a service is open.
fn parts(config: &PlatformConfig) -> Vec<&'static str> {
    let scored = config.fraud_worker.enabled.then_some("fraud-worker");
    let indexed = config.indexer.enabled.then_some("indexer");
    ["ingest-gateway", "enricher", "query-api"].into_iter().chain(scored).chain(indexed).collect()
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
    let tcp = &config.ingest_gateway.tcp;
    let joins_lines = tcp.multiline.pattern.is_some();
    let has_line_feeds = tcp.framing == ingest_gateway::Framing::Newline && tcp.delimiter.is_none();
    if tcp.tls.is_on() || !has_line_feeds || joins_lines {
        let text = "--demo sends lines with line feeds and without TLS to the TCP door, each an event: leave \
                    ingest_gateway.tcp.tls, ingest_gateway.tcp.framing, ingest_gateway.tcp.delimiter and \
                    ingest_gateway.tcp.multiline away for it";
        return Err(Failure::usage(text));
    }
    let token = std::env::var(INGEST_TOKEN_VARIABLE).ok();
    if config.ingest_gateway.needs_token() && token.is_none() {
        let text = format!("--demo needs the ingest token: set {INGEST_TOKEN_VARIABLE} to it too");
        return Err(Failure::usage(text));
    }
    Ok((door, token))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Addresses, demo_door};
    use crate::config::PlatformConfig;

    #[test]
    fn the_demo_needs_a_door_for_plain_lines() {
        let any = SocketAddr::from(([127, 0, 0, 1], 5000));
        let addresses = Addresses {
            tcp: Some(any),
            udp: None,
            http: None,
            beats: None,
            api: any,
            metrics: any,
        };
        let mut config = PlatformConfig::default();
        assert_eq!(demo_door(&config, &addresses).expect("a door").0, any);
        config.ingest_gateway.tcp.multiline.pattern = Some("^ ".to_owned());
        let failure = demo_door(&config, &addresses).expect_err("lines are joined");
        assert!(failure.message.contains("ingest_gateway.tcp.multiline"), "{failure}");
        config.ingest_gateway.tcp.multiline.pattern = None;
        config.ingest_gateway.tcp.framing = ingest_gateway::Framing::OctetCounting;
        demo_door(&config, &addresses).expect_err("frames are counted");
        config.ingest_gateway.tcp.framing = ingest_gateway::Framing::Newline;
        config.ingest_gateway.tcp.delimiter = Some("|".parse().expect("a delimiter"));
        demo_door(&config, &addresses).expect_err("lines end otherwise");
    }
}
