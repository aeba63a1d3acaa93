//! `millrace test`: runs the cases of a pipeline, and shows what is not as expected.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

use enricher::config::HASH_KEY_VARIABLE;
use enricher::{Config, EnricherError};

use super::{Failure, counted, escape_control, print, say};
use crate::cases::{self, CaseFile, Failed};
use crate::cli::{NoArguments, TestArguments};
use crate::process;

/// The installation's key of every case, so that hashes are the same everywhere.
const HASH_KEY: &str = "millrace test";

pub(super) fn run(arguments: &TestArguments) -> Result<(), Failure> {
    let config = process::read_config(arguments.config.as_deref(), &NoArguments {})?.enricher;
    let paint = Paint::for_standard_error();
    let mut failures = 0;
    for path in &arguments.files {
        failures += run_file(path, &config, paint)?;
    }
    match failures {
        0 => Ok(()),
        _ => Err(Failure::new(format!("{} failed", counted(failures, "case")))),
    }
}

/// Runs a file's cases, and gives the number of those that failed.
fn run_file(path: &Path, config: &Config, paint: Paint) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let file =
        CaseFile::parse(path, &text).map_err(|mistake| Failure::usage(mistake.to_string()))?;
    let config = Config { pipeline: file.pipeline.clone(), ..config.clone() };
    let plan = compile(&config, &file).map_err(|error| Failure::usage(error.to_string()))?;
    let mut failures = 0;
    for case in &file.cases {
        let failed = cases::run(case, &plan, &config.limits());
        if !failed.is_empty() {
            failures += 1;
            say(&paint.show(path, &case.name, &failed));
        }
    }
    let count = counted(file.cases.len() as u64, "case");
    let result =
        if failures == 0 { "no failures".to_owned() } else { format!("{failures} failed") };
    print(|out| writeln!(out, "{}: {count}, {result}", path.display()))?;
    Ok(failures)
}

fn compile(config: &Config, file: &CaseFile) -> Result<enricher::Plan, EnricherError> {
    let text = config.pipeline_text()?;
    let mut environment = config.environment(HASH_KEY);
    environment.variables.insert(HASH_KEY_VARIABLE.to_owned(), HASH_KEY.to_owned());
    environment.variables.extend(file.environment.clone());
    text.compile(config, environment).map_err(EnricherError::Mistakes)
}

/// Whether what is said has colours.
#[derive(Clone, Copy, Debug)]
struct Paint {
    is_coloured: bool,
}

impl Paint {
    fn for_standard_error() -> Self {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_coloured: is_wanted && std::io::stderr().is_terminal() }
    }

    fn paint(self, code: u8, text: &str) -> String {
        // What stands in events moves no cursor.
        let text = escape_control(text);
        if self.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
    }

    fn expected(self, text: &str) -> String {
        self.paint(32, &format!("- expected {text}"))
    }

    fn got(self, text: &str) -> String {
        self.paint(31, &format!("+ got      {text}"))
    }

    fn show(self, path: &Path, name: &str, failed: &[Failed]) -> String {
        let mut text = self.paint(1, &format!("{}: {name}", path.display()));
        for one in failed {
            for line in self.lines(one) {
                // A text takes whatever is written to it.
                if write!(text, "\n  {line}").is_err() {
                    return text;
                }
            }
        }
        text
    }

    fn lines(self, failed: &Failed) -> Vec<String> {
        match failed {
            Failed::Differs { event, differences } => {
                let mut lines = vec![format!("event {event}")];
                let shown = |value: &Option<serde_json::Value>| {
                    value.as_ref().map_or("nothing".to_owned(), ToString::to_string)
                };
                for difference in differences {
                    lines.push(format!("  {}", escape_control(&difference.path)));
                    lines.push(format!("    {}", self.expected(&shown(&difference.expected))));
                    lines.push(format!("    {}", self.got(&shown(&difference.got))));
                }
                lines
            }
            Failed::Count { expected, got } => {
                let mut lines = vec![
                    self.expected(&counted(*expected as u64, "event")),
                    self.got(&counted(got.len() as u64, "event")),
                ];
                lines.extend(
                    got.iter().map(|event| format!("  {}", escape_control(&event.to_string()))),
                );
                lines
            }
            Failed::Refused { line, refusal } => {
                vec![format!("line {line} was refused as {}: {refusal}", refusal.kind.as_str())]
            }
            Failed::NotRefused { line } => vec![format!("line {line} was not refused")],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cases::Difference;

    #[test]
    fn a_difference_has_colours_on_a_terminal_only_and_moves_no_cursor() {
        let differences = vec![Difference {
            path: "a.b".to_owned(),
            expected: Some(json!("x")),
            got: Some(json!("\u{9b}2J")),
        }];
        let failed = [Failed::Differs { event: 1, differences }];
        let shown = |is_coloured| Paint { is_coloured }.show(Path::new("f"), "it", &failed);
        let plain =
            "f: it\n  event 1\n    a.b\n      - expected \"x\"\n      + got      \"\\u{9b}2J\"";
        assert_eq!(shown(false), plain);
        assert!(shown(true).contains("\x1b[32m- expected \"x\"\x1b[0m"), "{}", shown(true));
    }
}
