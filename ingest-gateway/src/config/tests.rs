//! A door is never open to strangers by accident, and a limit is never absurd.

use std::path::Path;

use access::IngestToken;
use bus::Codec;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::json;
use service::{ByteSize, Span};

use super::{ClientCertificates, Config, Listen, SocketMode, TlsConfig};
use crate::lines::Framing;

fn settings(config: &Config) -> Vec<String> {
    config.check().into_iter().map(|problem| problem.setting).collect()
}

#[test]
fn the_defaults_are_usable_and_stay_on_this_machine() {
    let config = Config::default();
    assert_eq!(config.check(), []);
    let mut open = Vec::new();
    for place in config.places() {
        let listen = config.listen(place);
        if let Some(address) = listen.address() {
            assert!(address.ip().is_loopback() && !listen.is_asked_for(), "{place}");
            open.push((place.setting(), address.port(), listen.gives_way()));
        }
    }
    let expected = [
        ("tcp.listen", 5000, false),
        ("udp.listen", 5000, false),
        ("http.listen", 8080, false),
        ("otlp.http_listen", 4318, true),
        ("otlp.grpc_listen", 4317, true),
        ("beats.listen", 5044, true),
        ("syslog.udp_listen", 5514, true),
        ("syslog.tcp_listen", 5514, true),
    ];
    assert_eq!(open, expected);
    let closed = config.closed();
    assert!(closed.connection_listens().iter().all(|(_, listen)| *listen == Listen::Off));
    assert_eq!((closed.udp.listen, closed.syslog.udp_listen), (Listen::Off, Listen::Off));
}

#[test]
fn an_address_that_somebody_has_written_is_asked_for_though_it_is_the_default() {
    let given =
        json!({ "beats": { "listen": "127.0.0.1:5044" }, "otlp": { "grpc_listen": "off" } });
    let config = Config::deserialize(given.into_deserializer()).unwrap();
    assert!(!config.beats.listen.gives_way() && config.otlp.http_listen.gives_way());
    assert_eq!(config.beats.listen.address(), Config::default().beats.listen.address());
    assert_eq!(config.otlp.grpc_listen, Listen::Off);
    let shown = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(shown["otlp"]["http_listen"], "127.0.0.1:4318", "as it would be written");
}

#[test]
fn without_default_doors_only_those_are_open_that_somebody_asked_for() {
    let given = json!({
        "default_doors": false, "http": { "listen": "127.0.0.1:4318" }, "beats": { "listen": "127.0.0.1:5044" },
    });
    let mut config = Config::deserialize(given.into_deserializer()).unwrap();
    // Where two usual doors would be.
    config.bulk.listen = "127.0.0.1:8080".parse().unwrap();
    assert_eq!(config.check(), []);
    let named = |config: &Config| {
        let all = config.places().into_iter();
        let all = all.filter(|place| config.listen(*place) != Listen::Off);
        all.map(|place| place.setting()).collect::<Vec<_>>()
    };
    let asked = ["http.listen", "bulk.listen", "beats.listen"];
    assert_eq!(named(&config), asked);
    config.give_way();
    assert_eq!(named(&config), asked);
    let usual = [config.tcp.listen, config.udp.listen, config.syslog.tcp_listen];
    assert_eq!(usual, [Listen::Off; 3]);
    config.default_doors = true;
    assert_eq!(named(&config), asked, "nothing is left that could be opened");
}

#[test]
fn a_door_that_nobody_asked_for_gives_way_to_another_one() {
    for taken in ["127.0.0.1:4318", "0.0.0.0:4318", "[::]:4318", "[::ffff:127.0.0.1]:4318"] {
        let mut config = Config { require_token: true, ..Config::default() };
        config.http.listen = taken.parse().unwrap();
        assert_eq!(config.check(), [], "nothing to refuse");
        config.give_way();
        assert_eq!(config.otlp.http_listen, Listen::Off, "{taken}");
        assert!(config.http.listen != Listen::Off && config.beats.listen.gives_way());
    }
    let mut config = Config::default();
    config.udp.listen = "127.0.0.1:5514".parse().unwrap();
    config.give_way();
    assert_eq!(config.syslog.udp_listen, Listen::Off);
    assert!(config.syslog.tcp_listen.gives_way(), "TCP has ports of its own");
    config.otlp.http_listen = "127.0.0.1:8080".parse().unwrap();
    config.give_way();
    assert_eq!(settings(&config), ["otlp.http_listen"], "both were asked for");
}

#[test]
fn who_wants_no_http_has_none_at_further_addresses_but_those_that_were_asked_for() {
    let mut config = Config::default();
    config.http.listen = Listen::Off;
    config.otlp.grpc_listen = "127.0.0.1:4317".parse().unwrap();
    config.give_way();
    assert_eq!(config.otlp.http_listen, Listen::Off);
    assert_eq!(config.otlp.grpc_listen.address().map(|address| address.port()), Some(4317));
}

#[test]
fn a_door_that_others_reach_needs_a_token() {
    let mut config = Config::default();
    config.tcp.listen = "0.0.0.0:5000".parse().unwrap();
    config.udp.listen = "192.0.2.1:5000".parse().unwrap();
    config.http.listen = "[::]:8080".parse().unwrap();
    assert_eq!(settings(&config), ["tcp.listen", "http.listen", "udp.listen"]);
    assert!(config.check()[0].to_string().contains("ingest_gateway.ingest_token"));
    assert!(config.check()[2].to_string().contains("allow_unauthenticated_udp = true"));

    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    assert_eq!(settings(&config), ["udp.listen"], "a token does not help UDP");
    config.allow_unauthenticated_udp = true;
    assert_eq!(settings(&config), Vec::<&str>::new());
}

#[test]
fn further_addresses_of_the_http_door_are_no_way_around_its_token() {
    let mut config = Config::default();
    config.otlp.http_listen = "0.0.0.0:4318".parse().unwrap();
    config.otlp.grpc_listen = "[::]:4317".parse().unwrap();
    config.bulk.listen = "0.0.0.0:9200".parse().unwrap();
    let all = ["otlp.http_listen", "otlp.grpc_listen", "bulk.listen"];
    assert_eq!(settings(&config), all);
    assert!(config.check()[2].to_string().contains("http.tls.client_certificates"));
    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    assert_eq!(config.check(), []);
    config.bulk.listen = config.otlp.grpc_listen;
    assert_eq!(settings(&config), ["bulk.listen"], "an address is one door's");
}

#[test]
fn mapped_loopback_is_loopback_and_a_closed_door_needs_nothing() {
    let mut config = Config::default();
    config.tcp.listen = "[::ffff:127.0.0.1]:5000".parse().unwrap();
    config.http.listen = Listen::Off;
    assert_eq!(config.check(), []);
}

#[test]
fn absurd_limits_are_named() {
    let mut config = Config {
        line_bytes_max: ByteSize(16 << 20),
        memory_bytes_max: ByteSize(64 << 20),
        ..Config::default()
    };
    config.tcp.connections_max = 0;
    config.http.header_bytes_max = ByteSize(100);
    assert_eq!(
        settings(&config),
        ["memory_bytes_max", "tcp.connections_max", "http.header_bytes_max"]
    );
}

#[test]
fn a_message_that_the_memory_cannot_hold_is_named() {
    let mut config = Config { memory_bytes_max: ByteSize(32 << 20), ..Config::default() };
    assert_eq!(settings(&config), ["http.message_bytes_max"], "8MiB need 64MiB");
    config.http.message_bytes_max = ByteSize(4 << 20);
    assert_eq!(config.check(), []);
    config.http.message_bytes_max = ByteSize((4 << 20) + 1);
    assert!(config.check()[0].to_string().contains("raise memory_bytes_max"));
}

#[test]
fn what_lets_nothing_in_is_named_with_its_table() {
    let mut config = Config::default();
    config.http.body_timeout = Span::from_secs(0);
    config.file.poll_interval = Span::from_secs(0);
    config.syslog.tls.reload_interval = Span::from_secs(0);
    config.syslog.connections_max = 0;
    config.unix.multiline.lines_max = 0;
    config.unix.idle_timeout = Span::from_secs(0);
    assert_eq!(
        settings(&config),
        [
            "http.body_timeout",
            "file.poll_interval",
            "syslog.tls.reload_interval",
            "syslog.connections_max",
            "unix.multiline.lines_max",
            "unix.idle_timeout",
        ]
    );
}

#[test]
fn an_address_that_two_doors_want_is_told_of_the_one_that_was_given() {
    let mut config = Config::default();
    config.tcp.listen = "127.0.0.1:8080".parse().unwrap();
    let problems: Vec<String> = config.check().iter().map(ToString::to_string).collect();
    let said = "ingest_gateway.tcp.listen: 127.0.0.1:8080 is the address of ingest_gateway.http.listen too";
    assert_eq!(problems, [said]);
    config.tcp.listen = "127.0.0.2:8080".parse().unwrap();
    assert_eq!(config.check(), [], "another address");
    config.tcp.listen = "0.0.0.0:8080".parse().unwrap();
    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    assert_eq!(settings(&config), ["tcp.listen"], "all addresses are that one too");
    config.http.listen = Listen::Off;
    config.udp.listen = "127.0.0.1:8080".parse().unwrap();
    assert_eq!(config.check(), [], "UDP has ports of its own");
    config.syslog.udp_listen = config.udp.listen;
    assert_eq!(settings(&config), ["syslog.udp_listen"]);
    let any: Listen = "127.0.0.1:0".parse().unwrap();
    (config.syslog.udp_listen, config.udp.listen) = (any, any);
    assert_eq!(config.check(), [], "any free port");
}

#[test]
fn a_socket_that_two_doors_want_is_refused() {
    let mut config = Config::default();
    config.syslog.socket_path = Some("/run/millrace/log".into());
    config.unix.stream_path = Some("/run/millrace/lines".into());
    assert_eq!(config.check(), []);
    config.unix.datagram_path = Some("/run/millrace/log".into());
    let problem = config.check().remove(0).to_string();
    let said = "ingest_gateway.unix.datagram_path: `/run/millrace/log` is the socket of ingest_gateway.syslog.socket_path too";
    assert_eq!(problem, said);
}

#[test]
fn certificates_of_senders_open_a_door_and_half_a_tls_opens_none() {
    let mut config = Config::default();
    config.tcp.listen = "0.0.0.0:5000".parse().unwrap();
    config.syslog.tls_listen = "0.0.0.0:6514".parse().unwrap();
    assert_eq!(settings(&config), ["tcp.listen", "syslog.tls_listen", "syslog.tls_listen"]);
    let known = TlsConfig {
        certificate_file: Some("/etc/door.crt".into()),
        key_file: Some("/etc/door.key".into()),
        client_ca_file: Some("/etc/ca.crt".into()),
        client_certificates: ClientCertificates::Required,
        ..TlsConfig::default()
    };
    (config.tcp.tls, config.syslog.tls) = (known.clone(), known.clone());
    assert_eq!(settings(&config), Vec::<&str>::new());

    config.tcp.tls =
        TlsConfig { client_certificates: ClientCertificates::Optional, ..known.clone() };
    assert_eq!(settings(&config), ["tcp.listen"], "who need not show one is not known");
    config.tcp.tls = TlsConfig { key_file: None, ..known.clone() };
    assert_eq!(settings(&config), ["tcp.tls.key_file"]);
    config.tcp.tls = TlsConfig { client_ca_file: None, ..known.clone() };
    assert_eq!(settings(&config), ["tcp.tls.client_ca_file"]);
    config.tcp.tls = TlsConfig { client_certificates: ClientCertificates::Off, ..known };
    assert_eq!(settings(&config), ["tcp.listen", "tcp.tls.client_certificates"]);
}

#[test]
fn syslog_that_others_reach_must_be_meant() {
    let mut config = Config::default();
    config.syslog.udp_listen = "0.0.0.0:514".parse().unwrap();
    config.syslog.tcp_listen = "0.0.0.0:514".parse().unwrap();
    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    assert_eq!(
        settings(&config),
        ["syslog.udp_listen", "syslog.tcp_listen"],
        "it can show no token"
    );
    config.syslog.allow_unauthenticated = true;
    assert_eq!(config.check(), []);
    config.syslog.timezone = "Europe/Nowhere".into();
    config.syslog.framing = Framing::Newline;
    config.syslog.socket_path = Some("dev/log".into());
    assert_eq!(settings(&config), ["syslog.timezone", "syslog.framing", "syslog.socket_path"]);
}

#[test]
fn patterns_that_cannot_be_read_are_named() {
    let mut config = Config::default();
    for (pattern, wrong) in
        [("^(", "unclosed"), ("^%{TIMESTAMP_ISO8601}", "grok"), ("\\d{9999999}", "")]
    {
        config.tcp.multiline.pattern = Some(pattern.into());
        let problem = config.check().remove(0).to_string();
        assert!(problem.contains("tcp.multiline.pattern") && problem.contains(wrong), "{problem}");
    }
    config.tcp.multiline.pattern = Some("^\\s".into());
    assert_eq!(config.check(), []);
}

#[test]
fn permissions_are_octal_and_framings_have_names() {
    let read = |mode: &str, framing: &str| {
        let given = json!({"unix": {"mode": mode}, "tcp": {"framing": framing}});
        Config::deserialize(given.into_deserializer())
    };
    let config = read("0620", "octet-counting").unwrap();
    assert_eq!((config.unix.mode, config.tcp.framing), (SocketMode(0o620), Framing::OctetCounting));
    assert!(serde_json::to_string(&config).unwrap().contains("\"0620\""));
    for mode in ["0888", "rw", "4755", ""] {
        assert!(read(mode, "newline").is_err(), "{mode}");
    }
    assert!(read("0600", "lines").is_err());
}

#[test]
fn a_delimiter_stands_in_place_of_a_line_feed() {
    let read =
        |tcp: serde_json::Value| Config::deserialize(json!({"tcp": tcp}).into_deserializer());
    let config = read(json!({"delimiter": "|"})).unwrap();
    assert_eq!(config.check(), []);
    assert!(serde_json::to_string(&config).unwrap().contains("\"delimiter\":\"|\""));
    let config = read(json!({"delimiter": "|", "framing": "nul"})).unwrap();
    assert_eq!(settings(&config), ["tcp.delimiter"]);
    assert!(read(json!({"delimiter": ""})).is_err());
    assert!(read(json!({"framing": "delimiter"})).is_err(), "it is named by its own setting");
}

#[test]
fn places_of_files_are_kept_where_no_working_folder_matters() {
    let mut config = Config::default();
    config.file.paths = vec!["/var/log/*.log".into()];
    for (file, wrong) in [
        ("positions.json", Some("is not absolute")),
        ("data/positions.json", Some("is not absolute")),
        ("/", Some("names no file")),
        ("/var/lib/millrace/positions", None),
    ] {
        config.file.position_file = Some(file.into());
        let problems: Vec<String> = config.check().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), usize::from(wrong.is_some()), "{file}: {problems:?}");
        let begin = "ingest_gateway.file.position_file: it ";
        for (problem, wrong) in problems.iter().zip(wrong) {
            assert!(problem.starts_with(begin) && problem.contains(wrong), "{problem}");
        }
    }
    config.file.position_file = None;
    config.file.keep_places_in(Path::new("data"));
    assert_eq!(config.check(), [], "the data folder may be relative");
    assert!(config.file.position_file.unwrap().ends_with("data/gateway/positions.json"));
}

#[test]
fn settings_are_read_and_a_token_is_never_written() {
    let given = json!({
        "tcp": { "listen": "off", "codec": "plain" },
        "http": { "body_bytes_max": "8MiB" },
        "ingest_token": "0123456789abcdef",
    });
    let config = Config::deserialize(given.into_deserializer()).unwrap();
    assert_eq!(config.tcp.listen, Listen::Off);
    assert_eq!(config.tcp.codec, Codec::Plain);
    assert_eq!(config.http.body_bytes_max, ByteSize(8 << 20));
    assert!(!serde_json::to_string(&config).unwrap().contains("0123456789"));
    assert!(!format!("{config:?}").contains("0123456789"));

    let unknown = json!({ "tcp": { "listn": "off" } });
    assert!(Config::deserialize(unknown.into_deserializer()).is_err());
    let wrong = json!({ "tcp": { "listen": "localhost" } });
    let error = Config::deserialize(wrong.into_deserializer()).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:5000"), "{error}");
}

#[test]
fn beats_can_show_no_token_so_strangers_must_be_let_in_by_name() {
    let token = IngestToken::new("0123456789abcdef").unwrap();
    let mut config = Config { ingest_token: Some(token), ..Config::default() };
    config.beats.listen = "0.0.0.0:5044".parse().unwrap();
    assert_eq!(settings(&config), ["beats.listen"]);
    assert!(config.check()[0].to_string().contains("allow_unauthenticated = true"));
    config.beats.allow_unauthenticated = true;
    assert_eq!(config.check(), []);
    config.beats.window_events_max = 0;
    config.beats.compressed_bytes_max = ByteSize(1);
    assert_eq!(settings(&config), ["beats.compressed_bytes_max", "beats.window_events_max"]);
}
