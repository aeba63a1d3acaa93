//! The command line: what may be asked, with its help. Decides nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A log platform for online shops: collects, filters, scores and finds log events.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the tool can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write made-up shop events to standard output, one JSON object a line
    Generate(GenerateArguments),
}

/// What `generate` makes.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Lines to write
    #[arg(long, default_value_t = 1_000)]
    pub count: u64,
    /// Seed: the same seed, start and counts give the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time of the first event (RFC 3339); one hour before now if absent
    #[arg(long)]
    pub start: Option<jiff::Timestamp>,
    /// Event time that the whole stream covers, in hours
    #[arg(long, default_value_t = 1.0)]
    pub hours: f64,
    /// Share of lines that are not one JSON object, 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub malformed: f64,
    /// Share of events with one value that does not convert, 0 to 1
    #[arg(long, default_value_t = 0.03, value_parser = share)]
    pub dirty: f64,
    /// Different customers
    #[arg(long, default_value_t = 5_000)]
    pub customers: u32,
    /// Write what a correct platform counts after this stream to this file, as JSON
    #[arg(long)]
    pub summary: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0 to 1".to_owned()),
    }
}
