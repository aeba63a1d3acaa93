//! The gateway as it is shipped, with the embedded log on this disk, in a process of its own: a copy of the bench's
//! program that is told to serve. Its CPU time and memory are the gateway's alone.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, TOPIC_DEAD, TOPIC_RAW};
use ingest_gateway::{Config, Stores, bind, run};
use pipeline::{Ledgers, Runtime};
use serde_json::{Value, json};
use service::{Admin, AdminConfig, CancellationToken, Context};

use super::raise_open_files;
use crate::{cpu_seconds, memory_bytes};

/// Tells a copy of this program to serve; its value are the settings of `[ingest_gateway]`, as TOML.
const ORDER: &str = "MILLRACE_BENCH_GATEWAY";
/// As the programs of the platform start themselves: the allocator's arenas.
const ARENAS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");
/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Serves if this program was told to, until its input ends. Call it first.
///
/// # Panics
/// The settings cannot be used, or there is no room on the disk.
#[must_use]
pub fn serve_if_told() -> bool {
    let Ok(settings) = env::var(ORDER) else { return false };
    raise_open_files();
    let config: Config = toml::from_str(&settings).expect("settings of the gateway");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(serve(config));
    true
}

async fn serve(config: Config) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = LogConfig::default();
    let topics = [log.topic(TOPIC_RAW, &[]), log.topic(TOPIC_DEAD, &[])];
    let bus = Arc::new(EmbeddedBus::open(folder.path(), log).expect("the folder is free"));
    bus.ensure_topics(&topics).await.expect("the topics open");
    let bound = bind(config).expect("the settings are right and ports are free");
    let context = Context::default();
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let admin = Admin::bind(&AdminConfig { listen, allow_remote: false }, 0).await;
    let admin = admin.expect("a free port");
    let addresses = json!({
        "tcp": bound.tcp_address(),
        "udp": bound.udp_address(),
        "http": bound.http_address(),
        "beats": bound.beats_address(),
        "syslog": bound.syslog_tcp_address(),
        "metrics": admin.address,
    });
    writeln!(std::io::stdout(), "{addresses}").expect("somebody reads");
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus, ledgers, context: context.clone() };
    end_with_input(context.shutdown.clone());
    let (served, shown) =
        tokio::join!(run(bound, runtime, Stores::default()), admin.serve(context));
    served.expect("the gateway ends as it should");
    shown.expect("the metrics end as they should");
}

/// Stops when nobody holds the input any more, however that came about.
fn end_with_input(shutdown: CancellationToken) {
    thread::spawn(move || {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        shutdown.cancel();
    });
}

/// A gateway that serves until this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    addresses: Value,
}

/// What a gateway has used and taken until now.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    at: Instant,
    accepted: u64,
    cpu_seconds: f64,
    /// Of the process that sends.
    own_cpu_seconds: f64,
}

/// What a gateway used and took between two readings.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Events.
    pub events: f64,
    /// Of the clock.
    pub seconds: f64,
    /// Of all threads of the gateway, the kernel's share included.
    pub cpu_seconds: f64,
    /// The same of the process that sends.
    pub sender_cpu_seconds: f64,
}

impl Server {
    /// Starts one with doors on free ports and these further settings of `[ingest_gateway]`, a line each, as
    /// `tcp.connections_max = 7`.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(settings: &str) -> Self {
        let any = "\"127.0.0.1:0\"";
        let settings = format!(
            "default_doors = false\ntcp.listen = {any}\nudp.listen = {any}\nhttp.listen = {any}\n\
             beats.listen = {any}\nsyslog.tcp_listen = {any}\n{settings}\n"
        );
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(ORDER, settings)
            .env(ARENAS.0, ARENAS.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the gateway starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its addresses");
        let addresses = serde_json::from_str(&line).expect("addresses: look at what it says");
        let input = child.stdin.take();
        Self { child, input, addresses }
    }

    /// Where a door listens: `tcp`, `udp`, `http`, `beats` or `syslog`.
    ///
    /// # Panics
    /// There is no such door.
    #[must_use]
    pub fn address(&self, door: &str) -> SocketAddr {
        let address = self.addresses[door].as_str().expect("the door is open");
        address.parse().expect("an address")
    }

    /// Its number, as /proc has it.
    #[must_use]
    pub fn process(&self) -> String {
        self.child.id().to_string()
    }

    /// Memory that is resident now, in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        memory_bytes(&self.process(), "VmRSS")
    }

    /// The value of a metric; 0 where it is not shown yet.
    ///
    /// # Panics
    /// The gateway does not answer.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        let mut connection = TcpStream::connect(self.address("metrics")).expect("it is there");
        connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers");
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }

    /// Events that a door has made durable.
    #[must_use]
    pub fn accepted(&self, door: &str) -> u64 {
        self.metric(&format!("millrace_door_accepted_records_total{{door=\"{door}\"}}")) as u64
    }

    /// What a door has taken until now, and what that cost.
    #[must_use]
    pub fn read(&self, door: &str) -> Reading {
        let (accepted, at) = (self.accepted(door), Instant::now());
        let cpu_seconds_now = cpu_seconds(&self.process());
        Reading { at, accepted, cpu_seconds: cpu_seconds_now, own_cpu_seconds: cpu_seconds("self") }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// It never does.
    pub fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what} does not come about");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input, and removes its folder.
        drop(self.input.take());
        drop(self.child.wait());
    }
}

impl Reading {
    /// What was used since an earlier one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Used {
        Used {
            events: self.accepted.saturating_sub(earlier.accepted) as f64,
            seconds: self.at.duration_since(earlier.at).as_secs_f64(),
            cpu_seconds: self.cpu_seconds - earlier.cpu_seconds,
            sender_cpu_seconds: self.own_cpu_seconds - earlier.own_cpu_seconds,
        }
    }
}
