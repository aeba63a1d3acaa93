//! 6: lengths that are absurd, negative, or written in other ways than digits.

use ingest_gateway::Framing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::http2::{DATA, END_HEADERS, END_STREAM, HEADERS, frame, opening, post};
use crate::memory::{alone, rise_during};
use crate::support::otlp::GRPC;
use crate::support::{Gateway, SOON, any_port, eventually, send_raw, send_tcp, statuses};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_06_a_false_length_is_refused_before_anything_is_allocated() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let cases = [
        ("99999999999", 413),
        ("9223372036854775807", 413),
        ("18446744073709551615", 431),
        ("99999999999999999999999", 400),
        ("-1", 400),
        ("+7", 400),
        ("0x7", 400),
        ("7, 8", 400),
        ("7 ", 200),
    ];
    for (length, status) in cases {
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\n\r\n{{\"a\":1}}"
        );
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        let given = statuses(&answer).into_iter().filter(|status| *status != 100);
        assert_eq!(given.collect::<Vec<_>>(), [status], "{length}");
        assert!(rise < 8 << 20, "{length}: {rise} bytes");
    }
    assert!(gateway.bus.texts().contains(&"{\"a\":1}".to_owned()), "the next one is served");
    assert_eq!(gateway.limit_hits("http", "body_bytes"), 2.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_06_an_octet_count_is_no_frame_here_and_wedges_nothing() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    send_tcp(gateway.tcp, b"99999999999 {\"a\":1}\n-1 x\n007 y\n{\"b\":1}\n").await;
    assert_eq!(gateway.bus.texts(), ["99999999999 {\"a\":1}", "-1 x", "007 y", "{\"b\":1}"]);
    gateway.stop().await;
}

/// Bytes of a stream of syslog; the records that come of them, and what is refused.
const COUNTS: [(&[u8], usize, Option<&str>); 8] = [
    (b"99999999999 <13>a", 0, Some("framing_error")),
    (b"18446744073709551616 <13>a", 0, Some("framing_error")),
    (b"999999999 <13>a", 0, Some("incomplete_line")),
    (b"-1 <13>a\n<13>b\n", 2, None),
    (b"+5 <13>a\n<13>b\n", 2, None),
    (b"0 <13>a\n<13>b\n", 2, None),
    (b"007 <13>a\n<13>b\n", 2, None),
    (b"5 <13>a6 <13>bc<13>d\n", 3, None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_06_octet_counts_of_syslog_wedge_nothing_however_they_are_split() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let bystander = Bystander::start(&gateway);
    let address = gateway.syslog.tcp.unwrap();
    let records = || {
        let records = gateway.bus.records();
        records.iter().filter(|record| &*record.listener == "syslog").count()
    };
    for piece_bytes in [1, 3, 1_000] {
        for (bytes, taken, refused) in COUNTS {
            let (before, letters) = (records(), gateway.bus.letters().len());
            let attack = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                for piece in bytes.chunks(piece_bytes) {
                    // The door may have gone away already.
                    drop(stream.write_all(piece).await);
                    tokio::task::yield_now().await;
                }
                drop(stream.shutdown().await);
                let mut answer = Vec::new();
                let end = stream.read_to_end(&mut answer);
                drop(tokio::time::timeout(SOON, end).await.expect("the door closes"));
            };
            let ((), rise) = rise_during(attack).await;
            let text = String::from_utf8_lossy(bytes);
            assert!(rise < 8 << 20, "{text}: {rise} bytes");
            let settled =
                || gateway.bus.letters().len() == letters + usize::from(refused.is_some());
            eventually(&text, || settled() && records() == before + taken).await;
            let last = gateway.bus.letters().pop().filter(|_| refused.is_some());
            assert_eq!(last.map(|letter| letter.kind).as_deref(), refused, "{text}");
        }
    }
    assert_eq!(gateway.limit_hits("syslog", "framing"), 6.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_06_where_octets_must_be_counted_what_is_no_count_ends_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        config.syslog.framing = Framing::OctetCounting;
    })
    .await;
    let address = gateway.syslog.tcp.unwrap();
    for bytes in ["-1 <13>a", "0 <13>a", "1234567890 <13>a", "x", " 5 <13>a", "<13>a\n"] {
        let before = gateway.limit_hits("syslog", "framing");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        drop(tokio::time::timeout(SOON, end).await.expect("the door closes"));
        assert_eq!(gateway.limit_hits("syslog", "framing"), before + 1.0, "{bytes}");
    }
    send_tcp(address, b"5 <13>a").await;
    assert_eq!(gateway.bus.events()[0]["message"], "a", "the next connection is served");
    assert_eq!(gateway.door("syslog").refused["framing_error"], 6);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_06_lengths_within_messages_and_frames_are_not_believed() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    // A field of four gigabytes, one of 2^63, and a message of gRPC that says that it has four gigabytes.
    let field = b"\x0a\xff\xff\xff\xff\x0fx".as_slice();
    let longer = b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fx".as_slice();
    for message in [field, longer] {
        let head = "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                    content-type: application/x-protobuf\r\ncontent-length: ";
        let head = format!("{head}{}\r\n\r\n", message.len());
        let request = [head.as_bytes(), message].concat();
        let (answer, rise) = rise_during(send_raw(gateway.http, &request)).await;
        assert_eq!(statuses(&answer), [400], "{answer}");
        assert!(rise < 8 << 20, "{rise} bytes");
    }
    let headers = [("content-type", "application/grpc"), ("te", "trailers")];
    let call = [
        opening(&[]),
        frame(HEADERS, END_HEADERS, 1, &post(GRPC, &headers)),
        frame(DATA, END_STREAM, 1, b"\0\xff\xff\xff\xffx"),
    ];
    let mut stream = TcpStream::connect(gateway.http).await.unwrap();
    let attack = async {
        stream.write_all(&call.concat()).await.unwrap();
        eventually("it is refused", || gateway.refused_requests("grpc-3") == 1.0).await;
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 8 << 20, "{rise} bytes");
    assert_eq!(gateway.refused_requests("400"), 2.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
