//! `millrace pipe`: a pipeline as a plain filter from standard input to standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::Path;

use uuid::Uuid;

use super::{Failure, complain, counted, escape_control, plan};
use crate::cli::PipeArguments;
use crate::pipe::{self, Options, PipeError, Report};
use crate::process;

/// What the system is asked to hold between two programs: fewer turns for the same bytes.
const PIPE_BYTES: usize = 1 << 20;

pub(super) fn run(arguments: &PipeArguments) -> Result<(), Failure> {
    let options = options(arguments)?;
    let (input, output) = (io::stdin(), io::stdout());
    // Files and terminals have no such size, and a pipe works with any.
    for enlarged in [
        rustix::pipe::fcntl_setpipe_size(&input, PIPE_BYTES),
        rustix::pipe::fcntl_setpipe_size(&output, PIPE_BYTES),
    ] {
        if let Err(error) = enlarged {
            tracing::debug!(%error, "a pipe keeps its size");
        }
    }
    // Past the standard library's buffer: whole blocks are written.
    let output = output.as_fd().try_clone_to_owned().map_err(PipeError::Write);
    let mut output = File::from(output.map_err(Failure::of)?);
    let mut dead = arguments.dead.as_deref().map(create).transpose()?;
    let dead_file = dead.as_mut().map(|file| file as &mut dyn Write);
    let report = pipe::run(input, &mut output, dead_file, &options).map_err(Failure::of)?;
    sum_up(&report, arguments.dead.as_deref())
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

fn options(arguments: &PipeArguments) -> Result<Options, Failure> {
    let config = process::read_config(arguments.config.as_deref(), arguments)?.enricher;
    let run = Uuid::new_v4();
    let plan = plan::compile(&config, run, "pipe")?;
    if plan.keeps_state() && arguments.threads.is_some_and(|threads| usize::from(threads) > 1) {
        let message = "the pipeline remembers events (aggregate, metrics, throttle, or csv with \
                       autodetect_column_names), which one thread has to see all of: leave `--threads` out";
        return Err(Failure::usage(message.to_owned()));
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Options {
        plan,
        limits: config.limits(),
        codec: arguments.codec.into(),
        threads: arguments.threads.map_or_else(cores, usize::from),
        seed: run.as_u64_pair().1,
    })
}

/// Sums up what was refused, on standard error. It is a failure where nothing kept it.
fn sum_up(report: &Report, dead: Option<&Path>) -> Result<(), Failure> {
    let refused = report.refused_count();
    if refused == 0 {
        return Ok(());
    }
    let were = if refused == 1 { "was" } else { "were" };
    let kinds: Vec<_> =
        report.refused.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut text = format!("{} {were} refused: {}", counted(refused, "line"), kinds.join(", "));
    for (line, reason) in &report.named {
        text.push_str(&format!("\n  line {line}: {}", escape_control(reason)));
    }
    let named = report.named.len() as u64;
    if refused > named {
        text.push_str(&format!("\n  ... and {} more", refused - named));
    }
    match dead {
        Some(path) => {
            complain("millrace", &format!("{text}\nkept in {}", path.display()));
            Ok(())
        }
        None if report.is_cut_short => {
            complain("millrace", &text);
            Ok(())
        }
        None => Err(Failure::new(format!("{text}\n`--dead FILE` keeps them"))),
    }
}
