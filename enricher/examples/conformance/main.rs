//! Runs the test vectors of Logstash's own specifications: `conformance FOLDER [FILE...] [--show] [--regexes FILE]
//! [--geoip FILE] [--geoip-systems FILE] [--known FILE]`.
//!
//! FOLDER holds one JSON file a plugin, or lists of user agents and addresses; the formats are described in its README.
//! `--regexes`, `--geoip` (of cities) and `--geoip-systems` (of autonomous systems) name the data that some of them hold
//! for. Prints how many of each file pass, and with `--show` what is wrong with the others. Ends with 1 if a vector fails
//! of a filter that exists here; with `--known`, if one fails that the list does not name, or one passes that it names.

mod assertion;
mod known;
mod list;
mod place;
mod vector;

use std::path::Path;
use std::process::ExitCode;

use known::Known;
use list::List;
use serde_json::Value;
use vector::Judgement;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    arguments.retain(|argument| argument != "--show");
    let data = Data {
        regexes: flag(&mut arguments, "--regexes"),
        geoip: flag(&mut arguments, "--geoip"),
        systems: flag(&mut arguments, "--geoip-systems"),
    };
    let listed = flag(&mut arguments, "--known");
    let Some((folder, names)) = arguments.split_first() else {
        say(
            "usage: conformance FOLDER [FILE...] [--show] [--regexes FILE] [--geoip FILE] [--geoip-systems FILE] \
             [--known FILE]",
        );
        return ExitCode::from(64);
    };
    let list = listed.as_ref().map_or(Ok(String::new()), std::fs::read_to_string);
    let known = list.map_err(|error| error.to_string()).and_then(|text| Known::read(&text));
    let mut known = match known {
        Ok(known) => known,
        Err(why) => {
            say(&format!("the list of known failures: {why}"));
            return ExitCode::from(64);
        }
    };
    let mut failed = 0;
    say(&format!("{:<20} {:>7} {:>7} {:>12}", "file", "passed", "failed", "not run here"));
    for path in files(Path::new(folder), names) {
        failed += run_file(&path, &data, &mut known, show);
    }
    if listed.is_some() {
        known.wrong().iter().for_each(|line| say(line));
        failed = known.wrong().len();
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Data that vectors hold for and do not carry.
pub(crate) struct Data {
    /// uap-core's expressions.
    pub(crate) regexes: Option<String>,
    /// A GeoIP database of cities.
    pub(crate) geoip: Option<String>,
    /// A GeoIP database of autonomous systems.
    pub(crate) systems: Option<String>,
}

/// Takes a flag with its value out of the arguments.
fn flag(arguments: &mut Vec<String>, name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    let value = arguments.drain(at..(at + 2).min(arguments.len())).nth(1);
    value.filter(|value| !value.is_empty())
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
fn run_file(path: &Path, data: &Data, known: &mut Known, show: bool) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(file) = serde_json::from_str::<Value>(&text) else {
        say(&format!("{}: not JSON", path.display()));
        return 1;
    };
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let vectors =
        file["vectors"].as_array().or_else(|| file.as_array()).cloned().unwrap_or_default();
    let judgements: Vec<Judgement> = match file.is_array().then(|| List::new(name, data)) {
        None => vectors.iter().map(|vector| vector::judge(vector, data)).collect(),
        Some(Ok(list)) => list.judge(&vectors).collect(),
        Some(Err(why)) => vectors.iter().map(|_| Judgement::NotRun(why.clone())).collect(),
    };
    let (mut passed, mut failed, mut not_run) = (0, 0, 0);
    for (vector, judgement) in vectors.iter().zip(judgements) {
        let id = vector["id"].as_str().unwrap_or_default();
        if !matches!(judgement, Judgement::NotRun(_)) {
            known.note(id, matches!(judgement, Judgement::Failed(_)));
        }
        match judgement {
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
                    let case = match vector["config"].as_str() {
                        Some(config) => format!("{}\n{config}\n{}", vector["id"], vector["input"]),
                        None => vector.to_string(),
                    };
                    say(&format!("failed: {case}\n  {why}\n"));
                }
            }
        }
    }
    say(&format!("{name:<20} {passed:>7} {failed:>7} {not_run:>12}"));
    failed
}

#[expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]
fn say(line: &str) {
    println!("{line}");
}
