//! Hostile senders against the real binary with all of its services: an attack of each kind, while somebody who means
//! well is served, and while the process's memory is looked at. What each kind of attack can be in detail is tested
//! where the doors are (`ingest-gateway/tests/hostile`).

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use millrace::up::Addresses;
use support::{PATIENCE, Platform, eventually};
use tokio::net::TcpSocket;

/// What the doors may hold, and short times.
const SETTINGS: [&str; 7] = [
    "ingest_gateway.connections_per_address_max=400",
    "ingest_gateway.memory_bytes_max=32MiB",
    "ingest_gateway.http.message_bytes_max=4MiB",
    "ingest_gateway.http.idle_timeout=2s",
    "ingest_gateway.tcp.framing=auto",
    "ingest_gateway.tcp.line_timeout=5s",
    "ingest_gateway.beats.idle_timeout=2s",
];
/// The longest that nine of ten exchanges may take.
const SERVED_WITHIN: Duration = Duration::from_secs(1);
/// How much more than before may be resident: the doors' 32 MiB, what the kernel and the allocator round up, and what
/// the stages need for the dead letters that come of the attacks.
const RISE_BYTES_MAX: u64 = 128 << 20;

/// An attack, and the lines of the metrics that count it.
type Attack = (&'static str, fn(&Addresses), &'static [&'static str]);

const ATTACKS: [Attack; 14] = [
    (
        "bodies that grow",
        bombs,
        &["millrace_gateway_limit_hits_total{door=\"http\",limit=\"decompress_limit\"}"],
    ),
    (
        "a line without end",
        endless_line,
        &["millrace_door_refused_records_total{door=\"tcp\",kind=\"too_large\"}"],
    ),
    (
        "lengths of four gigabytes",
        false_lengths,
        &["millrace_gateway_limit_hits_total{door=\"beats\",limit=\"frame_length\"}"],
    ),
    (
        "half lines and half heads",
        halves,
        &[
            "millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"idle_timeout\"}",
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"idle_timeout\"}",
        ],
    ),
    (
        "resets without end",
        rapid_reset,
        &["millrace_gateway_limit_hits_total{door=\"http\",limit=\"protocol\"}"],
    ),
    ("datagrams without end", datagrams, &["millrace_gateway_received_bytes_total{door=\"udp\"}"]),
    (
        "compressed frames within each other",
        nested_frames,
        &["millrace_gateway_limit_hits_total{door=\"beats\",limit=\"nested_compression\"}"],
    ),
    (
        "values within each other without end",
        deep_values,
        &[
            "millrace_door_refused_records_total{door=\"http\",kind=\"too_deep\"}",
            "millrace_stage_dead_records_total{stage=\"enricher\",kind=\"too_deep\"}",
        ],
    ),
    (
        "objects of countless keys",
        many_keys,
        &["millrace_door_refused_records_total{door=\"http\",kind=\"too_many_fields\"}"],
    ),
    (
        "bytes that are no text",
        strange_bytes,
        &["millrace_door_refused_records_total{door=\"http\",kind=\"invalid_utf8\"}"],
    ),
    (
        "counts of octets that are none",
        octet_counts,
        &[
            "millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"framing\"}",
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"body_bytes\"}",
        ],
    ),
    (
        "names that look like paths",
        names,
        &["millrace_gateway_refused_requests_total{code=\"400\",door=\"http\"}"],
    ),
    (
        "guessed tokens, and requests within requests",
        guesses_and_smuggling,
        &["millrace_gateway_refused_senders_total{door=\"http\",reason=\"unknown_token\"}"],
    ),
    (
        "connections without end from one address",
        many_connections,
        &["millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"connections_per_address\"}"],
    ),
];

#[test]
fn hostile_senders_are_refused_and_counted_while_others_are_served() {
    let settings = SETTINGS.iter().flat_map(|setting| ["--set", *setting]);
    let arguments: Vec<&str> =
        ["--beats-listen", "127.0.0.1:0"].into_iter().chain(settings).collect();
    let platform = Platform::start(&arguments);
    let addresses = &platform.addresses;
    for (name, attack, counted_by) in ATTACKS {
        let before: Vec<f64> = counted_by.iter().map(|metric| value(&platform, metric)).collect();
        let watch = Watch::begin(&platform);
        attack(addresses);
        let (most, rise_bytes) = watch.end();
        assert!(most < SERVED_WITHIN, "{name}: one in ten waited for {most:?} or longer");
        assert!(rise_bytes < RISE_BYTES_MAX, "{name}: {rise_bytes} bytes");
        for (metric, before) in counted_by.iter().zip(before) {
            eventually(name, || match value(&platform, metric) {
                now if now > before => Ok(()),
                now => Err(format!("{metric} is {now}")),
            });
        }
    }
    assert!(platform.status().is_object(), "the process is still the same");
}

/// The value of a metric; 0 where it is not counted yet.
fn value(platform: &Platform, metric: &str) -> f64 {
    let metrics = platform.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

/// Somebody who is served meanwhile, and somebody who looks at the memory.
struct Watch {
    stop: Arc<AtomicBool>,
    served: JoinHandle<Vec<Duration>>,
    resident: JoinHandle<u64>,
    before_bytes: u64,
}

impl Watch {
    fn begin(platform: &Platform) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let process = platform.process_id();
        let before_bytes = resident_bytes(process);
        let door = platform.addresses.http.expect("an HTTP door");
        let (stopped, looked) = (Arc::clone(&stop), Arc::clone(&stop));
        let served = thread::spawn(move || {
            let mut times = Vec::new();
            while !stopped.load(Ordering::Relaxed) || times.is_empty() {
                let begun = Instant::now();
                let answer = talk(
                    door,
                    b"POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                    content-length: 15\r\n\r\n{\"bystander\":1}",
                );
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                times.push(begun.elapsed());
                thread::park_timeout(Duration::from_millis(5));
            }
            times
        });
        let resident = thread::spawn(move || {
            let mut most = 0;
            while !looked.load(Ordering::Relaxed) {
                most = most.max(resident_bytes(process));
                thread::park_timeout(Duration::from_millis(5));
            }
            most
        });
        Self { stop, served, resident, before_bytes }
    }

    /// The longest of nine in ten exchanges, and how much the memory rose at most.
    fn end(self) -> (Duration, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.served.join().expect("the bystander is served");
        times.sort_unstable();
        let most_bytes = self.resident.join().expect("the process is there");
        (times[times.len() * 9 / 10], most_bytes.saturating_sub(self.before_bytes))
    }
}

fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("a line of memory") << 10
}

/// Sends bytes, and gives what comes until the door closes. A reset counts as an end.
fn talk(door: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(door).expect("the door is open");
    drop(stream.write_all(bytes));
    rest(&mut stream)
}

fn rest(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    String::from_utf8_lossy(&rest).into_owned()
}

/// Connections from another address of this machine than the bystander's, whose memory is another share.
fn connect_all(door: SocketAddr, count: usize) -> Vec<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let connect = async {
        let mut streams = Vec::new();
        for _ in 0..count {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).expect("an address");
            let stream = socket.connect(door).await.expect("the door is open");
            streams.push(stream.into_std().expect("a socket"));
        }
        streams
    };
    let streams = runtime.expect("a runtime").block_on(connect);
    for stream in &streams {
        stream.set_nonblocking(false).expect("a setting of every socket");
    }
    streams
}

fn bombs(addresses: &Addresses) {
    let zstd = zstd::encode_all(std::io::repeat(0).take(1 << 30), 1).expect("a buffer");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::repeat(b' ').take(256 << 20), &mut gzip).expect("a buffer");
    let gzip = gzip.finish().expect("a buffer");
    for (path, encoding, bomb) in [("/v1/logs", "zstd", &zstd), ("/_bulk", "gzip", &gzip)] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-encoding: {encoding}\r\n\
             content-length: {}\r\n\r\n",
            bomb.len()
        );
        let door = addresses.http.expect("an HTTP door");
        let answer = talk(door, &[head.as_bytes(), bomb].concat());
        assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
    }
}

fn endless_line(addresses: &Addresses) {
    let mut stream = TcpStream::connect(addresses.tcp.expect("a TCP door")).expect("it is open");
    let block = vec![b'x'; 1 << 20];
    for _ in 0..128 {
        stream.write_all(&block).expect("the door reads on");
    }
    stream.write_all(b"\n").expect("the door reads on");
    stream.shutdown(Shutdown::Write).expect("an end");
    assert_eq!(rest(&mut stream), "");
}

fn false_lengths(addresses: &Addresses) {
    let door = addresses.beats.expect("a Beats door");
    for frame in
        [&b"2W\0\0\0\x012J\0\0\0\x01\xff\xff\xff\xff{"[..], b"2W\0\0\0\x012C\xff\xff\xff\xff"]
    {
        assert_eq!(talk(door, frame), "", "it is closed without an acknowledgement");
    }
}

fn halves(addresses: &Addresses) {
    let half_line = vec![b'x'; 100 << 10];
    let half_head = format!("POST /v1/logs HTTP/1.1\r\nx: {}", "y".repeat(8 << 10));
    let mut lines = connect_all(addresses.tcp.expect("a TCP door"), 150);
    let mut heads = connect_all(addresses.http.expect("an HTTP door"), 150);
    for stream in &mut lines {
        drop(stream.write_all(&half_line));
    }
    for stream in &mut heads {
        drop(stream.write_all(half_head.as_bytes()));
    }
    // They are sent away, and say nothing meanwhile.
    lines.iter_mut().chain(&mut heads).for_each(|stream| drop(rest(stream)));
}

fn rapid_reset(addresses: &Addresses) {
    let door = addresses.http.expect("an HTTP door");
    let mut stream = TcpStream::connect(door).expect("it is open");
    let frame = |kind: u8, flags: u8, id: u32, payload: &[u8]| {
        let head = [0, 0, payload.len() as u8, kind, flags];
        [&head[..], &id.to_be_bytes(), payload].concat()
    };
    let opening = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, b"")].concat();
    stream.write_all(&opening).expect("the door reads");
    let mut sent = 0;
    while sent < 200_000 {
        let id = 2 * sent + 1;
        // POST / from the static table of HPACK, and the reset right behind it.
        let request = frame(1, 4, id, b"\x83\x86\x84\x41\x01a");
        if stream.write_all(&[request, frame(3, 0, id, &[0, 0, 0, 8])].concat()).is_err() {
            break;
        }
        sent += 1;
    }
    assert!(sent < 200_000, "the door takes resets without end");
}

fn datagrams(addresses: &Addresses) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let door = addresses.udp.expect("a UDP door");
    for _ in 0..100_000 {
        socket.send_to(b"\n\n\n", door).expect("it is sent");
    }
    socket.set_nonblocking(true).expect("a setting of every socket");
    let answer = socket.recv(&mut [0; 16]).expect_err("datagrams are never answered");
    assert_eq!(answer.kind(), std::io::ErrorKind::WouldBlock);
}

/// What the HTTP door answers to a body, with further lines of the head.
fn post(addresses: &Addresses, path: &str, lines: &str, body: &[u8]) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n",
        body.len()
    );
    talk(addresses.http.expect("an HTTP door"), &[head.as_bytes(), body].concat())
}

/// Sends lines over TCP and ends the connection as it should be; what the door says.
fn lines(addresses: &Addresses, lines: &[u8]) -> String {
    let mut stream = TcpStream::connect(addresses.tcp.expect("a TCP door")).expect("it is open");
    drop(stream.write_all(lines));
    // A door that could not tell frames apart has closed it already.
    drop(stream.shutdown(Shutdown::Write));
    rest(&mut stream)
}

fn nested_frames(addresses: &Addresses) {
    let compressed = |frames: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(frames).expect("a buffer");
        let stream = encoder.finish().expect("a buffer");
        [&b"2C"[..], &(stream.len() as u32).to_be_bytes(), &stream].concat()
    };
    let mut frames = b"2J\0\0\0\x01\0\0\0\x02{}".to_vec();
    for _ in 0..100 {
        frames = compressed(&frames);
    }
    let door = addresses.beats.expect("a Beats door");
    let window = b"2W\0\0\0\x01".as_slice();
    assert_eq!(talk(door, &[window, &frames].concat()), "", "no acknowledgement");
}

fn deep_values(addresses: &Addresses) {
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    let as_lines = "content-type: application/x-ndjson\r\n";
    let answer = post(addresses, "/v1/logs", as_lines, deep.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(lines(addresses, deep.as_bytes()), "");
}

fn many_keys(addresses: &Addresses) {
    // A million of them are longer than a line may be.
    for count in [1_000_000, 60_000] {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        let object = format!("{{{}}}", members.join(","));
        let answer = post(addresses, "/v1/logs", "", object.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{count}: {answer}");
    }
}

fn strange_bytes(addresses: &Addresses) {
    let strange =
        b"{\"a\":\"\xff\xfe \xed\xa0\x80 \xc0\xaf\"}\n{\"a\":\"\x00 \x1b[31m\"}\n".repeat(500);
    let as_lines = "content-type: application/x-ndjson\r\n";
    let answer = post(addresses, "/v1/logs", as_lines, &strange);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(!answer.contains('\u{1b}'), "nothing is told back that changes a terminal");
    assert_eq!(lines(addresses, &strange), "");
}

fn octet_counts(addresses: &Addresses) {
    for count in ["99999999999", "18446744073709551616", "999999999", "-5", "+5", "0", "007"] {
        assert_eq!(lines(addresses, format!("{count} <13>a\n").as_bytes()), "", "{count}");
    }
    let door = addresses.http.expect("an HTTP door");
    for (length, status) in [("99999999999", "413"), ("-5", "400"), ("7, 8", "400")] {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\n\r\n"
        );
        let answer = talk(door, head.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
}

fn names(addresses: &Addresses) {
    for name in ["../../etc/passwd", "*,-x", "line\\nfeed", "nul\\u0000", "${jndi:ldap://a/b}"] {
        let body = format!(
            "{{\"index\":{{\"_index\":\"{name}\",\"_id\":\"{name}\"}}}}\n\
             {{\"shop\":\"{name}\",\"organization\":{{\"id\":\"{name}\"}},\"type\":\"{name}\"}}\n"
        );
        // A credential that is no shop's is nothing to an open door.
        let token = format!("authorization: Bearer {name}\r\nx-shop: {name}\r\n");
        let answer = post(addresses, "/_bulk", &token, body.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        assert!(answer.contains("\"status\":201"), "{name}: {answer}");
    }
    let long = format!("{{\"index\":{{\"_index\":\"{}\"}}}}\n{{}}\n", "A".repeat(300));
    let answer = post(addresses, "/_bulk", "", long.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

fn guesses_and_smuggling(addresses: &Addresses) {
    let door = addresses.http.expect("an HTTP door");
    // The store is asked for all of them together, so they come together.
    let mut guessers = connect_all(door, 100);
    for (number, stream) in guessers.iter_mut().enumerate() {
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
             authorization: Bearer mrt_{number:043}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).expect("the door reads");
    }
    for stream in &mut guessers {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }

    let inner = "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 14\r\n\r\n{\"smuggled\":1}";
    for (heads, status) in [
        ("content-length: 0\r\ncontent-length: 5\r\n\r\n", "400"),
        ("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
        // Chunks count, and the connection ends (RFC 9112, 6.1).
        ("content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "200"),
    ] {
        let request = format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{heads}{inner}");
        let answer = talk(door, request.as_bytes());
        // A door that has more to read than it wants may reset the connection before the answer is read.
        let is_as_it_should =
            answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}"));
        assert!(is_as_it_should && answer.matches("HTTP/1.1 ").count() <= 1, "{heads}: {answer}");
    }
}

fn many_connections(addresses: &Addresses) {
    let mut streams = connect_all(addresses.tcp.expect("a TCP door"), 600);
    // Those beyond what one address may have are sent away, and do not wait.
    for stream in streams.iter_mut().skip(500) {
        assert_eq!(rest(stream), "");
    }
}
