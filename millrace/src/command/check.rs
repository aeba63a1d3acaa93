//! `millrace check`: every mistake of pipelines and every warning, each with line, column, caret and way out, and the
//! settings that their inputs and outputs stand for.

use std::path::{Path, PathBuf};

use enricher::pipeline_text::listed_ids;
use enricher::registry::Origin;
use enricher::{Config, Diagnostic, FilterUse, PipelineText, Plan};

use super::{Failure, counted, escape_control, print};
use crate::cli::CheckArguments;
use crate::logstash_settings::{self, Carried, Reach};

/// What was found in pipelines.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    mistakes: u64,
    warnings: u64,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut found = Found::default();
    for path in &arguments.files {
        for pipeline in pipelines(path)? {
            check(&pipeline, arguments.settings, &mut found)?;
        }
    }
    match found {
        Found { mistakes: 0, warnings: 0 } => Ok(()),
        Found { mistakes: 0, .. } if !arguments.strict => Ok(()),
        Found { mistakes: 0, warnings } => Err(Failure::usage(counted(warnings, "warning"))),
        Found { mistakes, .. } => Err(Failure::usage(counted(mistakes, "mistake"))),
    }
}

/// The pipelines that a path names: all of a list.
fn pipelines(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let ids = listed_ids(path).map_err(|error| Failure::usage(error.to_string()))?;
    let named = |id: String| PathBuf::from(format!("{}#{id}", path.display()));
    Ok(ids.map_or_else(|| vec![path.to_owned()], |ids| ids.into_iter().map(named).collect()))
}

/// Prints what the pipeline holds, or what is wrong with it.
fn check(path: &Path, only_settings: bool, found: &mut Found) -> Result<(), Failure> {
    let text = PipelineText::read(path).map_err(Failure::of)?;
    let config = Config::default();
    let plan = enricher::check(&text, &config);
    let carried = logstash_settings::carry_over(&text, &config, Reach::default());
    let (plan, carried) = match (plan, carried) {
        (Ok(plan), Ok(carried)) => (plan, carried),
        (plan, carried) => {
            let mistakes = logstash_settings::all_mistakes(plan.err(), carried.err());
            found.mistakes += mistakes.len() as u64;
            return print_all(&mistakes);
        }
    };
    found.warnings += plan.warnings().len() as u64;
    if only_settings {
        let file = settings_file(path, &carried);
        return print(|out| out.write_all(file.as_bytes()));
    }
    let report = report(path, &text, &plan, &carried);
    print(|out| out.write_all(report.as_bytes()))?;
    print_all(plan.warnings())
}

fn report(path: &Path, text: &PipelineText, plan: &Plan, carried: &Carried) -> String {
    let mut lines = vec![summary(path, plan)];
    lines.extend(plan.filters().iter().flat_map(|filter| remarks(text, filter)));
    if !text.not_read.is_empty() {
        let names: Vec<_> = text.not_read.iter().map(|path| path.display().to_string()).collect();
        let names = names.join(", ");
        lines.push(format!("  not read: {names}; of a folder the files *.conf are"));
    }
    for (key, reason) in text.listed.iter().flat_map(|listed| &listed.left) {
        lines.push(format!("  `{key}` is not carried over: {reason}"));
    }
    let mut report: String = lines.iter().map(|line| escape_control(line) + "\n").collect();
    if !carried.is_empty() {
        let pipeline = path.display().to_string();
        let up = escape_control(&format!("millrace up --pipeline {pipeline}"));
        report.push_str(&format!(
            "\nFrom its inputs and outputs `{up}` takes these settings; as a configuration file:\n\n{}",
            carried.to_toml(&pipeline)
        ));
    }
    if !carried.left.is_empty() {
        report.push_str(&format!("\nNot carried over:\n\n{}", carried.left_lines()));
    }
    report
}

fn summary(path: &Path, plan: &Plan) -> String {
    let filters = counted(plan.filters().len() as u64, "filter");
    let warnings = match plan.warnings().len() as u64 {
        0 => String::new(),
        count => format!(", {}", counted(count, "warning")),
    };
    format!("{}: {filters}, no mistakes{warnings}", path.display())
}

/// What is to be known of a filter.
fn remarks(text: &PipelineText, filter: &FilterUse) -> Vec<String> {
    let FilterUse { file, line, name, .. } = filter;
    let place = match text.source.files_count() {
        2.. => format!("{file}:{line}"),
        _ => format!("line {line}"),
    };
    let mut remarks = Vec::new();
    if filter.origin == Origin::Millrace {
        remarks.push(format!("  {place}: {name} is Millrace's own, Logstash has none"));
    }
    if filter.keeps_state {
        remarks.push(format!(
            "  {place}: {name} remembers events, each partition for itself: those of one key have to come into one \
             (docs/pipelines.md, \"Filters that remember\")"
        ));
    }
    remarks
}

fn print_all(diagnostics: &[Diagnostic]) -> Result<(), Failure> {
    print(|out| diagnostics.iter().try_for_each(|diagnostic| writeln!(out, "{diagnostic}")))
}

/// The settings alone, for a file.
fn settings_file(path: &Path, carried: &Carried) -> String {
    let mut file = carried.to_toml(&path.display().to_string());
    if !carried.left.is_empty() {
        file.push_str("\n# Not carried over:\n");
        file.extend(carried.left_lines().lines().map(|line| format!("#{line}\n")));
    }
    file
}
