//! The TCP door: lines (JSON Lines, or text), told apart as its settings say, with TLS or without.
//!
//! Source: RFC 9293 (TCP), whose stream has no frames of its own. A line feed ends each, as in NDJSON 1.0 and JSON
//! Lines, where a line is a JSON text (RFC 8259); or octets are counted, or a trailer ends each, as RFC 6587 (3.4.1,
//! 3.4.2) has it for syslog; see `Framing`.

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

/// The name of the first one in ledgers, metrics and records.
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
