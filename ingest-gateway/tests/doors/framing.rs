//! Framings and events of several lines, over TCP.

use bus::Codec;
use ingest_gateway::{Framing, MultilineConfig, What};
use service::{ByteSize, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, SOON, eventually, send_tcp};

#[tokio::test]
async fn a_frame_is_what_its_length_says() {
    let gateway = Gateway::start(|config| config.tcp.framing = Framing::OctetCounting).await;
    send_tcp(gateway.tcp, b"5 a\nb c8 {\"n\":1} 3 cut").await;
    assert_eq!(gateway.bus.texts(), ["a\nb c", "{\"n\":1} ", "cut"]);
    send_tcp(gateway.tcp, b"3 one9 two").await;
    assert_eq!(gateway.bus.texts()[3..], ["one"]);
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].kind, "incomplete_line", "nothing is invented");
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_06_a_connection_whose_frames_cannot_be_told_apart_is_closed() {
    let gateway = Gateway::start(|config| config.tcp.framing = Framing::OctetCounting).await;
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"3 one99999999999 x").await.unwrap();
    // The door closes it while this side goes on.
    let closed = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
    drop(closed.unwrap());
    eventually("the end is counted", || gateway.limit_hits("tcp", "framing") == 1.0).await;
    assert_eq!(gateway.bus.texts(), ["one"]);
    assert_eq!(gateway.bus.letters()[0].kind, "framing_error");
    send_tcp(gateway.tcp, b"3 two").await;
    assert_eq!(gateway.bus.texts(), ["one", "two"], "the next connection is fine");
    gateway.stop().await;
}

#[tokio::test]
async fn a_nul_ends_a_line_where_it_is_set() {
    let gateway = Gateway::start(|config| {
        config.tcp.framing = Framing::Nul;
        config.tcp.codec = Codec::Plain;
    })
    .await;
    send_tcp(gateway.tcp, b"one\nand more\0two\0").await;
    assert_eq!(gateway.bus.texts(), ["one\nand more", "two"]);
    gateway.stop().await;
}

fn indented() -> MultilineConfig {
    MultilineConfig {
        pattern: Some("^\\s".into()),
        what: What::Previous,
        flush_interval: Span::from_millis(50),
        ..MultilineConfig::default()
    }
}

#[tokio::test]
async fn an_exception_with_its_stack_is_one_record() {
    let gateway = Gateway::start(|config| {
        config.tcp.codec = Codec::Plain;
        config.tcp.multiline = indented();
        config.tcp.multiline.flush_interval = Span::from_secs(3_600);
    })
    .await;
    send_tcp(gateway.tcp, b"first\nException\n\tat a\n\n\tat b\nlast").await;
    assert_eq!(gateway.bus.texts(), ["first", "Exception\n\tat a", "\n\tat b", "last"]);
    assert_eq!(gateway.door("tcp").accepted, 4);
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_that_nobody_goes_on_with_is_not_held_back() {
    let gateway = Gateway::start(|config| config.tcp.multiline = indented()).await;
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"one\n two\n").await.unwrap();
    eventually("it arrives without another line", || gateway.door("tcp").accepted == 1).await;
    stream.write_all(b"three\n").await.unwrap();
    eventually("the next one too", || gateway.door("tcp").accepted == 2).await;
    assert_eq!(gateway.bus.texts(), ["one\n two", "three"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_without_end_is_cut_where_its_limits_are() {
    let gateway = Gateway::start(|config| {
        config.tcp.multiline = indented();
        config.tcp.multiline.lines_max = 2;
        config.tcp.multiline.bytes_max = Some(ByteSize(10));
    })
    .await;
    send_tcp(gateway.tcp, b"a\n b\n c\n d\ne\n 23456789\n").await;
    assert_eq!(gateway.bus.texts(), ["a\n b", " c\n d", "e", " 23456789"]);
    assert_eq!(gateway.limit_hits("tcp", "multiline_lines"), 2.0);
    assert_eq!(gateway.limit_hits("tcp", "multiline_bytes"), 1.0);
    gateway.stop().await;
}
