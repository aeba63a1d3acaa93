//! How a process ends: a signal asks it to drain; a second one, or the deadline, ends it.
//!
//! Nothing is lost by the hard way out: what is not committed is read again. What was asked once and came twice is no
//! second signal: `timeout` signals its child and then the child's process group, so that the same signal comes again
//! within a millisecond.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::units::Span;

/// How long a process may drain unless a setting says otherwise.
pub const DRAIN_DEADLINE: Span = Span::from_secs(10);

/// For how long after the first signal another one of its kind is the same wish.
const REPEAT_TIME: Duration = Duration::from_millis(500);

/// Exit code of a process that was ended before it had drained.
pub const EXIT_NOT_DRAINED: i32 = 70;

/// Cancels `shutdown` at the first SIGINT or SIGTERM. Once it is cancelled, by whomever, the process
/// has until the deadline to end by itself; then, or at the next signal, it is ended. A signal of the
/// first one's kind counts when half a second has passed since that. Called within the runtime.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn on_signals(shutdown: CancellationToken, deadline: Span) -> io::Result<()> {
    let (sender, signals) = mpsc::channel(2);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() && sender.send(kind).await.is_ok() {}
        });
    }
    tokio::spawn(async move {
        let why = wait(signals, &shutdown, deadline.0).await;
        match why {
            Ended::SecondSignal => tracing::warn!("a second signal: ending without draining"),
            Ended::Deadline => tracing::error!(%deadline, "not drained in time: ending anyway"),
        }
        std::process::exit(EXIT_NOT_DRAINED);
    });
    Ok(())
}

/// Why a process does not drain to the end.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    SecondSignal,
    Deadline,
}

async fn wait(
    mut signals: mpsc::Receiver<SignalKind>,
    shutdown: &CancellationToken,
    deadline: Duration,
) -> Ended {
    let mut first = None;
    if let Some(signal) = shutdown.run_until_cancelled(signals.recv()).await {
        first = signal.map(|kind| (kind, Instant::now()));
        tracing::info!("stopping: draining what is in flight; a second signal ends at once");
        shutdown.cancel();
    }
    let second = async {
        while let Some(kind) = signals.recv().await {
            let is_repeated =
                |(known, at): (SignalKind, Instant)| known == kind && at.elapsed() < REPEAT_TIME;
            if !first.is_some_and(is_repeated) {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    match tokio::time::timeout(deadline, second).await {
        Ok(()) => Ended::SecondSignal,
        Err(_) => Ended::Deadline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPT: SignalKind = SignalKind::interrupt();
    const TERMINATE: SignalKind = SignalKind::terminate();

    /// What a first signal and another one come to, if there is so much time between them.
    async fn ended_by(first: SignalKind, time: Duration, second: SignalKind) -> (Ended, Duration) {
        let (sender, signals) = mpsc::channel(2);
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let waiting = tokio::spawn(async move { wait(signals, &token, DRAIN_DEADLINE.0).await });
        let began = Instant::now();
        sender.send(first).await.unwrap();
        shutdown.cancelled().await;
        tokio::time::advance(time).await;
        assert!(!waiting.is_finished());
        sender.send(second).await.unwrap();
        (waiting.await.unwrap(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_asks_and_the_second_ends() {
        let (ended, time) = ended_by(TERMINATE, REPEAT_TIME, TERMINATE).await;
        assert_eq!((ended, time), (Ended::SecondSignal, REPEAT_TIME));
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_that_comes_twice_at_once_is_one() {
        let at_once = Duration::from_millis(1);
        let (ended, time) = ended_by(TERMINATE, at_once, TERMINATE).await;
        assert_eq!((ended, time), (Ended::Deadline, DRAIN_DEADLINE.0), "it may drain");
        let (ended, time) = ended_by(INTERRUPT, at_once, TERMINATE).await;
        assert_eq!((ended, time), (Ended::SecondSignal, at_once), "another kind is another wish");
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_counts_from_the_cancellation() {
        let (_sender, signals) = mpsc::channel(2);
        let shutdown = CancellationToken::new();
        let began = Instant::now();
        let token = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            token.cancel();
        });
        assert_eq!(wait(signals, &shutdown, DRAIN_DEADLINE.0).await, Ended::Deadline);
        assert_eq!(began.elapsed(), Duration::from_secs(110));
    }
}
