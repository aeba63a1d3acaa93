//! Reads blocks of a stream, each only when there is memory for it.
//!
//! Knows no protocol, and no kind of stream: it may be TLS. A silent connection holds no memory but a few
//! bytes of its own; nothing that was read is ever dropped.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::poll_read_buf;

use crate::budget::{Reservation, Share};

/// Blocks that are read at once: small for a connection that trickles, large for one that pours.
const BLOCK_BYTES_MIN: usize = 8 << 10;
const BLOCK_BYTES_MAX: usize = 256 << 10;
/// The first bytes of a block, which wait for their memory here.
const FIRST_BYTES: usize = 64;

/// The reader of one connection.
pub(crate) struct Reader<S> {
    pub(crate) stream: S,
    share: Share,
    /// Memory for each byte that is read.
    memory_factor: usize,
    block_bytes: usize,
    first: [u8; FIRST_BYTES],
    first_bytes: usize,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// Reads on this share, so many times as much of it as the bytes that are read.
    pub(crate) fn new(stream: S, share: Share, memory_factor: usize) -> Self {
        let (first, first_bytes) = ([0; FIRST_BYTES], 0);
        Self { stream, share, memory_factor, block_bytes: BLOCK_BYTES_MIN, first, first_bytes }
    }

    /// Memory for each byte that is read.
    pub(crate) fn memory_factor(&self) -> usize {
        self.memory_factor
    }

    /// Whether bytes have come for which there is no memory yet.
    pub(crate) fn is_held_up(&self) -> bool {
        self.first_bytes > 0
    }

    /// The bytes that have come for which there is no memory yet, once nothing more is read.
    pub(crate) fn take_first(&mut self) -> Bytes {
        let first_bytes = std::mem::take(&mut self.first_bytes);
        Bytes::copy_from_slice(&self.first[..first_bytes])
    }

    /// The next block; `None` at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<Option<(Bytes, Reservation)>> {
        if self.first_bytes == 0 {
            self.first_bytes = self.stream.read(&mut self.first).await?;
            if self.first_bytes == 0 {
                return Ok(None);
            }
        }
        let mut room = self.share.reserve(self.block_bytes * self.memory_factor).await;
        let mut block = BytesMut::with_capacity(self.block_bytes);
        block.extend_from_slice(&self.first[..self.first_bytes]);
        self.first_bytes = 0;
        self.read_what_is_there(&mut block).await;
        drop(room.keep(block.len() * self.memory_factor));
        Ok(Some((self.fit(block), room)))
    }

    /// Fills the block with what can be had at once. An end or an error is met again by the next read.
    async fn read_what_is_there(&mut self, block: &mut BytesMut) {
        while block.len() < self.block_bytes {
            let mut rest = block.limit(self.block_bytes - block.len());
            let stream = &mut self.stream;
            let read = poll_fn(|context| {
                Poll::Ready(poll_read_buf(Pin::new(&mut *stream), context, &mut rest))
            });
            if !matches!(read.await, Poll::Ready(Ok(1..))) {
                return;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use service::{ByteSize, Metrics};
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::Reader;
    use crate::budget::Budget;

    const MOMENT: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_holds_no_memory_and_what_comes_waits_for_some() {
        let budget = Budget::new(ByteSize(64 << 20), &Metrics::default());
        let share = budget.share();
        let (mut sender, stream) = duplex(1 << 10);
        let mut reader = Reader::new(stream, share.clone(), 4);
        assert!(timeout(MOMENT, reader.next()).await.is_err(), "nothing has come");
        let all = share.reserve(usize::MAX).await;
        assert!(!reader.is_held_up());
        sender.write_all(b"one").await.unwrap();
        assert!(timeout(MOMENT, reader.next()).await.is_err(), "there is no memory");
        assert!(reader.is_held_up());
        drop(all);
        sender.write_all(b" two").await.unwrap();
        let (block, room) = reader.next().await.unwrap().unwrap();
        assert_eq!((&block[..], room.bytes()), (&b"one two"[..], 7 * 4));
        assert!(!reader.is_held_up());
        drop(room);

        let all = share.reserve(usize::MAX).await;
        sender.write_all(b"three").await.unwrap();
        assert!(timeout(MOMENT, reader.next()).await.is_err());
        assert_eq!(reader.take_first(), "three", "what was read is not lost");
        drop((all, sender));
        assert!(reader.next().await.unwrap().is_none(), "the end needs no memory");
    }
}
