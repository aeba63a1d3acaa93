//! The doors for lines that are sockets in the file system: one for connections, one for datagrams.
//!
//! Who may send is who may write to the socket's file. A connection may show the token of a shop in its first line,
//! to send as that one.
//!
//! Source: POSIX.1-2017, sockets of the domain `AF_UNIX`: `SOCK_STREAM`, whose lines are told apart as over TCP, and
//! `SOCK_DGRAM`, whose datagrams end their last line as over UDP. Who connects says Linux (`SO_PEERCRED`, unix(7)).

mod socket;

use std::sync::Arc;

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::UnixConfig;
use crate::connection::{Door, FirstLine};
use crate::connections::Gate;
use crate::datagrams;
use crate::form::Form;
use crate::intake::Intake;
use crate::multiline::Rules;
use crate::stream::Stream;

pub use socket::SocketFileError;
pub(crate) use socket::{Datagrams, Listening, SocketFile};

/// The name of the first one in ledgers, metrics and records.
pub(crate) const DOOR: &str = "unix";

/// What its connections have in common.
pub(crate) fn door(intake: Intake, config: &UnixConfig) -> Door {
    Door {
        codec: config.codec,
        form: Form::AsItIs,
        framing: config.framing.or_ended_by(config.delimiter),
        multiline: Rules::new(&config.multiline, intake.line_bytes_max()),
        idle_timeout: config.idle_timeout.0,
        line_timeout: config.line_timeout.0,
        first_line: FirstLine::PerhapsToken,
        intake: intake.of_shop(config.shop.as_ref()),
    }
}

/// What it makes of datagrams, each of which holds lines.
pub(crate) fn datagrams(intake: Intake, config: &UnixConfig) -> datagrams::Door {
    let intake = intake.of_shop(config.shop.as_ref());
    datagrams::Door { intake, codec: config.codec, form: Form::AsItIs, is_one_message: false }
}

/// Serves the connections until told to stop, then reads what has arrived and makes it durable.
pub(crate) async fn serve(
    gate: Gate<UnixListener>,
    door: Arc<Door>,
    file: Option<SocketFile>,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    gate.run(&shutdown, |stream, user, admission| {
        let source = user.map_or_else(|| DOOR.into(), |user| format!("{DOOR}:{user}").into());
        let serve =
            Arc::clone(&door).serve(Stream::Unix(stream), source, admission, shutdown.clone());
        tracker.spawn(serve);
    })
    .await;
    drop(file);
    tracker.close();
    tracker.wait().await;
}
