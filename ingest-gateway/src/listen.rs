//! What the doors need before anything starts, so that what is wrong is said at once: sockets, and how
//! far files have been read.

mod addresses;
mod taking;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use crate::config::{Config, Listen, Problem};
use crate::file::{Positions, PositionsError};
use crate::handed_over::{HandedOver, HandedOverError, Place};
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
/// asked for ([`Listen::IfFree`]) stays closed where its address is not to be had, and where senders must show a token
/// that it cannot be shown.
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
    let tcp = taking.connections(Place::Tcp, "tcp.listen", config.tcp.listen)?;
    let buffer = config.udp.receive_buffer_bytes;
    let udp = taking.datagrams(Place::Udp, "udp.listen", config.udp.listen, buffer)?;
    let http = http_sockets(&config, &mut taking)?;
    let beats = taking.connections(Place::Beats, "beats.listen", config.beats.listen)?;
    let syslog = syslog_sockets(&config, &mut taking)?;
    let unix = unix_sockets(&config, &mut taking.handed_over)?;
    let closed = taking.closed;
    Ok(Bound { config, tcp, udp, http, beats, positions, syslog, unix, tls, closed })
}

/// Reads the certificates of all doors that listen.
fn certificates(config: &Config) -> Result<TlsOfDoors, GatewayError> {
    let mut problems = Vec::new();
    let mut load = |listens: &[Listen], terms: tls::Terms| {
        if listens.iter().all(|listen| *listen == Listen::Off) {
            return None;
        }
        terms.load().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    };
    let http = config.http_listens().map(|(_, listen)| listen);
    let tls = TlsOfDoors {
        tcp: load(&[config.tcp.listen], tls::Terms::new("tcp", &config.tcp.tls, &[])),
        http: load(&http, tls::Terms::new("http", &config.http.tls, tls::HTTP_PROTOCOLS)),
        syslog: load(
            &[config.syslog.tls_listen],
            tls::Terms::new("syslog", &config.syslog.tls, &[]),
        ),
        beats: load(&[config.beats.listen], tls::Terms::new("beats", &config.beats.tls, &[])),
    };
    if problems.is_empty() { Ok(tls) } else { Err(GatewayError::Settings(problems)) }
}

fn http_sockets(config: &Config, taking: &mut Taking) -> Result<HttpSockets, GatewayError> {
    let (http, otlp, bulk) = (config.http.listen, &config.otlp, config.bulk.listen);
    Ok(HttpSockets {
        own: taking.connections(Place::Http, "http.listen", http)?,
        otlp_http: taking.connections(Place::OtlpHttp, "otlp.http_listen", otlp.http_listen)?,
        otlp_grpc: taking.connections(Place::OtlpGrpc, "otlp.grpc_listen", otlp.grpc_listen)?,
        bulk: taking.connections(Place::Bulk, "bulk.listen", bulk)?,
    })
}

fn syslog_sockets(config: &Config, taking: &mut Taking) -> Result<SyslogSockets, GatewayError> {
    let config = &config.syslog;
    let (setting, buffer) = ("syslog.socket_path", config.receive_buffer_bytes);
    let open_file = |path| Datagrams::open(path, config.socket_mode, setting, buffer);
    let file = match taking.handed_over.datagrams(Place::SyslogSocket, buffer) {
        Some(socket) => Some(Datagrams::handed_over(socket)),
        None => config.socket_path.as_deref().map(open_file).transpose()?,
    };
    let (udp, tcp, tls) = (config.udp_listen, config.tcp_listen, config.tls_listen);
    Ok(SyslogSockets {
        udp: taking.datagrams(Place::SyslogUdp, "syslog.udp_listen", udp, buffer)?,
        tcp: taking.connections(Place::SyslogTcp, "syslog.tcp_listen", tcp)?,
        tls: taking.connections(Place::SyslogTls, "syslog.tls_listen", tls)?,
        file,
    })
}

fn unix_sockets(
    config: &Config,
    handed_over: &mut HandedOver,
) -> Result<UnixSockets, GatewayError> {
    let (unix, buffer) = (&config.unix, config.udp.receive_buffer_bytes);
    let open_stream = |path| Listening::open(path, unix.mode, "unix.stream_path");
    let open_datagram = |path| Datagrams::open(path, unix.mode, "unix.datagram_path", buffer);
    let stream = match handed_over.socket(Place::UnixStream) {
        Some(socket) => Some(Listening::handed_over(socket)),
        None => unix.stream_path.as_deref().map(open_stream).transpose()?,
    };
    let datagram = match handed_over.datagrams(Place::UnixDatagram, buffer) {
        Some(socket) => Some(Datagrams::handed_over(socket)),
        None => unix.datagram_path.as_deref().map(open_datagram).transpose()?,
    };
    Ok(UnixSockets { stream, datagram })
}

#[cfg(test)]
mod tests;
