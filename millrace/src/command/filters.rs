//! `millrace filters`: the filters that pipelines may have, and the page of each.

use enricher::{description, registry};

use super::{Failure, escape_control, print};
use crate::cli::FiltersArguments;

pub(super) fn run(arguments: &FiltersArguments) -> Result<(), Failure> {
    let text = match &arguments.name {
        None => list(),
        Some(name) => match registry::find(name) {
            Some(entry) => description::page(entry),
            None => {
                let (message, way_out) = registry::absence(name);
                return Err(Failure::usage(escape_control(&format!("{message}; {way_out}"))));
            }
        },
    };
    print(|out| out.write_all(text.as_bytes()))
}

/// Each filter with what it does.
fn list() -> String {
    let names = registry::FILTERS.iter().map(|entry| entry.name.len());
    let width = names.max().unwrap_or_default();
    let line = |entry: &registry::Entry| {
        let name = entry.name;
        format!("{name:<width$}  {}\n", description::summary(entry))
    };
    registry::FILTERS.iter().map(line).collect()
}
