//! Who may send is said in full, or the door stays shut.

use access::IngestToken;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::json;

use crate::config::{ClientCertificates, Config, Listen, TlsConfig};

fn settings(config: &Config) -> Vec<String> {
    config.check().into_iter().map(|problem| problem.setting).collect()
}

/// A door that asks for certificates.
fn asks(client_certificates: ClientCertificates) -> TlsConfig {
    TlsConfig {
        certificate_file: Some("/etc/door.crt".into()),
        key_file: Some("/etc/door.key".into()),
        client_ca_file: Some("/etc/ca.crt".into()),
        client_certificates,
        ..TlsConfig::default()
    }
}

#[test]
fn tokens_of_shops_open_a_door_to_others_where_they_are_required() {
    let mut config = Config::default();
    config.tcp.listen = "0.0.0.0:5000".parse().unwrap();
    config.http.listen = "0.0.0.0:8080".parse().unwrap();
    let problems = config.check();
    assert_eq!(problems.len(), 2);
    for problem in problems {
        assert!(problem.message.contains("require_token = true"), "{problem}");
    }
    assert!(!config.needs_token());
    config.require_token = true;
    assert_eq!(config.check(), []);
    assert!(config.needs_token() && config.needs_tokens_of_shops());
    config.http.tls = asks(ClientCertificates::Optional);
    config.http.tls.shops.insert("north.example".into(), "north".parse().unwrap());
    assert!(!config.needs_tokens_of_shops(), "a certificate does too");
    let mut config = Config { require_token: true, ..Config::default() };
    config.http.sign_in.user = Some("shop".into());
    config.http.sign_in.password_file = Some("/etc/door.password".into());
    assert!(!config.needs_tokens_of_shops(), "a user and a password do too");
}

#[test]
fn beats_show_no_token_so_where_one_is_required_others_need_a_certificate() {
    let mut config = Config { require_token: true, ..Config::default() };
    config.beats.listen = "127.0.0.1:5044".parse().unwrap();
    assert_eq!(config.check(), [], "nobody else reaches it");
    config.beats.listen = "0.0.0.0:5044".parse().unwrap();
    for allow_unauthenticated in [false, true] {
        config.beats.allow_unauthenticated = allow_unauthenticated;
        let problem = config.check().remove(0);
        assert_eq!(problem.setting, "beats.listen");
        assert!(problem.message.contains("which ingest_gateway.require_token asks for"));
        assert!(!problem.message.contains("allow_unauthenticated"), "{problem}");
    }
    config.beats.tls = asks(ClientCertificates::Optional);
    assert_eq!(settings(&config), ["beats.listen"], "who need not show one does not");
    config.beats.tls = asks(ClientCertificates::Required);
    assert_eq!(config.check(), []);
}

#[test]
fn where_a_token_is_required_a_setting_of_their_own_still_opens_udp_and_syslog() {
    let mut config = Config { require_token: true, ..Config::default() };
    config.udp.listen = "0.0.0.0:5000".parse().unwrap();
    config.syslog.udp_listen = "0.0.0.0:514".parse().unwrap();
    config.syslog.tcp_listen = "0.0.0.0:514".parse().unwrap();
    assert_eq!(settings(&config), ["udp.listen", "syslog.udp_listen", "syslog.tcp_listen"]);
    (config.allow_unauthenticated_udp, config.syslog.allow_unauthenticated) = (true, true);
    assert_eq!(config.check(), [], "most of their senders have no other way");
    config.give_way();
    assert_eq!(config.close_tokenless().len(), 1, "Beats: the others were asked for");
}

#[test]
fn doors_that_nobody_asked_for_are_no_way_around_a_token() {
    let closed = |config: &Config| {
        let closed = config.clone().close_tokenless();
        closed.into_iter().map(|(place, _)| place.setting()).collect::<Vec<_>>()
    };
    let all = ["beats.listen", "syslog.udp_listen", "syslog.tcp_listen"];
    let mut config = Config::default();
    assert!(closed(&config).is_empty(), "nobody must show anything");
    config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    assert_eq!(closed(&config), all);
    config = Config { require_token: true, ..Config::default() };
    assert_eq!(closed(&config), all);
    config.beats.tls = asks(ClientCertificates::Optional);
    assert_eq!(closed(&config), all, "who need not show one does not");
    config.beats.tls = asks(ClientCertificates::Required);
    config.syslog.udp_listen = "127.0.0.1:5514".parse().unwrap();
    assert_eq!(closed(&config), ["syslog.tcp_listen"], "the others know senders, or were meant");
    config.close_tokenless();
    assert_eq!(config.syslog.tcp_listen, Listen::Off);
    assert!(config.otlp.http_listen.gives_way(), "a token is asked for there");
}

#[test]
fn shops_are_known_by_certificates_only_where_these_are_asked_for() {
    let mut config = Config::default();
    config.syslog.tls.shops.insert("north.example".into(), "north".parse().unwrap());
    assert_eq!(settings(&config), ["syslog.tls.shops"]);
    config.syslog.tls =
        TlsConfig { shops: config.syslog.tls.shops, ..asks(ClientCertificates::Optional) };
    assert_eq!(config.check(), []);
    config.syslog.tls.shops.insert(String::new(), "north".parse().unwrap());
    assert_eq!(settings(&config), ["syslog.tls.shops"]);
}

#[test]
fn shops_of_doors_and_certificates_are_read_and_their_names_checked() {
    let read = |given: serde_json::Value| Config::deserialize(given.into_deserializer());
    let config = read(json!({
        "tokens_refresh_interval": "500ms",
        "udp": { "shop": "north" },
        "http": { "tls": { "shops": { "shipper.south.example": "south" } } },
    }));
    let config = config.unwrap();
    assert_eq!(config.udp.shop.unwrap().as_str(), "north");
    assert_eq!(config.http.tls.shops["shipper.south.example"].as_str(), "south");
    for shop in ["North", "../north", ""] {
        for given in [
            json!({ "udp": { "shop": shop } }),
            json!({ "tcp": { "tls": { "shops": { "a": shop } } } }),
        ] {
            let refused = read(given).unwrap_err().to_string();
            assert!(refused.contains("a shop's name has"), "{refused}");
        }
    }
}
