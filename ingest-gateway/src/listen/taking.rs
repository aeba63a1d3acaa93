//! Takes the sockets of doors, one after the other: those that were handed over, else those of their addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use service::ByteSize;
use socket2::{Domain, Protocol, Socket, Type};

use super::GatewayError;
use crate::config::{Config, Place, SocketMode};
use crate::handed_over::HandedOver;
use crate::unix::{Datagrams, Listening};

/// Connections that wait in the kernel while a door does not accept: as many as Linux allows unless it is told
/// otherwise (`net.core.somaxconn`), since all senders come at once after a restart.
pub(crate) const BACKLOG: i32 = 4_096;

/// A door that nobody asked for, and that is closed because its address is not to be had, or because it can be shown no
/// token where senders must show one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedDoor {
    /// Name of the setting within `[ingest_gateway]`.
    pub setting: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// What is the matter with it, as "is in use".
    pub reason: String,
    /// What the setting may say instead, beside "off".
    pub way_out: &'static str,
}

impl fmt::Display for ClosedDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ingest_gateway.{}: {} {}, so this door is closed; set it to {}, or to \"off\"",
            self.setting, self.address, self.reason, self.way_out
        )
    }
}

/// What is taken, as it goes on.
pub(super) struct Taking {
    /// What no door has taken yet.
    handed_over: HandedOver,
    /// The places that are open, and those that gave way.
    pub(super) is_open: BTreeMap<Place, bool>,
    /// Doors that gave way.
    pub(super) closed: Vec<ClosedDoor>,
}

impl Taking {
    /// `tokenless` are the doors that stay closed because they can be shown no token.
    pub(super) fn new(handed_over: HandedOver, tokenless: Vec<(Place, SocketAddr)>) -> Self {
        let mut taking = Self { handed_over, is_open: BTreeMap::new(), closed: Vec::new() };
        for (place, address) in tokenless {
            let reason = "can be shown no token, and senders must show one".to_owned();
            let way_out = "this address to open it all the same";
            taking.close(place, address, reason, way_out);
        }
        taking
    }

    fn close(&mut self, place: Place, address: SocketAddr, reason: String, way_out: &'static str) {
        let closed = ClosedDoor { setting: place.setting(), address, reason, way_out };
        tracing::warn!("{closed}");
        self.is_open.insert(place, false);
        self.closed.push(closed);
    }

    /// A socket of a place, which is open if there is one.
    fn taken<S>(&mut self, place: Place, socket: Option<S>) -> Option<S> {
        if socket.is_some() {
            self.is_open.insert(place, true);
        }
        socket
    }

    /// The socket of a door that takes connections; none if it is closed.
    pub(super) fn connections(
        &mut self,
        place: Place,
        config: &Config,
    ) -> Result<Option<TcpListener>, GatewayError> {
        let socket = match self.handed_over.socket(place) {
            Some(socket) => Some(socket),
            None => self.open(place, config, stream_socket)?,
        };
        Ok(self.taken(place, socket).map(Into::into))
    }

    /// The socket of a door that takes datagrams; none if it is closed.
    pub(super) fn datagrams(
        &mut self,
        place: Place,
        config: &Config,
        buffer: ByteSize,
    ) -> Result<Option<UdpSocket>, GatewayError> {
        let socket = match self.handed_over.datagrams(place, buffer) {
            Some(socket) => Some(socket),
            None => self.open(place, config, |at| datagram_socket(at, buffer))?,
        };
        Ok(self.taken(place, socket).map(Into::into))
    }

    /// The socket in the file system of a door that takes connections; none if it is closed.
    pub(super) fn local_connections(
        &mut self,
        place: Place,
        config: &Config,
        mode: SocketMode,
    ) -> Result<Option<Listening>, GatewayError> {
        let open = |path| Listening::open(path, mode, place.setting());
        let socket = match self.handed_over.socket(place) {
            Some(socket) => Some(Listening::handed_over(socket)),
            None => config.socket_file(place).map(open).transpose()?,
        };
        Ok(self.taken(place, socket))
    }

    /// The same for datagrams.
    pub(super) fn local_datagrams(
        &mut self,
        place: Place,
        config: &Config,
        mode: SocketMode,
        buffer: ByteSize,
    ) -> Result<Option<Datagrams>, GatewayError> {
        let open = |path| Datagrams::open(path, mode, place.setting(), buffer);
        let socket = match self.handed_over.datagrams(place, buffer) {
            Some(socket) => Some(Datagrams::handed_over(socket)),
            None => config.socket_file(place).map(open).transpose()?,
        };
        Ok(self.taken(place, socket))
    }

    /// One that is opened where the door listens.
    fn open(
        &mut self,
        place: Place,
        config: &Config,
        open: impl FnOnce(SocketAddr) -> io::Result<Socket>,
    ) -> Result<Option<Socket>, GatewayError> {
        let (listen, setting) = (config.listen(place), place.setting());
        let Some(address) = listen.address() else { return Ok(None) };
        let source = match open(address) {
            Ok(socket) => return Ok(Some(socket)),
            Err(source) => source,
        };
        let is_in_use = source.kind() == io::ErrorKind::AddrInUse;
        if !listen.gives_way() {
            return Err(match is_in_use {
                true => GatewayError::InUse { setting, address },
                false => GatewayError::Listen { setting, address, source },
            });
        }
        let reason = match is_in_use {
            true => "is in use".to_owned(),
            false => format!("cannot be opened ({source})"),
        };
        self.close(place, address, reason, "another address");
        Ok(None)
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
