//! The door on real files, told when to look and when to read, in front of a log that can be told to
//! have no room. Each file below has one subject.

mod appended;
mod crashed;
mod inputs;
mod joined;
mod many;
mod modes;
mod read_once;
mod rhythms;
mod rotated;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{ErrorKind, Record, TOPIC_DEAD, TOPIC_RAW};
use pipeline::DeadLetter;
use service::{ByteSize, Context};
use tempfile::TempDir;
use tokio::time::Instant;

use super::identity::FileId;
use super::{DOOR, Door, Positions};
use crate::budget::Share;
use crate::config::{Config, FileConfig, StartPosition};
use crate::intake::tests::{ScriptedBus, foundation};
use crate::intake::{Foundation, Intake};

const LINE_BYTES_MAX: u64 = 1 << 10;

struct Rig {
    folder: TempDir,
    config: FileConfig,
    bus: Arc<ScriptedBus>,
    context: Context,
    foundation: Arc<Foundation>,
    /// The door's part of the memory.
    share: Share,
    door: Door,
    now: Instant,
}

impl Rig {
    /// A door on `*.log` of a folder, from the beginning, unless the settings are adjusted.
    fn new(adjust: impl FnOnce(&mut FileConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = FileConfig {
            paths: vec![folder.path().join("logs/*.log").display().to_string()],
            start_position: Some(StartPosition::Beginning),
            ..FileConfig::default()
        };
        config.keep_places_in(folder.path());
        adjust(&mut config);
        fs::create_dir(folder.path().join("logs")).unwrap();
        let bus = Arc::new(ScriptedBus::default());
        let context = Context::default();
        let settings = Config { line_bytes_max: ByteSize(LINE_BYTES_MAX), ..Config::default() };
        let foundation = foundation(&settings, &bus, &context);
        let share = foundation.budget.share();
        let door = door(&foundation, &config, &context);
        Self { folder, config, bus, context, foundation, share, door, now: Instant::now() }
    }

    /// A crash: what the door knows is gone, but for what stands on disk.
    fn restart(&mut self) {
        self.door = door(&self.foundation, &self.config, &self.context);
    }

    /// Looks at everything, reads all there is, and waits for it to arrive.
    async fn round(&mut self) {
        self.door.scan(self.now);
        self.door.end_due(self.now, false);
        self.read_all().await;
        while self.door.awaits_arrivals() {
            let arrival = self.door.arrival().await;
            self.door.settle(&arrival, self.now);
            self.read_all().await;
        }
        self.door.save();
    }

    /// Reads what can be read without an arrival.
    async fn read_all(&mut self) {
        while let Some(next) = self.door.next() {
            self.read_next(next).await;
        }
    }

    /// Reads what was next and waited for memory until now.
    async fn read_next(&mut self, next: (FileId, usize)) {
        let (id, bytes) = next;
        let room = self.share.reserve(bytes).await;
        self.door.read(id, room, self.now);
    }

    /// Lets open files without news go.
    async fn let_rest(&mut self) {
        self.now += self.config.close_after.0 + Duration::from_secs(1);
        self.round().await;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// The log has no room for so many batches.
    fn refuse(&self, batches: usize) {
        let failures = std::iter::repeat_n(Some(ErrorKind::Transient), batches);
        self.bus.failures.lock().unwrap().extend(failures);
    }

    /// The file of positions.
    fn kept(&self) -> String {
        fs::read_to_string(self.config.position_file.as_ref().unwrap()).unwrap_or_default()
    }

    fn records(&self) -> Vec<Record> {
        self.bus.records(TOPIC_RAW)
    }

    fn texts(&self) -> Vec<String> {
        let text = |record: Record| String::from_utf8_lossy(&record.payload).into_owned();
        self.records().into_iter().map(text).collect()
    }

    /// Where files are read side by side, their order means nothing.
    fn sorted(&self) -> Vec<String> {
        let mut texts = self.texts();
        texts.sort();
        texts
    }

    fn letters(&self) -> Vec<DeadLetter> {
        let records = self.bus.records(TOPIC_DEAD);
        records.iter().map(|record| DeadLetter::from_record(record).unwrap()).collect()
    }

    fn metric(&self, name: &str) -> i64 {
        let text = self.context.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    fn open_files(&self) -> i64 {
        self.metric("millrace_gateway_files{state=\"open\"}")
    }
}

fn door(foundation: &Arc<Foundation>, config: &FileConfig, context: &Context) -> Door {
    let positions = Positions::load(config.position_file.as_ref().unwrap()).unwrap();
    let intake = Intake::new(DOOR, foundation);
    Door::new(intake, config, positions, context.health.clone())
}
