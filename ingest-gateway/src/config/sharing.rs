//! Places that two doors want: an address, or the file of a socket, is one door's.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::{Config, Listen, Problem};

impl Listen {
    /// Whether one process cannot listen on both. Port 0 is another one each time.
    #[must_use]
    pub fn excludes(self, other: Self) -> bool {
        let (Some(one), Some(other)) = (self.address(), other.address()) else { return false };
        one.port() != 0 && one.port() == other.port() && (covers(one, other) || covers(other, one))
    }
}

/// Whether listening on one address is listening on the other.
fn covers(one: SocketAddr, other: SocketAddr) -> bool {
    let (one, other): (IpAddr, IpAddr) = (one.ip(), other.ip());
    one == other || one.is_unspecified() && one.is_ipv4() == other.is_ipv4()
}

impl Config {
    /// Where connections are taken: the names of settings within `[ingest_gateway]`, and what they say.
    #[must_use]
    pub fn connection_listens(&self) -> [(&'static str, Listen); 5] {
        [
            ("tcp.listen", self.tcp.listen),
            ("http.listen", self.http.listen),
            ("beats.listen", self.beats.listen),
            ("syslog.tcp_listen", self.syslog.tcp_listen),
            ("syslog.tls_listen", self.syslog.tls_listen),
        ]
    }

    /// The same for datagrams over UDP, which has ports of its own.
    fn datagram_listens(&self) -> [(&'static str, Listen); 2] {
        [("udp.listen", self.udp.listen), ("syslog.udp_listen", self.syslog.udp_listen)]
    }

    fn socket_files(&self) -> [(&'static str, Option<&PathBuf>); 3] {
        [
            ("syslog.socket_path", self.syslog.socket_path.as_ref()),
            ("unix.stream_path", self.unix.stream_path.as_ref()),
            ("unix.datagram_path", self.unix.datagram_path.as_ref()),
        ]
    }

    /// Refuses what two doors cannot both have.
    pub(super) fn check_sharing(&self, problems: &mut Vec<Problem>) {
        let default = Self::default();
        let connections = given_last(&self.connection_listens(), &default.connection_listens());
        let datagrams = given_last(&self.datagram_listens(), &default.datagram_listens());
        for listens in [connections, datagrams] {
            for (setting, listen, other) in pairs(&listens, |one, other| one.excludes(*other)) {
                let message = format!("{listen} is the address of ingest_gateway.{other} too");
                problems.push(Problem::new(setting, message));
            }
        }
        let same_file =
            |one: &Option<&PathBuf>, other: &Option<&PathBuf>| one.is_some() && one == other;
        for (setting, path, other) in pairs(&self.socket_files(), same_file) {
            let path = path.map(|path| path.display().to_string()).unwrap_or_default();
            let message = format!("`{path}` is the socket of ingest_gateway.{other} too");
            problems.push(Problem::new(setting, message));
        }
    }
}

/// Those that have their defaults first: a pair is told of the one that somebody has written.
fn given_last(
    listens: &[(&'static str, Listen)],
    defaults: &[(&'static str, Listen)],
) -> Vec<(&'static str, Listen)> {
    let (kept, given): (Vec<_>, Vec<_>) =
        listens.iter().copied().partition(|listen| defaults.contains(listen));
    [kept, given].concat()
}

/// Each setting with an earlier one that wants the same.
fn pairs<T: Copy>(
    places: &[(&'static str, T)],
    are_same: impl Fn(&T, &T) -> bool,
) -> Vec<(&'static str, T, &'static str)> {
    let mut pairs = Vec::new();
    for (at, (setting, place)) in places.iter().enumerate() {
        let earlier = places[..at].iter().filter(|(_, other)| are_same(place, other));
        pairs.extend(earlier.map(|(other, _)| (*setting, *place, *other)));
    }
    pairs
}
