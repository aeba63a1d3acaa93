//! The TCP door: lines (JSON Lines, or text), told apart as its settings say, with TLS or without.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::TcpConfig;
use crate::connection::{Door, FirstLine};
use crate::connections::Gate;
use crate::form::Form;
use crate::intake::Intake;
use crate::multiline::Rules;
use crate::stream::Stream;
use crate::tls::Acceptor;

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "tcp";

/// What its connections have in common.
pub(crate) fn door(intake: Intake, config: &TcpConfig) -> Door {
    Door {
        codec: config.codec,
        form: Form::AsItIs,
        framing: config.framing.or_ended_by(config.delimiter),
        multiline: Rules::new(&config.multiline, intake.line_bytes_max()),
        idle_timeout: config.idle_timeout.0,
        line_timeout: config.line_timeout.0,
        first_line: FirstLine::Token,
        intake: intake.of_shop(config.shop.as_ref()),
    }
}

/// Serves a door of lines until told to stop, then reads what has arrived and makes it durable.
pub(crate) async fn serve(
    gate: Gate,
    door: Arc<Door>,
    tls: Option<Arc<Acceptor>>,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    gate.run(&shutdown, |stream, peer, admission| {
        let source = peer.ip().to_canonical().to_string();
        let (door, tls, shutdown) = (Arc::clone(&door), tls.clone(), shutdown.clone());
        tracker.spawn(async move {
            if let Some(stream) = Stream::greet(tls.as_deref(), stream, &shutdown).await {
                door.serve(stream, source.into(), admission, shutdown).await;
            }
        });
    })
    .await;
    tracker.close();
    tracker.wait().await;
}
