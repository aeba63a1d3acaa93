//! How a process ends: a signal asks it to drain; a second one, or the deadline, ends it.
//!
//! Nothing is lost by the hard way out: what is not committed is read again.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::units::Span;

/// How long a process may drain unless a setting says otherwise.
pub const DRAIN_DEADLINE: Span = Span::from_secs(10);

/// Exit code of a process that was ended before it had drained.
pub const EXIT_NOT_DRAINED: i32 = 70;

/// Cancels `shutdown` at the first SIGINT or SIGTERM. Once it is cancelled, by whomever, the process
/// has until the deadline to end by itself; then, or at the next signal, it is ended. Called within
/// the runtime.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn on_signals(shutdown: CancellationToken, deadline: Span) -> io::Result<()> {
    let (sender, signals) = mpsc::channel(2);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() && sender.send(()).await.is_ok() {}
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
    mut signals: mpsc::Receiver<()>,
    shutdown: &CancellationToken,
    deadline: Duration,
) -> Ended {
    if shutdown.run_until_cancelled(signals.recv()).await.is_some() {
        tracing::info!("stopping: draining what is in flight; a second signal ends at once");
        shutdown.cancel();
    }
    let second = async {
        if signals.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    match tokio::time::timeout(deadline, second).await {
        Ok(()) => Ended::SecondSignal,
        Err(_) => Ended::Deadline,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_asks_and_the_second_ends() {
        let (sender, signals) = mpsc::channel(2);
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let waiting = tokio::spawn(async move { wait(signals, &token, DRAIN_DEADLINE.0).await });
        sender.send(()).await.unwrap();
        shutdown.cancelled().await;
        assert!(!waiting.is_finished());
        sender.send(()).await.unwrap();
        assert_eq!(waiting.await.unwrap(), Ended::SecondSignal);
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
