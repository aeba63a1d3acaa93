//! Whose events are, by the certificates of their senders.

use std::collections::BTreeMap;

use ingest_gateway::{ClientCertificates, TlsConfig};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::lumberjack::{event, window};
use crate::support::shops::{Shops, refused_senders, shop, shops_of};
use crate::support::{Gateway, SOON, any_port, eventually};
use crate::tls::{Authority, Pair, client, connect, send};

/// A door that knows shops by names in certificates.
fn door(authority: &Authority, client_certificates: ClientCertificates) -> TlsConfig {
    let names = [("north", "north"), ("shipper.south.example", "south")];
    TlsConfig {
        client_ca_file: Some(authority.write("ca.crt", &authority.pem)),
        client_certificates,
        shops: BTreeMap::from(names.map(|(name, of)| (name.to_owned(), shop(of)))),
        ..authority.door()
    }
}

/// Posts an event over TLS; the answer.
async fn post(
    gateway: &Gateway,
    authority: &Authority,
    own: Option<&Pair>,
    headers: &str,
) -> String {
    let client = client(authority, &[&TLS13], own);
    let mut stream = connect(gateway.http, client).await.unwrap();
    let request = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn lines_are_the_shops_whose_name_is_in_the_certificate() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.tcp.tls = door(&authority, ClientCertificates::Required);
        config.syslog.tls_listen = any_port();
        config.syslog.tls = door(&authority, ClientCertificates::Required);
    })
    .await;
    let north = authority.sign_sender("north", &[]);
    let south = authority.sign_sender("host 7", &["a.example", "shipper.south.example"]);
    for own in [&north, &south] {
        let client = || client(&authority, &[&TLS13], Some(own));
        send(gateway.tcp, client(), b"{}\n").await.unwrap();
        send(gateway.syslog.tls.unwrap(), client(), b"<13>hello\n").await.unwrap();
    }
    assert_eq!(shops_of(&gateway), ["north", "north", "south", "south"]);

    let unknown = authority.sign_sender("west", &["a.example"]);
    let both = authority.sign_sender("north", &["shipper.south.example"]);
    for (own, reason) in [(&unknown, "unmapped_certificate"), (&both, "ambiguous_certificate")] {
        let sent = send(gateway.tcp, client(&authority, &[&TLS13], Some(own)), b"{}\n").await;
        assert!(sent.is_err(), "{reason}");
        eventually("it is counted", || refused_senders(&gateway, "tcp", reason) == 1.0).await;
    }
    assert_eq!(gateway.bus.records().len(), 4);
    gateway.stop().await;
}

#[tokio::test]
async fn a_certificate_counts_as_a_token_and_must_not_belie_one() {
    let (authority, shops) = (Authority::new(), Shops::none().await);
    let (north, south) = (shops.give("north").await.text, shops.give("south").await.text);
    let gateway = shops
        .gateway(|config| {
            config.require_token = true;
            config.http.tls = door(&authority, ClientCertificates::Optional);
            config.tcp.tls = door(&authority, ClientCertificates::Optional);
        })
        .await;
    let own = authority.sign_sender("north", &[]);
    let shown = |token: &str| format!("authorization: Bearer {token}\r\n");
    for (own, headers, status) in [
        (None, String::new(), "401"),
        (None, shown(&south), "200"),
        (Some(&own), String::new(), "200"),
        (Some(&own), shown(&north), "200"),
        (Some(&own), shown(&south), "401"),
    ] {
        let answer = post(&gateway, &authority, own, &headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
    }
    assert_eq!(shops_of(&gateway), ["south", "north", "north"]);
    assert_eq!(refused_senders(&gateway, "http", "other_shop"), 1.0);

    let client = || client(&authority, &[&TLS13], Some(&own));
    send(gateway.tcp, client(), b"one\n").await.unwrap();
    send(gateway.tcp, client(), format!("{north}\ntwo\n").as_bytes()).await.unwrap();
    let mut other = connect(gateway.tcp, client()).await.unwrap();
    other.write_all(format!("{south}\nthree\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, other.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, "the ingest token is of another shop than the certificate\n");
    assert_eq!(gateway.bus.texts()[3..], ["one", "two"]);
    assert_eq!(shops_of(&gateway)[3..], ["north", "north"]);
    gateway.stop().await;
}

#[tokio::test]
async fn beats_are_the_shops_whose_certificate_they_show_and_else_the_doors() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.beats.tls = door(&authority, ClientCertificates::Optional);
        config.beats.shop = Some(shop("east"));
    })
    .await;
    let own = authority.sign_sender("north", &[]);
    for own in [Some(&own), None] {
        let client = client(&authority, &[&TLS13], own);
        let mut sender = connect(gateway.beats, client).await.unwrap();
        sender.write_all(&[window(1), event(9, "{\"a\":1}")].concat()).await.unwrap();
        let mut ack = [0; 6];
        tokio::time::timeout(SOON, sender.read_exact(&mut ack)).await.unwrap().unwrap();
        assert_eq!(&ack, b"2A\0\0\0\x09");
    }
    assert_eq!(shops_of(&gateway), ["north", "east"]);
    gateway.stop().await;
}
