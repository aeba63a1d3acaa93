//! The doors of datagrams, over UDP or a socket in the file system. A datagram holds lines, of which it ends
//! the last one, or it is one message.
//!
//! Never answers, so that it cannot be used against others. What the kernel drops because a door does not
//! read fast enough, or not while its shop is in debt with its quota, is counted: loss is never invisible.

mod drops;
mod received;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use pipeline::Rejection;
use service::ByteSize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

pub(crate) use drops::Drops;
pub(crate) use received::Socket;

use crate::form::Form;
use crate::intake::{Batch, Ids, Intake, Lane, Line, Origin};
use crate::lines::{Lines, within};
use crate::quota::Turnstile;
use received::{Buffers, Datagram};

/// More than any datagram over UDP has.
const UDP_BYTES_MAX: usize = 64 << 10;
/// What Linux lets a datagram within the machine have, unless it is told otherwise (`net.core.wmem_default`).
const UNIX_BYTES_MAX: usize = 256 << 10;
/// Datagrams over UDP that one call takes at most.
const UDP_COUNT_MAX: usize = 64;
/// The same of datagrams within the machine, which are larger and wait for the door.
const UNIX_COUNT_MAX: usize = 16;
/// Memory that datagrams are copied into, one behind the other.
const BLOCK_BYTES: usize = 1 << 20;
/// Datagrams that are read before anything else gets its turn.
const BURST: usize = 1_024;
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
    let mut buffers = match socket {
        Socket::Udp(_) => Buffers::new(UDP_BYTES_MAX, UDP_COUNT_MAX),
        Socket::Unix(_) => Buffers::new(UNIX_BYTES_MAX, UNIX_COUNT_MAX),
    };
    let mut receiver = Receiver {
        batch: intake.batch(Ids::counted()),
        socket,
        block: BytesMut::new(),
        origins: HashMap::new(),
        lines: Lines::new(intake.line_bytes_max()),
        door,
    };
    // All that comes here is one shop's: nothing in a datagram says whose it is.
    let turnstile = intake.turnstile(&intake.anonymous().shop);
    let mut lane = Lane::new(intake);
    let mut look = interval(DROPS_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dropped = dropped_now();
    let mut held_up_at: Option<Instant> = None;
    loop {
        if lane.is_free() && !receiver.batch.is_empty() {
            lane.settle(receiver.take_batch());
            receiver.take_from(&mut buffers);
        }
        let debt = turnstile.as_ref().and_then(Turnstile::hold_up);
        if debt.is_some() {
            held_up_at = held_up_at.or_else(|| Some(Instant::now()));
        } else if let Some((turnstile, since)) = turnstile.as_ref().zip(held_up_at.take()) {
            turnstile.note_wait(since.elapsed());
        }
        tokio::select! {
            _ = lane.arrival(), if !lane.is_free() => {}
            // Meanwhile datagrams stay with the kernel, which drops and counts what it cannot keep.
            () = sleep(debt.unwrap_or_default()), if debt.is_some() => {}
            ready = receiver.socket.readable(), if debt.is_none() && !receiver.batch.is_full() => {
                if let Err(error) = ready.and_then(|()| receiver.receive(&mut buffers)) {
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
    batch: Batch,
    /// Senders by address; those without one are `None`.
    origins: HashMap<Option<SocketAddr>, Arc<Origin>>,
    /// Frames one datagram after the other; its numbers tell the lines and messages of a batch apart.
    lines: Lines,
}

impl Receiver {
    fn take_batch(&mut self) -> Batch {
        let fresh = self.door.intake.batch(Ids::counted());
        std::mem::replace(&mut self.batch, fresh)
    }

    /// Reads datagrams until there is none, the batch is full, or others must have their turn.
    fn receive(&mut self, buffers: &mut Buffers) -> io::Result<()> {
        let mut count = self.take_from(buffers);
        while count < BURST && !self.batch.is_full() {
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
        count
    }

    fn take(&mut self, datagram: Datagram<'_>) {
        let origin = self.origin(datagram.peer);
        self.batch.set_origin(&origin);
        let payload = self.keep(datagram.bytes);
        if datagram.is_cut {
            let read_bytes = datagram.bytes.len() as u64;
            let mut line = Line::good(self.lines.count(), payload);
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
            let number = self.lines.count();
            self.push(within(payload, number, self.door.intake.line_bytes_max()));
        } else {
            self.lines.push(payload);
            while let Some(line) = self.lines.next() {
                self.push(line);
            }
            if let Some(last) = self.lines.finish() {
                self.push(last);
            }
        }
    }

    /// A copy of a datagram, next to the one before it.
    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if self.block.capacity() < bytes.len() {
            self.block = BytesMut::with_capacity(BLOCK_BYTES.max(bytes.len()));
        }
        self.block.extend_from_slice(bytes);
        self.block.split().freeze()
    }

    fn push(&mut self, line: Line) {
        let received_at_ns = self.batch.received_at_ns();
        let line_bytes_max = self.door.intake.line_bytes_max();
        if let Some(line) = self.door.form.give(line, received_at_ns, line_bytes_max) {
            self.batch.push(line);
        }
    }

    fn origin(&mut self, peer: Option<SocketAddr>) -> Arc<Origin> {
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
                .map_or_else(|| door.to_owned(), |peer| peer.ip().to_canonical().to_string())
                .into(),
            listener: door,
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
                is_over = self.receive(buffers).is_err() || Instant::now() >= deadline;
            }
            drop(lane.arrival().await);
            if self.batch.is_empty() {
                return;
            }
            lane.settle(self.take_batch());
        }
    }
}
