//! `millrace up`: reads the configuration and runs the platform.

use super::{Failure, print};
use crate::cli::UpArguments;
use crate::process;
use crate::settings;

pub(super) fn run(arguments: &UpArguments) -> Result<(), Failure> {
    process::bound_arenas();
    let config = process::read_config(arguments.platform.config.as_deref(), arguments)?;
    settings::check_addresses(&config)?;
    if arguments.platform.check_config {
        // Only whether there is a key matters to the pipeline here.
        enricher::compile(&config.enricher, "check")
            .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
        return print(|out| writeln!(out, "the configuration is right"));
    }
    process::run(config, |config| crate::up::run(config, arguments))
}
