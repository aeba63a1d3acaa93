//! `millrace up`: reads the configuration and runs the platform.

use enricher::Pipelines;
use ingest_gateway::HandedOver;

use super::{Failure, escape_control, print};
use crate::cli::UpArguments;
use crate::process;
use crate::settings;

pub(super) fn run(arguments: &UpArguments) -> Result<(), Failure> {
    process::bound_arenas();
    let file = arguments.platform.config.as_deref();
    let (config, taken) = process::read_config_over_pipeline(file, arguments)?;
    settings::check_addresses(&config)?;
    if arguments.platform.check_config {
        // Only whether there is a key matters to the pipeline here.
        Pipelines::compile(&config.enricher, "check")
            .map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
        return print(|out| {
            writeln!(out, "the configuration is right")?;
            let Some(taken) = taken else { return Ok(()) };
            writeln!(out, "from the inputs and outputs of {}:", taken.pipeline)?;
            taken.lines().iter().try_for_each(|line| writeln!(out, "  {}", escape_control(line)))
        });
    }
    let sockets = HandedOver::take().map_err(|error| Failure::usage(error.to_string()))?;
    process::run(config, |config| crate::up::run(config, taken, sockets, arguments))
}
