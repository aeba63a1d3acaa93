//! A connection whose bytes are lines: over TCP, TLS or a socket in the file system.
//!
//! There is no acknowledgement, so nothing is ever turned away: while the log has no room the connection is
//! not read. The door closes its side only when all that it read is durable.

use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::budget::Reservation;
use crate::connections::Admission;
use crate::form::Form;
use crate::frames::Frames;
use crate::intake::{Identity, Ids, Intake, Lane, Line, Origin, Receipt};
use crate::lines::Framing;
use crate::multiline::Rules;
use crate::reader::Reader;
use crate::stream::Stream;

/// Read ahead while a batch is on its way; then reading stops.
const READ_AHEAD_BYTES: usize = 1 << 20;
/// Memory for a batch, beside that of bytes that wait for the next ones.
const BATCH_BYTES: usize = 1 << 20;
/// Longest line that may be a token.
const TOKEN_BYTES_MAX: usize = 1 << 10;
/// At a stop: how long what has arrived is still read, and the silence that ends it.
const LAST_READ: Duration = Duration::from_secs(1);
const LAST_SILENCE: Duration = Duration::from_millis(100);

/// What all connections of a door have in common.
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) codec: Codec,
    pub(crate) form: Form,
    pub(crate) framing: Framing,
    pub(crate) multiline: Option<Rules>,
    pub(crate) idle_timeout: Duration,
    pub(crate) line_timeout: Duration,
    /// Whether the first line is the token, where one is set.
    pub(crate) asks_token: bool,
}

impl Door {
    fn name(&self) -> &'static str {
        self.intake.door()
    }

    /// Serves one connection of `source` to its end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        stream: Stream,
        source: ByteString,
        admission: Admission,
        shutdown: CancellationToken,
    ) {
        let share = admission.guest.share.clone();
        let reader = Reader::new(stream, share, self.form.memory_factor());
        let intake = &self.intake;
        let connection = Connection {
            reader,
            source,
            frames: Frames::new(
                self.framing,
                self.multiline.clone(),
                intake.line_bytes_max(),
                intake.door(),
                intake.metrics(),
            ),
            held: None,
            lane: Lane::new(intake.clone()),
            door: self,
            _admission: admission,
        };
        connection.serve(shutdown).await;
    }
}

/// Why no more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The sender has finished.
    Finished,
    /// The connection broke.
    Broken,
    /// It was silent for too long.
    Silent,
    /// Its frames cannot be told apart any more.
    Misframed,
    /// The process stops.
    Stopped,
}

struct Connection {
    reader: Reader<Stream>,
    source: ByteString,
    frames: Frames,
    /// Memory of what is read and not on its way.
    held: Option<Reservation>,
    lane: Lane,
    door: Arc<Door>,
    _admission: Admission,
}

impl Connection {
    async fn serve(mut self, shutdown: CancellationToken) {
        let Some(identity) = self.identify(&shutdown).await else {
            return self.reader.stream.close().await;
        };
        let origin = Arc::new(Origin {
            shop: identity.shop,
            source: self.source.clone(),
            listener: self.door.name(),
            codec: self.door.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // Every connection stays on one partition, so that its order holds.
            routing_key: Ids::counted().of("", 0).to_string().into(),
        });
        let end = self.read_all(&origin, &shutdown).await;
        let limit = match end {
            End::Silent => Some("idle_timeout"),
            End::Misframed => Some("framing"),
            End::Finished | End::Broken | End::Stopped => None,
        };
        if let Some(limit) = limit {
            self.door.intake.metrics().limit_hit(self.door.name(), limit);
        }
        self.flush(&origin, end).await;
        tracing::debug!(door = self.door.name(), source = %self.source, ?end, "a connection has ended");
        self.reader.stream.close().await;
    }

    /// The first line is the token, where one is needed.
    async fn identify(&mut self, shutdown: &CancellationToken) -> Option<Identity> {
        let door = Arc::clone(&self.door);
        if !door.asks_token {
            return Some(door.intake.anonymous());
        }
        if !door.intake.needs_token() {
            return door.intake.identify(None).ok();
        }
        let deadline = Instant::now() + door.line_timeout;
        loop {
            if let Some(line) = self.frames.next_line() {
                let identity = door.intake.identify(Some(&line.payload)).ok();
                self.release();
                if identity.is_none() {
                    // For a person; whether a program reads it does not matter.
                    self.reader.stream.say(b"the first line must be the ingest token\n").await;
                }
                return identity;
            }
            if self.frames.buffered_bytes() > TOKEN_BYTES_MAX {
                return door.intake.identify(None).ok();
            }
            let read = tokio::select! {
                read = self.reader.next() => read,
                () = sleep_until(deadline) => return door.intake.identify(None).ok(),
                () = shutdown.cancelled() => return None,
            };
            let Ok(Some((block, room))) = read else { return None };
            self.take_in(block, room);
        }
    }

    /// Reads until there is no more, and sends what is complete.
    async fn read_all(&mut self, origin: &Arc<Origin>, shutdown: &CancellationToken) -> End {
        let mut last_read = Instant::now();
        let mut line_begun = (None, last_read);
        let mut event_held_at = last_read;
        let mut stopping: Option<Instant> = None;
        loop {
            if self.lane.is_free() && self.frames.has_unread() {
                self.dispatch(origin);
            }
            if self.frames.is_broken() {
                return End::Misframed;
            }
            if line_begun.0 != self.frames.unfinished() {
                line_begun = (self.frames.unfinished(), Instant::now());
            }
            let deadline = match (stopping, line_begun) {
                (Some(since), _) => (since + LAST_READ).min(last_read.max(since) + LAST_SILENCE),
                (None, (None, _)) => last_read + self.door.idle_timeout,
                (None, (Some(_), begun)) => begun + self.door.line_timeout,
            };
            let may_read =
                self.frames.buffered_bytes() < READ_AHEAD_BYTES || !self.frames.has_unread();
            let flush_interval = self.frames.flush_interval();
            let flush_at = flush_interval.map(|interval| event_held_at.max(last_read) + interval);
            tokio::select! {
                receipt = self.lane.arrival(), if !self.lane.is_free() => {
                    self.take_back(receipt);
                    // The time during which the log held the sender up is not the sender's.
                    last_read = Instant::now();
                    line_begun.1 = last_read;
                }
                read = self.reader.next(), if may_read => match read {
                    Ok(Some((block, room))) => {
                        last_read = Instant::now();
                        self.take_in(block, room);
                    }
                    Ok(None) => return End::Finished,
                    Err(_) => return End::Broken,
                },
                // While its lines wait for the log, a sender may be silent and in the midst of a line.
                () = sleep_until(deadline), if may_read && (stopping.is_some() || self.lane.is_free()) => {
                    // Whoever holds half a line must go on with it, or all memory could be halves.
                    if stopping.is_none() && self.reader.is_held_up() && line_begun.0.is_none() {
                        last_read = Instant::now();
                        continue;
                    }
                    return if stopping.is_some() { End::Stopped } else { End::Silent };
                }
                // Whoever wrote the beginning of an event has perhaps written all of it.
                () = sleep_until(flush_at.unwrap_or(deadline)),
                    if flush_at.is_some() && self.lane.is_free() => {
                    // Its next line may have come already, and want memory only. That is not waited for
                    // without end, or all memory could be beginnings.
                    if self.reader.is_held_up() && last_read.elapsed() < self.door.line_timeout {
                        event_held_at = Instant::now();
                    } else {
                        self.frames.end_event();
                    }
                }
                () = shutdown.cancelled(), if stopping.is_none() => {
                    stopping = Some(Instant::now());
                }
            }
        }
    }

    fn take_in(&mut self, block: Bytes, room: Reservation) {
        self.push(block);
        self.add_room(room);
    }

    fn push(&mut self, block: Bytes) {
        let received = &self.door.intake.metrics().received_bytes;
        received.with_label_values(&[self.door.name()]).inc_by(block.len() as u64);
        self.frames.push(block);
    }

    fn add_room(&mut self, room: Reservation) {
        match &mut self.held {
            Some(held) => held.add(room),
            None => self.held = Some(room),
        }
    }

    /// Gives back the memory of what is neither held nor on its way. While there are lines to send, a batch
    /// of them keeps its memory, since records of short lines need more than was taken for their bytes.
    fn release(&mut self) {
        let buffered_bytes = self.frames.buffered_bytes();
        let mut bytes = buffered_bytes * self.reader.memory_factor();
        if self.reader.memory_factor() > 1 && self.frames.has_unread() {
            bytes = bytes.max(buffered_bytes + BATCH_BYTES);
        }
        drop(self.held.as_mut().and_then(|held| held.keep(bytes)));
    }

    /// Takes back the memory of a batch that has arrived, as far as the next one needs it.
    fn take_back(&mut self, receipt: Option<Receipt>) {
        if let Some(room) = receipt.and_then(|receipt| receipt.batch.room) {
            self.add_room(room);
        }
        self.release();
    }

    /// Sends the lines that have ended, as many as fit.
    fn dispatch(&mut self, origin: &Arc<Origin>) {
        if let Some(first) = self.frames.next() {
            self.send(origin, first);
        } else {
            self.release();
        }
    }

    /// Sends a batch that begins with this line, and holds no more than there is memory for.
    fn send(&mut self, origin: &Arc<Origin>, first: Line) {
        let (intake, form) = (&self.door.intake, &self.door.form);
        let room_bytes = self.held.as_ref().map_or(0, Reservation::bytes);
        let mut made_bytes = 0;
        let mut batch = intake.batch(Ids::counted());
        batch.set_origin(origin);
        let mut next = Some(first);
        while let Some(line) = next {
            let received_at_ns = batch.received_at_ns();
            if let Some(line) = form.give(line, received_at_ns, intake.line_bytes_max()) {
                made_bytes += form.made_bytes(&line);
                batch.push(line);
            }
            let has_room =
                made_bytes == 0 || made_bytes + self.frames.buffered_bytes() < room_bytes;
            next = if has_room && !batch.is_full() { self.frames.next() } else { None };
        }
        if batch.is_empty() {
            return self.release();
        }
        // The rest comes back with the batch, and nothing else is sent before.
        let buffered_bytes = self.frames.buffered_bytes();
        batch.room = self.held.as_mut().and_then(|held| held.keep(buffered_bytes));
        self.lane.settle(batch);
    }

    /// Makes everything durable that was read.
    async fn flush(&mut self, origin: &Arc<Origin>, end: End) {
        // A few bytes may have waited for memory.
        let first = self.reader.take_first();
        self.push(first);
        self.send_ended(origin).await;
        self.frames.finish(end == End::Finished);
        self.send_ended(origin).await;
    }

    /// Sends all that has ended, one batch after the other, and waits until it is durable.
    async fn send_ended(&mut self, origin: &Arc<Origin>) {
        loop {
            let receipt = self.lane.arrival().await;
            self.take_back(receipt);
            if !self.frames.has_unread() {
                break;
            }
            self.dispatch(origin);
        }
    }
}
