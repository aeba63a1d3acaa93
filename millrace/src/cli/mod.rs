//! The command line: what may be asked, with its help. Decides nothing.

mod platform;
mod token;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use service::Flag;

pub use platform::{
    AloneArguments, ApiArguments, EnricherArguments, GatewayArguments, NoArguments,
    PlatformArguments, Settings, UpArguments,
};
pub use token::{TokenCommand, TokenCreateArguments, TokenListArguments, TokenRevokeArguments};

/// A log platform for online shops: collects, filters, scores and finds log events.
#[derive(Debug, Parser)]
#[command(name = "millrace", version = VERSION, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Version, with the attribution that the GeoIP data's licence asks for.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\n", "IP geolocation by DB-IP.com, CC BY 4.0");

/// What the tool can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole platform in this process
    Up(Box<UpArguments>),
    /// Send lines to a running platform over HTTP and count the answers
    Send(SendArguments),
    /// Find events
    Query(QueryArguments),
    /// Show whether every record is accounted for, and how far each stage is behind
    Status(StatusArguments),
    /// Show events before and after one filter of the pipeline, live
    Tap(TapArguments),
    /// See, replay or remove refused records
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Manage users
    #[command(subcommand)]
    User(UserCommand),
    /// Manage the ingest tokens of shops
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check pipelines: name every mistake with its line, and what may be slow or is never run, and print the settings that
    /// inputs and outputs stand for
    Check(CheckArguments),
    /// List the filters that pipelines may have, or print the page of one: what it does, and its options
    Filters(FiltersArguments),
    /// Run cases of a pipeline: lines that go in, and the events that must come out
    Test(TestArguments),
    /// Run a pipeline over the lines of standard input, and write the documents to standard output
    Pipe(PipeArguments),
    /// Compare what a pipeline makes of lines with the events that your Logstash made of them, field by field
    Shadow(ShadowArguments),
    /// Write made-up shop events to standard output, one JSON object a line
    Generate(GenerateArguments),
}

/// Where a running platform is.
#[derive(Clone, Debug, Args)]
pub struct ServerArguments {
    /// Data folder of the platform on this machine; the tool talks to its local socket
    /// [env: MILLRACE_DATA] [default: data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Address of the API of a platform elsewhere, as http://logs.example:8000 [env: MILLRACE_URL]
    #[arg(long, conflicts_with = "data")]
    pub url: Option<String>,
    /// Access token for the platform elsewhere
    #[arg(long, env = "MILLRACE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Where the arguments and the environment say that the platform is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine, with this data folder.
    Folder(PathBuf),
    /// Elsewhere, at this address.
    Address(String),
}

impl ServerArguments {
    /// A flag wins over any variable, so that a command never reaches another platform than the one that
    /// it names. `variable` gives a variable of the environment.
    #[must_use]
    pub fn place(&self, variable: impl Fn(&str) -> Option<String>) -> Place {
        let folder = || self.data.clone().map(Place::Folder);
        let address = || variable("MILLRACE_URL").map(Place::Address);
        let elsewhere = self.url.clone().map(Place::Address);
        elsewhere.or_else(folder).or_else(address).unwrap_or_else(|| {
            Place::Folder(variable("MILLRACE_DATA").unwrap_or_else(|| "data".to_owned()).into())
        })
    }
}

/// What `send` sends, and where.
#[derive(Debug, Args)]
pub struct SendArguments {
    /// Files with one event a line; standard input if none is named
    pub files: Vec<PathBuf>,
    /// Address of the HTTP door
    #[arg(long, env = "MILLRACE_INGEST_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Ingest token
    #[arg(long, env = "MILLRACE_INGEST_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Authorities (PEM) that sign the door's certificate, beside those that the system knows
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The lines are plain text, not JSON
    #[arg(long)]
    pub plain: bool,
    /// Begins the idempotency keys: the same key and input sent again are counted once
    #[arg(long)]
    pub key: Option<String>,
    /// Stop after this many seconds without an answer; goes on for ever if absent
    #[arg(long, value_name = "SECONDS")]
    pub give_up_after: Option<u64>,
    /// Most lines in a request
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub lines_per_request: u32,
    /// Requests on their way at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub requests_in_flight: u32,
}

/// What `query` finds.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Query, as: type:transaction AND shop.order.amount:>100
    #[arg(default_value = "")]
    pub query: String,
    /// How far back, as 15m, 24h, 7d
    #[arg(long, conflicts_with_all = ["from", "to"], default_value = "24h", value_parser = last)]
    pub last: String,
    /// From when (RFC 3339, now-2h or milliseconds since 1970)
    #[arg(long)]
    pub from: Option<String>,
    /// Until when
    #[arg(long)]
    pub to: Option<String>,
    /// Most events to print: 50, and with --follow without end, unless it is given. More than 500 are read in pages that
    /// show the events of one moment
    #[arg(long)]
    pub limit: Option<usize>,
    /// Oldest first
    #[arg(long)]
    pub oldest_first: bool,
    /// Print whole documents, one JSON object a line that begins with `_id` and `_index`
    #[arg(long)]
    pub json: bool,
    /// Print only how many there are
    #[arg(long, conflicts_with_all = ["follow"])]
    pub count: bool,
    /// Print what arrives from now on, whatever the time range says
    #[arg(long)]
    pub follow: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// What `status` shows.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// What `tap` shows. Events are shown before personal data is taken out of them, so it takes an admin of all
/// shops; card numbers are masked. It holds no event up: what comes faster than it is read passes unseen, and is
/// counted. `[@metadata]` is not shown.
#[derive(Debug, Args)]
pub struct TapArguments {
    /// Where: `enricher` lists the filters with their numbers, `enricher[3]` looks on at the third, `enricher#ID[3]`
    /// at the third of the pipeline ID
    #[arg(long, value_name = "PLACE")]
    pub at: String,
    /// End after this many events
    #[arg(long)]
    pub limit: Option<usize>,
    /// Only events that the filter changes, drops or makes others of
    #[arg(long)]
    pub only_changed: bool,
    /// Print whole events, one JSON object a line with `before` and `after`
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// What can be done with refused records.
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List refused records, newest first
    List(DeadListArguments),
    /// Show one refused record with its bytes
    Show(DeadShowArguments),
    /// Send refused records through the stage again that refused them
    Replay(DeadSelectArguments),
    /// Remove refused records
    Purge(DeadSelectArguments),
}

/// Which refused records to list.
#[derive(Debug, Args)]
pub struct DeadListArguments {
    /// Only of this stage
    #[arg(long)]
    pub stage: Option<String>,
    /// Only of this kind, as invalid_json
    #[arg(long)]
    pub kind: Option<String>,
    /// Most to print
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// Which refused record to show.
#[derive(Debug, Args)]
pub struct DeadShowArguments {
    /// Its id, as `dead list` prints it
    pub id: String,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// Which refused records to act on.
#[derive(Debug, Args)]
pub struct DeadSelectArguments {
    /// Their ids
    #[arg(conflicts_with_all = ["stage", "kind", "all"])]
    pub ids: Vec<String>,
    /// All of this stage
    #[arg(long)]
    pub stage: Option<String>,
    /// All of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// All
    #[arg(long, conflicts_with_all = ["stage", "kind"])]
    pub all: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Give a user a new random password and print it once
    ResetPassword(ResetPasswordArguments),
}

/// Whose password to reset.
#[derive(Debug, Args)]
pub struct ResetPasswordArguments {
    /// User's name
    pub name: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// Which files to check.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Pipelines in the Logstash language: files, folders of *.conf, patterns, or pipelines.yml
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// End with 64 for a warning too, as for a mistake
    #[arg(long)]
    pub strict: bool,
    /// Print only the settings that inputs and outputs stand for, as a configuration file (TOML)
    #[arg(long)]
    pub settings: bool,
}

/// Which filters to show.
#[derive(Debug, Args)]
pub struct FiltersArguments {
    /// The filter whose page to print; of all a line each if absent
    pub name: Option<String>,
}

/// Which cases to run.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// Files of cases, YAML or JSON; docs/pipelines.md says what they hold
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Configuration file (TOML): the settings of `[enricher]` count, but for the pipeline
    #[arg(long, env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,
}

/// What `pipe` runs. It ends with 1 if lines were refused and `--dead` does not keep them.
#[derive(Debug, Args)]
pub struct PipeArguments {
    /// Pipeline in the Logstash language, in place of the default: a file, a folder of *.conf, a pattern, or
    /// pipelines.yml#ID
    #[arg(long)]
    pub pipeline: Option<PathBuf>,
    /// What a line is: one JSON object, or the text of `message`
    #[arg(long, value_enum, default_value_t)]
    pub codec: CodecArgument,
    /// Write refused lines to this file, one JSON object each, with kind, message, number and the line
    #[arg(long, value_name = "FILE")]
    pub dead: Option<PathBuf>,
    /// Configuration file (TOML): the settings of `[enricher]` count
    #[arg(long, env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Threads that filter; as many as there are cores if absent
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl Settings for PipeArguments {
    fn settings(&self) -> Vec<Flag> {
        pipeline_setting(self.pipeline.as_deref())
    }
}

/// What `shadow` compares. It ends with 0 if all is equal, with 1 if not, with 64 if nothing can be compared.
#[derive(Debug, Args)]
pub struct ShadowArguments {
    /// Pipeline file in the Logstash filter language, in place of the default
    #[arg(long)]
    pub pipeline: Option<PathBuf>,
    /// Events that Logstash wrote, one JSON object a line: output { file { codec => json_lines } }
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// The lines that Logstash was given; [event][original] of its events if absent, and for texts their message
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// What a line is: one JSON object, or the text of `message`
    #[arg(long, value_enum, default_value_t)]
    pub codec: CodecArgument,
    /// Fields that are not compared, with all that is in them, as @version,[event][original],host.name
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// When the lines are received (RFC 3339), for times without a year and events without a time; now if absent
    #[arg(long, value_name = "TIME")]
    pub received_at: Option<jiff::Timestamp>,
    /// Print the whole comparison as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Configuration file (TOML): the settings of `[enricher]` count
    #[arg(long, env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,
}

impl Settings for ShadowArguments {
    fn settings(&self) -> Vec<Flag> {
        pipeline_setting(self.pipeline.as_deref())
    }
}

fn pipeline_setting(path: Option<&Path>) -> Vec<Flag> {
    let path = path.map(|path| path.display().to_string());
    path.map(|path| Flag::new("--pipeline", "enricher.pipeline", path)).into_iter().collect()
}

/// What lines are.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum CodecArgument {
    /// One JSON object each.
    #[default]
    Json,
    /// Text.
    Plain,
}

impl From<CodecArgument> for bus::Codec {
    fn from(argument: CodecArgument) -> Self {
        match argument {
            CodecArgument::Json => Self::Json,
            CodecArgument::Plain => Self::Plain,
        }
    }
}

/// What `generate` makes.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Lines to write
    #[arg(long, default_value_t = 1_000)]
    pub count: u64,
    /// Seed: the same seed, start and counts give the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time of the first event (RFC 3339); one hour before now if absent
    #[arg(long)]
    pub start: Option<jiff::Timestamp>,
    /// Event time that the whole stream covers, in hours
    #[arg(long, default_value_t = 1.0)]
    pub hours: f64,
    /// Share of lines that are not one JSON object, 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub malformed: f64,
    /// Share of events with one value that does not convert, 0 to 1
    #[arg(long, default_value_t = 0.03, value_parser = share)]
    pub dirty: f64,
    /// Different customers
    #[arg(long, default_value_t = 5_000)]
    pub customers: u32,
    /// Write what a correct platform counts after this stream to this file, as JSON
    #[arg(long)]
    pub summary: Option<PathBuf>,
}

fn last(text: &str) -> Result<String, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if unit.len() < text.len() && matches!(unit, "s" | "m" | "h" | "d" | "w" | "y") {
        return Ok(text.to_owned());
    }
    Err("give a number with its unit, as 15m, 24h or 7d (s, m, h, d, w, y)".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, ServerArguments};

    #[test]
    fn a_flag_wins_over_any_variable() {
        let folder = |path: &str| Place::Folder(path.into());
        let address = |url: &str| Place::Address(url.to_owned());
        for (data, url, variables, place) in [
            (None, None, &[][..], folder("data")),
            (None, None, &["MILLRACE_DATA"], folder("MILLRACE_DATA")),
            (None, None, &["MILLRACE_DATA", "MILLRACE_URL"], address("MILLRACE_URL")),
            (Some("here"), None, &["MILLRACE_URL"], folder("here")),
            (None, Some("there"), &["MILLRACE_DATA", "MILLRACE_URL"], address("there")),
        ] {
            let (data, url) = (data.map(Into::into), url.map(str::to_owned));
            let arguments = ServerArguments { data, url, token: None };
            let variable = |name: &str| variables.contains(&name).then(|| name.to_owned());
            assert_eq!(arguments.place(variable), place, "{arguments:?} {variables:?}");
        }
    }
}
