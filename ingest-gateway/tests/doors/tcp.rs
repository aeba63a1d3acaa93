//! Lines over TCP.

use std::time::Duration;

use access::IngestToken;
use bus::Codec;
use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, Delivery, TOPIC_RAW};
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use pipeline::{Ledgers, Runtime};
use service::{ByteSize, Context, Span};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, Mode, SOON, config, eventually, send_tcp};

#[tokio::test]
async fn lines_become_records_of_their_sender() {
    let gateway = Gateway::start(|_| {}).await;
    let answer =
        send_tcp(gateway.tcp, b"{\"a\":1}\r\n\n{\"b\":2}\nthe last one, without an end").await;
    assert!(answer.is_empty(), "the protocol has no answers");
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}", "{\"b\":2}", "the last one, without an end"]);
    let records = gateway.bus.records();
    let record = &records[0];
    assert_eq!((&*record.shop, &*record.source), ("default", "127.0.0.1"));
    assert_eq!((&*record.listener, record.codec), ("tcp", Codec::Json));
    assert!(records.iter().all(|other| other.routing_key == record.routing_key));
    assert!(records.is_sorted_by_key(|record| record.id));
    assert_eq!(gateway.door("tcp").accepted, 3);

    send_tcp(gateway.tcp, b"another connection\n").await;
    assert_ne!(gateway.bus.records()[3].routing_key, record.routing_key, "the load spreads");
    gateway.stop().await;
}

#[tokio::test]
async fn the_doors_end_means_that_everything_is_durable() {
    let gateway = Gateway::start(|config| config.tcp.codec = Codec::Plain).await;
    let lines: Vec<String> = (0..50_000).map(|n| format!("{n} {}", "x".repeat(n % 700))).collect();
    send_tcp(gateway.tcp, lines.join("\n").as_bytes()).await;
    assert_eq!(gateway.bus.texts(), lines, "all of them, once, in order");
    assert_eq!(gateway.bus.records()[0].codec, Codec::Plain);
    assert_eq!(gateway.metric("millrace_gateway_connections{door=\"tcp\"}"), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_embedded_log_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = LogConfig { disk_reserve_bytes: 0, ..LogConfig::default() };
    let topics = [log.topic(TOPIC_RAW, &[]), log.topic(bus::TOPIC_DEAD, &[])];
    let embedded = Arc::new(EmbeddedBus::open(folder.path(), log.clone()).unwrap());
    embedded.ensure_topics(&topics).await.unwrap();
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let bound = ingest_gateway::bind(config()).unwrap();
    let address = bound.tcp_address().unwrap();
    let runtime = Runtime { bus: embedded.clone(), ledgers, context: context.clone() };
    let stores = ingest_gateway::Stores::default();
    let serving = tokio::spawn(ingest_gateway::run(bound, runtime, stores));
    let lines: Vec<String> = (0..5_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    send_tcp(address, lines.join("\n").as_bytes()).await;
    context.shutdown.cancel();
    serving.await.unwrap().unwrap();
    embedded.close().await.unwrap();

    let embedded = EmbeddedBus::open(folder.path(), log).unwrap();
    embedded.ensure_topics(&topics).await.unwrap();
    let mut consumer = embedded.subscribe("test", &[TOPIC_RAW]).await.unwrap();
    let mut found = Vec::new();
    while found.len() < lines.len() {
        let delivery = tokio::time::timeout(SOON, consumer.next()).await.unwrap().unwrap();
        let Delivery::Batch(batch) = delivery else { continue };
        found.extend(batch.records.into_iter().map(|positioned| positioned.record.payload));
    }
    assert_eq!(found, lines, "one connection stays on one partition, so its order holds");
}

#[tokio::test]
async fn without_room_the_sender_is_not_read_and_nothing_is_lost() {
    let gateway = Gateway::start(|_| {}).await;
    gateway.bus.set_mode(Mode::Full);
    let line = format!("{}\n", "x".repeat(1_000));
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    let mut sent = 0;
    // The kernel's buffers take a while to fill; then the sender waits.
    while let Ok(written) =
        tokio::time::timeout(Duration::from_millis(500), stream.write_all(line.as_bytes())).await
    {
        written.unwrap();
        sent += 1;
        assert!(sent < 1_000_000, "the door goes on reading");
    }
    let read = gateway.metric("millrace_gateway_received_bytes_total{door=\"tcp\"}");
    assert!(read < 4_000_000.0, "the door has read {read} bytes that it cannot keep");
    assert_eq!(gateway.door("tcp").accepted, 0);
    assert_eq!(gateway.door("tcp").busy, 1);

    gateway.bus.set_mode(Mode::Works);
    eventually("what was written arrives", || gateway.door("tcp").accepted >= sent).await;
    drop(stream);
    let bus = gateway.stop().await;
    assert_eq!(bus.texts().iter().filter(|text| text.len() == 1_000).count() as u64, sent);
}

#[tokio::test]
async fn a_log_that_is_away_for_longer_than_a_line_may_take_costs_no_line() {
    let gateway = Gateway::start(|config| {
        config.tcp.line_timeout = Span::from_millis(100);
        config.tcp.idle_timeout = Span::from_millis(100);
    })
    .await;
    gateway.bus.set_mode(Mode::Full);
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"one\ntwo\nthe beginning").await.unwrap();
    eventually("the log refuses", || gateway.door("tcp").busy == 1).await;
    stream.write_all(b" of a line\nand of").await.unwrap();
    let mut byte = [0];
    let closed = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut byte)).await;
    assert!(closed.is_err(), "the door hangs up on a sender that it holds up");
    gateway.bus.set_mode(Mode::Works);
    stream.write_all(b" another\n").await.unwrap();
    stream.shutdown().await.unwrap();
    eventually("all lines arrive", || gateway.door("tcp").accepted == 4).await;
    let bus = gateway.stop().await;
    assert_eq!(bus.texts(), ["one", "two", "the beginning of a line", "and of another"]);
    assert!(bus.letters().is_empty());
}

#[tokio::test]
async fn a_stop_reads_what_has_arrived_and_marks_what_is_cut_off() {
    let gateway = Gateway::start(|_| {}).await;
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"one\n").await.unwrap();
    eventually("the connection is served", || gateway.door("tcp").accepted == 1).await;
    stream.write_all(b"two\nthree\nthe beginning of a li").await.unwrap();
    let bus = gateway.stop().await;
    assert_eq!(bus.texts(), ["one", "two", "three"]);
    let letters = bus.letters();
    assert_eq!(letters[0].kind, "incomplete_line");
    assert_eq!(
        letters[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload,
        "the beginning of a li"
    );
}

#[tokio::test]
async fn a_stop_without_room_ends_in_time_and_says_what_is_lost() {
    let gateway = Gateway::start(|config| config.drain_timeout = Span::from_millis(300)).await;
    gateway.bus.set_mode(Mode::Hangs);
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"one\ntwo\n").await.unwrap();
    let received = "millrace_gateway_received_bytes_total{door=\"tcp\"}";
    eventually("the lines are read", || gateway.metric(received) == 8.0).await;
    let metrics = gateway.context.metrics.clone();
    gateway.stop().await;
    let text = metrics.text();
    assert!(text.contains("millrace_gateway_lost_records_total{door=\"tcp\"} 2"), "{text}");
}

#[tokio::test]
async fn the_first_line_is_the_token_where_one_is_set() {
    let gateway = Gateway::start(|config| {
        config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
        config.tcp.line_timeout = Span::from_millis(300);
    })
    .await;
    send_tcp(gateway.tcp, b"0123456789abcdef\r\none\ntwo").await;
    assert_eq!(gateway.bus.texts(), ["one", "two"], "the token is not an event");

    let answer = send_tcp(gateway.tcp, b"wrong\none\n").await;
    assert_eq!(answer, b"the first line must be the ingest token\n");
    let mut endless = TcpStream::connect(gateway.tcp).await.unwrap();
    drop(endless.write_all(&[b'x'; 100_000]).await);
    drop(endless.read_to_end(&mut Vec::new()).await);
    let mut silent = TcpStream::connect(gateway.tcp).await.unwrap();
    silent.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(gateway.bus.texts().len(), 2);
    assert_eq!(gateway.metric("millrace_gateway_unauthorized_total{door=\"tcp\"}"), 3.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_its_half_line_is_a_dead_letter() {
    let gateway = Gateway::start(|config| {
        config.tcp.idle_timeout = Span::from_millis(200);
        config.tcp.line_timeout = Span::from_millis(200);
    })
    .await;
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(b"one\nhalf").await.unwrap();
    let mut silent = TcpStream::connect(gateway.tcp).await.unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(silent.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(gateway.bus.texts(), ["one"]);
    assert_eq!(gateway.bus.letters()[0].kind, "incomplete_line");
    assert_eq!(gateway.limit_hits("tcp", "idle_timeout"), 2.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_full_door_lets_the_next_one_in_when_one_has_left() {
    let gateway = Gateway::start(|config| config.tcp.connections_max = 1).await;
    let mut first = TcpStream::connect(gateway.tcp).await.unwrap();
    first.write_all(b"first\n").await.unwrap();
    eventually("the first is served", || gateway.door("tcp").accepted == 1).await;
    let waiting = tokio::spawn(send_tcp(gateway.tcp, b"second\n"));
    first.write_all(b"first again\n").await.unwrap();
    eventually("the first is still served", || gateway.door("tcp").accepted == 2).await;
    assert_eq!(gateway.bus.texts(), ["first", "first again"]);
    drop(first);
    waiting.await.unwrap();
    assert_eq!(gateway.bus.texts()[2], "second");
    gateway.stop().await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_and_the_next_one_is_whole() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let long = "x".repeat(100_000);
    send_tcp(gateway.tcp, format!("one\n{long}\ntwo\n").as_bytes()).await;
    assert_eq!(gateway.bus.texts(), ["one", "two"]);
    let letter = &gateway.bus.letters()[0];
    assert_eq!((letter.kind.as_str(), letter.payload_bytes), ("too_large", 100_000));
    assert!(letter.message.contains("100000 bytes, more than 1024"), "{}", letter.message);
    assert_eq!(gateway.door("tcp").refused["too_large"], 1);
    gateway.stop().await;
}
