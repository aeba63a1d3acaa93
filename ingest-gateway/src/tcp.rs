//! The TCP door: lines (JSON Lines, or text) ended by a line feed or by the end of the connection.
//!
//! There is no acknowledgement in the protocol, so nothing is ever turned away: while the log has no
//! room the connection is not read. The door closes its side only when all that it read is durable.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use pipeline::Rejection;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budget::{Reservation, Share};
use crate::config::TcpConfig;
use crate::connections::{Admission, Gate};
use crate::intake::{Identity, Ids, Intake, Lane, Line, Origin};
use crate::lines::Lines;

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "tcp";
/// Blocks that are read at once: small for a connection that trickles, large for one that pours.
const BLOCK_BYTES_MIN: usize = 8 << 10;
const BLOCK_BYTES_MAX: usize = 256 << 10;
/// Read ahead while a batch is on its way; then reading stops.
const READ_AHEAD_BYTES: usize = 1 << 20;
/// Longest line that may be a token.
const TOKEN_BYTES_MAX: usize = 1 << 10;
/// At a stop: how long what has arrived is still read, and the silence that ends it.
const LAST_READ: Duration = Duration::from_secs(1);
const LAST_SILENCE: Duration = Duration::from_millis(100);

/// Serves the door until told to stop, then reads what has arrived and makes it durable.
pub(crate) async fn serve(
    gate: Gate,
    intake: Intake,
    config: TcpConfig,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let config = Arc::new(config);
    gate.run(&shutdown, |stream, peer, admission| {
        let reader = Reader {
            stream,
            share: admission.guest.share.clone(),
            block_bytes: BLOCK_BYTES_MIN,
            is_held_up: false,
        };
        let connection = Connection {
            reader,
            peer,
            lines: Lines::new(intake.line_bytes_max()),
            held: None,
            lane: Lane::new(intake.clone()),
            intake: intake.clone(),
            config: Arc::clone(&config),
            _admission: admission,
        };
        tracker.spawn(connection.serve(shutdown.clone()));
    })
    .await;
    tracker.close();
    tracker.wait().await;
}

/// Reads blocks, each only when there is memory for it. A silent connection holds no memory.
struct Reader {
    stream: TcpStream,
    share: Share,
    block_bytes: usize,
    /// Whether bytes have come for which there is no memory yet.
    is_held_up: bool,
}

impl Reader {
    /// The next block; `None` at the end. Dropping the future loses nothing.
    async fn next(&mut self) -> io::Result<Option<(Bytes, Reservation)>> {
        loop {
            self.is_held_up = false;
            self.stream.readable().await?;
            self.is_held_up = true;
            let mut room = self.share.reserve(self.block_bytes).await;
            self.is_held_up = false;
            let mut block = BytesMut::with_capacity(self.block_bytes);
            match self.stream.try_read_buf(&mut block) {
                Ok(0) => return Ok(None),
                Ok(bytes) => {
                    drop(room.keep(bytes));
                    return Ok(Some((self.fit(block), room)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Fits the next block to what came; a block that is mostly empty is not kept.
    fn fit(&mut self, block: BytesMut) -> Bytes {
        let (bytes, size) = (block.len(), self.block_bytes);
        if bytes == size {
            self.block_bytes = (size * 2).min(BLOCK_BYTES_MAX);
        } else if bytes < size / 4 {
            self.block_bytes = (size / 2).max(BLOCK_BYTES_MIN);
        }
        if bytes < size / 2 { Bytes::copy_from_slice(&block) } else { block.freeze() }
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
    /// The process stops.
    Stopped,
}

struct Connection {
    reader: Reader,
    peer: SocketAddr,
    lines: Lines,
    /// Memory of what is read and not on its way.
    held: Option<Reservation>,
    lane: Lane,
    intake: Intake,
    config: Arc<TcpConfig>,
    _admission: Admission,
}

impl Connection {
    async fn serve(mut self, shutdown: CancellationToken) {
        let Some(identity) = self.identify(&shutdown).await else { return };
        let origin = Arc::new(Origin {
            shop: identity.shop,
            source: self.peer.ip().to_canonical().to_string().into(),
            listener: DOOR,
            codec: self.config.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // Every connection stays on one partition, so that its order holds.
            routing_key: Ids::counted().of("", 0).to_string().into(),
        });
        let end = self.read_all(&origin, &shutdown).await;
        if end == End::Silent {
            self.intake.metrics().limit_hit(DOOR, "idle_timeout");
        }
        self.flush(&origin, end).await;
        tracing::debug!(peer = %self.peer, ?end, "a TCP connection has ended");
    }

    /// The first line is the token, where one is needed.
    async fn identify(&mut self, shutdown: &CancellationToken) -> Option<Identity> {
        if !self.intake.needs_token() {
            return self.intake.identify(None).ok();
        }
        let deadline = Instant::now() + self.config.line_timeout.0;
        loop {
            if let Some(line) = self.lines.next() {
                let identity = self.intake.identify(Some(&line.payload)).ok();
                self.release();
                if identity.is_none() {
                    // For a person; whether a program reads it does not matter.
                    drop(
                        self.reader.stream.try_write(b"the first line must be the ingest token\n"),
                    );
                }
                return identity;
            }
            if self.lines.buffered_bytes() > TOKEN_BYTES_MAX {
                return self.intake.identify(None).ok();
            }
            let read = tokio::select! {
                read = self.reader.next() => read,
                () = sleep_until(deadline) => return self.intake.identify(None).ok(),
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
        let mut stopping: Option<Instant> = None;
        loop {
            if self.lane.is_free() && self.lines.has_unread() {
                self.dispatch(origin);
            }
            if line_begun.0 != self.lines.unfinished() {
                line_begun = (self.lines.unfinished(), Instant::now());
            }
            let deadline = match (stopping, line_begun) {
                (Some(since), _) => (since + LAST_READ).min(last_read.max(since) + LAST_SILENCE),
                (None, (None, _)) => last_read + self.config.idle_timeout.0,
                (None, (Some(_), begun)) => begun + self.config.line_timeout.0,
            };
            let may_read =
                self.lines.buffered_bytes() < READ_AHEAD_BYTES || !self.lines.has_unread();
            tokio::select! {
                _ = self.lane.arrival(), if !self.lane.is_free() => {
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
                    if stopping.is_none() && self.reader.is_held_up && line_begun.0.is_none() {
                        last_read = Instant::now();
                        continue;
                    }
                    return if stopping.is_some() { End::Stopped } else { End::Silent };
                }
                () = shutdown.cancelled(), if stopping.is_none() => {
                    stopping = Some(Instant::now());
                }
            }
        }
    }

    fn take_in(&mut self, block: Bytes, room: Reservation) {
        let received = &self.intake.metrics().received_bytes;
        received.with_label_values(&[DOOR]).inc_by(block.len() as u64);
        self.lines.push(block);
        match &mut self.held {
            Some(held) => held.add(room),
            None => self.held = Some(room),
        }
    }

    /// Gives back the memory of what is neither held nor on its way.
    fn release(&mut self) -> Option<Reservation> {
        self.held.as_mut()?.keep(self.lines.buffered_bytes())
    }

    /// Sends the lines that have ended, as many as fit.
    fn dispatch(&mut self, origin: &Arc<Origin>) {
        if let Some(first) = self.lines.next() {
            self.send(origin, first);
        } else {
            drop(self.release());
        }
    }

    fn send(&mut self, origin: &Arc<Origin>, first: Line) {
        let mut batch = self.intake.batch(Ids::counted());
        batch.set_origin(origin);
        batch.push(first);
        while !batch.is_full()
            && let Some(line) = self.lines.next()
        {
            batch.push(line);
        }
        batch.room = self.release();
        self.lane.settle(batch);
    }

    /// Makes everything durable that was read.
    async fn flush(&mut self, origin: &Arc<Origin>, end: End) {
        loop {
            drop(self.lane.arrival().await);
            if !self.lines.has_unread() {
                break;
            }
            self.dispatch(origin);
        }
        let Some(mut last) = self.lines.finish() else { return };
        if end != End::Finished && last.fault.is_none() {
            last.refuse(Rejection {
                kind: "incomplete_line".into(),
                message: "the connection ended in the midst of the line".into(),
                position_bytes: Some(last.payload.len() as u64),
            });
        }
        self.send(origin, last);
        drop(self.lane.arrival().await);
    }
}
