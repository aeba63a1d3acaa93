//! Places that two doors want: an address, or the file of a socket, is one door's.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Config, Listen, Problem};

impl Listen {
    /// Whether one process cannot listen on both. Port 0 is another one each time.
    #[must_use]
    pub fn excludes(self, other: Self) -> bool {
        let (Some(one), Some(other)) = (self.address(), other.address()) else { return false };
        one.port() != 0 && one.port() == other.port() && (covers(one, other) || covers(other, one))
    }

    /// The same, unless the system keeps `[::]`, which is all addresses of IPv4 too by default, to IPv6.
    fn may_exclude(self, other: Self) -> bool {
        let (Some(one), Some(another)) = (self.address(), other.address()) else { return false };
        let is_all = one.ip().is_unspecified() || another.ip().is_unspecified();
        self.excludes(other) || one.port() != 0 && one.port() == another.port() && is_all
    }
}

/// Whether listening on one address is listening on the other.
fn covers(one: SocketAddr, other: SocketAddr) -> bool {
    // One of IPv4 may be written as one of IPv6: `[::ffff:127.0.0.1]`.
    let (one, other) = (one.ip().to_canonical(), other.ip().to_canonical());
    one == other || one.is_unspecified() && one.is_ipv4() == other.is_ipv4()
}

impl Config {
    /// Where connections are taken: the names of settings within `[ingest_gateway]`, and what they say.
    #[must_use]
    pub fn connection_listens(&self) -> [(&'static str, Listen); 8] {
        let [http, otlp_http, otlp_grpc, bulk] = self.http_listens();
        [
            ("tcp.listen", self.tcp.listen),
            http,
            otlp_http,
            otlp_grpc,
            bulk,
            ("beats.listen", self.beats.listen),
            ("syslog.tcp_listen", self.syslog.tcp_listen),
            ("syslog.tls_listen", self.syslog.tls_listen),
        ]
    }

    /// The same for datagrams over UDP, which has ports of its own.
    fn datagram_listens(&self) -> [(&'static str, Listen); 2] {
        [("udp.listen", self.udp.listen), ("syslog.udp_listen", self.syslog.udp_listen)]
    }

    /// All of them, to be changed.
    pub(super) fn listens_mut(&mut self) -> [(&'static str, &mut Listen); 10] {
        [
            ("tcp.listen", &mut self.tcp.listen),
            ("udp.listen", &mut self.udp.listen),
            ("http.listen", &mut self.http.listen),
            ("otlp.http_listen", &mut self.otlp.http_listen),
            ("otlp.grpc_listen", &mut self.otlp.grpc_listen),
            ("bulk.listen", &mut self.bulk.listen),
            ("beats.listen", &mut self.beats.listen),
            ("syslog.udp_listen", &mut self.syslog.udp_listen),
            ("syslog.tcp_listen", &mut self.syslog.tcp_listen),
            ("syslog.tls_listen", &mut self.syslog.tls_listen),
        ]
    }

    fn socket_files(&self) -> [(&'static str, Option<&PathBuf>); 3] {
        [
            ("syslog.socket_path", self.syslog.socket_path.as_ref()),
            ("unix.stream_path", self.unix.stream_path.as_ref()),
            ("unix.datagram_path", self.unix.datagram_path.as_ref()),
        ]
    }

    /// Closes doors that nobody asked for where another door was given their address, and further addresses of the door
    /// for HTTP where that one is closed.
    pub(crate) fn give_way(&mut self) {
        if self.http.listen == Listen::Off {
            let further =
                [&mut self.otlp.http_listen, &mut self.otlp.grpc_listen, &mut self.bulk.listen];
            further.into_iter().filter(|listen| listen.gives_way()).for_each(|listen| {
                *listen = Listen::Off;
            });
        }
        for listens in [self.connection_listens().to_vec(), self.datagram_listens().to_vec()] {
            for (setting, listen) in listens.iter().filter(|(_, listen)| listen.gives_way()) {
                let taken_by =
                    listens.iter().find(|(_, one)| !one.gives_way() && listen.may_exclude(*one));
                let Some((other, _)) = taken_by else { continue };
                tracing::info!(
                    address = %listen,
                    "ingest_gateway.{setting} stays closed: ingest_gateway.{other} was given its address"
                );
                for (name, place) in self.listens_mut() {
                    if name == *setting {
                        *place = Listen::Off;
                    }
                }
            }
        }
    }

    /// Refuses what two doors cannot both have. A door that nobody asked for wants nothing: it gives way.
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

/// Those that do not give way, and of these the ones that have their defaults first: a pair is told of the one that
/// somebody has written.
fn given_last(
    listens: &[(&'static str, Listen)],
    defaults: &[(&'static str, Listen)],
) -> Vec<(&'static str, Listen)> {
    let wanted = listens.iter().copied().filter(|(_, listen)| !listen.gives_way());
    let (kept, given): (Vec<_>, Vec<_>) = wanted.partition(|listen| defaults.contains(listen));
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
