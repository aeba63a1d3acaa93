//! From sockets to doors that serve: each gets its caps, its way to the log, and its certificates.

use std::collections::BTreeMap;
use std::sync::Arc;

use service::{CancellationToken, MetricKind};
use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};
use tokio::task::JoinSet;

use crate::config::{Config, HttpConfig, Several, SyslogConfig, UnixConfig};
use crate::connections::{Gate, Listeners, Peers};
use crate::datagrams::{Drops, Socket};
use crate::intake::{Foundation, Intake};
use crate::listen::{Door, GatewayError, HttpSockets, Sockets, SyslogSockets, UnixSockets};
use crate::tls::Acceptor;
use crate::{beats, connection, datagrams, http, syslog_door, tcp, tls, udp, unix};

/// The metrics of datagrams that the kernel drops.
const UDP_DROPPED: &str = "millrace_gateway_udp_dropped_datagrams_total";
const SYSLOG_DROPPED: &str = "millrace_gateway_syslog_dropped_datagrams_total";

/// The certificates of the doors, looked at again and again until this is dropped.
pub(crate) struct Certificates {
    by_door: BTreeMap<&'static str, Arc<Acceptor>>,
    _watching: JoinSet<()>,
}

impl Certificates {
    pub(crate) fn new(ready: BTreeMap<&'static str, tls::Ready>, foundation: &Foundation) -> Self {
        let acceptor =
            |(door, ready): (_, tls::Ready)| (door, Acceptor::new(ready, &foundation.metrics));
        let by_door: BTreeMap<_, _> = ready.into_iter().map(acceptor).collect();
        let all: Vec<_> = by_door.values().cloned().collect();
        tls::show_expiry(&all, &foundation.runtime.context.metrics);
        if !all.is_empty() {
            let connections = foundation.budget.tls_connections_max();
            tracing::info!(connections, "at most so many with TLS at once, by the doors' memory");
        }
        let watching = all.into_iter().map(Acceptor::watch).collect();
        Self { by_door, _watching: watching }
    }

    /// Those of a door; none if it speaks no TLS.
    pub(crate) fn of(&self, door: &str) -> Option<Arc<Acceptor>> {
        self.by_door.get(door).cloned()
    }
}

/// Doors while they are opened.
pub(crate) struct Opening<'f> {
    foundation: &'f Arc<Foundation>,
    peers: &'f Arc<Peers>,
    doors: JoinSet<()>,
    /// What the kernel drops, by metric and door.
    drops: Vec<(&'static str, &'static str, Drops)>,
}

impl<'f> Opening<'f> {
    pub(crate) fn new(foundation: &'f Arc<Foundation>, peers: &'f Arc<Peers>) -> Self {
        Self { foundation, peers, doors: JoinSet::new(), drops: Vec::new() }
    }

    /// Opens a door, whose table has its name.
    pub(crate) fn open(
        &mut self,
        door: Door,
        config: &Config,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let Door { name, sockets } = door;
        let intake = Intake::new(name, self.foundation);
        match sockets {
            Sockets::Tcp(listener) => {
                let config = config.tcp.of(name);
                let door = Arc::new(tcp::door(intake, config));
                self.lines(listener, door, config.connections_max, tls)
            }
            Sockets::Udp(socket) => {
                self.datagrams(socket, udp::door(intake, config.udp.of(name)), UDP_DROPPED)
            }
            Sockets::Http(sockets) => self.http(sockets, intake, config.http.of(name), tls),
            Sockets::Beats(listener) => {
                let (listener, config) = (TcpListener::from_std(listener)?, config.beats.of(name));
                let gate = self.gate(name, listener, config.connections_max, tls.is_some());
                let shutdown = self.shutdown();
                self.doors.spawn(beats::serve(gate, intake, config.clone(), tls, shutdown));
                Ok(())
            }
            Sockets::Syslog(sockets) => self.syslog(sockets, &intake, config.syslog.of(name), tls),
            Sockets::Unix(sockets) => self.unix(sockets, intake, config.unix.of(name)),
        }
    }

    /// The doors that were opened.
    pub(crate) fn finish(self) -> JoinSet<()> {
        self.show_drops();
        self.doors
    }

    /// Shows what the kernel drops of the datagrams of doors.
    fn show_drops(&self) {
        for metric in [UDP_DROPPED, SYSLOG_DROPPED] {
            let own = self.drops.iter().filter(|(of, ..)| *of == metric);
            let own: Vec<_> = own.map(|(_, door, drops)| (*door, *drops)).collect();
            if own.is_empty() {
                continue;
            }
            let sample =
                |(door, drops): &(&str, Drops)| (vec![(*door).to_owned()], drops.count() as f64);
            self.foundation.runtime.context.metrics.computed(
                metric,
                "Datagrams that the kernel dropped because the door did not read fast enough",
                MetricKind::Counter,
                &["door"],
                move || own.iter().map(sample).collect(),
            );
        }
    }

    fn gate<L>(
        &self,
        door: &'static str,
        listener: L,
        connections_max: u32,
        has_tls: bool,
    ) -> Gate<L> {
        let (peers, metrics) = (Arc::clone(self.peers), self.foundation.metrics.clone());
        Gate { door, listener, connections_max, peers, metrics, has_tls }
    }

    fn shutdown(&self) -> CancellationToken {
        self.foundation.runtime.context.shutdown.clone()
    }

    /// Connections over TCP whose bytes are lines.
    fn lines(
        &mut self,
        listener: std::net::TcpListener,
        door: Arc<connection::Door>,
        connections_max: u32,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let listener = TcpListener::from_std(listener)?;
        let gate = self.gate(door.intake.door(), listener, connections_max, tls.is_some());
        self.doors.spawn(tcp::serve(gate, door, tls, self.shutdown()));
        Ok(())
    }

    /// Datagrams over UDP, with the metric of those that the kernel drops.
    fn datagrams(
        &mut self,
        socket: std::net::UdpSocket,
        door: datagrams::Door,
        metric: &'static str,
    ) -> Result<(), GatewayError> {
        let drops = Drops::of(&socket);
        self.drops.push((metric, door.intake.door(), drops));
        let socket = Socket::Udp(UdpSocket::from_std(socket)?);
        self.doors.spawn(datagrams::serve(socket, door, Some(drops), self.shutdown()));
        Ok(())
    }

    /// Datagrams within the machine, whose senders wait while the door does not read.
    fn local_datagrams(
        &mut self,
        datagrams: unix::Datagrams,
        door: datagrams::Door,
    ) -> Result<(), GatewayError> {
        let unix::Datagrams { socket, file } = datagrams;
        let socket = Socket::Unix(UnixDatagram::from_std(socket)?);
        let serve = datagrams::serve(socket, door, None, self.shutdown());
        self.doors.spawn(async move {
            serve.await;
            drop(file);
        });
        Ok(())
    }

    /// A door for HTTP on all of its addresses.
    fn http(
        &mut self,
        sockets: HttpSockets,
        intake: Intake,
        config: &HttpConfig,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let HttpSockets { own, otlp_http, otlp_grpc, bulk } = sockets;
        let mut sockets: Vec<_> = [own, otlp_http, otlp_grpc].into_iter().flatten().collect();
        let bulk_socket = bulk.is_some().then_some(sockets.len());
        sockets.extend(bulk);
        let sockets = sockets.into_iter().map(TcpListener::from_std);
        let sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        let (listeners, connections_max) = (Listeners::new(sockets), config.connections_max);
        let gate = self.gate(intake.door(), listeners, connections_max, tls.is_some());
        let (config, shutdown) = (config.clone(), self.shutdown());
        self.doors.spawn(http::serve(gate, bulk_socket, intake, config, tls, shutdown));
        Ok(())
    }

    fn syslog(
        &mut self,
        sockets: SyslogSockets,
        intake: &Intake,
        config: &SyslogConfig,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let SyslogSockets { udp, tcp, tls: tls_listener, file } = sockets;
        let connections = syslog_door::connections(intake.clone(), config);
        for (listener, tls) in [(tcp, None), (tls_listener, tls)] {
            if let Some(listener) = listener {
                self.lines(listener, Arc::clone(&connections), config.connections_max, tls)?;
            }
        }
        if let Some(socket) = udp {
            let door = syslog_door::messages(intake.clone(), config);
            self.datagrams(socket, door, SYSLOG_DROPPED)?;
        }
        if let Some(file) = file {
            self.local_datagrams(file, syslog_door::messages(intake.clone(), config))?;
        }
        Ok(())
    }

    fn unix(
        &mut self,
        sockets: UnixSockets,
        intake: Intake,
        config: &UnixConfig,
    ) -> Result<(), GatewayError> {
        if let Some(unix::Listening { listener, file }) = sockets.stream {
            let listener = UnixListener::from_std(listener)?;
            let gate = self.gate(intake.door(), listener, config.connections_max, false);
            let door = Arc::new(unix::door(intake.clone(), config));
            self.doors.spawn(unix::serve(gate, door, file, self.shutdown()));
        }
        if let Some(datagrams) = sockets.datagram {
            self.local_datagrams(datagrams, unix::datagrams(intake, config))?;
        }
        Ok(())
    }
}
