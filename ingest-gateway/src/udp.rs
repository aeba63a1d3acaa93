//! The UDP door: each datagram holds one line or several, and ends the last one.
//!
//! Never answers, so that it cannot be used against others. What the kernel drops because the door
//! did not read fast enough is counted: loss is never invisible.

mod drops;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(crate) use drops::Drops;

use crate::intake::{Batch, Ids, Intake, Lane, Origin};
use crate::lines::Lines;

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "udp";
/// More than any datagram has.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;
/// Memory that datagrams are read into, one behind the other.
const BLOCK_BYTES: usize = 1 << 20;
/// Datagrams that are read before anything else gets its turn.
const BURST: usize = 1_024;
/// Senders that are remembered.
const ORIGINS_MAX: usize = 4_096;
/// How often losses are looked at for the log.
const DROPS_INTERVAL: Duration = Duration::from_secs(10);
/// At a stop: how long what has arrived is still read.
const LAST_READ: Duration = Duration::from_secs(1);

/// Serves the door until told to stop, then reads what has arrived and makes it durable.
pub(crate) async fn serve(
    socket: UdpSocket,
    intake: Intake,
    codec: Codec,
    drops: Drops,
    shutdown: CancellationToken,
) {
    let mut receiver = Receiver {
        batch: intake.batch(Ids::counted()),
        socket,
        codec,
        block: BytesMut::new(),
        origins: HashMap::new(),
        lines: Lines::new(intake.line_bytes_max()),
        intake: intake.clone(),
    };
    let mut lane = Lane::new(intake);
    let mut look = interval(DROPS_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dropped = drops.count();
    loop {
        if lane.is_free() && !receiver.batch.is_empty() {
            lane.settle(receiver.take_batch());
        }
        tokio::select! {
            _ = lane.arrival(), if !lane.is_free() => {}
            ready = receiver.socket.readable(), if !receiver.batch.is_full() => {
                if let Err(error) = ready.and_then(|()| receiver.receive()) {
                    tracing::warn!(%error, "cannot read from the UDP socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            _ = look.tick() => {
                let now = drops.count();
                if now > dropped {
                    tracing::warn!(datagrams = now - dropped, "the kernel dropped datagrams");
                }
                dropped = now;
            }
            () = shutdown.cancelled() => break,
        }
    }
    receiver.finish(lane).await;
}

struct Receiver {
    socket: UdpSocket,
    codec: Codec,
    block: BytesMut,
    batch: Batch,
    origins: HashMap<SocketAddr, Arc<Origin>>,
    /// Frames one datagram after the other; its numbers tell the lines of a batch apart.
    lines: Lines,
    intake: Intake,
}

impl Receiver {
    fn take_batch(&mut self) -> Batch {
        let fresh = self.intake.batch(Ids::counted());
        std::mem::replace(&mut self.batch, fresh)
    }

    /// Reads datagrams until there is none, the batch is full, or others must have their turn.
    fn receive(&mut self) -> io::Result<()> {
        let mut bytes = 0;
        for _ in 0..BURST {
            if self.batch.is_full() {
                break;
            }
            if self.block.capacity() < DATAGRAM_BYTES_MAX {
                self.block = BytesMut::with_capacity(BLOCK_BYTES);
            }
            match self.socket.try_recv_buf_from(&mut self.block) {
                Ok((read, peer)) => {
                    bytes += read as u64;
                    let datagram = self.block.split().freeze();
                    self.take(datagram, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.intake.metrics().received_bytes.with_label_values(&[DOOR]).inc_by(bytes);
        Ok(())
    }

    fn take(&mut self, datagram: Bytes, peer: SocketAddr) {
        let origin = self.origin(peer);
        self.batch.set_origin(&origin);
        self.lines.push(datagram);
        while let Some(line) = self.lines.next() {
            self.batch.push(line);
        }
        if let Some(last) = self.lines.finish() {
            self.batch.push(last);
        }
    }

    fn origin(&mut self, peer: SocketAddr) -> Arc<Origin> {
        if let Some(known) = self.origins.get(&peer) {
            return Arc::clone(known);
        }
        if self.origins.len() >= ORIGINS_MAX {
            self.origins.clear();
        }
        let origin = Arc::new(Origin {
            shop: self.intake.anonymous().shop,
            source: peer.ip().to_canonical().to_string().into(),
            listener: DOOR,
            codec: self.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // What one socket sends stays in the order in which it arrives.
            routing_key: peer.to_string().into(),
        });
        self.origins.insert(peer, Arc::clone(&origin));
        origin
    }

    /// Reads what has arrived, and makes it durable.
    async fn finish(&mut self, mut lane: Lane) {
        let deadline = Instant::now() + LAST_READ;
        loop {
            let read = self.receive();
            drop(lane.arrival().await);
            if self.batch.is_empty() {
                return;
            }
            lane.settle(self.take_batch());
            if read.is_err() || Instant::now() >= deadline {
                drop(lane.arrival().await);
                return;
            }
        }
    }
}
