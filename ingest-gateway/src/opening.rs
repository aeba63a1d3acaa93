//! From sockets to doors that serve: each gets its caps, its way to the log, and its certificates.

use std::sync::Arc;

use service::{CancellationToken, MetricKind};
use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::connections::{Gate, Listeners, Peers};
use crate::datagrams::{Drops, Socket};
use crate::intake::{Foundation, Intake};
use crate::listen::{GatewayError, HttpSockets, SyslogSockets, TlsOfDoors, UnixSockets};
use crate::tls::Acceptor;
use crate::{connection, datagrams, http, syslog_door, tcp, tls, unix};

/// The certificates of the doors, looked at again and again until this is dropped.
pub(crate) struct Certificates {
    pub(crate) tcp: Option<Arc<Acceptor>>,
    pub(crate) http: Option<Arc<Acceptor>>,
    pub(crate) syslog: Option<Arc<Acceptor>>,
    pub(crate) beats: Option<Arc<Acceptor>>,
    _watching: JoinSet<()>,
}

impl Certificates {
    pub(crate) fn new(tls: TlsOfDoors, foundation: &Foundation) -> Self {
        let of = |ready: Option<tls::Ready>| ready.map(|r| Acceptor::new(r, &foundation.metrics));
        let (tcp, http, syslog) = (of(tls.tcp), of(tls.http), of(tls.syslog));
        let beats = of(tls.beats);
        let all: Vec<_> = [&tcp, &http, &syslog, &beats].into_iter().flatten().cloned().collect();
        tls::show_expiry(&all, &foundation.runtime.context.metrics);
        if !all.is_empty() {
            let connections = foundation.budget.tls_connections_max();
            tracing::info!(connections, "at most so many with TLS at once, by the doors' memory");
        }
        let watching = all.into_iter().map(Acceptor::watch).collect();
        Self { tcp, http, syslog, beats, _watching: watching }
    }
}

/// Doors while they are opened.
pub(crate) struct Opening<'f> {
    pub(crate) foundation: &'f Arc<Foundation>,
    pub(crate) peers: &'f Arc<Peers>,
    pub(crate) doors: JoinSet<()>,
}

impl Opening<'_> {
    pub(crate) fn intake(&self, door: &'static str) -> Intake {
        Intake::new(door, self.foundation)
    }

    pub(crate) fn gate<L>(
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
    pub(crate) fn lines(
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
    pub(crate) fn datagrams(
        &mut self,
        socket: std::net::UdpSocket,
        door: datagrams::Door,
        metric: &str,
    ) -> Result<(), GatewayError> {
        let drops = Drops::of(&socket);
        self.foundation.runtime.context.metrics.computed(
            metric,
            "Datagrams that the kernel dropped because the door did not read fast enough",
            MetricKind::Counter,
            &[],
            move || vec![(Vec::new(), drops.count() as f64)],
        );
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

    /// The HTTP door on all of its addresses.
    pub(crate) fn http(
        &mut self,
        sockets: HttpSockets,
        config: &Config,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let HttpSockets { own, otlp_http, otlp_grpc, bulk } = sockets;
        let mut sockets: Vec<_> = [own, otlp_http, otlp_grpc].into_iter().flatten().collect();
        let bulk_socket = bulk.is_some().then_some(sockets.len());
        sockets.extend(bulk);
        let sockets = sockets.into_iter().map(TcpListener::from_std);
        let sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        if sockets.is_empty() {
            return Ok(());
        }
        let (config, intake) = (config.http.clone(), self.intake(http::DOOR));
        let (listeners, connections_max) = (Listeners::new(sockets), config.connections_max);
        let gate = self.gate(http::DOOR, listeners, connections_max, tls.is_some());
        self.doors.spawn(http::serve(gate, bulk_socket, intake, config, tls, self.shutdown()));
        Ok(())
    }

    pub(crate) fn syslog(
        &mut self,
        sockets: SyslogSockets,
        config: &Config,
        tls: Option<Arc<Acceptor>>,
    ) -> Result<(), GatewayError> {
        let SyslogSockets { udp, tcp, tls: tls_listener, file } = sockets;
        if udp.is_none() && tcp.is_none() && tls_listener.is_none() && file.is_none() {
            return Ok(());
        }
        let (config, intake) = (&config.syslog, self.intake(syslog_door::DOOR));
        let connections = syslog_door::connections(intake.clone(), config);
        for (listener, tls) in [(tcp, None), (tls_listener, tls)] {
            if let Some(listener) = listener {
                self.lines(listener, Arc::clone(&connections), config.connections_max, tls)?;
            }
        }
        if let Some(socket) = udp {
            let door = syslog_door::messages(intake.clone(), config);
            self.datagrams(socket, door, "millrace_gateway_syslog_dropped_datagrams_total")?;
        }
        if let Some(file) = file {
            self.local_datagrams(file, syslog_door::messages(intake, config))?;
        }
        Ok(())
    }

    pub(crate) fn unix(
        &mut self,
        sockets: UnixSockets,
        config: &Config,
    ) -> Result<(), GatewayError> {
        if sockets.stream.is_none() && sockets.datagram.is_none() {
            return Ok(());
        }
        let (config, intake) = (&config.unix, self.intake(unix::DOOR));
        if let Some(unix::Listening { listener, file }) = sockets.stream {
            let listener = UnixListener::from_std(listener)?;
            let gate = self.gate(unix::DOOR, listener, config.connections_max, false);
            let door = Arc::new(unix::door(intake.clone(), config));
            self.doors.spawn(unix::serve(gate, door, file, self.shutdown()));
        }
        if let Some(datagrams) = sockets.datagram {
            self.local_datagrams(datagrams, unix::datagrams(intake, config))?;
        }
        Ok(())
    }
}
