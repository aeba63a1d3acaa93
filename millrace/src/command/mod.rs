//! One file a command. Each gives an exit code and says what went wrong in one line.

mod check;
mod dead;
mod filters;
mod generate;
mod pipe;
mod plan;
mod query;
mod send;
mod shadow;
mod status;
mod tap;
mod test;
mod token;
mod up;
mod user;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{Cli, Command};

/// Exit code of a mistake in configuration or usage.
const USAGE: u8 = 64;

/// Runs what the command line asks for.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Send(arguments) => wait_for(send::run(&arguments)),
        Command::Query(arguments) => wait_for(query::run(&arguments)),
        Command::Status(arguments) => wait_for(status::run(&arguments)),
        Command::Tap(arguments) => wait_for(tap::run(&arguments)),
        Command::Dead(command) => wait_for(dead::run(&command)),
        Command::User(command) => wait_for(user::run(&command)),
        Command::Token(command) => wait_for(token::run(&command)),
        Command::Check(arguments) => check::run(&arguments),
        Command::Filters(arguments) => filters::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Pipe(arguments) => pipe::run(&arguments),
        Command::Shadow(arguments) => shadow::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
    };
    exit_code("millrace", result)
}

/// The exit code of a program, after its complaint.
pub(crate) fn exit_code(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(program, &failure.message);
            ExitCode::from(failure.exit_code)
        }
    }
}

/// Prints the answer to a command line that runs nothing: help and version on standard output, a
/// mistake on standard error.
#[must_use]
pub fn usage(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Ok(()) if answer.use_stderr() => ExitCode::from(USAGE),
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// What happened and what to do, for a person; empty where all was said.
    pub message: String,
    /// 1 for a failure, 64 for a mistake in configuration or usage.
    pub exit_code: u8,
    /// Character of the query at fault, from 1.
    pub position: Option<usize>,
    /// HTTP status, where the platform answered that it refuses.
    pub status: Option<u16>,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1, position: None, status: None }
    }

    /// A mistake in configuration or usage: exit code 64.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit_code: USAGE, ..Self::new(message) }
    }

    /// A failure that an error tells.
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self::new(error.to_string())
    }

    /// Shows the query with a caret below the character at fault.
    fn under_query(mut self, query: &str) -> Self {
        if let Some(position) = self.position.take() {
            let caret = " ".repeat(position.saturating_sub(1));
            self.message = format!("{}\n  {}\n  {caret}^", self.message, escape_control(query));
            self.exit_code = USAGE;
        }
        self
    }
}

/// Runs a command that waits for a server.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    block_on(tokio::runtime::Builder::new_current_thread().enable_all(), command)
}

/// Runs a command that uses every core.
pub(crate) fn wait_for_all(
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    block_on(tokio::runtime::Builder::new_multi_thread().enable_all(), command)
}

fn block_on(
    builder: &mut tokio::runtime::Builder,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime =
        builder.build().map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let result = runtime.block_on(command);
    // What still blocks a thread (a sender that reads standard input) must not hold the end up.
    runtime.shutdown_background();
    result
}

/// Writes to standard output. A reader that has seen enough (`| head`) ends the tool without a word.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Err(Failure { exit_code: 0, ..Failure::new("") })
        }
        Err(error) => Err(Failure::new(format!("cannot write to standard output: {error}"))),
    }
}

/// A number of things: `1 line`, `2 lines`.
fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Text on one line: control characters become escapes, so that no text of an event can move the
/// cursor or fake a line.
fn escape_control(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// A field of an answer on one line; empty where there is none.
fn text(answer: &Value, field: &str) -> String {
    match &answer[field] {
        Value::String(text) => escape_control(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value on one line, of a long one the beginning. What stands in events moves no cursor.
fn shown(value: &Value, characters_max: usize) -> String {
    let text = escape_control(&value.to_string());
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

fn complain(program: &str, message: &str) {
    if !message.is_empty() {
        say(&format!("{program}: {message}"));
    }
}

#[expect(clippy::print_stderr, reason = "the tool's own voice on a terminal")]
fn say(text: &str) {
    eprintln!("{text}");
}
