//! What the doors need before anything starts, so that what is wrong is said at once: sockets, and how
//! far files have been read.

mod addresses;
mod taking;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use crate::config::{Config, Listen, Place, Problem};
use crate::file::{Positions, PositionsError};
use crate::handed_over::{HandedOver, HandedOverError};
use crate::tls;
use crate::unix::{Datagrams, Listening, SocketFileError};

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
    pub(crate) tcp: Option<TcpListener>,
    pub(crate) udp: Option<UdpSocket>,
    pub(crate) http: HttpSockets,
    pub(crate) beats: Option<TcpListener>,
    pub(crate) positions: Option<Positions>,
    pub(crate) syslog: SyslogSockets,
    pub(crate) unix: UnixSockets,
    pub(crate) tls: TlsOfDoors,
    /// Whether each place is open: those that are, and those that gave way.
    pub(crate) is_open: BTreeMap<Place, bool>,
    pub(crate) closed: Vec<ClosedDoor>,
}

/// The sockets of the HTTP door, which takes the same on all of them.
#[derive(Debug)]
pub(crate) struct HttpSockets {
    pub(crate) own: Option<TcpListener>,
    pub(crate) otlp_http: Option<TcpListener>,
    pub(crate) otlp_grpc: Option<TcpListener>,
    pub(crate) bulk: Option<TcpListener>,
}

/// The sockets of the syslog door.
#[derive(Debug)]
pub(crate) struct SyslogSockets {
    pub(crate) udp: Option<UdpSocket>,
    pub(crate) tcp: Option<TcpListener>,
    pub(crate) tls: Option<TcpListener>,
    pub(crate) file: Option<Datagrams>,
}

/// The sockets in the file system.
#[derive(Debug)]
pub(crate) struct UnixSockets {
    pub(crate) stream: Option<Listening>,
    pub(crate) datagram: Option<Datagrams>,
}

/// Certificates of the doors that have some.
#[derive(Debug)]
pub(crate) struct TlsOfDoors {
    pub(crate) tcp: Option<tls::Ready>,
    pub(crate) http: Option<tls::Ready>,
    pub(crate) syslog: Option<tls::Ready>,
    pub(crate) beats: Option<tls::Ready>,
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
    config.http.sign_in.read_password().map_err(|problem| GatewayError::Settings(vec![problem]))?;
    let tls = certificates(&config)?;
    let positions = config.file.position_file.as_ref().filter(|_| config.file.is_on());
    let positions = positions.map(|file| Positions::load(file)).transpose()?;
    let mut taking = Taking::new(handed_over, tokenless);
    let tcp = taking.connections(Place::Tcp, &config)?;
    let udp = taking.datagrams(Place::Udp, &config, config.udp.receive_buffer_bytes)?;
    let http = http_sockets(&config, &mut taking)?;
    let beats = taking.connections(Place::Beats, &config)?;
    let syslog = syslog_sockets(&config, &mut taking)?;
    let unix = unix_sockets(&config, &mut taking)?;
    let Taking { is_open, closed, .. } = taking;
    Ok(Bound { config, tcp, udp, http, beats, positions, syslog, unix, tls, is_open, closed })
}

/// Reads the certificates of all doors that listen.
fn certificates(config: &Config) -> Result<TlsOfDoors, GatewayError> {
    let mut problems = Vec::new();
    let mut load = |places: &[Place], terms: tls::Terms| {
        if places.iter().all(|place| config.listen(*place) == Listen::Off) {
            return None;
        }
        terms.load().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    };
    let http = tls::Terms::new("http", &config.http.tls, tls::HTTP_PROTOCOLS);
    let tls = TlsOfDoors {
        tcp: load(&[Place::Tcp], tls::Terms::new("tcp", &config.tcp.tls, &[])),
        http: load(&Place::HTTP, http),
        syslog: load(&[Place::SyslogTls], tls::Terms::new("syslog", &config.syslog.tls, &[])),
        beats: load(&[Place::Beats], tls::Terms::new("beats", &config.beats.tls, &[])),
    };
    if problems.is_empty() { Ok(tls) } else { Err(GatewayError::Settings(problems)) }
}

fn http_sockets(config: &Config, taking: &mut Taking) -> Result<HttpSockets, GatewayError> {
    Ok(HttpSockets {
        own: taking.connections(Place::Http, config)?,
        otlp_http: taking.connections(Place::OtlpHttp, config)?,
        otlp_grpc: taking.connections(Place::OtlpGrpc, config)?,
        bulk: taking.connections(Place::Bulk, config)?,
    })
}

fn syslog_sockets(config: &Config, taking: &mut Taking) -> Result<SyslogSockets, GatewayError> {
    let (mode, buffer) = (config.syslog.socket_mode, config.syslog.receive_buffer_bytes);
    Ok(SyslogSockets {
        file: taking.local_datagrams(Place::SyslogSocket, config, mode, buffer)?,
        udp: taking.datagrams(Place::SyslogUdp, config, buffer)?,
        tcp: taking.connections(Place::SyslogTcp, config)?,
        tls: taking.connections(Place::SyslogTls, config)?,
    })
}

fn unix_sockets(config: &Config, taking: &mut Taking) -> Result<UnixSockets, GatewayError> {
    let (mode, buffer) = (config.unix.mode, config.udp.receive_buffer_bytes);
    Ok(UnixSockets {
        stream: taking.local_connections(Place::UnixStream, config, mode)?,
        datagram: taking.local_datagrams(Place::UnixDatagram, config, mode, buffer)?,
    })
}

#[cfg(test)]
mod tests;
