//! The events of a file: each line is one, or those that belong together are.
//!
//! An event that has begun is held with its memory until its end has come, so that it is whole though the file is
//! cut off. How far the file is durable never passes its beginning: after a crash its lines are read again.

use std::collections::VecDeque;
use std::time::Duration;

use bus::{Joined, RecordId};
use bytes::Bytes;
use bytestring::ByteString;

use super::input::Input;
use crate::budget::Reservation;
use crate::intake::{Batch, Line, Origin};
use crate::lines::{whole, whole_or_empty};
use crate::multiline::Multiline;

/// What makes events of a file's lines.
#[derive(Debug)]
pub(crate) struct Events {
    /// None where each line is an event.
    joining: Option<Box<Joining>>,
}

/// What joins lines.
#[derive(Debug)]
struct Joining {
    multiline: Multiline,
    ended: VecDeque<Line>,
    /// Of what ids are made: whose events they are, and the name of the content.
    shop: ByteString,
    content: ByteString,
    /// Memory of the event that has begun.
    room: Option<Reservation>,
}

impl Events {
    /// Those of a file of this input whose lines come from there.
    pub(crate) fn new(input: &Input, origin: &Origin) -> Self {
        let joining = input.multiline().map(|multiline| {
            Box::new(Joining {
                multiline,
                ended: VecDeque::new(),
                shop: origin.shop.clone(),
                content: origin.routing_key.clone(),
                room: None,
            })
        });
        Self { joining }
    }

    /// Adds a line whose bytes are all there and that begins at this place of its file.
    pub(crate) fn take(&mut self, line: Bytes, at: u64, line_bytes_max: usize, batch: &mut Batch) {
        match &mut self.joining {
            // An empty line may stand within an event.
            Some(joining) => joining.push(whole_or_empty(line, at, line_bytes_max), batch),
            None => {
                if let Some(line) = whole(line, at, line_bytes_max) {
                    batch.push(line);
                }
            }
        }
    }

    /// Adds a line that is refused.
    pub(crate) fn take_refused(&mut self, line: Line, batch: &mut Batch) {
        match &mut self.joining {
            Some(joining) => joining.push(line, batch),
            None => batch.push(line),
        }
    }

    /// Ends the event that has begun.
    pub(crate) fn end(&mut self, batch: &mut Batch) {
        if let Some(joining) = &mut self.joining
            && let Some(event) = joining.multiline.end()
        {
            batch.push(joining.named(event));
        }
    }

    /// Where the event begins that has begun.
    pub(crate) fn begins_at(&self) -> Option<u64> {
        self.joining.as_ref()?.multiline.begins_with()
    }

    /// How long it is waited for another line, while an event has begun.
    pub(crate) fn flush_interval(&self) -> Option<Duration> {
        self.joining.as_ref()?.multiline.flush_interval()
    }

    /// Adds memory, and keeps as much of it as is held of the event that has begun; the rest is given away.
    pub(crate) fn keep_room(&mut self, mut room: Reservation) -> Option<Reservation> {
        let Some(joining) = &mut self.joining else { return Some(room) };
        if let Some(before) = joining.room.take() {
            room.add(before);
        }
        let held_bytes = joining.multiline.held_bytes();
        if held_bytes == 0 {
            return Some(room);
        }
        let rest = room.keep(held_bytes);
        joining.room = Some(room);
        rest
    }

    /// Gives away the memory of an event that has ended.
    pub(crate) fn take_room(&mut self) -> Option<Reservation> {
        self.joining.as_mut()?.room.take()
    }
}

impl Joining {
    fn push(&mut self, line: Line, batch: &mut Batch) {
        self.multiline.push(line, &mut self.ended);
        while let Some(event) = self.ended.pop_front() {
            batch.push(self.named(event));
        }
    }

    /// Gives an event of several lines an id that says where it ends too: after a crash it may have more lines than
    /// before, and the same id would hide them.
    fn named(&self, mut event: Line) -> Line {
        let joined = event.content_type.and_then(Joined::of);
        if joined.is_some_and(|joined| joined.is_several) {
            let key = format!("{}+{}", self.content, event.payload.len());
            event.id = Some(RecordId::from_idempotency_key(&self.shop, &key, event.number));
        }
        event
    }
}
