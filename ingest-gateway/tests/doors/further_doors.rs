//! Several doors of a kind, side by side: each with settings, caps, certificates and a ledger of its own, and one memory.

use access::IngestToken;
use bus::{Codec, Record};
use ingest_gateway::{
    BeatsConfig, Config, Delimiter, HttpConfig, Listen, SyslogConfig, TcpConfig, UdpConfig,
    UnixConfig,
};
use reqwest::StatusCode;
use service::{ByteSize, http_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixStream};

use crate::support::certificate::Certificate;
use crate::support::lumberjack::{Sender, event, window};
use crate::support::{Gateway, Mode, SOON, any_port, eventually, send_tcp};

const MESSAGE: &str = "<134>1 2026-11-23T02:29:04.123Z web-01 checkout 2231 ORDER - order placed";

/// A further door for lines over TCP, on a free port.
fn add_tcp(config: &mut Config, name: &str, door: TcpConfig) {
    let listen = any_port();
    config.tcp.inputs.insert(name.to_owned(), TcpConfig { listen, ..door });
}

/// Listener, payload and codec of a record.
fn told(record: &Record) -> (&str, &[u8], Codec) {
    (&*record.listener, &*record.payload, record.codec)
}

/// Posts a body from a page of this origin, or from a program; the code and the answer.
async fn post(url: String, origin: Option<&str>, body: String) -> (StatusCode, String) {
    let client = http_client::builder().build().unwrap();
    let mut request = client.post(url).body(body);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn lines_are_told_apart_by_the_door_that_they_come_to() {
    let gateway = Gateway::start(|config| {
        config.tcp.shop = Some("north".parse().unwrap());
        let delimiter = Some("|".parse::<Delimiter>().unwrap());
        let plain = TcpConfig { codec: Codec::Plain, delimiter, ..TcpConfig::default() };
        add_tcp(config, "tcp-2", plain);
        let udp = UdpConfig { listen: any_port(), codec: Codec::Plain, ..UdpConfig::default() };
        config.udp.inputs.insert("udp-nginx".to_owned(), udp);
    })
    .await;
    send_tcp(gateway.tcp, b"{\"n\":1}\n").await;
    send_tcp(gateway.at("tcp-2"), b"one\ntwo|three").await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"four", gateway.at("udp-nginx")).await.unwrap();
    eventually("it arrives", || gateway.door("udp-nginx").accepted == 1).await;
    let records = gateway.bus.records();
    let expected: [(&str, &[u8], Codec); 4] = [
        ("tcp", b"{\"n\":1}", Codec::Json),
        ("tcp-2", b"one\ntwo", Codec::Plain),
        ("tcp-2", b"three", Codec::Plain),
        ("udp-nginx", b"four", Codec::Plain),
    ];
    assert_eq!(records.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!((&*records[0].shop, &*records[1].shop), ("north", "default"), "each its own");
    let accepted = ["tcp", "tcp-2", "udp-nginx"].map(|door| gateway.door(door).accepted);
    assert_eq!(accepted, [1, 2, 1]);
    let metrics = gateway.context.metrics.text();
    for part in [
        "millrace_gateway_door_open{door=\"tcp-2\"} 1\n",
        "millrace_gateway_door_open{door=\"udp\"} 1\n",
        "millrace_gateway_received_bytes_total{door=\"tcp-2\"} 13\n",
        "millrace_gateway_udp_dropped_datagrams_total{door=\"udp\"} 0\n",
        "millrace_gateway_udp_dropped_datagrams_total{door=\"udp-nginx\"} 0\n",
    ] {
        assert!(metrics.contains(part), "{part}{metrics}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn doors_that_answer_answer_each_by_its_own_settings() {
    let gateway = Gateway::start(|config| {
        let http = HttpConfig {
            listen: any_port(),
            any_path: true,
            body_bytes_max: ByteSize(1 << 10),
            cors_origins: vec!["https://shop.example".to_owned()],
            ..HttpConfig::default()
        };
        config.http.inputs.insert("http-hooks".to_owned(), http);
        let beats = BeatsConfig { listen: any_port(), ..BeatsConfig::default() };
        config.beats.inputs.insert("beats-2".to_owned(), beats);
    })
    .await;
    let (first, hooks) = (gateway.http, gateway.at("http-hooks"));
    let hook = |address| format!("http://{address}/hooks/7");
    let lines = || "{\"n\":1}".to_owned();
    assert_eq!(post(hook(first), None, lines()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(hook(hooks), None, lines()).await.0, StatusCode::OK);
    let (status, said) = post(hook(hooks), None, "x".repeat(2_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(said.contains("ingest_gateway.http.inputs.http-hooks.body_bytes_max"), "{said}");
    let stranger = Some("https://other.example");
    let (status, said) = post(hook(hooks), stranger, lines()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(said.contains("ingest_gateway.http.inputs.http-hooks.cors_origins"), "{said}");
    let url = format!("http://{first}/v1/logs");
    assert_eq!(post(url, stranger, lines()).await.0, StatusCode::OK, "the first names no pages");

    let mut sender = Sender::connect(gateway.at("beats-2")).await;
    sender.send(&[window(1), event(7, "{\"b\":1}")].concat()).await;
    assert_eq!(sender.next_ack().await, (b'2', 7));
    let listeners: Vec<_> =
        gateway.bus.records().iter().map(|record| record.listener.to_string()).collect();
    assert_eq!(listeners, ["http-hooks", "http", "beats-2"]);
    assert_eq!(gateway.limit_hits("http-hooks", "body_bytes"), 1.0);
    assert_eq!(gateway.limit_hits("http", "body_bytes"), 0.0);
    let refused = "millrace_gateway_refused_requests_total{code=\"413\",door=\"http-hooks\"}";
    assert_eq!(gateway.metric(refused), 1.0);
    gateway.stop().await;
}

#[tokio::test]
async fn syslog_and_unix_sockets_have_further_doors_too() {
    let folder = tempfile::tempdir().unwrap();
    let (log, lines) = (folder.path().join("log"), folder.path().join("lines"));
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        let syslog = SyslogConfig {
            udp_listen: any_port(),
            tcp_listen: any_port(),
            socket_path: Some(log.clone()),
            timezone: "+02:00".to_owned(),
            ..SyslogConfig::default()
        };
        config.syslog.inputs.insert("syslog-2".to_owned(), syslog);
        let unix = UnixConfig { stream_path: Some(lines.clone()), ..UnixConfig::default() };
        config.unix.inputs.insert("unix-2".to_owned(), unix);
    })
    .await;
    let local = "<13>Oct 11 2026 22:14:15 h su: failed\n";
    send_tcp(gateway.syslog.tcp.unwrap(), local.as_bytes()).await;
    send_tcp(gateway.at("syslog-2.tcp"), local.as_bytes()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(MESSAGE.as_bytes(), gateway.at("syslog-2.udp")).await.unwrap();
    eventually("it arrives", || gateway.door("syslog-2").accepted == 2).await;
    let events = gateway.bus.events();
    assert_eq!(events[0]["@timestamp"], "2026-10-11T22:14:15.000Z");
    assert_eq!(events[1]["@timestamp"], "2026-10-11T20:14:15.000Z", "a zone of its own");
    let records = gateway.bus.records();
    let listeners: Vec<&str> = records.iter().map(|record| &*record.listener).collect();
    assert_eq!(listeners, ["syslog", "syslog-2", "syslog-2"]);

    let mut stream = UnixStream::connect(&lines).await.unwrap();
    stream.write_all(b"{\"n\":1}").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let record = gateway.bus.records().remove(3);
    let source = format!("unix:{}", rustix::process::getuid().as_raw());
    assert_eq!((&*record.listener, &*record.source), ("unix-2", &*source));
    assert!(log.exists());
    gateway.stop().await;
    assert!(!log.exists() && !lines.exists(), "their sockets are removed");
}

#[tokio::test]
async fn a_further_door_asks_for_the_token_and_speaks_its_own_tls() {
    let certificate = Certificate::new();
    let gateway = Gateway::start(|config| {
        config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
        let tls = certificate.door();
        add_tcp(config, "tcp-tls", TcpConfig { tls, ..TcpConfig::default() });
    })
    .await;
    let mut stream = certificate.connect(gateway.at("tcp-tls"), &[]).await;
    stream.write_all(b"0123456789abcdef\n{\"n\":1}\n").await.unwrap();
    stream.shutdown().await.unwrap();
    tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    assert_eq!(gateway.bus.texts(), ["{\"n\":1}"]);
    let mut stranger = certificate.connect(gateway.at("tcp-tls"), &[]).await;
    stranger.write_all(b"{\"n\":2}\n").await.unwrap();
    let mut said = String::new();
    tokio::time::timeout(SOON, stranger.read_to_string(&mut said)).await.unwrap().unwrap();
    assert!(said.contains("the ingest token"), "{said}");
    let plain = send_tcp(gateway.tcp, b"0123456789abcdef\n{\"n\":3}\n").await;
    assert_eq!((plain.len(), gateway.bus.texts().len()), (0, 2), "the first one has none");
    assert_eq!(gateway.metric("millrace_gateway_unauthorized_total{door=\"tcp-tls\"}"), 1.0);
    let expires = "millrace_gateway_tls_certificate_expires_in_seconds{door=\"tcp-tls\"}";
    assert!(gateway.metric(expires) > 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn each_door_shows_its_own_certificate() {
    let (first, second) = (Certificate::new(), Certificate::new());
    let gateway = Gateway::start(|config| {
        config.tcp.tls = first.door();
        add_tcp(config, "tcp-2", TcpConfig { tls: second.door(), ..TcpConfig::default() });
    })
    .await;
    let doors =
        [(&first, gateway.tcp, b"{\"n\":1}\n"), (&second, gateway.at("tcp-2"), b"{\"n\":2}\n")];
    for (certificate, door, line) in doors {
        // It takes this certificate and no other one.
        let mut stream = certificate.connect(door, &[]).await;
        stream.write_all(line).await.unwrap();
        stream.shutdown().await.unwrap();
        tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    }
    let records = gateway.bus.records();
    let listeners: Vec<&str> = records.iter().map(|record| &*record.listener).collect();
    assert_eq!(listeners, ["tcp", "tcp-2"]);
    gateway.stop().await;
}

#[tokio::test]
async fn each_door_has_its_own_places_and_an_address_has_its_cap_over_all() {
    let gateway = Gateway::start(|config| {
        config.tcp.connections_max = 1;
        config.connections_per_address_max = 2;
        add_tcp(config, "tcp-2", TcpConfig::default());
    })
    .await;
    let _first = TcpStream::connect(gateway.tcp).await.unwrap();
    let mut second = TcpStream::connect(gateway.at("tcp-2")).await.unwrap();
    second.write_all(b"{\"n\":1}\n").await.unwrap();
    eventually("a full door fills no other one", || gateway.bus.texts().len() == 1).await;
    let open = |door: &str| {
        let metric = format!("millrace_gateway_connections{{door=\"{door}\"}}");
        gateway.metric(&metric)
    };
    eventually("both are in", || open("tcp") == 1.0 && open("tcp-2") == 1.0).await;
    let mut third = TcpStream::connect(gateway.at("tcp-2")).await.unwrap();
    let sent_away = tokio::time::timeout(SOON, third.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(sent_away, Ok(0) | Err(_)), "{sent_away:?}");
    assert_eq!(gateway.limit_hits("tcp-2", "connections_per_address"), 1.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_makes_durable_what_a_further_door_has_read() {
    let gateway = Gateway::start(|config| {
        add_tcp(config, "tcp-2", TcpConfig::default());
        let off = TcpConfig { listen: Listen::Off, ..TcpConfig::default() };
        config.tcp.inputs.insert("tcp-off".to_owned(), off);
    })
    .await;
    gateway.bus.set_mode(Mode::Hangs);
    let mut stream = TcpStream::connect(gateway.at("tcp-2")).await.unwrap();
    stream.write_all(b"{\"n\":1}\n{\"n\":2}\n").await.unwrap();
    let received = "millrace_gateway_received_bytes_total{door=\"tcp-2\"}";
    eventually("it is read", || gateway.metric(received) == 16.0).await;
    assert!(!gateway.context.metrics.text().contains("tcp-off"), "it is closed by its setting");
    gateway.bus.set_mode(Mode::Works);
    let bus = gateway.stop().await;
    assert_eq!(bus.texts(), ["{\"n\":1}", "{\"n\":2}"]);
}
