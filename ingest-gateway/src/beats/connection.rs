//! One sender of windows: reads, publishes, and acknowledges what is durable.
//!
//! What is read, decoded and on its way is bounded by reservations; while there is no room for more, the
//! connection is not read, and the sender hears that its window is being worked on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytes::Bytes;
use bytestring::ByteString;
use pipeline::Rejection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::decoder::{Decoder, Progress};
use super::error::ProtocolError;
use super::frame::{Event, Frame, FrameLimits, Version};
use super::windows::{Ack, Windows};
use crate::budget::{Reservation, Share};
use crate::config::BeatsConfig;
use crate::connections::Admission;
use crate::intake::{Batch, Identity, Ids, Intake, Lane, Line, Origin};
use crate::reader::{Read, Reader};

/// How long a sender may take to read an acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// Frames that are decoded before other connections have their turn.
const FRAMES_AT_ONCE: usize = 4_096;
/// Steps of decompression without an event before they have it.
const STEPS_AT_ONCE: usize = 16;

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The sender has finished.
    Finished,
    /// The connection broke.
    Broken,
    /// It was silent, or its window did not come to its end, for too long.
    Silent,
    /// It does not speak the protocol, or not within the limits.
    Refused(ProtocolError),
    /// The process stops.
    Stopped,
}

/// A connection; generic over its stream, which may be TLS.
pub(super) struct Connection<S> {
    reader: Reader<S>,
    peer: SocketAddr,
    decoder: Decoder,
    /// Whether the decoder has taken all that was read.
    is_hungry: bool,
    windows: Windows,
    batch: Batch,
    /// Lines of the batch on its way.
    on_its_way: u64,
    /// Events that have come.
    events: u64,
    /// Memory of what is read and not on its way.
    room: Option<Reservation>,
    share: Share,
    lane: Lane,
    intake: Intake,
    origin: Arc<Origin>,
    config: Arc<BeatsConfig>,
    times: Times,
    /// Why nothing more is read, while what has come is finished.
    closing: Option<End>,
    _admission: Admission,
}

/// When things happened.
struct Times {
    last_read: Instant,
    /// When the sender was last told something, or began to wait for it.
    last_told: Instant,
    window_begun: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        stream: S,
        peer: SocketAddr,
        admission: Admission,
        identity: Identity,
        intake: &Intake,
        config: &Arc<BeatsConfig>,
    ) -> Self {
        let share = admission.guest.share.clone();
        let origin = Arc::new(Origin {
            shop: identity.shop,
            source: peer.ip().to_canonical().to_string().into(),
            listener: ByteString::from_static(intake.door()),
            codec: Codec::Json,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // Every connection stays on one partition, so that its order holds.
            routing_key: Ids::counted().of("", 0).to_string().into(),
        });
        let now = Instant::now();
        let mut reader = Reader::new(stream, share.clone(), 1);
        reader.set_turnstile(intake.turnstile(&origin.shop));
        Self {
            reader,
            peer,
            decoder: Decoder::new(limits(intake, config)),
            is_hungry: true,
            windows: Windows::default(),
            batch: fresh_batch(intake, &origin),
            on_its_way: 0,
            events: 0,
            room: None,
            share,
            lane: Lane::new(intake.clone()),
            intake: intake.clone(),
            origin,
            config: Arc::clone(config),
            times: Times { last_read: now, last_told: now, window_begun: now },
            closing: None,
            _admission: admission,
        }
    }

    /// Serves it to its end. What is on its way then arrives, whether or not somebody waits for it.
    pub(super) async fn serve(mut self, shutdown: CancellationToken) {
        let end = self.run(&shutdown).await;
        match &end {
            End::Silent => self.limit_hit("idle_timeout"),
            End::Refused(error) => {
                self.limit_hit(error.limit());
                let door = self.intake.door();
                tracing::info!(door, peer = %self.peer, %error, "a sender is refused, and comes again if it can");
            }
            End::Finished | End::Broken | End::Stopped => {}
        }
        // It reads no more: others of its shop have its turn.
        drop(self.reader.take_first());
        // The last acknowledgement is on its way before the socket is closed.
        drop(timeout(ACK_TIMEOUT, self.reader.stream.shutdown()).await);
        tracing::debug!(peer = %self.peer, ?end, "a Beats connection has ended");
    }

    fn limit_hit(&self, limit: &str) {
        self.intake.metrics().limit_hit(self.intake.door(), limit);
    }

    async fn run(&mut self, shutdown: &CancellationToken) -> End {
        loop {
            let was_open = self.windows.is_open();
            if let Err(error) = self.decode() {
                // The windows that came whole before it are finished first.
                self.is_hungry = true;
                self.closing = Some(End::Refused(error));
            }
            if self.windows.is_open() && !was_open {
                self.times.window_begun = Instant::now();
            }
            if self.acknowledge().await.is_err() {
                return End::Broken;
            }
            self.top_up().await;
            if self.lane.is_free() && self.should_dispatch() {
                self.dispatch();
                continue;
            }
            if self.may_decode() {
                // It only made way for others, or for the acknowledgements.
                tokio::task::yield_now().await;
                continue;
            }
            if let Some(end) = &self.closing
                && self.is_hungry
                && self.lane.is_free()
                && !self.windows.is_waiting()
            {
                return end.clone();
            }
            if let Some(end) = self.wait(shutdown).await {
                return end;
            }
        }
    }

    /// Whether there may be more in what was read, and there is room for it.
    fn may_decode(&self) -> bool {
        !self.is_hungry
            && !self.batch.is_full()
            && self.windows.has_room()
            && self.missing_bytes() == 0
    }

    /// Decodes what was read as far as there is room, or until it is the turn of others.
    fn decode(&mut self) -> Result<(), ProtocolError> {
        let mut steps = 0;
        for _ in 0..FRAMES_AT_ONCE {
            if steps == STEPS_AT_ONCE || !self.may_decode() {
                return Ok(());
            }
            let progress = self.decoder.next()?;
            let spent_bytes = self.decoder.take_spent_bytes();
            if !self.batch.is_empty() {
                self.batch.pin(spent_bytes);
            }
            match progress {
                Progress::Frame(Frame::Window { version, events }) => {
                    self.windows.begin(version, events);
                }
                Progress::Frame(Frame::Event(event)) => {
                    self.windows.event(event.sequence)?;
                    self.events += 1;
                    self.add(event);
                }
                // The decoder opens these itself.
                Progress::Frame(Frame::Compressed { .. }) => {}
                Progress::Working => steps += 1,
                Progress::MoreNeeded => {
                    self.is_hungry = true;
                    // What was read and is no part of an event is held no more.
                    drop(self.release());
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, event: Event) {
        if self.batch.is_empty() {
            // It is received now, and not when the one before it was sent off.
            self.batch = fresh_batch(&self.intake, &self.origin);
        }
        let line = self.line(event);
        self.batch.push(line);
    }

    fn line(&self, event: Event) -> Line {
        let bytes_max = self.intake.line_bytes_max();
        if event.length_bytes <= bytes_max as u64 {
            return Line::good(self.events, event.payload);
        }
        let rejection = Rejection {
            kind: "too_large".into(),
            message: format!("the event has {} bytes, more than {bytes_max}", event.length_bytes),
            position_bytes: Some(bytes_max as u64),
        };
        Line::refused(self.events, &event.payload, event.length_bytes, rejection)
    }

    /// Memory that must be reserved before anything more is decoded.
    fn missing_bytes(&self) -> usize {
        let held = self.decoder.held_bytes() + self.batch.held_bytes();
        held.saturating_sub(self.room.as_ref().map_or(0, Reservation::bytes))
    }

    /// Reserves what is missing if it is there at once.
    async fn top_up(&mut self) {
        let missing_bytes = self.missing_bytes();
        if missing_bytes == 0 {
            return;
        }
        let room = tokio::select! {
            biased;
            room = self.share.reserve(missing_bytes) => Some(room),
            () = std::future::ready(()) => None,
        };
        if let Some(room) = room {
            self.add_room(room);
        }
    }

    /// A part of a window is sent only where it must make room: what is not acknowledged comes again. While its shop
    /// is in debt it would hold its memory for long.
    fn should_dispatch(&self) -> bool {
        let must = self.batch.is_full() || self.windows.is_waiting() || self.missing_bytes() > 0;
        !self.batch.is_empty() && (must || self.reader.waits())
    }

    fn dispatch(&mut self) {
        let fresh = fresh_batch(&self.intake, &self.origin);
        let mut batch = std::mem::replace(&mut self.batch, fresh);
        self.on_its_way = batch.lines.len() as u64;
        batch.room = self.release();
        self.lane.deliver(batch);
    }

    /// Gives back the memory of what is neither held nor decoded.
    fn release(&mut self) -> Option<Reservation> {
        let held = self.decoder.held_bytes() + self.batch.held_bytes();
        self.room.as_mut()?.keep(held)
    }

    /// Writes the acknowledgements that are due.
    async fn acknowledge(&mut self) -> io::Result<()> {
        let mut acks = Vec::new();
        while let Some(ack) = self.windows.next_ack() {
            acks.extend_from_slice(&ack.bytes());
        }
        if acks.is_empty() {
            return Ok(());
        }
        if !self.windows.is_waiting() && self.batch.is_empty() {
            drop(self.release());
        }
        self.write(&acks).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = &mut self.reader.stream;
        let written = timeout(ACK_TIMEOUT, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        written.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.times.last_told = Instant::now();
        Ok(())
    }

    /// Waits for what comes next; an end that leaves nothing to be finished.
    async fn wait(&mut self, shutdown: &CancellationToken) -> Option<End> {
        let missing_bytes = self.missing_bytes();
        let may_read = self.is_hungry && missing_bytes == 0 && self.closing.is_none();
        let is_idle = self.lane.is_free() && !self.windows.is_waiting();
        let keep_alive = self.windows.keep_alive().or_else(|| self.keep_alive_of_unread());
        let keep_alive_at = self.times.last_told + self.config.keep_alive_interval.0;
        let silent_at = self.silent_at();
        tokio::select! {
            receipt = self.lane.arrival(), if !self.lane.is_free() => {
                // Lines are left only when the process must stop; their sender still has them.
                if receipt.is_none_or(|receipt| !receipt.batch.is_empty()) {
                    return Some(End::Stopped);
                }
                self.windows.made_durable(std::mem::take(&mut self.on_its_way));
                // The time during which the log held the sender up is not the sender's.
                self.times.last_read = Instant::now();
                self.times.window_begun = self.times.last_read;
            }
            read = self.reader.read(), if may_read => match read {
                Ok(Read::Block(block, room)) => self.take_in(block, room),
                Ok(Read::Waits) => {}
                Ok(Read::End) => self.closing = Some(End::Finished),
                Err(_) => return Some(End::Broken),
            },
            room = self.share.reserve(missing_bytes), if missing_bytes > 0 => self.add_room(room),
            () = sleep_until(keep_alive_at), if keep_alive.is_some() => {
                if self.write(&keep_alive.map(Ack::bytes)?).await.is_err() {
                    return Some(End::Broken);
                }
            }
            () = sleep_until(silent_at), if is_idle && self.closing.is_none() => {
                // Whoever holds memory for a part of a window must go on with it, or all memory could be
                // parts. For whoever waits for some and holds none it is not the sender that is slow, nor where
                // the shop's quota is waited for and nobody wants that memory.
                let is_held_up = self.reader.is_held_up() || missing_bytes > 0;
                if !(is_held_up && self.holds_no_memory() || self.reader.may_wait()) {
                    return Some(End::Silent);
                }
                self.times.last_read = Instant::now();
                self.times.window_begun = self.times.last_read;
            }
            () = shutdown.cancelled(), if self.closing.is_none() => {
                self.closing = Some(End::Stopped);
            }
            () = self.intake.give_up() => return Some(End::Stopped),
        }
        None
    }

    /// What tells a sender to wait whose window is not read yet, because its shop is in debt.
    fn keep_alive_of_unread(&self) -> Option<Ack> {
        let is_window = self.decoder.is_between_frames() && self.reader.first().starts_with(b"2W");
        (self.reader.waits() && is_window).then_some(Ack { version: Version::Two, sequence: 0 })
    }

    fn silent_at(&self) -> Instant {
        let idle = self.times.last_read + self.config.idle_timeout.0;
        if self.holds_nothing() {
            return idle;
        }
        idle.min(self.times.window_begun + self.config.window_timeout.0)
    }

    fn holds_nothing(&self) -> bool {
        !self.windows.is_open() && self.decoder.is_between_frames()
    }

    fn holds_no_memory(&self) -> bool {
        self.batch.is_empty() && self.decoder.held_bytes() == 0
    }

    fn take_in(&mut self, block: Bytes, room: Reservation) {
        let received = &self.intake.metrics().received_bytes;
        received.with_label_values(&[self.intake.door()]).inc_by(block.len() as u64);
        self.times.last_read = Instant::now();
        if self.reader.has_waited() {
            // Nor is the time for which its shop's quota held it up the sender's.
            self.times.window_begun = self.times.last_read;
        }
        if self.holds_nothing() {
            self.times.window_begun = self.times.last_read;
            if !self.windows.is_waiting() {
                self.times.last_told = self.times.last_read;
            }
        }
        self.decoder.push(block);
        self.is_hungry = false;
        self.add_room(room);
    }

    fn add_room(&mut self, room: Reservation) {
        match &mut self.room {
            Some(held) => held.add(room),
            None => self.room = Some(room),
        }
    }
}

fn fresh_batch(intake: &Intake, origin: &Arc<Origin>) -> Batch {
    let mut batch = intake.batch(Ids::counted());
    batch.set_origin(origin);
    batch
}

fn limits(intake: &Intake, config: &BeatsConfig) -> FrameLimits {
    FrameLimits {
        window_events_max: config.window_events_max,
        event_bytes_max: intake.line_bytes_max(),
        skipped_bytes_max: config.decompressed_bytes_max.0,
        pairs_max: intake.limits().nodes_max,
        compressed_bytes_max: config.compressed_bytes_max.0,
        decompressed_bytes_max: config.decompressed_bytes_max.0,
        decompressed_ratio_max: config.decompressed_ratio_max,
    }
}

#[cfg(test)]
mod tests;
