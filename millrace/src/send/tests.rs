//! Sending against a door that behaves, one that does not, and one that is away.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Cursor, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, Delivery, TOPIC_DEAD, TOPIC_RAW};
use pipeline::{Ledgers, Runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Options, Progress, Report, SendError, send};

fn options(address: SocketAddr) -> Options {
    Options {
        client: service::http_client::builder().build().unwrap(),
        url: format!("http://{address}"),
        token: Some("0123456789abcdef".to_owned()),
        key_prefix: "test".to_owned(),
        content_type: "application/x-ndjson",
        request_lines_max: 10,
        request_bytes_max: 1_000,
        requests_in_flight_max: 3,
        flush_after: None,
        give_up_after: Some(Duration::from_secs(30)),
    }
}

async fn send_text(text: &str, options: Options) -> Result<Report, SendError> {
    send(Cursor::new(text.to_owned().into_bytes()), options, Progress::hidden()).await
}

fn numbered(lines: std::ops::Range<u32>) -> String {
    lines.map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

/// A request as a door sees it.
#[derive(Clone, Debug)]
struct Seen {
    key: String,
    token: String,
    lines: Vec<String>,
}

impl Seen {
    /// The answer of a door that takes everything.
    fn accepted(&self) -> Option<String> {
        let body =
            format!("{{\"accepted\":{},\"refused\":[],\"refused_count\":0}}", self.lines.len());
        reply(200, "", &body)
    }
}

fn reply(status: u16, headers: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// A door that answers as it is told, with the number of the request; `None` closes the connection.
struct FakeDoor {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeDoor {
    async fn open(answer: impl Fn(usize, &Seen) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::open_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    fn open_on(
        listener: TcpListener,
        answer: impl Fn(usize, &Seen) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, all) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, all) = (Arc::clone(&answer), Arc::clone(&all));
                tokio::spawn(async move {
                    let mut stream = tokio::io::BufReader::new(stream);
                    let request = read_request(&mut stream).await;
                    let number = {
                        let mut all = all.lock().unwrap();
                        all.push(request.clone());
                        all.len()
                    };
                    if let Some(reply) = answer(number, &request) {
                        stream.write_all(reply.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut tokio::io::BufReader<TcpStream>) -> Seen {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let text = String::from_utf8(body).unwrap();
    Seen {
        key: headers["idempotency-key"].clone(),
        token: headers["authorization"].clone(),
        lines: text.lines().map(str::to_owned).collect(),
    }
}

#[tokio::test]
async fn requests_are_cut_at_lines_and_have_keys_of_their_own() {
    let door = FakeDoor::open(|_, seen| seen.accepted()).await;
    let long = "x".repeat(2_000);
    let input = format!("{}{long}\nlast", numbered(0..25));
    let report = send_text(&input, options(door.address)).await.unwrap();
    assert_eq!((report.accepted, report.bytes), (27, input.len() as u64));
    let seen = door.seen();
    let mut shapes: Vec<_> = seen.iter().map(|s| (s.key.as_str(), s.lines.len())).collect();
    shapes.sort_unstable();
    let expected = [("test-0", 10), ("test-1", 10), ("test-2", 5), ("test-3", 1), ("test-4", 1)];
    assert_eq!(shapes, expected, "a long line travels alone");
    assert!(seen.iter().all(|request| request.token == "Bearer 0123456789abcdef"));
}

#[tokio::test]
async fn an_unanswered_request_is_sent_again_with_its_key() {
    // A connection that breaks after the request, then an overloaded server, then one in need of time.
    let door = FakeDoor::open(|number, seen| match number {
        1 => None,
        2 => reply(429, "", "{}"),
        3 => reply(500, "", "what"),
        4 => reply(503, "retry-after: 1\r\n", "{\"detail\":\"busy\",\"accepted\":1}"),
        _ => seen.accepted(),
    })
    .await;
    let begun = Instant::now();
    let report = send_text(&numbered(0..10), options(door.address)).await.unwrap();
    assert_eq!(report.accepted, 10, "what was accepted before the answer is not counted twice");
    assert!(begun.elapsed() >= Duration::from_secs(1), "it waits as long as it is asked to");
    let seen = door.seen();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|request| request.key == "test-0" && request.lines.len() == 10));
}

#[tokio::test]
async fn a_server_that_is_away_and_comes_back_gets_everything_once() {
    let closed = closed_port();
    let address = closed.local_addr().unwrap();
    let sending = tokio::spawn(send_text_owned(numbered(0..200), options(address)));
    // Some tries meet nobody; how many does not matter.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let door = FakeDoor::open_on(
        listener,
        |number, seen| {
            if number % 3 == 0 { None } else { seen.accepted() }
        },
    );
    let report = sending.await.unwrap().unwrap();
    assert_eq!((report.accepted, report.refused), (200, 0));
    let mut once = BTreeMap::new();
    for request in door.seen() {
        let earlier = once.insert(request.key.clone(), request.lines.clone());
        assert!(earlier.is_none_or(|lines| lines == request.lines), "a key names the same lines");
    }
    let lines: BTreeSet<String> = once.values().flatten().cloned().collect();
    assert_eq!((once.len(), lines.len()), (20, 200));
}

/// An address that refuses connections until it listens, and that nobody else can take.
fn closed_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

async fn send_text_owned(text: String, options: Options) -> Result<Report, SendError> {
    send_text(&text, options).await
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up_when_asked_to() {
    let closed = closed_port();
    let address = closed.local_addr().unwrap();
    let give_up_after = Some(Duration::from_millis(200));
    let error = send_text("{}\n", Options { give_up_after, ..options(address) }).await.unwrap_err();
    assert!(matches!(error, SendError::Away { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_wrong_token_ends_it_at_once_with_what_the_door_says() {
    let door = FakeDoor::open(|_, _| reply(401, "", "{\"detail\":\"send a token\"}")).await;
    let error = send_text("{}\n", options(door.address)).await.unwrap_err();
    assert_eq!(error.to_string(), "the server refuses: 401 Unauthorized: send a token");
    assert_eq!(door.seen().len(), 1);
}

#[tokio::test]
async fn a_body_that_was_not_read_to_its_end_is_not_taken_for_an_answer() {
    let text = "{\"detail\":\"the body cannot be read\",\"accepted\":3,\"refused_count\":0}";
    let door = FakeDoor::open(move |_, _| reply(400, "", text)).await;
    let error = send_text(&numbered(0..5), options(door.address)).await.unwrap_err();
    assert!(error.to_string().ends_with("400 Bad Request: the body cannot be read"), "{error}");

    let text = "{\"detail\":\"reading stopped at line 4\",\"accepted\":0,\"refused_count\":3,\"stopped_at_line\":4}";
    let door = FakeDoor::open(move |_, _| reply(400, "", text)).await;
    let error = send_text(&numbered(0..5), options(door.address)).await.unwrap_err();
    assert!(error.to_string().ends_with("400 Bad Request: reading stopped at line 4"), "{error}");
}

#[tokio::test]
async fn what_is_too_much_for_one_request_becomes_several() {
    let door = FakeDoor::open(|_, seen| {
        let fits = seen.lines.len() <= 3 && !seen.lines.iter().any(|line| line.contains("7"));
        if fits { seen.accepted() } else { reply(413, "", "{\"detail\":\"too large\"}") }
    })
    .await;
    let report = send_text(&numbered(0..10), options(door.address)).await.unwrap();
    assert_eq!((report.accepted, report.refused), (9, 1));
    assert_eq!(report.refused_by_kind["too_large"], 1);
    assert_eq!(report.refused_lines[0].0, 8, "the eighth line of the input");
    let keys: BTreeSet<String> = door.seen().into_iter().map(|request| request.key).collect();
    assert!(keys.contains("test-0aa") && keys.contains("test-0b"), "{keys:?}");
}

/// An input that gives a line and then nothing, until it is let go.
struct Slow {
    first: Cursor<Vec<u8>>,
    end: std::sync::mpsc::Receiver<()>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match Read::read(&mut self.first, buffer)? {
            0 => match self.end.recv() {
                Ok(()) | Err(_) => Ok(0),
            },
            read => Ok(read),
        }
    }
}

#[tokio::test]
async fn a_line_of_a_slow_input_does_not_wait_for_others() {
    let door = FakeDoor::open(|_, seen| seen.accepted()).await;
    let (let_go, end) = std::sync::mpsc::channel();
    let input = Slow { first: Cursor::new(b"{\"n\":1}\n{\"half".to_vec()), end };
    let flush_after = Some(Duration::from_millis(20));
    let options = Options { flush_after, ..options(door.address) };
    let sending = tokio::spawn(send(BufReader::new(input), options, Progress::hidden()));
    while door.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(!sending.is_finished());
    }
    assert_eq!(door.seen()[0].lines, ["{\"n\":1}"]);
    let_go.send(()).unwrap();
    assert_eq!(sending.await.unwrap().unwrap().accepted, 2);
    assert_eq!(door.seen()[1].lines, ["{\"half"]);
}

#[tokio::test]
async fn the_real_door_takes_everything_once_however_often_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let log = LogConfig { disk_reserve_bytes: 0, ..LogConfig::default() };
    let topics = [log.topic(TOPIC_RAW, &[]), log.topic(TOPIC_DEAD, &[])];
    let embedded = Arc::new(EmbeddedBus::open(folder.path(), log).unwrap());
    embedded.ensure_topics(&topics).await.unwrap();
    let mut config = ingest_gateway::Config {
        ingest_token: Some(access::IngestToken::new("0123456789abcdef").unwrap()),
        ..ingest_gateway::Config::default().closed()
    };
    config.http.listen = "127.0.0.1:0".parse().unwrap();
    let bound = ingest_gateway::bind(config).unwrap();
    let address = bound.http_address().unwrap();
    let context = service::Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: embedded.clone(), ledgers, context: context.clone() };
    let stores = ingest_gateway::Stores::default();
    let serving = tokio::spawn(ingest_gateway::run(bound, runtime, stores));

    let input = format!("{}not json\n\n[1]\n{}", numbered(0..95), numbered(95..100));
    for _ in 0..2 {
        let report = send_text(&input, options(address)).await.unwrap();
        assert_eq!((report.accepted, report.refused, report.not_durable), (100, 2, false));
        let kinds: Vec<_> = report.refused_by_kind.into_iter().collect();
        assert_eq!(kinds, [("not_an_object".to_owned(), 2)]);
        let mut lines: Vec<u64> = report.refused_lines.iter().map(|(line, _)| *line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [96, 98], "numbers of the input");
    }
    let mut consumer = embedded.subscribe("test", &[TOPIC_RAW]).await.unwrap();
    let (mut records, mut ids) = (0, BTreeSet::new());
    while records < 200 {
        if let Delivery::Batch(batch) = consumer.next().await.unwrap() {
            records += batch.records.len();
            ids.extend(batch.records.iter().map(|positioned| positioned.record.id));
        }
    }
    assert_eq!(ids.len(), 100, "both runs gave the same ids");
    context.shutdown.cancel();
    serving.await.unwrap().unwrap();
}
