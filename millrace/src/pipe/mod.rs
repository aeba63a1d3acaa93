//! The enricher as a plain filter: lines in, documents out, in the same order.
//!
//! Memory is bounded whatever the input is: lines travel in blocks, few blocks are on their way, and a
//! line that is too long is never held. Nothing here knows the command line or the platform.

mod blocks;
mod many;
mod pool;
mod worker;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::fd::AsFd;

use bus::Codec;
use enricher::Plan;
use event::Limits;

use blocks::Blocks;
use pool::Pool;
use worker::{Chunk, RefusedLine, Worker};

/// Refused lines that a report names.
const NAMED_MAX: usize = 3;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The pipeline.
    pub plan: Plan,
    /// What an event may hold.
    pub limits: Limits,
    /// What the lines are.
    pub codec: Codec,
    /// Threads that filter; one reads and writes too. There is one where the pipeline remembers events.
    pub threads: usize,
    /// Begins the ids of records: other runs make other ids.
    pub seed: u64,
}

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that were read, empty ones too.
    pub lines: u64,
    /// Events that were written.
    pub events: u64,
    /// Lines of which no event was left, by intention.
    pub dropped: u64,
    /// Lines that are no event, by kind.
    pub refused: BTreeMap<&'static str, u64>,
    /// The first of them: number of the line, and what is wrong with it.
    pub named: Vec<(u64, String)>,
    /// The reader of the output has gone before the end.
    pub is_cut_short: bool,
}

impl Report {
    /// Lines that are no event.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Why not all lines could be filtered.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// The input cannot be read.
    #[error("cannot read standard input: {0}")]
    Read(io::Error),
    /// The output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Write(io::Error),
    /// Refused lines cannot be kept.
    #[error("cannot write the refused lines: {0}")]
    Dead(io::Error),
    /// A filter has a mistake of ours.
    #[error("a filter failed: the lines behind the last output were not filtered")]
    Panicked,
}

/// Filters every line of the input. Lines that are no event go to `dead`, if there is one.
///
/// # Errors
/// What cannot be read or written. A reader of the output that has seen enough is no error.
pub fn run<'a>(
    input: impl AsFd + Send + 'static,
    output: &'a mut dyn Write,
    dead: Option<&'a mut dyn Write>,
    options: &Options,
) -> Result<Report, PipeError> {
    let blocks = Blocks::new(input, options.limits.payload_bytes_max);
    let mut outlet = Outlet { output, dead, report: Report::default() };
    let done = match options.threads {
        // Two threads that remember would each know half of it.
        2.. if !options.plan.keeps_state() => many::run(blocks, &mut outlet, options),
        _ => alone(blocks, &mut outlet, options),
    };
    match done {
        Ok(()) => Ok(outlet.report),
        Err(PipeError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            outlet.report.is_cut_short = true;
            Ok(outlet.report)
        }
        Err(error) => Err(error),
    }
}

/// Reads, filters and writes in turn: on one core nothing is faster.
fn alone<I: AsFd>(
    mut blocks: Blocks<I>,
    outlet: &mut Outlet<'_>,
    options: &Options,
) -> Result<(), PipeError> {
    let pool = Pool::default();
    let mut worker = Worker::new(options);
    let read = loop {
        match blocks.next(&pool) {
            Ok(Some(block)) => worker.process(block, &pool, &mut |chunk| {
                let written = outlet.take(&chunk);
                pool.put(chunk.output);
                written
            })?,
            Ok(None) => break Ok(()),
            Err(error) => break Err(PipeError::Read(error)),
        }
    };
    // Also of an input that cannot be read to its end: the lines before it are in no other output.
    outlet.take(&worker.finish(&pool))?;
    read
}

/// Where everything goes, in order.
struct Outlet<'a> {
    output: &'a mut dyn Write,
    dead: Option<&'a mut dyn Write>,
    report: Report,
}

impl Outlet<'_> {
    fn take(&mut self, chunk: &Chunk) -> Result<(), PipeError> {
        self.output.write_all(&chunk.output).map_err(PipeError::Write)?;
        for refused in &chunk.refused {
            self.refuse(refused)?;
        }
        if let Some(dead) = &mut self.dead
            && !chunk.refused.is_empty()
        {
            dead.flush().map_err(PipeError::Dead)?;
        }
        self.report.events += chunk.events;
        self.report.dropped += chunk.dropped;
        self.report.lines += chunk.lines;
        Ok(())
    }

    fn refuse(&mut self, refused: &RefusedLine) -> Result<(), PipeError> {
        // Lines of a chunk are numbered from its block's first one.
        let number = self.report.lines + refused.place;
        *self.report.refused.entry(refused.refusal.kind.as_str()).or_default() += 1;
        if self.report.named.len() < NAMED_MAX {
            self.report.named.push((number, refused.refusal.to_string()));
        }
        match &mut self.dead {
            Some(dead) => refused.write(number, dead).map_err(PipeError::Dead),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
