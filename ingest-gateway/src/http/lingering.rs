//! The end of a connection that is still being sent to: whoever is refused in the midst of sending reads why.
//!
//! A socket that is closed while bytes come is reset, and takes the answer that the other side has not read yet with
//! it. So only this side is closed at first, and what still comes is thrown away: for a moment, and not without end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// How long the other side may take to end.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How much of what it sends meanwhile is thrown away.
const LINGER_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES: usize = 8 << 10;

/// A stream that lingers when it is shut down.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    /// Whoever is silent while the process stops is not waited for.
    shutdown: CancellationToken,
    closing: Option<Closing>,
}

/// This side is closed, and the other one is not yet.
#[derive(Debug)]
struct Closing {
    deadline: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, shutdown: CancellationToken) -> Self {
        Self { stream, shutdown, closing: None }
    }
}

impl Closing {
    fn begin() -> Self {
        Self { deadline: Box::pin(sleep(LINGER_TIMEOUT)), bytes: 0 }
    }

    /// Throws away what comes, up to its end.
    fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        is_stopping: bool,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut block = [0; BLOCK_BYTES];
        loop {
            let mut buffer = ReadBuf::new(&mut block);
            let read = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            let bytes = buffer.filled().len();
            match read {
                Poll::Ready(Ok(())) if bytes > 0 && self.bytes < LINGER_BYTES_MAX => {
                    self.bytes += bytes;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if is_stopping => return Poll::Ready(()),
                Poll::Pending => return self.deadline.as_mut().poll(context),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let closing = this.closing.get_or_insert_with(Closing::begin);
        closing.poll(&mut this.stream, this.shutdown.is_cancelled(), context).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::{LINGER_BYTES_MAX, LINGER_TIMEOUT, Lingering};

    fn connection() -> (DuplexStream, Lingering<DuplexStream>, CancellationToken) {
        let (sender, door) = duplex(1 << 10);
        let shutdown = CancellationToken::new();
        (sender, Lingering::new(door, shutdown.clone()), shutdown)
    }

    /// Says no, ends, and gives how long that took.
    async fn refuse(door: &mut Lingering<DuplexStream>) -> Duration {
        let begun = Instant::now();
        door.write_all(b"no").await.unwrap();
        door.shutdown().await.unwrap();
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_still_comes_is_thrown_away_up_to_its_end() {
        let (mut sender, mut door, _) = connection();
        let sending = async {
            sender.write_all(&vec![b'x'; 600 << 10]).await.unwrap();
            sender.shutdown().await.unwrap();
            let mut answer = String::new();
            sender.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (answer, took) = tokio::join!(sending, refuse(&mut door));
        assert_eq!((answer.as_str(), took), ("no", Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_end_is_not_waited_for_without_end() {
        let (_sender, mut silent, shutdown) = connection();
        let took = refuse(&mut silent).await;
        assert!(took >= LINGER_TIMEOUT && took < LINGER_TIMEOUT * 2, "{took:?}");

        let (mut sender, mut door, _) = connection();
        let sending = tokio::spawn(async move {
            let mut bytes = 0;
            while sender.write_all(&[b'x'; 1 << 10]).await.is_ok() {
                bytes += 1 << 10;
            }
            bytes
        });
        assert_eq!(refuse(&mut door).await, Duration::ZERO);
        drop(door);
        let sent = sending.await.unwrap();
        assert!(sent < 2 * LINGER_BYTES_MAX, "{sent}");

        shutdown.cancel();
        let (_sender, stopped, _) = connection();
        let mut stopped = Lingering { shutdown, ..stopped };
        assert_eq!(refuse(&mut stopped).await, Duration::ZERO, "at a stop");
    }
}
