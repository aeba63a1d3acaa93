//! One file a command. Each gives an exit code and says what went wrong in one line.

mod generate;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

/// Runs what the command line asks for.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Generate(arguments) => generate::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.message);
            ExitCode::from(failure.exit_code)
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// What happened and what to do, for a person.
    pub message: String,
    /// 1 for a failure, 64 for a mistake in configuration or usage.
    pub exit_code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1 }
    }

    /// A mistake in configuration or usage: exit code 64.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 64 }
    }
}

#[expect(clippy::print_stderr, reason = "the tool's own voice on a terminal")]
fn complain(message: &str) {
    eprintln!("millrace: {message}");
}
