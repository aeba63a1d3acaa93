//! What the doors need before anything starts, so that what is wrong is said at once: sockets, and how
//! far files have been read.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use service::ByteSize;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Config, Listen, Problem};
use crate::file::{Positions, PositionsError};

/// Connections that wait in the kernel while a door does not accept.
const BACKLOG: i32 = 1_024;

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
}

/// Checks the settings and takes the addresses. What connects from here on waits for [`crate::run`].
///
/// # Errors
/// As [`GatewayError`] says; each names the setting to change.
pub fn bind(config: Config) -> Result<Bound, GatewayError> {
    let mut problems = config.check();
    problems.extend(config.file.check_position_file());
    if !problems.is_empty() {
        return Err(GatewayError::Settings(problems));
    }
    let positions = config.file.position_file.as_ref().filter(|_| config.file.is_on());
    let positions = positions.map(|file| Positions::load(file)).transpose()?;
    let tcp = listen(config.tcp.listen, "tcp.listen", stream_socket)?;
    let buffer = config.udp.receive_buffer_bytes;
    let udp = listen(config.udp.listen, "udp.listen", |at| datagram_socket(at, buffer))?;
    let http = listen(config.http.listen, "http.listen", stream_socket)?;
    let beats = listen(config.beats.listen, "beats.listen", stream_socket)?;
    Ok(Bound {
        config,
        tcp: tcp.map(Into::into),
        udp: udp.map(Into::into),
        http: http.map(Into::into),
        beats: beats.map(Into::into),
        positions,
    })
}

impl Bound {
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

fn listen(
    listen: Listen,
    setting: &'static str,
    open: impl FnOnce(SocketAddr) -> io::Result<Socket>,
) -> Result<Option<Socket>, GatewayError> {
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
    let forced = set_socket_recv_buffer_size_force(&socket, buffer.as_usize());
    if forced.is_err() {
        // Without the right to force it, the kernel gives what net.core.rmem_max allows.
        socket.set_recv_buffer_size(buffer.as_usize())?;
    }
    let given = socket.recv_buffer_size()? as u64;
    if given < buffer.0 {
        tracing::info!(
            given = %ByteSize(given), wanted = %buffer,
            "the kernel gives the UDP door a smaller buffer: raise net.core.rmem_max"
        );
    }
    socket.bind(&address.into())?;
    Ok(socket)
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
