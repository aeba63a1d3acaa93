//! What every process that runs services does at its start, whichever they are: reads the configuration,
//! logs, and takes what the system allows it.

use std::env;
use std::fs;
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, getrlimit, setrlimit};
use service::config::{Loaded, Preset, load_over};
use service::logging::{self, FILTER_VARIABLE};

use crate::cli::Settings;
use crate::command::{Failure, wait_for_all};
use crate::config::PlatformConfig;
use crate::logstash_settings::{Reach, Taken, all_mistakes, carry_over};
use crate::settings;

/// The system allocator's setting for how many arenas it keeps.
const ARENAS_VARIABLE: &str = "MALLOC_ARENA_MAX";
/// Its default, eight for each core, keeps what every thread has freed: at full load half of the
/// resident memory was of that kind.
const ARENAS: &str = "2";

/// Reads the configuration, begins the log, and runs `services` on every core until they end.
pub(crate) fn run<Running>(
    config: PlatformConfig,
    services: impl FnOnce(PlatformConfig) -> Running,
) -> Result<(), Failure>
where
    Running: Future<Output = Result<(), Failure>>,
{
    let filter = env::var(FILTER_VARIABLE).ok();
    logging::start(&config.logging, filter.as_deref())
        .map_err(|error| Failure::usage(error.to_string()))?;
    raise_open_files();
    wait_for_all(services(config))
}

/// Lets the process open as many files as the system allows it: the usual 1,024 are fewer than the
/// connections that the doors may take.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is: many connections may be refused");
    }
}

/// Starts this program anew in the same process with few arenas, unless the environment names a number:
/// the allocator reads it only at the start of a program. Goes on as it is where that fails.
pub(crate) fn bound_arenas() {
    if env::var_os(ARENAS_VARIABLE).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    // By its own path, so that the process keeps its name.
    let program = env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).env(ARENAS_VARIABLE, ARENAS).exec();
    tracing::debug!(%error, "the allocator keeps its default number of arenas");
}

/// Reads the file, the environment and the flags. All mistakes make one failure.
pub(crate) fn read_config(
    file: Option<&Path>,
    flags: &impl Settings,
) -> Result<PlatformConfig, Failure> {
    let text = read_file(file)?;
    checked_config(file.zip(text.as_deref()), flags)
}

/// The configuration of a file's text, before any pipeline adds to it.
fn checked_config(
    file: Option<(&Path, &str)>,
    flags: &impl Settings,
) -> Result<PlatformConfig, Failure> {
    let config = load_config(&[], file, flags)?.value;
    for (variable, meant) in settings::near_variables(env::vars().map(|(name, _)| name)) {
        warn(&format!("the variable {variable} is no setting and does nothing: write {meant}"));
    }
    settings::check_filters(&config, env::var(FILTER_VARIABLE).ok().as_deref())?;
    Ok(config)
}

/// Reads the same, and below it the settings that the inputs and outputs of its pipeline stand for.
pub(crate) fn read_config_over_pipeline(
    file: Option<&Path>,
    flags: &impl Settings,
) -> Result<(PlatformConfig, Option<Taken>), Failure> {
    // Once: a pipe has nothing more for whoever reads it again.
    let file_text = read_file(file)?;
    let file = file.zip(file_text.as_deref());
    let config = checked_config(file, flags)?;
    let Some(pipeline) = &config.enricher.pipeline else { return Ok((config, None)) };
    let usage = |error: enricher::EnricherError| Failure::usage(error.to_string());
    let text = config.enricher.pipeline_text().map_err(usage)?;
    let doors = &config.ingest_gateway;
    let reach = Reach {
        has_token: doors.needs_token(),
        is_udp_allowed: doors.allow_unauthenticated_udp,
        is_syslog_allowed: doors.syslog.allow_unauthenticated,
        are_beats_allowed: doors.beats.may_be_open(doors.require_token),
    };
    let carried = carry_over(&text, &config.enricher, reach).map_err(|mistakes| {
        let of_filters = enricher::check(&text, &config.enricher).err();
        let all = all_mistakes(of_filters, Some(mistakes));
        Failure::usage(enricher::EnricherError::Mistakes(all).to_string())
    })?;
    let loaded = load_config(&carried.presets(), file, flags)?;
    let taken = Taken::new(pipeline, &carried, &loaded.taken);
    Ok((loaded.value, taken))
}

fn read_file(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("cannot read the configuration {}: {error}", path.display()))
        })
    };
    file.map(read).transpose()
}

fn load_config(
    presets: &[Preset],
    file: Option<(&Path, &str)>,
    flags: &impl Settings,
) -> Result<Loaded<PlatformConfig>, Failure> {
    load_over(presets, file, env::vars(), &flags.settings())
        .map_err(|mistakes| Failure::usage(mistakes.to_string()))
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn warn(text: &str) {
    eprintln!("millrace: warning: {text}");
}
