//! `millrace check`: every mistake of pipeline files and every warning, each with line, column, caret and way
//! out.

use std::path::Path;

use enricher::config::read_pipeline;
use enricher::registry::Origin;
use enricher::{Diagnostic, Plan};

use super::{Failure, counted, print};
use crate::cli::CheckArguments;

/// What was found in files.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    mistakes: u64,
    warnings: u64,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut found = Found::default();
    for path in &arguments.files {
        check(path, &mut found)?;
    }
    match found {
        Found { mistakes: 0, warnings: 0 } => Ok(()),
        Found { mistakes: 0, .. } if !arguments.strict => Ok(()),
        Found { mistakes: 0, warnings } => Err(Failure::usage(counted(warnings, "warning"))),
        Found { mistakes, .. } => Err(Failure::usage(counted(mistakes, "mistake"))),
    }
}

/// Prints what the file holds, or what is wrong with it.
fn check(path: &Path, found: &mut Found) -> Result<(), Failure> {
    let source = read_pipeline(path).map_err(|error| Failure::new(error.to_string()))?;
    match enricher::check(&source, &enricher::Config::default()) {
        Ok(plan) => {
            found.warnings += plan.warnings().len() as u64;
            describe(path, &plan)?;
            print_all(plan.warnings())
        }
        Err(mistakes) => {
            found.mistakes += mistakes.len() as u64;
            print_all(&mistakes)
        }
    }
}

fn describe(path: &Path, plan: &Plan) -> Result<(), Failure> {
    let warnings = match plan.warnings().len() as u64 {
        0 => String::new(),
        count => format!(", {}", counted(count, "warning")),
    };
    print(|out| {
        let filters = counted(plan.filters().len() as u64, "filter");
        writeln!(out, "{}: {filters}, no mistakes{warnings}", path.display())?;
        let ours = plan.filters().iter().filter(|filter| filter.origin == Origin::Millrace);
        ours.map(|filter| (filter.line, filter.name)).try_for_each(|(line, name)| {
            writeln!(out, "  line {line}: {name} is Millrace's own, Logstash has none")
        })?;
        let remembering = plan.filters().iter().filter(|filter| filter.keeps_state);
        remembering.map(|filter| (filter.line, filter.name)).try_for_each(|(line, name)| {
            writeln!(
                out,
                "  line {line}: {name} remembers events, each partition for itself: those of one key have to \
                 come into one (docs/pipelines.md, \"Filters that remember\")"
            )
        })
    })
}

fn print_all(diagnostics: &[Diagnostic]) -> Result<(), Failure> {
    print(|out| diagnostics.iter().try_for_each(|diagnostic| writeln!(out, "{diagnostic}")))
}
