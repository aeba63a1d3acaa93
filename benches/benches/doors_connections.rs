//! Very many connections: what memory they cost while they are idle, and whether one of them starves when all come at
//! once.
//!
//! `cargo bench -p benches --bench doors_connections -- [--connections N] [THEME...]`, 10,000 connections and all
//! themes if absent. Prints tables for `benches/results`. Both processes need as many open files as there are
//! connections, and some more.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::doors::arguments::Arguments;
use benches::doors::server::{Server, serve_if_told};
use benches::doors::{longest_of, payload, raise_open_files};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

/// All at once, each with some lines.
const STORM: &str = "storm";
/// Idle connections, by what they speak.
const IDLE: [&str; 4] = ["idle-tcp", "idle-http", "idle-beats", "idle-tls"];
/// Lines of each connection of a storm.
const STORM_LINES: usize = 20;
/// Files of a process beside its connections.
const OTHER_FILES: u64 = 200;
/// As many as are asked for from one address, and none is sent away for being silent meanwhile.
const SETTINGS: &str = "connections_per_address_max = 1000000\n\
    tcp.connections_max = 1000000\nhttp.connections_max = 1000000\nbeats.connections_max = 1000000\n\
    http.idle_timeout = \"1h\"\nbeats.idle_timeout = \"1h\"\n";
/// What TLS may hold has a part of the memory, of which one address has a part.
const SETTINGS_TLS: &str = "memory_bytes_max = \"4GiB\"\n";
const NAME: &str = "gateway.example";

fn main() {
    if serve_if_told() {
        return;
    }
    let known: Vec<&str> = IDLE.into_iter().chain([STORM]).collect();
    let arguments = Arguments::read(&known);
    let count = arguments.connections.unwrap_or(if arguments.is_test { 50 } else { 10_000 });
    let files = raise_open_files();
    assert!(files >= count as u64 + OTHER_FILES, "{files} open files are too few: ulimit -n");
    let mut report = format!(
        "{count} idle connections; memory is what is resident more than before.\n\n\
         | connections | MB once connected | MB once each has sent a line | bytes each |\n|---|---|---|---|\n"
    );
    for theme in IDLE.into_iter().filter(|theme| arguments.wants(theme)) {
        measure_idle(theme, count, &mut report);
    }
    if arguments.wants(STORM) {
        measure_storm(count, &mut report);
    }
    std::io::stdout().write_all(report.as_bytes()).expect("a report");
}

/// A connection that is idle, and can send something and read what is answered.
enum Idle {
    Plain(TcpStream),
    Tls(Box<ClientConnection>, TcpStream),
}

/// What is sent over each connection once, and how many bytes of an answer come.
struct Exchange {
    request: Vec<u8>,
    has_answer: bool,
}

fn exchange(theme: &str) -> Exchange {
    let line = payload::event(7) + "\n";
    match theme {
        "idle-http" => {
            let request = payload::post("/v1/logs", "", line.as_bytes());
            Exchange { request, has_answer: true }
        }
        "idle-beats" => {
            let event = payload::event(7);
            let length = payload::number_of(event.len());
            let head = [&b"2W\0\0\0\x012J\0\0\0\x01"[..], &length].concat();
            Exchange { request: [head, event.into_bytes()].concat(), has_answer: true }
        }
        _ => Exchange { request: line.into_bytes(), has_answer: false },
    }
}

/// Connects all, lets each send something, and says what memory that took.
fn measure_idle(theme: &str, count: usize, report: &mut String) {
    let certificate = (theme == "idle-tls").then(Certificate::new);
    let tls = certificate.as_ref().map(Certificate::settings).unwrap_or_default();
    let server = Server::start(&format!("{SETTINGS}{tls}"));
    let door = match theme {
        "idle-http" => "http",
        "idle-beats" => "beats",
        _ => "tcp",
    };
    let (address, exchange) = (server.address(door), exchange(theme));
    let connect = || match &certificate {
        Some(certificate) => certificate.connect(address),
        None => Idle::Plain(TcpStream::connect(address).expect("the door is open")),
    };
    // What the first connections and batches need stays, and is none of theirs.
    let warm: Vec<Idle> = (0..10)
        .map(|_| {
            let mut idle = connect();
            idle.exchange(&exchange);
            idle
        })
        .collect();
    server.wait("the first lines", |server| server.accepted(door) == 10);
    let before = server.resident_bytes();
    let mut idle: Vec<Idle> = (0..count).map(|_| connect()).collect();
    let open = format!("millrace_gateway_connections{{door=\"{door}\"}}");
    let all = (count + warm.len()) as f64;
    server.wait("all connections", |server| server.metric(&open) == all);
    let connected = server.resident_bytes().saturating_sub(before);
    idle.iter_mut().for_each(|idle| idle.exchange(&exchange));
    let lines = (count + warm.len()) as u64;
    server.wait("all lines", |server| server.accepted(door) == lines);
    let sent = server.resident_bytes().saturating_sub(before);
    let each = sent / count as u64;
    let what = theme.trim_start_matches("idle-");
    writeln!(report, "| {what} | {:.1} | {:.1} | {each} |", megabytes(connected), megabytes(sent))
        .expect("a string");
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl Idle {
    fn exchange(&mut self, exchange: &Exchange) {
        match self {
            Self::Plain(stream) => talk(stream, exchange),
            Self::Tls(session, stream) => {
                talk(&mut rustls::Stream::new(&mut **session, stream), exchange)
            }
        }
    }
}

fn talk(stream: &mut (impl Read + Write), exchange: &Exchange) {
    stream.write_all(&exchange.request).expect("the door reads");
    stream.flush().expect("the door reads");
    if exchange.has_answer {
        let bytes = stream.read(&mut [0; 4_096]).expect("an answer");
        assert!(bytes > 0, "the door closes the connection");
    }
}

/// A certificate of the TCP door.
struct Certificate {
    folder: TempDir,
    config: Arc<ClientConfig>,
}

impl Certificate {
    fn new() -> Self {
        let pair = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).expect("a name");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("door.crt"), pair.cert.pem()).expect("a file");
        std::fs::write(folder.path().join("door.key"), pair.signing_key.serialize_pem())
            .expect("a file");
        let mut roots = RootCertStore::empty();
        let root: CertificateDer<'static> = pair.cert.der().clone();
        roots.add(root).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // Each handshake is a whole one.
        config.resumption = rustls::client::Resumption::disabled();
        Self { folder, config: Arc::new(config) }
    }

    fn settings(&self) -> String {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        format!(
            "{SETTINGS_TLS}tcp.tls.certificate_file = \"{}\"\ntcp.tls.key_file = \"{}\"\n",
            file("door.crt"),
            file("door.key")
        )
    }

    fn connect(&self, address: SocketAddr) -> Idle {
        let mut stream = TcpStream::connect(address).expect("the door is open");
        let name = ServerName::try_from(NAME).expect("a name");
        let mut session = ClientConnection::new(Arc::clone(&self.config), name).expect("a session");
        while session.is_handshaking() {
            session.complete_io(&mut stream).expect("a handshake");
        }
        Idle::Tls(Box::new(session), stream)
    }
}

/// All connect at once, send some lines, and end. The door's own end says that a connection's lines are durable.
fn measure_storm(count: usize, report: &mut String) {
    let server = Server::start(SETTINGS);
    let address = server.address("tcp");
    let lines: Arc<[u8]> = (0..STORM_LINES)
        .map(|number| payload::event(number) + "\n")
        .collect::<String>()
        .into_bytes()
        .into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let before = server.read("tcp");
    let mut took = runtime.expect("a runtime").block_on(async {
        let begun = Instant::now();
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let lines = Arc::clone(&lines);
            connections.spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(address).await?;
                stream.write_all(&lines).await?;
                stream.shutdown().await?;
                stream.read_to_end(&mut Vec::new()).await?;
                Ok::<Duration, std::io::Error>(begun.elapsed())
            });
        }
        connections.join_all().await
    });
    let used = server.read("tcp").since(&before);
    let failed = took.extract_if(.., |took| took.is_err()).count();
    let mut took: Vec<Duration> = took.into_iter().flatten().collect();
    took.sort_unstable();
    let at = |share: f64| longest_of(&took, share).as_secs_f64();
    writeln!(
        report,
        "\n{count} connections at once, {STORM_LINES} lines each: {failed} failed, {} of {} lines durable; from the beginning \
         until a connection's lines are durable p50 {:.2} s, p99 {:.2} s, the slowest {:.2} s; {:.2} CPU s of the gateway.",
        used.events,
        count * STORM_LINES,
        at(0.5),
        at(0.99),
        at(1.0),
        used.cpu_seconds
    )
    .expect("a string");
}
