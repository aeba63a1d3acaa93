//! The whole line: events into the TCP door of the real binary until each can be searched. Reports CPU
//! seconds and resident memory of that process alone; the sender runs here and does not count.
//!
//! Needs `target/release/millrace`, which `scripts/bench` builds.

use std::env;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use benches::{NO_DEFAULT_DOORS, cpu_seconds, memory_bytes, shop_events};
use millrace::up::Addresses;
use serde_json::Value;

const EVENTS: u64 = 300_000;
const CONNECTIONS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(600);

struct Platform {
    binary: PathBuf,
    data: PathBuf,
    child: Child,
    addresses: Addresses,
}

impl Drop for Platform {
    fn drop(&mut self) {
        // The folder below it is about to go: there is nothing to drain for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Platform {
    fn start(folder: &Path) -> Self {
        let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let binary = target.unwrap_or(workspace).join("release/millrace");
        let data = folder.join("data");
        let mut command = Command::new(&binary);
        command.arg("up").arg("--data").arg(&data);
        for door in ["tcp", "udp", "http", "api", "metrics"] {
            command.args([format!("--{door}-listen"), "127.0.0.1:0".to_owned()]);
        }
        command.arg(NO_DEFAULT_DOORS);
        command.args(env::args().skip_while(|argument| argument != "--up").skip(1));
        let child = command.stdout(Stdio::null()).spawn();
        let child = child.expect("build it first: cargo build --release --package millrace");
        let addresses = wait("the start", || Addresses::read(&data));
        Self { binary, data, child, addresses }
    }

    fn status(&self) -> Value {
        let mut tool = Command::new(&self.binary);
        let output = tool.args(["status", "--json", "--data"]).arg(&self.data).output();
        serde_json::from_slice(&output.expect("the tool runs").stdout).expect("JSON")
    }

    /// Its number, as /proc has it.
    fn process(&self) -> String {
        self.child.id().to_string()
    }
}

fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come about");
        thread::sleep(Duration::from_millis(100));
    }
}

fn send(addresses: &Addresses, lines: &[u8]) {
    let address = addresses.tcp.expect("a TCP door");
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.write_all(lines).expect("written");
    connection.shutdown(Shutdown::Write).expect("closed");
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).expect("the door closes");
}

/// Whether everything that was sent is through the whole line.
fn is_through(status: &Value) -> bool {
    let number = |stage: &str, field: &str| {
        let stages = status["stages"].as_array().into_iter().flatten();
        let found = stages
            .filter(|ledger| ledger["stage"] == stage)
            .find_map(|ledger| ledger[field].as_u64());
        found.unwrap_or(0)
    };
    let outputs = number("enricher", "outputs");
    number("enricher", "received") == EVENTS
        && number("enricher", "in_flight") == 0
        && number("fraud-worker", "received") == outputs
        && number("indexer", "forwarded") == outputs + number("fraud-worker", "outputs")
}

fn parts() -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new(); CONNECTIONS];
    for (number, line) in shop_events(EVENTS).enumerate() {
        let part = &mut parts[number % CONNECTIONS];
        part.extend_from_slice(&line);
        part.push(b'\n');
    }
    parts
}

#[expect(clippy::print_stdout, reason = "a bench's result")]
fn main() {
    let parts = parts();
    let bytes: usize = parts.iter().map(Vec::len).sum();
    let folder = tempfile::TempDir::new().expect("a folder");
    let platform = Platform::start(folder.path());
    let before = cpu_seconds(&platform.process());
    let started = Instant::now();
    thread::scope(|scope| {
        for part in &parts {
            scope.spawn(|| send(&platform.addresses, part));
        }
    });
    let (stored, stored_cpu) =
        (started.elapsed().as_secs_f64(), cpu_seconds(&platform.process()) - before);
    wait("the end of the line", || is_through(&platform.status()).then_some(()));
    let (elapsed, cpu) =
        (started.elapsed().as_secs_f64(), cpu_seconds(&platform.process()) - before);
    let events = EVENTS as f64;
    println!("events {EVENTS}, {:.0} bytes each", bytes as f64 / events);
    println!("taken by the door: {stored:.1} s, {stored_cpu:.1} CPU s of the whole process");
    println!("searchable: {elapsed:.1} s, {cpu:.1} CPU s");
    println!(
        "whole line: {:.0} events a CPU second, {:.0} a second",
        events / cpu,
        events / elapsed
    );
    println!("resident memory at most: {} MiB", memory_bytes(&platform.process(), "VmHWM") >> 20);
}
