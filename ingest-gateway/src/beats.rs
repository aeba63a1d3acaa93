//! The Beats door: Lumberjack, versions 1 and 2, as Filebeat, Winlogbeat, Logstash and others speak it.
//!
//! Source: the protocol text of Logstash's Beats input (`PROTOCOL.md`), and for what it leaves open the
//! behaviour of libbeat, go-lumber and pylogbeat. A window is acknowledged as a whole, with the number of
//! its last event as the sender wrote it, when every event of it is durable or stands in the dead
//! letters. Nothing is ever turned away: while the log has no room the connection is not read, and the
//! sender is told that its window is being worked on.

mod connection;
pub(crate) mod decoder;
mod error;
pub(crate) mod frame;
mod pairs;
mod windows;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BeatsConfig;
use crate::connections::Gate;
use crate::intake::Intake;
use crate::stream::Stream;
use crate::tls::Acceptor;
use connection::Connection;

/// The name of the first one in ledgers, metrics and records.
pub(crate) const DOOR: &str = "beats";

/// Serves the door until told to stop, then finishes and acknowledges the windows that have come whole.
pub(crate) async fn serve(
    gate: Gate,
    intake: Intake,
    config: BeatsConfig,
    tls: Option<Arc<Acceptor>>,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let intake = intake.of_shop(config.shop.as_ref());
    let config = Arc::new(config);
    gate.run(&shutdown, |stream, peer, admission| {
        let (intake, config) = (intake.clone(), Arc::clone(&config));
        let (tls, shutdown) = (tls.clone(), shutdown.clone());
        tracker.spawn(async move {
            if let Some(stream) = Stream::greet(tls.as_deref(), stream, &shutdown).await {
                // The protocol can show no token.
                let identity = intake.without_token(stream.shop());
                let connection =
                    Connection::new(stream, peer, admission, identity, &intake, &config);
                connection.serve(shutdown).await;
            }
        });
    })
    .await;
    tracker.close();
    tracker.wait().await;
}
