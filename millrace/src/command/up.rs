//! `millrace up`: reads the configuration and runs the platform.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, getrlimit, setrlimit};
use service::config::{Flag, load};
use service::logging::{self, FILTER_VARIABLE};

use super::{Failure, print, wait_for_all};
use crate::cli::UpArguments;
use crate::config::PlatformConfig;

/// The system allocator's setting for how many arenas it keeps.
const ARENAS_VARIABLE: &str = "MALLOC_ARENA_MAX";
/// Its default, eight for each core, keeps what every thread has freed: at full load half of the
/// resident memory was of that kind.
const ARENAS: &str = "2";

pub(super) fn run(arguments: &UpArguments) -> Result<(), Failure> {
    bound_arenas();
    let config = read(arguments)?;
    if arguments.check_config {
        // Only whether there is a key matters to the pipeline here.
        enricher::compile(&config.enricher, "check")
            .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
        return print(|out| writeln!(out, "the configuration is right"));
    }
    let filter = env::var(FILTER_VARIABLE).ok();
    logging::start(&config.logging, filter.as_deref())
        .map_err(|error| Failure::usage(error.to_string()))?;
    raise_open_files();
    wait_for_all(crate::up::run(config, arguments))
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
fn bound_arenas() {
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
fn read(arguments: &UpArguments) -> Result<PlatformConfig, Failure> {
    let text = arguments.config.as_ref().map(|path| {
        fs::read_to_string(path).map(|text| (path.as_path(), text)).map_err(|error| {
            Failure::usage(format!("cannot read the configuration {}: {error}", path.display()))
        })
    });
    let file = text.transpose()?;
    let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
    let flags: Vec<_> = arguments
        .settings()
        .into_iter()
        .map(|(flag, setting, value)| Flag::new(flag, setting, value))
        .collect();
    load(file, env::vars(), &flags).map_err(|mistakes| Failure::usage(mistakes.to_string()))
}
