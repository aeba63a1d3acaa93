//! Lines of files: the door at work by itself.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ingest_gateway::{Config, FileInputConfig, FileMode, GatewayError, StartPosition, bind};
use service::Span;
use tempfile::TempDir;

use crate::support::{Gateway, MemoryBus, Mode, config, eventually};

struct Logs {
    folder: TempDir,
}

impl Logs {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, bytes: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_bytes()).unwrap();
    }

    /// Follows `*.log` of the folder, and looks often.
    fn follow(&self) -> impl FnOnce(&mut Config) {
        follow(self.folder.path())
    }
}

fn follow(folder: &Path) -> impl FnOnce(&mut Config) {
    let (paths, folder) = (vec![folder.join("*.log").display().to_string()], folder.to_owned());
    move |config| {
        config.file.paths = paths;
        config.file.start_position = Some(StartPosition::Beginning);
        config.file.poll_interval = Span::from_millis(5);
        config.file.scan_interval = Span::from_millis(20);
        config.file.keep_places_in(&folder);
    }
}

/// What is said of settings that cannot be used.
fn problems_of(config: Config) -> Vec<String> {
    let Err(GatewayError::Settings(problems)) = bind(config) else { panic!("it starts") };
    problems.iter().map(ToString::to_string).collect()
}

/// Lines that the door has made durable; none before it has begun.
fn accepted(gateway: &Gateway) -> u64 {
    let doors = gateway.ledgers.doors();
    doors.iter().find(|door| door.door == "file").map_or(0, |door| door.accepted)
}

#[tokio::test]
async fn what_is_written_arrives_and_a_new_start_goes_on() {
    let logs = Logs::new();
    logs.append("a.log", "one\n");
    let gateway = Gateway::start(logs.follow()).await;
    eventually("the first line", || accepted(&gateway) == 1).await;
    logs.append("a.log", "two\n");
    logs.append("b.log", "three\n");
    eventually("further lines", || accepted(&gateway) == 3).await;
    fs::rename(logs.path("a.log"), logs.path("a.log.1")).unwrap();
    logs.append("a.log.1", "four\n");
    logs.append("a.log", "five\n");
    eventually("lines around a rotation", || accepted(&gateway) == 5).await;
    gateway.stop().await;
    logs.append("a.log", "six\n");
    let gateway = Gateway::start(logs.follow()).await;
    eventually("what came in between", || accepted(&gateway) == 1).await;
    assert_eq!(gateway.stop().await.texts(), ["six"]);
}

#[tokio::test]
async fn a_stop_keeps_what_was_acknowledged_and_loses_nothing_of_the_rest() {
    let logs = Logs::new();
    let lines: Vec<String> = (0..50_000).map(|n| format!("line {n}")).collect();
    logs.append("a.log", &(lines.join("\n") + "\n"));
    let gateway = Gateway::start(logs.follow()).await;
    eventually("some lines", || accepted(&gateway) > 0).await;
    let mut texts = gateway.stop().await.texts();
    let gateway = Gateway::start(logs.follow()).await;
    let left = (lines.len() - texts.len()) as u64;
    eventually("the others", || accepted(&gateway) == left).await;
    texts.extend(gateway.stop().await.texts());
    assert_eq!(texts, lines, "each once, in order");
}

#[tokio::test]
async fn the_last_event_of_several_lines_ends_by_time() {
    let logs = Logs::new();
    let follow_and_join = |config: &mut Config| {
        logs.follow()(config);
        config.file.multiline.pattern = Some("^ ".into());
        config.file.multiline.flush_interval = Span::from_millis(50);
    };
    logs.append("a.log", "one\n 1\ntwo\n 2\n");
    let gateway = Gateway::start(follow_and_join).await;
    eventually("both events", || accepted(&gateway) == 2).await;
    assert_eq!(gateway.stop().await.texts(), ["one\n 1", "two\n 2"]);
}

#[tokio::test]
async fn one_input_is_followed_while_another_is_read_once() {
    let logs = Logs::new();
    logs.append("a.log", "one\n");
    logs.append("a.txt", "two\nthree");
    let follow_and_read_once = |config: &mut Config| {
        logs.follow()(config);
        let input = FileInputConfig {
            paths: vec![logs.path("*.txt").display().to_string()],
            mode: Some(FileMode::Read),
            scan_interval: Some(Span::from_millis(30)),
            ..FileInputConfig::default()
        };
        config.file.inputs.insert("file-once".into(), input);
    };
    let gateway = Gateway::start(follow_and_read_once).await;
    eventually("what is there", || accepted(&gateway) == 3).await;
    logs.append("a.txt", ", which comes too late\n");
    logs.append("a.log", "four\n");
    logs.append("b.txt", "five");
    eventually("what came later", || accepted(&gateway) == 5).await;
    let mut texts = gateway.stop().await.texts();
    texts.sort();
    assert_eq!(texts, ["five", "four", "one", "three", "two"]);
}

#[tokio::test]
async fn a_stop_without_an_answer_of_the_log_is_quick_and_loses_nothing() {
    let logs = Logs::new();
    logs.append("a.log", "one\ntwo\n");
    let bus = MemoryBus::new();
    bus.set_mode(Mode::Hangs);
    let follow_and_hurry = |config: &mut Config| {
        logs.follow()(config);
        config.drain_timeout = Span::from_millis(50);
    };
    let gateway = Gateway::start_on(bus, follow_and_hurry).await;
    let received = "millrace_gateway_received_bytes_total{door=\"file\"}";
    eventually("the lines are read", || gateway.metric(received) == 8.0).await;
    let (metrics, asked) = (gateway.context.metrics.clone(), Instant::now());
    gateway.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(
        !metrics.text().contains("lost_records_total{door=\"file\"}"),
        "they can be read again"
    );
    let gateway = Gateway::start(logs.follow()).await;
    eventually("the lines", || accepted(&gateway) == 2).await;
    gateway.stop().await;
}

#[tokio::test]
async fn lines_are_read_though_a_look_takes_longer_than_its_interval() {
    const FILES: u64 = 50;
    let logs = Logs::new();
    for n in 0..FILES {
        logs.append(&format!("{n}.log"), "line\n");
    }
    let follow_and_look_always = |config: &mut Config| {
        logs.follow()(config);
        // Every file is looked at as often as a pattern finds it, and no machine looks 20,000 times at
        // files within a millisecond.
        config.file.paths = vec![config.file.paths[0].clone(); 400];
        config.file.scan_interval = Span::from_millis(1);
        config.file.poll_interval = Span::from_millis(1);
        config.file.open_files_max = 10;
    };
    let gateway = Gateway::start(follow_and_look_always).await;
    eventually("all lines", || accepted(&gateway) == FILES).await;
    gateway.stop().await;
}

#[tokio::test]
async fn without_room_files_wait_within_the_memory_of_the_doors() {
    let logs = Logs::new();
    let line = format!("{}\n", "x".repeat(10_000));
    for n in 0..200 {
        logs.append(&format!("{n}.log"), &line.repeat(30));
    }
    let bus = MemoryBus::new();
    bus.set_mode(Mode::Full);
    let gateway = Gateway::start_on(bus, logs.follow()).await;
    let held = "millrace_gateway_reading_held_bytes";
    eventually("the memory is used", || gateway.metric(held) > 20_000_000.0).await;
    assert!(gateway.metric(held) <= 24_f64 * 1_048_576.0, "a share of the doors' memory");
    gateway.bus.set_mode(Mode::Works);
    eventually("all lines", || accepted(&gateway) == 6_000).await;
    gateway.stop().await;
}

#[test]
fn what_cannot_be_used_is_said_before_anything_starts() {
    let logs = Logs::new();
    let mut wrong = config();
    wrong.file.paths = [
        "*.log",
        "/var/log/{a,b.log",
        "/var/***",
        "{/a,b}/*.log",
        "/{a,b**}",
        "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
        "/var/log/{a,b}.log",
    ]
    .map(str::to_owned)
    .to_vec();
    wrong.file.exclude = vec!["/tmp/x".into(), "{a,b}".into()];
    let problems = problems_of(wrong);
    let expected = [
        "begin it with /",
        "has a { without its }",
        "is no pattern",
        "begin it with /",
        "is no pattern",
        "stands for more than 1000 patterns",
        "without their",
        "an entry for each case",
        "name the file",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, part) in problems.iter().zip(expected) {
        assert!(problem.starts_with("ingest_gateway.file.") && problem.contains(part), "{problem}");
    }

    let mut inputs = config();
    logs.follow()(&mut inputs);
    inputs.file.mode = FileMode::Read;
    let input = FileInputConfig { paths: vec!["/var/log/*".into()], ..FileInputConfig::default() };
    inputs.file.inputs.insert("nginx".into(), input.clone());
    let followed = FileInputConfig {
        mode: Some(FileMode::Tail),
        start_position: Some(StartPosition::End),
        poll_interval: Some(Span::from_secs(0)),
        open_files_max: Some(0),
        ..input.clone()
    };
    inputs.file.inputs.insert("file-followed".into(), followed);
    let mut late = FileInputConfig { start_position: Some(StartPosition::End), ..input };
    late.multiline.pattern = Some("%{TIMESTAMP_ISO8601}".into());
    inputs.file.inputs.insert("file-late".into(), late);
    inputs.file.inputs.insert("file-none".into(), FileInputConfig::default());
    let problems = problems_of(inputs);
    let expected = [
        "file-followed.open_files_max: it must be more than 0",
        "file-followed.poll_interval: it must be more than nothing",
        "file-late.start_position: with mode",
        "file-late.multiline.pattern: patterns of grok",
        "file-none.paths: it names no files",
        "nginx: this is no name of an input",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, begins) in problems.iter().zip(expected) {
        let begins = format!("ingest_gateway.file.inputs.{begins}");
        assert!(problem.starts_with(&begins), "{problem}");
    }
}

#[test]
fn a_damaged_file_of_positions_is_said_before_anything_starts() {
    let logs = Logs::new();
    let mut damaged = config();
    logs.follow()(&mut damaged);
    let file = damaged.file.position_file.clone().unwrap();
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "{").unwrap();
    assert!(matches!(bind(damaged), Err(GatewayError::Positions(_))));
}
