//! Inputs that are looked at in a rhythm of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use service::Span;

use super::Rig;
use super::inputs::{texts_of, with_texts};
use crate::config::{FileInputConfig, FileMode, StartPosition};

const HOUR: Duration = Duration::from_secs(3_600);
const SOME_SECONDS: Duration = Duration::from_secs(10);

/// A rig whose second input is looked at once an hour.
fn with_slow_texts() -> Rig {
    with_texts(|input| {
        input.start_position = Some(StartPosition::Beginning);
        input.poll_interval = Some(Span(HOUR));
        input.scan_interval = Some(Span(HOUR));
    })
}

impl Rig {
    /// Lets time pass, and then looks at what it is time for and reads what was found.
    async fn after(&mut self, time: Duration) {
        self.now += time;
        self.round().await;
        self.door.wait_after(self.now, self.now);
    }

    fn looked_at_ns(&self) -> i64 {
        let kept: serde_json::Value = serde_json::from_str(&self.kept()).unwrap();
        kept["looked_at_ns"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn each_input_is_looked_at_as_often_as_it_says() {
    let mut rig = with_slow_texts();
    rig.append("a.log", "one\n");
    rig.append("a.txt", "two\n");
    rig.after(Duration::ZERO).await;
    for name in ["a", "b"] {
        rig.append(&format!("{name}.log"), format!("{name} three\n"));
        rig.append(&format!("{name}.txt"), format!("{name} four\n"));
    }
    rig.after(SOME_SECONDS).await;
    assert_eq!(texts_of(&rig, "file"), ["a three", "b three", "one"]);
    assert_eq!(texts_of(&rig, "file-2"), ["two"], "it is not time for the other one");
    assert_eq!(rig.open_files(), 3, "what is not looked at is not taken for gone");
    rig.after(HOUR).await;
    assert_eq!(texts_of(&rig, "file-2"), ["a four", "b four", "two"]);
}

#[tokio::test]
async fn a_file_waits_for_the_first_input_that_wants_it() {
    let mut rig = Rig::new(|config| {
        let all = FileInputConfig {
            paths: vec![config.paths[0].replace("*.log", "*")],
            start_position: Some(StartPosition::Beginning),
            scan_interval: Some(Span::from_secs(1)),
            ..FileInputConfig::default()
        };
        config.inputs.insert("file-all".into(), all);
        config.scan_interval = Span(HOUR);
    });
    rig.after(Duration::ZERO).await;
    rig.append("a.log", "one\n");
    rig.append("a.txt", "two\n");
    rig.after(SOME_SECONDS).await;
    assert_eq!(rig.texts(), ["two"]);
    rig.after(HOUR).await;
    assert_eq!(texts_of(&rig, "file"), ["one"]);
    assert_eq!(texts_of(&rig, "file-all"), ["two"]);
}

#[tokio::test]
async fn a_file_with_an_inode_that_was_used_before_waits_for_nobody() {
    let mut rig = with_texts(|input| {
        input.mode = Some(FileMode::Tail);
        input.scan_interval = Some(Span::from_secs(1));
    });
    rig.config.mode = FileMode::Read;
    rig.config.scan_interval = Span(HOUR);
    rig.restart();
    rig.append("a.log", "one\n");
    rig.after(Duration::ZERO).await;
    // The same inode, and all bytes are others: as after a removal whose inode is used again.
    rig.rename("a.log", "a.txt");
    fs::write(rig.path("a.txt"), "two, which is longer\n").unwrap();
    rig.after(SOME_SECONDS).await;
    assert_eq!(texts_of(&rig, "file"), ["one"]);
    assert_eq!(texts_of(&rig, "file-2"), ["two, which is longer"]);
}

#[tokio::test]
async fn between_two_looks_nothing_is_let_go_or_taken_for_mended() {
    let mut rig = with_slow_texts();
    symlink(rig.path("loop.txt"), rig.path("loop.txt")).unwrap();
    rig.append("a.txt", "one\n");
    rig.after(Duration::ZERO).await;
    rig.append("a.txt", "two\n");
    fs::remove_file(rig.path("a.txt")).unwrap();
    // Longer than a file is held open without news, if it was looked at.
    let close_after = rig.config.close_after.0;
    rig.after(close_after + SOME_SECONDS).await;
    assert_eq!(rig.metric("millrace_gateway_files{state=\"unreadable\"}"), 1);
    assert_eq!(rig.open_files(), 1);
    rig.after(HOUR).await;
    assert_eq!(rig.texts(), ["one", "two"]);
}

#[tokio::test]
async fn it_is_kept_when_all_inputs_were_looked_at_last() {
    let mut rig = with_slow_texts();
    rig.append("a.log", "one\n");
    rig.after(Duration::ZERO).await;
    let at_first = rig.looked_at_ns();
    rig.append("a.log", "two\n");
    rig.after(SOME_SECONDS).await;
    assert!(rig.kept().contains("\"offset\":8"), "{}", rig.kept());
    assert_eq!(rig.looked_at_ns(), at_first, "of what came since then one has seen nothing");
    rig.append("a.log", "three\n");
    rig.after(HOUR).await;
    assert!(rig.looked_at_ns() > at_first);
}

#[tokio::test]
async fn open_files_are_looked_at_more_often_than_folders() {
    let mut rig = with_slow_texts();
    rig.append("a.log", "one\n");
    assert_eq!(rig.door.looks_next_at(rig.now), rig.now, "at once");
    rig.after(Duration::ZERO).await;
    let next_at = rig.now + rig.config.poll_interval.0;
    assert_eq!(rig.door.looks_next_at(rig.now), next_at);
    rig.append("a.log", "two\n");
    rig.append("b.log", "three\n");
    rig.now = next_at;
    rig.door.look_around(rig.now);
    rig.read_all().await;
    while rig.door.awaits_arrivals() {
        let arrival = rig.door.arrival().await;
        rig.door.settle(&arrival, rig.now);
    }
    assert_eq!(rig.texts(), ["one", "two"]);
    rig.now += rig.config.scan_interval.0;
    rig.door.look_around(rig.now);
    // That took a while, and the next look is counted from its end, so that there is time to read.
    let ended_at = rig.now + SOME_SECONDS;
    rig.door.wait_after(rig.now, ended_at);
    assert_eq!(rig.door.looks_next_at(ended_at), ended_at + rig.config.poll_interval.0);
    rig.read_all().await;
    assert!(rig.door.awaits_arrivals(), "the new file was found");
}
