//! A socket that is handed over is a door's, or refuses the start.

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use super::{HandedOver, Kind, Place};
use crate::config::{Config, Listen, TcpConfig};
use crate::listen::{GatewayError, bind_with};

/// Settings with every door closed.
fn closed() -> Config {
    Config::default().closed()
}

fn handed_over<S: Into<Socket>>(name: &str, socket: S) -> Result<HandedOver, String> {
    let mut all = HandedOver::default();
    all.add(name, Some(socket.into())).map(|()| all).map_err(|error| error.to_string())
}

#[test]
fn a_socket_opens_a_door_that_is_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let bound = bind_with(closed(), handed_over("http", listener).unwrap()).unwrap();
    assert_eq!(bound.http_address(), Some(address));
    assert_eq!((bound.tcp_address(), bound.udp_address()), (None, None));
    TcpStream::connect(address).expect("it still listens");

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let bound = bind_with(closed(), handed_over("syslog-udp", socket).unwrap()).unwrap();
    assert_eq!(bound.syslog_udp_address(), Some(address));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let bound = bind_with(closed(), handed_over("otlp-grpc", listener).unwrap()).unwrap();
    assert_eq!((bound.otlp_grpc_address(), bound.http_address()), (Some(address), None));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let only_named = Config { default_doors: false, ..Config::default() };
    let bound = bind_with(only_named, handed_over("beats", listener).unwrap()).unwrap();
    assert_eq!((bound.beats_address(), bound.tcp_address()), (Some(address), None));
}

#[test]
fn a_door_that_nobody_asked_for_gives_way_to_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = closed();
    config.beats.listen = Listen::IfFree(address);
    let bound = bind_with(config, handed_over("syslog-tcp", listener).unwrap()).unwrap();
    assert_eq!((bound.beats_address(), bound.syslog_tcp_address()), (None, Some(address)));
    assert!(bound.closed_doors().is_empty(), "it was given to another door of ours");
}

#[test]
fn a_socket_wins_over_the_address_of_the_settings() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = closed();
    config.tcp.listen = Listen::At(taken.local_addr().unwrap());
    let bound = bind_with(config, handed_over("tcp", listener).unwrap()).unwrap();
    assert_eq!(bound.tcp_address(), Some(address), "nobody asks for the other one");
}

#[test]
fn a_socket_in_the_file_system_stays_when_the_door_closes() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, log) = (folder.path().join("lines.sock"), folder.path().join("log.sock"));
    let mut all = HandedOver::default();
    all.add("unix-stream", Some(UnixListener::bind(&lines).unwrap().into())).unwrap();
    all.add("syslog-socket", Some(UnixDatagram::bind(&log).unwrap().into())).unwrap();
    let bound = bind_with(closed(), all).unwrap();
    let doors = bound.other_doors();
    for path in [&lines, &log] {
        assert!(doors.iter().any(|(_, place)| Path::new(place) == path), "{doors:?}");
    }
    drop(bound);
    assert!(lines.exists() && log.exists(), "they are the service manager's");
}

#[test]
fn strangers_reach_a_socket_as_little_as_an_address() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let error = bind_with(closed(), handed_over("tcp", listener).unwrap()).unwrap_err();
    let GatewayError::Settings(problems) = error else { panic!("{error}") };
    assert_eq!(problems[0].setting, "tcp.listen");
    assert!(problems[0].message.contains("ingest_token"), "{}", problems[0]);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = bind_with(closed(), handed_over("syslog-tls", listener).unwrap()).unwrap_err();
    assert!(error.to_string().contains("needs a certificate"), "{error}");
}

#[test]
fn what_no_door_takes_is_told_with_its_name() {
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
    let unknown = handed_over("millrace.socket", listener()).unwrap_err();
    assert!(unknown.contains("`millrace.socket`") && unknown.contains("syslog-tls"), "{unknown}");

    let datagrams = handed_over("tcp", UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap_err();
    assert!(datagrams.contains("`tcp`") && datagrams.contains("is a UDP socket"), "{datagrams}");
    let stream = handed_over("udp", listener()).unwrap_err();
    assert!(stream.contains("`udp`") && stream.contains("ListenDatagram="), "{stream}");

    let at = listener();
    let connected = TcpStream::connect(at.local_addr().unwrap()).unwrap();
    let connected = handed_over("tcp", connected).unwrap_err();
    assert!(connected.contains("does not listen"), "{connected}");
    let (unnamed, _) = UnixDatagram::pair().unwrap();
    let unnamed = handed_over("unix-datagram", unnamed).unwrap_err();
    assert!(unnamed.contains("without a file"), "{unnamed}");
    let packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    assert!(handed_over("unix-stream", packets).is_err());
    let none = HandedOver::default().add("tcp", None).unwrap_err().to_string();
    assert!(none.contains("none that a door takes"), "{none}");
}

#[test]
fn a_further_door_takes_the_socket_that_has_its_name() {
    let mut config = closed();
    let off = TcpConfig { listen: Listen::Off, ..TcpConfig::default() };
    config.tcp.inputs.insert("tcp-2".to_owned(), off);
    assert_eq!(config.check(), [], "a socket opens it");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let bound = bind_with(config.clone(), handed_over("tcp-2", listener).unwrap()).unwrap();
    let told = bound.further_doors();
    assert_eq!((told[0].name, told[0].address), ("tcp-2", Some(address)));
    assert_eq!((told.len(), bound.tcp_address()), (1, None));

    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let error = bind_with(config.clone(), handed_over("tcp-2", listener).unwrap()).unwrap_err();
    assert!(error.to_string().contains("ingest_gateway.tcp.inputs.tcp-2.listen: other machines"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = bind_with(config, handed_over("syslog-2.udp", socket).unwrap()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("`syslog-2.udp`") && said.contains("syslog.inputs.syslog-2]"), "{said}");
}

#[test]
fn a_door_takes_one_socket() {
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap().into();
    let mut all = HandedOver::default();
    all.add("beats", Some(listener())).unwrap();
    let twice = all.add("beats", Some(listener())).unwrap_err().to_string();
    assert!(twice.contains("two sockets with the name `beats`"), "{twice}");
}

#[test]
fn the_units_that_we_ship_name_doors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd");
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "socket") {
            continue;
        }
        let unit = fs::read_to_string(&path).unwrap();
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key));
        let place = value("FileDescriptorName=").and_then(Place::of);
        let place = place.unwrap_or_else(|| panic!("{}: no door", path.display()));
        let is_stream = matches!(place.kind(), Kind::Connections | Kind::LocalConnections);
        assert_eq!(value("ListenStream=").is_some(), is_stream, "{}", path.display());
        assert_eq!(value("ListenDatagram=").is_some(), !is_stream, "{}", path.display());
        found += 1;
    }
    assert!(found >= 4, "{found}");
}
