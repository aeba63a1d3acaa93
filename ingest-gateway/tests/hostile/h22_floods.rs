//! 22: floods of HTTP/2, over TLS and without, much that means nothing between a request's lines, and answers that nobody
//! lets come.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use service::Span;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bystander::Bystander;
use crate::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE,
    ONCE, PING, POST, PRIORITY, REMEMBERED, RST_STREAM, SETTINGS, WINDOW_UPDATE, field, flood,
    frame, opening, post,
};
use crate::memory::{alone, rise_during};
use crate::support::callers::{connect_deaf, connect_from};
use crate::support::certificate::Certificate;
use crate::support::{Gateway, MemoryBus, SOON, eventually};

/// Pieces that no door takes.
const PIECES_MAX: u32 = 200_000;

/// A connection, whatever is below it.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A gateway whose HTTP door speaks TLS or does not, with short times.
struct Target {
    gateway: Gateway,
    certificate: Option<Certificate>,
}

impl Target {
    async fn new(with_tls: bool) -> Self {
        let certificate = with_tls.then(Certificate::new);
        let gateway = Gateway::start(|config| {
            config.http.idle_timeout = Span::from_millis(500);
            config.http.body_idle_timeout = Span::from_millis(500);
            if let Some(certificate) = &certificate {
                config.http.tls = certificate.door();
            }
        })
        .await;
        Self { gateway, certificate }
    }

    async fn connect(&self) -> Box<dyn Connection> {
        match &self.certificate {
            Some(certificate) => Box::new(certificate.connect(self.gateway.http, &["h2"]).await),
            None => Box::new(TcpStream::connect(self.gateway.http).await.unwrap()),
        }
    }

    fn ended(&self) -> f64 {
        let limits = ["protocol", "idle_timeout", "header_bytes"];
        limits.iter().map(|limit| self.gateway.limit_hits("http", limit)).sum()
    }
}

/// A piece of a flood, by its number.
type Piece = fn(u32) -> Vec<u8>;

fn rapid_reset(n: u32) -> Vec<u8> {
    let stream = 2 * n + 1;
    // The reset stands right behind the request, whose body has not come.
    let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    [frame(HEADERS, END_HEADERS, stream, POST), reset].concat()
}

fn endless_headers(n: u32) -> Vec<u8> {
    match n {
        0 => frame(HEADERS, 0, 1, POST),
        _ => frame(CONTINUATION, 0, 1, &field(ONCE, "x", &"y".repeat(1_024))),
    }
}

/// A header of four kilobytes that is remembered once and named ten thousand times.
fn header_bomb(n: u32) -> Vec<u8> {
    let named = match n {
        0 => field(REMEMBERED, "x", &"y".repeat(4_000)),
        _ => vec![0xbe; 10_000],
    };
    frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &[POST, &named].concat())
}

/// Requests that never end, far more than may be open at once.
fn many_streams(n: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 2 * n + 1, POST)
}

fn too_long_a_frame(_: u32) -> Vec<u8> {
    let mut head = frame(DATA, 0, 1, b"");
    head[..3].fill(0xff);
    head
}

fn too_wide_a_window(_: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_floods_of_http_2_end_the_connection() {
    let _alone = alone().await;
    let floods: [(&str, Piece); 6] = [
        ("rapid reset", rapid_reset),
        ("headers without end", endless_headers),
        ("headers that grow", header_bomb),
        ("streams without end", many_streams),
        ("a frame that is too long", too_long_a_frame),
        ("a window that is too wide", too_wide_a_window),
    ];
    for with_tls in [false, true] {
        let target = Target::new(with_tls).await;
        let bystander = Bystander::over_tcp(&target.gateway);
        for (name, piece) in floods {
            let before = target.gateway.limit_hits("http", "protocol");
            let stream = target.connect().await;
            let attack = flood(stream, opening(&[]), PIECES_MAX, piece);
            let (outcome, rise) = rise_during(attack).await;
            assert!(outcome.was_ended, "{name}, TLS {with_tls}: {} pieces", outcome.sent);
            assert!(rise < 32 << 20, "{name}: {rise} bytes");
            let counted = || target.gateway.limit_hits("http", "protocol") > before;
            eventually(name, counted).await;
        }
        bystander.was_served(&target.gateway).await;
        target.gateway.stop().await;
    }
}

fn pings(_: u32) -> Vec<u8> {
    frame(PING, 0, 0, &[7; 8]).repeat(100)
}

fn settings(_: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff").repeat(100)
}

fn priorities(n: u32) -> Vec<u8> {
    frame(PRIORITY, 0, 2 * (n % 100_000) + 3, b"\0\0\0\x01\x10").repeat(100)
}

fn unknown_frames(_: u32) -> Vec<u8> {
    frame(0xbe, 0, 0, &[0; 1_000]).repeat(10)
}

/// Data frames without data for a request that never ends.
fn empty_data(n: u32) -> Vec<u8> {
    match n {
        0 => frame(HEADERS, END_HEADERS, 1, &post("/v1/logs", &[])),
        _ => frame(DATA, 0, 1, b"").repeat(100),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_frames_that_ask_for_nothing_hold_no_connection_open() {
    let _alone = alone().await;
    let floods: [(&str, Piece); 5] = [
        ("pings", pings),
        ("settings", settings),
        ("priorities", priorities),
        ("unknown frames", unknown_frames),
        ("data without data", empty_data),
    ];
    for with_tls in [false, true] {
        let target = Target::new(with_tls).await;
        let bystander = Bystander::over_tcp(&target.gateway);
        for (name, piece) in floods {
            let before = target.ended();
            let stream = target.connect().await;
            let attack = flood(stream, opening(&[]), u32::MAX, piece);
            let (ended, rise) = rise_during(tokio::time::timeout(SOON, attack)).await;
            let outcome = ended.expect(name);
            assert!(outcome.was_ended, "{name}, TLS {with_tls}: {} pieces", outcome.sent);
            assert!(rise < 32 << 20, "{name}: {rise} bytes");
            eventually(name, || target.ended() > before).await;
        }
        bystander.was_served(&target.gateway).await;
        target.gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_settings_of_any_size_cost_nothing_and_requests_are_served() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let settings = [(HEADER_TABLE_SIZE, u32::MAX), (INITIAL_WINDOW_SIZE, 0)];
    let attack = async {
        let mut streams = Vec::new();
        for n in 0..50 {
            let mut stream = TcpStream::connect(gateway.http).await.unwrap();
            let event = format!("{{\"settings\":{n}}}");
            let request = [
                opening(&settings),
                frame(HEADERS, END_HEADERS, 1, &post("/v1/logs", &[])),
                frame(DATA, END_STREAM, 1, event.as_bytes()),
            ];
            stream.write_all(&request.concat()).await.unwrap();
            streams.push(stream);
        }
        let taken = || {
            let texts = gateway.bus.texts();
            texts.iter().filter(|text| text.contains("settings")).count() == 50
        };
        eventually("all are taken", taken).await;
        streams
    };
    let (streams, rise) = rise_during(attack).await;
    assert!(rise < 16 << 20, "{rise} bytes");
    drop(streams);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_lines_hold_nothing_of_what_stands_between_them() {
    let _alone = alone().await;
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |_| {}).await;
    let bystander = Bystander::over_tcp(&gateway);
    let chunked = b"POST /v1/logs HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"3".to_vec(), vec![b' '; 60 << 10], b"\r\n{}\n\r\n".to_vec()].concat();
    let head = frame(HEADERS, END_HEADERS, 1, &post("/v1/logs", &[]));
    let between = frame(0xbe, 0, 0, &[0; 15_000]).repeat(4);
    let data = [between, frame(DATA, 0, 1, b"{}\n")].concat();
    let last = frame(DATA, END_STREAM, 1, b"");
    // Fewer lines than are published at once.
    let cases = [
        ("chunks", chunked.to_vec(), chunk, b"0\r\n\r\n".to_vec(), 500),
        ("frames", [opening(&[]), head].concat(), data, last, 1_500),
    ];
    let mut sent = 0;
    for (name, begin, piece, end, count) in cases {
        let stream = TcpStream::connect(gateway.http).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let answers = tokio::spawn(async move { copy(&mut reading, &mut sink()).await });
        let attack = async {
            writing.write_all(&begin).await.unwrap();
            for number in 0..count {
                let written = writing.write_all(&piece).await;
                written.unwrap_or_else(|error| panic!("{name}: after {number}: {error}"));
            }
        };
        let ((), rise) = rise_during(attack).await;
        assert!(rise < 10 << 20, "{name}: {rise} bytes");
        writing.write_all(&end).await.unwrap();
        sent += count;
        eventually("all lines are taken", || gateway.door("http").accepted == sent).await;
        drop(writing);
        answers.abort();
    }
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

/// A bulk body whose answer has some three megabytes.
fn long_answer() -> Bytes {
    Bytes::from("{\"index\":{}}\n{}\n".repeat(30_000))
}

/// A gateway that keeps nothing of what it takes, and closes connections without a request after some seconds.
async fn forgetful(idle_seconds: u64) -> Gateway {
    Gateway::start_on(MemoryBus::forgetful(), |config| {
        config.http.idle_timeout = Span::from_secs(idle_seconds);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_answers_that_nobody_lets_come_are_bounded_and_end_the_connection() {
    let _alone = alone().await;
    let gateway = forgetful(4).await;
    let bystander = Bystander::start(&gateway);
    let body = long_answer();
    let attack = async {
        let mut attackers = JoinSet::new();
        for _ in 0..4 {
            let stream = connect_from(2, gateway.http).await;
            let body = body.clone();
            attackers.spawn(async move {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.initial_stream_window_size(1_u32);
                let (mut sender, connection) =
                    builder.handshake(TokioIo::new(stream)).await.unwrap();
                let connection = tokio::spawn(connection);
                let mut answers = Vec::new();
                for _ in 0..8 {
                    let request = Request::post("http://door/_bulk").body(Full::new(body.clone()));
                    answers.extend(sender.send_request(request.unwrap()).await);
                }
                // It asks on meanwhile, so that the connection is never without a request; slowly, as one that
                // breaks no rule.
                loop {
                    let request = Request::get("http://door/health").body(Full::default());
                    if sender.send_request(request.unwrap()).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                drop((answers, connection));
            });
        }
        tokio::time::timeout(3 * SOON, attackers.join_all()).await.expect("all are hung up on")
    };
    let (_, rise) = rise_during(attack).await;
    assert!(rise < 64 << 20, "{rise} bytes of answers that nobody reads");
    assert!(gateway.limit_hits("http", "unread_answer") >= 1.0);
    bystander.was_served(&gateway).await;
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    eventually("their memory is given back", || held() == 0.0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_answers_over_http_1_that_nobody_reads_are_bounded_too() {
    let _alone = alone().await;
    let gateway = forgetful(2).await;
    let bystander = Bystander::start(&gateway);
    let body = long_answer();
    let head = format!("POST /_bulk HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    let attack = async {
        let mut attackers = JoinSet::new();
        for _ in 0..30 {
            let mut stream = connect_deaf(2, gateway.http).await;
            let (head, body) = (head.clone(), body.clone());
            attackers.spawn(async move {
                stream.write_all(head.as_bytes()).await.unwrap();
                drop(stream.write_all(&body).await);
                stream
            });
        }
        let streams = attackers.join_all().await;
        let open = || gateway.metric("millrace_gateway_connections{door=\"http\"}");
        eventually("they are sent away", || open() <= 1.0).await;
        streams
    };
    let (streams, rise) = rise_during(attack).await;
    assert!(rise < 64 << 20, "{rise} bytes of answers that nobody reads");
    let counted =
        gateway.limit_hits("http", "idle_timeout") + gateway.limit_hits("http", "unread_answer");
    assert!(counted >= 30.0, "{counted}");
    drop(streams);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
