//! An address that is in use refuses the start, unless nobody asked for its door.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use super::{GatewayError, bind};
use crate::config::{Config, Listen, SyslogConfig, TcpConfig};

fn any_port() -> Config {
    let mut config = Config::default().closed();
    let any = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    (config.tcp.listen, config.udp.listen, config.http.listen) = (any, any, any);
    config
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let first = bind(any_port()).unwrap();
    let taken = first.http_address().unwrap();
    let mut config = any_port();
    config.http.listen = Listen::At(taken);
    let error = bind(config).unwrap_err();
    assert!(matches!(error, GatewayError::InUse { setting: "http.listen", .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "port {} on 127.0.0.1 is in use: stop the other program, or set \
             ingest_gateway.http.listen",
            taken.port()
        )
    );
}

#[test]
fn an_address_of_another_machine_names_its_setting() {
    let mut config = any_port();
    config.allow_unauthenticated_udp = true;
    config.udp.listen = "192.0.2.1:5000".parse().unwrap();
    let error = bind(config).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 192.0.2.1:5000 (ingest_gateway.udp.listen)"));
}

#[test]
fn a_closed_door_has_no_address_and_a_wrong_setting_opens_none() {
    let mut config = any_port();
    config.udp.listen = Listen::Off;
    let bound = bind(config.clone()).unwrap();
    assert!(bound.udp_address().is_none() && bound.tcp_address().is_some());
    config.tcp.listen = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(bind(config), Err(GatewayError::Settings(problems)) if problems.len() == 1));
}

#[test]
fn without_default_doors_no_port_is_taken_that_nobody_named() {
    let mut config = Config { default_doors: false, ..Config::default() };
    config.http.listen = any_port().http.listen;
    let bound = bind(config).unwrap();
    assert!(bound.http_address().is_some());
    assert_eq!((bound.tcp_address(), bound.udp_address()), (None, None));
    assert_eq!((bound.beats_address(), bound.otlp_http_address()), (None, None));
    assert_eq!((bound.otlp_grpc_address(), bound.other_doors()), (None, Vec::new()));
    assert!(bound.closed_doors().is_empty(), "nobody misses one");
}

#[test]
fn a_door_that_nobody_asked_for_is_closed_where_its_address_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (at, udp_at) = (taken.local_addr().unwrap(), taken_udp.local_addr().unwrap());
    let mut config = any_port();
    config.otlp.grpc_listen = Listen::IfFree(at);
    config.syslog.udp_listen = Listen::IfFree(udp_at);
    config.bulk.listen = config.http.listen;
    let bound = bind(config.clone()).unwrap();
    assert_eq!((bound.otlp_grpc_address(), bound.syslog_udp_address()), (None, None));
    assert!(bound.http_address().is_some() && bound.bulk_address().is_some(), "the others serve");
    let said: Vec<String> = bound.closed_doors().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    let grpc = format!("ingest_gateway.otlp.grpc_listen: {at} is in use");
    assert!(said[0].starts_with(&grpc) && said[0].contains("\"off\""), "{said:?}");
    assert!(said[1].starts_with("ingest_gateway.syslog.udp_listen: "), "{said:?}");

    config.otlp.grpc_listen = Listen::At(at);
    let error = bind(config).unwrap_err();
    assert!(matches!(error, GatewayError::InUse { setting: "otlp.grpc_listen", .. }), "{error}");
}

#[test]
fn a_door_that_can_be_shown_no_token_stays_closed_where_senders_must_show_one() {
    let any = Listen::IfFree(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = any_port();
    config.require_token = true;
    config.beats.listen = any;
    (config.syslog.udp_listen, config.syslog.tcp_listen) = (any, any);
    config.otlp.http_listen = any;
    let bound = bind(config.clone()).unwrap();
    assert_eq!((bound.beats_address(), bound.other_doors()), (None, Vec::new()));
    assert!(bound.otlp_http_address().is_some(), "it asks for a token");
    let said: Vec<String> = bound.closed_doors().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("ingest_gateway.beats.listen: 127.0.0.1:0 can be shown no token"));
    assert!(said[0].contains("this address to open it all the same"), "{said:?}");

    config.beats.listen = any_port().tcp.listen;
    let bound = bind(config).unwrap();
    assert!(bound.beats_address().is_some(), "it was asked for");
}

#[test]
fn a_further_door_has_its_own_address_which_it_never_gives_up() {
    let mut config = any_port();
    let tcp = TcpConfig { listen: any_port().tcp.listen, ..TcpConfig::default() };
    config.tcp.inputs.insert("tcp-2".to_owned(), tcp);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let syslog = SyslogConfig {
        udp_listen: any_port().udp.listen,
        socket_path: Some(file.clone()),
        ..SyslogConfig::default()
    };
    config.syslog.inputs.insert("syslog-2".to_owned(), syslog);
    let bound = bind(config.clone()).unwrap();
    let told = bound.further_doors();
    let names: Vec<&str> = told.iter().map(|door| door.name).collect();
    assert_eq!(names, ["tcp-2", "syslog-2.udp", "syslog-2.socket"]);
    let taken = told[0].address.unwrap();
    assert_ne!(Some(taken), bound.tcp_address());
    assert_eq!((told[0].place.clone(), told[0].answers), (taken.to_string(), false));
    assert_eq!((told[2].place.clone(), told[2].address), (file.display().to_string(), None));
    drop(bound);
    assert!(!file.exists(), "its socket is removed as that of any door");

    let _other = TcpListener::bind(taken).unwrap();
    config.tcp.inputs.get_mut("tcp-2").unwrap().listen = Listen::At(taken);
    let error = bind(config).unwrap_err();
    let is_in_use = matches!(error, GatewayError::InUse { setting: "tcp.inputs.tcp-2.listen", .. });
    assert!(is_in_use, "{error}");
}
