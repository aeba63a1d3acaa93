//! A connection whose bytes are lines: over TCP, TLS or a socket in the file system.
//!
//! There is no acknowledgement, so nothing is ever turned away: while the log has no room, or the sender's shop
//! is in debt with its quota, the connection is not read. The door closes its side only when all that it read is
//! durable.

use std::sync::Arc;
use std::time::Duration;

use access::ShopName;
use bus::Codec;
use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::budget::Reservation;
use crate::connections::Admission;
use crate::form::Form;
use crate::frames::{First, Frames};
use crate::intake::{Ids, Intake, Lane, Line, Origin, Pass, Receipt, Shown, Unidentified};
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
    pub(crate) first_line: FirstLine,
}

/// What the first line of a connection may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstLine {
    /// A line as all others.
    Line,
    /// A token, if it is one; else a line as all others.
    PerhapsToken,
    /// The token where the sender must show one; else the same.
    Token,
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
        let certificate = stream.shop().cloned();
        let mut reader = Reader::new(stream, share, self.form.memory_factor());
        let intake = &self.intake;
        if self.first_line != FirstLine::Line && intake.has_quotas() {
            reader.begin_small();
        }
        let origin = Arc::new(Origin {
            shop: intake.without_token(certificate.as_ref()).shop,
            source,
            listener: ByteString::from_static(self.name()),
            codec: self.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // Every connection stays on one partition, so that its order holds.
            routing_key: Ids::counted().of("", 0).to_string().into(),
        });
        let connection = Connection {
            reader,
            origin,
            certificate,
            may_be_token: self.first_line != FirstLine::Line,
            pass: None,
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
    /// Nobody knows who the sender is: nothing of it is taken.
    Refused,
    /// The token that let it in is no longer good.
    TokenEnded(Unidentified),
    /// The process stops.
    Stopped,
}

/// When things happened, and what is due when.
struct Times {
    last_read: Instant,
    /// The line whose beginning has come and whose end has not, and when it began.
    line_begun: (Option<u64>, Instant),
    /// When the beginning of an event was last let wait for its next line.
    event_held_at: Instant,
    /// Since when the process stops.
    stopping: Option<Instant>,
}

impl Times {
    fn begin() -> Self {
        let now = Instant::now();
        Self { last_read: now, line_begun: (None, now), event_held_at: now, stopping: None }
    }

    /// The time until now was not the sender's.
    fn begin_anew(&mut self) {
        self.last_read = Instant::now();
        self.line_begun.1 = self.last_read;
    }

    /// Until when more must have come.
    fn deadline(&self, door: &Door) -> Instant {
        match (self.stopping, self.line_begun) {
            (Some(since), _) => (since + LAST_READ).min(self.last_read.max(since) + LAST_SILENCE),
            (None, (None, _)) => self.last_read + door.idle_timeout,
            (None, (Some(_), begun)) => begun + door.line_timeout,
        }
    }
}

struct Connection {
    reader: Reader<Stream>,
    /// Who sends its lines.
    origin: Arc<Origin>,
    /// The shop of the sender's certificate.
    certificate: Option<ShopName>,
    /// Whether the first line has not come that may be a token.
    may_be_token: bool,
    /// The token that let it in.
    pass: Option<Pass>,
    frames: Frames,
    /// Memory of what is read and not on its way.
    held: Option<Reservation>,
    lane: Lane,
    door: Arc<Door>,
    _admission: Admission,
}

impl Connection {
    async fn serve(mut self, shutdown: CancellationToken) {
        if !self.let_in(&shutdown).await {
            return self.reader.stream.close().await;
        }
        if !self.may_be_token {
            self.limit().await;
        }
        let end = self.read_all(&shutdown).await;
        let limit = match end {
            End::Silent => Some("idle_timeout"),
            End::Misframed => Some("framing"),
            End::Finished | End::Broken | End::Stopped | End::Refused | End::TokenEnded(_) => None,
        };
        if let Some(limit) = limit {
            self.door.intake.metrics().limit_hit(self.door.name(), limit);
        }
        if end != End::Refused {
            self.flush(end).await;
        }
        let (door, source) = (self.door.name(), &self.origin.source);
        if let End::TokenEnded(why) = end {
            tracing::info!(door, %source, %why, "a connection is closed, and all that was read of it is durable");
            self.reader.stream.say(format!("{why}\n").as_bytes()).await;
        } else {
            tracing::debug!(door, %source, ?end, "a connection has ended");
        }
        self.reader.stream.close().await;
    }

    /// Whether the sender may come in. Where it must show a token, the first line is that.
    async fn let_in(&mut self, shutdown: &CancellationToken) -> bool {
        let door = Arc::clone(&self.door);
        let needs_token = door.intake.needs_token(self.certificate.as_ref());
        if door.first_line != FirstLine::Token || !needs_token {
            return true;
        }
        let deadline = Instant::now() + door.line_timeout;
        loop {
            if let Some(line) = self.frames.next_line() {
                self.may_be_token = false;
                let is_known = self.show(&line.payload).await;
                self.release();
                return is_known;
            }
            if self.frames.buffered_bytes() > TOKEN_BYTES_MAX {
                return door.intake.identify(Shown::default()).await.is_ok();
            }
            let read = tokio::select! {
                read = self.reader.next() => read,
                () = sleep_until(deadline) => {
                    return door.intake.identify(Shown::default()).await.is_ok();
                }
                () = shutdown.cancelled() => return false,
            };
            let Ok(Some((block, room))) = read else { return false };
            self.take_in(block, room);
        }
    }

    /// Shows a token for the sender; whether the door knows who that is then.
    async fn show(&mut self, token: &[u8]) -> bool {
        let shown = Shown { token: Some(token), certificate: self.certificate.as_ref() };
        match self.door.intake.identify(shown).await {
            Ok(identity) => {
                self.origin =
                    Arc::new(Origin { shop: identity.shop, ..Origin::clone(&self.origin) });
                self.pass = self.door.intake.pass(token);
                true
            }
            Err(why) => {
                let said = match why {
                    Unidentified::NoToken => "the first line must be the ingest token".to_owned(),
                    why => why.to_string(),
                };
                // For a person; whether a program reads it does not matter.
                self.reader.stream.say(format!("{said}\n").as_bytes()).await;
                false
            }
        }
    }

    /// Takes the first line away if it is a token; false if nobody has that one. A token is no event, even where its
    /// line was cut off.
    async fn take_token(&mut self) -> bool {
        if !self.may_be_token {
            return true;
        }
        let intake = &self.door.intake;
        let is_token =
            |line: &Line| line.payload.len() <= TOKEN_BYTES_MAX && intake.is_token(&line.payload);
        let first = self.frames.first_line(is_token);
        let is_short = self.frames.buffered_bytes() <= TOKEN_BYTES_MAX;
        self.may_be_token = matches!(first, First::Missing) && is_short;
        let is_known = match first {
            First::Before(line) => self.show(&line.payload).await,
            First::Missing | First::Event => true,
        };
        if is_known && !self.may_be_token {
            self.limit().await;
        }
        is_known
    }

    /// From here on it is read as the quota of its shop allows. What had to be read before anybody knew whose it is
    /// waits for that too.
    async fn limit(&mut self) {
        let turnstile = self.door.intake.turnstile(&self.origin.shop);
        let bytes = self.frames.buffered_bytes();
        if let Some(turnstile) = turnstile.as_ref().filter(|_| bytes > 0) {
            turnstile.pass(bytes).await.keep(bytes as u64);
        }
        self.reader.set_turnstile(turnstile);
    }

    /// Sends the lines that have ended, if their sender is known and may still send.
    async fn send_on(&mut self) -> Result<(), End> {
        if !self.take_token().await {
            return Err(End::Refused);
        }
        if let Some(pass) = &mut self.pass {
            self.door.intake.check_pass(pass).map_err(End::TokenEnded)?;
        }
        self.dispatch();
        Ok(())
    }

    /// Reads until there is no more, and sends what is complete.
    async fn read_all(&mut self, shutdown: &CancellationToken) -> End {
        let mut times = Times::begin();
        loop {
            if self.lane.is_free() && self.frames.has_unread() {
                if let Err(end) = self.send_on().await {
                    return end;
                }
                // Its first lines may have waited for the quota of their shop.
                times.last_read = Instant::now();
            }
            if self.frames.is_broken() {
                return End::Misframed;
            }
            if times.line_begun.0 != self.frames.unfinished() {
                times.line_begun = (self.frames.unfinished(), Instant::now());
            }
            let deadline = times.deadline(&self.door);
            let may_read =
                self.frames.buffered_bytes() < READ_AHEAD_BYTES || !self.frames.has_unread();
            let flush_interval = self.frames.flush_interval();
            let held_at = times.event_held_at.max(times.last_read);
            let flush_at = flush_interval.map(|interval| held_at + interval);
            tokio::select! {
                receipt = self.lane.arrival(), if !self.lane.is_free() => {
                    self.take_back(receipt);
                    // The time during which the log held the sender up is not the sender's.
                    times.begin_anew();
                }
                read = self.reader.next(), if may_read => match read {
                    Ok(Some((block, room))) => {
                        times.last_read = Instant::now();
                        if self.reader.has_waited() {
                            // Nor is the time for which its shop's quota did.
                            times.begin_anew();
                        }
                        self.take_in(block, room);
                    }
                    Ok(None) => return End::Finished,
                    Err(_) => return End::Broken,
                },
                // While its lines wait for the log, a sender may be silent and in the midst of a line.
                () = sleep_until(deadline), if may_read && (times.stopping.is_some() || self.lane.is_free()) => {
                    if times.stopping.is_some() {
                        return End::Stopped;
                    }
                    if !self.is_kept_waiting(times.line_begun.0.is_some()) {
                        return End::Silent;
                    }
                    times.begin_anew();
                }
                // Whoever wrote the beginning of an event has perhaps written all of it.
                () = sleep_until(flush_at.unwrap_or(deadline)),
                    if flush_at.is_some() && self.lane.is_free() => {
                    // Its next line may have come already, and want memory only. That is not waited for
                    // without end, or all memory could be beginnings.
                    let is_soon = times.last_read.elapsed() < self.door.line_timeout;
                    let may_wait = self.reader.may_wait() || is_soon;
                    if self.reader.is_held_up() && may_wait {
                        times.event_held_at = Instant::now();
                    } else {
                        self.frames.end_event();
                    }
                }
                () = shutdown.cancelled(), if times.stopping.is_none() => {
                    times.stopping = Some(Instant::now());
                }
                why = self.door.intake.pass_ended(self.pass.as_mut()) => return End::TokenEnded(why),
            }
        }
    }

    /// Whether it is silent only because what it sends must wait: for memory, or until its shop may send more. Whoever
    /// holds half a line that others want the memory of must go on with it, or all memory could be halves.
    fn is_kept_waiting(&self, is_within_line: bool) -> bool {
        self.reader.is_held_up() && (!is_within_line || self.reader.may_wait())
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
    fn dispatch(&mut self) {
        if let Some(first) = self.frames.next() {
            self.send(first);
        } else {
            self.release();
        }
    }

    /// Sends a batch that begins with this line, and holds no more than there is memory for.
    fn send(&mut self, first: Line) {
        let (intake, form) = (&self.door.intake, &self.door.form);
        let room_bytes = self.held.as_ref().map_or(0, Reservation::bytes);
        let mut made_bytes = 0;
        let mut batch = intake.batch(Ids::counted());
        batch.set_origin(&self.origin);
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
    async fn flush(&mut self, end: End) {
        // A few bytes may have waited for memory.
        let first = self.reader.take_first();
        self.push(first);
        if self.send_ended().await {
            self.frames.finish(end == End::Finished);
            self.send_ended().await;
        }
    }

    /// Sends all that has ended, one batch after the other, and waits until it is durable. False if nobody knows who
    /// the sender is: then nothing is sent.
    async fn send_ended(&mut self) -> bool {
        loop {
            let receipt = self.lane.arrival().await;
            self.take_back(receipt);
            if !self.frames.has_unread() {
                return true;
            }
            if !self.take_token().await {
                return false;
            }
            self.dispatch();
        }
    }
}
