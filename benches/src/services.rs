//! A service alone under measurement: its topics, its configuration, and what it used until it was done.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bus::{Bus, Codec, Record, RecordId, TOPIC_RAW, TOPICS};
use bus_kafka::{KafkaBus, KafkaConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{RECEIVED_AT_NS, cpu_seconds, memory_bytes, shop_events};

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked how much is left: asking costs CPU time that others would use.
const POLL: Duration = Duration::from_millis(200);

/// How records are written to topics.
#[derive(Clone, Copy, Debug)]
pub enum Profile {
    /// Many records a message, everywhere.
    Batch,
    /// One record a message, everywhere.
    Json,
}

/// What a run used.
#[derive(Debug)]
pub struct Figures {
    /// For all records, at the pace from the first that were settled to the last: starting and joining a group
    /// is no part of it.
    pub elapsed_seconds: f64,
    /// Of all threads.
    pub cpu_seconds: f64,
    /// Resident memory, the most that there was.
    pub resident_bytes_max: u64,
}

/// Topics of its own, with a namespace of its own in the search engine.
#[derive(Debug)]
pub struct Bench {
    folder: TempDir,
    namespace: String,
    config: PathBuf,
    bus: KafkaBus,
    runtime: Runtime,
}

impl Bench {
    /// Makes the topics, written as the profile says.
    ///
    /// # Panics
    /// An engine is missing: `scripts/engines up`.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let folder = TempDir::new().expect("a folder");
        let kafka = env::var("MILLRACE_TEST_KAFKA").expect("start the engines: scripts/engines up");
        let documents =
            env::var("MILLRACE_TEST_MONGODB").unwrap_or_else(|_| "embedded:".to_owned());
        let prefix = format!("{}.", name());
        let format = match profile {
            Profile::Batch => "batch",
            Profile::Json => "json",
        };
        let topics: Vec<_> = TOPICS
            .iter()
            .map(|topic| format!("[bus.kafka.topics.\"{topic}\"]\nformat = \"{format}\"\n"))
            .collect();
        let kafka_config = format!("topic_prefix = \"{prefix}\"\n");
        std::fs::write(folder.path().join("secret"), "a key for hashing").expect("a file");
        let secret = folder.path().join("secret").display().to_string();
        let text = format!(
            "[bus]\nurl = \"{kafka}\"\n[bus.kafka]\n{kafka_config}{}[search.elasticsearch]\n\
             replicas = 0\npolicies = false\n[documents]\nurl = \"{documents}\"\n\
             [documents.mongodb]\ndatabase = \"{}\"\n[enricher]\nsecret_file = \"{secret}\"\n[metrics]\n\
             listen = \"127.0.0.1:0\"\n[logging]\nfilter = \"warn\"\n",
            topics.concat(),
            prefix.trim_end_matches('.')
        );
        let config = folder.path().join("millrace.toml");
        std::fs::write(&config, &text).expect("a file");
        let table: toml::Table = text.parse().expect("a configuration");
        let kafka_config = table["bus"]["kafka"].clone().try_into::<KafkaConfig>();
        let runtime = Runtime::new().expect("a runtime");
        let entered = runtime.enter();
        let bus = KafkaBus::connect(&kafka, kafka_config.expect("settings")).expect("an address");
        let specs = TOPICS.map(|topic| bus::log::LogConfig::default().topic(topic, &[]));
        runtime.block_on(bus.ensure_topics(&specs)).expect("topics");
        drop(entered);
        Self { folder, namespace: name(), config, bus, runtime }
    }

    /// What stands before the names of indices.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Fills `logs.raw`.
    pub fn fill(&self, events: u64) {
        let records: Vec<_> = shop_events(events).map(record).collect();
        for batch in records.chunks(8_192) {
            let published = self.runtime.block_on(self.bus.publish(TOPIC_RAW, batch.to_vec()));
            assert!(published.iter().all(Result::is_ok), "{:?}", published[0]);
        }
    }

    /// How many messages of a topic a group has settled; with [`Profile::Json`] these are records.
    pub async fn settled(&self, group: &str, topic: &str) -> u64 {
        let partitions = self.bus.lag(group, &[topic]).await.unwrap_or_default();
        partitions.iter().map(|one| one.committed_offset).sum()
    }

    /// Starts a service.
    pub fn start(&self, program: &str, flags: &[String]) -> Running {
        let namespace = format!("--set=search.elasticsearch.index_namespace={}-", self.namespace);
        let child = Command::new(binary(program))
            .arg("--config")
            .arg(&self.config)
            .args(flags)
            .arg(namespace)
            .stdout(Stdio::null())
            .spawn();
        Running(child.expect("build it first: scripts/bench does"))
    }

    /// Runs a service until nothing is left for it.
    pub fn run(&self, program: &str, flags: &[String], left: impl Fn(&dyn Bus) -> u64) -> Figures {
        let entered = self.runtime.enter();
        let all = left(&self.bus);
        let running = self.start(program, flags);
        let process = running.process();
        let started = Instant::now();
        let before = cpu_seconds(&process);
        let mut first = None;
        loop {
            let now = left(&self.bus);
            if first.is_none() && now < all {
                first = Some((Instant::now(), now));
            }
            if now == 0 {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "{program} did not come to an end");
            thread::sleep(POLL);
        }
        drop(entered);
        let (began, rest) = first.expect("something was settled");
        Figures {
            elapsed_seconds: began.elapsed().as_secs_f64() * all as f64 / rest.max(1) as f64,
            cpu_seconds: cpu_seconds(&process) - before,
            resident_bytes_max: memory_bytes(&process, "VmHWM"),
        }
    }
}

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Its number, as /proc has it.
    pub fn process(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn name() -> String {
    let id = RecordId::generate();
    let hex: String = id.0[6..].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("bench{hex}")
}

fn record(line: Vec<u8>) -> Record {
    Record {
        id: RecordId::generate(),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "http".into(),
        codec: Codec::Json,
        payload: line.into(),
        ..Record::default()
    }
}

fn binary(program: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    target.unwrap_or(workspace).join("release").join(program)
}
