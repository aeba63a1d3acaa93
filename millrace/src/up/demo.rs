//! `--demo`: made-up events through the real TCP door, so that the pages live.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::generate::{Generator, Options};

/// Events a second.
const EVENTS_PER_SECOND: u64 = 50;
/// Wait before a connection that was lost is made anew.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Sends until the process stops. A door that is busy is waited for.
pub(super) async fn run(door: SocketAddr, token: Option<String>, shutdown: CancellationToken) {
    let mut seed = Timestamp::now().as_second().unsigned_abs();
    while !shutdown.is_cancelled() {
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = stream(door, token.as_deref(), seed) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(%door, %error, "the demo has lost its connection");
        }
        seed += 1;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(RECONNECT_AFTER) => {}
        }
    }
}

async fn stream(door: SocketAddr, token: Option<&str>, seed: u64) -> std::io::Result<()> {
    let mut connection = TcpStream::connect(door).await?;
    if let Some(token) = token {
        connection.write_all(format!("{token}\n").as_bytes()).await?;
    }
    let mut tick = interval(Duration::from_millis(200));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut generator = batch(seed);
    let mut seed = seed;
    loop {
        tick.tick().await;
        let mut lines = Vec::new();
        for line in generator.by_ref().take((EVENTS_PER_SECOND / 5) as usize) {
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
        if lines.is_empty() {
            seed = seed.wrapping_add(1 << 32);
            generator = batch(seed);
        } else {
            connection.write_all(&lines).await?;
        }
    }
}

/// A minute of events from now on.
fn batch(seed: u64) -> Generator {
    Generator::new(Options {
        count: EVENTS_PER_SECOND * 60,
        seed,
        start: Timestamp::now(),
        span_seconds: 60,
        malformed_share: 0.001,
        dirty_share: 0.01,
        customers: 500,
    })
}
