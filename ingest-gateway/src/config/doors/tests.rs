//! A further door is checked as the first one of its kind, and is nowhere unless it is said where.

use access::IngestToken;
use bus::Codec;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::{Value, json};
use service::{ByteSize, LimitSource, MemoryLimit};

use super::{Several, table_of};
use crate::config::{Config, Listen, MemoryPart};
use crate::lines::Framing;

fn read(given: Value) -> Config {
    Config::deserialize(given.into_deserializer()).unwrap()
}

fn settings(config: &Config) -> Vec<String> {
    config.check().into_iter().map(|problem| problem.setting).collect()
}

#[test]
fn a_further_door_has_a_table_of_its_own_and_the_defaults_of_its_kind() {
    let config = read(json!({
        "tcp": {
            "codec": "plain",
            "connections_max": 7,
            "inputs": { "tcp-nginx": { "listen": "127.0.0.1:5001", "framing": "nul" } },
        },
    }));
    assert_eq!(config.check(), []);
    let names: Vec<&str> = config.tcp.doors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["tcp", "tcp-nginx"]);
    let further = config.tcp.of("tcp-nginx");
    assert_eq!((further.codec, further.framing), (Codec::Json, Framing::Nul));
    assert_eq!(further.connections_max, Config::default().tcp.connections_max);
    assert_eq!((config.tcp.codec, table_of("tcp")), (Codec::Plain, "tcp".to_owned()));
    assert_eq!(table_of("tcp-nginx"), "tcp.inputs.tcp-nginx");
    assert!(config.closed().tcp.inputs.is_empty(), "nothing is open there");
}

#[test]
fn it_must_say_where_it_is() {
    let config = read(json!({
        "tcp": { "inputs": { "tcp-2": {} } },
        "udp": { "inputs": { "udp-2": {} } },
        "http": { "inputs": { "http-2": {} } },
        "beats": { "inputs": { "beats-2": {} } },
        "syslog": { "inputs": { "syslog-2": {} } },
        "unix": { "inputs": { "unix-2": {} } },
    }));
    let expected = [
        "tcp.inputs.tcp-2.listen",
        "udp.inputs.udp-2.listen",
        "http.inputs.http-2.listen",
        "beats.inputs.beats-2.listen",
        "syslog.inputs.syslog-2.udp_listen",
        "unix.inputs.unix-2.stream_path",
    ];
    assert_eq!(settings(&config), expected);
    let mut gave_way = config.clone();
    gave_way.give_way();
    assert_eq!(settings(&gave_way), expected, "also when the doors are to open");
    let placed = read(json!({
        "tcp": { "inputs": { "tcp-2": { "listen": "off" } } },
        "syslog": { "inputs": {
            "syslog-2": { "udp_listen": "127.0.0.1:5515" },
            "syslog-3": { "tcp_listen": "127.0.0.1:5515" },
            "syslog-4": { "socket_path": "/run/millrace/log" },
        } },
        "unix": { "inputs": { "unix-2": { "datagram_path": "/run/millrace/lines" } } },
    }));
    assert_eq!(placed.check(), []);
}

#[test]
fn its_name_is_that_of_its_kind_and_a_word_and_it_has_no_doors_within() {
    let config = read(json!({
        "tcp": { "inputs": {
            "nginx": { "listen": "off" },
            "udp-2": { "listen": "off" },
            "tcp-2": { "listen": "off", "inputs": { "tcp-3": { "listen": "off" } } },
        } },
        "syslog": { "inputs": { "syslog-tls": { "udp_listen": "off" } } },
    }));
    assert_eq!(
        settings(&config),
        [
            "tcp.inputs.nginx",
            "tcp.inputs.tcp-2.inputs",
            "tcp.inputs.udp-2",
            "syslog.inputs.syslog-tls",
        ]
    );
    let said: Vec<String> = config.check().iter().map(ToString::to_string).collect();
    assert!(said[0].contains("write `tcp-` and a word"), "{said:?}");
    assert!(said[1].contains("[ingest_gateway.tcp.inputs]"), "{said:?}");
    assert!(said[3].contains("another word, as syslog-2"), "{said:?}");
    let unknown = json!({ "tcp": { "inputs": { "tcp-2": { "lisen": "off" } } } });
    assert!(Config::deserialize(unknown.into_deserializer()).is_err());
}

#[test]
fn strangers_reach_it_as_little_as_the_first_one() {
    let mut config = read(json!({
        "tcp": { "inputs": { "tcp-2": { "listen": "0.0.0.0:5001" } } },
        "udp": { "inputs": { "udp-2": { "listen": "0.0.0.0:5001" } } },
        "http": { "inputs": { "http-2": { "listen": "0.0.0.0:8081" } } },
        "beats": { "inputs": { "beats-2": { "listen": "0.0.0.0:5045" } } },
        "syslog": { "inputs": {
            "syslog-2": { "udp_listen": "0.0.0.0:5515", "tls_listen": "127.0.0.1:6514" },
        } },
    }));
    let said: Vec<String> = config.check().iter().map(ToString::to_string).collect();
    let expected = [
        ("tcp.inputs.tcp-2.listen", "(tcp.inputs.tcp-2.tls.client_certificates"),
        ("http.inputs.http-2.listen", "(http.inputs.http-2.tls.client_certificates"),
        ("udp.inputs.udp-2.listen", "allow_unauthenticated_udp"),
        ("beats.inputs.beats-2.listen", "ingest_gateway.beats.inputs.beats-2.allow_unauth"),
        ("syslog.inputs.syslog-2.tls_listen", "ingest_gateway.syslog.inputs.syslog-2.tls.cert"),
        ("syslog.inputs.syslog-2.udp_listen", "ingest_gateway.syslog.inputs.syslog-2.allow_un"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, (setting, way_out)) in said.iter().zip(expected) {
        let begin = format!("ingest_gateway.{setting}: ");
        assert!(said.starts_with(&begin) && said.contains(way_out), "{said}");
    }
    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    config.allow_unauthenticated_udp = true;
    config.beats.allow_unauthenticated = true;
    let left = settings(&config);
    assert_eq!(left[0], "beats.inputs.beats-2.listen", "what the first one may is not its own");
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_is_wrong_with_it_is_told_with_its_table() {
    let mut config = read(json!({
        "tcp": { "inputs": { "tcp-2": {
            "listen": "127.0.0.1:5001", "idle_timeout": "0s", "multiline": { "pattern": "^(" },
            "tls": { "key_file": "/etc/door.key" },
        } } },
        "http": { "inputs": { "http-2": {
            "listen": "127.0.0.1:8081", "header_bytes_max": "1KiB", "response": { "status": 302 },
        } } },
        "beats": { "inputs": { "beats-2": { "listen": "off", "window_events_max": 0 } } },
        "syslog": { "inputs": { "syslog-2": { "udp_listen": "off", "timezone": "Nowhere" } } },
        "unix": { "inputs": { "unix-2": { "stream_path": "lines.sock" } } },
    }));
    assert_eq!(
        settings(&config),
        [
            "tcp.inputs.tcp-2.tls.certificate_file",
            "tcp.inputs.tcp-2.multiline.pattern",
            "tcp.inputs.tcp-2.idle_timeout",
            "http.inputs.http-2.response.status",
            "http.inputs.http-2.header_bytes_max",
            "beats.inputs.beats-2.window_events_max",
            "syslog.inputs.syslog-2.timezone",
            "unix.inputs.unix-2.stream_path",
        ]
    );
    let limit = MemoryLimit { bytes: ByteSize(100 << 20), source: LimitSource::Group("/".into()) };
    let lowered = config.fit_memory(&limit, MemoryPart::Half).unwrap();
    let named: Vec<&str> = lowered.iter().map(|lowered| lowered.setting).collect();
    let http = ["http.message_bytes_max", "http.inputs.http-2.message_bytes_max"];
    assert_eq!(named, ["memory_bytes_max", http[0], http[1]], "it shares the memory");
}

#[test]
fn an_address_is_one_doors_also_of_one_kind() {
    let config = read(json!({
        "tcp": { "inputs": {
            "tcp-2": { "listen": "127.0.0.1:5000" },
            "tcp-3": { "listen": "127.0.0.1:5001" },
            "tcp-4": { "listen": "0.0.0.0:5001" },
        } },
        "unix": { "stream_path": "/run/lines", "inputs": { "unix-2": { "stream_path": "/run/lines" } } },
        "ingest_token": "0123456789abcdef",
    }));
    let said: Vec<String> = config.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "ingest_gateway.tcp.inputs.tcp-2.listen: 127.0.0.1:5000 is the address of ingest_gateway.tcp.listen too",
            "ingest_gateway.tcp.inputs.tcp-4.listen: 0.0.0.0:5001 is the address of \
             ingest_gateway.tcp.inputs.tcp-3.listen too",
            "ingest_gateway.unix.inputs.unix-2.stream_path: `/run/lines` is the socket of \
             ingest_gateway.unix.stream_path too",
        ]
    );
}

#[test]
fn it_is_there_only_where_it_is_asked_for_and_then_without_default_doors_too() {
    let mut config = read(json!({
        "default_doors": false,
        "beats": { "inputs": { "beats-2": { "listen": "127.0.0.1:5044" } } },
        "syslog": { "inputs": { "syslog-2": { "tcp_listen": "127.0.0.1:5515" } } },
    }));
    let open = |config: &Config| {
        let places = config.places().into_iter();
        let open = places.filter(|place| config.listen(*place) != Listen::Off);
        open.map(|place| place.name()).collect::<Vec<_>>()
    };
    assert_eq!(open(&config), ["beats-2", "syslog-2.tcp"], "its other sockets have no usual place");
    config.give_way();
    assert_eq!(open(&config), ["beats-2", "syslog-2.tcp"]);

    let mut config = read(json!({
        "require_token": true,
        "tcp": { "inputs": { "tcp-2": { "listen": "127.0.0.1:5044" } } },
        "syslog": { "inputs": { "syslog-2": { "udp_listen": "127.0.0.1:5515" } } },
    }));
    config.give_way();
    assert_eq!(config.beats.listen, Listen::Off, "nobody asked for the one that had its address");
    config.close_tokenless();
    let left = open(&config);
    assert!(left.contains(&"syslog-2.udp") && !left.contains(&"syslog-udp"), "{left:?}");
    assert!(config.needs_tokens_of_shops());
    let http = json!({ "sign_in": { "user": "a", "password_file": "/p" }, "listen": "off" });
    let config = read(json!({ "require_token": true, "http": { "inputs": { "http-2": http } } }));
    assert!(!config.needs_tokens_of_shops(), "a user and a password let in there");
}
