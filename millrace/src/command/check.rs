//! `millrace check`: every mistake of pipeline files, each with line, column, caret and way out.

use std::path::Path;

use enricher::config::read_pipeline;
use enricher::registry::Origin;

use super::{Failure, counted, print};
use crate::cli::CheckArguments;

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut mistakes = 0;
    for path in &arguments.files {
        mistakes += check(path)?;
    }
    if mistakes > 0 {
        return Err(Failure::usage(counted(mistakes as u64, "mistake")));
    }
    Ok(())
}

/// Prints what the file holds, or what is wrong with it, and gives the number of mistakes.
fn check(path: &Path) -> Result<usize, Failure> {
    let source = read_pipeline(path).map_err(|error| Failure::new(error.to_string()))?;
    match enricher::check(&source, &enricher::Config::default()) {
        Ok(filters) => {
            print(|out| {
                let filters_count = counted(filters.len() as u64, "filter");
                writeln!(out, "{}: {filters_count}, no mistakes", path.display())?;
                let ours = filters.iter().filter(|filter| filter.origin == Origin::Millrace);
                ours.map(|filter| (filter.line, filter.name)).try_for_each(|(line, name)| {
                    writeln!(out, "  line {line}: {name} is Millrace's own, Logstash has none")
                })
            })?;
            Ok(0)
        }
        Err(mistakes) => {
            print(|out| mistakes.iter().try_for_each(|mistake| writeln!(out, "{mistake}")))?;
            Ok(mistakes.len())
        }
    }
}
