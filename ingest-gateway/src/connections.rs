//! Who may connect: a cap for each door, a cap for each address or user, and the loop that accepts.
//!
//! A full door stops accepting, so that connections wait in the kernel; an address or user that has enough
//! is sent away at once. Never reads from a connection.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use prometheus::IntGauge;
use service::HeldBytes;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::budget::{Budget, Share};
use crate::metrics::GatewayMetrics;

/// How long to wait when the system can give no further connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Who connects: what has a cap of connections and a share of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// A machine, over the net.
    Address(IpAddr),
    /// A user of this machine by number, over a socket in the file system; those whom the system does not
    /// tell are one.
    User(Option<u32>),
}

/// Addresses and users that are connected now, over all doors.
#[derive(Debug)]
pub(crate) struct Peers {
    connections_max: u32,
    budget: Arc<Budget>,
    known: Mutex<HashMap<Caller, Peer>>,
}

#[derive(Debug)]
struct Peer {
    connections: u32,
    share: Share,
}

impl Peers {
    pub(crate) fn new(connections_max: u32, budget: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { connections_max, budget, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Caller, Peer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more connection from there in, unless there are enough.
    pub(crate) fn admit(self: &Arc<Self>, caller: Caller) -> Option<Guest> {
        let caller = match caller {
            Caller::Address(address) => Caller::Address(network(address)),
            Caller::User(user) => Caller::User(user),
        };
        let mut known = self.known();
        let peer = known
            .entry(caller)
            .or_insert_with(|| Peer { connections: 0, share: self.budget.share() });
        if peer.connections >= self.connections_max {
            return None;
        }
        peer.connections += 1;
        Some(Guest { peers: Arc::clone(self), caller, share: peer.share.clone() })
    }
}

/// Who shares a cap: an IPv4 address, or an IPv6 network of 64 bits, since one host has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)))
        }
        other => other,
    }
}

/// A connection that its address or user was allowed to make.
#[derive(Debug)]
pub(crate) struct Guest {
    peers: Arc<Peers>,
    caller: Caller,
    /// The memory of its address or user.
    pub(crate) share: Share,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut known = self.peers.known();
        if let Some(peer) = known.get_mut(&self.caller) {
            peer.connections -= 1;
            if peer.connections == 0 {
                known.remove(&self.caller);
            }
        }
    }
}

/// An accepted connection's place; held as long as it lives.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The part of its address or user.
    pub(crate) guest: Guest,
    open: IntGauge,
    _slot: OwnedSemaphorePermit,
    /// What TLS may hold of it: of all memory, and of its address's.
    _tls: Option<[HeldBytes; 2]>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// A socket that connections come to.
pub(crate) trait Listener {
    /// A connection.
    type Stream;
    /// What is known of who connects.
    type Peer;

    /// The next connection, with that whose caps hold for it.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer, Caller)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Peer = SocketAddr;

    async fn next(&self) -> io::Result<(TcpStream, SocketAddr, Caller)> {
        let (stream, peer) = self.accept().await?;
        Ok((stream, peer, Caller::Address(peer.ip())))
    }
}

/// Who came to one of several sockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The address that the connection comes from.
    pub(crate) peer: SocketAddr,
    /// The socket, by its place among those of the door.
    pub(crate) socket: usize,
}

/// Sockets of one door, which has its caps once for all of them.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<TcpListener>,
    /// Which of them is asked first.
    turn: AtomicUsize,
}

impl Listeners {
    /// There must be one at least.
    pub(crate) fn new(sockets: Vec<TcpListener>) -> Self {
        Self { sockets, turn: AtomicUsize::new(0) }
    }
}

impl Listener for Listeners {
    type Stream = TcpStream;
    type Peer = Arrival;

    async fn next(&self) -> io::Result<(TcpStream, Arrival, Caller)> {
        // Each time another one, so that a flood at one address holds up no other.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.sockets.len().max(1);
        let numbered = || self.sockets.iter().enumerate();
        let accepted = poll_fn(|context| {
            for (number, socket) in numbered().skip(turn).chain(numbered().take(turn)) {
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, number)));
                }
            }
            Poll::Pending
        });
        let (stream, peer, socket) = accepted.await?;
        Ok((stream, Arrival { peer, socket }, Caller::Address(peer.ip())))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;
    /// The user's number, where the system tells it.
    type Peer = Option<u32>;

    async fn next(&self) -> io::Result<(UnixStream, Option<u32>, Caller)> {
        let (stream, _) = self.accept().await?;
        let user = stream.peer_cred().ok().map(|credentials| credentials.uid());
        Ok((stream, user, Caller::User(user)))
    }
}

/// A listening socket with its caps.
pub(crate) struct Gate<L = TcpListener> {
    pub(crate) door: &'static str,
    pub(crate) listener: L,
    pub(crate) connections_max: u32,
    pub(crate) peers: Arc<Peers>,
    pub(crate) metrics: GatewayMetrics,
    /// Whether its connections speak TLS, and hold the memory for that from here on.
    pub(crate) has_tls: bool,
}

impl<L> Gate<L> {
    /// The memory that TLS holds of one more connection. While there is none, further ones wait in the kernel.
    async fn tls(&self) -> Option<HeldBytes> {
        if !self.has_tls {
            return None;
        }
        let budget = &self.peers.budget;
        if let Some(room) = budget.tls_now() {
            return Some(room);
        }
        self.metrics.limit_hit(self.door, "tls_memory");
        Some(budget.tls().await)
    }
}

impl<L: Listener> Gate<L> {
    /// Accepts until told to stop, and hands each connection over. Dropping the listener at the end
    /// refuses those that still wait.
    pub(crate) async fn run(
        self,
        shutdown: &CancellationToken,
        mut welcome: impl FnMut(L::Stream, L::Peer, Admission),
    ) {
        let slots = Arc::new(Semaphore::new(self.connections_max as usize));
        let open = self.metrics.connections.with_label_values(&[self.door]);
        let next = async || {
            let slot = Arc::clone(&slots).acquire_owned().await;
            let slot = slot.expect("the semaphore is never closed");
            let tls = self.tls().await;
            (self.listener.next().await, slot, tls)
        };
        loop {
            let (accepted, slot, tls) = tokio::select! {
                () = shutdown.cancelled() => return,
                next = next() => next,
            };
            let (stream, peer, caller) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a peer that is gone already: neither ends the door.
                    tracing::warn!(door = self.door, %error, "cannot accept a connection");
                    tokio::time::sleep(EXHAUSTED_WAIT).await;
                    continue;
                }
            };
            let Some(guest) = self.peers.admit(caller) else {
                self.metrics.limit_hit(self.door, "connections_per_address");
                continue;
            };
            let tls = match tls {
                None => None,
                Some(all) => match guest.share.tls() {
                    Some(own) => Some([all, own]),
                    None => {
                        self.metrics.limit_hit(self.door, "tls_memory_per_address");
                        continue;
                    }
                },
            };
            open.inc();
            welcome(stream, peer, Admission { guest, open: open.clone(), _slot: slot, _tls: tls });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use prometheus::IntGauge;
    use service::{ByteSize, Metrics};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;

    use super::{Admission, Arrival, Caller, Listener, Listeners, Peers};
    use crate::budget::Budget;

    /// The only connection of its address.
    pub(crate) fn admission(budget: &Arc<Budget>) -> Admission {
        let guest = Peers::new(1, Arc::clone(budget)).admit(address("192.0.2.1")).unwrap();
        let slot = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let open = IntGauge::new("open", "Open connections").unwrap();
        Admission { guest, open, _slot: slot, _tls: None }
    }

    fn address(text: &str) -> Caller {
        Caller::Address(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_address_has_its_cap_and_gets_it_back() {
        let peers = Peers::new(2, Arc::new(Budget::new(ByteSize(64 << 20), &Metrics::default())));
        let admit = |text: &str| peers.admit(address(text));
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("::ffff:192.0.2.1").expect("the same address, and its second one");
        assert!(admit("192.0.2.1").is_none());
        let _other = admit("192.0.2.2").expect("others are not concerned");
        drop(first);
        assert!(admit("192.0.2.1").is_some());

        let _v6 = [admit("2001:db8::1").unwrap(), admit("2001:db8::2").unwrap()];
        assert!(admit("2001:db8::3").is_none(), "one network of 64 bits is one host");
        assert!(admit("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn those_who_left_are_forgotten() {
        let peers = Peers::new(2, Arc::new(Budget::new(ByteSize(64 << 20), &Metrics::default())));
        drop(peers.admit(address("192.0.2.1")));
        assert!(peers.known().is_empty());
    }

    #[tokio::test]
    async fn connections_in_numbers_at_one_address_hold_up_no_other() {
        let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (busy, quiet) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        let mut connections = Vec::new();
        for address in [busy, busy, busy, quiet] {
            connections.push(TcpStream::connect(address).await.unwrap());
        }
        let listeners = Listeners::new(vec![one, other]);
        let mut reached = Vec::new();
        for _ in 0..3 {
            let (stream, Arrival { peer, socket }, caller) = listeners.next().await.unwrap();
            assert_eq!(caller, Caller::Address(peer.ip()));
            reached.push(stream.local_addr().unwrap());
            assert_eq!(reached.last(), Some(&[busy, quiet][socket]), "the socket is told");
        }
        assert!(reached.contains(&quiet), "{reached:?}");
    }

    #[test]
    fn users_of_this_machine_and_its_own_address_have_caps_of_their_own() {
        let peers = Peers::new(1, Arc::new(Budget::new(ByteSize(64 << 20), &Metrics::default())));
        let _user = peers.admit(Caller::User(Some(1_000))).unwrap();
        assert!(peers.admit(Caller::User(Some(1_000))).is_none());
        let _another = peers.admit(Caller::User(Some(1_001))).expect("another user");
        let _unknown = peers.admit(Caller::User(None)).expect("whom the system does not tell");
        let _loopback = peers.admit(address("127.0.0.1")).expect("no user's");
    }
}
