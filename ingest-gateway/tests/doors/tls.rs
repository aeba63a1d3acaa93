//! TLS on the doors: who comes in, with which certificates, and what a change of them does.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ingest_gateway::{ClientCertificates, TlsConfig, TlsVersion, bind};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use service::Span;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::lumberjack::{event, window};
use crate::support::{Gateway, SOON, any_port, config, eventually};

const NAME: &str = "gateway.example";

/// Somebody who signs certificates, and a folder for them.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    folder: TempDir,
}

/// A certificate with its key, as PEM.
pub(crate) struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, folder: tempfile::tempdir().unwrap() }
    }

    fn sign(&self, end_year: i32) -> Pair {
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.not_after = date_time_ymd(end_year, 1, 1);
        self.sign_params(&params)
    }

    /// Signs the certificate of a sender with these names: its own, and those of DNS.
    pub(crate) fn sign_sender(&self, common_name: &str, names: &[&str]) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        self.sign_params(&params)
    }

    fn sign_params(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a pair where a door finds it.
    fn install(&self, pair: &Pair) -> TlsConfig {
        TlsConfig {
            certificate_file: Some(self.write("door.crt", &pair.certificate)),
            key_file: Some(self.write("door.key", &pair.key)),
            reload_interval: Span::from_millis(20),
            ..TlsConfig::default()
        }
    }

    pub(crate) fn door(&self) -> TlsConfig {
        self.install(&self.sign(2090))
    }
}

pub(crate) fn client(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    own: Option<&Pair>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let Some(own) = own else { return builder.with_no_client_auth() };
    let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    builder.with_client_auth_cert(chain, key).unwrap()
}

pub(crate) async fn connect(
    address: SocketAddr,
    client: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(NAME).unwrap(), stream).await
}

/// Sends everything, ends, and waits for the door's own end; an error is what a client would see.
pub(crate) async fn send(
    address: SocketAddr,
    client: ClientConfig,
    bytes: &[u8],
) -> std::io::Result<()> {
    let mut stream = connect(address, client).await?;
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap()?;
    assert!(rest.is_empty());
    Ok(())
}

#[tokio::test]
async fn beats_are_taken_and_acknowledged_from_those_who_show_a_certificate() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.beats.tls = TlsConfig {
            client_ca_file: Some(authority.write("ca.crt", &authority.pem)),
            client_certificates: ClientCertificates::Required,
            ..authority.door()
        };
    })
    .await;
    let own = authority.sign(2090);
    let mut sender =
        connect(gateway.beats, client(&authority, &[&TLS13], Some(&own))).await.unwrap();
    sender.write_all(&[window(1), event(9, "{\"a\":1}")].concat()).await.unwrap();
    let mut ack = [0; 6];
    tokio::time::timeout(SOON, sender.read_exact(&mut ack)).await.unwrap().unwrap();
    assert_eq!(&ack, b"2A\0\0\0\x09");
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}"]);
    let stranger = send(gateway.beats, client(&authority, &[&TLS13], None), &window(1)).await;
    assert!(stranger.is_err(), "who shows none is not taken");
    gateway.stop().await;
}

#[tokio::test]
async fn lines_come_over_both_versions_and_the_end_means_durable() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| config.tcp.tls = authority.door()).await;
    for version in [&TLS12, &TLS13] {
        send(gateway.tcp, client(&authority, &[version], None), b"one\ntwo").await.unwrap();
    }
    assert_eq!(gateway.bus.texts(), ["one", "two", "one", "two"]);
    let lines: Vec<String> = (0..20_000).map(|n| format!("{n} {}", "x".repeat(n % 700))).collect();
    send(gateway.tcp, client(&authority, &[&TLS13], None), lines.join("\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(gateway.bus.texts()[4..], lines, "all of them, once, in order");
    gateway.stop().await;
}

/// How many tickets the door has given out when it ends, to a sender that sends this and ends first.
async fn tickets(address: SocketAddr, client: ClientConfig, bytes: &[u8]) -> u32 {
    let mut stream = connect(address, client).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    stream.get_ref().1.tls13_tickets_received()
}

#[tokio::test]
async fn who_only_sends_is_told_nothing_so_that_its_end_resets_no_connection() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.tcp.tls = authority.door();
        config.syslog.tls_listen = any_port();
        config.syslog.tls = authority.door();
    })
    .await;
    let tls = || client(&authority, &[&TLS13], None);
    assert_eq!(tickets(gateway.tcp, tls(), b"one\n").await, 0);
    let syslog = gateway.syslog.tls.unwrap();
    assert_eq!(tickets(syslog, tls(), b"<13>Oct 11 22:14:15 h su: failed\n").await, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn an_end_that_comes_together_with_the_last_line_is_seen_while_the_socket_stays_open() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| config.tcp.tls = authority.door()).await;
    for version in [&TLS12, &TLS13] {
        let mut stream = connect(gateway.tcp, client(&authority, &[version], None)).await.unwrap();
        let session = stream.get_mut().1;
        std::io::Write::write_all(&mut session.writer(), b"one\n").unwrap();
        session.send_close_notify();
        stream.flush().await.unwrap();
        let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
        ended.expect("the door ends its side").unwrap();
    }
    assert_eq!(gateway.bus.texts(), ["one", "one"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_old_version_and_a_sender_without_tls_stay_outside() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.tcp.tls = TlsConfig { version_min: TlsVersion::Tls13, ..authority.door() };
    })
    .await;
    send(gateway.tcp, client(&authority, &[&TLS12], None), b"one\n").await.unwrap_err();
    let mut plain = TcpStream::connect(gateway.tcp).await.unwrap();
    plain.write_all(b"a line without TLS\n").await.unwrap();
    drop(plain.read_to_end(&mut Vec::new()).await);
    let failures = "millrace_gateway_tls_handshake_failures_total{door=\"tcp\"}";
    eventually("both are counted", || gateway.metric(failures) == 2.0).await;
    assert!(gateway.bus.texts().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_23_a_handshake_that_never_ends_is_ended() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        let handshake_timeout = Span::from_millis(100);
        config.tcp.tls = TlsConfig { handshake_timeout, ..authority.door() };
    })
    .await;
    let mut silent = TcpStream::connect(gateway.tcp).await.unwrap();
    tokio::time::timeout(SOON, silent.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    assert_eq!(gateway.limit_hits("tcp", "tls_handshake_timeout"), 1.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_certificate_is_asked_for_where_it_is_required_and_taken_where_it_may_be_shown() {
    let (authority, strangers) = (Authority::new(), Authority::new());
    let (known, stranger) = (authority.sign(2090), strangers.sign(2090));
    for (asks, without) in
        [(ClientCertificates::Required, false), (ClientCertificates::Optional, true)]
    {
        let gateway = Gateway::start(|config| {
            config.tcp.tls = TlsConfig {
                client_certificates: asks,
                client_ca_file: Some(authority.write("ca.crt", &authority.pem)),
                ..authority.door()
            };
        })
        .await;
        for (own, comes_in) in [(None, without), (Some(&known), true), (Some(&stranger), false)] {
            let sent = send(gateway.tcp, client(&authority, &[&TLS13], own), b"one\n").await;
            assert_eq!(sent.is_ok(), comes_in, "{asks:?}: {sent:?}");
        }
        assert_eq!(gateway.bus.texts().len(), 1 + usize::from(without));
        gateway.stop().await;
    }
}

/// The certificate that the door shows.
async fn shown(address: SocketAddr, authority: &Authority) -> Vec<u8> {
    let stream = connect(address, client(authority, &[&TLS13], None)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(pair: &Pair) -> Vec<u8> {
    CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap().to_vec()
}

#[tokio::test]
async fn a_new_certificate_counts_without_a_restart_and_a_bad_one_changes_nothing() {
    let authority = Authority::new();
    let (first, second) = (authority.sign(2090), authority.sign(2091));
    let gateway = Gateway::start(|config| config.tcp.tls = authority.install(&first)).await;
    assert_eq!(shown(gateway.tcp, &authority).await, der(&first));
    let expires = "millrace_gateway_tls_certificate_expires_in_seconds{door=\"tcp\"}";
    let left_s = gateway.metric(expires);
    assert!(left_s > 0.0);
    let mut open = connect(gateway.tcp, client(&authority, &[&TLS13], None)).await.unwrap();

    let reloads = |result: &str| {
        format!("millrace_gateway_tls_reloads_total{{door=\"tcp\",result=\"{result}\"}}")
    };
    // The certificate is there, and its key not yet.
    authority.write("door.crt", &second.certificate);
    eventually("it is refused", || gateway.metric(&reloads("refused")) >= 1.0).await;
    assert_eq!(shown(gateway.tcp, &authority).await, der(&first), "the old one goes on");
    authority.write("door.key", &second.key);
    eventually("it is taken", || gateway.metric(&reloads("taken")) == 1.0).await;
    assert_eq!(shown(gateway.tcp, &authority).await, der(&second));
    assert!(gateway.metric(expires) > left_s + 300.0 * 86_400.0);

    authority.install(&authority.sign(2001));
    eventually("an expired one is refused", || gateway.metric(&reloads("refused")) >= 2.0).await;
    assert_eq!(shown(gateway.tcp, &authority).await, der(&second));
    open.write_all(b"the connection stayed\n").await.unwrap();
    eventually("its line arrives", || gateway.door("tcp").accepted == 1).await;
    gateway.stop().await;
}

#[tokio::test]
async fn syslog_and_http_speak_tls_too() {
    let authority = Authority::new();
    let gateway = Gateway::start(|config| {
        config.syslog.tls_listen = any_port();
        config.syslog.tls = authority.door();
        config.http.tls = authority.door();
    })
    .await;
    let message = "<13>Oct 11 22:14:15 h su: failed";
    let stream = format!("{} {message}", message.len());
    let tls = || client(&authority, &[&TLS12, &TLS13], None);
    send(gateway.syslog.tls.unwrap(), tls(), stream.as_bytes()).await.unwrap();
    assert_eq!(gateway.bus.events()[0]["event"]["original"], message);

    let mut http = connect(gateway.http, tls()).await.unwrap();
    let request = "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 8\r\n\r\n{\"a\":1}\n";
    http.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, http.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(gateway.bus.texts()[1], "{\"a\":1}");
    let mut h2 = tls();
    h2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let h2 = connect(gateway.http, h2).await.unwrap();
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    gateway.stop().await;
}

#[test]
fn security_that_would_not_hold_opens_no_door() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut config = config();
    config.tcp.tls = authority.install(&authority.sign(2001));
    config.http.tls = TlsConfig { key_file: Some("/nowhere/door.key".into()), ..other.door() };
    let text = bind(config).unwrap_err().to_string();
    assert!(text.contains("ingest_gateway.tcp.tls.certificate_file: "), "{text}");
    assert!(text.contains("has expired"), "{text}");
    assert!(text.contains("ingest_gateway.http.tls.key_file: /nowhere/door.key: "), "{text}");
}
