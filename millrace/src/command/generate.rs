//! `millrace generate`: made-up events on standard output.

use std::io::{self, BufWriter, Write};

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::cli::GenerateArguments;
use crate::generate::{Generator, Options};

pub(super) fn run(arguments: &GenerateArguments) -> Result<(), Failure> {
    let start = arguments.start.unwrap_or_else(|| Timestamp::now() - SignedDuration::from_hours(1));
    let mut generator = Generator::new(Options {
        count: arguments.count,
        seed: arguments.seed,
        start,
        span_seconds: (arguments.hours.max(0.0) * 3600.0) as u64,
        malformed_share: arguments.malformed,
        dirty_share: arguments.dirty,
        customers: arguments.customers,
    });
    match write_lines(&mut generator) {
        // The reader has seen enough: `millrace generate | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) => {
            return Err(Failure::new(format!("cannot write to standard output: {error}")));
        }
        Ok(()) => {}
    }
    if let Some(path) = &arguments.summary {
        let text = serde_json::to_string_pretty(generator.summary())
            .map_err(|error| Failure::new(format!("cannot write the summary: {error}")))?;
        std::fs::write(path, text + "\n")
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

fn write_lines(generator: &mut Generator) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for line in generator {
        output.write_all(&line)?;
        output.write_all(b"\n")?;
    }
    output.flush()
}
