//! Runs the test vectors of Logstash's codecs and inputs: `input_conformance FOLDER [--show] [--known FILE]`.
//!
//! FOLDER holds `codecs.json` and `inputs.json`; their README describes the format. Each vector becomes a file of
//! Logstash with one input, which is read as `up --pipeline` reads it; what is sent goes through the gateway, an input's
//! over a real socket, and then through the enricher. Prints how many of each file pass, and with `--show` what is wrong
//! with the others. Ends with 1 if a vector fails; with `--known`, if one fails that the list does not name, or one
//! passes that it names.

#[path = "../../../enricher/examples/conformance/assertion.rs"]
mod assertion;
mod codec;
mod input;
#[path = "../../../enricher/examples/conformance/known.rs"]
mod known;
mod lumberjack;
mod pipeline_file;
mod senders;

use std::path::Path;
use std::process::ExitCode;

use known::Known;
use serde_json::Value;
use tokio::runtime::Runtime;

/// The files, by their names.
const FILES: [&str; 2] = ["codecs", "inputs"];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    arguments.retain(|argument| argument != "--show");
    let listed = flag(&mut arguments, "--known");
    let [folder] = &arguments[..] else {
        say("usage: input_conformance FOLDER [--show] [--known FILE]");
        return ExitCode::from(64);
    };
    let list = listed.as_ref().map_or(Ok(String::new()), std::fs::read_to_string);
    let known = list.map_err(|error| error.to_string()).and_then(|text| Known::read(&text));
    let (mut known, runtime) = match (known, Runtime::new()) {
        (Ok(known), Ok(runtime)) => (known, runtime),
        (Err(why), _) => return refuse(&format!("the list of known failures: {why}")),
        (_, Err(why)) => return refuse(&format!("no threads to run on: {why}")),
    };
    let mut failed = 0;
    say(&format!("{:<20} {:>7} {:>7}", "file", "passed", "failed"));
    for name in FILES {
        let path = Path::new(folder).join(format!("{name}.json"));
        match vectors(&path) {
            Ok(vectors) => failed += run_file(name, &vectors, &runtime, &mut known, show),
            Err(why) => return refuse(&format!("{}: {why}", path.display())),
        }
    }
    if listed.is_some() {
        known.wrong().iter().for_each(|line| say(line));
        failed = known.wrong().len();
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Takes a flag with its value out of the arguments.
fn flag(arguments: &mut Vec<String>, name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.drain(at..(at + 2).min(arguments.len())).nth(1)
}

fn refuse(why: &str) -> ExitCode {
    say(why);
    ExitCode::from(64)
}

fn vectors(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    match file["vectors"].as_array() {
        Some(vectors) if !vectors.is_empty() => Ok(vectors.clone()),
        _ => Err("it holds no vector".to_owned()),
    }
}

/// Gives how many failed.
fn run_file(
    name: &str,
    vectors: &[Value],
    runtime: &Runtime,
    known: &mut Known,
    show: bool,
) -> usize {
    let (mut passed, mut failed) = (0, 0);
    for vector in vectors {
        let judged = match vector["kind"].as_str() {
            Some("codec") => codec::judge(vector),
            Some("input") => runtime.block_on(input::judge(vector)),
            other => Err(format!("kind {other:?}")),
        };
        known.note(vector["id"].as_str().unwrap_or_default(), judged.is_err());
        match judged {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                if show {
                    say(&format!("failed: {vector}\n  {why}\n"));
                }
            }
        }
    }
    say(&format!("{name:<20} {passed:>7} {failed:>7}"));
    failed
}

#[expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]
fn say(line: &str) {
    println!("{line}");
}
