//! Clients that others have written against the doors, over real sockets: they start, send, and believe what
//! they are told.
//!
//! `scripts/setup test` installs them; without it these tests fail.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod beats;
mod elasticsearch;
mod otlp;

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

/// Where `scripts/setup test` has installed them.
fn clients() -> PathBuf {
    let folder = std::env::var_os("MILLRACE_CLIENTS_DIR").map(PathBuf::from);
    folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients"))
}

/// A program of `scripts/setup test`.
fn program(name: &str) -> PathBuf {
    let path = clients().join(name);
    assert!(path.exists(), "{} is missing: run `scripts/setup test`", path.display());
    path
}

/// Runs a program to its end.
async fn run(program: PathBuf, arguments: &[String]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(support::SOON * 3, command.output()).await.unwrap().unwrap()
}

/// Runs a script of `tests/clients/python`, which must succeed, and gives what it printed.
async fn python(script: &str, arguments: &[String]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python").join(script);
    let mut all = vec![script.display().to_string()];
    all.extend_from_slice(arguments);
    printed(&run(program("venv/bin/python"), &all).await)
}

/// What a program printed that must have succeeded.
fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out
}
