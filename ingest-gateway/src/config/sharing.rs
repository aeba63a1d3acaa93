//! Places that two doors want: an address, or the file of a socket, is one door's.

use std::net::SocketAddr;

use super::{Config, Kind, Listen, Place, Problem, Slot};

/// Those of the same kind want ports of the same protocol: UDP has ports of its own.
const KINDS_WITH_PORTS: [Kind; 2] = [Kind::Connections, Kind::Datagrams];

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
    pub fn connection_listens(&self) -> Vec<(&'static str, Listen)> {
        let listens = self.listens(Kind::Connections);
        listens.into_iter().map(|(place, listen)| (place.setting(), listen)).collect()
    }

    /// Closes doors that nobody asked for: all of them without `default_doors`; else those whose address another door
    /// was given, and further addresses of the door for HTTP where that one is closed.
    pub(crate) fn give_way(&mut self) {
        // A further door has no usual place that it could give up.
        for place in Slot::ALL.iter().map(|slot| slot.first()) {
            // From here on the settings themselves say where a door is.
            if self.listen(place) == Listen::Off {
                self.close(place);
            }
        }
        if self.http.listen == Listen::Off {
            for place in Slot::HTTP.map(Slot::first) {
                if self.listen(place).gives_way() {
                    self.close(place);
                }
            }
        }
        for kind in KINDS_WITH_PORTS {
            let listens = self.listens(kind);
            for (place, listen) in listens.iter().filter(|(_, listen)| listen.gives_way()) {
                let taken_by =
                    listens.iter().find(|(_, one)| !one.gives_way() && listen.may_exclude(*one));
                let Some((other, _)) = taken_by else { continue };
                tracing::info!(
                    address = %listen,
                    "ingest_gateway.{} stays closed: ingest_gateway.{} was given its address",
                    place.setting(), other.setting()
                );
                self.close(*place);
            }
        }
    }

    /// Refuses what two doors cannot both have. A door that nobody asked for wants nothing: it gives way.
    pub(super) fn check_sharing(&self, problems: &mut Vec<Problem>) {
        for kind in KINDS_WITH_PORTS {
            let listens = given_last(self.listens(kind));
            for (place, listen, other) in pairs(&listens, |one, other| one.excludes(*other)) {
                let other = other.setting();
                let message = format!("{listen} is the address of ingest_gateway.{other} too");
                problems.push(Problem::new(place.setting(), message));
            }
        }
        let places = self.places().into_iter();
        let files = places.filter_map(|place| Some((place, self.socket_file(place)?)));
        let files: Vec<_> = files.collect();
        for (place, path, other) in pairs(&files, |one, other| one == other) {
            let (path, other) = (path.display(), other.setting());
            let message = format!("`{path}` is the socket of ingest_gateway.{other} too");
            problems.push(Problem::new(place.setting(), message));
        }
    }
}

/// Those that do not give way, and of these the ones that nobody asked for first: a pair is told of the one that
/// somebody has written.
fn given_last(listens: Vec<(Place, Listen)>) -> Vec<(Place, Listen)> {
    let wanted = listens.into_iter().filter(|(_, listen)| !listen.gives_way());
    let (given, kept): (Vec<_>, Vec<_>) = wanted.partition(|(_, listen)| listen.is_asked_for());
    [kept, given].concat()
}

/// Each place with an earlier one that wants the same.
fn pairs<T: Copy>(
    places: &[(Place, T)],
    are_same: impl Fn(&T, &T) -> bool,
) -> Vec<(Place, T, Place)> {
    let mut pairs = Vec::new();
    for (at, (place, wanted)) in places.iter().enumerate() {
        let earlier = places[..at].iter().filter(|(_, other)| are_same(wanted, other));
        pairs.extend(earlier.map(|(other, _)| (*place, *wanted, *other)));
    }
    pairs
}
