//! The whole platform in one process: opens stores, binds doors, runs the services, and drains at the
//! end. What each service does is its own affair.

mod addresses;
mod awaited_bus;
mod data_folder;
mod demo;
mod doors;
mod listeners;
mod start_table;
mod tap;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use enricher::{Pipelines, Reloader, reload};
use ingest_gateway::HandedOver;
use pipeline::Runtime;
use query_api::Stores;
use service::{CancellationToken, Context, Secret, shutdown};

use crate::backends::Opening;
use crate::cli::UpArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;
use crate::first_password;
use crate::logstash_settings::Taken;
use crate::service_manager;
use crate::services::Services;

pub use addresses::Addresses;
use awaited_bus::AwaitedBus;
use data_folder::DataFolder;
use doors::{BUS, Doors, Spooled};
use listeners::Listeners;
use start_table::StartTable;
use tap::CurrentTap;

/// Port of metrics and health unless a setting says otherwise.
pub(crate) const METRICS_PORT: u16 = 9600;
/// The variable in which tools find the ingest token.
const INGEST_TOKEN_VARIABLE: &str = "MILLRACE_INGEST_TOKEN";

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
    // A mistake in a pipeline is found before anything is touched.
    let kept = data_folder::kept_secret(&arguments.data).unwrap_or_else(data_folder::new_secret);
    let given = config.enricher.secret().map_err(|error| Failure::usage(error.to_string()))?;
    let secret = given.as_ref().map_or(&kept, |given| given.reveal());
    let pipelines = Pipelines::compile(&config.enricher, secret)
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
    let folder = Some(data.path().to_owned());
    let opening = Opening { config: Arc::new(config), data: folder, context: context.clone() };
    let runtime = opening.unready_runtime()?;
    let stores = open_stores(&opening, data.path(), &pipelines).await?;
    let (secret, data_folder) = (Secret::new(secret.clone()), &data);
    let platform = Platform { opening, runtime, stores, pipelines, secret, taken, data_folder };
    let mut services = Services::default();
    let ended = match platform.start(listeners, arguments, &mut services).await {
        Ok(()) => services.wait(&context).await,
        Err(failure) => services.give_up(&context, failure).await,
    };
    Addresses::remove(data.path());
    ended
}

async fn open_stores(
    opening: &Opening,
    data: &Path,
    pipelines: &Pipelines,
) -> Result<Stores, Failure> {
    let keys_folder = opening.config.query_api.keys_folder.clone();
    let keys_folder = keys_folder.unwrap_or_else(|| data.join("keys"));
    Ok(Stores {
        search: opening.search().await?,
        documents: opening.documents()?,
        cache: opening.cache()?,
        keys: access::Keys::load_or_create(&keys_folder).map_err(Failure::of)?,
        tap: Some(Arc::new(CurrentTap(pipelines.clone()))),
    })
}

/// The platform, of which nothing runs yet.
struct Platform<'a> {
    opening: Opening,
    runtime: Runtime,
    stores: Stores,
    pipelines: Pipelines,
    /// Keys the pipeline's hashes.
    secret: Secret<String>,
    taken: Option<Taken>,
    data_folder: &'a DataFolder,
}

impl Platform<'_> {
    /// Starts one service after the other: all when the bus is there, or doors and API before it where a spool takes
    /// what the doors accept. Ends when all have been started, or the process is told to stop before.
    async fn start(
        &self,
        listeners: Listeners,
        arguments: &UpArguments,
        services: &mut Services,
    ) -> Result<(), Failure> {
        let (config, context) = (&self.opening.config, &self.runtime.context);
        let addresses = listeners.addresses()?;
        let demo = arguments.demo.then(|| demo_door(config, &addresses)).transpose()?;
        let doors_told = listeners.told();
        let Listeners { gateway, api, admin } = listeners;
        let (stores, runtime) = (&self.stores, &self.runtime);
        let doors = Doors::open(&self.opening, (gateway, admin), stores, runtime, services).await?;
        if matches!(doors, Doors::Closed(..))
            && services.beside(context, self.opening.ready(runtime)).await?.is_none()
        {
            return Ok(());
        }
        let password_file = arguments.api.admin_password_file.as_deref();
        let first_password = first_password::ensure(&*stores.documents, password_file, context);
        let first_password = services.beside(context, first_password).await?;
        let (reached, durability_warning, api_runtime) = match doors {
            Doors::Open(Spooled { reached, durability_warning }) => {
                let awaited = AwaitedBus::within(runtime, &reached);
                (Some(reached), durability_warning, awaited)
            }
            Doors::Closed(doors, admin) => {
                services.add("ingest-gateway", doors);
                services.add("metrics", admin.serve(context.clone()));
                self.start_stages(services);
                (None, runtime.bus.durability_warning(), runtime.clone())
            }
        };
        self.start_api(api, api_runtime, services);
        if let Some((door, token)) = demo {
            start_demo(services, door, token, context);
        }
        let table = StartTable {
            data: self.data_folder.path(),
            is_new: self.data_folder.is_new,
            addresses: &addresses,
            doors: &doors_told,
            durability_warning,
            urls: [&config.bus.url, &config.search.url, &config.documents.url, &config.cache.url],
            files: &config.ingest_gateway.file.patterns(),
            taken: self.taken.as_ref(),
            needs_token: config.ingest_gateway.needs_token(),
            first_password: first_password.as_deref(),
        }
        .text();
        addresses.write(self.data_folder.path())?;
        crate::command::print(|out| out.write_all(table.as_bytes()))?;
        if let Some(reached) = reached {
            self.start_behind(&reached, services).await;
        }
        Ok(())
    }

    /// Starts the services behind a bus when that was reached.
    async fn start_behind(&self, reached: &CancellationToken, services: &mut Services) {
        let context = &self.runtime.context;
        let reached = context.shutdown.run_until_cancelled(reached.cancelled());
        if services.beside(context, reached).await.is_some() {
            context.health.clear(BUS);
            self.start_stages(services);
        }
    }

    /// Starts the services that read the bus, as the configuration asks for them.
    fn start_stages(&self, services: &mut Services) {
        let (config, stores, runtime) = (&self.opening.config, &self.stores, &self.runtime);
        let (limits, foreign) = (config.enricher.limits(), config.foreign_topics());
        let pipelines = self.pipelines.clone();
        services.add("enricher", enricher::run(pipelines, limits, foreign, runtime.clone()));
        if config.fraud_worker.enabled {
            let (config, documents) = (config.fraud_worker.clone(), Arc::clone(&stores.documents));
            services.add("fraud-worker", fraud_worker::run(config, documents, runtime.clone()));
        }
        if config.indexer.enabled {
            let (search, prefixes) =
                (Arc::clone(&stores.search), config.search.index_prefixes.clone());
            services.add("indexer", indexer::run(search, prefixes, runtime.clone()));
        }
    }

    /// Starts the API, what the service manager is told, and the look at the pipeline's files.
    fn start_api(&self, api: query_api::Bound, runtime: Runtime, services: &mut Services) {
        let (config, context) = (&self.opening.config, &self.runtime.context);
        let (stores, foreign) = (self.stores.clone(), config.foreign_topics());
        let api = query_api::run(api, config.query_api.clone(), stores, foreign, runtime);
        services.add("query-api", api);
        services.add("service manager", service_manager::tell(context.clone(), parts(config)));
        let reloaders = Reloader::all(&config.enricher, &self.secret, &self.pipelines, context);
        services.add("pipeline watch", reload::watch(reloaders));
    }
}

fn start_demo(services: &mut Services, door: SocketAddr, token: Option<String>, context: &Context) {
    let shutdown = context.shutdown.clone();
    services.add("demo", async move {
        demo::run(door, token, shutdown).await;
        Ok::<_, String>(())
    });
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
            otlp_http: None,
            otlp_grpc: None,
            bulk: None,
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
