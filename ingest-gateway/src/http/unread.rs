//! A long answer on its way out: it goes in pieces, holds its memory until the last of them is taken, and must be
//! read in time.
//!
//! With HTTP/2 a client says how much of an answer may come. One that lets nothing come, and asks again and again
//! meanwhile, would else hold the answers to all of its streams for ever, outside of the budget. Knows nothing of
//! what an answer says.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::answer::Reply;
use crate::budget::{Reservation, Share};

/// Up to here an answer is as good as sent. Each stream of each connection may have one that nobody counts.
const SHORT_BYTES: usize = 4 << 10;
/// Bytes that the connection is given at once, and holds itself.
const PIECE_BYTES: usize = 4 << 10;
/// How long an answer waits for memory, and how long one that gets none may take to be read.
const MEMORY_WAIT: Duration = Duration::from_secs(1);

/// The size of an answer that is not short.
fn long_bytes(reply: &Reply) -> Option<usize> {
    let bytes = reply.body().size_hint().exact();
    let bytes = bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    (bytes > SHORT_BYTES).then_some(bytes)
}

/// Holds a long answer as [`hold`] does, for which nobody has memory yet.
pub(crate) async fn reserve_and_hold(
    reply: Reply,
    share: &Share,
    time: Duration,
    hang_up: &CancellationToken,
) -> Reply {
    let Some(bytes) = long_bytes(&reply) else { return reply };
    match timeout(MEMORY_WAIT, share.reserve(bytes)).await {
        Ok(room) => hold(reply, Some(room), time, hang_up),
        // What it says has happened: it is said to whoever listens now.
        Err(_) => hold(reply, None, MEMORY_WAIT, hang_up),
    }
}

/// Holds a long answer's memory until it is sent. If that takes longer than `time` the connection is hung up.
pub(crate) fn hold(
    reply: Reply,
    room: Option<Reservation>,
    time: Duration,
    hang_up: &CancellationToken,
) -> Reply {
    if long_bytes(&reply).is_none() {
        return reply;
    }
    let hang_up = hang_up.clone();
    let patience = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::time::sleep(time).await;
        hang_up.cancel();
    }));
    reply.map(|body| {
        Unread { body, taken: Bytes::new(), _room: room, _patience: patience }.boxed_unsync()
    })
}

/// What has not been sent.
struct Unread<B> {
    body: B,
    /// What was taken from the body, and no piece holds.
    taken: Bytes,
    _room: Option<Reservation>,
    _patience: AbortOnDropHandle<()>,
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Unread<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.taken.is_empty() {
            let Some(Ok(frame)) = ready!(Pin::new(&mut this.body).poll_frame(context)) else {
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(data) => this.taken = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let piece = this.taken.split_to(this.taken.len().min(PIECE_BYTES));
        // As a slice it would hold all of the answer, for as long as the connection holds it.
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.taken.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let taken_bytes = self.taken.len() as u64;
        match self.body.size_hint().exact() {
            Some(bytes) => SizeHint::with_exact(taken_bytes + bytes),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::BodyExt;
    use hyper::StatusCode;
    use hyper::body::Body;
    use service::{ByteSize, Metrics};
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    use super::{MEMORY_WAIT, PIECE_BYTES, SHORT_BYTES, hold, reserve_and_hold};
    use crate::budget::Budget;
    use crate::http::answer;

    const TIME: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_long_answer_holds_its_memory_until_its_last_piece_is_taken() {
        let share = Budget::new(ByteSize(32 << 20), &Metrics::default()).share();
        let hang_up = CancellationToken::new();
        let text = Bytes::from(vec![b'x'; 100_000]);
        let all = share.reserve(usize::MAX).await;
        let reply = answer::text(StatusCode::OK, text.clone());
        let mut body = hold(reply, Some(all), TIME, &hang_up).into_body();
        assert_eq!(body.size_hint().exact(), Some(100_000));
        let mut read = Vec::new();
        while !body.is_end_stream() {
            assert!(timeout(Duration::from_millis(1), share.reserve(1)).await.is_err());
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!((1..=PIECE_BYTES).contains(&piece.len()));
            read.extend_from_slice(&piece);
            assert_eq!(body.size_hint().exact(), Some((text.len() - read.len()) as u64));
        }
        assert_eq!(read, text);
        drop(body);
        drop(share.reserve(1).await);
        tokio::time::sleep(2 * TIME).await;
        assert!(!hang_up.is_cancelled(), "it was read in time");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_gets_no_memory_must_be_read_at_once() {
        let share = Budget::new(ByteSize(32 << 20), &Metrics::default()).share();
        let hang_up = CancellationToken::new();
        let reply = || answer::text(StatusCode::OK, vec![b'x'; 2 * SHORT_BYTES]);
        let held = reserve_and_hold(reply(), &share, TIME, &hang_up).await;
        assert!(timeout(Duration::from_millis(1), share.reserve(usize::MAX)).await.is_err());
        drop(held);
        let all = share.reserve(usize::MAX).await;
        let unheld = reserve_and_hold(reply(), &share, TIME, &hang_up).await;
        assert!(!hang_up.is_cancelled());
        tokio::time::sleep(2 * MEMORY_WAIT).await;
        assert!(hang_up.is_cancelled());
        drop((all, unheld));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_hung_up_on() {
        let hang_up = CancellationToken::new();
        let reply = answer::text(StatusCode::OK, vec![b'x'; 100_000]);
        let unread = hold(reply, None, TIME, &hang_up);
        tokio::time::sleep(TIME / 2).await;
        assert!(!hang_up.is_cancelled());
        tokio::time::sleep(TIME).await;
        assert!(hang_up.is_cancelled());
        drop(unread);
        let short = hold(answer::text(StatusCode::OK, "short"), None, TIME, &hang_up);
        assert_eq!(short.into_body().collect().await.unwrap().to_bytes(), "short");
    }
}
