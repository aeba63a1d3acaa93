//! Looks at folders and files: what is new, has grown, was renamed, or is gone.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::content::Content;
use super::door::Door;
use super::identity::{FileId, Fingerprint, Stamp, read_full};
use super::input::Input;
use super::paths::{Folders, Found, Sighting, is_gzip};
use super::tail::{BLOCK_BYTES, Tail};
use super::troubles::unreadable;
use crate::config::StartPosition;

impl Door {
    /// When there is something to look at.
    pub(crate) fn looks_next_at(&self, now: Instant) -> Instant {
        self.rhythm.next_at(now)
    }

    /// Looks at what it is time for.
    pub(crate) fn look_around(&mut self, now: Instant) {
        if self.rhythm.is_any_scan_due(now) {
            self.scan(now);
        } else {
            self.look(now);
        }
    }

    /// The look at this time has ended: from now on it is waited for the next one.
    pub(crate) fn wait_after(&mut self, looked_at: Instant, ended_at: Instant) {
        self.rhythm.go_on(looked_at, ended_at);
    }

    /// Looks at all folders and all files of the inputs for which it is time.
    pub(crate) fn scan(&mut self, now: Instant) {
        let looked_at_ns = self.rhythm.begin_scan(now, self.intake.now_ns());
        self.positions.set_looked_at(looked_at_ns);
        let mut found = std::mem::take(&mut self.found);
        let rhythm = &self.rhythm;
        self.paths.find(&mut found, |input| rhythm.is_scan_due(input, now));
        let now_s = self.now_s();
        self.note(&found);
        for id in &found.order {
            let Sighting { path, stamp, input } = &found.files[id];
            match self.tails.get_mut(id) {
                None => self.take_in(*id, path, input, true, now),
                Some(tail) => {
                    (tail.is_present, tail.path) = (true, path.clone());
                    tail.found_by = Arc::clone(input);
                    if tail.seen != Some(*stamp) && tail.content.is_none() {
                        tail.active_at = now;
                        self.enqueue(*id);
                    }
                }
            }
            self.positions.see(*id, path, now_s);
        }
        self.follow(&found, now);
        self.look(now);
        self.close_idle(now);
        self.has_scanned = true;
        self.forget_unseen(now_s);
        self.save();
        self.show(&found);
        self.found = found;
    }

    /// Looks at open files of the inputs for which it is time.
    pub(crate) fn look(&mut self, now: Instant) {
        self.cannot_keep = false;
        let mut changed = Vec::new();
        for (id, tail) in &self.tails {
            let Some(content) = &tail.content else { continue };
            if tail.is_ready || tail.is_on_its_way || !self.rhythm.is_look_due(&tail.input, now) {
                continue;
            }
            match content.metadata() {
                Ok(metadata) if tail.seen == Some(Stamp::of(&metadata)) => {}
                looked => changed.push((*id, looked.err())),
            }
        }
        for (id, error) in changed {
            // All that have grown come before the first is read, so that one write does for all.
            match error.map_or_else(|| self.complete_fingerprint(id), Err) {
                Err(error) => self.fail(id, &error),
                Ok(()) => {
                    if let Some(tail) = self.tails.get_mut(&id) {
                        tail.active_at = now;
                    }
                    self.enqueue(id);
                }
            }
        }
    }

    /// Says what cannot be looked at, and that compressed files are not followed.
    fn note(&mut self, found: &Found) {
        let mut there: HashSet<&Path> =
            found.failures.iter().map(|failure| &*failure.path).collect();
        there.extend(found.files.values().map(|sighting| &*sighting.path));
        there.extend(self.tails.values().map(|tail| &*tail.path));
        there.insert(self.positions.path());
        self.troubles.keep(|path| there.contains(path));
        for failure in &found.failures {
            self.troubles.add(&failure.path, failure.what.clone());
        }
        self.compressed.retain(|path| found.compressed.contains_key(path));
        for path in found.compressed.keys() {
            if self.compressed.insert(path.clone()) {
                let path = service::Printable(path.display());
                tracing::info!(%path, "compressed files are read with mode \"read\", not followed");
            }
        }
    }

    /// Takes a file in that was not known to this process.
    fn take_in(
        &mut self,
        id: FileId,
        path: &Path,
        input: &Arc<Input>,
        is_present: bool,
        now: Instant,
    ) {
        match self.begin(id, path, input, now) {
            Ok(Some(mut tail)) => {
                tail.is_present = is_present;
                let is_finished = tail.is_finished;
                self.tails.insert(id, tail);
                if !is_finished {
                    self.enqueue(id);
                }
            }
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                if !self.has_scanned {
                    self.shut_at_first.insert(id);
                }
                self.troubles.add(path, unreadable(&error));
            }
        }
    }

    fn begin(
        &mut self,
        id: FileId,
        path: &Path,
        input: &Arc<Input>,
        now: Instant,
    ) -> io::Result<Option<Tail>> {
        let content = Content::open(path, is_gzip(path), &input.open)?;
        let metadata = content.metadata()?;
        if FileId::of(&metadata) != id {
            // Another file took its place just now: the next look finds that.
            return Ok(None);
        }
        self.troubles.clear(path);
        let position = match self.positions.adopt(id, path, content.file())? {
            Some(position) => position.clone(),
            None => {
                let offset = match self.is_read_whole(id, path, input, &metadata) {
                    true => 0,
                    false => last_line_at(content.file(), metadata.len())?,
                };
                let fingerprint = Fingerprint::of(content.file())?;
                let now_s = self.now_s();
                self.positions.begin(id, path, fingerprint, offset, now_s).clone()
            }
        };
        let shop = self.intake.anonymous().shop;
        // The path that it had when it was followed, so that lines that are sent again are the same.
        let origin = input.origin(shop, Path::new(&position.path), &position.name);
        let mut tail = Tail::new(&position, path.to_owned(), Arc::clone(input), origin, now);
        tail.verified = (metadata.len() >= position.offset).then(|| Stamp::of(&metadata));
        if tail.is_finished {
            tail.seen = tail.verified;
        } else if !input.reads_once() && content.is_plain() && !input.open.is_over() {
            // One more is held open.
            tail.content = Some(content);
        }
        Ok(Some(tail))
    }

    /// Whether a file of which no position is kept begins with its first line. Only what was there before the door
    /// was begins with its end: neither what came later nor what came or was renamed while nothing ran.
    fn is_read_whole(&self, id: FileId, path: &Path, input: &Input, metadata: &Metadata) -> bool {
        input.reads_once()
            || input.start_position == Some(StartPosition::Beginning)
            || self.has_scanned && !self.shut_at_first.contains(&id)
            || self.positions.are_older_than(metadata.created().ok())
            || self.positions.knew_path(path)
    }

    /// Files that are no longer where they were. Renamed ones that are followed are read to their end.
    fn follow(&mut self, found: &Found, now: Instant) {
        let mut folders = Folders::default();
        let mut renamed = Vec::new();
        for tail in self.tails.values_mut() {
            if !tail.is_present || found.files.contains_key(&tail.id) {
                continue;
            }
            tail.is_present = false;
            if tail.input.reads_once() {
                continue;
            }
            if let Some(path) = folders.locate(&tail.path, tail.id) {
                tail.path = path;
                // No scan finds it again: there may be more of it when what is on its way has arrived.
                tail.seen = None;
                renamed.push(tail.id);
            }
        }
        for id in renamed {
            self.enqueue(id);
        }
        if self.has_scanned {
            return;
        }
        // What was renamed while no process ran.
        let mut unseen: Vec<(FileId, PathBuf, Arc<Input>)> = Vec::new();
        for position in self.positions.all() {
            let path = Path::new(&position.path);
            if !self.tails.contains_key(&position.id())
                && !position.finished
                && let Some(input) = self.paths.want(path).filter(|input| !input.reads_once())
                && let Some(now_at) = folders.locate(path, position.id())
                && now_at != path
                && File::open(&now_at).and_then(|file| position.fits(&file)).unwrap_or(false)
            {
                unseen.push((position.id(), now_at, Arc::clone(input)));
            }
        }
        for (id, path, input) in unseen {
            self.take_in(id, &path, &input, false, now);
        }
    }

    /// Lets go of files without news, and of those that are gone. An event that has begun ends first.
    fn close_idle(&mut self, now: Instant) {
        let mut gone = Vec::new();
        for tail in self.tails.values_mut() {
            // Whether there is news in an open file is only known of those that were looked at now.
            let is_known = self.rhythm.is_look_due(&tail.input, now);
            if !is_known || tail.is_ready || tail.is_on_its_way || tail.has_begun() {
                continue;
            }
            if let Some(content) = &tail.content {
                let quiet = now.duration_since(tail.active_at);
                if tail.seen.is_none() || quiet < tail.input.close_after {
                    continue;
                }
                if content.is_removed() {
                    // Its inode is free for another file.
                    self.positions.forget(tail.id);
                }
                tail.close();
            }
            if !tail.is_present {
                gone.push(tail.id);
            }
        }
        for id in gone {
            self.tails.remove(&id);
        }
    }

    /// Forgets how far files were read that are gone for longer than their inputs say.
    fn forget_unseen(&mut self, now_s: i64) {
        let Self { positions, paths, tails, forget_after, .. } = self;
        let of_door = *forget_after;
        let least = paths.inputs().map(|input| input.forget_after).fold(of_door, Duration::min);
        let kept_for = |path: &Path| paths.want(path).map_or(of_door, |input| input.forget_after);
        positions.forget_unseen(now_s, least, kept_for, |id| tails.contains_key(&id));
    }

    fn show(&self, found: &Found) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let metrics = self.intake.metrics();
        metrics.files.with_label_values(&["known"]).set(count(self.tails.len()));
        let unread = self.tails.values().filter(|tail| !tail.is_finished).filter_map(|tail| {
            let sighting = found.files.get(&tail.id)?;
            let position = self.positions.get(tail.id).filter(|_| !is_gzip(&sighting.path))?;
            Some(sighting.stamp.bytes.saturating_sub(position.offset))
        });
        let unread = unread.fold(0_u64, u64::saturating_add);
        metrics.unread_bytes.set(i64::try_from(unread).unwrap_or(i64::MAX));
    }
}

/// Where the last line begins that has no end yet, so that a line is never cut; the end of the file if
/// that is not near.
fn last_line_at(file: &File, bytes: u64) -> io::Result<u64> {
    let from = bytes.saturating_sub(BLOCK_BYTES as u64);
    let mut block = vec![0; BLOCK_BYTES];
    let read = read_full(file, &mut block, from)?;
    Ok(match memchr::memrchr(b'\n', &block[..read]) {
        Some(end) => from + end as u64 + 1,
        None if from == 0 => 0,
        None => bytes,
    })
}
