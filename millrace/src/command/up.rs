//! `millrace up`: reads the configuration and runs the platform.

use std::fs;

use service::config::{Flag, load};
use service::logging::{self, FILTER_VARIABLE};

use super::{Failure, print, wait_for_all};
use crate::cli::UpArguments;
use crate::config::PlatformConfig;

pub(super) fn run(arguments: &UpArguments) -> Result<(), Failure> {
    let config = read(arguments)?;
    if arguments.check_config {
        return print(|out| writeln!(out, "the configuration is right"));
    }
    let filter = std::env::var(FILTER_VARIABLE).ok();
    logging::start(&config.logging, filter.as_deref())
        .map_err(|error| Failure::usage(error.to_string()))?;
    wait_for_all(crate::up::run(config, arguments))
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
    load(file, std::env::vars(), &flags).map_err(|mistakes| Failure::usage(mistakes.to_string()))
}
