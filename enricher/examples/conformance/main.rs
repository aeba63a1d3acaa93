//! Runs the test vectors of Logstash's own specifications: `conformance FOLDER [FILE...] [--show]`.
//!
//! FOLDER holds one JSON file a plugin; the format is described in its README. Prints how many of each
//! file pass, and with `--show` what is wrong with the others. Ends with 1 if a vector fails of a
//! filter that exists here.

mod assertion;
mod vector;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use vector::Judgement;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    arguments.retain(|argument| argument != "--show");
    let Some((folder, names)) = arguments.split_first() else {
        say("usage: conformance FOLDER [FILE...] [--show]");
        return ExitCode::from(64);
    };
    let mut failed = 0;
    say(&format!("{:<20} {:>7} {:>7} {:>12}", "file", "passed", "failed", "not run here"));
    for path in files(Path::new(folder), names) {
        failed += run_file(&path, show);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn files(folder: &Path, names: &[String]) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            names.is_empty() || names.iter().any(|name| name == stem)
        })
        .collect();
    paths.sort();
    paths
}

/// Gives how many failed.
fn run_file(path: &Path, show: bool) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(file) = serde_json::from_str::<Value>(&text) else {
        say(&format!("{}: not JSON", path.display()));
        return 1;
    };
    let (mut passed, mut failed, mut not_run) = (0, 0, 0);
    for vector in file["vectors"].as_array().into_iter().flatten() {
        match vector::judge(vector) {
            Judgement::Passed => passed += 1,
            Judgement::NotRun(why) => {
                not_run += 1;
                if show {
                    say(&format!("not run: {}: {why}", vector["id"]));
                }
            }
            Judgement::Failed(why) => {
                failed += 1;
                if show {
                    let config = vector["config"].as_str().unwrap_or_default();
                    say(&format!(
                        "failed: {}\n{config}\n{}\n  {why}\n",
                        vector["id"], vector["input"]
                    ));
                }
            }
        }
    }
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    say(&format!("{name:<20} {passed:>7} {failed:>7} {not_run:>12}"));
    failed
}

#[expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]
fn say(line: &str) {
    println!("{line}");
}
