//! The doors of datagrams, over UDP or a socket in the file system. A datagram holds lines, of which it ends
//! the last one, or it is one message.
//!
//! Never answers, so that it cannot be used against others. What the kernel drops because a door does not
//! read fast enough, or not while its shop is in debt with its quota, is counted: loss is never invisible.

mod drops;
mod received;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bus::inputs::door_of;
use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;
use pipeline::Rejection;
use service::ByteSize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

pub(crate) use drops::Drops;
pub(crate) use received::Socket;

use crate::form::Form;
use crate::intake::{Batch, Ids, Intake, Lane, Line, Origin};
use crate::lines::{whole, within};
use crate::quota::Passage;
use received::{Buffers, Datagram};

/// More than any datagram over UDP has.
const UDP_BYTES_MAX: usize = 64 << 10;
/// What Linux lets a datagram within the machine have, unless it is told otherwise (`net.core.wmem_default`).
const UNIX_BYTES_MAX: usize = 256 << 10;
/// Pieces over UDP that one call takes at most: datagrams, or some that were sent at once.
const UDP_COUNT_MAX: usize = 64;
/// The same of datagrams within the machine, which are larger and wait for the door.
const UNIX_COUNT_MAX: usize = 16;
/// Memory that datagrams are copied into, one behind the other.
const BLOCK_BYTES: usize = 1 << 20;
/// Full blocks that are kept to be used again: those of a batch that fills, and of one on its way.
const FULL_BLOCKS_MAX: usize = 8;
/// Datagrams that are read before anything else gets its turn.
const BURST: usize = 1_024;
/// Bytes that are read at once where the shop has a quota, about: as much as a connection reads.
const LIMITED_BYTES: usize = 256 << 10;
/// Senders that are remembered.
const ORIGINS_MAX: usize = 4_096;
/// How often losses are looked at for the log.
const DROPS_INTERVAL: Duration = Duration::from_secs(10);
/// At a stop: how long what has arrived is still read.
const LAST_READ: Duration = Duration::from_secs(1);

/// What a door makes of datagrams.
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) codec: Codec,
    pub(crate) form: Form,
    /// Whether a datagram is one message, whatever it holds; else its lines are told apart.
    pub(crate) is_one_message: bool,
}

/// Serves the door until told to stop, then reads what has arrived and makes it durable.
pub(crate) async fn serve(
    socket: Socket,
    door: Door,
    drops: Option<Drops>,
    shutdown: CancellationToken,
) {
    let intake = door.intake.clone();
    let dropped_now = || drops.map_or(0, Drops::count);
    // Datagrams wait in them only while the batch is full.
    let mut buffers = match &socket {
        Socket::Udp(udp) => {
            received::keep_together(udp);
            Buffers::new(UDP_BYTES_MAX, UDP_COUNT_MAX)
        }
        Socket::Unix(_) => Buffers::new(UNIX_BYTES_MAX, UNIX_COUNT_MAX),
    };
    let mut receiver = Receiver {
        batch: intake.batch(Ids::counted()).large(),
        socket,
        block: BytesMut::with_capacity(BLOCK_BYTES),
        full: VecDeque::new(),
        origins: HashMap::new(),
        last_origin: None,
        count: 0,
        read_bytes: 0,
        door,
    };
    // All that comes here is one shop's: nothing in a datagram says whose it is.
    let mut passage = Passage::new(intake.turnstile(&intake.anonymous().shop));
    let mut lane = Lane::new(intake);
    let mut look = interval(DROPS_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dropped = dropped_now();
    loop {
        if lane.is_free() && !receiver.batch.is_empty() {
            lane.settle(receiver.take_batch());
            receiver.take_from(&mut buffers);
        }
        tokio::select! {
            _ = lane.arrival(), if !lane.is_free() => {}
            // Meanwhile datagrams stay with the kernel, which drops and counts what it cannot keep.
            () = passage.pass(), if passage.waits() => {}
            ready = receiver.socket.readable(), if !passage.waits() && !receiver.batch.is_full() => {
                let read = ready.and_then(|()| receiver.receive_in_turn(&mut buffers, &mut passage));
                if let Err(error) = read {
                    tracing::warn!(door = receiver.door.intake.door(), %error, "cannot read datagrams");
                    sleep(Duration::from_millis(100)).await;
                }
            }
            _ = look.tick() => {
                let now = dropped_now();
                if now > dropped {
                    let door = receiver.door.intake.door();
                    tracing::warn!(door, datagrams = now - dropped, "the kernel dropped datagrams");
                }
                dropped = now;
            }
            () = shutdown.cancelled() => break,
        }
    }
    receiver.finish(lane, &mut buffers).await;
}

struct Receiver {
    socket: Socket,
    door: Door,
    block: BytesMut,
    /// Blocks that are full, the oldest first: once nothing of what they hold is needed they are used again, since memory
    /// that the system has to give anew costs more than what is written into it.
    full: VecDeque<BytesMut>,
    batch: Batch,
    /// Senders by address; those without one are `None`.
    origins: HashMap<Option<SocketAddr>, Arc<Origin>>,
    /// The sender of the datagram before: they come in bursts.
    last_origin: Option<(Option<SocketAddr>, Arc<Origin>)>,
    /// Lines and messages so far: their numbers tell those of a batch apart.
    count: u64,
    /// Bytes of the datagrams that were taken.
    read_bytes: u64,
}

impl Receiver {
    fn take_batch(&mut self) -> Batch {
        let fresh = self.door.intake.batch(Ids::counted()).large();
        std::mem::replace(&mut self.batch, fresh)
    }

    /// Reads datagrams if the shop may send now; else the door stands in line as every other sender does, and reads
    /// nothing.
    fn receive_in_turn(&mut self, buffers: &mut Buffers, passage: &mut Passage) -> io::Result<()> {
        if !passage.may_read(LIMITED_BYTES) {
            return Ok(());
        }
        let bytes_max = if passage.is_limited() { LIMITED_BYTES as u64 } else { u64::MAX };
        let before = self.read_bytes;
        let received = self.receive(buffers, bytes_max);
        passage.keep(self.read_bytes - before);
        received
    }

    /// Reads datagrams until there is none, so many bytes have come, the batch is full, or others must have their turn.
    fn receive(&mut self, buffers: &mut Buffers, bytes_max: u64) -> io::Result<()> {
        let bytes_max = self.read_bytes.saturating_add(bytes_max);
        let mut count = self.take_from(buffers);
        while count < BURST && self.read_bytes < bytes_max && !self.batch.is_full() {
            match buffers.receive(&self.socket, BURST - count) {
                Ok(()) => count += self.take_from(buffers),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what was read, until the batch is full, and says how many datagrams it took.
    fn take_from(&mut self, buffers: &mut Buffers) -> usize {
        let (mut bytes, mut count) = (0, 0);
        while !self.batch.is_full() {
            let Some(datagram) = buffers.take() else { break };
            count += 1;
            bytes += datagram.bytes.len() as u64;
            self.take(datagram);
        }
        let intake = &self.door.intake;
        intake.metrics().received_bytes.with_label_values(&[intake.door()]).inc_by(bytes);
        self.read_bytes += bytes;
        count
    }

    fn take(&mut self, datagram: Datagram<'_>) {
        if self.batch.is_empty() {
            // The batch was made when the one before it was sent off, perhaps long ago.
            self.batch.set_received_at_ns(self.door.intake.now_ns());
        }
        let origin = self.origin(datagram.peer);
        self.batch.set_origin(&origin);
        let payload = self.keep(datagram.bytes);
        if datagram.is_cut {
            let read_bytes = datagram.bytes.len() as u64;
            let mut line = Line::good(self.next_number(), payload);
            line.refuse(Rejection {
                kind: "too_large".into(),
                message: format!(
                    "the datagram is longer than the {} that the door reads; its beginning is here",
                    ByteSize(read_bytes)
                ),
                position_bytes: Some(read_bytes),
            });
            self.push(line);
        } else if self.door.is_one_message {
            let number = self.next_number();
            self.push(within(payload, number, self.door.intake.line_bytes_max()));
        } else {
            self.take_lines(payload);
        }
    }

    /// Takes the lines of a datagram, the last of which its end ends. Empty ones have a number and are no lines.
    fn take_lines(&mut self, mut payload: Bytes) {
        let line_bytes_max = self.door.intake.line_bytes_max();
        loop {
            let end = memchr::memchr(b'\n', &payload);
            let line = payload.split_to(end.unwrap_or(payload.len()));
            let number = self.next_number();
            if let Some(line) = whole(line, number, line_bytes_max) {
                self.push(line);
            }
            if end.is_none() {
                return;
            }
            payload.advance(1);
        }
    }

    fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A copy of a datagram, next to the one before it.
    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if self.block.capacity() < bytes.len() {
            let free = self.free_block(bytes.len());
            self.full.push_back(std::mem::replace(&mut self.block, free));
            if self.full.len() > FULL_BLOCKS_MAX {
                self.full.pop_front();
            }
        }
        self.block.extend_from_slice(bytes);
        self.block.split().freeze()
    }

    /// A block with room for so many bytes: the one that was full first, if nothing of it is needed any more.
    fn free_block(&mut self, bytes: usize) -> BytesMut {
        let size_bytes = BLOCK_BYTES.max(bytes);
        let is_free = self.full.front_mut().is_some_and(|first| first.try_reclaim(size_bytes));
        let free = if is_free { self.full.pop_front() } else { None };
        free.unwrap_or_else(|| BytesMut::with_capacity(size_bytes))
    }

    fn push(&mut self, line: Line) {
        let received_at_ns = self.batch.received_at_ns();
        let line_bytes_max = self.door.intake.line_bytes_max();
        if let Some(line) = self.door.form.give(line, received_at_ns, line_bytes_max) {
            self.batch.push(line);
        }
    }

    fn origin(&mut self, peer: Option<SocketAddr>) -> Arc<Origin> {
        if let Some((_, last)) = self.last_origin.as_ref().filter(|(last, _)| *last == peer) {
            return Arc::clone(last);
        }
        let origin = self.known_origin(peer);
        self.last_origin = Some((peer, Arc::clone(&origin)));
        origin
    }

    fn known_origin(&mut self, peer: Option<SocketAddr>) -> Arc<Origin> {
        if let Some(known) = self.origins.get(&peer) {
            return Arc::clone(known);
        }
        if self.origins.len() >= ORIGINS_MAX {
            self.origins.clear();
        }
        let door = self.door.intake.door();
        let origin = Arc::new(Origin {
            shop: self.door.intake.anonymous().shop,
            source: peer
                .map_or_else(
                    || door_of(door).to_owned(),
                    |peer| peer.ip().to_canonical().to_string(),
                )
                .into(),
            listener: ByteString::from_static(door),
            codec: self.door.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // What one socket sends stays in the order in which it arrives.
            routing_key: peer.map_or_else(|| door.to_owned(), |peer| peer.to_string()).into(),
        });
        self.origins.insert(peer, Arc::clone(&origin));
        origin
    }

    /// Reads what has arrived, and makes it durable.
    async fn finish(&mut self, mut lane: Lane, buffers: &mut Buffers) {
        let deadline = Instant::now() + LAST_READ;
        let mut is_over = false;
        loop {
            if is_over {
                self.take_from(buffers);
            } else {
                is_over = self.receive(buffers, u64::MAX).is_err() || Instant::now() >= deadline;
            }
            drop(lane.arrival().await);
            if self.batch.is_empty() {
                return;
            }
            lane.settle(self.take_batch());
        }
    }
}

#[cfg(test)]
mod tests;
