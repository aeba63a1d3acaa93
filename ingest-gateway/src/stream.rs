//! A connection's bytes, with TLS or without, over the net or within the machine.
//!
//! Every door of connections reads and writes one of these, without asking which.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use access::ShopName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::tls::Acceptor;

/// How long the other side may take to let a last word through.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(1);

/// The bytes of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    /// With TLS, whose handshake is over, and the shop of the sender's certificate if it has one.
    Tls(Box<TlsStream<TcpStream>>, Option<ShopName>),
    Unix(UnixStream),
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
        Some(Self::Tls(Box::new(accepted.stream), accepted.shop))
    }

    /// Whose the sender's certificate is, where the door knows shops by their certificates.
    pub(crate) fn shop(&self) -> Option<&ShopName> {
        match self {
            Self::Tls(_, shop) => shop.as_ref(),
            Self::Tcp(_) | Self::Unix(_) => None,
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
        if let Self::Tls(stream, _) = &mut self {
            drop(timeout(LAST_WORD_TIMEOUT, stream.shutdown()).await);
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
            Self::Tls(stream, _) => Pin::new(stream).poll_read(context, buffer),
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
            Self::Tls(stream, _) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream, _) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream, _) => Pin::new(stream).poll_shutdown(context),
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
            Self::Tls(stream, _) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream, _) => stream.is_write_vectored(),
        }
    }
}
