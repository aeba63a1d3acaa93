//! Reads blocks of a stream, each only when there is memory for it.
//!
//! Knows no protocol, and no kind of stream: it may be TLS. A silent connection holds no memory but a
//! few bytes.

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
    block_bytes: usize,
    first: [u8; FIRST_BYTES],
    first_bytes: usize,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    pub(crate) fn new(stream: S, share: Share) -> Self {
        let (first, first_bytes) = ([0; FIRST_BYTES], 0);
        Self { stream, share, block_bytes: BLOCK_BYTES_MIN, first, first_bytes }
    }

    /// Whether bytes have come for which there is no memory yet.
    pub(crate) fn is_held_up(&self) -> bool {
        self.first_bytes > 0
    }

    /// The next block; `None` at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<Option<(Bytes, Reservation)>> {
        if self.first_bytes == 0 {
            self.first_bytes = self.stream.read(&mut self.first).await?;
            if self.first_bytes == 0 {
                return Ok(None);
            }
        }
        let mut room = self.share.reserve(self.block_bytes).await;
        let mut block = BytesMut::with_capacity(self.block_bytes);
        block.extend_from_slice(&self.first[..self.first_bytes]);
        self.first_bytes = 0;
        self.read_what_is_there(&mut block).await;
        drop(room.keep(block.len()));
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
