//! Syslog over every transport.

use bus::Codec;
use service::ByteSize;
use tokio::net::{UdpSocket, UnixDatagram};

use crate::support::{Gateway, any_port, eventually, send_tcp};

const MESSAGE: &str = "<134>1 2026-11-23T02:29:04.123Z web-01 checkout 2231 ORDER - order placed";

#[tokio::test]
async fn messages_of_a_connection_become_records_however_they_are_framed() {
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let address = gateway.syslog.tcp.unwrap();
    let counted = format!("{} {MESSAGE}{} {MESSAGE}", MESSAGE.len(), MESSAGE.len());
    send_tcp(address, counted.as_bytes()).await;
    send_tcp(
        address,
        format!("{MESSAGE}\n\n{MESSAGE}\r\n<13>Oct 11 22:14:15 h su: failed").as_bytes(),
    )
    .await;
    let events = gateway.bus.events();
    assert_eq!(events.len(), 5);
    for event in &events[..4] {
        assert_eq!(event["@timestamp"], "2026-11-23T02:29:04.123Z");
        assert_eq!(event["message"], "order placed");
        assert_eq!(event["host"]["name"], "web-01");
        assert_eq!(event["process"]["pid"], 2231);
        assert_eq!(event["event"]["original"], MESSAGE, "the message as it came stays");
    }
    assert_eq!(events[4]["process"]["name"], "su");
    let record = &gateway.bus.records()[0];
    assert_eq!((&*record.listener, record.codec), ("syslog", Codec::Json));
    assert_eq!(&*record.source, "127.0.0.1");
    assert_eq!(gateway.door("syslog").accepted, 5);
    gateway.stop().await;
}

#[tokio::test]
async fn a_flood_of_tiny_messages_is_taken_whole_and_in_order() {
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
    })
    .await;
    let messages: String = (0..20_000).map(|n| format!("<13>{n}\n")).collect();
    send_tcp(gateway.syslog.tcp.unwrap(), messages.as_bytes()).await;
    let events = gateway.bus.events();
    assert_eq!(events.len(), 20_000);
    let numbers: Vec<_> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..events.len()).map(|n| n.to_string()).collect();
    assert_eq!(numbers, expected);
    let held = "millrace_gateway_reading_held_bytes";
    eventually("its memory is given back", || gateway.metric(held) == 0.0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_kept() {
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>caf\xe9\n").await;
    let event = &gateway.bus.events()[0]["event"];
    assert_eq!(event["original"], "<13>caf\u{fffd}");
    assert_eq!(event["original_base64"], "PDEzPmNhZuk=");
    gateway.stop().await;
}

#[tokio::test]
async fn a_datagram_is_one_message_whatever_it_holds() {
    let gateway = Gateway::start(|config| config.syslog.udp_listen = any_port()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = gateway.syslog.udp.unwrap();
    for datagram in ["<13>Oct 11 22:14:15 h app: one\ntwo\n", "", "\n", MESSAGE, "no syslog at all"]
    {
        socket.send_to(datagram.as_bytes(), address).await.unwrap();
    }
    eventually("they arrive", || gateway.door("syslog").accepted == 3).await;
    let events = gateway.bus.events();
    assert_eq!(events[0]["message"], "one\ntwo");
    assert_eq!(events[1]["message"], "order placed");
    assert_eq!(events[2]["message"], "no syslog at all");
    let dropped = "millrace_gateway_syslog_dropped_datagrams_total{door=\"syslog\"}";
    assert_eq!(gateway.metric(dropped), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_socket_takes_the_place_of_dev_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let gateway = Gateway::start(|config| config.syslog.socket_path = Some(path.clone())).await;
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"<13>Oct 11 22:14:15 logger: hello", &path).await.unwrap();
    eventually("it arrives", || gateway.door("syslog").accepted == 1).await;
    let event = &gateway.bus.events()[0];
    assert_eq!((&event["process"]["name"], &event["message"]), (&"logger".into(), &"hello".into()));
    gateway.stop().await;
    assert!(!path.exists(), "the socket's file is removed");
}

#[tokio::test]
async fn the_zone_of_times_without_one_is_a_setting() {
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        config.syslog.timezone = "+02:00".into();
    })
    .await;
    let time = "<13>Oct 11 2026 22:14:15 h su: failed\n";
    send_tcp(gateway.syslog.tcp.unwrap(), time.as_bytes()).await;
    assert_eq!(gateway.bus.events()[0]["@timestamp"], "2026-10-11T20:14:15.000Z");
    gateway.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_a_dead_letter_with_its_beginning() {
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        config.line_bytes_max = ByteSize(1 << 10);
    })
    .await;
    let long = format!("<13>{}", "x".repeat(5_000));
    let nearly = format!("<13>{}", "x".repeat(1_000));
    let stream = format!("{} {long}{nearly}\n{MESSAGE}\n", long.len());
    send_tcp(gateway.syslog.tcp.unwrap(), stream.as_bytes()).await;
    assert_eq!(gateway.bus.events().len(), 1);
    let letters = gateway.bus.letters();
    assert_eq!((letters[0].kind.as_str(), letters[0].payload_bytes), ("too_large", 5_004));
    assert_eq!((letters[1].kind.as_str(), letters[1].payload_bytes), ("too_large", 1_004));
    gateway.stop().await;
}
