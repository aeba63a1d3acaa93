//! `millrace`: reads the command line, runs one command, and gives its exit code.

use std::process::ExitCode;

use clap::Parser;
use millrace::cli::Cli;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => millrace::command::run(cli),
        Err(answer) => millrace::command::usage(&answer),
    }
}
