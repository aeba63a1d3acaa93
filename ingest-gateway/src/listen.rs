//! What the doors need before anything starts, so that what is wrong is said at once: sockets, and how
//! far files have been read.

mod addresses;
mod door;
mod taking;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use crate::config::{Config, Listen, Place, Problem, Slot};
use crate::file::{Positions, PositionsError};
use crate::handed_over::{HandedOver, HandedOverError};
use crate::tls;
use crate::unix::SocketFileError;

pub use addresses::FurtherDoor;
pub(crate) use door::{Door, HttpSockets, Sockets, SyslogSockets, UnixSockets};
pub use taking::ClosedDoor;
use taking::Taking;
pub(crate) use taking::{BACKLOG, set_receive_buffer};

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Settings that cannot be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<Problem>),
    /// Somebody else listens there.
    #[error(
        "port {} on {} is in use: stop the other program, or set ingest_gateway.{setting}",
        .address.port(), .address.ip()
    )]
    InUse {
        /// Name of the setting within `[ingest_gateway]`.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address} (ingest_gateway.{setting}): {source}")]
    Listen {
        /// Name of the setting within `[ingest_gateway]`.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A socket in the file system cannot be made.
    #[error(transparent)]
    SocketFile(#[from] SocketFileError),
    /// A socket of the service manager cannot be used.
    #[error(transparent)]
    HandedOver(#[from] HandedOverError),
    /// What is kept of the files that are read cannot be used.
    #[error(transparent)]
    Positions(#[from] PositionsError),
    /// A socket could not be handed to the runtime.
    #[error("cannot serve a socket: {0}")]
    Serve(#[from] io::Error),
    /// A door ended by itself, which is a mistake of the program.
    #[error("a door has failed: {0}")]
    Door(String),
}

/// Doors that have their addresses and do not serve yet.
#[derive(Debug)]
pub struct Bound {
    pub(crate) config: Config,
    pub(crate) doors: Vec<Door>,
    /// Certificates of the doors that have some, by the names of these.
    pub(crate) tls: BTreeMap<&'static str, tls::Ready>,
    pub(crate) positions: Option<Positions>,
    /// Whether each place is open: those that are, and those that gave way.
    pub(crate) is_open: BTreeMap<Place, bool>,
    pub(crate) closed: Vec<ClosedDoor>,
}

/// Checks the settings and takes the addresses. What connects from here on waits for [`crate::run`]. A door that nobody
/// asked for stays closed without [`Config::default_doors`]; and one that gives way ([`Listen::IfFree`]) where its address
/// is not to be had, and where senders must show a token that it cannot be shown.
///
/// # Errors
/// As [`GatewayError`] says; each names the setting to change.
pub fn bind(config: Config) -> Result<Bound, GatewayError> {
    bind_with(config, HandedOver::default())
}

/// The same with sockets that were handed over, whose doors need no address of their own.
///
/// # Errors
/// As [`bind`].
pub fn bind_with(mut config: Config, handed_over: HandedOver) -> Result<Bound, GatewayError> {
    handed_over.set_addresses(&mut config)?;
    config.give_way();
    let tokenless = config.close_tokenless();
    let mut problems = config.check();
    problems.extend(config.file.check_position_file());
    if !problems.is_empty() {
        return Err(GatewayError::Settings(problems));
    }
    config.read_passwords().map_err(|problem| GatewayError::Settings(vec![problem]))?;
    let tls = certificates(&config)?;
    let positions = config.file.position_file.as_ref().filter(|_| config.file.is_on());
    let positions = positions.map(|file| Positions::load(file)).transpose()?;
    let mut taking = Taking::new(handed_over, tokenless);
    let doors = door::take(&config, &mut taking)?;
    let Taking { is_open, closed, .. } = taking;
    Ok(Bound { config, doors, tls, positions, is_open, closed })
}

/// Reads the certificates of all doors that listen, and gives them by the names of these.
fn certificates(config: &Config) -> Result<BTreeMap<&'static str, tls::Ready>, GatewayError> {
    let (mut problems, mut read, mut ready) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    for place in config.places() {
        let tls = place.tls(config).filter(|_| config.listen(place) != Listen::Off);
        let Some(tls) = tls.filter(|_| read.insert(place.door())) else { continue };
        let is_http = Slot::HTTP.contains(&place.slot());
        let protocols: &'static [&'static [u8]] = if is_http { tls::HTTP_PROTOCOLS } else { &[] };
        match tls::Terms::new(place.door(), tls, protocols).load() {
            Ok(loaded) => ready.extend(loaded.map(|loaded| (place.door(), loaded))),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(ready) } else { Err(GatewayError::Settings(problems)) }
}

#[cfg(test)]
mod tests;
