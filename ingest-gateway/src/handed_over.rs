//! Sockets that the service manager has opened and hands over: sd_listen_fds(3), systemd.socket(5).
//!
//! A door whose socket is handed over uses it in place of its own address, so that the socket outlives the process
//! and what connects meanwhile waits. What was handed over is never ignored: a socket that no door takes, or not so,
//! refuses the start.

use std::collections::BTreeMap;
use std::io;

use listenfd::ListenFd;
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use service::ByteSize;
use socket2::{Domain, Socket, Type};

use crate::config::{Config, Kind, Listen, Place, SaidMut, Slot};

impl Kind {
    /// In words of systemd.socket(5).
    fn words(self) -> &'static str {
        match self {
            Self::Connections => "a TCP socket that listens (ListenStream= with a port, Accept=no)",
            Self::Datagrams => "a UDP socket (ListenDatagram= with a port)",
            Self::LocalConnections => {
                "a socket in the file system that listens (ListenStream= with a path, Accept=no)"
            }
            Self::LocalDatagrams => {
                "a socket in the file system for datagrams (ListenDatagram= with a path)"
            }
        }
    }
}

/// Why sockets that the service manager hands over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandedOverError {
    /// It says something of them that cannot be understood, or that the system denies.
    #[error(
        "cannot take the sockets that the service manager hands over (LISTEN_FDS, LISTEN_FDNAMES): {0}"
    )]
    Unusable(#[from] io::Error),
    /// No door has this name.
    #[error(
        "the service manager hands over a socket with the name `{}`, which no door has: FileDescriptorName= is one of \
         {}, or of a further door as tcp-2 and syslog-2.udp", .0.escape_debug(), names()
    )]
    UnknownName(String),
    /// It is of a further door that no setting speaks of.
    #[error(
        "the service manager hands over a socket with the name `{name}`, and there is no such door: make it by its \
         table [ingest_gateway.{table}]"
    )]
    NoSuchDoor {
        /// Its name.
        name: &'static str,
        /// The table that the door would have.
        table: String,
    },
    /// The door works on another kind of socket.
    #[error(
        "the socket `{name}` that the service manager hands over must be {needed}, and is {found}"
    )]
    WrongKind {
        /// Its name.
        name: &'static str,
        /// What the door needs.
        needed: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// A door has one socket.
    #[error(
        "the service manager hands over two sockets with the name `{0}`, and a door takes one: write one address \
         (`[::]` is that of all), or give each socket unit a name of its own"
    )]
    Twice(&'static str),
}

/// The names that sockets may have.
fn names() -> String {
    let names: Vec<&str> = Slot::ALL.iter().map(|slot| slot.name()).collect();
    names.join(", ")
}

/// Sockets that were handed over to this process and are not used yet, by the door that they are for.
#[derive(Debug, Default)]
pub struct HandedOver {
    sockets: BTreeMap<Place, Socket>,
}

impl HandedOver {
    /// Takes what was handed over to this process; nothing if it was started otherwise. It takes variables out of the
    /// environment, so that it is called before the process has threads, and once.
    ///
    /// # Errors
    /// As [`HandedOverError`] says; each names the socket.
    pub fn take() -> Result<Self, HandedOverError> {
        let names: Vec<String> =
            sd_notify::listen_fds_with_names()?.map(|(_, name)| name).collect();
        let mut handed_over = Self::default();
        if names.is_empty() {
            return Ok(handed_over);
        }
        // It knows the same descriptors in the same order.
        let mut descriptors = ListenFd::from_env();
        for (index, name) in names.iter().enumerate() {
            handed_over.add(name, socket_at(&mut descriptors, index))?;
        }
        Ok(handed_over)
    }

    /// Adds a socket under its name; none where it is of no kind that any door takes.
    fn add(&mut self, name: &str, socket: Option<Socket>) -> Result<(), HandedOverError> {
        let Some(place) = Place::of(name) else {
            return Err(HandedOverError::UnknownName(name.to_owned()));
        };
        let (name, needed) = (place.name(), place.kind().words());
        let wrong = |found| HandedOverError::WrongKind { name, needed, found };
        let Some(socket) = socket else { return Err(wrong("none that a door takes")) };
        match kind_of(&socket)? {
            Some(kind) if kind == place.kind() => {}
            Some(kind) => return Err(wrong(kind.words())),
            None => return Err(wrong("one that does not listen")),
        }
        let is_file = matches!(place.kind(), Kind::LocalConnections | Kind::LocalDatagrams);
        if is_file && socket.local_addr()?.as_pathname().is_none() {
            // Only a file has permissions, which say who may send.
            return Err(wrong("one without a file"));
        }
        socket.set_nonblocking(true)?;
        match self.sockets.insert(place, socket) {
            None => Ok(()),
            Some(_) => Err(HandedOverError::Twice(name)),
        }
    }

    /// Sets the doors' addresses to those of their sockets: a door that was off is open, and whoever may reach it is
    /// checked as if the address were written in the settings.
    ///
    /// # Errors
    /// The system does not tell an address, or there is no such door.
    pub(crate) fn set_addresses(&self, config: &mut Config) -> Result<(), HandedOverError> {
        for (place, socket) in &self.sockets {
            let address = socket.local_addr()?;
            match place.said_mut(config) {
                None => {
                    let (name, table) = (place.name(), place.table());
                    return Err(HandedOverError::NoSuchDoor { name, table });
                }
                Some(SaidMut::Address(listen)) => {
                    if let Some(address) = address.as_socket() {
                        tracing::info!(%place, %address, "the service manager has opened a door");
                        *listen = Listen::At(address);
                    }
                }
                Some(SaidMut::File(path)) => {
                    *path = address.as_pathname().map(ToOwned::to_owned);
                    tracing::info!(%place, ?path, "the service manager has opened a door");
                }
            }
        }
        Ok(())
    }

    /// The socket of a door, to be used.
    pub(crate) fn socket(&mut self, place: Place) -> Option<Socket> {
        self.sockets.remove(&place)
    }

    /// The same for datagrams, with a receive buffer of this size at least if the system gives it. One that the
    /// service manager has made larger stays.
    pub(crate) fn datagrams(&mut self, place: Place, buffer: ByteSize) -> Option<Socket> {
        let socket = self.socket(place)?;
        let has_enough = || socket.recv_buffer_size().is_ok_and(|bytes| bytes as u64 >= buffer.0);
        // Not without the right to force it: then the kernel would give what it allows, which may be less.
        if !has_enough() && set_socket_recv_buffer_size_force(&socket, buffer.as_usize()).is_err() {
            tracing::info!(
                %place, wanted = %buffer,
                "a door of datagrams has a smaller buffer: set ReceiveBuffer= of its socket unit"
            );
        }
        Some(socket)
    }
}

/// The descriptor at this place of those that were handed over, if it is a socket of a kind that a door may take.
fn socket_at(descriptors: &mut ListenFd, index: usize) -> Option<Socket> {
    // One of another kind stays where it is, and is asked for as the next kind.
    if let Ok(Some(listener)) = descriptors.take_tcp_listener(index) {
        return Some(listener.into());
    }
    if let Ok(Some(socket)) = descriptors.take_udp_socket(index) {
        return Some(socket.into());
    }
    if let Ok(Some(listener)) = descriptors.take_unix_listener(index) {
        return Some(listener.into());
    }
    let datagrams = descriptors.take_unix_datagram(index).ok().flatten()?;
    Some(datagrams.into())
}

/// What a socket takes; none if it takes nothing.
fn kind_of(socket: &Socket) -> io::Result<Option<Kind>> {
    let (is_local, kind) = (socket.domain()? == Domain::UNIX, socket.r#type()?);
    if kind == Type::DGRAM {
        return Ok(Some(if is_local { Kind::LocalDatagrams } else { Kind::Datagrams }));
    }
    if kind != Type::STREAM || !socket.is_listener()? {
        return Ok(None);
    }
    Ok(Some(if is_local { Kind::LocalConnections } else { Kind::Connections }))
}

#[cfg(test)]
mod tests;
