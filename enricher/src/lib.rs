//! The enricher: a Logstash filter engine between `logs.raw` and `logs.enriched`.
//!
//! A pipeline file is read, checked as a whole, and run for each record; when it changes it is read again.
//! No event makes anything here read a clock or a file, draw a random number or run its text.

mod backtracking;
mod charset;
pub mod config;
pub mod description;
mod dns_resolver;
mod document_id;
mod field_reference;
mod file_state;
pub mod filter;
mod filters;
mod index_text;
mod input;
mod joda;
pub mod language;
pub mod lookup;
mod moved_field;
pub mod options;
pub mod pipeline_list;
pub mod pipeline_text;
pub mod pipelines;
pub mod plan;
mod refreshed_file;
pub mod registry;
pub mod reload;
mod ruby_diagnosis;
mod ruby_number;
mod ruby_pattern;
pub mod stage;
pub mod tap;
pub mod template;
pub mod timer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::{TOPIC_ENRICHED, TOPIC_RAW};
use event::Limits;
use pipeline::{RunnerError, RunnerSpec, Runtime, TopicSink};

use dns_resolver::DnsResolver;

pub use charset::{Charset, UnknownCharset};
pub use config::{Config, LimitsConfig, PipelineConfig};
pub use field_reference::EscapeStyle;
pub use file_state::{FileState, Stale};
pub use filter::{
    Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan, Spawned,
};
pub use filters::geoip::ATTRIBUTION as GEOIP_ATTRIBUTION;
pub use filters::grok::{LineExpression, NoLineExpression, line_expression};
pub use index_text::IndexOutline;
pub use input::InputConfig;
pub use language::{Diagnostic, Source};
pub use moved_field::moved_fields;
pub use pipeline_text::PipelineText;
pub use pipelines::{Pipeline, Pipelines};
pub use plan::{FilterUse, Plan};
pub use reload::{CurrentPlan, Reloader};
pub use stage::{EnricherStage, Processor};
pub use tap::{TapReader, Tapped, Taps, TooManyTaps};
pub use timer::{Moment, Outbox, TimedEvent};

/// Name of the stage and of its consumer group.
pub const NAME: &str = "enricher";

/// Why a pipeline cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum EnricherError {
    /// The pipeline's file cannot be read.
    #[error(
        "cannot read the pipeline {}: {source}; name a file of UTF-8 text that this user may read",
        .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the key for hashing cannot be used.
    #[error("enricher.secret_file: {0}")]
    Secret(#[from] service::SecretFileError),
    /// The pipeline's file is larger than any pipeline.
    #[error(
        "the pipeline {} is larger than {max} bytes; name the file of a pipeline, and put large \
         tables into files that its filters read",
        .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        max: u64,
    },
    /// A folder or pattern without any file of a pipeline.
    #[error(
        "there is no pipeline file in {}; of a folder the files *.conf are read, and a pattern is made of \
         *, ?, [...] and **",
        .path.display()
    )]
    NoFiles {
        /// The folder or pattern.
        path: PathBuf,
    },
    /// The list of pipelines cannot be used.
    #[error(transparent)]
    List(#[from] pipeline_list::ListMistakes),
    /// A list holds several pipelines, or not the one that is named.
    #[error("{}", which_pipeline(.list, .id.as_deref(), .ids))]
    WhichPipeline {
        /// The list.
        list: PathBuf,
        /// The pipeline that was named.
        id: Option<String>,
        /// Those that there are.
        ids: Vec<String>,
    },
    /// The pipeline cannot be run: every mistake that was found.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Mistakes(Vec<Diagnostic>),
}

fn which_pipeline(list: &Path, id: Option<&str>, ids: &[String]) -> String {
    let list = list.display();
    let names: Vec<_> = ids.iter().map(|id| format!("{list}#{id}")).collect();
    let names = names.join(", ");
    match id {
        Some(id) => format!("there is no pipeline `{id}` in {list}; name one of {names}"),
        None => format!(
            "{list} holds {} pipelines, and one is to be named here: one of {names}; `millrace up --pipeline {list}` \
             runs all of them, and `millrace check --settings {list}` prints them as settings for services of \
             their own",
            ids.len()
        ),
    }
}

/// Reads and compiles the pipeline that a configuration names for all doors. Those that have doors of their own are left
/// to [`Pipelines::compile`].
///
/// # Errors
/// [`EnricherError::Mistakes`] with everything that is wrong with it, or why it cannot be read.
pub fn compile(config: &Config, secret: &str) -> Result<Plan, EnricherError> {
    let text = config.pipeline_text()?;
    text.compile(config, config.environment(secret)).map_err(EnricherError::Mistakes)
}

/// Checks a pipeline's filters as it would be loaded with this configuration. The plan has its filters, each with who
/// defined it, and its warnings.
///
/// # Errors
/// Every mistake that was found.
pub fn check(text: &PipelineText, config: &Config) -> Result<Plan, Vec<Diagnostic>> {
    // Only whether there is a key matters here.
    let environment = Environment { wants_warnings: true, ..config.environment("check") };
    text.compile(config, environment)
}

/// Enriches with these pipelines until the process stops; `limits` are what an event may hold, and
/// `foreign_topics` what is read beside `logs.raw`.
///
/// # Errors
/// The runner's.
pub async fn run(
    pipelines: Pipelines,
    limits: Limits,
    foreign_topics: Vec<String>,
    runtime: Runtime,
) -> Result<(), RunnerError> {
    let sink = TopicSink::new(Arc::clone(&runtime.bus), TOPIC_ENRICHED);
    for id in pipelines.without_doors() {
        tracing::warn!(id, "no event comes to this pipeline: its `listeners` name no door");
    }
    let resolver = DnsResolver::new(pipelines.clone(), limits.clone());
    let spec = RunnerSpec {
        name: NAME,
        topics: [vec![TOPIC_RAW.to_owned()], foreign_topics].concat(),
        make_stage: Arc::new(move || {
            Box::new(EnricherStage::following(pipelines.clone(), limits.clone()))
        }),
        resolver: Some(Arc::new(resolver)),
        state: None,
        sink: Arc::new(sink),
    };
    pipeline::run(spec, runtime).await
}
