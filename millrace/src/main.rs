//! `millrace`: reads the command line, runs one command, and gives its exit code.

use std::process::ExitCode;

use clap::Parser;
use millrace::cli::Cli;

/// A mistake in usage, like one in the configuration.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => millrace::command::run(cli),
        // Help and the version come this way too, on standard output.
        Err(answer) => match answer.print() {
            Ok(()) if answer.use_stderr() => ExitCode::from(USAGE),
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
    }
}
