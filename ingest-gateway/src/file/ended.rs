//! Events of several lines that no line ends: since none has come for long enough, or since none can come any more.
//!
//! Knows nothing of what belongs together.

use std::fs;

use tokio::time::Instant;

use super::door::{Arrival, Door};
use super::identity::{FileId, Stamp};
use super::paths::{Folders, leads_to};
use super::tail::Tail;

impl Door {
    /// Ends events whose next line has not come for long enough, after a look at the files.
    pub(crate) fn end_due(&mut self, now: Instant, is_memory_scarce: bool) {
        let due = self.tails.values().filter(|tail| tail.is_due(now, is_memory_scarce));
        let due: Vec<_> = due.map(|tail| (tail.id, !tail.is_ready && has_grown(tail))).collect();
        for (id, has_grown) in due {
            if !has_grown {
                self.end_event(id, true);
            } else if let Some(tail) = self.tails.get_mut(&id) {
                tail.active_at = now;
                self.enqueue(id);
            }
        }
    }

    /// Ends events of files that are gone, before a stop: nobody can read them again.
    pub(super) fn end_gone(&mut self) {
        let mut folders = Folders::default();
        let begun = self.tails.values().filter(|tail| tail.has_begun() && !tail.is_on_its_way);
        let gone = begun.filter(|tail| is_gone(tail, &mut folders)).map(|tail| tail.id);
        let gone: Vec<_> = gone.collect();
        for id in gone {
            self.end_event(id, false);
        }
    }

    /// Sends the event that had begun in a content that is cut off. Of the new content nothing is read before it has
    /// arrived.
    pub(super) fn end_content(&mut self, mut before: Tail) {
        let batch = self.intake.batch(before.ids());
        let batch = before.end_event(batch);
        if !batch.is_empty() {
            let arrival = Arrival::new(&before, before.at, false);
            self.send(batch, arrival, false);
        }
    }

    fn end_event(&mut self, id: FileId, can_come_again: bool) {
        let Some(tail) = self.tails.get_mut(&id) else { return };
        let batch = self.intake.batch(tail.ids());
        let batch = tail.end_event(batch);
        let arrival = Arrival::new(tail, tail.at, false);
        if batch.is_empty() {
            self.positions.advance(id, &tail.name, tail.at, false);
        } else {
            self.send(batch, arrival, can_come_again);
        }
    }
}

/// Whether there is more of a file than was read. Open files have been looked at, others may have been opened last
/// before it came.
fn has_grown(tail: &Tail) -> bool {
    let Some(seen) = tail.seen else { return false };
    let metadata = match &tail.content {
        Some(content) => content.metadata(),
        None => fs::metadata(&tail.path),
    };
    metadata.is_ok_and(|now| FileId::of(&now) == tail.id && Stamp::of(&now) != seen)
}

/// Whether no start would find a file again: it was removed, or moved out of its folder.
fn is_gone(tail: &Tail, folders: &mut Folders) -> bool {
    let is_removed = match &tail.content {
        Some(content) => content.is_removed(),
        None => !tail.is_present,
    };
    is_removed
        || leads_to(&tail.path, tail.id).is_ok_and(|leads| !leads)
            && folders.locate(&tail.path, tail.id).is_none()
}
