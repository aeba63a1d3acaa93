//! Starts the real binary on free ports with a data folder of its own, and stops it at the end.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod cluster;
pub(crate) mod faults;
pub(crate) mod feed;
pub(crate) mod rounds;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use millrace::up::Addresses;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// The password that the tests give to `admin`.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Lets a platform take no usual port, which somebody else may have.
pub(crate) const NO_DEFAULT_DOORS: &str = "--no-default-doors";

/// A platform that runs.
pub(crate) struct Platform {
    folder: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
    pub(crate) addresses: Addresses,
}

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_millrace"))
}

/// Starts the tool with pipes.
pub(crate) fn start_tool<S: AsRef<OsStr>>(arguments: &[S]) -> Child {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary starts")
}

/// Runs the tool with this input, to its end.
pub(crate) fn tool_with_input<S: AsRef<OsStr>>(arguments: &[S], input: &[u8]) -> Output {
    let mut child = start_tool(arguments);
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The tool may end before it has read all.
        drop(stdin.write_all(&input));
    });
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("the writer ends");
    output
}

/// Runs the tool, to its end.
pub(crate) fn tool<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    tool_with_input(arguments, b"")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is answered to a request for a path, with its head.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = std::net::TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("written");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    text(&answer)
}

/// Asks again until the answer is there.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(last) => assert!(Instant::now() < deadline, "{what} did not come about: {last}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Counts again until there are as many as are wanted. Patience begins anew whenever the count is nearer than ever before,
/// and never above what is wanted, so that it ends.
pub(crate) fn eventually_counts(what: &str, wanted: u64, mut count: impl FnMut() -> u64) {
    let mut nearest = 0;
    let mut deadline = Instant::now() + PATIENCE;
    loop {
        let found = count();
        if found == wanted {
            return;
        }
        if nearest < found && found < wanted {
            nearest = found;
            deadline = Instant::now() + PATIENCE;
        }
        assert!(Instant::now() < deadline, "{what} did not come about: {found} of {wanted}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

impl Platform {
    /// Starts one with these further arguments, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new().expect("a folder"), arguments)
    }

    /// Starts one in this folder.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let mut all: Vec<String> = vec![
            "up".into(),
            "--data".into(),
            folder.path().join("data").display().to_string(),
            "--admin-password-file".into(),
            password.display().to_string(),
        ];
        for door in ["tcp", "udp", "http", "api", "metrics"] {
            all.extend([format!("--{door}-listen"), "127.0.0.1:0".to_owned()]);
        }
        all.push(NO_DEFAULT_DOORS.to_owned());
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let addresses = Addresses {
            tcp: None,
            udp: None,
            http: None,
            otlp_http: None,
            otlp_grpc: None,
            bulk: None,
            beats: None,
            api: unknown,
            metrics: unknown,
        };
        let mut platform = Self { folder, arguments: all, child: None, addresses };
        platform.restart();
        platform
    }

    /// Starts it again on the same folder, after `stop` or `kill`.
    pub(crate) fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        Addresses::remove(&self.data());
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let child = Command::new(binary())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let child = self.child.insert(child);
        let data = self.folder.path().join("data");
        let log = self.folder.path().join("log");
        self.addresses = eventually("the start", || {
            if let Some(status) = child.try_wait().expect("a child") {
                panic!(
                    "it ended with {status}: {}",
                    std::fs::read_to_string(&log).unwrap_or_default()
                );
            }
            Addresses::read(&data).ok_or_else(|| "no addresses yet".to_owned())
        });
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Kills it without a warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Asks it to stop, and gives its exit code and how long that took.
    pub(crate) fn stop(&mut self) -> (Option<i32>, Duration) {
        let mut child = self.child.take().expect("it runs");
        let asked = Instant::now();
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it can be asked");
        let status = child.wait().expect("it ends");
        (status.code(), asked.elapsed())
    }

    /// Runs the tool against this platform.
    pub(crate) fn tool(&self, arguments: &[&str]) -> Output {
        let mut all: Vec<String> =
            arguments.iter().map(|argument| (*argument).to_owned()).collect();
        all.extend(["--data".to_owned(), self.data().display().to_string()]);
        tool(&all)
    }

    /// Runs the tool against this platform; it must succeed.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let output = self.tool(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// How many events match, of all times.
    pub(crate) fn count(&self, query: &str) -> u64 {
        let answer = self.ask(&["query", query, "--count", "--from", "1970-01-02T00:00:00Z"]);
        answer.trim().parse().expect("a number")
    }

    /// Whole documents that match, of all times.
    pub(crate) fn documents(&self, query: &str, limit: usize) -> Vec<Value> {
        let limit = limit.to_string();
        let arguments =
            ["query", query, "--json", "--from", "1970-01-02T00:00:00Z", "--limit", &limit];
        let answer = self.ask(&arguments);
        answer.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The status as JSON.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"])).expect("JSON")
    }

    /// The metrics, as Prometheus reads them.
    pub(crate) fn metrics(&self) -> String {
        get(self.addresses.metrics, "/metrics")
    }

    /// Sends lines through the TCP door and closes the connection.
    pub(crate) fn send_tcp(&self, lines: &[u8]) {
        let address = self.addresses.tcp.expect("a TCP door");
        let mut connection = std::net::TcpStream::connect(address).expect("a connection");
        connection.write_all(lines).expect("written");
        connection.shutdown(std::net::Shutdown::Write).expect("closed");
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).expect("the door closes");
    }

    /// Sends lines with the tool through the HTTP door.
    pub(crate) fn send(&self, lines: &[u8], arguments: &[&str]) -> Output {
        let url = format!("http://{}", self.addresses.http.expect("an HTTP door"));
        let mut all = vec!["send", "--url", &url];
        all.extend(arguments);
        tool_with_input(&all, lines)
    }
}

impl Drop for Platform {
    #[expect(clippy::print_stdout, reason = "what the test runner shows of a test that failed")]
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            let log = self.logged();
            let tail = log.len().saturating_sub(8_000);
            println!("--- log of the platform ---\n{}", log.get(tail..).unwrap_or(&log));
        }
    }
}
