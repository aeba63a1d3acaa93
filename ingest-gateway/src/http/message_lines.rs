//! The lines of HTTP/1 messages, heads and trailers: each ends with a carriage return and a line feed.
//!
//! The library takes a line feed alone for an end too, as RFC 9112, 2.2 lets it. Whoever stands between may take it for
//! a part of the line, and then sees another request than the door does. So this stands in front of the library, and
//! in place of such a line feed gives it what no head holds: it answers 400 and ends the connection.
//!
//! What it has to know is where a head begins. That of a connection begins with its first byte, and the next one where
//! the body before it ends: the library says how that is delimited, once it has read the head. So that it has said it
//! before the next byte is looked at, what was read beyond a head goes on with the next read. Bodies are passed on as
//! they are, and so is all that is not HTTP/1.

mod chunks;
mod place;
#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::body::{Body, Incoming};
use hyper::{Request, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use place::Place;

/// What a line goes on with where a line feed alone stands in it: a byte that no line may hold, and the end of the
/// head, for which the library may wait before it looks at the line.
const REFUSAL: &[u8] = b"\0\r\n\r\n";

/// Bytes that are read at once where a head is awaited: of what stands behind it no more is copied once more.
const HEAD_READ_BYTES: usize = 4 << 10;

/// How a body says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyEnd {
    /// It has so many bytes.
    Length(u64),
    /// By a chunk without bytes.
    Chunks,
}

/// How the body behind the head that was read last ends. Told by whoever gets the requests of a connection to its
/// stream; cloning shares.
#[derive(Clone, Debug, Default)]
pub(super) struct BodyEnds(Arc<Mutex<Option<BodyEnd>>>);

impl BodyEnds {
    /// Tells of a request, before anything behind its head is read.
    pub(super) fn tell(&self, request: &Request<Incoming>) {
        if request.version() <= Version::HTTP_11 {
            let length = request.body().size_hint().exact();
            self.set(length.map_or(BodyEnd::Chunks, BodyEnd::Length));
        }
    }

    fn set(&self, end: BodyEnd) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    fn take(&self) -> Option<BodyEnd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream on which each line of a head ends with a carriage return and a line feed.
#[derive(Debug)]
pub(super) struct MessageLines<S> {
    stream: S,
    place: Place,
    /// What was read beyond the end of a head.
    kept: Bytes,
    ends: BodyEnds,
}

impl<S> MessageLines<S> {
    pub(super) fn new(stream: S, ends: BodyEnds) -> Self {
        Self { stream, place: Place::default(), kept: Bytes::new(), ends }
    }

    /// Over how many of these bytes, which were read, it may go on. The rest of them goes on with the next read, or
    /// not at all.
    fn pass(&mut self, read: &[u8]) -> usize {
        let passed = self.place.pass(read);
        if passed < read.len() {
            self.kept = match self.place {
                Place::Refused => Bytes::from_static(REFUSAL),
                _ => Bytes::copy_from_slice(&read[passed..]),
            };
        }
        passed
    }

    /// Gives of what is kept as much as may go on.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let bytes = self.kept.len().min(buffer.remaining());
        let passed = self.place.pass(&self.kept[..bytes]);
        buffer.put_slice(&self.kept[..passed]);
        if passed < bytes && self.place == Place::Refused {
            self.kept = Bytes::from_static(REFUSAL);
            if passed == 0 {
                self.give(buffer);
            }
        } else {
            self.kept.advance(passed);
            if self.kept.is_empty() {
                // It would hold its memory else.
                self.kept = Bytes::new();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> MessageLines<S> {
    /// Reads a little where a head is awaited, with what may stand behind it.
    fn poll_read_head(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; HEAD_READ_BYTES];
        let bytes_max = HEAD_READ_BYTES.min(buffer.remaining());
        let mut read = ReadBuf::new(&mut bytes[..bytes_max]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        let passed = self.pass(read.filled());
        buffer.put_slice(&read.filled()[..passed]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MessageLines<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.place == Place::HeadEnded {
            this.place = Place::behind_head(this.ends.take());
        }
        let begin = buffer.filled().len();
        if this.kept.is_empty() {
            if this.place == Place::Refused {
                // Nothing that comes behind it is read.
                return Poll::Ready(Ok(()));
            }
            if matches!(this.place, Place::Head(_)) {
                ready!(this.poll_read_head(context, buffer))?;
            } else {
                ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
                let passed = this.pass(&buffer.filled()[begin..]);
                buffer.set_filled(begin + passed);
            }
        }
        // Nothing at all would be the end.
        if buffer.filled().len() == begin && !this.kept.is_empty() {
            this.give(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MessageLines<S> {
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
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
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
