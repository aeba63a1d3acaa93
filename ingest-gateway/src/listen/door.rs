//! Doors with the sockets that they serve: the first one of each kind, and the further ones.
//!
//! It says which sockets a door has; how one is opened is `taking`'s affair, and what comes to it the door's own.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use super::GatewayError;
use super::taking::Taking;
use crate::config::{Config, Several, Slot};
use crate::unix::{Datagrams, Listening};

/// A door that is open.
#[derive(Debug)]
pub(crate) struct Door {
    /// Its name, in ledgers, metrics and records.
    pub(crate) name: &'static str,
    /// One at least.
    pub(crate) sockets: Sockets,
}

/// The sockets of a door, by its kind.
#[derive(Debug)]
pub(crate) enum Sockets {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Http(HttpSockets),
    Beats(TcpListener),
    Syslog(SyslogSockets),
    Unix(UnixSockets),
}

/// The sockets of a door for HTTP, which takes the same on all of them.
#[derive(Debug)]
pub(crate) struct HttpSockets {
    pub(crate) own: Option<TcpListener>,
    pub(crate) otlp_http: Option<TcpListener>,
    pub(crate) otlp_grpc: Option<TcpListener>,
    pub(crate) bulk: Option<TcpListener>,
}

/// The sockets of a door for syslog.
#[derive(Debug)]
pub(crate) struct SyslogSockets {
    pub(crate) udp: Option<UdpSocket>,
    pub(crate) tcp: Option<TcpListener>,
    pub(crate) tls: Option<TcpListener>,
    pub(crate) file: Option<Datagrams>,
}

/// The sockets of a door in the file system.
#[derive(Debug)]
pub(crate) struct UnixSockets {
    pub(crate) stream: Option<Listening>,
    pub(crate) datagram: Option<Datagrams>,
}

impl Sockets {
    /// The address of one of them; none where there is no such one, or it is a file.
    pub(super) fn address(&self, slot: Slot) -> Option<SocketAddr> {
        let address: io::Result<SocketAddr> = match (self, slot) {
            (Self::Tcp(listener), Slot::Tcp) | (Self::Beats(listener), Slot::Beats) => {
                listener.local_addr()
            }
            (Self::Udp(socket), Slot::Udp) => socket.local_addr(),
            (Self::Http(http), Slot::Http) => http.own.as_ref()?.local_addr(),
            (Self::Http(http), Slot::OtlpHttp) => http.otlp_http.as_ref()?.local_addr(),
            (Self::Http(http), Slot::OtlpGrpc) => http.otlp_grpc.as_ref()?.local_addr(),
            (Self::Http(http), Slot::Bulk) => http.bulk.as_ref()?.local_addr(),
            (Self::Syslog(syslog), Slot::SyslogUdp) => syslog.udp.as_ref()?.local_addr(),
            (Self::Syslog(syslog), Slot::SyslogTcp) => syslog.tcp.as_ref()?.local_addr(),
            (Self::Syslog(syslog), Slot::SyslogTls) => syslog.tls.as_ref()?.local_addr(),
            _ => return None,
        };
        address.ok()
    }
}

/// Takes the sockets of all doors that are open, kind by kind.
pub(super) fn take(config: &Config, taking: &mut Taking) -> Result<Vec<Door>, GatewayError> {
    let mut doors = Vec::new();
    let mut add = |name, sockets: Option<Sockets>| {
        doors.extend(sockets.map(|sockets| Door { name, sockets }));
    };
    for (name, _) in config.tcp.doors() {
        add(name, taking.connections(Slot::Tcp.of(name), config)?.map(Sockets::Tcp));
    }
    for (name, udp) in config.udp.doors() {
        let socket = taking.datagrams(Slot::Udp.of(name), config, udp.receive_buffer_bytes)?;
        add(name, socket.map(Sockets::Udp));
    }
    for (name, _) in config.http.doors() {
        add(name, http(name, config, taking)?.map(Sockets::Http));
    }
    for (name, _) in config.beats.doors() {
        add(name, taking.connections(Slot::Beats.of(name), config)?.map(Sockets::Beats));
    }
    for (name, _) in config.syslog.doors() {
        add(name, syslog(name, config, taking)?.map(Sockets::Syslog));
    }
    for (name, _) in config.unix.doors() {
        add(name, unix(name, config, taking)?.map(Sockets::Unix));
    }
    Ok(doors)
}

fn http(
    door: &'static str,
    config: &Config,
    taking: &mut Taking,
) -> Result<Option<HttpSockets>, GatewayError> {
    let mut take = |slot: Slot| taking.connections(slot.of(door), config);
    let [own, otlp_http, otlp_grpc, bulk] = Slot::HTTP;
    let (own, otlp_http) = (take(own)?, take(otlp_http)?);
    let (otlp_grpc, bulk) = (take(otlp_grpc)?, take(bulk)?);
    let is_open = [&own, &otlp_http, &otlp_grpc, &bulk].into_iter().any(Option::is_some);
    Ok(is_open.then_some(HttpSockets { own, otlp_http, otlp_grpc, bulk }))
}

fn syslog(
    door: &'static str,
    config: &Config,
    taking: &mut Taking,
) -> Result<Option<SyslogSockets>, GatewayError> {
    let settings = config.syslog.of(door);
    let (mode, buffer) = (settings.socket_mode, settings.receive_buffer_bytes);
    let file = taking.local_datagrams(Slot::SyslogSocket.of(door), config, mode, buffer)?;
    let udp = taking.datagrams(Slot::SyslogUdp.of(door), config, buffer)?;
    let tcp = taking.connections(Slot::SyslogTcp.of(door), config)?;
    let tls = taking.connections(Slot::SyslogTls.of(door), config)?;
    let is_open = file.is_some() || udp.is_some() || tcp.is_some() || tls.is_some();
    Ok(is_open.then_some(SyslogSockets { udp, tcp, tls, file }))
}

fn unix(
    door: &'static str,
    config: &Config,
    taking: &mut Taking,
) -> Result<Option<UnixSockets>, GatewayError> {
    let (mode, buffer) = (config.unix.of(door).mode, config.udp.receive_buffer_bytes);
    let stream = taking.local_connections(Slot::UnixStream.of(door), config, mode)?;
    let datagram = taking.local_datagrams(Slot::UnixDatagram.of(door), config, mode, buffer)?;
    let is_open = stream.is_some() || datagram.is_some();
    Ok(is_open.then_some(UnixSockets { stream, datagram }))
}
