//! Events through each door to the durable log: events a CPU second of the gateway's process, the kernel's share
//! included, and how long a request waits for its acknowledgement.
//!
//! `cargo bench -p benches --bench doors_speed -- [--seconds N] [--connections N] [THEME...]`, 8 seconds for each theme
//! and all of them if absent. Prints tables for `benches/results`. Events have some 550 to 620 bytes, as a shop's have;
//! the log is the embedded one with `fsync = "batch"` on the disk of the system's folder for temporary files. Before each
//! theme as much memory is touched as its log will have.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use benches::doors::arguments::Arguments;
use benches::doors::longest_of;
use benches::doors::payload::{self, DATAGRAM_BYTES, EVENTS};
use benches::doors::sender::{self, Senders};
use benches::doors::server::{Server, Used, serve_if_told};
use benches::doors::warm_memory::warm_memory;
use bytes::Bytes;

/// The acknowledgement's time at half of what was reached.
const ACK: &str = "ack";
/// Datagrams in bursts.
const UDP: &str = "udp";
/// Datagrams of a burst, and how many of these come a second.
const BURST: usize = 50_000;
const BURSTS_PER_SECOND: u32 = 8;
/// Connections of the theme `ack`: many enough that none waits for another.
const ACK_CONNECTIONS: usize = 16;
/// How long no more datagrams are taken in once none is left.
const QUIET: Duration = Duration::from_millis(500);
/// What passes before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// What one thread sends until it is told to stop, by its number.
type Sending = Box<dyn Fn(usize, &AtomicBool) + Send + Sync>;

/// A door, and what is sent to it.
struct Theme {
    name: &'static str,
    /// Its name in ledgers, and whose address it is.
    door: &'static str,
    what: &'static str,
    send: fn(&Server) -> Sending,
}

const THEMES: [Theme; 11] = [
    Theme { name: "tcp", door: "tcp", what: "lines over TCP", send: lines },
    Theme { name: "syslog", door: "syslog", what: "RFC 5424 over TCP", send: syslog },
    Theme { name: "http", door: "http", what: "lines over HTTP", send: http },
    Theme { name: "http-gzip", door: "http", what: "lines over HTTP, gzip", send: http_gzip },
    Theme {
        name: "http-keyed",
        door: "http",
        what: "lines over HTTP, with keys",
        send: http_keyed,
    },
    Theme { name: "bulk", door: "http", what: "`_bulk`", send: bulk },
    Theme { name: "beats", door: "beats", what: "Lumberjack 2", send: beats },
    Theme { name: "beats-zlib", door: "beats", what: "Lumberjack 2, compressed", send: beats_zlib },
    Theme { name: "otlp", door: "http", what: "OTLP over HTTP, protobuf", send: otlp },
    Theme { name: "grpc", door: "http", what: "OTLP over gRPC", send: grpc },
    Theme {
        name: "otlp-gzip",
        door: "http",
        what: "OTLP over HTTP, protobuf, gzip",
        send: otlp_gzip,
    },
];

fn lines(server: &Server) -> Sending {
    let (address, block) = (server.address("tcp"), payload::lines());
    Box::new(move |_, stop| sender::pour(address, &block, stop))
}

fn syslog(server: &Server) -> Sending {
    let (address, block) = (server.address("syslog"), payload::syslog());
    Box::new(move |_, stop| sender::pour(address, &block, stop))
}

/// A request that is sent again and again.
fn repeated(server: &Server, path: &str, headers: &str, body: &[u8]) -> Sending {
    let (address, request) = (server.address("http"), payload::post(path, headers, body));
    Box::new(move |_, stop| sender::requests(address, &request, stop))
}

fn http(server: &Server) -> Sending {
    repeated(server, "/v1/logs", "", &payload::lines())
}

fn http_gzip(server: &Server) -> Sending {
    let body = payload::gzip(&payload::lines());
    repeated(server, "/v1/logs", "content-encoding: gzip\r\n", &body)
}

fn http_keyed(server: &Server) -> Sending {
    let (address, body) = (server.address("http"), payload::lines());
    Box::new(move |number, stop| sender::keyed_requests(address, &body, number, stop))
}

fn bulk(server: &Server) -> Sending {
    repeated(server, "/_bulk", "content-type: application/x-ndjson\r\n", &payload::bulk())
}

fn otlp(server: &Server) -> Sending {
    let headers = "content-type: application/x-protobuf\r\n";
    repeated(server, "/v1/logs", headers, &payload::export())
}

fn otlp_gzip(server: &Server) -> Sending {
    let headers = "content-type: application/x-protobuf\r\ncontent-encoding: gzip\r\n";
    repeated(server, "/v1/logs", headers, &payload::gzip(&payload::export()))
}

fn beats(server: &Server) -> Sending {
    let (address, window) = (server.address("beats"), payload::window(false));
    Box::new(move |_, stop| sender::windows(address, &window, stop))
}

fn beats_zlib(server: &Server) -> Sending {
    let (address, window) = (server.address("beats"), payload::window(true));
    Box::new(move |_, stop| sender::windows(address, &window, stop))
}

fn grpc(server: &Server) -> Sending {
    let message = payload::export();
    let length = u32::try_from(message.len()).expect("a small message").to_be_bytes();
    let message = Bytes::from([&[0][..], &length, &message].concat());
    let address = server.address("http");
    Box::new(move |_, stop| sender::calls(address, &message, stop))
}

fn main() {
    if serve_if_told() {
        return;
    }
    let mut known: Vec<&str> = THEMES.iter().map(|theme| theme.name).collect();
    known.extend([UDP, ACK]);
    let arguments = Arguments::read(&known);
    let connections = arguments.connections.unwrap_or(4);
    let mut report = format!(
        "{connections} connections, {} s each, events of {} bytes, {EVENTS} in a request or window.\n\n",
        arguments.time.as_secs_f64(),
        payload::event(EVENTS - 1).len()
    );
    report += "| what | events a CPU second | events a second | CPU s of the sender for one of the gateway |\n\
               |---|---|---|---|\n";
    for theme in THEMES.iter().filter(|theme| arguments.wants(theme.name)) {
        let used = measure(theme, connections, arguments.time);
        put(&mut report, theme.what, &used);
    }
    if arguments.wants(UDP) {
        measure_datagrams(&arguments, &mut report);
    }
    if arguments.wants(ACK) {
        measure_acknowledgement(&arguments, &mut report);
    }
    std::io::stdout().write_all(report.as_bytes()).expect("a report");
}

fn put(report: &mut String, what: &str, used: &Used) {
    writeln!(
        report,
        "| {what} | {:.0} | {:.0} | {:.2} |",
        used.events / used.cpu_seconds,
        used.events / used.seconds,
        used.sender_cpu_seconds / used.cpu_seconds
    )
    .expect("a string");
}

/// Sends as much as is taken, and gives what that cost.
fn measure(theme: &Theme, connections: usize, time: Duration) -> Used {
    warm_memory(time + WARM_UP);
    let server = Server::start("");
    let send: Arc<Sending> = Arc::new((theme.send)(&server));
    let senders = Senders::start(connections, move |number, stop| send(number, stop));
    std::thread::sleep(WARM_UP.min(time));
    let before = server.read(theme.door);
    std::thread::sleep(time);
    let used = server.read(theme.door).since(&before);
    senders.stop();
    used
}

/// Sends datagrams in bursts, waits until all are accounted for, and says how many the kernel dropped.
fn measure_datagrams(arguments: &Arguments, report: &mut String) {
    let burst = if arguments.is_test { 1_000 } else { BURST };
    let buffer = payload::datagrams(burst);
    let bursts = (arguments.time.as_secs_f64() * f64::from(BURSTS_PER_SECOND)).ceil() as u32;
    warm_memory(arguments.time);
    let server = Server::start("");
    let before = server.read("udp");
    let interval = Duration::from_secs(1) / BURSTS_PER_SECOND;
    sender::datagrams(server.address("udp"), &buffer, bursts, interval).expect("it is sent");
    let sent = burst as u64 * u64::from(bursts);
    let taken = taken(&server, sent);
    let used = server.read("udp").since(&before);
    put(report, &format!("datagrams of {DATAGRAM_BYTES} bytes"), &used);
    writeln!(
        report,
        "\nUDP: {sent} datagrams in {bursts} bursts of {burst}, {BURSTS_PER_SECOND} a second; {} were lost.",
        sent - taken
    )
    .expect("a string");
}

/// How many datagrams were taken in once all were, or no more come. What the kernel drops is no sum of them: it counts
/// some that it kept together as one.
fn taken(server: &Server, sent: u64) -> u64 {
    let mut before = 0;
    loop {
        std::thread::sleep(QUIET);
        let taken = server.accepted("udp");
        if taken >= sent || taken > 0 && taken == before {
            return taken;
        }
        before = taken;
    }
}

/// Sends requests at half of the pace that was reached, and says how long they took.
fn measure_acknowledgement(arguments: &Arguments, report: &mut String) {
    let most = measure(&THEMES[2], arguments.connections.unwrap_or(4), arguments.time);
    let events_per_second = most.events / most.seconds / 2.0;
    warm_memory(arguments.time + WARM_UP);
    let server = Server::start("");
    let request: Arc<[u8]> = payload::post("/v1/logs", "", &payload::lines()).into();
    let (address, pace) = (server.address("http"), (events_per_second / EVENTS as f64).max(1.0));
    // The first requests find nothing warm.
    drop(sender::paced_requests(address, &request, ACK_CONNECTIONS, pace, WARM_UP));
    let before = server.read("http");
    let mut took = sender::paced_requests(address, &request, ACK_CONNECTIONS, pace, arguments.time);
    let used = server.read("http").since(&before);
    took.sort_unstable();
    let at = |share: f64| longest_of(&took, share).as_secs_f64() * 1e3;
    writeln!(
        report,
        "\nAcknowledgement of requests of {EVENTS} lines over HTTP at {events_per_second:.0} events a second, half of what was \
         reached: p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms; {:.0} events a CPU second.",
        at(0.5),
        at(0.99),
        at(1.0),
        used.events / used.cpu_seconds
    )
    .expect("a string");
}
