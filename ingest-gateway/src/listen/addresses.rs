//! Where the doors are, for whoever shows it.

use std::net::SocketAddr;

use super::{Bound, ClosedDoor};

impl Bound {
    /// Where the syslog door takes datagrams, unless that is off.
    #[must_use]
    pub fn syslog_udp_address(&self) -> Option<SocketAddr> {
        self.syslog.udp.as_ref()?.local_addr().ok()
    }

    /// Where the syslog door takes connections without TLS, unless that is off.
    #[must_use]
    pub fn syslog_tcp_address(&self) -> Option<SocketAddr> {
        self.syslog.tcp.as_ref()?.local_addr().ok()
    }

    /// Where the syslog door takes connections with TLS, unless that is off.
    #[must_use]
    pub fn syslog_tls_address(&self) -> Option<SocketAddr> {
        self.syslog.tls.as_ref()?.local_addr().ok()
    }

    /// The doors that are open beside those of TCP, UDP, HTTP and Beats, for a person: what each is, and where.
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
        self.tls.http.is_some()
    }

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

    /// Where the HTTP door listens, unless that is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.own.as_ref()?.local_addr().ok()
    }

    /// Where it takes OTLP over HTTP besides, unless that is off.
    #[must_use]
    pub fn otlp_http_address(&self) -> Option<SocketAddr> {
        self.http.otlp_http.as_ref()?.local_addr().ok()
    }

    /// Where it takes OTLP over gRPC besides, unless that is off.
    #[must_use]
    pub fn otlp_grpc_address(&self) -> Option<SocketAddr> {
        self.http.otlp_grpc.as_ref()?.local_addr().ok()
    }

    /// Where it takes what clients of Elasticsearch send besides, unless that is off.
    #[must_use]
    pub fn bulk_address(&self) -> Option<SocketAddr> {
        self.http.bulk.as_ref()?.local_addr().ok()
    }

    /// Where the Beats door listens, unless it is off.
    #[must_use]
    pub fn beats_address(&self) -> Option<SocketAddr> {
        self.beats.as_ref()?.local_addr().ok()
    }

    /// The doors that are closed though no setting says so: nobody asked for them, and their addresses are not to be had.
    #[must_use]
    pub fn closed_doors(&self) -> &[ClosedDoor] {
        &self.closed
    }
}
