//! Many datagrams with one call to the system: recvmmsg(2).
//!
//! Knows nothing of what they hold.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrLike, SockaddrStorage, recvmmsg};
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};

/// A socket for datagrams.
#[derive(Debug)]
pub(crate) enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

/// A datagram, whose bytes lie in the buffers.
#[derive(Clone, Copy, Debug)]
struct Received {
    bytes: usize,
    peer: Option<SocketAddr>,
    is_cut: bool,
}

/// Memory that datagrams are read into, used again for each call. The system touches no more of it than they
/// need.
#[derive(Debug)]
pub(crate) struct Buffers {
    bytes: Vec<u8>,
    datagram_bytes_max: usize,
    /// Datagrams that one call takes at most.
    count_max: usize,
    received: Vec<Received>,
    /// How many of them were taken.
    taken: usize,
}

/// What came in one datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'b> {
    pub(crate) bytes: &'b [u8],
    /// Who sent it, where the sender has an address.
    pub(crate) peer: Option<SocketAddr>,
    /// It was longer.
    pub(crate) is_cut: bool,
}

impl Buffers {
    /// For datagrams of at most so many bytes, of which one call takes at most so many.
    pub(crate) fn new(datagram_bytes_max: usize, count_max: usize) -> Self {
        let bytes = vec![0; datagram_bytes_max * count_max];
        Self { bytes, datagram_bytes_max, count_max, received: Vec::new(), taken: 0 }
    }

    /// Reads what is there, up to `most` datagrams. Those of the call before must have been taken.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is, and what the system says.
    pub(crate) fn receive(&mut self, socket: &Socket, most: usize) -> io::Result<()> {
        debug_assert!(self.taken >= self.received.len(), "what was read is never dropped");
        self.received.clear();
        self.taken = 0;
        match socket {
            Socket::Udp(udp) => udp.try_io(Interest::READABLE, || {
                self.receive_from::<SockaddrStorage>(udp.as_fd(), most, peer_of)
            }),
            // A sender over a file has no address.
            Socket::Unix(unix) => unix.try_io(Interest::READABLE, || {
                self.receive_from::<()>(unix.as_fd(), most, |()| None)
            }),
        }
    }

    fn receive_from<A: SockaddrLike + Copy>(
        &mut self,
        socket: BorrowedFd<'_>,
        most: usize,
        peer_of: impl Fn(&A) -> Option<SocketAddr>,
    ) -> io::Result<()> {
        let mut headers = MultiHeaders::<A>::preallocate(self.count_max.min(most), None);
        let slots = self.bytes.chunks_mut(self.datagram_bytes_max);
        let mut slots: Vec<[IoSliceMut<'_>; 1]> =
            slots.map(|slot| [IoSliceMut::new(slot)]).collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = recvmmsg(socket.as_raw_fd(), &mut headers, slots.iter_mut(), flags, None)?;
        for message in messages {
            self.received.push(Received {
                bytes: message.bytes,
                peer: message.address.as_ref().and_then(&peer_of),
                is_cut: message.flags.contains(MsgFlags::MSG_TRUNC),
            });
        }
        Ok(())
    }

    /// The next datagram of the last call that was not taken yet.
    pub(crate) fn take(&mut self) -> Option<Datagram<'_>> {
        let received = *self.received.get(self.taken)?;
        let begin = self.taken * self.datagram_bytes_max;
        self.taken += 1;
        let length_bytes = received.bytes.min(self.datagram_bytes_max);
        Some(Datagram {
            bytes: &self.bytes[begin..begin + length_bytes],
            peer: received.peer,
            is_cut: received.is_cut,
        })
    }
}

fn peer_of(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|peer| SocketAddrV4::from(*peer).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|peer| SocketAddrV6::from(*peer).into()))
}

impl Socket {
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            Self::Unix(socket) => socket.readable().await,
        }
    }
}
