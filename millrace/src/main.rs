//! `millrace`: reads the command line, runs one command, and gives its exit code.

use std::process::ExitCode;

use clap::Parser;
use millrace::cli::Cli;

fn main() -> ExitCode {
    millrace::command::run(Cli::parse())
}
