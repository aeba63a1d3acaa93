//! The ingest gateway: doors for log lines over TCP, UDP, HTTP and Lumberjack and out of files, in front of
//! `logs.raw`.
//!
//! `intake` is the door; a protocol's file does framing in and acknowledgement out. Nothing here
//! acknowledges what is not durable, or looks into a line deeper than it must to split and judge it.

mod beats;
mod budget;
pub mod config;
mod connections;
mod file;
mod http;
mod intake;
mod lines;
pub mod listen;
mod metrics;
mod tcp;
#[doc(hidden)]
pub mod trial;
mod udp;

use std::sync::Arc;
use std::time::Duration;

use pipeline::Runtime;
use service::{HealthState, MetricKind};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

pub use config::{
    BeatsConfig, Config, FileConfig, FileMode, HttpConfig, Listen, Problem, StartPosition,
    TcpConfig, UdpConfig,
};
pub use file::PositionsError;
pub use listen::{Bound, GatewayError, bind};

use connections::{Gate, Peers};
use intake::{Clock, DISK, Foundation, Intake, STAGE};

/// How often it is looked whether the disk has room.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the doors until the context's shutdown. Then they take nothing new, read what has arrived,
/// and end when it is durable, or when the drain timeout is over.
///
/// # Errors
/// [`GatewayError`] when a socket cannot be served.
pub async fn run(bound: Bound, runtime: Runtime) -> Result<(), GatewayError> {
    let Bound { config, tcp, udp, http, beats, positions } = bound;
    let context = runtime.context.clone();
    let foundation = Foundation::new(&config, runtime, Clock::system());
    let peers = Peers::new(config.connections_per_address_max, Arc::clone(&foundation.budget));
    let gate = |door, listener, connections_max| {
        TcpListener::from_std(listener).map(|listener| Gate {
            door,
            listener,
            connections_max,
            peers: Arc::clone(&peers),
            metrics: foundation.metrics.clone(),
        })
    };
    let mut doors = JoinSet::new();
    if let Some(listener) = tcp {
        let gate = gate(tcp::DOOR, listener, config.tcp.connections_max)?;
        let intake = Intake::new(tcp::DOOR, &foundation);
        doors.spawn(tcp::serve(gate, intake, config.tcp, context.shutdown.clone()));
    }
    if let Some(socket) = udp {
        let drops = udp::Drops::of(&socket);
        show_drops(&context, drops);
        let socket = UdpSocket::from_std(socket)?;
        let intake = Intake::new(udp::DOOR, &foundation);
        doors.spawn(udp::serve(socket, intake, config.udp.codec, drops, context.shutdown.clone()));
    }
    if let Some(listener) = http {
        let gate = gate(http::DOOR, listener, config.http.connections_max)?;
        let intake = Intake::new(http::DOOR, &foundation);
        doors.spawn(http::serve(gate, intake, config.http, context.shutdown.clone()));
    }
    if let Some(listener) = beats {
        let gate = gate(beats::DOOR, listener, config.beats.connections_max)?;
        let intake = Intake::new(beats::DOOR, &foundation);
        doors.spawn(beats::serve(gate, intake, config.beats, context.shutdown.clone()));
    }
    if let Some(positions) = positions {
        let intake = Intake::new(file::DOOR, &foundation);
        let door = file::Door::new(intake, config.file, positions, context.health.clone());
        doors.spawn(file::serve(door, foundation.budget.share(), context.shutdown.clone()));
    }
    context.health.set(STAGE, HealthState::Ready);
    let watching = watch_room(foundation.runtime.clone());
    let watching = context.shutdown.clone().run_until_cancelled_owned(watching);
    let _watching = AbortOnDropHandle::new(tokio::spawn(async move {
        watching.await;
    }));

    // A door that ends before it is told to has failed, and so has the gateway.
    let give_up_at = async {
        context.shutdown.cancelled().await;
        tokio::time::sleep(config.drain_timeout.0).await;
    };
    let mut give_up_at = std::pin::pin!(give_up_at);
    let mut patient = true;
    loop {
        tokio::select! {
            ended = doors.join_next() => match ended {
                Some(ended) => ended.map_err(|error| GatewayError::Door(error.to_string()))?,
                None => break,
            },
            () = &mut give_up_at, if patient => {
                patient = false;
                foundation.give_up.cancel();
            }
        }
    }
    context.shutdown.cancelled().await;
    Ok(())
}

/// Says in health and in the log when the disk is too full for anything to be accepted, and when there
/// is room again. Goes on until it is dropped.
async fn watch_room(runtime: Runtime) {
    let health = &runtime.context.health;
    let mut was_short = false;
    loop {
        let shortage = runtime.bus.shortage();
        let is_short = shortage.is_some();
        match shortage {
            Some(reason) => {
                if !was_short {
                    tracing::warn!(reason, "nothing is accepted from the doors");
                }
                health.set(DISK, HealthState::Failed { reason });
            }
            None if was_short => {
                tracing::info!("there is room again: the doors accept");
                health.clear(DISK);
            }
            None => {}
        }
        was_short = is_short;
        tokio::time::sleep(ROOM_INTERVAL).await;
    }
}

fn show_drops(context: &service::Context, drops: udp::Drops) {
    context.metrics.computed(
        "millrace_gateway_udp_dropped_datagrams_total",
        "Datagrams that the kernel dropped because the door did not read fast enough",
        MetricKind::Counter,
        &[],
        move || vec![(Vec::new(), drops.count() as f64)],
    );
}
