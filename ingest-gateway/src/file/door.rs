//! The door: which file is read next, what is on its way to the log, and what has arrived.
//!
//! One batch of a file is on its way at a time, so that its order holds; many files are. Decides
//! nothing by itself: it is told when to look and when to read.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use service::Health;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::DOOR;
use super::content::Content;
use super::identity::{FileId, Fingerprint, Stamp};
use super::input::Input;
use super::paths::{Folders, Found, Paths, is_gzip, leads_to};
use super::positions::Positions;
use super::rhythm::Rhythm;
use super::tail::{Rules, Step, Tail};
use super::troubles::{Troubles, unreadable};
use super::turns::Turns;
use crate::budget::Reservation;
use crate::config::FileConfig;
use crate::intake::{Batch, Intake};
use crate::quota::Turnstile;

/// Files that are looked through for new names, so that one write does for all.
const NAMES_MAX: usize = 1_024;

/// Files with what is known of them.
pub(crate) struct Door {
    pub(super) intake: Intake,
    pub(super) paths: Paths,
    pub(super) rhythm: Rhythm,
    /// What the looks at folders have found.
    pub(super) found: Found,
    pub(super) positions: Positions,
    /// How long the place of a file is kept that no input looks for any more.
    pub(super) forget_after: Duration,
    pub(super) tails: BTreeMap<FileId, Tail>,
    /// Files with something to read.
    turns: Turns,
    on_their_way: JoinSet<Arrival>,
    pub(super) troubles: Troubles,
    /// Whether positions cannot be kept. It is tried once a look.
    pub(super) cannot_keep: bool,
    /// Compressed files of which was said that they are not followed.
    pub(super) compressed: HashSet<PathBuf>,
    pub(super) has_scanned: bool,
    /// Files that were there at the first scan and could not be opened.
    pub(super) shut_at_first: HashSet<FileId>,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Arrival {
    id: FileId,
    name: ByteString,
    end: u64,
    is_last: bool,
    is_durable: bool,
}

impl Arrival {
    /// Of what is sent of a file: when it has arrived, all before `end` has.
    pub(super) fn new(tail: &Tail, end: u64, is_last: bool) -> Self {
        Self { id: tail.id, name: tail.name.clone(), end, is_last, is_durable: false }
    }
}

impl Door {
    pub(crate) fn new(
        intake: Intake,
        config: &FileConfig,
        positions: Positions,
        health: Health,
    ) -> Self {
        let unreadable = intake.metrics().files.with_label_values(&["unreadable"]);
        let inputs = Input::all(config, intake.line_bytes_max(), intake.metrics());
        let paths = Paths::new(&inputs);
        Self {
            rhythm: Rhythm::new(paths.inputs().cloned()),
            turns: Turns::new(paths.inputs().cloned()),
            paths,
            found: Found::default(),
            intake: intake.of_shop(config.shop.as_ref()),
            troubles: Troubles::new(health, unreadable),
            cannot_keep: false,
            positions,
            forget_after: config.forget_after.0,
            tails: BTreeMap::new(),
            on_their_way: JoinSet::new(),
            compressed: HashSet::new(),
            has_scanned: false,
            shut_at_first: HashSet::new(),
        }
    }

    /// Where its shop's senders wait, if it has a quota.
    pub(crate) fn turnstile(&self) -> Option<Turnstile> {
        self.intake.turnstile(&self.intake.anonymous().shop)
    }

    pub(super) fn now_s(&self) -> i64 {
        self.intake.now_ns() / 1_000_000_000
    }

    /// Has a file wait for its turn.
    pub(super) fn enqueue(&mut self, id: FileId) {
        let Some(tail) = self.tails.get_mut(&id) else { return };
        if tail.is_ready || tail.is_on_its_way {
            return;
        }
        tail.is_ready = true;
        self.turns.add(&tail.input, id, tail.content.is_some());
    }

    /// The next file to read, and the memory that takes.
    pub(crate) fn next(&mut self) -> Option<(FileId, usize)> {
        loop {
            let tails = &self.tails;
            let is_open = |id: FileId| tails.get(&id).is_some_and(|tail| tail.content.is_some());
            let id = self.turns.take(is_open)?;
            match self.prepare(id) {
                Ok(true) if self.is_named(id) => {
                    return Some((id, self.tails.get(&id)?.wanted_bytes()));
                }
                Ok(_) => self.rest(id),
                Err(error) => self.fail(id, &error),
            }
            if let Some(tail) = self.tails.get_mut(&id) {
                tail.is_ready = false;
            }
        }
    }

    fn is_on_its_way(&self, id: FileId) -> bool {
        self.tails.get(&id).is_some_and(|tail| tail.is_on_its_way)
    }

    fn is_open(&self, id: FileId) -> bool {
        self.tails.get(&id).is_some_and(|tail| tail.content.is_some())
    }

    /// Whether the name of a file's content is on disk. If not it is put there, with those of the files
    /// that are read next.
    fn is_named(&mut self, id: FileId) -> bool {
        if self.positions.is_written(id) || self.cannot_keep {
            return self.positions.is_written(id);
        }
        for id in self.turns.first(NAMES_MAX) {
            let was_open = self.is_open(id);
            // What is wrong with it is said when its turn comes.
            drop(self.prepare(id));
            if let Some(tail) = self.tails.get_mut(&id).filter(|_| !was_open) {
                tail.close();
            }
        }
        self.save()
    }

    /// Opens a file and finds out whether it still is what it was; whether there is anything to read. What is on its
    /// way of it arrives first.
    fn prepare(&mut self, id: FileId) -> io::Result<bool> {
        if self.is_on_its_way(id) || !self.open(id)? {
            return Ok(false);
        }
        let (Some(tail), Some(position)) = (self.tails.get_mut(&id), self.positions.get(id)) else {
            return Ok(false);
        };
        let Some(content) = &tail.content else { return Ok(false) };
        let stamp = Stamp::of(&content.metadata()?);
        if tail.verified == Some(stamp) && !tail.is_finished {
            return Ok(true);
        }
        let is_cut = content.is_plain() && stamp.bytes < tail.reads_from() && !tail.is_finished;
        if is_cut || !position.fits(content.file())? {
            self.begin_anew(id, stamp)?;
            if self.is_on_its_way(id) {
                return Ok(false);
            }
        } else if tail.is_finished {
            (tail.seen, tail.verified) = (Some(stamp), Some(stamp));
            tail.close();
            self.troubles.clear(&tail.path);
            return Ok(false);
        } else {
            tail.verified = Some(stamp);
        }
        self.complete_fingerprint(id)?;
        Ok(true)
    }

    /// Opens a file where it is, or where it was renamed to; whether it is still there.
    fn open(&mut self, id: FileId) -> io::Result<bool> {
        let Some(tail) = self.tails.get_mut(&id) else { return Ok(false) };
        if tail.content.is_some() {
            return Ok(true);
        }
        if !leads_to(&tail.path, id)? {
            let found = Folders::default().locate(&tail.path, id);
            let Some(path) = found else { return Ok(false) };
            tail.path = path;
        }
        let content = Content::open(&tail.path, is_gzip(&tail.path), &tail.input.open)?;
        if FileId::of(&content.metadata()?) != id {
            return Ok(false);
        }
        tail.content = Some(content);
        Ok(true)
    }

    /// The file was cut off or is another one: it is read from its beginning, under a new name.
    fn begin_anew(&mut self, id: FileId, stamp: Stamp) -> io::Result<()> {
        let now_s = self.now_s();
        let Some(tail) = self.tails.get_mut(&id) else { return Ok(()) };
        let (path, input) = (tail.path.clone(), Arc::clone(&tail.found_by));
        let content = match tail.content.take().filter(Content::is_plain) {
            Some(content) => content.counted_among(&input.open),
            // Out of gzip nothing is read backwards.
            None => Content::open(&path, is_gzip(&path), &input.open)?,
        };
        if FileId::of(&content.metadata()?) != id {
            return Err(io::ErrorKind::NotFound.into());
        }
        let fingerprint = Fingerprint::of(content.file())?;
        tracing::info!(path = %service::Printable(path.display()), "the file begins anew");
        let position = self.positions.begin(id, &path, fingerprint, 0, now_s);
        let origin = input.origin(self.intake.anonymous().shop, &path, &position.name);
        let mut fresh = Tail::new(position, path, input, origin, tail.active_at);
        fresh.content = Some(content);
        fresh.is_ready = tail.is_ready;
        fresh.is_present = tail.is_present;
        fresh.verified = Some(stamp);
        let before = std::mem::replace(tail, fresh);
        self.end_content(before);
        Ok(())
    }

    /// Takes the fingerprint of a file again that has grown, until it is whole.
    pub(super) fn complete_fingerprint(&mut self, id: FileId) -> io::Result<()> {
        let content = self.tails.get(&id).and_then(|tail| tail.content.as_ref());
        let (Some(content), Some(position)) = (content, self.positions.get(id)) else {
            return Ok(());
        };
        if !position.fingerprint().is_whole() {
            let grown = position.fingerprint().grown(content.file())?;
            if let Some(grown) = grown.filter(|grown| grown != position.fingerprint()) {
                self.positions.set_fingerprint(id, grown);
            }
        }
        Ok(())
    }

    /// Reads a block of a file that was next, into this memory.
    pub(crate) fn read(&mut self, id: FileId, room: Reservation, now: Instant) {
        let Some(tail) = self.tails.get_mut(&id) else { return };
        tail.is_ready = false;
        // It waited for memory, and may be another one by now.
        match self.prepare(id) {
            Ok(true) if self.positions.is_written(id) => {}
            Ok(true) => return self.enqueue(id),
            Ok(false) => return self.rest(id),
            Err(error) => return self.fail(id, &error),
        }
        let Some(tail) = self.tails.get_mut(&id) else { return };
        let line_bytes_max = self.intake.line_bytes_max();
        let rules = Rules { line_bytes_max, end_is_final: tail.input.reads_once() };
        let (before, batch) = (tail.reads_from(), self.intake.batch(tail.ids()));
        let step = match tail.step(room.bytes(), batch, rules) {
            Ok(step) => step,
            Err(error) => return self.fail(id, &error),
        };
        let (read, room) = (tail.reads_from().saturating_sub(before), tail.keep_room(room));
        self.intake.metrics().received_bytes.with_label_values(&[DOOR]).inc_by(read);
        self.troubles.clear(&tail.path);
        if read > 0 {
            tail.active_at = now;
        }
        if !matches!(step, Step::Lines { .. }) {
            // Nothing of it is on its way: all before this place is durable, or is no event.
            self.positions.advance(id, &tail.name, tail.ended_at(), false);
        }
        match step {
            Step::Lines { mut batch, end, is_last } => {
                batch.room = room;
                let arrival = Arrival::new(tail, end, is_last);
                self.send(*batch, arrival, true);
            }
            Step::Passed => self.enqueue(id),
            Step::Quiet => self.rest(id),
        }
    }

    /// Sends a batch of a file. What cannot come again is lost, and counted so, if the process must stop before it is
    /// durable.
    pub(super) fn send(&mut self, batch: Batch, mut arrival: Arrival, can_come_again: bool) {
        let id = arrival.id;
        let Some(tail) = self.tails.get_mut(&id) else { return };
        tail.is_on_its_way = true;
        let intake = self.intake.clone();
        self.on_their_way.spawn(async move {
            // The batch is gone, and its memory with it, before anybody looks at this.
            arrival.is_durable = match can_come_again {
                true => batch.is_empty() || intake.deliver(batch).await.is_empty(),
                false => intake.settle(batch).await.is_empty(),
            };
            arrival
        });
        self.rest(id);
    }

    pub(crate) fn awaits_arrivals(&self) -> bool {
        !self.on_their_way.is_empty()
    }

    /// Waits for a batch that was on its way. Dropping the future loses nothing.
    ///
    /// # Panics
    /// If publishing did.
    pub(crate) async fn arrival(&mut self) -> Arrival {
        match self.on_their_way.join_next().await {
            Some(Ok(arrival)) => arrival,
            Some(Err(error)) => match JoinError::try_into_panic(error) {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime itself ends, and this door with it.
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Moves a file's position on to what is durable.
    pub(crate) fn settle(&mut self, arrival: &Arrival, now: Instant) {
        let Arrival { id, name, end, is_last, is_durable } = arrival;
        if *is_durable {
            self.positions.advance(*id, name, *end, *is_last);
        }
        let Some(tail) = self.tails.get_mut(id) else { return };
        if !is_durable {
            // The process stops. The next one reads on from the position that is kept, this one does not.
            return;
        }
        tail.is_on_its_way = false;
        tail.active_at = now;
        if *is_last {
            tail.is_finished = true;
            tail.close();
        } else if tail.seen.is_none() {
            self.enqueue(*id);
        } else {
            self.rest(*id);
        }
    }

    /// Nothing is read of a file until there is more. Beyond the limit it is not held open, but where that
    /// would mean to decompress it once more from its beginning.
    fn rest(&mut self, id: FileId) {
        let Some(tail) = self.tails.get_mut(&id) else { return };
        // One that was renamed could not be found by its pattern again.
        if tail.is_present && !tail.input.reads_once() && tail.input.open.is_over() {
            tail.close();
        }
    }

    /// A file cannot be read. What is damaged is tried again when it has changed, all else soon.
    pub(super) fn fail(&mut self, id: FileId, error: &io::Error) {
        let Some(tail) = self.tails.get_mut(&id) else { return };
        let is_damaged =
            matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
                || error.kind() == io::ErrorKind::UnexpectedEof;
        tail.seen = if is_damaged { tail.verified } else { None };
        tail.close();
        // One that went away just now is no trouble: the next scan sees to it.
        if error.kind() != io::ErrorKind::NotFound {
            self.troubles.add(&tail.path, unreadable(error));
        }
    }

    /// Puts positions on disk; whether that worked.
    pub(super) fn save(&mut self) -> bool {
        let saved = self.positions.write();
        self.cannot_keep = saved.is_err();
        let path = self.positions.path().to_owned();
        match &saved {
            Ok(()) => self.troubles.clear(&path),
            Err(error) => self.troubles.add(
                &path,
                format!("how far files have been read cannot be kept: {error}; new files wait"),
            ),
        }
        saved.is_ok()
    }

    /// Waits for what is on its way and keeps how far that is.
    pub(crate) async fn finish(mut self) {
        self.settle_all().await;
        self.end_gone();
        self.settle_all().await;
        self.save();
    }

    async fn settle_all(&mut self) {
        while self.awaits_arrivals() {
            let arrival = self.arrival().await;
            self.settle(&arrival, Instant::now());
        }
    }
}
