//! One file: where in it the next line begins, and the step that reads on.
//!
//! Holds no bytes between two steps but the evidence of a line that is too long, and what has begun of an event of
//! several lines: a line whose end has not come is read again when the file has grown. So thousands of files cost
//! little memory.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tokio::time::Instant;

use super::block::fill;
use super::content::Content;
use super::events::Events;
use super::identity::{FileId, Stamp};
use super::input::Input;
use super::positions::Position;
use crate::budget::Reservation;
use crate::intake::{Batch, Ids, Origin};
use crate::lines::Oversize;

/// Blocks that are read at once, unless a line needs a larger one.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;
/// How long an event waits for lines that have come and want memory, while others want the memory that it has.
const HELD_UP_MAX: Duration = Duration::from_secs(60);

/// A file that is read.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) id: FileId,
    /// Where it is opened.
    pub(crate) path: PathBuf,
    /// Name of its content.
    pub(crate) name: ByteString,
    /// Whose it is. What has begun stays with the input that found it first.
    pub(crate) input: Arc<Input>,
    /// Whose it is once it begins anew: the input that found it last.
    pub(crate) found_by: Arc<Input>,
    origin: Arc<Origin>,
    events: Events,
    pub(crate) content: Option<Content>,
    /// Where the next line begins.
    pub(crate) at: u64,
    oversize: Option<(Oversize, u64)>,
    /// Up to where there were only zeros from there on, while the end of the file is not reached.
    zeros_end: Option<u64>,
    block_bytes: usize,
    /// What it was like when all its lines had been read; none while there may be more.
    pub(crate) seen: Option<Stamp>,
    /// What it was like when its content was found to be the one that its name stands for.
    pub(crate) verified: Option<Stamp>,
    /// Whether it waits for its turn to be read.
    pub(crate) is_ready: bool,
    /// Whether lines of it are on their way to the log.
    pub(crate) is_on_its_way: bool,
    /// Whether the patterns of the settings find it.
    pub(crate) is_present: bool,
    /// Whether it was to be read once, and has been.
    pub(crate) is_finished: bool,
    pub(crate) active_at: Instant,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Events; when they are durable, all before `end` is.
    Lines { batch: Box<Batch>, end: u64, is_last: bool },
    /// There was nothing to send in it, and there is more.
    Passed,
    /// There is nothing more.
    Quiet,
}

/// How lines are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) line_bytes_max: usize,
    /// Whether the end of a file ends its last line.
    pub(crate) end_is_final: bool,
}

impl Tail {
    /// A file of this input at `path`, whose lines come from there.
    pub(crate) fn new(
        position: &Position,
        path: PathBuf,
        input: Arc<Input>,
        origin: Arc<Origin>,
        now: Instant,
    ) -> Self {
        // What was read once may be followed after another start.
        let is_finished = position.finished && input.reads_once();
        Self {
            id: position.id(),
            path,
            name: position.name.as_str().into(),
            events: Events::new(&input, &origin),
            found_by: Arc::clone(&input),
            input,
            origin,
            content: None,
            at: position.offset,
            oversize: None,
            zeros_end: None,
            block_bytes: BLOCK_BYTES,
            seen: None,
            verified: None,
            is_ready: false,
            is_on_its_way: false,
            is_present: true,
            is_finished,
            active_at: now,
        }
    }

    pub(crate) fn ids(&self) -> Ids {
        Ids::Keyed(self.name.clone())
    }

    /// Lets the file go. A line that was being passed over is begun again.
    pub(crate) fn close(&mut self) {
        self.content = None;
        self.oversize = None;
        self.zeros_end = None;
        self.block_bytes = BLOCK_BYTES;
    }

    /// Memory that the next step needs.
    pub(crate) fn wanted_bytes(&self) -> usize {
        let from = self.reads_from();
        let rest = self.content.as_ref().filter(|content| content.is_plain());
        let rest = rest.and_then(|content| content.metadata().ok());
        // One more than there is shows where the file ends.
        let rest = rest.map(|metadata| metadata.len().saturating_sub(from).saturating_add(1));
        let rest = rest.map_or(usize::MAX, |rest| usize::try_from(rest).unwrap_or(usize::MAX));
        rest.min(self.block_bytes)
    }

    /// The first byte that was not looked at.
    pub(crate) fn reads_from(&self) -> u64 {
        let scanned = self.oversize.as_ref().map(|(_, scanned)| *scanned);
        scanned.or(self.zeros_end).unwrap_or(self.at)
    }

    /// Up to where all lines belong to events that have ended.
    pub(crate) fn ended_at(&self) -> u64 {
        self.events.begins_at().unwrap_or(self.at)
    }

    /// Whether an event has begun whose end has not come.
    pub(crate) fn has_begun(&self) -> bool {
        self.events.begins_at().is_some()
    }

    /// Whether the next line of an event that has begun has not come for long enough. One that has come is waited
    /// for, but not without end, or all memory could be beginnings.
    pub(crate) fn is_due(&self, now: Instant, is_memory_scarce: bool) -> bool {
        let Some(flush_interval) = self.events.flush_interval() else { return false };
        let waited = now.duration_since(self.active_at);
        match (self.is_on_its_way, self.is_ready) {
            (true, _) => false,
            (false, true) => is_memory_scarce && waited >= flush_interval.max(HELD_UP_MAX),
            (false, false) => waited >= flush_interval,
        }
    }

    /// Ends the event that has begun, into a fresh batch. Nothing comes of empty lines.
    pub(crate) fn end_event(&mut self, mut batch: Batch) -> Batch {
        batch.set_origin(&self.origin);
        self.events.end(&mut batch);
        batch.room = self.events.take_room();
        batch
    }

    /// Adds memory of what was read; what is held of it is kept, and the rest given away.
    pub(crate) fn keep_room(&mut self, room: Reservation) -> Option<Reservation> {
        self.events.keep_room(room)
    }

    /// Reads one block, of at most so many bytes, into a fresh batch.
    pub(crate) fn step(
        &mut self,
        bytes_max: usize,
        mut batch: Batch,
        rules: Rules,
    ) -> io::Result<Step> {
        let stamp = Stamp::of(&self.open()?.metadata()?);
        self.seen = None;
        let (from, wanted) = (self.reads_from(), self.wanted_bytes().min(bytes_max).max(1));
        let mut block = BytesMut::zeroed(wanted);
        let read = self.open()?.read_at(from, &mut block)?;
        block.truncate(read);
        let block = block.freeze();
        let is_end = read < wanted;
        let is_last = is_end && rules.end_is_final;
        batch.set_origin(&self.origin);
        let mut is_all = true;
        if self.oversize.is_some() {
            self.pass_over(&mut batch, &block, is_last, rules);
            is_all = self.reads_from() == from + read as u64;
        } else {
            let (events, max) = (&mut self.events, rules.line_bytes_max);
            let end = fill(&mut batch, events, &block, from, is_last, max);
            self.move_to(end, from, &block, is_end, rules);
        }
        let has_all = is_end && is_all && !batch.is_full();
        if has_all {
            self.seen = Some(stamp);
            // What is written next may stand in the place of these.
            self.zeros_end = None;
        }
        let is_last = is_last && has_all;
        if is_last {
            self.events.end(&mut batch);
        }
        Ok(match (batch.is_empty(), has_all) {
            (true, true) if !is_last => Step::Quiet,
            (true, false) => Step::Passed,
            _ => Step::Lines { batch: Box::new(batch), end: self.ended_at(), is_last },
        })
    }

    fn open(&mut self) -> io::Result<&mut Content> {
        self.content.as_mut().ok_or_else(|| io::Error::other("the file is not open"))
    }

    /// Moves on to the first byte that was not taken of a block that began at `from`.
    fn move_to(&mut self, end: u64, from: u64, block: &Bytes, is_end: bool, rules: Rules) {
        let taken = usize::try_from(end - from).unwrap_or(usize::MAX).min(block.len());
        let rest = &block[taken..];
        if end > from {
            self.block_bytes = BLOCK_BYTES;
        }
        if rest.iter().all(|byte| *byte == 0) {
            if end > from {
                (self.at, self.zeros_end) = (end, None);
            }
            if !rest.is_empty() {
                self.zeros_end = Some(from + block.len() as u64);
            }
            return;
        }
        (self.at, self.zeros_end) = (end, None);
        if end == from && !is_end {
            self.enlarge(block, rules);
        }
    }

    /// Takes a larger block for a line that does not end in this one, or gives the line up.
    fn enlarge(&mut self, block: &Bytes, rules: Rules) {
        // One more than allowed may still be the carriage return.
        let block_bytes_max = rules.line_bytes_max + 2;
        if block.len() >= block_bytes_max {
            let scanned = self.at + block.len() as u64;
            self.oversize = Some((Oversize::new(block, rules.line_bytes_max), scanned));
            self.block_bytes = BLOCK_BYTES;
        } else {
            self.block_bytes = (self.block_bytes * 2).min(block_bytes_max);
        }
    }

    /// Looks for the end of a line that is too long.
    fn pass_over(&mut self, batch: &mut Batch, block: &Bytes, is_last: bool, rules: Rules) {
        let Some((mut oversize, scanned)) = self.oversize.take() else { return };
        let end = memchr::memchr(b'\n', block);
        oversize.skip(&block[..end.unwrap_or(block.len())]);
        let passed = scanned + end.map_or(block.len(), |end| end + 1) as u64;
        if end.is_some() || is_last {
            let line = oversize.into_line(self.at, rules.line_bytes_max);
            self.events.take_refused(line, batch);
            self.at = passed;
        } else {
            self.oversize = Some((oversize, passed));
        }
    }
}
