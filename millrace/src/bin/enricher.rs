//! `enricher`: the service alone, with its engines by URL.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace::alone::main::<millrace::alone::Enricher>()
}
