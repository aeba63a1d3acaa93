//! Lines through the doors to the durable log: events a CPU second of the gateway's process, the
//! kernel's share included. The sender is a process of its own and costs less than what it measures.
//!
//! `cargo bench -p benches --bench door`, with `DOOR_EVENTS` (1,000,000) and `DOOR_CONNECTIONS` (4).
//! Events have some 600 bytes, as a shop's have.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::{cpu_seconds, memory_bytes};
use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, TOPIC_DEAD, TOPIC_RAW};
use ingest_gateway::{Config, Listen, bind, run};
use pipeline::{Ledgers, Runtime};
use service::Context;

/// Tells a copy of this program to send: door, address, events, connections.
const SENDER_VARIABLE: &str = "DOOR_SENDER";
/// Lines of an HTTP request.
const REQUEST_LINES: u64 = 1_000;
/// Datagrams sent before a short pause, so that the bench measures the door and not the kernel's drops.
const BURST: u64 = 1_000;

fn main() {
    if let Ok(order) = std::env::var(SENDER_VARIABLE) {
        return send(&order);
    }
    let test = std::env::args().any(|argument| argument == "--test");
    let events = setting("DOOR_EVENTS", if test { 4_000 } else { 1_000_000 });
    let connections = setting("DOOR_CONNECTIONS", 4);
    let mut report = format!("{events} events of {} bytes\n", event(0).len());
    for (door, connections) in [
        ("tcp", 1),
        ("tcp", connections),
        ("http", connections),
        ("http-keyed", connections),
        ("beats", connections),
        ("bulk", connections),
        ("udp", 1),
    ] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure(door, connections, events, &mut report));
    }
    writeln!(report, "{:>10} MB resident at most", memory_bytes("self", "VmHWM") >> 20)
        .expect("a string");
    std::io::stdout().write_all(report.as_bytes()).expect("a report");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn measure(door: &str, connections: u64, events: u64, report: &mut String) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = LogConfig::default();
    let topics = [log.topic(TOPIC_RAW, &[]), log.topic(TOPIC_DEAD, &[])];
    let bus = Arc::new(EmbeddedBus::open(folder.path(), log).expect("the folder is free"));
    bus.ensure_topics(&topics).await.expect("the topics open");
    let any = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.tcp.listen, config.udp.listen, config.http.listen) = (any, any, any);
    config.beats.listen = any;
    let bound = bind(config).expect("ports are free");
    let address = match door {
        "tcp" => bound.tcp_address(),
        "udp" => bound.udp_address(),
        "beats" => bound.beats_address(),
        _ => bound.http_address(),
    };
    let address = address.expect("the door is open");
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus, ledgers: Arc::clone(&ledgers), context: context.clone() };
    let serving = tokio::spawn(run(bound, runtime));

    let (cpu, clock) = (cpu_seconds("self"), Instant::now());
    let program = std::env::current_exe().expect("the program's own path");
    let mut sender = Command::new(program)
        .env(SENDER_VARIABLE, format!("{door} {address} {events} {connections}"))
        .stdout(Stdio::null())
        .spawn()
        .expect("a sender");
    let name = if matches!(door, "http-keyed" | "bulk") { "http" } else { door };
    let accepted = || {
        let doors = ledgers.doors();
        doors.iter().find(|snapshot| snapshot.door == name).map_or(0, |snapshot| snapshot.accepted)
    };
    let mut ended = false;
    let mut quiet = 0;
    while accepted() < events && quiet < 50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        ended = ended || sender.try_wait().expect("the sender is ours").is_some();
        quiet = if ended { quiet + 1 } else { 0 };
    }
    let (cpu, wall) = (cpu_seconds("self") - cpu, clock.elapsed().as_secs_f64());
    let (accepted, rate) = (accepted(), accepted() as f64);
    writeln!(
        report,
        "{:>10.0} events a CPU second, {:>8.0} a second, {accepted} accepted: {door}, {connections} connections",
        rate / cpu,
        rate / wall
    )
    .expect("a string");
    context.shutdown.cancel();
    serving.await.expect("no panic").expect("the gateway ends");
    sender.wait().expect("the sender is ours");
}

fn event(number: u64) -> String {
    format!(
        "{{\"timestamp\":\"2026-01-31T12:34:56.{:03}Z\",\"event_id\":\"{number:032x}\",\"type\":\"transaction\",\
         \"level\":\"INFO\",\"service\":\"checkout\",\"environment\":\"production\",\"host\":\"web-{}\",\
         \"session_id\":\"s-{}\",\"user_id\":\"u-{}\",\"order_id\":\"O-{number}\",\"amount\":\"{}.90\",\
         \"currency\":\"EUR\",\"items\":[{{\"sku\":\"A-1\",\"quantity\":1,\"price\":19.9}},\
         {{\"sku\":\"B-22\",\"quantity\":2,\"price\":5.25}}],\"payment_method\":\"card\",\
         \"client_ip\":\"192.0.2.{}\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
         Gecko/20100101 Firefox/128.0\",\"message\":\"order placed\",\"status\":\"authorised\"}}\n",
        number % 1_000,
        number % 7,
        number % 5_000,
        number % 3_000,
        number % 500,
        number % 250
    )
}

fn send(order: &str) {
    let words: Vec<&str> = order.split(' ').collect();
    let [door, address, events, connections] = words[..] else { panic!("four words") };
    let address: SocketAddr = address.parse().expect("an address");
    let (events, connections): (u64, u64) =
        (events.parse().expect("a number"), connections.parse().expect("a number"));
    let (door, share) = (door.to_owned(), events / connections);
    let senders = (0..connections).map(|connection| {
        let door = door.clone();
        let events = if connection == 0 { events - share * (connections - 1) } else { share };
        std::thread::spawn(move || match door.as_str() {
            "tcp" => send_lines(address, events),
            "udp" => send_datagrams(address, events),
            "beats" => send_windows(address, events),
            "bulk" => send_bulk(address, events),
            _ => send_requests(address, events, door.ends_with("keyed").then_some(connection)),
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.join().expect("the sender ends");
    }
}

/// A block of lines that is sent again and again, so that making it costs nothing.
fn block() -> Vec<u8> {
    (0..REQUEST_LINES).map(event).collect::<String>().into_bytes()
}

fn send_lines(address: SocketAddr, events: u64) {
    let mut stream = TcpStream::connect(address).expect("the door is open");
    let block = block();
    for _ in 0..events / REQUEST_LINES {
        stream.write_all(&block).expect("the door reads");
    }
    for number in 0..events % REQUEST_LINES {
        stream.write_all(event(number).as_bytes()).expect("the door reads");
    }
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    stream.read_to_end(&mut Vec::new()).expect("the door's end");
}

/// Windows as libbeat sends them: compressed at level 3, two on their way.
fn send_windows(address: SocketAddr, events: u64) {
    let mut stream = TcpStream::connect(address).expect("the door is open");
    let number = |number: u64| u32::try_from(number).expect("a small number").to_be_bytes();
    let mut frames = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(3));
    for sequence in 1..=REQUEST_LINES {
        let event = event(sequence);
        let head = [&b"2J"[..], &number(sequence), &number(event.len() as u64)].concat();
        frames.write_all(&head).expect("a buffer");
        frames.write_all(event.as_bytes()).expect("a buffer");
    }
    let frames = frames.finish().expect("a buffer");
    let head = [&b"2W"[..], &number(REQUEST_LINES), b"2C", &number(frames.len() as u64)].concat();
    let window = [head, frames].concat();
    let mut answers = stream.try_clone().expect("the same connection");
    let mut wait = || loop {
        let mut ack = [0; 6];
        answers.read_exact(&mut ack).expect("an acknowledgement");
        if ack[2..] == number(REQUEST_LINES) {
            return;
        }
    };
    for at in 0..events / REQUEST_LINES {
        stream.write_all(&window).expect("the door reads");
        if at > 0 {
            wait();
        }
    }
    wait();
}

fn send_datagrams(address: SocketAddr, events: u64) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let datagrams: Vec<String> = (0..BURST).map(event).collect();
    for number in 0..events {
        let datagram = &datagrams[(number % BURST) as usize];
        socket.send_to(datagram.as_bytes(), address).expect("it is sent");
        if number % BURST == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Bulk bodies, as clients of Elasticsearch send them.
fn send_bulk(address: SocketAddr, events: u64) {
    let mut stream = TcpStream::connect(address).expect("the door is open");
    let item = |number| format!("{{\"create\":{{\"_index\":\"logs\"}}}}\n{}", event(number));
    let body: String = (0..REQUEST_LINES).map(item).collect();
    let head =
        format!("POST /_bulk HTTP/1.1\r\nhost: door\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut answer = vec![0; 64 << 10];
    for _ in 0..events / REQUEST_LINES {
        stream.write_all(head.as_bytes()).expect("the door reads");
        stream.write_all(body.as_bytes()).expect("the door reads");
        let mut read = Vec::new();
        while !read.ends_with(b"]}") {
            let bytes = stream.read(&mut answer).expect("an answer");
            read.extend_from_slice(&answer[..bytes]);
        }
        assert!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
    }
}

fn send_requests(address: SocketAddr, events: u64, keyed: Option<u64>) {
    let mut stream = TcpStream::connect(address).expect("the door is open");
    let block = block();
    let mut answer = vec![0; 64 << 10];
    for request in 0..events / REQUEST_LINES {
        let key = keyed.map(|sender| format!("idempotency-key: {sender}-{request}\r\n"));
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: door\r\n{}content-length: {}\r\n\r\n",
            key.unwrap_or_default(),
            block.len()
        );
        stream.write_all(head.as_bytes()).expect("the door reads");
        stream.write_all(&block).expect("the door reads");
        let read = stream.read(&mut answer).expect("an answer");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{:?}", &answer[..read]);
    }
}
