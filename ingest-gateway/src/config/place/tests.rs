//! Every list of places is whole, and no two places are called the same.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::json;

use super::{Kind, Place, Said, Slot};
use crate::config::{Config, Listen};

#[test]
fn each_has_a_name_a_setting_and_a_socket_of_its_own() {
    let config = Config::default();
    let places = config.places();
    assert_eq!(places.len(), Slot::ALL.len(), "no further door is there by itself");
    for (at, place) in places.iter().enumerate() {
        assert_eq!(Place::of(place.name()), Some(*place));
        let others = &places[at + 1..];
        assert!(others.iter().all(|other| other.setting() != place.setting()), "{place}");
        let is_file = matches!(place.kind(), Kind::LocalConnections | Kind::LocalDatagrams);
        assert_eq!(matches!(place.said(&config), Some(Said::File(_))), is_file, "{place}");
    }
    assert_eq!(Slot::OtlpGrpc.first().setting(), "otlp.grpc_listen", "as it is written in a file");
    assert_eq!(Slot::OtlpGrpc.first().table(), "http", "the door's");
    assert_eq!(Place::of("otlp"), None);
}

#[test]
fn further_doors_have_the_sockets_of_their_kind() {
    let given = json!({
        "default_doors": false,
        "tcp": { "inputs": { "tcp-10": { "listen": "off" }, "tcp-2": { "listen": "127.0.0.1:5001" } } },
        "http": { "inputs": { "http-2": {} } },
        "syslog": { "inputs": { "syslog-north": { "udp_listen": "127.0.0.1:514" } } },
        "unix": { "inputs": { "unix-2": { "stream_path": "/run/lines" } } },
    });
    let config = Config::deserialize(given.into_deserializer()).unwrap();
    let further: Vec<Place> =
        config.places().into_iter().filter(|place| place.is_further()).collect();
    let named: Vec<_> = further.iter().map(|place| (place.name(), place.setting())).collect();
    let expected = [
        ("tcp-2", "tcp.inputs.tcp-2.listen"),
        ("tcp-10", "tcp.inputs.tcp-10.listen"),
        ("http-2", "http.inputs.http-2.listen"),
        ("syslog-north.udp", "syslog.inputs.syslog-north.udp_listen"),
        ("syslog-north.tcp", "syslog.inputs.syslog-north.tcp_listen"),
        ("syslog-north.tls", "syslog.inputs.syslog-north.tls_listen"),
        ("syslog-north.socket", "syslog.inputs.syslog-north.socket_path"),
        ("unix-2.stream", "unix.inputs.unix-2.stream_path"),
        ("unix-2.datagram", "unix.inputs.unix-2.datagram_path"),
    ];
    assert_eq!(named, expected);
    assert!(further.iter().all(|place| Place::of(place.name()) == Some(*place)));
    let open: Vec<_> = further
        .iter()
        .filter(|place| config.listen(**place) != Listen::Off)
        .map(|place| place.name())
        .collect();
    assert_eq!(open, ["tcp-2", "syslog-north.udp"], "only where somebody has said so");
    assert!(config.socket_file(further[7]).is_some() && config.socket_file(further[8]).is_none());
    for name in ["tcp-2.tcp", "syslog-north", "syslog-north.http", "otlp-2", "bulk-2", "tcp-A"] {
        assert_eq!(Place::of(name), None, "{name}");
    }
}

#[test]
fn what_can_be_shown_no_token_is_told_apart() {
    let places = Config::default().places();
    let tokenless = places.iter().filter(|place| !place.takes_tokens());
    let names: Vec<&str> = tokenless.map(|place| place.name()).collect();
    let expected = [
        "udp",
        "beats",
        "syslog-udp",
        "syslog-tcp",
        "syslog-tls",
        "syslog-socket",
        "unix-datagram",
    ];
    assert_eq!(names, expected);
}
