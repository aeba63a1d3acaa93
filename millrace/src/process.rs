//! What every process that runs services does at its start, whichever they are: reads the configuration,
//! logs, and takes what the system allows it.

use std::env;
use std::fs;
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use enricher::{EnricherError, PipelineText};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service::Check;
use service::config::{Loaded, Preset, load_over};
use service::logging::{self, FILTER_VARIABLE};

use crate::cli::Settings;
use crate::command::{Failure, wait_for_all};
use crate::config::PlatformConfig;
use crate::logstash_settings::{
    Carried, Listed, Reach, Taken, all_mistakes, carry_over, carry_over_all, several,
};
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
    let config: PlatformConfig = load_config(&[], file, flags)?.value;
    look_around(&config)?;
    Ok(config)
}

/// Looks at what the environment says beside the settings.
fn look_around(config: &PlatformConfig) -> Result<(), Failure> {
    for (variable, meant) in settings::near_variables(env::vars().map(|(name, _)| name)) {
        warn(&format!("the variable {variable} is no setting and does nothing: write {meant}"));
    }
    settings::check_filters(config, env::var(FILTER_VARIABLE).ok().as_deref())
}

/// Settings over a pipeline that is not read yet. What they lack to go together it may say: so they are checked with it.
#[derive(Deserialize)]
#[serde(transparent)]
struct OverPipeline(PlatformConfig);

impl Check for OverPipeline {}

/// Reads the same, and below it the settings that the inputs and outputs of its pipeline stand for.
pub(crate) fn read_config_over_pipeline(
    file: Option<&Path>,
    flags: &impl Settings,
) -> Result<(PlatformConfig, Option<Taken>), Failure> {
    // Once: a pipe has nothing more for whoever reads it again.
    let file_text = read_file(file)?;
    let file = file.zip(file_text.as_deref());
    let OverPipeline(config) = load_config(&[], file, flags)?.value;
    let Some(pipeline) = &config.enricher.pipeline else {
        return Ok((checked_config(file, flags)?, None));
    };
    look_around(&config)?;
    let listed = several(pipeline).map_err(usage)?;
    let is_list = listed.is_some();
    let carried = match listed {
        Some(listed) => carried_of_all(listed, &config)?,
        None => carried_of_one(&config)?,
    };
    let loaded: Loaded<PlatformConfig> = load_config(&carried.presets(), file, flags)?;
    let mut taken = Taken::new(pipeline, &carried, &loaded.taken);
    let mut config = loaded.value;
    if is_list {
        let notes = notes(pipeline, &config)?;
        if let Some(taken) = &mut taken {
            taken.notes = notes;
        }
        // Its pipelines stand in a table of their own by now.
        config.enricher.pipeline = None;
    }
    Ok((config, taken))
}

fn usage(error: EnricherError) -> Failure {
    Failure::usage(error.to_string())
}

/// Who may reach the doors of inputs.
fn reach(config: &PlatformConfig) -> Reach {
    let doors = &config.ingest_gateway;
    Reach {
        has_token: doors.needs_token(),
        is_udp_allowed: doors.allow_unauthenticated_udp,
        is_syslog_allowed: doors.syslog.allow_unauthenticated,
        are_beats_allowed: doors.beats.may_be_open(doors.require_token),
    }
}

fn carried_of_one(config: &PlatformConfig) -> Result<Carried, Failure> {
    let text = config.enricher.pipeline_text().map_err(usage)?;
    carry_over(&text, &config.enricher, reach(config)).map_err(|mistakes| {
        let of_filters = enricher::check(&text, &config.enricher).err();
        usage(EnricherError::Mistakes(all_mistakes(of_filters, Some(mistakes))))
    })
}

/// The inputs and outputs of all pipelines of a list.
fn carried_of_all(
    listed: Vec<(String, PathBuf)>,
    config: &PlatformConfig,
) -> Result<Carried, Failure> {
    let read = |(id, path): (String, PathBuf)| {
        let text = PipelineText::read(&path)?;
        Ok::<_, EnricherError>(Listed { id, path, text })
    };
    let listed: Result<Vec<_>, EnricherError> = listed.into_iter().map(read).collect();
    let listed = listed.map_err(usage)?;
    let (carried, mistakes) = carry_over_all(&listed, &config.enricher, reach(config));
    if mistakes.iter().any(|own| !own.is_empty()) {
        let all = listed.iter().zip(mistakes).flat_map(|(listed, own)| {
            let of_filters = enricher::check(&listed.text, &config.enricher).err();
            all_mistakes(of_filters, Some(own))
        });
        return Err(usage(EnricherError::Mistakes(all.collect())));
    }
    Ok(carried)
}

/// What is to be known of the pipelines of a list. That an event comes to none of them is not meant.
fn notes(list: &Path, config: &PlatformConfig) -> Result<Vec<String>, Failure> {
    let pipelines = &config.enricher.pipelines;
    let without_doors: Vec<_> =
        pipelines.iter().filter(|(_, own)| own.listeners.is_empty()).map(|(id, _)| id).collect();
    if without_doors.len() == pipelines.len() {
        let list = list.display();
        return Err(Failure::usage(format!(
            "no event would come to any pipeline of {list}, for none of their inputs is a door here: name one of them, \
             as {list}#ID, which then has all doors that are open; or say which doors each has, as in \
             `enricher.pipelines.ID.listeners`"
        )));
    }
    let told =
        |id| format!("no event comes to the pipeline {id}: none of its inputs is a door here");
    let mut notes: Vec<_> = without_doors.into_iter().map(told).collect();
    let rest = "events of doors that none of these pipelines has go through the built-in pipeline";
    notes.push(rest.to_owned());
    Ok(notes)
}

fn read_file(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("cannot read the configuration {}: {error}", path.display()))
        })
    };
    file.map(read).transpose()
}

fn load_config<T: DeserializeOwned + Check>(
    presets: &[Preset],
    file: Option<(&Path, &str)>,
    flags: &impl Settings,
) -> Result<Loaded<T>, Failure> {
    load_over(presets, file, env::vars(), &flags.settings())
        .map_err(|mistakes| Failure::usage(mistakes.to_string()))
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn warn(text: &str) {
    eprintln!("millrace: warning: {text}");
}
