//! The body of an answer in which one piece comes many times over: the piece is held, its repetitions are not.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes of pieces that are written together, unless one is longer.
const BLOCK_BYTES: usize = 64 << 10;

/// What stands before the pieces, the pieces, and what stands behind them.
#[derive(Debug)]
pub(crate) struct Repeated {
    head: Bytes,
    /// Some pieces, one behind the other.
    block: Bytes,
    piece_bytes: usize,
    pieces_left: usize,
    tail: Bytes,
}

impl Repeated {
    /// The piece must not be empty.
    pub(crate) fn new(head: Bytes, piece: &[u8], count: usize, tail: Bytes) -> Self {
        let at_once = count.min((BLOCK_BYTES / piece.len()).max(1));
        let block = Bytes::from(piece.repeat(at_once));
        Self { head, block, piece_bytes: piece.len(), pieces_left: count, tail }
    }
}

impl Body for Repeated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let data = if !this.head.is_empty() {
            std::mem::take(&mut this.head)
        } else if this.pieces_left > 0 {
            let count = this.pieces_left.min(this.block.len() / this.piece_bytes);
            this.pieces_left -= count;
            this.block.slice(..count * this.piece_bytes)
        } else {
            std::mem::take(&mut this.tail)
        };
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.head.is_empty() && self.pieces_left == 0 && self.tail.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = self.head.len() + self.pieces_left * self.piece_bytes + self.tail.len();
        SizeHint::with_exact(bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt;
    use hyper::body::Body;

    use super::Repeated;

    #[tokio::test]
    async fn every_piece_is_written_and_the_length_is_told_before() {
        for count in [0, 1, 3, 10_000, 100_001] {
            let piece = b",{\"status\":429}";
            let (head, tail) = (Bytes::from_static(b"[0"), Bytes::from_static(b"]"));
            let body = Repeated::new(head, piece, count, tail);
            let written = [&b"[0"[..], &piece.repeat(count), b"]"].concat();
            assert_eq!(body.size_hint().exact(), Some(written.len() as u64));
            assert_eq!(body.collect().await.unwrap().to_bytes(), written);
        }
    }
}
