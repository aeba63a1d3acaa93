//! A connection's bytes, with TLS or without, over the net or within the machine.
//!
//! Every door of connections reads and writes one of these. Beside reading and writing it tells when there
//! may be something to read, so that a silent connection needs no memory to read into.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::io::poll_read_buf;
use tokio_util::sync::CancellationToken;

use crate::tls::Acceptor;

/// How long the other side may take to let a last word through.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(1);

/// The bytes of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<Tls>),
    Unix(UnixStream),
}

/// A connection with TLS whose handshake is over.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TlsStream<TcpStream>,
    /// Whether something decrypted may wait that the socket does not tell of: bytes, or the sender's end.
    may_have_more: bool,
}

impl From<TlsStream<TcpStream>> for Stream {
    fn from(stream: TlsStream<TcpStream>) -> Self {
        Self::Tls(Box::new(Tls { stream, may_have_more: true }))
    }
}

impl Stream {
    /// Does the handshake where the door has TLS; none if it fails, which is counted, or at a stop.
    pub(crate) async fn greet(
        acceptor: Option<&Acceptor>,
        stream: TcpStream,
        shutdown: &CancellationToken,
    ) -> Option<Self> {
        let Some(acceptor) = acceptor else { return Some(Self::Tcp(stream)) };
        let accepted = shutdown.run_until_cancelled(acceptor.accept(stream)).await??;
        Some(accepted.into())
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Tls(tls) if tls.may_have_more => Ok(()),
            Self::Tls(tls) => tls.stream.get_ref().0.readable().await,
        }
    }

    /// Reads what is there into the free part of a block; `WouldBlock` if there is nothing.
    pub(crate) async fn try_read(&mut self, block: &mut BytesMut) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read_buf(block),
            Self::Unix(stream) => stream.try_read_buf(block),
            Self::Tls(tls) => {
                let read = poll_fn(|context| {
                    let read = poll_read_buf(Pin::new(&mut tls.stream), context, block);
                    Poll::Ready(match read {
                        Poll::Ready(read) => read,
                        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                    })
                })
                .await;
                // Bytes may have come together with the sender's end, of which only the next read tells.
                tls.may_have_more = read.as_ref().is_ok_and(|bytes| *bytes > 0);
                read
            }
        }
    }

    /// Writes something for a person; whether it is read does not matter.
    pub(crate) async fn say(&mut self, text: &[u8]) {
        let say = async {
            self.write_all(text).await?;
            self.flush().await
        };
        drop(timeout(LAST_WORD_TIMEOUT, say).await);
    }

    /// Says that nothing more comes. Without TLS dropping says it.
    pub(crate) async fn close(mut self) {
        if let Self::Tls(tls) = &mut self {
            drop(timeout(LAST_WORD_TIMEOUT, tls.stream.shutdown()).await);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(tls) => {
                let filled_bytes = buffer.filled().len();
                let read = Pin::new(&mut tls.stream).poll_read(context, buffer);
                tls.may_have_more = buffer.filled().len() > filled_bytes;
                read
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(tls) => tls.stream.is_write_vectored(),
        }
    }
}
