//! What the doors need before anything starts, so that what is wrong is said at once: sockets, and how
//! far files have been read.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use service::ByteSize;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Config, Listen, Problem};
use crate::file::{Positions, PositionsError};
use crate::handed_over::{HandedOver, HandedOverError, Place};
use crate::tls;
use crate::unix::{Datagrams, Listening, SocketFileError};

/// Connections that wait in the kernel while a door does not accept: as many as Linux allows unless it is told
/// otherwise (`net.core.somaxconn`), since all senders come at once after a restart.
pub(crate) const BACKLOG: i32 = 4_096;

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
    pub(crate) http: Option<TcpListener>,
    pub(crate) beats: Option<TcpListener>,
    pub(crate) positions: Option<Positions>,
    pub(crate) syslog: SyslogSockets,
    pub(crate) unix: UnixSockets,
    pub(crate) tls: TlsOfDoors,
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

/// Checks the settings and takes the addresses. What connects from here on waits for [`crate::run`].
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
pub fn bind_with(mut config: Config, mut handed_over: HandedOver) -> Result<Bound, GatewayError> {
    handed_over.set_addresses(&mut config)?;
    let mut problems = config.check();
    problems.extend(config.file.check_position_file());
    if !problems.is_empty() {
        return Err(GatewayError::Settings(problems));
    }
    config.http.sign_in.read_password().map_err(|problem| GatewayError::Settings(vec![problem]))?;
    let tls = certificates(&config)?;
    let positions = config.file.position_file.as_ref().filter(|_| config.file.is_on());
    let positions = positions.map(|file| Positions::load(file)).transpose()?;
    let given = handed_over.socket(Place::Tcp);
    let tcp = listen(given, config.tcp.listen, "tcp.listen", stream_socket)?;
    let buffer = config.udp.receive_buffer_bytes;
    let given = handed_over.datagrams(Place::Udp, buffer);
    let udp = listen(given, config.udp.listen, "udp.listen", |at| datagram_socket(at, buffer))?;
    let given = handed_over.socket(Place::Http);
    let http = listen(given, config.http.listen, "http.listen", stream_socket)?;
    let given = handed_over.socket(Place::Beats);
    let beats = listen(given, config.beats.listen, "beats.listen", stream_socket)?;
    let syslog = syslog_sockets(&config, &mut handed_over)?;
    let unix = unix_sockets(&config, &mut handed_over)?;
    Ok(Bound {
        config,
        syslog,
        unix,
        tls,
        tcp: tcp.map(Into::into),
        udp: udp.map(Into::into),
        http: http.map(Into::into),
        beats: beats.map(Into::into),
        positions,
    })
}

/// Reads the certificates of all doors that listen.
fn certificates(config: &Config) -> Result<TlsOfDoors, GatewayError> {
    let mut problems = Vec::new();
    let mut load = |listen: Listen, terms: tls::Terms| {
        if listen == Listen::Off {
            return None;
        }
        terms.load().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    };
    let tls = TlsOfDoors {
        tcp: load(config.tcp.listen, tls::Terms::new("tcp", &config.tcp.tls, &[])),
        http: load(
            config.http.listen,
            tls::Terms::new("http", &config.http.tls, tls::HTTP_PROTOCOLS),
        ),
        syslog: load(config.syslog.tls_listen, tls::Terms::new("syslog", &config.syslog.tls, &[])),
        beats: load(config.beats.listen, tls::Terms::new("beats", &config.beats.tls, &[])),
    };
    if problems.is_empty() { Ok(tls) } else { Err(GatewayError::Settings(problems)) }
}

fn syslog_sockets(
    config: &Config,
    handed_over: &mut HandedOver,
) -> Result<SyslogSockets, GatewayError> {
    let config = &config.syslog;
    let (setting, buffer) = ("syslog.socket_path", config.receive_buffer_bytes);
    let open_file = |path| Datagrams::open(path, config.socket_mode, setting, buffer);
    let file = match handed_over.datagrams(Place::SyslogSocket, buffer) {
        Some(socket) => Some(Datagrams::handed_over(socket)),
        None => config.socket_path.as_deref().map(open_file).transpose()?,
    };
    let open_udp = |at| datagram_socket(at, buffer);
    let udp = handed_over.datagrams(Place::SyslogUdp, buffer);
    let udp = listen(udp, config.udp_listen, "syslog.udp_listen", open_udp)?;
    let tcp = handed_over.socket(Place::SyslogTcp);
    let tcp = listen(tcp, config.tcp_listen, "syslog.tcp_listen", stream_socket)?;
    let tls = handed_over.socket(Place::SyslogTls);
    let tls = listen(tls, config.tls_listen, "syslog.tls_listen", stream_socket)?;
    Ok(SyslogSockets {
        udp: udp.map(Into::into),
        tcp: tcp.map(Into::into),
        tls: tls.map(Into::into),
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

impl Bound {
    /// Where the syslog door takes datagrams, unless that is off.
    #[must_use]
    pub fn syslog_udp_address(&self) -> Option<SocketAddr> {
        self.syslog.udp.as_ref()?.local_addr().ok()
    }

    /// Where the syslog door takes connections without TLS, unless that is off.
    #[must_use]
    pub fn syslog_tcp_address(&self) -> Option<SocketAddr> {
        self.syslog.tcp.as_ref()?.local_addr().ok()
    }

    /// Where the syslog door takes connections with TLS, unless that is off.
    #[must_use]
    pub fn syslog_tls_address(&self) -> Option<SocketAddr> {
        self.syslog.tls.as_ref()?.local_addr().ok()
    }

    /// The doors that are open beside those of TCP, UDP, HTTP and Beats, for a person: what each is, and where.
    #[must_use]
    pub fn other_doors(&self) -> Vec<(&'static str, String)> {
        let sockets = [
            ("syslog over UDP", self.syslog_udp_address()),
            ("syslog over TCP", self.syslog_tcp_address()),
            ("syslog over TLS", self.syslog_tls_address()),
        ];
        let sockets = sockets.into_iter().filter_map(|(door, at)| Some((door, at?.to_string())));
        let (syslog, unix) = (&self.config.syslog, &self.config.unix);
        let files = [
            ("syslog socket", &syslog.socket_path),
            ("line socket", &unix.stream_path),
            ("datagram socket", &unix.datagram_path),
        ];
        let files = files
            .into_iter()
            .filter_map(|(door, path)| Some((door, path.as_ref()?.display().to_string())));
        sockets.chain(files).collect()
    }

    /// Whether the HTTP door speaks TLS.
    #[must_use]
    pub fn is_http_tls(&self) -> bool {
        self.tls.http.is_some()
    }

    /// Where the TCP door listens, unless it is off.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref()?.local_addr().ok()
    }

    /// Where the UDP door listens, unless it is off.
    #[must_use]
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp.as_ref()?.local_addr().ok()
    }

    /// Where the HTTP door listens, unless it is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    /// Where the Beats door listens, unless it is off.
    #[must_use]
    pub fn beats_address(&self) -> Option<SocketAddr> {
        self.beats.as_ref()?.local_addr().ok()
    }
}

/// The socket that was handed over, else one that is opened where the door listens.
fn listen(
    handed_over: Option<Socket>,
    listen: Listen,
    setting: &'static str,
    open: impl FnOnce(SocketAddr) -> io::Result<Socket>,
) -> Result<Option<Socket>, GatewayError> {
    if handed_over.is_some() {
        return Ok(handed_over);
    }
    let Some(address) = listen.address() else { return Ok(None) };
    match open(address) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(GatewayError::InUse { setting, address })
        }
        Err(source) => Err(GatewayError::Listen { setting, address, source }),
    }
}

fn stream_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the process before this one may still be closing.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn datagram_socket(address: SocketAddr, buffer: ByteSize) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    let given = set_receive_buffer(&socket, buffer)?;
    if given < buffer {
        tracing::info!(
            %given, wanted = %buffer, %address,
            "the kernel gives the door of datagrams a smaller buffer: raise net.core.rmem_max"
        );
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Asks for a receive buffer of this size, and says what the kernel gives.
pub(crate) fn set_receive_buffer(socket: &Socket, wanted: ByteSize) -> io::Result<ByteSize> {
    if set_socket_recv_buffer_size_force(socket, wanted.as_usize()).is_err() {
        // Without the right to force it, the kernel gives what net.core.rmem_max allows.
        socket.set_recv_buffer_size(wanted.as_usize())?;
    }
    Ok(ByteSize(socket.recv_buffer_size()? as u64))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{GatewayError, bind};
    use crate::config::{Config, Listen};

    fn any_port() -> Config {
        let mut config = Config::default();
        let any = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
        (config.tcp.listen, config.udp.listen, config.http.listen) = (any, any, any);
        config
    }

    #[test]
    fn a_port_in_use_is_one_clear_line() {
        let first = bind(any_port()).unwrap();
        let taken = first.http_address().unwrap();
        let mut config = any_port();
        config.http.listen = Listen::At(taken);
        let error = bind(config).unwrap_err();
        assert!(matches!(error, GatewayError::InUse { setting: "http.listen", .. }));
        assert_eq!(
            error.to_string(),
            format!(
                "port {} on 127.0.0.1 is in use: stop the other program, or set \
                 ingest_gateway.http.listen",
                taken.port()
            )
        );
    }

    #[test]
    fn an_address_of_another_machine_names_its_setting() {
        let mut config = any_port();
        config.allow_unauthenticated_udp = true;
        config.udp.listen = "192.0.2.1:5000".parse().unwrap();
        let error = bind(config).unwrap_err().to_string();
        assert!(error.starts_with("cannot listen on 192.0.2.1:5000 (ingest_gateway.udp.listen)"));
    }

    #[test]
    fn a_closed_door_has_no_address_and_a_wrong_setting_opens_none() {
        let mut config = any_port();
        config.udp.listen = Listen::Off;
        let bound = bind(config.clone()).unwrap();
        assert!(bound.udp_address().is_none() && bound.tcp_address().is_some());
        config.tcp.listen = "0.0.0.0:0".parse().unwrap();
        assert!(
            matches!(bind(config), Err(GatewayError::Settings(problems)) if problems.len() == 1)
        );
    }
}
