//! Many datagrams with one call to the system: recvmmsg(2), and of datagrams of one size that a sender sent at once
//! several in one piece, where the kernel keeps them together (UDP_GRO).
//!
//! Knows nothing of what they hold.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::cmsg_space;
use nix::sys::socket::sockopt::UdpGroSegment;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrLike, SockaddrStorage, recvmmsg,
    setsockopt,
};
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};

/// A socket for datagrams.
#[derive(Debug)]
pub(crate) enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

/// Room for other control messages of a datagram, which the service manager may ask for of a socket that it hands over
/// (`Timestamping=`, `PassPacketInfo=`). Where they have none, nor has the one that tells datagrams apart.
const OTHER_CONTROL_BYTES: usize = 128;

/// A datagram, or several of one sender that the kernel kept together, whose bytes lie in one of the slots.
#[derive(Clone, Copy, Debug)]
struct Received {
    bytes: usize,
    /// Bytes of each datagram but the last one, which may have fewer.
    datagram_bytes: usize,
    peer: Option<SocketAddr>,
    /// The last one was longer.
    is_cut: bool,
}

/// Memory that datagrams are read into, used again for each call. The system touches no more of it than they
/// need.
#[derive(Debug)]
pub(crate) struct Buffers {
    bytes: Vec<u8>,
    /// Of one of as many slots as one call fills at most.
    slot_bytes: usize,
    received: Vec<Received>,
    /// How many of them were taken.
    taken: usize,
    /// How many bytes of the next one were.
    taken_bytes: usize,
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
    /// For datagrams of at most so many bytes, of which one call fills at most so many slots.
    pub(crate) fn new(slot_bytes: usize, slots: usize) -> Self {
        let bytes = vec![0; slot_bytes * slots];
        Self { bytes, slot_bytes, received: Vec::new(), taken: 0, taken_bytes: 0 }
    }

    /// Reads what is there, into at most `most` slots. Those of the call before must have been taken.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is, and what the system says.
    pub(crate) fn receive(&mut self, socket: &Socket, most: usize) -> io::Result<()> {
        debug_assert!(self.taken >= self.received.len(), "what was read is never dropped");
        self.received.clear();
        (self.taken, self.taken_bytes) = (0, 0);
        match socket {
            Socket::Udp(udp) => udp.try_io(Interest::READABLE, || {
                let control = Some(cmsg_space!(i32, [u8; OTHER_CONTROL_BYTES]));
                self.receive_from::<SockaddrStorage>(udp.as_fd(), most, control, peer_of)
            }),
            // A sender over a file has no address.
            Socket::Unix(unix) => unix.try_io(Interest::READABLE, || {
                self.receive_from::<()>(unix.as_fd(), most, None, |()| None)
            }),
        }
    }

    fn receive_from<A: SockaddrLike + Copy>(
        &mut self,
        socket: BorrowedFd<'_>,
        most: usize,
        control: Option<Vec<u8>>,
        peer_of: impl Fn(&A) -> Option<SocketAddr>,
    ) -> io::Result<()> {
        let slots = self.bytes.chunks_mut(self.slot_bytes).take(most);
        let mut slots: Vec<[IoSliceMut<'_>; 1]> =
            slots.map(|slot| [IoSliceMut::new(slot)]).collect();
        let has_control = control.is_some();
        let mut headers = MultiHeaders::<A>::preallocate(slots.len(), control);
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = recvmmsg(socket.as_raw_fd(), &mut headers, slots.iter_mut(), flags, None)?;
        for message in messages {
            let bytes = message.bytes.min(self.slot_bytes);
            let parts = if has_control { datagram_bytes(&message) } else { None };
            self.received.push(Received {
                bytes,
                datagram_bytes: parts.unwrap_or(bytes),
                peer: message.address.as_ref().and_then(&peer_of),
                is_cut: message.flags.contains(MsgFlags::MSG_TRUNC),
            });
        }
        Ok(())
    }

    /// The next datagram of the last call that was not taken yet.
    pub(crate) fn take(&mut self) -> Option<Datagram<'_>> {
        let received = *self.received.get(self.taken)?;
        let slot = self.taken * self.slot_bytes;
        let begin = self.taken_bytes;
        let end = received.bytes.min(begin + received.datagram_bytes);
        let is_last = end == received.bytes;
        if is_last {
            (self.taken, self.taken_bytes) = (self.taken + 1, 0);
        } else {
            self.taken_bytes = end;
        }
        Some(Datagram {
            bytes: &self.bytes[slot + begin..slot + end],
            peer: received.peer,
            is_cut: received.is_cut && is_last,
        })
    }
}

/// Bytes of each of the datagrams that the kernel kept together (`udp(7)`, UDP_GRO); `None` of one by itself.
fn datagram_bytes<A>(message: &RecvMsg<'_, '_, A>) -> Option<usize> {
    message
        .cmsgs()
        .ok()?
        .find_map(|control| match control {
            ControlMessageOwned::UdpGroSegments(bytes) => usize::try_from(bytes).ok(),
            _ => None,
        })
        .filter(|bytes| *bytes > 0)
}

/// Asks the kernel to keep datagrams together that were sent at once, so that they need less of its buffer and fewer
/// calls. One that cannot gives each by itself.
pub(crate) fn keep_together(socket: &impl AsFd) {
    if let Err(error) = setsockopt(&socket.as_fd(), UdpGroSegment, &true) {
        tracing::debug!(%error, "the kernel gives each datagram by itself");
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

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as Sender;

    use nix::sys::socket::setsockopt;
    use nix::sys::socket::sockopt::{Ipv4PacketInfo, ReceiveTimestamp, UdpGsoSegment};

    use super::{Buffers, Socket, UdpSocket, keep_together};

    /// What was received of a sender who sent this at once, as datagrams of so many bytes: the pieces, and the datagrams
    /// of each.
    async fn received(sent: &[u8], datagram_bytes: i32) -> Vec<Vec<Vec<u8>>> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        received_at(socket, sent, datagram_bytes).await
    }

    async fn received_at(socket: UdpSocket, sent: &[u8], datagram_bytes: i32) -> Vec<Vec<Vec<u8>>> {
        keep_together(&socket);
        let sender = Sender::bind("127.0.0.1:0").unwrap();
        setsockopt(&sender, UdpGsoSegment, &datagram_bytes).unwrap();
        sender.send_to(sent, socket.local_addr().unwrap()).unwrap();
        let socket = Socket::Udp(socket);
        // One call gives one piece.
        let mut buffers = Buffers::new(64 << 10, 1);
        let (mut pieces, mut received_bytes) = (Vec::new(), 0);
        while received_bytes < sent.len() {
            socket.readable().await.unwrap();
            if buffers.receive(&socket, 1).is_err() {
                continue;
            }
            let mut datagrams = Vec::new();
            while let Some(datagram) = buffers.take() {
                assert!(datagram.peer.is_some() && !datagram.is_cut);
                received_bytes += datagram.bytes.len();
                datagrams.push(datagram.bytes.to_vec());
            }
            pieces.push(datagrams);
        }
        pieces
    }

    #[tokio::test]
    async fn datagrams_that_were_sent_at_once_come_together_and_are_told_apart() {
        let sent: Vec<u8> = (0..=255).cycle().take(2_500).collect();
        let pieces = received(&sent, 600).await;
        let lengths: Vec<Vec<usize>> =
            pieces.iter().map(|datagrams| datagrams.iter().map(Vec::len).collect()).collect();
        assert_eq!(lengths, [[600, 600, 600, 600, 100]]);
        assert_eq!(pieces.concat().concat(), sent);
    }

    #[tokio::test]
    async fn they_are_told_apart_at_a_socket_that_was_asked_to_tell_more_of_them() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        setsockopt(&socket, ReceiveTimestamp, &true).unwrap();
        setsockopt(&socket, Ipv4PacketInfo, &true).unwrap();
        let pieces = received_at(socket, b"one.two.", 4).await;
        assert_eq!(pieces, [[b"one.".to_vec(), b"two.".to_vec()]]);
    }

    #[tokio::test]
    async fn one_by_itself_is_whole() {
        assert_eq!(received(b"a line", 600).await, [[b"a line".to_vec()]]);
    }
}
