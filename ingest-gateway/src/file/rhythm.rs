//! When each input is looked at next: its folders for new files, its open files for new lines.
//!
//! Reads no clock: it is told what time it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::input::Input;

/// How long nothing is looked at, at most.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The inputs of the door with their times.
#[derive(Debug)]
pub(crate) struct Rhythm {
    /// By the numbers of the inputs.
    inputs: Vec<Times>,
}

/// When an input is looked at.
#[derive(Debug)]
struct Times {
    input: Arc<Input>,
    /// When its folders are; at once, as long as that is not set.
    scan_at: Option<Instant>,
    /// When its open files are; with its folders too.
    look_at: Option<Instant>,
    /// When its folders were looked at last, in nanoseconds since 1970.
    scanned_at_ns: Option<i64>,
}

impl Times {
    fn is_scan_due(&self, now: Instant) -> bool {
        self.scan_at.is_none_or(|at| at <= now)
    }

    fn is_look_due(&self, now: Instant) -> bool {
        self.is_scan_due(now) || self.look_at.is_none_or(|at| at <= now)
    }
}

impl Rhythm {
    /// Of these inputs, by their numbers. All of them are looked at at once.
    pub(crate) fn new(inputs: impl Iterator<Item = Arc<Input>>) -> Self {
        let times = |input| Times { input, scan_at: None, look_at: None, scanned_at_ns: None };
        Self { inputs: inputs.map(times).collect() }
    }

    /// When there is something to look at.
    pub(crate) fn next_at(&self, now: Instant) -> Instant {
        let times = self.inputs.iter().flat_map(|times| [times.scan_at, times.look_at]);
        times.map(|at| at.unwrap_or(now)).fold(now + LONGEST, Ord::min)
    }

    /// Whether it is time for the folders of any input.
    pub(crate) fn is_any_scan_due(&self, now: Instant) -> bool {
        self.inputs.iter().any(|times| times.is_scan_due(now))
    }

    /// Whether it is time for the folders of the input with this number.
    pub(crate) fn is_scan_due(&self, number: usize, now: Instant) -> bool {
        self.inputs[number].is_scan_due(now)
    }

    /// Whether it is time for the open files of an input.
    pub(crate) fn is_look_due(&self, input: &Input, now: Instant) -> bool {
        self.inputs[input.number].is_look_due(now)
    }

    /// Notes that all folders are looked at now for which it is time. Says when those were looked at last of which that
    /// is longest ago, in nanoseconds since 1970: all inputs have found what was there by then.
    pub(crate) fn begin_scan(&mut self, now: Instant, now_ns: i64) -> i64 {
        for times in self.inputs.iter_mut().filter(|times| times.is_scan_due(now)) {
            times.scanned_at_ns = Some(now_ns);
        }
        self.inputs.iter().filter_map(|times| times.scanned_at_ns).fold(now_ns, Ord::min)
    }

    /// What it was time for has been looked at. The next time is counted from the end of that: looks that take longer
    /// than their interval leave time to read.
    pub(crate) fn go_on(&mut self, looked_at: Instant, ended_at: Instant) {
        for times in &mut self.inputs {
            let (is_scan_due, is_look_due) =
                (times.is_scan_due(looked_at), times.is_look_due(looked_at));
            if is_scan_due {
                times.scan_at = Some(ended_at + times.input.scan_interval);
            }
            if is_look_due {
                times.look_at = Some(ended_at + times.input.poll_interval);
            }
        }
    }
}
