//! Where the doors are, for whoever shows it.

use std::net::SocketAddr;

use super::{Bound, ClosedDoor};
use crate::config::{Place, Slot};
use crate::http;

/// A socket of a further door that is open, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherDoor {
    /// The door's name, as `tcp-2`; where it may have several sockets with that of this one, as `syslog-2.udp`.
    pub name: &'static str,
    /// Where it is reached: an address, a URL or a path.
    pub place: String,
    /// The address; none if it is a file.
    pub address: Option<SocketAddr>,
    /// Whether senders are told what was taken.
    pub answers: bool,
}

impl Bound {
    fn address(&self, place: Place) -> Option<SocketAddr> {
        let door = self.doors.iter().find(|door| door.name == place.door())?;
        door.sockets.address(place.slot())
    }

    /// The further doors that are open.
    #[must_use]
    pub fn further_doors(&self) -> Vec<FurtherDoor> {
        let further = self.config.places().into_iter().filter(|place| place.is_further());
        further.filter_map(|place| self.further_door(place)).collect()
    }

    fn further_door(&self, place: Place) -> Option<FurtherDoor> {
        let (slot, address) = (place.slot(), self.address(place));
        let scheme = if self.tls.contains_key(place.door()) { "https" } else { "http" };
        let at = match (self.config.socket_file(place), address) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(address)) if slot == Slot::Http => format!("{scheme}://{address}/v1/logs"),
            (None, address) => address?.to_string(),
        };
        let answers = matches!(slot, Slot::Http | Slot::Beats);
        Some(FurtherDoor { name: place.name(), place: at, address, answers })
    }

    /// Where the syslog door takes datagrams, unless that is off.
    #[must_use]
    pub fn syslog_udp_address(&self) -> Option<SocketAddr> {
        self.address(Slot::SyslogUdp.first())
    }

    /// Where the syslog door takes connections without TLS, unless that is off.
    #[must_use]
    pub fn syslog_tcp_address(&self) -> Option<SocketAddr> {
        self.address(Slot::SyslogTcp.first())
    }

    /// Where the syslog door takes connections with TLS, unless that is off.
    #[must_use]
    pub fn syslog_tls_address(&self) -> Option<SocketAddr> {
        self.address(Slot::SyslogTls.first())
    }

    /// The first doors that are open beside those of TCP, UDP, HTTP and Beats, for a person: what each is, and where.
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
        self.tls.contains_key(http::DOOR)
    }

    /// Where the TCP door listens, unless it is off.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.address(Slot::Tcp.first())
    }

    /// Where the UDP door listens, unless it is off.
    #[must_use]
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.address(Slot::Udp.first())
    }

    /// Where the HTTP door listens, unless that is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.address(Slot::Http.first())
    }

    /// Where it takes OTLP over HTTP besides, unless that is off.
    #[must_use]
    pub fn otlp_http_address(&self) -> Option<SocketAddr> {
        self.address(Slot::OtlpHttp.first())
    }

    /// Where it takes OTLP over gRPC besides, unless that is off.
    #[must_use]
    pub fn otlp_grpc_address(&self) -> Option<SocketAddr> {
        self.address(Slot::OtlpGrpc.first())
    }

    /// Where it takes what clients of Elasticsearch send besides, unless that is off.
    #[must_use]
    pub fn bulk_address(&self) -> Option<SocketAddr> {
        self.address(Slot::Bulk.first())
    }

    /// Where the Beats door listens, unless it is off.
    #[must_use]
    pub fn beats_address(&self) -> Option<SocketAddr> {
        self.address(Slot::Beats.first())
    }

    /// The doors that are closed though no setting says so: nobody asked for them, and their addresses are not to be had.
    #[must_use]
    pub fn closed_doors(&self) -> &[ClosedDoor] {
        &self.closed
    }
}
