//! The file door: follows files as they are written, or reads each once.
//!
//! A file cannot be answered, but it can be read again: how far it is read is kept only when the log
//! has acknowledged the lines before, and a line's id is made of the file's content and the line's
//! place in it. So after a crash nothing is lost, and what is sent twice is one event. Where lines are joined, how
//! far it is read is kept by whole events.
//!
//! Files are looked at again and again rather than watched: no notice of a change comes over a network
//! or out of every container's volume, and one that came would save no look, since it may be lost.
//! The door waits for disks, so it runs on a thread of its own.

mod block;
mod braces;
mod content;
mod door;
mod ended;
mod events;
mod identity;
mod input;
mod open_files;
mod paths;
mod positions;
mod rhythm;
mod scan;
mod tail;
mod troubles;
mod turns;

use std::pin::Pin;

use service::CancellationToken;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

pub(crate) use braces::expand_braces;
pub(crate) use door::Door;
pub(crate) use positions::Positions;
pub use positions::PositionsError;

use crate::budget::{Reservation, Share};

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = bus::inputs::FILE;

/// Serves the door until told to stop; then what was read is made durable, and the rest is left for the
/// next start.
///
/// # Panics
/// If the door did.
pub(crate) async fn serve(door: Door, share: Share, shutdown: CancellationToken) {
    let runtime = Handle::current();
    let serving =
        tokio::task::spawn_blocking(move || runtime.block_on(work(door, share, shutdown)));
    if let Err(Ok(panic)) = serving.await.map_err(tokio::task::JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}

async fn work(mut door: Door, share: Share, shutdown: CancellationToken) {
    let turnstile = door.turnstile();
    let mut waiting = None;
    loop {
        if waiting.is_none()
            && let Some((id, bytes)) = door.next()
        {
            let (share, turnstile) = (share.clone(), turnstile.clone());
            let room = async move {
                if let Some(turnstile) = turnstile {
                    turnstile.pass(bytes).await.keep(bytes as u64);
                }
                share.reserve(bytes).await
            };
            waiting = Some((id, Box::pin(room)));
        }
        let next_look = sleep_until(door.looks_next_at(Instant::now()));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            arrival = door.arrival(), if door.awaits_arrivals() => door.settle(&arrival, Instant::now()),
            () = next_look => {
                let now = Instant::now();
                door.look_around(now);
                door.end_due(Instant::now(), share.is_scarce());
                door.wait_after(now, Instant::now());
            }
            room = room(waiting.as_mut().map(|(_, room)| room)), if waiting.is_some() => {
                if let Some((id, _)) = waiting.take() {
                    door.read(id, room, Instant::now());
                }
            }
        }
    }
    door.finish().await;
}

/// Waits until the shop may send more, and for memory to read into.
async fn room<F: Future<Output = Reservation>>(waiting: Option<&mut Pin<Box<F>>>) -> Reservation {
    match waiting {
        Some(room) => room.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
