//! Reads blocks of a stream, each only when its shop may send and there is memory for it.
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
use crate::quota::{Passage, Turnstile};

/// Blocks that are read at once: small for a connection that trickles, large for one that pours.
const BLOCK_BYTES_MIN: usize = 8 << 10;
const BLOCK_BYTES_MAX: usize = 256 << 10;
/// The first block of a connection of which nobody knows yet whose it is.
const BLOCK_BYTES_FIRST: usize = 1 << 10;
/// The first bytes of a block, which wait for leave and for their memory here.
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
    /// Its way past the other senders of its shop.
    passage: Passage,
}

/// What reading comes to.
pub(crate) enum Read {
    /// A block, with its memory.
    Block(Bytes, Reservation),
    /// Something has come, and must wait because its shop has sent too much. The block is what comes next.
    Waits,
    /// There is no more.
    End,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// Reads on this share, so many times as much of it as the bytes that are read.
    pub(crate) fn new(stream: S, share: Share, memory_factor: usize) -> Self {
        Self {
            stream,
            share,
            memory_factor,
            block_bytes: BLOCK_BYTES_MIN,
            first: [0; FIRST_BYTES],
            first_bytes: 0,
            passage: Passage::new(None),
        }
    }

    /// Reads little at once, until it is known for whom.
    pub(crate) fn begin_small(&mut self) {
        self.block_bytes = BLOCK_BYTES_FIRST;
    }

    /// From here on it reads for the shop of this turnstile.
    pub(crate) fn set_turnstile(&mut self, turnstile: Option<Turnstile>) {
        self.passage = Passage::new(turnstile);
        self.block_bytes = self.block_bytes.max(BLOCK_BYTES_MIN);
    }

    /// Memory for each byte that is read.
    pub(crate) fn memory_factor(&self) -> usize {
        self.memory_factor
    }

    /// Whether bytes have come for which there is no memory yet, or no leave.
    pub(crate) fn is_held_up(&self) -> bool {
        self.first_bytes > 0
    }

    /// Whether bytes have come that must wait because their shop has sent too much.
    pub(crate) fn waits(&self) -> bool {
        self.passage.waits()
    }

    /// Whether they may do so for long: nobody else wants the memory of what came before them.
    pub(crate) fn may_wait(&self) -> bool {
        self.waits() && !self.share.is_scarce()
    }

    /// The first of the bytes that have come and wait.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first[..self.first_bytes]
    }

    /// Whether the block that was read last had to wait because its shop had sent too much.
    pub(crate) fn has_waited(&self) -> bool {
        self.passage.has_waited()
    }

    /// The bytes that have come for which there is no memory yet, once nothing more is read. Its place among those who
    /// wait is another one's then.
    pub(crate) fn take_first(&mut self) -> Bytes {
        self.passage.give_back();
        let first_bytes = std::mem::take(&mut self.first_bytes);
        Bytes::copy_from_slice(&self.first[..first_bytes])
    }

    /// The next block; `None` at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<Option<(Bytes, Reservation)>> {
        loop {
            match self.read().await? {
                Read::Block(block, room) => return Ok(Some((block, room))),
                Read::Waits => {}
                Read::End => return Ok(None),
            }
        }
    }

    /// The same, and it is told when a wait for leave begins. Dropping the future loses nothing.
    pub(crate) async fn read(&mut self) -> io::Result<Read> {
        if self.first_bytes == 0 {
            self.first_bytes = self.stream.read(&mut self.first).await?;
            if self.first_bytes == 0 {
                return Ok(Read::End);
            }
        }
        // No memory is held for the block while it waits.
        if !self.passage.waits() && !self.passage.may_read(self.block_bytes) {
            return Ok(Read::Waits);
        }
        self.passage.pass().await;
        let mut room = self.share.reserve(self.block_bytes * self.memory_factor).await;
        let mut block = BytesMut::with_capacity(self.block_bytes);
        block.extend_from_slice(&self.first[..self.first_bytes]);
        self.first_bytes = 0;
        self.read_what_is_there(&mut block).await;
        self.passage.keep(block.len() as u64);
        drop(room.keep(block.len() * self.memory_factor));
        Ok(Read::Block(self.fit(block), room))
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

    use bytestring::ByteString;
    use service::{ByteSize, Context, Metrics};
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep, timeout};

    use super::Reader;
    use crate::budget::{Budget, Share};
    use crate::config::Config;
    use crate::quota::{Quotas, Turnstile};

    const MOMENT: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn share() -> Share {
        Budget::new(ByteSize(64 << 20), &Metrics::default()).share()
    }

    /// The turnstile of a shop that has five seconds to wait.
    fn in_debt() -> Option<Turnstile> {
        let mut config = Config::default();
        config.quota.bytes_per_second = Some(ByteSize(1_000));
        let quotas = Quotas::new(&config, &Context::default());
        let shop = ByteString::from_static("north");
        quotas.charge(&shop, 1, 15_000);
        quotas.turnstile(&shop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_holds_no_memory_and_what_comes_waits_for_some() {
        let share = share();
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

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_a_shop_in_debt_waits_without_memory_and_keeps_its_place() {
        let (turnstile, share) = (in_debt(), share());
        let (mut sender, stream) = duplex(1 << 10);
        let mut reader = Reader::new(stream, share.clone(), 1);
        reader.set_turnstile(turnstile);
        assert!(timeout(MOMENT, reader.next()).await.is_err() && !reader.may_wait());
        sender.write_all(b"one").await.unwrap();
        let begun = Instant::now();
        // Whoever reads has other things to do meanwhile.
        let (block, room) = loop {
            match timeout(Duration::from_millis(700), reader.next()).await {
                Ok(read) => break read.unwrap().unwrap(),
                Err(_) => assert!(reader.may_wait() && reader.is_held_up()),
            }
            let all = share.reserve(usize::MAX).await;
            assert_eq!(all.bytes(), 24 << 20, "nothing is held");
            assert!(!reader.may_wait(), "others want the memory");
        };
        let waited = begun.elapsed();
        assert!((SECOND * 4..SECOND * 6).contains(&waited), "{waited:?}");
        assert_eq!((&block[..], room.bytes(), reader.has_waited()), (&b"one"[..], 3, true));
        // What it had leave for and did not read is given back.
        sleep(Duration::from_millis(10)).await;
        sender.write_all(b"two").await.unwrap();
        reader.next().await.unwrap().unwrap();
        assert!(!reader.has_waited());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_no_more_holds_up_nobody_of_its_shop() {
        let (turnstile, share) = (in_debt(), share());
        let (mut first_sender, first_stream) = duplex(1 << 10);
        let (mut second_sender, second_stream) = duplex(1 << 10);
        let mut first = Reader::new(first_stream, share.clone(), 1);
        let mut second = Reader::new(second_stream, share, 1);
        first.set_turnstile(turnstile.clone());
        second.set_turnstile(turnstile);
        first_sender.write_all(b"one").await.unwrap();
        second_sender.write_all(b"two").await.unwrap();
        assert!(timeout(MOMENT, first.next()).await.is_err() && first.waits());
        // It is there for long yet: what it read is on its way to the log.
        assert_eq!(first.take_first(), "one");
        let read = timeout(SECOND * 60, second.next()).await.expect("it is its turn");
        assert_eq!(read.unwrap().unwrap().0, "two");
        drop(first);
    }
}
