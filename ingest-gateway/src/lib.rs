//! The ingest gateway: doors for log lines over TCP, UDP, HTTP, Lumberjack, syslog and sockets in the file system and
//! out of files, in front of `logs.raw`.
//!
//! `intake` is the door; a protocol's file does framing in and acknowledgement out. Nothing here
//! acknowledges what is not durable, or looks into a line deeper than it must to split, judge and mask it.

mod beats;
mod budget;
pub mod config;
mod connection;
mod connections;
mod datagrams;
mod fair;
mod file;
mod form;
mod frames;
mod handed_over;
mod http;
mod intake;
mod lines;
pub mod listen;
mod masking;
mod metrics;
mod multiline;
mod opening;
mod quota;
mod reader;
mod spool;
mod stores;
mod stream;
pub mod syslog;
mod syslog_door;
mod tcp;
mod tls;
mod tokens;
#[doc(hidden)]
pub mod trial;
mod udp;
mod unix;

use std::sync::Arc;
use std::time::Duration;

use pipeline::Runtime;
use service::{Context, HealthState};
use tokio_util::task::AbortOnDropHandle;

pub use config::{
    BeatsConfig, BulkConfig, ClientCertificates, Config, FileConfig, FileInputConfig, FileMode,
    HttpConfig, Listen, MaskingConfig, MemoryPart, MultilineConfig, OtlpConfig, Problem,
    QuotaConfig, ResponseConfig, ShopConfig, SignInConfig, SocketMode, SpoolConfig, StartPosition,
    SyslogConfig, TcpConfig, TlsConfig, TlsVersion, UdpConfig, UnixConfig, What,
};
pub use file::PositionsError;
pub use handed_over::{HandedOver, HandedOverError};
pub use lines::{Delimiter, Framing, NotADelimiter, frames};
pub use listen::{Bound, ClosedDoor, FurtherDoor, GatewayError, bind, bind_with};
pub use spool::Spool;
pub use stores::Stores;
pub use unix::SocketFileError;

use connections::Peers;
use intake::{Clock, DISK, Foundation, Intake, STAGE};
use opening::{Certificates, Opening};

/// How often it is looked whether the disk has room.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the doors until the context's shutdown. Then they take nothing new, read what has arrived,
/// and end when it is durable, or when the drain timeout is over. The gateway runs without stores too: then there
/// are no tokens of shops.
///
/// # Errors
/// [`GatewayError`] when a socket cannot be served.
pub async fn run(bound: Bound, runtime: Runtime, stores: Stores) -> Result<(), GatewayError> {
    let Bound { config, doors, tls, positions, is_open, .. } = bound;
    let context = runtime.context.clone();
    let foundation = Foundation::new(&config, runtime, Clock::system(), &stores);
    foundation.metrics.tell_doors(&is_open);
    let tokens = Arc::clone(&foundation.tokens);
    let reading = tokens.watch(config.tokens_refresh_interval.0, context.clone());
    let _reading = beside(&context, reading);
    let sharing = quota::shared::sharing(&config, &foundation.quotas, stores.cache);
    let _sharing = sharing.map(|sharing| beside(&context, sharing));
    let peers = Peers::new(config.connections_per_address_max, Arc::clone(&foundation.budget));
    let certificates = Certificates::new(tls, &foundation);
    let mut opening = Opening::new(&foundation, &peers);
    for door in doors {
        let tls = certificates.of(door.name);
        opening.open(door, &config, tls)?;
    }
    let mut doors = opening.finish();
    if let Some(positions) = positions {
        let intake = Intake::new(file::DOOR, &foundation);
        let door = file::Door::new(intake, &config.file, positions, context.health.clone());
        doors.spawn(file::serve(door, foundation.budget.share(), context.shutdown.clone()));
    }
    context.health.set(STAGE, HealthState::Ready);
    let _watching = beside(&context, watch_room(foundation.runtime.clone()));

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

/// Does something beside the doors, until the shutdown or until this is dropped.
fn beside(
    context: &Context,
    work: impl Future<Output = ()> + Send + 'static,
) -> AbortOnDropHandle<()> {
    let work = context.shutdown.clone().run_until_cancelled_owned(work);
    AbortOnDropHandle::new(tokio::spawn(async move {
        work.await;
    }))
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
