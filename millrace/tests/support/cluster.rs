//! Starts the services as processes of their own on the real engines, with names in them that no other
//! test uses, and takes everything away at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{NO_DEFAULT_DOORS, PASSWORD, PATIENCE, eventually, text, tool, tool_with_input};

/// The address of an engine, as `scripts/engines up` prints it.
pub(crate) fn engine(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: start the engines and export what `scripts/engines up` prints"
        )
    })
}

/// Runs `scripts/engines` with these arguments.
pub(crate) fn engines(arguments: &[&str]) {
    // Without it the script would strike other engines than the services use.
    engine("MILLRACE_ENGINES_DIR");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/engines");
    let output = Command::new(script).args(arguments).output().expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
}

/// Which search engine a cluster uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SearchEngine {
    OpenSearch,
    Elasticsearch,
}

impl SearchEngine {
    pub(crate) fn url(self) -> String {
        engine(match self {
            Self::OpenSearch => "MILLRACE_TEST_OPENSEARCH",
            Self::Elasticsearch => "MILLRACE_TEST_ELASTICSEARCH",
        })
    }
}

/// Services that run against the engines.
pub(crate) struct Cluster {
    folder: TempDir,
    name: String,
    search_url: String,
    http: SocketAddr,
    api: SocketAddr,
    token: Option<String>,
    services: BTreeMap<String, Child>,
    runtime: tokio::runtime::Runtime,
}

/// A port that is free now, that no other test of this process gets, and that lies below those that the
/// system gives to outgoing connections, so that a service finds it again after it was killed.
pub(crate) fn free_port() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    const PORTS: u16 = 9_000;
    let first = u16::try_from(std::process::id() % u32::from(PORTS)).expect("below 9,000");
    (0..PORTS)
        .map(|_| first.wrapping_add(TAKEN.fetch_add(1, Ordering::SeqCst)) % PORTS)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], 10_000 + port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

impl Cluster {
    /// Prepares a cluster; `search_url` may lead through a proxy.
    pub(crate) fn new(search: SearchEngine, search_url: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let secrets = [("secret", "a key for hashing, the same for all"), ("password", PASSWORD)];
        for (file, text) in secrets {
            std::fs::write(folder.path().join(file), text).expect("a file");
        }
        let parts = match search {
            SearchEngine::OpenSearch => "full",
            SearchEngine::Elasticsearch => "minimal",
        };
        let path = |file: &str| folder.path().join(file).display().to_string();
        let config = json!({
            "bus": { "url": engine("MILLRACE_TEST_KAFKA"), "kafka": {
                "topic_prefix": format!("{name}."), "session_timeout": "6s" } },
            "search": { "url": search_url, "elasticsearch": {
                "index_namespace": format!("{name}-"), "replicas": 0, "policies": false,
                "engine_parts": parts } },
            "documents": { "url": engine("MILLRACE_TEST_MONGODB"), "mongodb": { "database": name } },
            "cache": { "url": engine("MILLRACE_TEST_REDIS"), "redis": { "key_prefix": name } },
            "enricher": { "secret_file": path("secret") },
            "query_api": { "keys_folder": path("keys"), "login_attempts_per_user_max": 1000 },
            "metrics": { "listen": "127.0.0.1:0" },
            "logging": { "filter": "info" },
        });
        let config = toml::to_string(&config).expect("a configuration");
        std::fs::write(folder.path().join("millrace.toml"), config).expect("a file");
        Self {
            http: free_port(),
            api: free_port(),
            search_url: search.url(),
            folder,
            name,
            token: None,
            services: BTreeMap::new(),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        }
    }

    /// Adds tables to the configuration of whatever is started from now on.
    pub(crate) fn add_settings(&self, tables: &str) {
        let path = self.folder.path().join("millrace.toml");
        let config = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, format!("{config}\n{tables}")).expect("a file");
    }

    /// A folder that goes with the cluster.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What stands before the names of its topics.
    pub(crate) fn topic_prefix(&self) -> String {
        format!("{}.", self.name)
    }

    /// Starts one instance of each service.
    pub(crate) fn start_all(&mut self) {
        for program in ["query-api", "indexer", "fraud-worker", "enricher", "ingest-gateway"] {
            self.start(program, program);
        }
    }

    /// Starts an instance of a program.
    pub(crate) fn start(&mut self, instance: &str, program: &str) {
        let log = File::options().create(true).append(true).open(self.log(instance));
        let log = log.expect("a log");
        let mut command = Command::new(program_path(program));
        command.arg("--config").arg(self.folder.path().join("millrace.toml"));
        match program {
            "ingest-gateway" => {
                command.args(["--tcp-listen", "127.0.0.1:0", "--udp-listen", "127.0.0.1:0"]);
                command.arg(NO_DEFAULT_DOORS);
                command.arg("--http-listen").arg(self.http.to_string());
            }
            "query-api" => {
                command.arg("--api-listen").arg(self.api.to_string());
                command.arg("--admin-password-file").arg(self.folder.path().join("password"));
            }
            _ => {}
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.services.insert(instance.to_owned(), child);
    }

    /// Kills an instance without a warning.
    pub(crate) fn kill(&mut self, instance: &str) {
        let mut child = self.services.remove(instance).expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Asks an instance to stop and waits for its end.
    pub(crate) fn stop(&mut self, instance: &str) -> Option<i32> {
        let mut child = self.services.remove(instance).expect("it runs");
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it can be asked");
        child.wait().expect("it ends").code()
    }

    /// Which instances have ended by themselves.
    pub(crate) fn ended(&mut self) -> Vec<String> {
        let ended = self.services.iter_mut().filter_map(|(name, child)| {
            child.try_wait().expect("a child").map(|status| format!("{name}: {status}"))
        });
        ended.collect()
    }

    fn log(&self, instance: &str) -> PathBuf {
        self.folder.path().join(format!("{instance}.log"))
    }

    /// The most memory that each instance has had, in bytes.
    pub(crate) fn resident_bytes_max(&self) -> BTreeMap<&str, u64> {
        let of = |child: &Child| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
            let status = status.expect("it runs");
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
            let kibibytes =
                line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
            kibibytes.expect("a number") * 1_024
        };
        self.services.iter().map(|(name, child)| (name.as_str(), of(child))).collect()
    }

    /// What an instance has logged.
    pub(crate) fn logged(&self, instance: &str) -> String {
        std::fs::read_to_string(self.log(instance)).unwrap_or_default()
    }

    /// Address of the HTTP door.
    pub(crate) fn door_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Sends lines with the tool.
    pub(crate) fn send(&self, lines: &[u8]) -> std::process::Output {
        tool_with_input(&["send", "--url", &self.door_url()], lines)
    }

    /// Waits until the API answers, and signs in.
    pub(crate) fn sign_in(&mut self) {
        let url = format!("http://{}/api/auth/login", self.api);
        let body = json!({ "name": "admin", "password": PASSWORD });
        let client = service::http_client::builder().build().expect("a client");
        let answer = eventually("the API", || {
            self.runtime.block_on(async {
                let sent = client.post(&url).json(&body).send().await.map_err(|e| e.to_string())?;
                let status = sent.status();
                let answer: Value = sent.json().await.map_err(|error| error.to_string())?;
                if status.is_success() { Ok(answer) } else { Err(answer.to_string()) }
            })
        });
        self.token = answer["access_token"].as_str().map(str::to_owned);
    }

    /// Runs the tool against the API.
    pub(crate) fn try_ask(&self, arguments: &[&str]) -> Result<String, String> {
        let url = format!("http://{}", self.api);
        let token = self.token.as_deref().expect("signed in");
        let mut all = arguments.to_vec();
        all.extend(["--url", &url, "--token", token]);
        let output = tool(&all);
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// How many events match, of all times.
    pub(crate) fn count(&self, query: &str) -> Result<u64, String> {
        let answer =
            self.try_ask(&["query", query, "--count", "--from", "1970-01-02T00:00:00Z"])?;
        answer.trim().parse().map_err(|_| answer)
    }

    /// The status as JSON.
    pub(crate) fn status(&self) -> Result<Value, String> {
        let answer = self.try_ask(&["status", "--json"])?;
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    /// Waits until nothing is behind and every ledger balances; gives the ledgers by stage. That may take as long
    /// as there is less to do from time to time.
    pub(crate) fn at_rest(&self) -> BTreeMap<String, Value> {
        let (mut least, mut deadline) = (u64::MAX, Instant::now() + PATIENCE);
        let status = loop {
            let answer = self.status();
            let lag = answer.as_ref().map_or(u64::MAX, lag_records);
            match answer {
                Ok(status) if lag == 0 && is_balanced(&status) => break status,
                last => assert!(Instant::now() < deadline, "no platform at rest: {last:?}"),
            }
            if lag < least {
                (least, deadline) = (lag, Instant::now() + PATIENCE);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        };
        let stages = status["stages"].as_array().cloned().unwrap_or_default();
        let named = stages
            .into_iter()
            .map(|stage| (stage["stage"].as_str().unwrap_or_default().to_owned(), stage));
        named.collect()
    }

    /// Lets what was indexed last be found.
    pub(crate) fn refresh(&self) {
        let url = format!("{}/{}-*/_refresh", self.search_url, self.name);
        let client = service::http_client::builder().build().expect("a client");
        let sent = self.runtime.block_on(async { client.post(&url).send().await });
        assert!(sent.expect("an answer").status().is_success());
    }

    fn clean(&self) {
        let client = service::http_client::builder().build().expect("a client");
        let url = |path: &str| format!("{}/{path}", self.search_url);
        let indices = url(&format!("{}-*", self.name));
        let templates = url(&format!("_index_template/{}-*", self.name));
        self.runtime.block_on(async {
            // What is left over is taken away with the engines.
            drop(client.delete(indices).send().await);
            drop(client.delete(templates).send().await);
        });
    }
}

impl Drop for Cluster {
    #[expect(clippy::print_stdout, reason = "what the test runner shows of a test that failed")]
    fn drop(&mut self) {
        for child in self.services.values_mut() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            for instance in self.services.keys() {
                let log = self.logged(instance);
                let tail = log.len().saturating_sub(4_000);
                println!("--- log of {instance} ---\n{}", log.get(tail..).unwrap_or(&log));
            }
        }
        self.clean();
    }
}

/// How many records wait for a stage, as the status says.
pub(crate) fn lag_records(status: &Value) -> u64 {
    let lag = status["lag"].as_array().into_iter().flatten();
    lag.map(|lag| lag["records"].as_u64().unwrap_or(u64::MAX)).fold(0, u64::saturating_add)
}

fn is_balanced(status: &Value) -> bool {
    let mut stages = status["stages"].as_array().into_iter().flatten();
    stages.all(|one| one["balance"] == 0 && one["in_flight"] == 0)
}

fn program_path(program: &str) -> &'static Path {
    Path::new(match program {
        "ingest-gateway" => env!("CARGO_BIN_EXE_ingest-gateway"),
        "enricher" => env!("CARGO_BIN_EXE_enricher"),
        "fraud-worker" => env!("CARGO_BIN_EXE_fraud-worker"),
        "indexer" => env!("CARGO_BIN_EXE_indexer"),
        "query-api" => env!("CARGO_BIN_EXE_query-api"),
        other => panic!("no program is named {other}"),
    })
}
