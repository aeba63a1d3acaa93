//! The platform is killed at random moments while senders of each protocol that acknowledges send to it. What was
//! acknowledged is there after the restarts; what carries an id of its own is there once.

mod support;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::cluster::free_port;
use support::rounds::{self, Dice, setting};
use support::{PATIENCE, Platform, eventually, eventually_counts};

const BATCHES: u32 = 300;
const BATCH_EVENTS: u32 = 60;
const KILLS: u32 = 4;
/// Without one an event that is sent again after midnight stands twice.
const TIME: &str = "\"timestamp\":\"2026-11-20T12:00:00Z\"";
/// How long a sender waits for an answer before it takes its connection for dead.
const ANSWER: Duration = Duration::from_secs(10);

#[test]
fn killed_at_random_moments_what_a_door_acknowledged_is_there() {
    rounds::run("MILLRACE_CRASH_SEED", setting("MILLRACE_CRASH_ROUNDS", 3), run_round);
}

/// How one batch is sent: it succeeds when it was acknowledged.
type Attempt = fn(&mut TcpStream, &str, u32) -> io::Result<()>;

const SENDERS: [(&str, Attempt); 3] =
    [("beats", send_window), ("bulk", send_bulk), ("otlp", send_otlp)];

fn run_round(mut dice: Dice) {
    let [http, beats] = [(); 2].map(|()| free_port());
    let arguments = ["--http-listen", &http.to_string(), "--beats-listen", &beats.to_string()];
    let mut platform = Platform::start(&arguments);
    let acknowledged = Arc::new(AtomicU64::new(0));
    let senders = SENDERS.map(|(name, send)| {
        let address = if name == "beats" { beats } else { http };
        let acknowledged = Arc::clone(&acknowledged);
        std::thread::spawn(move || send_all(address, name, send, &acknowledged))
    });
    // Each at a random moment of its part of the sending.
    let part = u64::from(BATCHES) * SENDERS.len() as u64 / u64::from(KILLS);
    for kill in 0..KILLS {
        let moment = u64::from(kill) * part + dice.next(part);
        eventually("the moment of a kill", || match acknowledged.load(Ordering::Relaxed) {
            batches if batches >= moment => Ok(()),
            batches => Err(format!("{batches} of {moment} batches")),
        });
        platform.kill();
        platform.restart();
    }
    for sender in senders {
        sender.join().expect("a sender ends");
    }
    let events = BATCHES * BATCH_EVENTS;
    let all = u64::from(events) * SENDERS.len() as u64;
    eventually_counts("the end of the line", all, || times_of_each(&platform).len() as u64);
    // A second time may still be under way when each is there once.
    rounds::balanced(&platform);
    let times = times_of_each(&platform);
    assert_eq!(times.len() as u64, all);
    let twice: Vec<_> =
        times.iter().filter(|(id, times)| id.starts_with("bulk") && **times > 1).take(5).collect();
    assert!(twice.is_empty(), "more than once: {twice:?}");
}

/// How often each event stands among the documents.
fn times_of_each(platform: &Platform) -> BTreeMap<String, u32> {
    let mut times = BTreeMap::new();
    for line in platform.ask(&rounds::every_event("1000000")).lines() {
        let document: Value = serde_json::from_str(line).expect("JSON");
        let id = document["event"]["id"].as_str().expect("an id").to_owned();
        *times.entry(id).or_default() += 1;
    }
    times
}

/// Sends every batch until it is acknowledged, over a new connection after each that broke.
fn send_all(address: SocketAddr, name: &str, send: Attempt, acknowledged: &AtomicU64) {
    let mut connection = None;
    for batch in 0..BATCHES {
        let begun = Instant::now();
        loop {
            let sent = match connection.take() {
                Some(connection) => Ok(connection),
                None => connect(address),
            };
            let sent = sent.and_then(|mut open| send(&mut open, name, batch).map(|()| open));
            match sent {
                Ok(open) => {
                    connection = Some(open);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{name}, batch {batch}: {error}"),
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

fn ids(name: &str, batch: u32) -> impl Iterator<Item = String> {
    (0..BATCH_EVENTS).map(move |event| format!("{name}-{batch}-{event}"))
}

fn put_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&u32::try_from(number).expect("a small number").to_be_bytes());
}

/// A window of Lumberjack 2, of which only the whole is acknowledged.
fn send_window(connection: &mut TcpStream, name: &str, batch: u32) -> io::Result<()> {
    let mut bytes = b"2W".to_vec();
    put_number(&mut bytes, BATCH_EVENTS as usize);
    for (index, id) in ids(name, batch).enumerate() {
        let event = format!("{{\"event_id\":\"{id}\",\"message\":\"placed\"}}");
        bytes.extend_from_slice(b"2J");
        put_number(&mut bytes, index + 1);
        put_number(&mut bytes, event.len());
        bytes.extend_from_slice(event.as_bytes());
    }
    connection.write_all(&bytes)?;
    loop {
        let mut ack = [0; 6];
        connection.read_exact(&mut ack)?;
        match ack {
            [b'2', b'A', 0, 0, 0, 0] => {}
            [b'2', b'A', rest @ ..] if u32::from_be_bytes(rest) == BATCH_EVENTS => return Ok(()),
            other => return Err(io::Error::other(format!("{other:?} is no acknowledgement"))),
        }
    }
}

/// Documents with ids of their own.
fn send_bulk(connection: &mut TcpStream, name: &str, batch: u32) -> io::Result<()> {
    let mut body = String::new();
    for id in ids(name, batch) {
        body += &format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"event_id\":\"{id}\",{TIME}}}\n");
    }
    let answer = post(connection, "/logs/_bulk", "application/x-ndjson", &body)?;
    if answer["errors"] == false { Ok(()) } else { Err(io::Error::other(answer.to_string())) }
}

/// Log records.
fn send_otlp(connection: &mut TcpStream, name: &str, batch: u32) -> io::Result<()> {
    let record = |id: String| {
        format!(
            "{{\"attributes\":[{{\"key\":\"event_id\",\"value\":{{\"stringValue\":\"{id}\"}}}}]}}"
        )
    };
    let records: Vec<String> = ids(name, batch).map(record).collect();
    let records = records.join(",");
    let body = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{records}]}}]}}]}}");
    let answer = post(connection, "/v1/logs", "application/json", &body)?;
    if answer == serde_json::json!({}) { Ok(()) } else { Err(io::Error::other(answer.to_string())) }
}

/// Posts a body and gives the answer of a request that succeeded.
fn post(
    connection: &mut TcpStream,
    path: &str,
    content_type: &str,
    body: &str,
) -> io::Result<Value> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: door\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    loop {
        let mut block = [0; 16 << 10];
        match connection.read(&mut block)? {
            0 => return Err(cut()),
            bytes => answer.extend_from_slice(&block[..bytes]),
        }
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).ok_or_else(cut)?;
        if body.len() < length {
            continue;
        }
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(text));
        }
        return serde_json::from_str(body).map_err(io::Error::other);
    }
}
