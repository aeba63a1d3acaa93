//! What a process that runs services takes on its command line: flags that stand for settings, in one
//! group for each service, shared by `up` and the services alone.

use std::path::PathBuf;

use clap::{Args, Parser};
use service::Flag;

use super::VERSION;

/// The command line of a service in a process of its own. A flag wins over the environment
/// (MILLRACE_INDEXER__ENABLED ...), which wins over the file.
#[derive(Clone, Debug, Parser)]
#[command(version = VERSION, max_term_width = 100, args_override_self = true)]
pub struct AloneArguments<Own: Args> {
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub platform: PlatformArguments,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub own: Own,
}

/// Flags that stand for settings.
pub trait Settings {
    /// The settings that were given.
    fn settings(&self) -> Vec<Flag>;
}

impl<Own: Args + Settings> Settings for AloneArguments<Own> {
    fn settings(&self) -> Vec<Flag> {
        let mut flags = self.own.settings();
        flags.extend(self.platform.settings());
        flags
    }
}

/// Flags with the settings that they stand for; what was not given falls away.
fn given(flags: &[(&str, &str, &Option<String>)]) -> Vec<Flag> {
    let named = flags.iter().filter_map(|(flag, setting, value)| {
        value.as_ref().map(|value| Flag::new(*flag, *setting, value.clone()))
    });
    named.collect()
}

/// A list as settings are written.
fn list(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("texts can be written as JSON")
}

/// What every process that runs services takes.
#[derive(Clone, Debug, Args)]
pub struct PlatformArguments {
    /// Configuration file (TOML), the same for all services; docs/configuration.md names every setting
    #[arg(long, env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Check the configuration, print every mistake, and stop
    #[arg(long)]
    pub check_config: bool,
    /// Bus: embedded: or kafka://host:9092,host:9092
    #[arg(long)]
    pub bus: Option<String>,
    /// Search store: embedded: or https://host:9200,https://host:9200
    #[arg(long)]
    pub search: Option<String>,
    /// Document store: embedded: or mongodb://host:27017
    #[arg(long)]
    pub documents: Option<String>,
    /// Cache: memory: or redis://host:6379
    #[arg(long)]
    pub cache: Option<String>,
    /// Address of metrics and health
    #[arg(long)]
    pub metrics_listen: Option<String>,
    /// Any other setting, as ingest_gateway.http.body_bytes_max=8MiB; may be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
}

impl Settings for PlatformArguments {
    fn settings(&self) -> Vec<Flag> {
        let mut flags = given(&[
            ("--bus", "bus.url", &self.bus),
            ("--search", "search.url", &self.search),
            ("--documents", "documents.url", &self.documents),
            ("--cache", "cache.url", &self.cache),
            ("--metrics-listen", "metrics.listen", &self.metrics_listen),
        ]);
        flags.extend(self.settings.iter().map(|(setting, value)| {
            Flag::new(format!("--set {setting}"), setting.clone(), value.clone())
        }));
        flags
    }
}

/// The doors.
#[derive(Clone, Debug, Args)]
pub struct GatewayArguments {
    /// What the TCP, UDP and file doors take: lines of JSON, or plain text
    #[arg(long, value_parser = ["json", "plain"])]
    pub codec: Option<String>,
    /// Address of the TCP door, or off
    #[arg(long)]
    pub tcp_listen: Option<String>,
    /// Address of the UDP door, or off
    #[arg(long)]
    pub udp_listen: Option<String>,
    /// Address of the HTTP door, or off; for OTLP it has 127.0.0.1:4318 and :4317 too if they are free
    #[arg(long)]
    pub http_listen: Option<String>,
    /// Address of the Beats door, or off; without this 127.0.0.1:5044 if it is free and no token must be shown
    #[arg(long)]
    pub beats_listen: Option<String>,
    /// Open only the doors that a setting, a flag or a pipeline names, and none at its usual port
    #[arg(long)]
    pub no_default_doors: bool,
    /// Files to follow, as /var/log/shop/*.log; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub file_paths: Vec<String>,
}

impl Settings for GatewayArguments {
    fn settings(&self) -> Vec<Flag> {
        let paths = (!self.file_paths.is_empty()).then(|| list(&self.file_paths));
        let default_doors = self.no_default_doors.then(|| "false".to_owned());
        given(&[
            ("--no-default-doors", "ingest_gateway.default_doors", &default_doors),
            ("--codec", "ingest_gateway.tcp.codec", &self.codec),
            ("--codec", "ingest_gateway.udp.codec", &self.codec),
            ("--codec", "ingest_gateway.file.codec", &self.codec),
            ("--file-paths", "ingest_gateway.file.paths", &paths),
            ("--tcp-listen", "ingest_gateway.tcp.listen", &self.tcp_listen),
            ("--udp-listen", "ingest_gateway.udp.listen", &self.udp_listen),
            ("--http-listen", "ingest_gateway.http.listen", &self.http_listen),
            ("--beats-listen", "ingest_gateway.beats.listen", &self.beats_listen),
        ])
    }
}

/// The filters.
#[derive(Clone, Debug, Args)]
pub struct EnricherArguments {
    /// Pipeline in the Logstash language, in place of the default: a file, a folder of *.conf, a pattern, or
    /// pipelines.yml#ID; of a pipelines.yml `millrace up` runs all
    #[arg(long)]
    pub pipeline: Option<PathBuf>,
}

impl Settings for EnricherArguments {
    fn settings(&self) -> Vec<Flag> {
        let pipeline = self.pipeline.as_ref().map(|path| path.display().to_string());
        given(&[("--pipeline", "enricher.pipeline", &pipeline)])
    }
}

/// API and pages.
#[derive(Clone, Debug, Args)]
pub struct ApiArguments {
    /// Address of the API and the pages
    #[arg(long)]
    pub api_listen: Option<String>,
    /// File with the password of `admin`, used when that user is made
    #[arg(long)]
    pub admin_password_file: Option<PathBuf>,
}

impl Settings for ApiArguments {
    fn settings(&self) -> Vec<Flag> {
        given(&[("--api-listen", "query_api.listen", &self.api_listen)])
    }
}

/// A service without flags of its own.
#[derive(Clone, Debug, Args)]
pub struct NoArguments {}

impl Settings for NoArguments {
    fn settings(&self) -> Vec<Flag> {
        Vec::new()
    }
}

/// What `up` runs. A flag wins over the environment (MILLRACE_QUERY_API__LISTEN ...), which wins over
/// the file.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true)]
pub struct UpArguments {
    /// Folder for all data; made if it is missing
    #[arg(long, env = "MILLRACE_DATA", default_value = "data")]
    pub data: PathBuf,
    /// Also send made-up shop events through the TCP door, 50 a second
    #[arg(long)]
    pub demo: bool,
    /// When a stored record is synced to disk: batch (before it is acknowledged), interval, never
    #[arg(long, value_parser = ["batch", "interval", "never"])]
    pub fsync: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub platform: PlatformArguments,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub gateway: GatewayArguments,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub enricher: EnricherArguments,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub api: ApiArguments,
}

impl Settings for UpArguments {
    fn settings(&self) -> Vec<Flag> {
        let mut flags = given(&[("--fsync", "bus.log.fsync", &self.fsync)]);
        flags.extend(self.gateway.settings());
        flags.extend(self.enricher.settings());
        flags.extend(self.api.settings());
        // Last, so that `--set` wins over a flag of the same setting.
        flags.extend(self.platform.settings());
        flags
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "write it as SETTING=VALUE".to_owned())
}
