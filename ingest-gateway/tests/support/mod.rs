//! A whole gateway on free ports in front of a log in memory that can be told to have no room.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod callers;
pub(crate) mod certificate;
pub(crate) mod lumberjack;
pub(crate) mod otlp;
pub(crate) mod shops;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::IngestToken;
use async_trait::async_trait;
use bus::{
    Bus, BusError, Consumer, ErrorKind, PartitionLag, Position, Record, TOPIC_DEAD, TOPIC_RAW,
    TopicSpec,
};
use ingest_gateway::{Config, FurtherDoor, GatewayError, Listen, Stores, bind, run};
use pipeline::{DeadLetter, DoorSnapshot, Ledgers, Runtime};
use service::{Context, http_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long anything may take that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What senders show to a gateway that was started [with a token](Gateway::start_with_token).
pub(crate) const TOKEN: &str = "0123456789abcdef";

/// What the log says of a disk that is full.
pub(crate) const FULL: &str = "bus.log.disk_reserve_bytes keeps 9 free";

/// What the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// It answers that there is no room.
    Full,
    /// It does not answer.
    Hangs,
}

/// A log in memory.
pub(crate) struct MemoryBus {
    mode: watch::Sender<Mode>,
    published: Mutex<Vec<(String, Record)>>,
    /// Whether it keeps nothing of what it is given.
    forgets: bool,
    pub(crate) warning: Option<String>,
    /// How long it takes for one batch; it takes one at a time then.
    pub(crate) pace: Option<Duration>,
    turn: tokio::sync::Mutex<()>,
    batches: AtomicU64,
}

impl MemoryBus {
    pub(crate) fn new() -> Self {
        let (mode, _) = watch::channel(Mode::Works);
        Self {
            mode,
            published: Mutex::default(),
            forgets: false,
            warning: None,
            pace: None,
            turn: tokio::sync::Mutex::default(),
            batches: AtomicU64::new(0),
        }
    }

    /// One that keeps nothing of what it is given, so that a flood can be long.
    pub(crate) fn forgetful() -> Self {
        Self { forgets: true, ..Self::new() }
    }

    /// Batches that it was given and has answered.
    pub(crate) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    fn of_topic(&self, topic: &str) -> Vec<Record> {
        let published = self.published.lock().unwrap();
        published.iter().filter(|(at, _)| at == topic).map(|(_, record)| record.clone()).collect()
    }

    /// Accepted records, in order.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.of_topic(TOPIC_RAW)
    }

    /// Payloads of accepted records as text, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |record: &Record| String::from_utf8_lossy(&record.payload).into_owned();
        self.records().iter().map(text).collect()
    }

    /// Payloads of accepted records as JSON, in order.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let event = |record: &Record| serde_json::from_slice(&record.payload).unwrap();
        self.records().iter().map(event).collect()
    }

    /// Dead letters, in order.
    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        let letter = |record: &Record| DeadLetter::from_record(record).unwrap();
        self.of_topic(TOPIC_DEAD).iter().map(letter).collect()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn ensure_topics(&self, _: &[TopicSpec]) -> Result<(), BusError> {
        Ok(())
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let mut mode = self.mode.subscribe();
        let mode = *mode.wait_for(|mode| *mode != Mode::Hangs).await.unwrap();
        if let Some(pace) = self.pace {
            let _turn = self.turn.lock().await;
            tokio::time::sleep(pace).await;
        }
        self.batches.fetch_add(1, Ordering::Relaxed);
        let mut published = self.published.lock().unwrap();
        let outcome = |record| {
            if mode == Mode::Full {
                return Err(BusError::new(ErrorKind::Transient, "the disk reserve is reached"));
            }
            if !self.forgets {
                published.push((topic.to_owned(), record));
            }
            Ok(Position { topic: topic.into(), partition: 0, offset: 0, index: 0 })
        };
        batch.into_iter().map(outcome).collect()
    }

    async fn subscribe(&self, _: &str, _: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        Err(BusError::new(ErrorKind::Fatal, "nothing is consumed here"))
    }

    async fn lag(&self, _: &str, _: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        Ok(Vec::new())
    }

    async fn read(&self, _: &Position) -> Result<Option<Record>, BusError> {
        Ok(None)
    }

    fn shortage(&self) -> Option<String> {
        let is_full = *self.mode.borrow() == Mode::Full;
        is_full.then(|| FULL.to_owned())
    }

    fn durability_warning(&self) -> Option<String> {
        self.warning.clone()
    }
}

/// A gateway that serves.
pub(crate) struct Gateway {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    /// Of the HTTP door, or where it is reached besides if that is off.
    pub(crate) http: SocketAddr,
    /// Where the HTTP door is reached besides.
    pub(crate) further: Further,
    /// Of the syslog door, where it is open.
    pub(crate) syslog: Syslog,
    pub(crate) beats: SocketAddr,
    /// Further doors of these kinds.
    further_doors: Vec<FurtherDoor>,
    pub(crate) bus: Arc<MemoryBus>,
    pub(crate) context: Context,
    pub(crate) ledgers: Arc<Ledgers>,
    serving: JoinHandle<Result<(), GatewayError>>,
}

/// Further addresses of the HTTP door.
pub(crate) struct Further {
    pub(crate) otlp_http: Option<SocketAddr>,
    pub(crate) otlp_grpc: Option<SocketAddr>,
    pub(crate) bulk: Option<SocketAddr>,
}

/// Addresses of the syslog door.
pub(crate) struct Syslog {
    pub(crate) udp: Option<SocketAddr>,
    pub(crate) tcp: Option<SocketAddr>,
    pub(crate) tls: Option<SocketAddr>,
}

/// A free port of this machine.
pub(crate) fn any_port() -> Listen {
    Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// Settings with the doors for lines, HTTP and Beats on free ports, and the others closed.
pub(crate) fn config() -> Config {
    let mut config = Config::default().closed();
    let any = any_port();
    (config.tcp.listen, config.udp.listen, config.http.listen) = (any, any, any);
    config.beats.listen = any;
    config
}

impl Gateway {
    pub(crate) async fn start(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(MemoryBus::new(), adjust).await
    }

    /// One that asks its senders for [`TOKEN`].
    pub(crate) async fn start_with_token() -> Self {
        Self::start(|config| config.ingest_token = Some(IngestToken::new(TOKEN).unwrap())).await
    }

    pub(crate) async fn start_on(bus: MemoryBus, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(bus, Stores::default(), adjust).await
    }

    pub(crate) async fn start_with(
        bus: MemoryBus,
        stores: Stores,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config();
        adjust(&mut config);
        let bound = bind(config).unwrap();
        let bus = Arc::new(bus);
        let context = Context::default();
        let ledgers = Ledgers::new(&context.metrics);
        let runtime =
            Runtime { bus: bus.clone(), ledgers: ledgers.clone(), context: context.clone() };
        Self {
            tcp: bound.tcp_address().unwrap(),
            udp: bound.udp_address().unwrap(),
            http: bound.http_address().or(bound.otlp_http_address()).unwrap(),
            further: Further {
                otlp_http: bound.otlp_http_address(),
                otlp_grpc: bound.otlp_grpc_address(),
                bulk: bound.bulk_address(),
            },
            syslog: Syslog {
                udp: bound.syslog_udp_address(),
                tcp: bound.syslog_tcp_address(),
                tls: bound.syslog_tls_address(),
            },
            beats: bound.beats_address().unwrap(),
            further_doors: bound.further_doors(),
            bus,
            context,
            ledgers,
            serving: tokio::spawn(run(bound, runtime, stores)),
        }
    }

    /// Stops the gateway and waits until it has ended.
    pub(crate) async fn stop(self) -> Arc<MemoryBus> {
        self.context.shutdown.cancel();
        tokio::time::timeout(SOON, self.serving).await.unwrap().unwrap().unwrap();
        self.bus
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Posts a body of this type.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let client = http_client::builder().build().unwrap();
        let request = client.post(self.url(path)).header("content-type", content_type).body(body);
        request.send().await.unwrap()
    }

    /// Where a further door is.
    pub(crate) fn at(&self, further_door: &str) -> SocketAddr {
        let door = self.further_doors.iter().find(|door| door.name == further_door).unwrap();
        door.address.unwrap()
    }

    pub(crate) fn door(&self, name: &str) -> DoorSnapshot {
        self.ledgers.doors().into_iter().find(|door| door.door == name).unwrap()
    }

    /// How often a door has said that it has no room; 0 before it is open.
    pub(crate) fn busy(&self, name: &str) -> u64 {
        let doors = self.ledgers.doors();
        doors.iter().find(|door| door.door == name).map_or(0, |door| door.busy)
    }

    /// The value of a metric; 0 before it was counted first.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.context.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub(crate) fn limit_hits(&self, door: &str, limit: &str) -> f64 {
        let name = "millrace_gateway_limit_hits_total";
        self.metric(&format!("{name}{{door=\"{door}\",limit=\"{limit}\"}}"))
    }

    /// Lines and records that a door refused for good, as its metric says.
    pub(crate) fn refused_records(&self, door: &str, kind: &str) -> f64 {
        let name = "millrace_door_refused_records_total";
        self.metric(&format!("{name}{{door=\"{door}\",kind=\"{kind}\"}}"))
    }

    /// Requests that were answered with this code, as `404` or `grpc-16`.
    pub(crate) fn refused_requests(&self, code: &str) -> f64 {
        let name = "millrace_gateway_refused_requests_total";
        self.metric(&format!("{name}{{code=\"{code}\",door=\"http\"}}"))
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Sends everything, closes this side, and waits until the door closes its own.
pub(crate) async fn send_tcp(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    answer
}

/// Sends bytes to the HTTP door and reads until it closes. A reset counts as an end.
pub(crate) async fn send_raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The door may close before it has read all of it.
    drop(stream.write_all(request).await);
    read_to_close(&mut stream).await
}

/// What comes until the other side closes.
pub(crate) async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    drop(tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap());
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status codes of the answers in what a connection gave.
pub(crate) fn statuses(answers: &str) -> Vec<u16> {
    let answers = answers.split("HTTP/1.1 ").skip(1);
    answers.filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}
